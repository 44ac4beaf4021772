"""The codec of commit messages: a record to text and back.

A subject; the author's words indented by four spaces; a last paragraph of ``Key: value`` lines, each key once,
one line each, ``Format: 1`` first. Git's own trailer parser is not used: a ``---`` line empties what it finds and
of doubled keys the last wins. Because the author's words are indented, no line of theirs can pass for a key.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from pinset.domain.records import (
    FORMAT,
    Action,
    ComponentRecord,
    EvidenceRecord,
    FoundingRecord,
    MoveRecord,
    Record,
    ReleaseRecord,
    Stamp,
    Verdict,
)
from pinset.errors import Integrity, InvalidInput, UnknownFormat

if TYPE_CHECKING:
    from collections.abc import Mapping

_DAMAGED: Final = "see what else is wrong: pinset verify; then restore a backup"
_INDENT: Final = "    "
WORDS_LIMIT: Final = 10_000
"""Characters of a message or reason."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_KEY_LINE: Final = re.compile(r"([A-Z][A-Za-z-]*): (.*)")
_SERIAL: Final = re.compile(r"^Serial: ([1-9][0-9]{0,17})$", re.MULTILINE)
_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")


def format_time(at: int) -> str:
    """Microseconds since 1970 as ISO 8601 in UTC, always with six digits: times sort as text."""
    moment = _EPOCH + timedelta(microseconds=at)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond:06d}Z"


