"""Searching: how texts become words, what a query asks for, and where a text holds it. The same on every engine.

Words are letters and digits without case and accents; in scripts that set no spaces each sign is a word. Engines are
given words and nothing else, so what they find never depends on how they would read the text themselves.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final, NamedTuple

from pinset.domain.names import show
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LONGEST: Final = 200
"""Characters of a query."""
MOST: Final = 16
"""Words of a query."""
INDEXED: Final = 200_000
"""Bytes of a text's words that are searched; what is behind them is not found."""
SHOWN: Final = 160
"""Characters of a line that are shown around what was found."""
_LOOKED: Final = 4_000
"""Characters of one line that are looked at: prompts in one line have a megabyte."""

# One ideograph, kana or Hangul syllable; or a run of letters and digits of other scripts.
_WIDE: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_WORD: Final = re.compile(rf"[{_WIDE}]|[^\W_{_WIDE}]+")
# The same where accents are signs of their own, which are no letters: whatever is no space and no punctuation.
_SPELLED: Final = re.compile(rf"[{_WIDE}]|[^\s!-/:-@\[-`{{-~\u2000-\u206f\u3000-\u303f{_WIDE}]+")
# Signs that are none of ASCII, and the letter that the first of them may be an accent of.
_STRANGE: Final = re.compile(r"[\x00-\x7f]?[^\x00-\x7f]+")
_APART: Final = {number: " " for number in range(128) if not chr(number).isalnum()}
_PHRASE: Final = re.compile(r'"([^"]*)"?|(\S+)')

Phrase = tuple[str, ...]
"""Words that follow each other."""


class Query(NamedTuple):
    """What is searched: every phrase, in any order. open: the last word of the last one may go on."""

    phrases: tuple[Phrase, ...]
    open: bool = True


class Piece(NamedTuple):
    """A stretch of a line. hit: it is what was searched."""

    text: str
    hit: bool = False


class Found(NamedTuple):
    """Where a text holds what was searched. line: from 1. pieces: the line, cut to what is around it."""

    line: int
    pieces: tuple[Piece, ...]


def parse(text: str) -> Query:
    """What a person typed: words, all of which must be there, and "words in a row". Raises InvalidInput for none."""
    if len(text) > LONGEST:
        raise InvalidInput(f"the search is longer than {LONGEST} characters", hint="search for fewer words")
    phrases: list[Phrase] = []
    quoted = False
    for match in _PHRASE.finditer(text):
        quoted = match[2] is None
        words = tuple(_words(match[1] if quoted else match[2]))
        if words and words not in phrases:
            phrases.append(words)
    if not phrases:
        raise InvalidInput(f"{show(text)} has no word to search for", hint="search for letters or digits")
    if sum(map(len, phrases)) > MOST:
        raise InvalidInput(f"the search has more than {MOST} words", hint="search for fewer words")
    return Query(tuple(phrases), open=not quoted)


def said(label: str | None, message: str) -> str:
    """What a publisher said of a version, as it is searched; '' where that is nothing."""
    return f"{label or ''}\n{message}".strip()


def indexed(text: str) -> str:
    """A text as an engine is given it: its words, one space between two."""
    words = " ".join(_words(text[:INDEXED]))
    sized = words.encode()
    return words if len(sized) < INDEXED else sized[: max(sized.rfind(b" ", 0, INDEXED), 0)].decode()


def find(text: str, query: Query) -> Found | None:
    """The line that holds most of a query, the first of several; None where the text does not hold all of it."""
    text = text[:INDEXED]
    missing = set(range(len(query.phrases)))
    best: tuple[int, int, str, list[tuple[int, int]]] | None = None
    lines = text.split("\n")
    for number, (line, plain) in enumerate(zip(lines, map(_plain, lines), strict=True), start=1):
        if not any(phrase[0] in plain for phrase in query.phrases):
            continue
        spans = _spans(line[:_LOOKED], query)
        if not spans:
            continue
        missing -= spans.keys()
        if best is None or len(spans) > best[0]:
            best = len(spans), number, line, sorted(spans.values())
            if len(spans) == len(query.phrases):
                break  # no line holds more
    if best is None or (missing and not _holds(text, query)):
        return None
    return Found(best[1], tuple(_pieces(best[2][:_LOOKED], best[3])))


def _holds(text: str, query: Query) -> bool:
    """Whether the words of a text hold a query, across its lines as the engines see it."""
    words = f" {indexed(text)} "
    for n, phrase in enumerate(query.phrases):
        end = "" if query.open and n == len(query.phrases) - 1 else " "
        if f" {' '.join(phrase)}{end}" not in words:
            return False
    return True


def _words(text: str) -> list[str]:
    plain = _plain(text)
    # A rebuild comes through here with every text of a registry, and most are plain.
    return plain.translate(_APART).split() if plain.isascii() else _WORD.findall(plain)


def _plain(text: str) -> str:
    """The text without case and accents."""
    return text.lower() if text.isascii() else _STRANGE.sub(_without_accents, text.lower())


def _without_accents(match: re.Match[str]) -> str:
    apart = unicodedata.normalize("NFKD", match[0].casefold())
    return unicodedata.normalize("NFC", "".join([c for c in apart if unicodedata.category(c) != "Mn"]))


def _spans(line: str, query: Query) -> dict[int, tuple[int, int]]:
    """Where the line holds which phrases: the first place of each."""
    words, places = _placed(line)
    found: dict[int, tuple[int, int]] = {}
    for n, phrase in enumerate(query.phrases):
        goes_on = query.open and n == len(query.phrases) - 1
        at = _place(words, phrase, goes_on=goes_on)
        if at is not None:
            found[n] = places[at][0], places[at + len(phrase) - 1][1]
    return found


def _placed(line: str) -> tuple[list[str], list[tuple[int, int]]]:
    """The words of a line, and where each of them stands in it."""
    if line.isascii():
        found = list(_WORD.finditer(line))
        return [match[0].lower() for match in found], [match.span() for match in found]
    words: list[str] = []
    places: list[tuple[int, int]] = []
    # A word's plain form may be longer than it is, or be several words, so each is made plain by itself.
    for match in _SPELLED.finditer(line):
        for word in _words(match[0]):
            words.append(word)
            places.append(match.span())
    return words, places


def _place(words: Sequence[str], phrase: Phrase, *, goes_on: bool) -> int | None:
    size = len(phrase)
    for at in range(len(words) - size + 1):
        last = words[at + size - 1]
        ends = last.startswith(phrase[-1]) if goes_on else last == phrase[-1]
        if ends and tuple(words[at : at + size - 1]) == phrase[:-1]:
            return at
    return None


def _pieces(line: str, spans: list[tuple[int, int]]) -> Iterator[Piece]:
    """The line around its first place, with what was found marked."""
    begin = max(0, min(spans[0][0] - SHOWN // 4, len(line) - SHOWN))
    end = min(len(line), max(begin + SHOWN, spans[0][1]))
    at = begin
    if begin:
        yield Piece("…")
    for first, last in spans:
        if first < at or first >= end:
            continue
        if first > at:
            yield Piece(line[at:first])
        yield Piece(line[first : min(last, end)], hit=True)
        at = min(last, end)
    if at < end:
        yield Piece(line[at:end])
    if end < len(line):
        yield Piece("…")
