"""Ports: what the services need of the world, as Protocols whose sentences are contracts.

Each port has an adapter for production and one in memory, both shipped, both held by the same contract suite.
"""
