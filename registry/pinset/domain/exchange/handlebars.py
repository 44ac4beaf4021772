"""Handlebars as dotprompt uses it: read into a tree, with its rules for backslashes and lines of their own.

Text is not escaped when it is filled in. What a helper does that the application defines cannot be known here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pinset.domain.checks.texts import TEXT_LIMIT
from pinset.domain.text.lines import Lines
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TAG: Final = re.compile(
    r"\{\{(?P<left>~)?(?:"
    r"!--.*?--(?P<right1>~)?\}\}"
    r"|!.*?(?P<right2>~)?\}\}"
    r"|\{(?P<raw>(?:\"[^\"]*\"|'[^']*'|[^\"'{}])*)\}(?P<right3>~)?\}\}"
    r"|(?P<inside>(?:\"[^\"]*\"|'[^']*'|\[[^\]]*\]|[^\"'{}\[~])+)(?P<right4>~)?\}\})",
    re.DOTALL,
)
_WORD: Final = re.compile(r"(?:[^\s\"']|\"[^\"]*\"|'[^']*')+")
_PATH: Final = re.compile(r"(?:\.\./)*(?:@[A-Za-z_]\w*|[A-Za-z_][\w-]*|\.|\.\.)(?:[./][A-Za-z_0-9][\w-]*)*")
_BLANK_BEFORE: Final = re.compile(r"(?:^|\n)[ \t]*\Z")
_BLANK_AFTER: Final = re.compile(r"[ \t]*(?:\r?\n|\Z)")
_DEPTH: Final = 24
LITERALS: Final = frozenset({"true", "false", "null", "undefined", "this"})
"""What is no name of a value there, wherever it stands in a path; ``this`` may begin one."""
BLOCKS: Final = ("if", "unless", "each", "ifEquals", "unlessEquals")


@dataclass(frozen=True, slots=True)
class Value:
    """A value by its path. raw: the tag as it was written."""

    path: str
    raw: str
    line: int


@dataclass(frozen=True, slots=True)
class Helper:
    """A helper that stands alone: ``role``, ``history``, ``media``, ``section``, with what it is given."""

    name: str
    words: tuple[str, ...]
    line: int


@dataclass(slots=True)
class Block:
    """A block and what is inside it, before and after its ``else``."""

    name: str
    words: tuple[str, ...]
    line: int
    body: list[str | Value | Helper | Block] = field(default_factory=list)
    otherwise: list[str | Value | Helper | Block] = field(default_factory=list)
    chained: bool = False
    """Whether it began as ``else if``, and ends with the block it is in."""
    turned: bool = False
    """Whether its ``else`` was met."""

    def add(self, *nodes: str | Value | Helper | Block) -> None:
        """Add to the part that is being read."""
        (self.otherwise if self.turned else self.body).extend(nodes)


@dataclass(slots=True)
class _Tag:
    sign: str
    words: tuple[str, ...]
    raw: str
    line: int
    left: bool
    right: bool
    indent: str = ""

    @property
    def alone(self) -> bool:
        """Whether its line goes where nothing else is on it."""
        return self.sign in ("#", "^", "/", "else", "!", ">")


@dataclass(slots=True)
class _Partials:
    """What templates include. left: characters that may still come in."""

    find: Callable[[str], str | None]
    left: int = TEXT_LIMIT

    def text(self, name: str) -> str | None:
        """The text of one."""
        found = self.find(name)
        self.left -= len(found or "") + 1
        return found


def parse(source: str, partial: Callable[[str], str | None]) -> list[str | Value | Helper | Block]:
    """The nodes of a template, partials put in. partial: the text of one by its name, None where there is none.

    Raises InvalidInput for what is no template, and for helpers, which no template here has.
    """
    return _parsed(source, _Partials(partial), 0)


def refused(tag: str, line: int, why: str) -> InvalidInput:
    """The error for a tag that no format of a release can say."""
    return InvalidInput(
        f"line {line} of the template: {tag[:80]!r} {why}",
        hint="write it with variables, if, unless and each, or let the application fill in the text",
    )


def _parsed(source: str, partials: _Partials, depth: int) -> list[str | Value | Helper | Block]:
    pieces = _lines_of_their_own(list(_pieces(source)))
    root = Block("", (), 1)
    stack = [root]
    for piece in pieces:
        if isinstance(piece, str):
            if piece:
                stack[-1].add(piece)
        elif piece.sign in ("#", "^"):
            _open(piece, stack)
        elif piece.sign == "else":
            _else(piece, stack)
        elif piece.sign == "/":
            _close(piece, stack)
        elif piece.sign == ">":
            stack[-1].add(*_partial(piece, partials, depth))
        elif piece.sign != "!":
            stack[-1].add(_mustache(piece))
    if len(stack) > 1:
        raise refused("{{#" + stack[-1].name + "}}", stack[-1].line, "is not closed")
    return root.body


def _pieces(source: str) -> Iterator[str | _Tag]:
    """Texts and tags in turn, a text first and last. A backslash before a tag makes it text, two are one."""
    text, at, line_at = "", 0, Lines(source)
    while (found := source.find("{{", at)) >= 0:
        text += source[at:found]
        if text.endswith("\\") and not text.endswith("\\\\"):
            after = source.find("{{", found + 2)
            end = len(source) if after < 0 else after
            for _ in range(2):
                end -= end > found + 2 and after >= 0 and source[end - 1] == "\\"
            text, at = text[:-1] + source[found:end], end
            continue
        yield text.removesuffix("\\") if text.endswith("\\\\") else text
        text = ""
        match = _TAG.match(source, found)
        line = line_at(found)
        if match is None:
            raise refused(source[found : found + 40].partition("\n")[0], line, "is no tag that is known here")
        yield _tag(match, line)
        at = match.end()
    yield text + source[at:]


def _tag(match: re.Match[str], line: int) -> _Tag:
    right = any(match[f"right{number}"] for number in (1, 2, 3, 4))
    inside = match["raw"] if match["raw"] is not None else match["inside"]
    if inside is None:
        return _Tag("!", (), match[0], line, bool(match["left"]), right)
    inside = inside.strip()
    sign = inside[:1] if inside[:1] in ("#", "^", "/", ">", "&") else ""
    words = tuple(_WORD.findall(inside[len(sign) :]))
    if (sign == "^" and not words) or (not sign and words[:1] == ("else",)):
        sign, words = "else", words[1:]
    elif not words:
        raise refused(match[0], line, "names nothing")
    return _Tag(sign, words, match[0], line, bool(match["left"]), right)


def _lines_of_their_own(pieces: list[str | _Tag]) -> list[str | _Tag]:
    """The pieces without the lines that hold a block's tag, a comment or a partial alone, and as ``~`` wants it."""
    done = list(pieces)
    for at, tag in enumerate(pieces):
        if isinstance(tag, str):
            continue
        before, after = str(pieces[at - 1]), str(pieces[at + 1])
        first, last = at == 1, at == len(pieces) - 2
        blank_before = (first or "\n" in before) and _BLANK_BEFORE.search(before)
        blank_after = (last or "\n" in after) and _BLANK_AFTER.match(after)
        left, right = str(done[at - 1]), str(done[at + 1])
        if tag.alone and blank_before and blank_after:
            tag.indent = before[len(before.rstrip(" \t")) :]
            left, right = left.rstrip(" \t"), right[blank_after.end() :]
        done[at - 1] = left.rstrip() if tag.left else left
        done[at + 1] = right.lstrip() if tag.right else right
    return done


