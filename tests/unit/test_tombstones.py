from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pinset.domain.notes import digest_of_text
from pinset.domain.proof import Fact, Proof
from pinset.domain.records import FoundingRecord, PurgeRecord, ReleaseRecord, Stamp, Version
from pinset.domain.tombstones import FILE, Gone, Tombstone, files_of, read
from pinset.errors import Integrity

if TYPE_CHECKING:
    from collections.abc import Mapping

MANY = 20_001
TOMBSTONE = Tombstone(
    texts=("ab" * 32,),
    gone=(Gone("support@v2", None, "sha256:" + "0f" * 32, ("prompt.md",)),),
    before=tuple((serial, f"{serial:040x}") for serial in range(2, MANY + 2)),
)


def digest(files: Mapping[str, str]) -> str:
    return digest_of_text(files[FILE])


def test_a_tombstone_of_many_commits_is_read_as_it_was_written() -> None:
    files = files_of(TOMBSTONE)
    assert sorted(files) == [FILE, "rewritten/0001.txt", "rewritten/0002.txt"]
    assert all(len(text.encode()) < 1024 * 1024 for text in files.values())
    assert read(files, digest(files)) == TOMBSTONE


def test_a_tombstone_that_was_changed_is_refused() -> None:
    files = files_of(TOMBSTONE)
    other = {**files, "rewritten/0002.txt": files["rewritten/0002.txt"].replace("0", "1", 1)}
    lacking = {path: text for path, text in files.items() if path != "rewritten/0002.txt"}
    strange = {**files, "more.txt": ""}
    newer = {**files, FILE: json.dumps({**json.loads(files[FILE]), "format": 2})}
    garbled = {**files, FILE: "["}
    for wrong in (other, lacking, strange, newer, garbled, {}):
        with pytest.raises(Integrity):
            read(wrong, digest(wrong) if FILE in wrong else digest(files))
    with pytest.raises(Integrity):
        read(files, "sha256:" + "00" * 32)


@pytest.mark.parametrize(
    "text", ["support", "support@production", "a/b/c@v1", "support@v0", "support@v1 x", "../x@v1/"]
)
def test_what_names_no_version_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="names no version"):
        Version.parse(text)
    assert str(Version.parse("prompts/house-tone@v3")) == "prompts/house-tone@v3"


def _facts() -> list[Fact]:
    """A founding, a release that is empty, and the tombstone that says so."""
    stamp = Stamp(serial=1, prev=None, at=1, actor="ana", operation="op")
    founding = FoundingRecord(stamp=stamp, registry_id="6f1c", epoch=1)
    gone = TOMBSTONE.gone[0]
    release = ReleaseRecord(
        stamp=replace(stamp, serial=2, prev="c1", at=2), bundle="support", version=2, label=None, digest=gone.digest
    )
    files = files_of(TOMBSTONE._replace(before=((2, "0" * 40),)))
    purge = PurgeRecord(
        stamp=replace(stamp, serial=3, prev="c2", at=3),
        purged=("support@v2",),
        tombstone=digest(files),
        first=2,
        head="0" * 40,
        reason="a password",
    )
    return [
        Fact(ref=founding.ref, commit="c1", tree="t1", parents=(), record=founding, files=founding.files),
        Fact(ref=release.ref, commit="c2", tree="empty", parents=(), record=release, files={}),
        Fact(ref=purge.ref, commit="c3", tree="t3", parents=(), record=purge, files=files),
    ]


def _problems(facts: list[Fact]) -> list[str]:
    proof = Proof()
    for fact in facts:
        proof.add(fact)
    proof.finish()
    return [what for _, what in proof.problems]


def test_a_tombstone_proves_what_is_missing_and_nothing_else() -> None:
    founding, release, purge = _facts()
    assert _problems([founding, release, purge]) == []
    assert _problems([founding, release]) == ["has no content, and was not purged"]
    renamed = replace(release, record=replace(release.record, digest="sha256:" + "1e" * 32))  # type: ignore[arg-type]
    assert _problems([founding, renamed, purge]) == [
        "purges support@v2, which is whole, or another, or was never there"
    ]
    record = purge.record
    assert isinstance(record, PurgeRecord)
    for change, said in (
        ({"purged": ("support@v2", "support@v3")}, "names other releases than its tombstone"),
        ({"first": 1}, "was not made of the commits before it"),
        ({"head": "1" * 40}, "had another head before than its tombstone says"),
        ({"tombstone": "sha256:" + "1e" * 32}, "cannot be relied on"),
    ):
        wrong = replace(purge, record=replace(record, **change))
        assert any(said in problem for problem in _problems([founding, release, wrong])), change
    again = replace(
        purge,
        commit="c4",
        parents=("c3",),
        record=replace(record, stamp=replace(record.stamp, serial=4, prev="c3", at=4)),
    )
    assert "purges support@v2, which is whole, or another, or was never there" in _problems(
        [founding, release, purge, again]
    )