def parse_time(text: str) -> int:
    """The inverse of `format_time`; any ISO 8601 time with a zone will do. ValueError otherwise."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return (moment - _EPOCH) // timedelta(microseconds=1)


def encode(record: Record) -> str:
    """The commit message of a record."""
    subject, words, keys = _describe(record)
    stamp = record.stamp
    lines = {
        "Format": str(FORMAT),
        "Kind": _KINDS[type(record)],
        "Serial": str(stamp.serial),
        "Prev": stamp.prev,
        "At": format_time(stamp.at),
        "Actor": _one_line(stamp.actor),
        "Operation": stamp.operation,
        "Request": stamp.request,
        **keys,
    }
    paragraphs = [subject]
    if words:
        paragraphs.append("\n".join(_INDENT + line for line in words.split("\n")))
    paragraphs.append("\n".join(f"{key}: {value}" for key, value in lines.items() if value is not None))
    return "\n\n".join(paragraphs) + "\n"


def serial_of(text: str) -> int:
    """The serial a commit message says, without reading the rest; 0 where it says none."""
    match = _SERIAL.search(text, text.rfind("\n\n"))
    return int(match[1]) if match else 0


def decode(text: str) -> Record:
    """The record a commit message says. Raises Integrity for text that `encode` did not write."""
    head, _, tail = text.removesuffix("\n").rpartition("\n\n")
    keys: dict[str, str] = {}
    for line in tail.split("\n"):
        match = _KEY_LINE.fullmatch(line)
        if match is None or match[1] in keys:
            raise Integrity(f"a commit message has the line {line!r} where its keys should be", hint=_DAMAGED)
        keys[match[1]] = match[2]
    if keys.get("Format") != str(FORMAT):
        raise UnknownFormat(
            f"a commit has format {keys.get('Format')!r}, and this program knows {FORMAT}",
            hint="upgrade pinset; a newer one wrote this registry",
        )
    _, _, body = head.partition("\n\n")
    words = "\n".join(line.removeprefix(_INDENT) for line in body.split("\n"))
    try:
        record = _build(keys, words)
        again = encode(record)
    except (KeyError, ValueError, OverflowError) as error:
        raise Integrity(f"a commit message lacks or garbles a key: {error}", hint=_DAMAGED) from error
    if again != text:
        raise Integrity("a commit message is not as the registry writes it", hint=_DAMAGED)
    return record


_KINDS: Final[Mapping[type[Record], str]] = {
    FoundingRecord: "registry",
    ReleaseRecord: "release",
    ComponentRecord: "component",
    MoveRecord: "move",
    EvidenceRecord: "evidence",
}


def _describe(record: Record) -> tuple[str, str, dict[str, str | None]]:
    """The subject, the author's words and the keys of a record beyond its stamp's."""
    match record:
        case FoundingRecord():
            return (
                f"registry {record.registry_id}, epoch {record.epoch}",
                record.reason,
                {"Registry": record.registry_id, "Epoch": str(record.epoch)},
            )
        case ReleaseRecord():
            return _describe_release(record)
        case ComponentRecord():
            label = f" ({record.label})" if record.label else ""
            words, reason = record.message, record.allow_reason
            return (
                f"publish {record.kind}/{record.name} v{record.version}{label}",
                words,
                {
                    "Component": f"{record.kind}/{record.name}",
                    "Version": str(record.version),
                    "Label": record.label,
                    "Digest": record.digest,
                    "Allowed": " ".join(record.allowed) or None,
                    "Allow-Reason": _one_line(reason) or None,
                },
            )
        case MoveRecord():
            return _describe_move(record)
        case EvidenceRecord():
            return (
                f"{record.verdict} {record.bundle} v{record.version}",
                record.reason,
                {"Bundle": record.bundle, "Version": str(record.version), "Verdict": record.verdict.value},
            )


def _describe_release(record: ReleaseRecord) -> tuple[str, str, dict[str, str | None]]:
    label = f" ({record.label})" if record.label else ""
    return (
        f"publish {record.bundle} v{record.version}{label}",
        record.message,
        {
            "Bundle": record.bundle,
            "Version": str(record.version),
            "Label": record.label,
            "Digest": record.digest,
            "Source": _one_line(record.source) if record.source is not None else None,
            "Rollback-To": _number(record.rollback_to),
            "Allowed": " ".join(record.allowed) or None,
            "Allow-Reason": _one_line(record.allow_reason) or None,
        },
    )


def _describe_move(record: MoveRecord) -> tuple[str, str, dict[str, str | None]]:
    was = f"v{record.from_version}" if record.from_version else "nothing"
    now = f"v{record.to_version}" if record.to_version else "nothing"
    return (
        f"{record.action} {record.bundle}@{record.alias}: {was} -> {now}",
        record.reason,
        {
            "Bundle": record.bundle,
            "Alias": record.alias,
            "Seq": str(record.seq),
            "Action": record.action.value,
            "From": _number(record.from_version),
            "To": _number(record.to_version),
            "Back": _number(record.back),
            "Bars": _number(record.bars),
            "Again": "yes" if record.again else None,
        },
    )


def _build(keys: Mapping[str, str], words: str) -> Record:
    stamp = Stamp(
        serial=int(keys["Serial"]),
        prev=keys.get("Prev"),
        at=parse_time(keys["At"]),
        actor=keys["Actor"],
        operation=keys["Operation"],
        request=keys.get("Request"),
    )
    allowed = tuple(keys.get("Allowed", "").split())
    match keys["Kind"]:
        case "registry":
            return FoundingRecord(stamp=stamp, registry_id=keys["Registry"], epoch=int(keys["Epoch"]), reason=words)
        case "release":
            return ReleaseRecord(
                stamp=stamp,
                bundle=keys["Bundle"],
                version=int(keys["Version"]),
                label=keys.get("Label"),
                digest=keys["Digest"],
                message=words,
                source=keys.get("Source"),
                rollback_to=_optional(keys, "Rollback-To"),
                allowed=allowed,
                allow_reason=keys.get("Allow-Reason", ""),
            )
        case "component":
            kind, _, name = keys["Component"].partition("/")
            return ComponentRecord(
                stamp=stamp,
                kind=kind,
                name=name,
                version=int(keys["Version"]),
                label=keys.get("Label"),
                digest=keys["Digest"],
                message=words,
                allowed=allowed,
                allow_reason=keys.get("Allow-Reason", ""),
            )
        case "move":
            return MoveRecord(
                stamp=stamp,
                bundle=keys["Bundle"],
                alias=keys["Alias"],
                seq=int(keys["Seq"]),
                action=Action(keys["Action"]),
                from_version=_optional(keys, "From"),
                to_version=_optional(keys, "To"),
                back=_optional(keys, "Back"),
                reason=words,
                bars=_optional(keys, "Bars"),
                again="Again" in keys,
            )
        case "evidence":
            return EvidenceRecord(
                stamp=stamp,
                bundle=keys["Bundle"],
                version=int(keys["Version"]),
                verdict=Verdict(keys["Verdict"]),
                reason=words,
            )
        case kind:
            raise ValueError(f"unknown kind {kind!r}")


def clean_words(text: str) -> str:
    """An author's message or reason as it is kept: line ends unified, control characters dropped, ends trimmed.

    Raises InvalidInput for one that is too long.
    """
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = (_UNPRINTABLE.sub("", line).rstrip() for line in unified.split("\n"))
    kept = "\n".join(lines).strip()
    if len(kept) > WORDS_LIMIT:
        raise InvalidInput(
            f"a message or reason has at most {WORDS_LIMIT:,} characters, and this has {len(kept):,}",
            hint="say what changed and why; keep the rest elsewhere and name where",
        )
    return kept


def _one_line(text: str) -> str:
    """Text as the value of a key: one line, no control characters."""
    return _UNPRINTABLE.sub(" ", text).strip()


def _number(value: int | None) -> str | None:
    return None if value is None else str(value)


def _optional(keys: Mapping[str, str], key: str) -> int | None:
    return int(keys[key]) if key in keys else None
