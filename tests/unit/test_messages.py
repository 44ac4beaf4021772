from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pinset.domain.messages import WORDS_LIMIT, clean_words, decode, encode, format_time, parse_time, serial_of
from pinset.domain.records import (
    Action,
    BundleAction,
    BundleRecord,
    ComponentRecord,
    EvidenceRecord,
    FoundingRecord,
    KeyAction,
    KeyRecord,
    MoveRecord,
    PurgeRecord,
    Purpose,
    Record,
    ReleaseRecord,
    SignatureRecord,
    Stamp,
    Verdict,
)
from pinset.errors import Integrity, InvalidInput, UnknownFormat

if TYPE_CHECKING:
    from collections.abc import Callable

STAMP = Stamp(serial=10, prev="5c1d" * 10, at=1_741_944_600_123_456, actor="ana", operation="op_4f0c")
RELEASE = ReleaseRecord(
    stamp=replace(STAMP, request="ab12"),
    bundle="support-summarizer",
    version=2,
    label="2025-03-14-rc2",
    digest="sha256:" + "0f" * 32,
    message="shorter answers\n\nwith the new index",
    source="git 1f2e3d",
    rollback_to=1,
    allowed=("secret", "model-unpinned"),
    allow_reason="a made-up key",
)
COMPONENT = ComponentRecord(
    stamp=STAMP, kind="prompts", name="house.tone", version=3, label=None, digest="sha256:" + "a1" * 32
)
MOVE = MoveRecord(
    stamp=STAMP,
    bundle="support-summarizer",
    alias="production",
    seq=2,
    action=Action.PROMOTE,
    from_version=1,
    to_version=2,
    back=1,
    reason="reviewed by ben",
)
FOUNDING = FoundingRecord(stamp=replace(STAMP, serial=1, prev=None), registry_id="6f1c", epoch=1)
EVIDENCE = EvidenceRecord(stamp=STAMP, bundle="support-summarizer", version=2, verdict=Verdict.YANK, reason="leaks")

RELEASE_TEXT = f"""\
publish support-summarizer v2 (2025-03-14-rc2)

    shorter answers
{"    "}
    with the new index

Format: 1
Kind: release
Serial: 10
Prev: {"5c1d" * 10}
At: 2025-03-14T09:30:00.123456Z
Actor: ana
Operation: op_4f0c
Request: ab12
Bundle: support-summarizer
Version: 2
Label: 2025-03-14-rc2
Digest: sha256:{"0f" * 32}
Source: git 1f2e3d
Rollback-To: 1
Allowed: secret model-unpinned
Allow-Reason: a made-up key
"""
MOVE_TEXT = f"""\
promote support-summarizer@production: v1 -> v2

    reviewed by ben

Format: 1
Kind: move
Serial: 10
Prev: {"5c1d" * 10}
At: 2025-03-14T09:30:00.123456Z
Actor: ana
Operation: op_4f0c
Bundle: support-summarizer
Alias: production
Seq: 2
Action: promote
From: 1
To: 2
Back: 1
"""

# -- strategies over records -----------------------------------------------------------------------------------

