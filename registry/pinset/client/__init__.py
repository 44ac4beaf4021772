"""Clients of a registry elsewhere. They import no server code."""
