"""The wiring: which adapter stands behind which port. The only module that knows them all."""

from __future__ import annotations

import os
import shutil
import time
import uuid
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

from pinset.errors import Integrity, InvalidInput, NoRegistry, NotFound, PermissionDenied, PinsetError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.domain.answers import ComponentAnswer, RegistryAnswer
    from pinset.domain.references import ComponentReference
    from pinset.ports.progress import Progress
    from pinset.ports.store import Store
    from pinset.services.local import LocalRegistry
    from pinset.services.session import Context
    from pinset.services.sourcing import DirectorySource
    from pinset.working.components import Ask
    from pinset.working.copy import WorkingCopy

REPOSITORY = "repository.git"
STATE = "state.sqlite"
_STATE_FILES = (STATE, f"{STATE}-wal", "state.serial")
CATALOG = "catalog.sqlite"
FOLDER = ".pinset"
_PACKING_SECONDS = 30.0
"""How long a backup waits for a gc."""
_SERVED = "PINSET_SERVED_DIRECTORY"
_SCRUB_HOURS = "PINSET_SERVED_SCRUB_HOURS"
_WORKERS = "PINSET_SERVED_WORKERS"
_LOG = "PINSET_SERVED_LOG"
_LOG_REQUESTS = "PINSET_SERVED_LOG_REQUESTS"
"""How the workers that uvicorn starts learn what they serve, how often they scrub it, how many they are, and what they log."""


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


def _refuse_inside(target: Path) -> None:
    """Raises InvalidInput for a place within a registry: what is there would be copied, packed and served with it."""
    for above in target.absolute().resolve().parents:
        if (above / REPOSITORY).is_dir() or above.name == REPOSITORY:
            raise InvalidInput(f"{target} is inside a registry", hint=f"choose a directory outside of {above}")


def _find_backup(start: Path) -> Path:
    """What `backup_registry` made, or a registry's own directory. Raises NotFound."""
    try:
        return find_directory(start)
    except NoRegistry as error:
        raise NotFound(f"there is no backup at {start}", hint="give the directory that `pinset backup` made") from error


def create_registry(directory: Path) -> RegistryAnswer:
    """Make a registry in ``directory``, which must not exist or be empty. All or nothing."""
    from pinset.services import maintenance
    from pinset.services.keeping import built_aside
    from pinset.services.local import LocalRegistry

    taken = "use the registry that is there, or another directory"
    _refuse_inside(directory)
    with built_aside(directory, what=f"a registry cannot be made at {directory}", taken=taken) as building:
        context = _context(building, create=True)
        with closing(LocalRegistry(context)) as registry:
            maintenance.found(context, str(uuid.uuid4()))
            return registry.describe()


def local_registry(directory: Path, *, serving: bool = False, progress: Progress | None = None) -> LocalRegistry:
    """The registry of a directory. serving: for long, by a process that never forks and closes it in the end.

    Raises NoRegistry, UnknownFormat, Busy, Integrity.
    """
    from pinset.services.local import LocalRegistry

    registry = LocalRegistry(_context(find_directory(directory), create=False, serving=serving))
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
    from pinset.gitstore.memory import MemoryStore
    from pinset.services import maintenance
    from pinset.services.local import LocalRegistry
    from pinset.services.session import Context

    context = Context(
        store=MemoryStore(), catalog=MemoryCatalog(), state=MemoryState(), clock=SystemClock(), sights=MemorySights()
    )
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
    """Copy the repository and the state of one moment to ``target``, which must not exist or be empty.

    The copy is proven before it counts. Raises Integrity where the registry is damaged.
    """
    from pinset.gitstore import packing
    from pinset.services import verifying
    from pinset.services.keeping import built_aside

    home = find_directory(directory)
    taken = "choose a new directory for each backup"
    _refuse_inside(target)
    with (
        closing(local_registry(home, progress=progress)) as registry,
        built_aside(target, what="the backup cannot be written", taken=taken) as building,
    ):
        # Both halves in one turn: else the state would hold answers of writes that the repository's copy has not.
        # And nobody packs meanwhile: what moves from a file into a pack could be missed in both.
        with packing.alone(home / REPOSITORY, _PACKING_SECONDS), registry.exclusive():
            left_out = shutil.ignore_patterns("*.lock", "packed-refs.new", "tmp_*", ".tmp-*")
            shutil.copytree(home / REPOSITORY, building / REPOSITORY, ignore=left_out)
            registry.backup_state(building / STATE)
        with closing(_store(building)) as copy:
            verifying.prove(copy, progress)
    return target


