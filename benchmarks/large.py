"""A registry with very many releases, made in a minute: its git objects are written as one pack, and then `reindex`.

Every commit is encoded as the product encodes it, and `pinset verify` accepts the result. Releases come in turn over
all bundles; each changes one sentence of a prompt of some kilobytes.
"""

from __future__ import annotations

import hashlib
import random
import struct
import subprocess
import zlib
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pinset import bootstrap
from pinset.domain import messages
from pinset.domain.assembly import apart, assemble_release
from pinset.domain.records import Action, MoveRecord, ReleaseRecord, Stamp
from pinset.domain.sealed import MANIFEST, digest_of, sha256
from pinset.gitstore.keyfiles import KeyFiles
from pinset.gitstore.objects import EMPTY_TREE, ROOT_COMMIT, GitObject, commit_facts, tree_objects

if TYPE_CHECKING:
    from pathlib import Path

    from pinset.domain.records import Record

PROMPT = "prompts/main.md"
ALONE = apart(lambda _: None)
"""These releases lean on nothing."""
_WORDS = (
    "ticket",
    "customer",
    "answer",
    "refund",
    "order",
    "policy",
    "summary",
    "tone",
    "reply",
    "detail",
    "never",
    "always",
)
_KINDS = {"commit": 1, "tree": 2, "blob": 3}


@dataclass
class Large:
    """What is made: so many bundles, releases of each, and moves of its alias ``production``."""

    bundles: int
    releases: int
    moves: int
    names: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.names = [f"bundle-{number:05}" for number in range(self.bundles)]


def files_of(bundle: str, dice: random.Random) -> dict[str, str]:
    """The author's files of a first release."""
    lines = [" ".join(dice.choices(_WORDS, k=12)).capitalize() + "." for _ in range(40)]
    manifest = (
        f"release:\n  feature: {bundle}\n"
        "  model: {provider: vendor-x, name: foundation-large, pinned_version: '2025-02-01', temperature: 0.2}\n"
        f"  prompt: {{template: {PROMPT}}}\n"
    )
    return {"release.yaml": manifest, PROMPT: "Summarize {{ticket}}.\n" + "\n".join(lines) + "\n"}


def edited(files: dict[str, str], number: int, dice: random.Random) -> dict[str, str]:
    """The same with one sentence of the prompt written anew."""
    lines = files[PROMPT].split("\n")
    lines[1 + number % 40] = " ".join(dice.choices(_WORDS, k=12)).capitalize() + f" {number}."
    return {**files, PROMPT: "\n".join(lines)}


