"""Letting go of every object that no branch names: what a purge left behind is gone from the disk after it.

All that is named is packed into one new pack, which is made durable; then every other pack and every loose object is
removed. Only under the writer's lock. A file beside the repository says that this is to be done, from before the first
branch has moved until it is done: whoever dies in between leaves it to the next writer.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Final

from pinset.durable import sync
from pinset.errors import Integrity, Refused
from pinset.gitstore import git, packing, refs
from pinset.gitstore.scanning import VERIFY_HINT

if TYPE_CHECKING:
    from pathlib import Path

MARKER: Final = "unswept"
"""The file beside a repository that says that this is to be done."""
_SECONDS: Final = 30.0
"""How long another one that packs is waited for."""
_FORGOTTEN: Final = ("ORIG_HEAD", "FETCH_HEAD", "info/refs", "objects/info/packs", "objects/info/commit-graph")
_FOLDERS: Final = ("logs", "objects/info/commit-graphs")


def begin(repository: Path, marker: Path) -> None:
    """Write down, durably, that there is something to sweep.

    Raises Refused where a ref that is none of the registry's could keep what is to go.
    """
    _refuse_strange(repository)
    marker.write_text("what no branch names is to be removed: see pinset purge, pinset gc\n", "utf-8")
    sync(marker)
    sync(marker.parent)


def last(repository: Path) -> int | None:
    """Which sweep was the last: the time of a folder that nobody else changes. None where it is not there."""
    try:
        return (repository / "objects" / "info").stat().st_mtime_ns
    except OSError:
        return None


def sweep(repository: Path) -> None:
    """Remove every object that no branch names. Raises Busy, Integrity, ReadOnly, Refused, Unavailable, OSError."""
    _refuse_strange(repository)
    objects = repository / "objects"
    folder = objects / "pack"
    tips = sorted(set(refs.read_all(repository).values()))
    with packing.alone(repository, _SECONDS):
        kept = folder / f"pack-{git.pack_all(repository, tips)}.idx"
        packing.made_durable(kept)
        sync(folder)
        held = packing.ids(kept)
        if not tips or not {bytes.fromhex(tip) for tip in tips} <= held:
            raise Integrity("git did not pack all that the branches name", hint=VERIFY_HINT)
        for index in sorted(folder.glob("*.idx")):
            if index != kept:
                packing.remove_pack(index)
        for path in (*folder.iterdir(), *objects.glob("tmp_*"), *objects.glob("??/*")):
            if path.parent != folder or path.stem != kept.stem:
                path.unlink(missing_ok=True)
    for name in _FORGOTTEN:
        (repository / name).unlink(missing_ok=True)
    for name in _FOLDERS:
        shutil.rmtree(repository / name, ignore_errors=True)
    (objects / "info").mkdir(exist_ok=True)
    os.utime(objects / "info")
    for changed in (folder, *objects.glob("??"), objects, repository):
        sync(changed)


def _refuse_strange(repository: Path) -> None:
    """Raises Refused for a ref that is none of the registry's, such as what was put aside: it may keep what is to go."""
    listed = git.run(repository, "for-each-ref", "--format=%(refname)").stdout.splitlines()
    strange = [name for name in listed if not name.startswith("refs/heads/")]
    if strange:
        raise Refused(
            f"the repository has {strange[0]}, which may keep what is to be purged",
            hint=f"delete it: git --git-dir {repository} update-ref -d {strange[0]}",
            details={"refs": strange[:100]},
        )
