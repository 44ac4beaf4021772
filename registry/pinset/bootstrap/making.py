"""Making a registry: a new one, a backup of one, and one from a backup or a clone. All or nothing."""

from __future__ import annotations

import shutil
import uuid
from contextlib import closing
from typing import TYPE_CHECKING

from pinset.bootstrap.opening import (
    CATALOG,
    FOLDER,
    KEYS,
    REPOSITORY,
    STATE,
    context_of,
    find_directory,
    local_registry,
    store_of,
)
from pinset.errors import InvalidInput, NoRegistry, NotFound

if TYPE_CHECKING:
    from pathlib import Path

    from pinset.domain.answers import RegistryAnswer
    from pinset.ports.progress import Progress

_STATE_FILES = (STATE, f"{STATE}-wal", "state.serial")
_PACKING_SECONDS = 30.0
"""How long a backup waits for a gc."""


def _refuse_inside(target: Path) -> None:
    """Raises InvalidInput for a place within a registry: what is there would be copied, packed and served with it."""
    for above in target.absolute().resolve().parents:
        if (above / REPOSITORY).is_dir() or above.name == REPOSITORY:
            raise InvalidInput(f"{target} is inside a registry", hint=f"choose a directory outside of {above}")


def _copy_keys(source: Path, target: Path) -> None:
    """Copy the private keys, where there are any, for their owner alone."""
    if (source / KEYS).is_dir():
        shutil.copytree(source / KEYS, target / KEYS, ignore=shutil.ignore_patterns(".tmp-*"))
        (target / KEYS).chmod(0o700)
        for path in (target / KEYS).iterdir():
            path.chmod(0o600)


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
        context = context_of(building, create=True)
        with closing(LocalRegistry(context)) as registry:
            maintenance.found(context, str(uuid.uuid4()))
            return registry.describe()


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
            _copy_keys(home, building)
        with closing(store_of(building)) as copy:
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
        _copy_keys(source, building)
        context = context_of(building, create=False)
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
        context = context_of(building, create=True)
        with closing(LocalRegistry(context)) as registry:
            cloning.copy(clone, building / REPOSITORY)
            verifying.prove_clone(context.store, clone)
            maintenance.move_house(context, f"made from a clone ({clone.absolute().name})")
            return registry.describe()
