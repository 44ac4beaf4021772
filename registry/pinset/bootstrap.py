"""The wiring: which adapter stands behind which port. The only module that knows them all."""

from __future__ import annotations

import os
import shutil
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pinset.errors import AlreadyExists, InvalidInput, NoRegistry, PinsetError, ReadOnly
from pinset.services import maintenance
from pinset.services.local import LocalRegistry
from pinset.services.session import Context

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.domain.answers import RegistryAnswer
    from pinset.ports.progress import Progress

REPOSITORY = "repository.git"
FOLDER = ".pinset"
_SERVED = "PINSET_SERVED_DIRECTORY"
"""How the workers that uvicorn starts learn what they serve."""


class SystemClock:
    """The machine's wall clock."""

    def now(self) -> int:
        """Microseconds since 1970, UTC."""
        return time.time_ns() // 1000


def find_directory(start: Path) -> Path:
    """The registry's own directory: the one given, or the ``.pinset/`` it holds. Raises NoRegistry."""
    for candidate in (start, start / FOLDER):
        if (candidate / REPOSITORY).is_dir():
            return candidate
    raise NoRegistry(f"there is no registry at {start}", hint=f"make one: pinset init {start}")


def create_registry(directory: Path) -> RegistryAnswer:
    """Make a registry in ``directory``, which must not exist or be empty. All or nothing."""
    if directory.exists() and any(directory.iterdir()):
        raise AlreadyExists(f"{directory} is not empty", hint="use the registry that is there, or another directory")
    building = directory.parent / f".{directory.name}.{uuid.uuid4().hex[:8]}"
    try:
        building.mkdir(parents=True)
        context = _context(building, create=True)
        registry = LocalRegistry(context)
        try:
            maintenance.found(context, str(uuid.uuid4()))
            answer = registry.describe()
        finally:
            registry.close()
        if directory.exists():
            directory.rmdir()
        building.rename(directory)
    except OSError as error:
        raise ReadOnly(
            f"a registry cannot be made at {directory}: {error.strerror}", hint="check its permissions"
        ) from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return answer


def local_registry(directory: Path, *, progress: Progress | None = None) -> LocalRegistry:
    """The registry of a directory. Raises NoRegistry, UnknownFormat, Busy, Integrity."""
    registry = LocalRegistry(_context(find_directory(directory), create=False))
    try:
        registry.open(progress)
    except PinsetError:
        registry.close()
        raise
    return registry


def memory_registry() -> LocalRegistry:
    """A registry that is gone with the process: for tests and for trying things."""
    from pinset.catalog.memory import MemoryCatalog, MemoryState
    from pinset.gitstore.memory import MemoryStore

    context = Context(store=MemoryStore(), catalog=MemoryCatalog(), state=MemoryState(), clock=SystemClock())
    maintenance.found(context, str(uuid.uuid4()))
    return LocalRegistry(context)


def open_registry(location: str, *, token: str | None = None, progress: Progress | None = None) -> Any:
    """The registry at a directory or an ``http(s)://`` address: an implementation of `pinset.ports.registry.Registry`."""
    if location.startswith(("http://", "https://")):
        from pinset.client.remote import RemoteRegistry

        return RemoteRegistry(location, token)
    if "://" in location:
        raise InvalidInput(f"{location} is no address of a registry", hint="give a directory, or http://HOST:7467")
    return local_registry(Path(location), progress=progress)


def backup_registry(directory: Path, target: Path, *, progress: Progress | None = None) -> Path:
    """Copy the repository and the state of one moment to ``target``, which must not exist or be empty."""
    home = find_directory(directory)
    if target.exists() and any(target.iterdir()):
        raise AlreadyExists(f"{target} is not empty", hint="choose a new directory for each backup")
    registry = local_registry(home, progress=progress)
    building = target.parent / f".{target.name}.{uuid.uuid4().hex[:8]}"
    try:
        with registry.exclusive():
            building.mkdir(parents=True)
            shutil.copytree(
                home / REPOSITORY, building / REPOSITORY, ignore=shutil.ignore_patterns("*.lock", "tmp_obj_*")
            )
        registry.backup_state(building / "state.sqlite")
        if target.exists():
            target.rmdir()
        building.rename(target)
    except OSError as error:
        raise ReadOnly(
            f"the backup could not be written: {error.strerror or error}", hint="check the disk and try again"
        ) from error
    finally:
        registry.close()
        shutil.rmtree(building, ignore_errors=True)
    return target


def restore_registry(backup: Path, directory: Path) -> RegistryAnswer:
    """Make a registry from a backup. It begins a new epoch, so that clients neither refuse nor mix it with the old."""
    source = find_directory(backup)
    if directory.exists() and any(directory.iterdir()):
        raise AlreadyExists(f"{directory} is not empty", hint="restore into a new directory, then put it in place")
    building = directory.parent / f".{directory.name}.{uuid.uuid4().hex[:8]}"
    try:
        shutil.copytree(source / REPOSITORY, building / REPOSITORY)
        if (source / "state.sqlite").exists():
            shutil.copyfile(source / "state.sqlite", building / "state.sqlite")
        context = _context(building, create=False)
        registry = LocalRegistry(context)
        try:
            maintenance.move_house(context, f"restored from a backup ({backup.name})")
            answer = registry.describe()
        finally:
            registry.close()
        if directory.exists():
            directory.rmdir()
        building.rename(directory)
    except OSError as error:
        raise ReadOnly(
            f"the backup could not be restored: {error.strerror or error}", hint="check the disk and try again"
        ) from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return answer


def serve_registry(directory: Path, *, host: str, port: int, workers: int, talk: Callable[[str], None]) -> None:
    """Serve a registry over HTTP until interrupted. talk: is told where."""
    from pinset.api import server

    home = find_directory(directory)
    registry = local_registry(home)
    try:
        listening = server.listen(registry, host, port)
    finally:
        registry.close()
    os.environ[_SERVED] = str(home)
    try:
        server.run(
            "pinset.bootstrap:application",
            listening,
            workers=workers,
            ready=lambda address: talk(f"serving {home} on {address} (ctrl-c stops it)"),
        )
    finally:
        listening.close()


def application() -> Any:
    """The application of one worker of `serve_registry`."""
    from pinset.api.app import create_app

    return create_app(local_registry(Path(os.environ[_SERVED])))


def _context(directory: Path, *, create: bool) -> Context:
    from pinset.catalog.sqlite import SqliteCatalog
    from pinset.catalog.state import SqlState
    from pinset.gitstore.store import GitStore

    store = GitStore.create(directory / REPOSITORY) if create else GitStore.open(directory / REPOSITORY)
    return Context(store=store, catalog=SqliteCatalog(directory), state=SqlState(directory), clock=SystemClock())
