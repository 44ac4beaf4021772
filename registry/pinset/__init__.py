"""Pinset: coherent releases of LLM features, versioned as git commits."""

__version__ = "0.1.0"