class Pack:
    """Objects for `git index-pack`."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w+b")
        self._file.write(bytes(12))
        self._seen: set[str] = set()

    def add(self, made: GitObject) -> None:
        if made.id in self._seen:
            return
        self._seen.add(made.id)
        size, kind = len(made.data), _KINDS[made.kind]
        head = [(kind << 4) | (size & 15)]
        size >>= 4
        while size:
            head[-1] |= 128
            head.append(size & 127)
            size >>= 7
        self._file.write(bytes(head) + zlib.compress(made.data, 1))

    def close(self) -> None:
        self._file.seek(0)
        self._file.write(b"PACK" + struct.pack(">II", 2, len(self._seen)))
        self._file.seek(0)
        hashed = hashlib.sha1(usedforsecurity=False)
        while piece := self._file.read(1 << 20):
            hashed.update(piece)
        self._file.write(hashed.digest())
        self._file.close()


class _Maker:
    def __init__(self, registry: Path, pack: Pack) -> None:
        with closing(bootstrap.local_registry(registry)) as opened, opened._context.catalog.reading() as reader:
            head = reader.head()
            self.refs = dict(reader.refs())
        keys = KeyFiles.beside(registry / bootstrap.REPOSITORY)
        self.sign, self.id = keys.signer(keys.publics()[-1]), head.registry_id
        self.serial, self.prev, self.at = head.serial, head.commit, head.at
        self.pack = pack
        pack.add(EMPTY_TREE)
        pack.add(ROOT_COMMIT)

    def stamp(self) -> Stamp:
        self.serial, self.at = self.serial + 1, self.at + 1000
        return Stamp(
            serial=self.serial,
            prev=self.prev,
            at=self.at,
            actor="bench",
            operation=f"op_{self.serial:024x}",
            registry=self.id,
        )

    def commit(self, record: Record, tree: str, parents: tuple[str, ...]) -> str:
        stamp = record.stamp
        made = commit_facts(
            tree=tree,
            parents=parents,
            message=messages.encode(record),
            author=stamp.actor,
            at=stamp.at,
            sign=self.sign,
        )
        self.pack.add(made)
        self.refs[record.ref] = self.prev = made.id
        return made.id


def make_repository(registry: Path, large: Large) -> None:
    """Found a registry and fill its repository; its catalog knows nothing of that yet."""
    bootstrap.create_registry(registry)
    repository, dice = registry / bootstrap.REPOSITORY, random.Random(1)
    pack = Pack(registry / "all.pack")
    maker = _Maker(registry, pack)
    texts, manifests, commits, trees = {}, {}, {}, {}
    every = max(1, large.releases // large.moves)
    moved: dict[str, int] = {}
    for version in range(1, large.releases + 1):
        for bundle in large.names:
            if version == 1:
                texts[bundle] = files_of(bundle, dice)
                sealed = assemble_release(texts[bundle], ALONE).sealed
                assert sealed is not None
                manifests[bundle] = sealed.manifest
            else:
                before = texts[bundle][PROMPT]
                texts[bundle] = edited(texts[bundle], version, dice)
                after = texts[bundle][PROMPT]
                entry = '{"sha256":"%s","size":%d}'
                old, new = (entry % (sha256(text), len(text)) for text in (before, after))
                assert manifests[bundle].count(old) == 1
                manifests[bundle] = manifests[bundle].replace(old, new)
            objects = tree_objects({MANIFEST: manifests[bundle], **texts[bundle]})
            for made in objects:
                pack.add(made)
            record = ReleaseRecord(
                stamp=maker.stamp(), bundle=bundle, version=version, label=None, digest=digest_of(manifests[bundle])
            )
            parents = (commits[bundle],) if bundle in commits else ()
            commits[bundle], trees[bundle] = maker.commit(record, objects[-1].id, parents), objects[-1].id
            if version % every == 0 and moved.get(bundle, 0) < large.moves:
                _promote(maker, bundle, version, moved, every, commits[bundle], trees[bundle])
    pack.close()
    git = ["git", "-C", str(repository)]
    subprocess.run(
        [*git, "index-pack", "--stdin"], stdin=(registry / "all.pack").open("rb"), check=True, capture_output=True
    )
    (registry / "all.pack").unlink()
    lines = ["# pack-refs with: peeled fully-peeled sorted "]
    lines += [f"{commit} {ref}" for ref, commit in sorted(maker.refs.items())]
    (repository / "packed-refs").write_text("\n".join(lines) + "\n")
    main = repository / "refs/heads/main"
    assert main.read_text().strip() == maker.refs["refs/heads/main"]


def _promote(
    maker: _Maker, bundle: str, version: int, moved: dict[str, int], every: int, commit: str, tree: str
) -> None:
    seq = moved[bundle] = moved.get(bundle, 0) + 1
    first = seq == 1
    record = MoveRecord(
        stamp=maker.stamp(),
        bundle=bundle,
        alias="production",
        seq=seq,
        action=Action.PROMOTE,
        from_version=None if first else version - every,
        to_version=version,
        back=None if first else seq - 1,
    )
    maker.commit(record, tree, (maker.refs.get(record.ref, ROOT_COMMIT.id), commit))


def make(registry: Path, large: Large) -> None:
    """Make the registry whole."""
    make_repository(registry, large)
    with closing(bootstrap.local_registry(registry)) as opened:
        opened.reindex()
