"""Tombstones: what a purge leaves behind. Names, digests and old commit ids; nothing of what was in it.

``purged.json`` names what was purged and the SHA-256 of the texts it was purged for. ``rewritten/0001.txt`` and so on
say which commit each serial was before, so that whoever kept a commit id can be told what became of it.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from pinset.domain.notes import digest_of_text
from pinset.errors import Integrity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pinset.domain.records import PurgeRecord

FILE: Final = "purged.json"
FORMAT: Final = 1
_LINES: Final = 20_000
"""Commits in one file: a million fits the largest tree there may be."""
_LINE: Final = re.compile(r"([1-9][0-9]{0,17}) ([0-9a-f]{40})")


class Gone(NamedTuple):
    """A release or a version of a component that was purged. paths: those of its files that it was purged for."""

    ref: str
    label: str | None
    digest: str
    paths: tuple[str, ...]


class Tombstone(NamedTuple):
    """What a purge removed. texts: SHA-256 (hex) of the texts it was for. before: serials and the commits they were."""

    texts: tuple[str, ...]
    gone: tuple[Gone, ...]
    before: tuple[tuple[int, str], ...]


def files_of(tombstone: Tombstone) -> dict[str, str]:
    """The files of a tombstone's commit."""
    lists = dict(_lists(tombstone.before))
    head = {
        "format": FORMAT,
        "texts": list(tombstone.texts),
        "purged": [{**one._asdict(), "paths": list(one.paths)} for one in tombstone.gone],
        "rewritten": {path: digest_of_text(text) for path, text in lists.items()},
    }
    return {FILE: json.dumps(head, indent=2, sort_keys=True, ensure_ascii=True) + "\n", **lists}


def read(files: Mapping[str, str], digest: str) -> Tombstone:
    """The tombstone that a commit holds, proven by the digest of its ``purged.json``. Raises Integrity."""
    try:
        head = json.loads(files[FILE])
        _prove(files, {FILE: digest, **head["rewritten"]}, head["format"])
        gone = tuple(Gone(one["ref"], one["label"], one["digest"], tuple(one["paths"])) for one in head["purged"])
        before = tuple(_parsed(files, sorted(head["rewritten"])))
    except (KeyError, ValueError, TypeError) as error:
        raise Integrity(f"a tombstone cannot be relied on: {error}", hint="run `pinset verify`") from error
    return Tombstone(tuple(head["texts"]), gone, before)


def _prove(files: Mapping[str, str], listed: Mapping[str, str], form: object) -> None:
    if form != FORMAT or set(listed) != set(files):
        raise ValueError("it holds other files than it lists")
    for path, digest in listed.items():
        if digest_of_text(files[path]) != digest:
            raise ValueError(f"{path} is not the one that is named")


def _lists(before: Sequence[tuple[int, str]]) -> Iterator[tuple[str, str]]:
    for number, at in enumerate(range(0, len(before), _LINES), start=1):
        lines = (f"{serial} {commit}\n" for serial, commit in before[at : at + _LINES])
        yield f"rewritten/{number:04}.txt", "".join(lines)


def _parsed(files: Mapping[str, str], paths: Iterable[str]) -> Iterator[tuple[int, str]]:
    for path in paths:
        for line in files[path].splitlines():
            match = _LINE.fullmatch(line)
            if match is None:
                raise ValueError(f"{path} has a line that is none of its own")
            yield int(match[1]), match[2]


def differs(tombstone: Tombstone, record: PurgeRecord, serials: Sequence[int]) -> str | None:
    """What a tombstone says otherwise than its record, or than the serials of the registry before it; None: nothing."""
    if tuple(one.ref for one in tombstone.gone) != record.purged:
        return "names other releases than its tombstone"
    if tuple(serial for serial, _ in tombstone.before) != tuple(serials):
        return "was not made of the commits before it"
    return None if tombstone.before[-1][1] == record.head else "had another head before than its tombstone says"
