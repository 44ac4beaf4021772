"""The codec of commit messages: a record to text and back.

A subject; the author's words indented by four spaces; a last paragraph of ``Key: value`` lines, each key once,
one line each, ``Format: 1`` first. Git's own trailer parser is not used: a ``---`` line empties what it finds and
of doubled keys the last wins. Because the author's words are indented, no line of theirs can pass for a key.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pinset.domain.messages import bundles, purges, releases, trust
from pinset.domain.messages import keys as key_messages
from pinset.domain.messages.text import WORDS_LIMIT, clean_words, format_time, one_line, parse_time
from pinset.domain.records import (
    BundleRecord,
    ComponentRecord,
    DecisionRecord,
    EvidenceRecord,
    FoundingRecord,
    KeyRecord,
    MoveRecord,
    PolicyRecord,
    PurgeRecord,
    Record,
    ReleaseRecord,
    RequestRecord,
    ResultRecord,
    SignatureRecord,
    Stamp,
)
from pinset.errors import Integrity, UnknownFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pinset.domain.messages.releases import Described

__all__ = [
    "KINDS",
    "WORDS_LIMIT",
    "clean_words",
    "decode",
    "encode",
    "format_time",
    "kind_of",
    "parse_time",
    "serial_of",
]

_FORMATS: Final = ("1", "2")
"""Format 2 says which registry wrote a commit. Foundings, which say it anyhow, and commits of before are of format 1."""
_DAMAGED: Final = "see what else is wrong: pinset verify; then restore a backup"
_INDENT: Final = "    "
_KEY_LINE: Final = re.compile(r"([A-Z][A-Za-z-]*): (.*)")
_SERIAL: Final = re.compile(r"^Serial: ([1-9][0-9]{0,17})$", re.MULTILINE)


class _Kind(NamedTuple):
    """How one kind of record is written and read."""

    type: type[Record]
    describe: Callable[[Any], Described]
    build: Callable[[Stamp, Mapping[str, str], str], Record]


_KINDS: Final[Mapping[str, _Kind]] = {
    "registry": _Kind(FoundingRecord, releases.founding, releases.build_founding),
    "release": _Kind(ReleaseRecord, releases.release, releases.build_release),
    "component": _Kind(ComponentRecord, releases.component, releases.build_component),
    "move": _Kind(MoveRecord, releases.move, releases.build_move),
    "evidence": _Kind(EvidenceRecord, releases.evidence, releases.build_evidence),
    "purge": _Kind(PurgeRecord, purges.purge, purges.build_purge),
    "policy": _Kind(PolicyRecord, trust.policy, trust.build_policy),
    "result": _Kind(ResultRecord, trust.result, trust.build_result),
    "request": _Kind(RequestRecord, trust.request, trust.build_request),
    "decision": _Kind(DecisionRecord, trust.decision, trust.build_decision),
    "key": _Kind(KeyRecord, key_messages.key, key_messages.build_key),
    "bundle": _Kind(BundleRecord, bundles.bundle, bundles.build_bundle),
    "signature": _Kind(SignatureRecord, key_messages.signature, key_messages.build_signature),
}
KINDS: Final = tuple(_KINDS)
"""What kinds of records are called."""
_NAMES: Final[Mapping[type[Record], str]] = {kind.type: name for name, kind in _KINDS.items()}


def _format_of(record: Record) -> int:
    return 1 if record.stamp.registry is None else 2


def kind_of(record: Record) -> str:
    """What a record's kind is called in its message."""
    return _NAMES[type(record)]


def encode(record: Record) -> str:
    """The commit message of a record."""
    name = kind_of(record)
    subject, words, keys = _KINDS[name].describe(record)
    stamp = record.stamp
    lines = {
        "Format": str(_format_of(record)),
        "Kind": name,
        "Serial": str(stamp.serial),
        "Prev": stamp.prev,
        "At": format_time(stamp.at),
        "Actor": one_line(stamp.actor),
        "Person": one_line(stamp.person) if stamp.person is not None else None,
        "Via": one_line(stamp.via) if stamp.via is not None else None,
        "Operation": stamp.operation,
        "Request": stamp.request,
        "Change": stamp.change,
        **keys,
    }
    if stamp.registry is not None:  # of a founding it is its own key, at its own place
        lines["Registry"] = stamp.registry
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
    if keys.get("Format") not in _FORMATS:
        raise UnknownFormat(
            f"a commit has format {keys.get('Format')!r}, and this program knows {' and '.join(_FORMATS)}",
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


def _build(keys: Mapping[str, str], words: str) -> Record:
    kind = _KINDS.get(keys["Kind"])
    if kind is None:
        raise ValueError(f"unknown kind {keys['Kind']!r}")
    founding = kind.type is FoundingRecord  # whose own key it is
    stamp = Stamp(
        serial=int(keys["Serial"]),
        prev=keys.get("Prev"),
        at=parse_time(keys["At"]),
        actor=keys["Actor"],
        operation=keys["Operation"],
        request=keys.get("Request"),
        change=keys.get("Change"),
        person=keys.get("Person"),
        via=keys.get("Via"),
        registry=None if founding else keys.get("Registry"),
    )
    return kind.build(stamp, keys, words)