LAST = 253_402_300_799_999_999  # the last microsecond of the year 9999
TRAPS = st.sampled_from(
    [
        "",
        "\n",
        "\n\n",
        "Format: 1",
        "Again: yes",
        "---",
        "    four",
        "\ttab",
        "x\n\nFormat: 2\nKind: move",
        "a\r\nb",
        "é 日本 😀 \u202e",
    ]
)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=40)
WORDS = st.one_of(TRAPS, TEXTS, st.lists(st.one_of(TRAPS, TEXTS), max_size=4).map("\n".join))
LINES = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=30).map(str.strip)
NAMES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
LABELS = st.none() | st.from_regex(r"[0-9][A-Za-z0-9.+-]{0,8}", fullmatch=True)
HEX = st.text("0123456789abcdef", min_size=40, max_size=40)
COUNTS = st.integers(1, 10**9)
MAYBE = st.none() | COUNTS
CODES = st.lists(NAMES, max_size=3).map(tuple)
DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64).map("sha256:{}".format)
STAMPS = st.builds(
    Stamp,
    serial=COUNTS,
    prev=st.none() | HEX,
    at=st.integers(0, LAST),
    actor=LINES,
    operation=NAMES.map("op_{}".format),
    request=st.none() | HEX,
)
RECORDS: st.SearchStrategy[Record] = st.one_of(
    st.builds(
        PurgeRecord,
        stamp=STAMPS,
        purged=st.lists(NAMES.map("{}@v1".format), min_size=1, max_size=3).map(tuple),
        tombstone=DIGESTS,
        first=COUNTS,
        head=HEX,
        reason=WORDS,
    ),
    st.builds(
        BundleRecord,
        stamp=STAMPS,
        bundle=NAMES,
        action=st.sampled_from(BundleAction),
        name=NAMES,
        names=st.lists(LINES, max_size=3).map(tuple),
        owner=LINES,
        description=WORDS.map(clean_words),
        archived=st.booleans(),
        reason=WORDS,
    ),
    st.builds(FoundingRecord, stamp=STAMPS, registry_id=HEX, epoch=COUNTS, reason=WORDS),
    st.builds(
        FoundingRecord, stamp=STAMPS, registry_id=HEX, epoch=COUNTS, key=st.just("ssh-ed25519 AAAA"), key_name=HEX
    ),
    st.builds(
        KeyRecord,
        stamp=STAMPS,
        name=HEX,
        purpose=st.sampled_from(Purpose),
        public=st.just("ssh-ed25519 AAAA"),
        action=st.sampled_from(KeyAction),
        key_person=st.none() | HEX,
        epoch=st.none() | COUNTS,
        compromised=st.booleans(),
        reason=WORDS,
    ),
    st.builds(SignatureRecord, stamp=STAMPS, bundle=HEX, version=COUNTS, digest=HEX, key=HEX, signature=HEX),
    st.builds(
        ReleaseRecord,
        stamp=STAMPS,
        bundle=NAMES,
        version=COUNTS,
        label=LABELS,
        digest=DIGESTS,
        message=WORDS,
        source=st.none() | LINES,
        rollback_to=MAYBE,
        allowed=CODES,
        allow_reason=LINES,
    ),
    st.builds(
        ComponentRecord,
        stamp=STAMPS,
        kind=st.sampled_from(["prompts", "indexes"]),
        name=NAMES,
        version=COUNTS,
        label=LABELS,
        digest=DIGESTS,
        message=WORDS,
        allowed=CODES,
        allow_reason=LINES,
    ),
    st.builds(
        MoveRecord,
        stamp=STAMPS,
        bundle=NAMES,
        alias=NAMES,
        seq=COUNTS,
        action=st.sampled_from(Action),
        from_version=MAYBE,
        to_version=MAYBE,
        back=MAYBE,
        reason=WORDS,
        bars=MAYBE,
        again=st.booleans(),
    ),
    st.builds(
        EvidenceRecord, stamp=STAMPS, bundle=NAMES, version=COUNTS, verdict=st.sampled_from(Verdict), reason=WORDS
    ),
)

# -- there and back --------------------------------------------------------------------------------------------


@given(RECORDS)
def test_decode_undoes_encode_for_every_kind_of_record(record: Record) -> None:
    assert decode(encode(record)) == record


@given(RECORDS)
def test_the_serial_can_be_read_without_the_rest(record: Record) -> None:
    assert serial_of(encode(record)) == record.stamp.serial


@pytest.mark.parametrize(
    ("text", "serial"),
    [
        ("publish a v1\n\nSerial: 9\n\nFormat: 1\nSerial: 3\n", 3),
        ("publish a v1\n\nSerial: 9\n\nFormat: 1\n", 0),
        ("publish a v1\n\n    Serial: 9\n\nFormat: 1\nSerial: 12345\n", 12345),
        ("Format: 1\nSerial: 7\n", 7),
        ("root\n", 0),
        ("a\n\nSerial: 07\n", 0),
        ("a\n\nSerial: -7\n", 0),
        ("a\n\nMy-Serial: 7\n", 0),
        ("", 0),
    ],
)
def test_only_the_last_paragraph_says_the_serial(text: str, serial: int) -> None:
    assert serial_of(text) == serial


@given(RECORDS)
def test_every_key_stands_once_in_the_last_paragraph_and_format_is_first(record: Record) -> None:
    text = encode(record)
    assert text.endswith("\n")
    lines = text[:-1].rpartition("\n\n")[2].split("\n")
    keys = [line.partition(": ")[0] for line in lines]
    assert keys[:3] == ["Format", "Kind", "Serial"]
    assert len(set(keys)) == len(keys)


