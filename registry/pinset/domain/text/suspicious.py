"""What a reviewer should be told of a text: secrets in it, characters that do not show, words that only look right.

All of it takes time in proportion to the text, also where the text was made to be slow.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pinset.domain.text import detectors
from pinset.domain.text.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Iterator

_ZWNJ, _ZWJ, _TAGGED = "\u200c", "\u200d", "\U0001f3f4"
_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f\U000e0100-\U000e01ef]"
)
_FLAGS: Final = re.compile(
    _TAGGED + "(?:gbeng|gbsct|gbwls)\U000e007f".translate({c: 0xE0000 + c for c in range(97, 123)})
)
"""The three flags that are spelled with tag characters: England, Scotland, Wales."""
_EMOJI: Final = re.compile(
    "[\U0001f000-\U0001faff\u2190-\u2bff\u3030\u303d\u3297\u3299\u00a9\u00ae\u203c\u2049\u2122\u2139]"
)
_KEYCAP: Final = re.compile("[0-9#*]")
_IDEOGRAPH: Final = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_JOINING: Final = re.compile(
    "[\u0600-\u08ff\u0900-\u0dff\u0f00-\u0fff\u1000-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufefc]"
)
"""Arabic and Indic scripts and their neighbours, whose spelling needs joiners and non-joiners."""

_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_LATIN: Final = re.compile("[A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f]")
_CYRILLIC: Final = re.compile("[\u0400-\u052f\u1c80-\u1c8f\u2de0-\u2dff\ua640-\ua69f]")
_GREEK_TWIN: Final = re.compile("[ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαγικνορτυχ\u03f2\u03f3\u03f9]")
"""Greek letters that look like Latin ones. The others stand in formulas beside Latin letters, and deceive nobody."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A secret, or what may be one. The secret itself is not kept. line: from 1."""

    line: int
    kind: str
    certain: bool


@dataclass(frozen=True, slots=True)
class Hidden:
    """A character that does not show. line: from 1."""

    line: int
    codepoint: int
    name: str


def secrets(text: str) -> list[Hit]:
    """The secrets in a text, one a line and kind, in order. A line with a certain one has no suspected ones."""
    line_at = Lines(text)
    certain = {(line_at(offset), kind) for offset, kind in detectors.certain(text)}
    taken = {line for line, _ in certain}
    suspected = {(line_at(offset), kind) for offset, kind in detectors.suspected(text)}
    hits = [Hit(line, kind, certain=True) for line, kind in certain]
    hits += [Hit(line, kind, certain=False) for line, kind in suspected if line not in taken]
    return sorted(hits, key=lambda hit: (hit.line, hit.kind))


def invisible(text: str) -> list[Hidden]:
    """The characters of a text that do not show, in order, less those that emoji and scripts need where they stand."""
    if text.isascii() and not _HIDDEN.search(text):
        return []
    line_at = Lines(text)
    found: list[Hidden] = []
    for offset in _hidden(text):
        name = unicodedata.name(text[offset], "control character")
        found.append(Hidden(line_at(offset), ord(text[offset]), name))
    return found


def lookalikes(text: str) -> list[tuple[int, str]]:
    """The words that mix Latin letters with Cyrillic, or with Greek ones that look Latin, and their lines."""
    if text.isascii():
        return []
    line_at = Lines(text)
    return [(line_at(match.start()), match[0]) for match in _WORD.finditer(text) if _mixes(match[0])]


def _mixes(word: str) -> bool:
    if word.isascii() or not _LATIN.search(word):
        return False
    return bool(_CYRILLIC.search(word)) or (len(word) > 2 and bool(_GREEK_TWIN.search(word)))


def _hidden(text: str) -> Iterator[int]:
    """The offsets of characters that do not show and have no business where they stand."""
    after_flag = 0
    for match in _HIDDEN.finditer(text):
        at = match.start()
        if at < after_flag:
            continue
        flag = _FLAGS.match(text, at - 1) if at else None
        if flag is not None:
            after_flag = flag.end()
        elif not _needed(text, at):
            yield at


def _needed(text: str, at: int) -> bool:
    """Whether a character that does not show does its work: joining emoji or letters, or choosing a shape."""
    sign, before, after = text[at], text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    if sign == _ZWJ and _EMOJI.match(after) and _EMOJI.match(_base(text, at)):
        return True
    if sign in (_ZWNJ, _ZWJ):
        return bool(_JOINING.match(before))
    if sign in ("\ufe0e", "\ufe0f"):
        return bool(_EMOJI.match(before)) or bool(_KEYCAP.match(before) and after == "\u20e3")
    if "\ufe00" <= sign <= "\ufe0f":
        return bool(_IDEOGRAPH.match(before)) or unicodedata.category(before or " ") == "Sm"
    return "\U000e0100" <= sign <= "\U000e01ef" and bool(_IDEOGRAPH.match(before))


def _base(text: str, at: int) -> str:
    """The character before an offset, past one sign that chooses its shape."""
    before = text[at - 1 : at] if at else ""
    return text[at - 2 : at - 1] if before == "\ufe0f" and at > 1 else before
