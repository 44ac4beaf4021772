"""The wiring: which adapter stands behind which port. The only package that knows them all."""

from __future__ import annotations

from pinset.bootstrap.making import backup_registry, clone_registry, create_registry, restore_registry
from pinset.bootstrap.opening import (
    FOLDER,
    REPOSITORY,
    SystemClock,
    directory_source,
    find_directory,
    local_registry,
    memory_registry,
    open_registry,
    working_copy,
)
from pinset.bootstrap.serving import application, serve_registry

__all__ = [
    "FOLDER",
    "REPOSITORY",
    "SystemClock",
    "application",
    "backup_registry",
    "clone_registry",
    "create_registry",
    "directory_source",
    "find_directory",
    "local_registry",
    "memory_registry",
    "open_registry",
    "restore_registry",
    "serve_registry",
    "working_copy",
]
