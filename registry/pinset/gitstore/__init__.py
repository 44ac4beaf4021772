"""The store on git: the truth of the registry, written by a supervised child process.

Only `child` and `writer` import pygit2, and only in the child process: libgit2 can hang or crash on damaged
files, and then the child dies, not the registry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pinset.gitstore.memory import MemoryStore
    from pinset.gitstore.store import GitStore

__all__ = ["GitStore", "MemoryStore"]


def __getattr__(name: str) -> Any:
    """One store, without what the other needs."""
    if name == "GitStore":
        from pinset.gitstore.store import GitStore  # noqa: PLC0415 - reading needs no in-memory store

        return GitStore
    if name == "MemoryStore":
        from pinset.gitstore.memory import MemoryStore  # noqa: PLC0415 - the memory store needs no child

        return MemoryStore
    raise AttributeError(name)
