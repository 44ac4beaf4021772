"""Publish, promote and get: here, beside the floor that git itself sets on this disk.

The floor writes two blobs, one tree and one commit and moves a ref by compare-and-swap with bare pygit2, fsync on: what
a publish or a promotion cannot do without. "In the writer" is the product from bytes that were checked before to rows
that everybody sees; end to end has the checks of the manifest, the questions to the catalog and the answer too.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pygit2
from figures import Figure, timed

from pinset import bootstrap
from pinset.domain.records import ROOT, Action, MoveRecord, ReleaseRecord, Stamp
from pinset.domain.sealed import canonical, digest_of, listing
from pinset.ports.registry import Caller
from pinset.ports.store import Files, TreeOf
from pinset.services.session import writing

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.services.local import LocalRegistry

ROUNDS = 60
BY = Caller(actor="bench")


def manifest(number: int) -> dict[str, str]:
    text = f"Summarize {{{{ticket}}}} ({number})."
    lines = f"release:\n  feature: bench\n  model: {{name: m, pinned_version: '1'}}\n  prompt: {{text: '{text}'}}\n"
    return {"release.yaml": lines}


class Floor:
    """The same on bare pygit2."""

    def __init__(self, directory: Path) -> None:
        pygit2.settings.enable_fsync_gitdir(True)  # noqa: FBT003 - the library's own signature
        self._repo = pygit2.init_repository(str(directory), bare=True)
        self._signature = pygit2.Signature("bench", "bench@localhost", 0, 0)
        self._tips: list[pygit2.Oid] = []

    def publish(self, number: int) -> None:
        tree = self._repo.TreeBuilder()
        for name in ("manifest.json", "release.yaml"):
            tree.insert(name, self._repo.create_blob(f"{name} {number}".encode()), pygit2.enums.FileMode.BLOB)
        self._move("refs/heads/release", tree.write(), number)

    def promote(self, number: int) -> None:
        self._move("refs/heads/alias", self._repo[self._tips[-1]].tree_id, number)

    def _move(self, ref: str, tree: pygit2.Oid, number: int) -> None:
        parents = self._tips[-1:]
        commit = self._repo.create_commit(None, self._signature, self._signature, str(number), tree, parents)
        with self._repo.transaction() as transaction:
            transaction.lock_ref(ref)
            transaction.set_target(ref, commit)
        self._tips = [commit]


class Writer:
    """The writer alone: one commit from bytes that were checked before, from objects to visible rows."""

    def __init__(self, registry: LocalRegistry) -> None:
        self._context = registry._context
        self._seq = 0

    def publish(self, number: int) -> float:
        files = {"release.yaml": f"release.yaml {number}"}
        sealed = canonical({"format": 1, "bundle": "writer", "parts": {}, "files": listing(files)})
        everything = {**files, "manifest.json": sealed}

        def record(stamp: Stamp) -> ReleaseRecord:
            digest = digest_of(sealed)
            return ReleaseRecord(stamp=stamp, bundle="writer", version=number, label=None, digest=digest)

        return self._timed(record, Files(everything), everything, lambda at: (at,) if at else ())

    def promote(self, number: int) -> float:
        with self._context.catalog.reading() as reader:
            release, back = reader.release("writer", number), reader.alias("writer", "production")
        assert release is not None
        commit, before, self._seq = release.commit, back.record if back else None, self._seq + 1

        def record(stamp: Stamp) -> MoveRecord:
            moved = {"from_version": before.to_version if before else None, "back": before.seq if before else None}
            where = {"bundle": "writer", "alias": "production", "action": Action.PROMOTE}
            return MoveRecord(stamp=stamp, seq=self._seq, to_version=number, **where, **moved)

        return self._timed(record, TreeOf(commit), {}, lambda at: (at or ROOT, commit))

    def _timed(self, record: Any, tree: Any, files: Any, parents: Any) -> float:
        with writing(self._context, BY, "bench", {}) as session:
            return timed(lambda: (session.stage(record, tree, parents, files), session.commit()))


def figures() -> list[Figure]:
    """Writes and reads in a registry of some releases."""
    values: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        bootstrap.create_registry(home / "registry")
        registry, floor = bootstrap.local_registry(home / "registry", serving=True), Floor(home / "floor.git")
        writer = Writer(registry)
        registry.publish(BY, manifest(0), alias="production")
        floor.publish(0)
        for number in range(1, ROUNDS + 1):
            sides: dict[str, Callable[[], object]] = {
                "publish": partial(registry.publish, BY, manifest(number)),
                "publish, floor": partial(floor.publish, number),
                "promote": partial(registry.promote, BY, f"bench@v{number + 1}", "production"),
                "promote, floor": partial(floor.promote, number),
                "get by alias": partial(registry.release, "bench@production"),
                "check a manifest": partial(registry.check, manifest(number)),
            }
            for name, work in sides.items():
                values.setdefault(name, []).append(timed(work))
            for name, inside in (("publish", writer.publish), ("promote", writer.promote)):
                values.setdefault(f"{name}, in the writer", []).append(inside(number))
        registry.close()
    floors = {name: Figure("git's floor", values=values[f"{name}, floor"]) for name in ("publish", "promote")}
    made = [
        Figure("publish, in the writer", beside=floors["publish"], wanted=1.5),
        Figure("promote, in the writer", beside=floors["promote"], wanted=2),
        Figure("publish, end to end", beside=floors["publish"]),
        Figure("promote, end to end", beside=floors["promote"]),
        Figure("check a manifest"),
        Figure("get by alias"),
    ]
    for figure in made:
        figure.values = values[figure.name.removesuffix(", end to end")]
    return made
