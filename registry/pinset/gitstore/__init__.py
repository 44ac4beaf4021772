"""The store on git: the truth of the registry, written by a supervised child process.

Only `child` and `writer` import pygit2, and only in the child process: libgit2 can hang or crash on damaged
files, and then the child dies, not the registry.
"""

from __future__ import annotations

from pinset.gitstore.memory import MemoryStore
from pinset.gitstore.store import GitStore

__all__ = ["GitStore", "MemoryStore"]