@given(RECORDS.filter(lambda record: not isinstance(record, SignatureRecord)), st.text(max_size=30))
def test_no_words_of_an_author_can_change_what_else_a_message_says(record: Record, words: str) -> None:
    field = "message" if isinstance(record, ReleaseRecord | ComponentRecord) else "reason"
    silent: dict[str, Any] = {field: ""}
    forged: dict[str, Any] = {field: words + "\n\nFormat: 1\nAgain: yes"}
    other = decode(encode(replace(record, **forged)))
    assert replace(other, **silent) == replace(record, **silent)


@pytest.mark.parametrize(
    "forged", ["ana\nAgain: yes", "ana\r\nAgain: yes", "ana\x00", "ana\x85Seq: 9", "ana\u2028Seq: 9", "\n\nana\n\n"]
)
def test_an_actor_is_kept_on_one_line(forged: str) -> None:
    kept = decode(encode(replace(MOVE, stamp=replace(STAMP, actor=forged))))
    assert isinstance(kept, MoveRecord)
    assert kept.stamp.actor.isprintable()
    assert kept.stamp.actor.startswith("ana")
    assert replace(kept, stamp=STAMP) == MOVE


@pytest.mark.parametrize("field", ["source", "allow_reason"])
def test_source_and_allow_reason_are_kept_on_one_line(field: str) -> None:
    forged: dict[str, Any] = {field: "one\nVersion: 9"}
    one_line: dict[str, Any] = {field: "one Version: 9"}
    assert decode(encode(replace(RELEASE, **forged))) == replace(RELEASE, **one_line)


@pytest.mark.parametrize(("record", "text"), [(RELEASE, RELEASE_TEXT), (MOVE, MOVE_TEXT)], ids=["release", "move"])
def test_messages_are_exactly_as_the_format_says(record: Record, text: str) -> None:
    assert encode(record) == text
    assert decode(text) == record


@pytest.mark.parametrize(
    ("record", "subject"),
    [
        (RELEASE, "publish support-summarizer v2 (2025-03-14-rc2)"),
        (replace(RELEASE, label=None), "publish support-summarizer v2"),
        (COMPONENT, "publish prompts/house.tone v3"),
        (replace(COMPONENT, label="1.0"), "publish prompts/house.tone v3 (1.0)"),
        (MOVE, "promote support-summarizer@production: v1 -> v2"),
        (replace(MOVE, from_version=None), "promote support-summarizer@production: nothing -> v2"),
        (replace(MOVE, action=Action.RETIRE, to_version=None), "retire support-summarizer@production: v1 -> nothing"),
        (replace(MOVE, action=Action.ROLLBACK), "rollback support-summarizer@production: v1 -> v2"),
        (EVIDENCE, "yank support-summarizer v2"),
        (FOUNDING, "registry 6f1c, epoch 1"),
    ],
)
def test_the_subject_says_what_happened(record: Record, subject: str) -> None:
    assert encode(record).split("\n")[:2] == [subject, ""]


def test_keys_without_a_value_are_left_out() -> None:
    text = encode(replace(MOVE, stamp=replace(STAMP, prev=None), from_version=None, back=None, reason=""))
    keys = [line.partition(":")[0] for line in text.strip().split("\n")[2:]]
    assert keys == ["Format", "Kind", "Serial", "At", "Actor", "Operation", "Bundle", "Alias", "Seq", "Action", "To"]


def test_a_long_reason_is_kept_whole() -> None:
    record = replace(MOVE, reason="\n".join(["Key: value " * 50] * 2_000))
    assert decode(encode(record)) == record


# -- damage ----------------------------------------------------------------------------------------------------


def without(key: str) -> Callable[[str], str]:
    return lambda text: "\n".join(line for line in text.split("\n") if not line.startswith(key + ": "))


def swap(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new, 1)


@pytest.mark.parametrize("key", ["Kind", "Serial", "At", "Actor", "Operation", "Bundle", "Alias", "Seq", "Action"])
def test_decode_refuses_a_move_that_lacks_a_key(key: str) -> None:
    with pytest.raises(Integrity, match=key):
        decode(without(key)(MOVE_TEXT))