def _open(tag: _Tag, stack: list[Block]) -> None:
    if tag.sign == "^":
        tag.words = ("unless", *tag.words)
    block = Block(tag.words[0], tag.words[1:], tag.line)
    if block.name not in BLOCKS:
        raise refused(tag.raw, tag.line, "is a block that is not known here")
    if len(stack) > _DEPTH:
        raise refused(tag.raw, tag.line, "is nested too deeply")
    stack[-1].add(block)
    stack.append(block)


def _else(tag: _Tag, stack: list[Block]) -> None:
    if len(stack) == 1 or stack[-1].turned:
        raise refused(tag.raw, tag.line, "belongs to no block")
    stack[-1].turned = True
    if tag.words:
        _open(_Tag("#", tag.words, tag.raw, tag.line, left=False, right=False), stack)
        stack[-1].chained = True


def _close(tag: _Tag, stack: list[Block]) -> None:
    while stack[-1].chained:
        stack.pop()
    if len(stack) == 1:
        raise refused(tag.raw, tag.line, "closes no block")
    block = stack.pop()
    if tag.words[0] not in (block.name, *block.words[:1]):
        raise refused(tag.raw, tag.line, f"closes another block than {block.name}, which is open")


def _mustache(tag: _Tag) -> Value | Helper:
    name, *given = tag.words
    if name in ("role", "history", "media", "section"):
        return Helper(name, tuple(given), tag.line)
    if given or not _PATH.fullmatch(name) or name in (LITERALS - {"this"}).union(BLOCKS, ("with", "log", "lookup")):
        raise refused(tag.raw, tag.line, "calls a helper, and templates here have none")
    return Value(name, tag.raw, tag.line)


def _partial(tag: _Tag, partials: _Partials, depth: int) -> list[str | Value | Helper | Block]:
    """The nodes of what is included. Each of its lines is indented as the tag was, where that stood alone."""
    name, *given = tag.words
    if given:
        raise refused(tag.raw, tag.line, "includes a text with values of its own")
    text = partials.text(name.strip("\"'"))
    if text is None:
        raise refused(tag.raw, tag.line, "includes a text that is not there")
    if depth >= _DEPTH or partials.left <= 0:
        raise refused(tag.raw, tag.line, "includes itself, or more than a template may hold")
    return _parsed(re.sub(r"^(?=.)", tag.indent, text, flags=re.MULTILINE), partials, depth + 1)