def restore_registry(backup: Path, directory: Path) -> RegistryAnswer:
    """Make a registry from a backup. It begins a new epoch, so that clients neither refuse nor mix it with the old.

    Raises NotFound where there is no backup, Integrity where it is damaged.
    """
    from pinset.services import maintenance, verifying
    from pinset.services.keeping import built_aside
    from pinset.services.local import LocalRegistry

    source = _find_backup(backup)
    taken = "restore into a new directory, then put it in place"
    _refuse_inside(directory)
    with built_aside(directory, what="the backup cannot be restored", taken=taken) as building:
        shutil.copytree(source / REPOSITORY, building / REPOSITORY)
        for name in _STATE_FILES:  # of a backup the first alone; a registry's own directory may hold them all
            if (source / name).exists():
                shutil.copyfile(source / name, building / name)
        context = _context(building, create=False)
        with closing(LocalRegistry(context)) as registry:
            verifying.prove(context.store)
            verifying.prove_state(context.state)
            maintenance.move_house(context, f"restored from a backup ({backup.name})")
            return registry.describe()


def clone_registry(clone: Path, directory: Path) -> RegistryAnswer:
    """Make a registry from a plain git clone of another's repository, with its whole history, in a new epoch.

    Tokens are not in git, so it has none. Raises NotFound where there is no clone, InvalidInput for one that is no
    registry's or a registry itself, Integrity for one that is damaged or not whole.
    """
    from pinset.gitstore import cloning
    from pinset.services import maintenance, verifying
    from pinset.services.keeping import built_aside
    from pinset.services.local import LocalRegistry

    cloning.refuse_registry(clone, folder=FOLDER, repository=REPOSITORY, beside=(STATE, CATALOG))
    _refuse_inside(directory)
    taken = "make it in a new directory, then put it in place"
    with built_aside(directory, what="the clone cannot be copied", taken=taken) as building:
        context = _context(building, create=True)
        with closing(LocalRegistry(context)) as registry:
            cloning.copy(clone, building / REPOSITORY)
            verifying.prove_clone(context.store, clone)
            maintenance.move_house(context, f"made from a clone ({clone.absolute().name})")
            return registry.describe()


def serve_registry(
    directory: Path,
    *,
    host: str,
    port: int,
    workers: int,
    talk: Callable[[str], None],
    scrub_hours: float = 24.0,
    log: str = "text",
    log_requests: bool = False,
) -> None:
    """Serve a registry over HTTP until interrupted. talk: is told where. scrub_hours: between two scrubs, 0 for none.

    log: what a line on stderr is, ``text`` or ``json``; with json all are, and talk is told nothing. log_requests: a
    line for each request. Raises InvalidInput without the server's packages, and for another log.
    """
    if any(find_spec(package) is None for package in ("fastapi", "uvicorn")):
        raise InvalidInput("serving needs packages that are not installed", hint="pip install 'pinset[server]'")
    from pinset.api import logs, server

    if log not in logs.FORMATS:
        raise InvalidInput(f"there is no log {log}", hint=f"one of {', '.join(logs.FORMATS)}")
    home = find_directory(directory)
    registry = local_registry(home)
    try:
        listening = server.listen(registry, host, port)
    finally:
        registry.close()
    os.environ[_SERVED] = str(home)
    os.environ[_SCRUB_HOURS] = str(scrub_hours)
    os.environ[_WORKERS] = str(workers)
    os.environ[_LOG], os.environ[_LOG_REQUESTS] = log, "1" if log_requests else ""
    logs.configure(log)
    say = talk if log == "text" else logs.said
    try:
        server.run(
            "pinset.bootstrap:application",
            listening,
            workers=workers,
            ready=lambda address: say(f"serving {home} on {address} (ctrl-c stops it)"),
        )
    finally:
        listening.close()


def application() -> Any:
    """The application of one worker of `serve_registry`. It closes its registry when the worker ends."""
    from pinset.api import logs
    from pinset.api.app import create_app
    from pinset.api.server import end_with_parent, give_way
    from pinset.api.settings import Settings
    from pinset.catalog.scrubs import FileScrubs

    end_with_parent()
    give_way()
    home = Path(os.environ[_SERVED])
    logs.configure(os.environ[_LOG])
    settings = Settings(
        scrub_hours=float(os.environ[_SCRUB_HOURS]),
        workers=int(os.environ[_WORKERS]),
        log_requests=bool(os.environ[_LOG_REQUESTS]),
    )
    registry = local_registry(home, serving=True)
    registry.prepare()
    scrubs = FileScrubs(home)
    return create_app(registry, settings=settings, scrubs=scrubs, clock=SystemClock(), at_end=registry.close)


def _context(directory: Path, *, create: bool, serving: bool = False) -> Context:
    from pinset.catalog.sights import FileSights
    from pinset.catalog.sqlite import SqliteCatalog
    from pinset.catalog.state import SqlState
    from pinset.services.session import Context

    store, catalog = _store(directory, create=create), SqliteCatalog(directory, keep_writer=serving)
    state, sights = SqlState(directory), FileSights(directory)
    return Context(store=store, catalog=catalog, state=state, clock=SystemClock(), sights=sights)


def _store(directory: Path, *, create: bool = False) -> Store:
    from pinset.gitstore.store import GitStore

    repository = directory / REPOSITORY
    return GitStore.create(repository) if create else GitStore.open(repository)
