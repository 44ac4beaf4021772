"""Records of bundles that do not follow from what was before are found, whoever wrote them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pinset.domain.bundle_proof import Bundles
from pinset.domain.described import description_text, owner_text, parse_settings
from pinset.domain.records import BundleAction, BundleRecord, Stamp
from pinset.errors import InvalidInput

STAMP = Stamp(serial=9, prev=None, at=1, actor="ana", operation="op")
RENAME = BundleRecord(stamp=STAMP, bundle="a", action=BundleAction.RENAME, name="b")
SET = replace(RENAME, action=BundleAction.SET, owner="ann")
ARCHIVE = replace(RENAME, action=BundleAction.ARCHIVE, archived=True)


def seen(*records: BundleRecord) -> Bundles:
    bundles = Bundles()
    for bundle in ("a", "other"):
        assert list(bundles.released(bundle)) == []
    for record in records:
        assert list(bundles.add(record, record.files)) == []
    return bundles


def test_what_follows_is_sound() -> None:
    bundles = seen(
        RENAME, SET, ARCHIVE, replace(RENAME, name="c", archived=True), replace(RENAME, name="a", archived=True)
    )
    assert all(bundles.has("a", name) for name in "abc")
    assert not bundles.has("other", "b")
    assert not bundles.has("a", None)
    assert list(bundles.released("a")) == []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"name": "other"}, "takes the name other of another bundle"),
        ({"bundle": "nothing"}, "which does not exist"),
        ({"archived": True}, "whether it is archived"),
        ({"action": BundleAction.ARCHIVE}, "whether it is archived"),
        ({"action": BundleAction.SET, "name": "c"}, "calls the bundle c, and it is called b"),
    ],
)
def test_what_does_not_follow_is_said(change: dict[str, Any], why: str) -> None:
    record = replace(RENAME, **change)
    assert any(why in what for what in seen(RENAME).add(record, record.files))


CALLED = replace(RENAME, action=BundleAction.SET, name="a", names=("Movie Critic", "team/x"))
LESS = replace(CALLED, names=("team/x",))
OTHER = replace(CALLED, bundle="other", name="other")


def test_a_spelling_is_never_that_of_two_bundles_at_the_same_time() -> None:
    (why,) = seen(CALLED, LESS).add(OTHER, OTHER.files)
    assert why == "takes the spelling 'team/x' of a"
    two = seen(CALLED, LESS, replace(OTHER, names=("Movie Critic",)))
    assert list(two.add(CALLED, CALLED.files)) == ["takes the spelling 'Movie Critic' of other"]


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (("Movie Critic", "Movie Critic"), "names a spelling twice"),
        (("plain-name",), "has the spelling 'plain-name', which is none"),
        (("e\u0301",), "which is none"),
        (("a\nb",), "which is none"),
    ],
)
def test_spellings_are_as_they_are_kept(names: tuple[str, ...], why: str) -> None:
    record = replace(CALLED, names=names)
    (what,) = seen().add(record, record.files)
    assert why in what


def test_only_who_describes_changes_spellings() -> None:
    for action, archived in ((BundleAction.ARCHIVE, True), (BundleAction.RENAME, False)):
        record = replace(CALLED, action=action, archived=archived, names=())
        assert list(seen(CALLED).add(record, record.files)) == [
            "gives the bundle other spellings, which its action does not"
        ]
        kept = replace(record, names=CALLED.names)
        assert list(seen(CALLED).add(kept, kept.files)) == []


def test_the_file_of_a_bundle_without_spellings_is_what_it_was() -> None:
    assert list(replace(CALLED, names=()).files.values()) == [
        'bundle: "a"\nname: "a"\nowner: ""\ndescription: ""\narchived: false\n'
    ]
    assert 'names: ["Movie Critic", "team/x"]\n' in CALLED.files["bundle.yaml"]


def test_a_name_is_never_published_under_again_and_the_file_is_the_records() -> None:
    assert list(seen(RENAME).released("b")) == ["is published under a name of a"]
    assert list(seen().add(RENAME, {})) == ["holds another bundle.yaml than it says"]
    assert list(seen().add(RENAME, replace(RENAME, owner="eve").files)) == ["holds another bundle.yaml than it says"]


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        (["ownr=a"], "did you mean owner="),
        (["Descripton=a"], "did you mean description="),
        (["colour=red"], "owner, description"),
        (["owner"], "KEY=VALUE"),
        (["owner=a", "owner=b"], "leave one"),
        ([], "say what"),
    ],
)
def test_a_setting_that_is_none_is_refused_with_a_way_out(given: list[str], hint: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_settings(given)
    assert hint in caught.value.hint


def test_what_is_said_is_plain_text() -> None:
    assert parse_settings(["owner=", "description=a=b"]) == {"owner": "", "description": "a=b"}
    assert owner_text(" team support ") == "team support"
    assert description_text("a\r\nb\x1b[31m \n") == "a\nb[31m"
    assert description_text("\u200b") == ""
    for owner in ("a\nb", "a\x00", "a\u202eb", "x" * 201):
        with pytest.raises(InvalidInput):
            owner_text(owner)
    for length in (2001, 100_000):
        with pytest.raises(InvalidInput):
            description_text("x" * length)
