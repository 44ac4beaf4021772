"""Registries elsewhere, over HTTP: the same interface and the same errors as near by."""
