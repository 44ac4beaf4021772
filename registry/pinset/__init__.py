"""Pinset: coherent releases of LLM features, versioned as git commits.

An application asks a `Client` for them: ``Client("http://localhost:7467").get("support-summarizer")``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinset.version import VERSION

if TYPE_CHECKING:
    from pinset.client.aio import AsyncClient
    from pinset.client.client import Client
    from pinset.client.release import Release

__version__ = VERSION
__all__ = ["AsyncClient", "Client", "Release", "__version__"]
_FROM = {"AsyncClient": "pinset.client.aio", "Client": "pinset.client.client", "Release": "pinset.client.release"}


def __getattr__(name: str) -> Any:
    """What applications import, loaded when it is asked for: the command line starts without it."""
    if name not in _FROM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - the standard way to load late

    return getattr(import_module(_FROM[name]), name)