@pytest.mark.parametrize("key", ["Serial", "At", "Bundle", "Version", "Digest"])
def test_decode_refuses_a_release_that_lacks_a_key(key: str) -> None:
    with pytest.raises(Integrity, match=key):
        decode(without(key)(RELEASE_TEXT))


@pytest.mark.parametrize(
    ("record", "key"),
    [
        (COMPONENT, "Component"),
        (COMPONENT, "Digest"),
        (EVIDENCE, "Verdict"),
        (EVIDENCE, "Version"),
        (FOUNDING, "Registry"),
        (FOUNDING, "Epoch"),
    ],
)
def test_decode_refuses_other_kinds_that_lack_a_key(record: Record, key: str) -> None:
    with pytest.raises(Integrity, match=key):
        decode(without(key)(encode(record)))


@pytest.mark.parametrize("line", range(4, 18))
def test_decode_refuses_every_doubled_key(line: int) -> None:
    lines = MOVE_TEXT.split("\n")
    for doubled in (lines[line], lines[line].partition(": ")[0] + ": 7"):
        with pytest.raises(Integrity):
            decode("\n".join([*lines[:18], doubled, *lines[18:]]))


@pytest.mark.parametrize(
    "damage",
    [
        swap("Kind: move", "Kind: split"),
        swap("Action: promote", "Action: deploy"),
        swap("Seq: 2", "Seq: two"),
        swap("Seq: 2", "Seq: 2.0"),
        swap("Seq: 2", "Seq:2"),
        swap("Seq: 2", "seq: 2"),
        swap("Seq: 2", "Seq: "),
        swap("Seq: 2", "Seq: " + "9" * 5_000),
        swap("Seq: 2", "---"),
        swap("Seq: 2", ""),
        swap("Seq: 2", " Seq: 2"),
        swap("Z\n", "\n"),
        swap("2025-03-14T", "2025-13-14T"),
        swap("Back: 1\n", "Back: 1\n\n"),
        swap("Back: 1\n", "Back: 1\n\nmore words\n"),
        lambda text: text.replace("\n", "\r\n"),
        lambda _: "",
        lambda _: "\n",
        lambda _: "Merge branch 'main'",
        lambda text: text.partition("Format")[0],
        lambda text: text[: len(text) // 2],
    ],
)  # fmt: skip
def test_decode_refuses_what_encode_never_writes(damage: Callable[[str], str]) -> None:
    damaged = damage(MOVE_TEXT)
    assert damaged != MOVE_TEXT
    with pytest.raises(Integrity):
        decode(damaged)


@pytest.mark.parametrize(
    "damage", [swap("Format: 1", "Format: 3"), swap("Format: 1", "Format: 01"), swap("Format: 1\n", "")]
)
def test_decode_tells_a_newer_format_from_damage(damage: Callable[[str], str]) -> None:
    with pytest.raises(UnknownFormat, match="format") as refused:
        decode(damage(MOVE_TEXT))
    assert "upgrade" in refused.value.hint


@pytest.mark.parametrize(
    "damage",
    [
        swap("Seq: 2", "Seq: +2"),
        swap("Seq: 2", "Seq: 02"),
        swap("Seq: 2", "Seq:  2"),
        swap("Seq: 2", "Seq: 2 "),
        swap("Seq: 2", "Seq: ٢"),
        swap("Serial: 10", "Serial: 1_0"),
        swap("123456Z", "123456+00:00"),
        swap("T09:30:00.123456Z", "T10:30:00.123456+01:00"),
        swap("Back: 1\n", "Back: 1\nAgain: no\n"),
        swap("Back: 1\n", "Back: 1\nSurprise: x\n"),
        swap("Kind: move\nSerial: 10", "Serial: 10\nKind: move"),
        swap("    reviewed", "reviewed"),
        swap("    reviewed", "   reviewed"),
        swap("v1 -> v2", "v1 -> v3"),
        swap("promote support", "\n\npromote support"),
        swap("Actor: ana", "Actor:  ana"),
        swap("\n", "\r\n"),
        lambda text: text[:-1],
    ],
)  # fmt: skip
def test_decode_refuses_a_second_spelling_of_the_same_record(damage: Callable[[str], str]) -> None:
    damaged = damage(MOVE_TEXT)
    assert damaged != MOVE_TEXT
    with pytest.raises(Integrity):
        decode(damaged)


SPARE = st.sampled_from(
    ["Again: yes", "Back: 1", "Serial: 3", "Label: 1.0", "Source: ", "    words", "", "---", "To: 01", "x"]
)


@given(RECORDS, st.data())
def test_whatever_decode_accepts_is_what_encode_writes(record: Record, data: st.DataObject) -> None:
    lines = encode(record).split("\n")
    at = data.draw(st.integers(0, len(lines) - 1))
    match data.draw(st.sampled_from(["drop", "double", "swap", "insert", "character"])):
        case "drop":
            del lines[at]
        case "double":
            lines.insert(data.draw(st.integers(0, len(lines))), lines[at])
        case "swap":
            other = data.draw(st.integers(0, len(lines) - 1))
            lines[at], lines[other] = lines[other], lines[at]
        case "insert":
            lines.insert(at, data.draw(SPARE))
        case _:
            where = data.draw(st.integers(0, len(lines[at])))
            lines[at] = lines[at][:where] + data.draw(st.sampled_from("0 +-:_aZ\r")) + lines[at][where:]
    text = "\n".join(lines)
    try:
        accepted = decode(text)
    except Integrity:
        return
    assert encode(accepted) == text


@given(st.text(max_size=200))
def test_decode_raises_nothing_but_integrity(text: str) -> None:
    for damaged in (
        text,
        MOVE_TEXT + text,
        MOVE_TEXT.replace("2\n", text + "\n"),
        MOVE_TEXT.replace("2025-03-14T09:30:00.123456Z", text),
    ):
        try:
            decode(damaged)
        except Integrity:
            continue


# -- times -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (1, "1970-01-01T00:00:00.000001Z"),
        (1_741_944_600_123_456, "2025-03-14T09:30:00.123456Z"),
        (1_741_944_600_000_000, "2025-03-14T09:30:00.000000Z"),
        (LAST, "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_times_are_written_in_utc_with_six_digits(at: int, text: str) -> None:
    assert format_time(at) == text
    assert parse_time(text) == at


@given(st.integers(0, LAST))
def test_parse_time_undoes_format_time(at: int) -> None:
    assert parse_time(format_time(at)) == at


@given(st.integers(0, LAST), st.integers(0, LAST))
def test_times_sort_as_text(one: int, other: int) -> None:
    assume(one != other)
    assert (one < other) == (format_time(one) < format_time(other))


@pytest.mark.parametrize(
    "text",
    [
        "2025-03-14T09:30:00Z",
        "2025-03-14T09:30Z",
        "2025-03-14 09:30:00+00:00",
        "2025-03-14T10:30:00+01:00",
        "20250314T093000Z",
    ],
)
def test_parse_time_takes_any_iso_time_with_a_zone(text: str) -> None:
    assert parse_time(text) == 1_741_944_600_000_000


@pytest.mark.parametrize(
    "text", ["", "now", "2025-03-14", "2025-03-14T09:30:00", "2025-02-30T00:00:00Z", "14.03.2025 09:30Z", "1741944600"]
)
def test_parse_time_refuses_a_time_without_zone_and_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_time(text)


# -- words -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_words", "kept"),
    [
        ("", ""),
        ("  one  ", "one"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("a   \n\n  b\t\n\n\n", "a\n\n  b"),
        ("a\x00b\x1b[31mc\x7f\x9b", "ab[31mc"),
        ("a\u2028b\u2029", "ab"),
        ("Format: 2\n\nAgain: yes", "Format: 2\n\nAgain: yes"),
        ("é 日本", "é 日本"),
    ],
)
def test_words_are_kept_without_control_characters_and_loose_ends(given_words: str, kept: str) -> None:
    assert clean_words(given_words) == kept


@given(TEXTS)
def test_cleaning_words_twice_changes_nothing(text: str) -> None:
    assert clean_words(clean_words(text)) == clean_words(text)


def test_words_may_be_as_long_as_the_limit_once_cleaned_and_no_longer() -> None:
    longest = "ü" * WORDS_LIMIT
    assert clean_words(f"  \n{longest}\x07 \r\n\r\n") == longest
    with pytest.raises(InvalidInput):
        clean_words(longest + "x")


@pytest.mark.parametrize("text", ["\u200b", "\u3164 \u2060", "\xad\n\ufe0f", "\U000e0041", "\u2800\u0301"])
def test_words_that_nobody_can_see_are_none(text: str) -> None:
    assert clean_words(text) == ""
    assert clean_words(f"x{text}") != ""
