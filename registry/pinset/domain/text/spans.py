"""Where the values of a YAML or JSON text stand in it, to the character."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import yaml

from pinset.domain.text import strict_json, strict_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

    Path = tuple[str | int, ...]

_TOKEN: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{},:]|[^\s"\[\]{},:]++', re.DOTALL)


@dataclass(slots=True)
class Span:
    """A value: text[start:end]. key: where its key begins, None for an item and the whole. key_end: where that ends.

    style: how a scalar is quoted, ``'`` or ``"``, or written as a block, ``|`` or ``>``; '' for a plain one and for
    containers. block: it is a container whose parts stand on lines of their own. parts: paths of what it holds, in order.
    """

    start: int
    end: int
    key: int | None = None
    key_end: int | None = None
    style: str = ""
    block: bool = False
    parts: list[Path] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Placed:
    """A parsed text, and the span of every value in it by its path. is_json: how it is written."""

    text: str
    value: Any
    spans: dict[Path, Span]
    is_json: bool


def placed_yaml(text: str) -> Placed:
    """The one document of a YAML text with its spans. Raises StrictYamlError."""
    located, walk = strict_yaml.walk_yaml(text, _Noting)
    return Placed(text, located.value, walk.finished(text), is_json=False)


def placed_json(text: str) -> Placed:
    """The value of a JSON text with its spans. Raises StrictJsonError."""
    value = strict_json.loads(text)
    spans: dict[Path, Span] = {}
    _json_value(_Tokens(text), (), spans)
    return Placed(text, value, spans, is_json=True)


class _Noting(strict_yaml.Walk):
    """A walk that notes where values and keys stand."""

    def __init__(self, events: Iterator[Any], depth: int) -> None:
        super().__init__(events, depth)
        self._spans: dict[Path, Span] = {}
        self._keys: dict[Path, tuple[int, int]] = {}
        self._reach = 0

    def node_seen(self, path: Path, first: Any, last: Any) -> None:
        is_scalar = isinstance(first, yaml.ScalarEvent)
        block = not is_scalar and not first.flow_style
        if not block:
            self._reach = max(self._reach, last.end_mark.index)
        # A block has no end of its own: the parser tells of it where the next thing begins.
        span = Span(first.start_mark.index, self._reach if block else last.end_mark.index, block=block)
        span.key, span.key_end = self._keys.get(path, (None, None))
        if is_scalar and first.style in ("'", '"', "|", ">"):
            span.style = first.style
        self._spans[path] = span

    def key_seen(self, path: Path, event: Any) -> None:
        self._keys[path] = (event.start_mark.index, event.end_mark.index)
        self._reach = max(self._reach, event.end_mark.index)

    def finished(self, text: str) -> dict[Path, Span]:
        """The spans, without the line ends after what is written as a block; parts in the order of the text."""
        for span in self._spans.values():
            if span.block or span.style in ("|", ">"):
                span.end = span.start + len(text[span.start : span.end].rstrip())
        for path in sorted(self._spans, key=lambda path: (len(path), self._spans[path].start)):
            if path:
                self._spans[path[:-1]].parts.append(path)
        return self._spans


class _Tokens:
    """The tokens of a JSON text that is known to be one."""

    def __init__(self, text: str) -> None:
        self._found = _TOKEN.finditer(text)
        self.now = next(self._found)

    def step(self) -> re.Match[str]:
        """The token that was the next one."""
        was, self.now = self.now, next(self._found, self.now)
        return was


def _json_value(tokens: _Tokens, path: Path, spans: dict[Path, Span]) -> Span:
    first = tokens.step()
    span = spans[path] = Span(first.start(), first.end(), style='"' if first[0][0] == '"' else "")
    if first[0] not in ("{", "["):
        return span
    while tokens.now[0] not in ("}", "]"):
        key = tokens.step() if first[0] == "{" else None
        step: str | int = json.loads(key[0]) if key is not None else len(span.parts)
        if key is not None:
            tokens.step()  # the colon
        held = _json_value(tokens, (*path, step), spans)
        if key is not None:
            held.key, held.key_end = key.span()
        span.parts.append((*path, step))
        if tokens.now[0] == ",":
            tokens.step()
    span.end = tokens.step().end()
    return span
