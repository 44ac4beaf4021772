"""Finding and opening a registry, and what stands in its place: which adapter is behind which port."""

from __future__ import annotations

import os
import time
import uuid
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote, urlsplit

from pinset.errors import Integrity, InvalidInput, NoRegistry, PermissionDenied, PinsetError

if TYPE_CHECKING:
    from pinset.domain.answers import ComponentAnswer
    from pinset.domain.references import ComponentReference
    from pinset.ports.progress import Progress
    from pinset.ports.registry import Registry
    from pinset.ports.store import Store
    from pinset.services.local import LocalRegistry
    from pinset.services.session import Context
    from pinset.services.sourcing import DirectorySource
    from pinset.working.components import Ask
    from pinset.working.copy import WorkingCopy

REPOSITORY = "repository.git"
STATE = "state.sqlite"
CATALOG = "catalog.sqlite"
KEYS = "keys"
FOLDER = ".pinset"


class SystemClock:
    """The machine's wall clock."""

    def now(self) -> int:
        """Microseconds since 1970, UTC."""
        return time.time_ns() // 1000


def find_directory(start: Path) -> Path:
    """The registry's own directory: the one given, or the ``.pinset/`` it holds.

    Raises NoRegistry, PermissionDenied, Integrity for one that has lost its repository.
    """
    try:
        for candidate in (start, start / FOLDER):
            if (candidate / REPOSITORY).is_dir():
                return candidate
            if (candidate / STATE).exists() or os.path.lexists(candidate / CATALOG):
                raise Integrity(
                    f"the registry at {candidate} has lost its {REPOSITORY}",
                    hint="restore a backup into a new directory: pinset restore BACKUP DIR",
                )
    except PermissionError as error:
        raise PermissionDenied(
            f"{start} cannot be looked into: {error.strerror}", hint="run as its owner, or let this user read it"
        ) from error
    raise NoRegistry(f"there is no registry at {start}", hint=f"make one: pinset init {start}")


def local_registry(
    directory: Path, *, serving: bool = False, settle: bool = True, progress: Progress | None = None
) -> LocalRegistry:
    """The registry of a directory. serving: for long, by a process that never forks and closes it in the end.

    settle: False to leave a catalog that is missing, and a write that was cut off, as they are.

    Raises NoRegistry, UnknownFormat, Busy, Integrity.
    """
    from pinset.services.local import LocalRegistry

    registry = LocalRegistry(context_of(find_directory(directory), create=False, serving=serving))
    if not settle:
        return registry
    try:
        registry.open(progress)
    except PinsetError:
        registry.close()
        raise
    return registry


def directory_source(directory: str) -> DirectorySource:
    """A registry's directory as the client reads it. Raises NoRegistry, and what opening one raises."""
    from pinset.services.sourcing import DirectorySource

    home = find_directory(Path(directory).expanduser())
    return DirectorySource(local_registry(home), home.resolve().as_uri())


def working_copy(
    bundle: str,
    directory: str,
    *,
    registry: str | None = None,
    token: str | None = None,
    components: Path | str | None = None,
) -> WorkingCopy:
    """A directory with a manifest as the client reads it, in the place of a bundle's releases.

    registry: where shared components are asked for: an ``http(s)://`` or ``file://`` address; any other is none.
    components: the folder of those that are not there; by default one called so beside the directory, or above it.
    """
    from pinset.working.components import Components, folder_near
    from pinset.working.copy import WorkingCopy

    place = Path(directory).expanduser().absolute()
    folder = Path(components) if components is not None else folder_near(place)
    return WorkingCopy(bundle, place, Components(_asking(registry or "", token), folder), directory)


def _asking(registry: str, token: str | None) -> Ask | None:
    """How one component is asked for: in one short try, on a connection of its own, for it is asked once."""
    from pinset.client.http import Http
    from pinset.client.requests import path_of

    def far(reference: ComponentReference) -> ComponentAnswer:
        with closing(Http(registry, token)) as http:
            path = path_of("components", reference.kind, reference.name, str(reference.selector))
            return cast("ComponentAnswer", http.fetch(path, {}, tag=None, seconds=3.0, connect=1.0)[0])

    def near(reference: ComponentReference) -> ComponentAnswer:
        with closing(local_registry(find_directory(Path(unquote(urlsplit(registry).path))))) as found:
            return found.component(reference.kind, reference.name, str(reference.selector))

    return {"http": far, "https": far, "file": near}.get(registry.partition("://")[0])


def memory_registry() -> LocalRegistry:
    """A registry that is gone with the process: for tests and for trying things."""
    from pinset.catalog.memory import MemoryCatalog, MemoryState
    from pinset.catalog.sights import MemorySights
    from pinset.costs.nothing import Nothing
    from pinset.gitstore.memory import MemoryStore
    from pinset.services import maintenance
    from pinset.services.local import LocalRegistry
    from pinset.services.session import Context

    context = Context(
        store=MemoryStore(),
        catalog=MemoryCatalog(),
        state=MemoryState(),
        clock=SystemClock(),
        sights=MemorySights(),
        costs=Nothing(),
    )
    maintenance.found(context, str(uuid.uuid4()))
    return LocalRegistry(context)


def open_registry(location: str, *, token: str | None = None, progress: Progress | None = None) -> Registry:
    """The registry at a directory or an ``http(s)://`` address."""
    if location.startswith(("http://", "https://")):
        from pinset.client.remote import RemoteRegistry

        return RemoteRegistry(location, token)
    if "://" in location:
        raise InvalidInput(f"{location} is no address of a registry", hint="give a directory, or http://HOST:7467")
    return local_registry(Path(location), progress=progress)


def context_of(directory: Path, *, create: bool, serving: bool = False) -> Context:
    """The ports of a registry's directory. serving: as for `local_registry`."""
    from pinset.catalog.sights import FileSights
    from pinset.catalog.sqlite import SqliteCatalog
    from pinset.catalog.state import SqlState
    from pinset.costs.offline import Offline
    from pinset.services.session import Context

    store, catalog = store_of(directory, create=create), SqliteCatalog(directory, keep_writer=serving)
    state, sights = SqlState(directory), FileSights(directory)
    return Context(store=store, catalog=catalog, state=state, clock=SystemClock(), sights=sights, costs=Offline())


def store_of(directory: Path, *, create: bool = False) -> Store:
    """The git store in a registry's directory."""
    from pinset.gitstore.store import GitStore

    repository = directory / REPOSITORY
    return GitStore.create(repository) if create else GitStore.open(repository)
