"""The allow-list of names at its edges, and how a name is shown that may hold anything."""

from __future__ import annotations

import pytest

from pinset.domain import names
from pinset.errors import InvalidName

LONGEST = "a" * 64
EVIL = ("..", "a..b", ".git", ".GIT", "a.lock", "a.", "", " ", "a b", "a\n", "a/b", "ä", "a\0", "-", "_")


@pytest.mark.parametrize("name", ["a", "7", "a-b", "a_b", "payments.support-bot", "a.b.c", LONGEST, "lock", "git"])
def test_a_good_name_is_kept_as_it_is(name: str) -> None:
    assert names.bundle_name(name) == name
    assert names.component_name(name) == name
    assert names.is_bundle_name(name)


@pytest.mark.parametrize("name", [*EVIL, "A", "-a", "a-", ".a", "a-.b", LONGEST + "a", "x" * 500])
def test_a_bad_name_is_refused_with_a_way_out(name: str) -> None:
    for check in (names.bundle_name, names.component_name):
        with pytest.raises(InvalidName) as caught:
            check(name)
        assert caught.value.hint
    assert not names.is_bundle_name(name)


@pytest.mark.parametrize("name", ["Support", "Payments.Bot", "A" * 64])
def test_whoever_writes_capitals_is_told_the_name_in_small_letters(name: str) -> None:
    with pytest.raises(InvalidName) as caught:
        names.bundle_name(name)
    assert name.lower() in caught.value.hint


@pytest.mark.parametrize("name", ["Support Bot", "A" * 65, "-A", "\u212aelvin"])
def test_small_letters_are_not_proposed_where_they_would_be_refused_too(name: str) -> None:
    with pytest.raises(InvalidName) as caught:
        names.bundle_name(name)
    assert name.lower() not in caught.value.hint


def test_whoever_gives_a_reference_for_a_name_is_told_the_name() -> None:
    with pytest.raises(InvalidName) as caught:
        names.bundle_name("support@production")
    assert caught.value.hint == "the name alone is wanted here: support"


@pytest.mark.parametrize("alias", ["a", "staging", "v", "vnext", "a.b", "a" * 63, "none-yet"])
def test_a_good_alias_is_kept_as_it_is(alias: str) -> None:
    assert names.alias_name(alias) == alias


@pytest.mark.parametrize("alias", [*EVIL, "Staging", "7a", "v1", "v1beta", "a" * 64, "latest", "none", "declared"])
def test_a_bad_alias_is_refused(alias: str) -> None:
    assert not names.is_alias(alias)
    with pytest.raises(InvalidName):
        names.alias_name(alias)


@pytest.mark.parametrize(
    ("alias", "why"),
    [("v7", "version"), ("2025-03-14", "label"), ("v1beta", "label"), ("v1..2", "label"), ("latest", "reserved")],
)
def test_a_refused_alias_says_what_it_would_be_taken_for(alias: str, why: str) -> None:
    with pytest.raises(InvalidName) as caught:
        names.alias_name(alias)
    assert why in caught.value.message
    with pytest.raises(InvalidName) as other:
        names.alias_name("UPPER")
    assert why not in other.value.message


@pytest.mark.parametrize("label", ["1", "2025-03-14-rc2", "1.4.0+build", "v1.0", "v01", "v0", "1" + "a" * 63])
def test_a_good_label_is_kept_as_it_is(label: str) -> None:
    assert names.label_name(label) == label


@pytest.mark.parametrize("label", [*EVIL, "rc1", "v", "v7", "v999999999", "1..2", "1.lock", "1.", "1" + "a" * 65])
def test_a_bad_label_is_refused(label: str) -> None:
    assert not names.is_label(label)
    with pytest.raises(InvalidName):
        names.label_name(label)


@pytest.mark.parametrize("digits", [7, 8, 63, 64, 65])
def test_a_digest_may_be_shortened_to_eight_digits_unless_it_must_be_whole(digits: int) -> None:
    text = "sha256:" + "0f" * 40
    assert names.is_digest(text[: 7 + digits]) is (8 <= digits <= 64)
    assert names.is_digest(text[: 7 + digits], whole=True) is (digits == 64)


@pytest.mark.parametrize("text", ["SHA256:" + "0" * 64, "sha256:" + "A" * 64, "0" * 64, "sha1:" + "0" * 40])
def test_no_other_hash_is_a_digest(text: str) -> None:
    assert not names.is_digest(text)


@pytest.mark.parametrize("kind", names.KINDS)
def test_a_kind_is_kept_and_its_singular_refused_with_the_plural(kind: str) -> None:
    assert names.component_kind(kind) == kind
    with pytest.raises(InvalidName) as caught:
        names.component_kind("index" if kind == "indexes" else kind[:-1])
    assert kind in caught.value.hint
    assert not any(other in caught.value.hint for other in names.KINDS if other != kind)


@pytest.mark.parametrize("kind", ["", "agents", "Prompts", "indexs"])
def test_an_unknown_kind_is_refused_with_all_there_are(kind: str) -> None:
    with pytest.raises(InvalidName) as caught:
        names.component_kind(kind)
    assert all(known in caught.value.hint for known in names.KINDS)


@pytest.mark.parametrize("path", ["a", "prompts/system.md", "_x/A-1.txt", "a" * 512, "/".join("a" * 256)])
def test_a_good_path_is_kept_as_it_is(path: str) -> None:
    assert names.file_path(path) == path


@pytest.mark.parametrize(
    "path",
    ["", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", ".git/config", "a/.hidden", "a\\b", "a b", "ä", "a\n", "a\0",
     "a.lock", "a.lock/b", "a./b", "a..b", "-a", "C:/a", "a" * 513],
)  # fmt: skip
def test_a_bad_path_is_refused(path: str) -> None:
    with pytest.raises(InvalidName):
        names.file_path(path)


@pytest.mark.parametrize(
    ("text", "fits"), [("ticket", True), ("_a1", True), ("1a", False), ("a-b", False), ("", False)]
)
def test_a_variable_is_named_as_in_programs(text: str, fits: bool) -> None:
    assert names.is_identifier(text) is fits


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("Look_up", True),
        ("a.b-c", True),
        ("a" * 64, True),
        ("a" * 65, False),
        ("a.", False),
        ("-a", False),
        ("", False),
    ],
)
def test_a_part_may_be_named_as_the_code_that_uses_it(text: str, fits: bool) -> None:
    assert names.is_part_name(text) is fits


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "'plain'"),
        ("Übung 7", "'Übung 7'"),
        ("a\u202eb", "'a\\u{202E}b'"),
        ("a\x1b[31m", "'a\\u{001B}[31m'"),
        ("\u2014", "'\\u{2014}'"),
        ("\U000e0041", "'\\u{E0041}'"),
        ("", "''"),
        (None, "'None'"),
        ("x" * 80, "'" + "x" * 80 + "'"),
        ("x" * 81, "'" + "x" * 80 + "…'"),
    ],
)
def test_what_may_hold_anything_is_shown_harmless_and_short(text: object, shown: str) -> None:
    assert names.show(text) == shown


def test_more_of_a_text_is_shown_where_asked() -> None:
    assert names.show("abcdef", 3) == "'abc…'"
    assert names.show("x" * 100, 100) == "'" + "x" * 100 + "'"
