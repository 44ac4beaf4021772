"""YAML 1.2 as people mean it: ``no`` is text, a date is text, and nothing is copied, merged or constructed.

The parser's events are walked here, so anchors, aliases, tags, merge keys and duplicate keys are refused before
they can do anything, and every value keeps its line.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeVar

import yaml

from pinset.domain.text import strict_json
from pinset.domain.text.located import Located, json_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

W = TypeVar("W", bound="Walk")
_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE: Final = frozenset({"true", "True", "TRUE"})
_FALSE: Final = frozenset({"false", "False", "FALSE"})
_INTEGERS: Final = (
    (re.compile(r"[-+]?[0-9]+"), 10),
    (re.compile(r"0o[0-7]+"), 8),
    (re.compile(r"0x[0-9a-fA-F]+"), 16),
)
_LEADING_ZERO: Final = re.compile(r"[-+]?0[0-9]+")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_UNFIT: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
"""What YAML does not print, and the line breaks that YAML 1.1 knew and 1.2 does not: lines are counted alike."""
_UNFIT_VALUE: Final = re.compile("[\x00\ud800-\udfff]")
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_EMPTY: Final = "write its keys, one a line: key: value"
_LONGEST_INTEGER: Final = 60
"""Characters; a longer one is too large in every base."""


class StrictYamlError(ValueError):
    """Why a text is refused. line: from 1, None where it is not known."""

    def __init__(self, message: str, *, line: int | None = None, hint: str = "correct the YAML") -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.hint = hint


def load_yaml(text: str, *, depth: int = strict_json.DEPTH) -> Located:
    """The one document of a YAML text. depth: containers inside each other. Raises StrictYamlError."""
    return walk_yaml(text, Walk, depth=depth)[0]


def walk_yaml(text: str, kind: type[W], *, depth: int = strict_json.DEPTH) -> tuple[Located, W]:
    """The one document of a YAML text, and the walk of a kind that read it. Raises StrictYamlError."""
    _check_characters(text)
    try:
        walk = kind(yaml.parse(text, Loader=_LOADER), depth)
        return walk.document(), walk
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = min(mark.line, text.rstrip("\n").count("\n")) + 1 if mark else None  # the end is on the last line
        raise StrictYamlError(f"it is not YAML: {error.problem}", line=line, hint=_advice(error)) from error
    except yaml.YAMLError as error:
        first = (str(error).splitlines() or ["unreadable"])[0]
        raise StrictYamlError(f"it is not YAML: {first}", hint="save it as UTF-8 text") from error


def load_located_json(text: str) -> Located:
    """A JSON text with its lines. Raises StrictJsonError."""
    value = strict_json.loads(text)
    return Located(value, json_lines(text))


def _check_characters(text: str) -> None:
    unfit = _UNFIT.search(text)
    if unfit is None:
        return
    line = text.count("\n", 0, unfit.start()) + 1
    if unfit[0] == "\ufeff":
        raise StrictYamlError("it holds a byte order mark", line=line, hint="save it as UTF-8 without one")
    code = ord(unfit[0])
    message = f"it holds the character U+{code:04X}, which does not show"
    escape = "" if _UNFIT_VALUE.match(unfit[0]) else f', or write it in double quotes as "\\u{code:04X}"'
    raise StrictYamlError(message, line=line, hint=f"remove it{escape}")


def _advice(error: yaml.MarkedYAMLError) -> str:
    problem = str(error.problem)
    if "cannot start any token" in problem or "tab" in problem:
        return "indent with spaces, and put text that begins with a sign in quotes"
    if "mapping values are not allowed" in problem or "could not find expected ':'" in problem:
        return "check the indentation; put text that holds ': ' in quotes"
    if "undefined tag" in problem or "alias" in problem or "anchor" in problem:
        return "anchors, aliases and tags are not taken: write the value out, or put text in quotes"
    return "check quotes and indentation of this line and the one above"


class Walk:
    """One pass over the events of a text."""

    def __init__(self, events: Iterator[Any], depth: int) -> None:
        self._events = events
        self._depth = depth
        self._lines: dict[tuple[str | int, ...], int] = {}
        self._end: Any = None

    def node_seen(self, path: tuple[str | int, ...], first: Any, last: Any) -> None:
        """A value was read, all of it. first, last: the parser's events that it begins and ends with."""

    def key_seen(self, path: tuple[str | int, ...], event: Any) -> None:
        """The key of an entry was read, whose value is at the path and comes next."""

    def document(self) -> Located:
        """The whole text. Raises StrictYamlError."""
        next(self._events)  # the stream begins
        start = next(self._events)
        if isinstance(start, yaml.StreamEndEvent):
            raise StrictYamlError("the file is empty", line=1, hint=_EMPTY)
        if start.tags or (start.version and tuple(start.version) != (1, 2)):
            raise StrictYamlError("directives are not taken", line=_line(start), hint="remove the lines with %")
        root = next(self._events)
        value = self._node(root, ())
        next(self._events)  # the document ends
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise StrictYamlError("it holds several documents", line=_line(after), hint="keep one: remove the line ---")
        if value is None and not root.value:  # "---" and nothing after it; null, written out, is a value
            raise StrictYamlError("the document is empty", line=_line(start), hint=_EMPTY)
        return Located(value, self._lines)

    def _node(self, event: Any, path: tuple[str | int, ...]) -> Any:
        line = _line(event)
        _check_plain(event, line)
        self._lines.setdefault(path, line)
        if isinstance(event, yaml.ScalarEvent):
            self.node_seen(path, event, event)
            return _scalar(event, line)
        if len(path) >= self._depth:
            raise StrictYamlError(f"it is nested deeper than {self._depth}", line=line, hint="flatten it")
        found = self._items(path) if isinstance(event, yaml.SequenceStartEvent) else self._entries(path)
        self.node_seen(path, event, self._end)
        return found

    def _items(self, path: tuple[str | int, ...]) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, (*path, len(items))))
        self._end = event
        return items

    def _entries(self, path: tuple[str | int, ...]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = _key(event)
            if key in found:
                first = self._lines[(*path, key)]
                message = f"the key {key[:80]!a} is there twice, first on line {first}"
                raise StrictYamlError(message, line=_line(event), hint="remove one of them")
            self._lines[(*path, key)] = _line(event)
            self.key_seen((*path, key), event)
            found[key] = self._node(next(self._events), (*path, key))
        self._end = event
        return found


def _check_plain(event: Any, line: int) -> None:
    """Refuse what would make a value come from elsewhere, or be of a type that does not show."""
    if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
        hint = "write the value out; put text that begins with & or * in quotes"
        raise StrictYamlError("anchors and aliases are not taken", line=line, hint=hint)
    if event.tag is not None:
        hint = "remove it; put text that begins with ! in quotes"
        raise StrictYamlError(f"the tag {event.tag[:80]!a} is not taken", line=line, hint=hint)


def _key(event: Any) -> str:
    line = _line(event)
    _check_plain(event, line)
    if not isinstance(event, yaml.ScalarEvent):
        hint = "write key: value; put text with braces or brackets in quotes"
        raise StrictYamlError("a key must be text", line=line, hint=hint)
    if event.value == "<<" and not event.style:
        raise StrictYamlError("merge keys are not taken", line=line, hint="write the keys out")
    if not event.style and not isinstance(_plain(event.value, line), str):
        shown = event.value[:80]
        raise StrictYamlError(f"the key {shown!a} is no text", line=line, hint=f'put it in quotes: "{shown}":')
    return str(_scalar(event, line))


def _scalar(event: Any, line: int) -> Any:
    if _UNFIT_VALUE.search(event.value):
        raise StrictYamlError("a text holds NUL or half of a surrogate pair", line=line, hint="correct the escape")
    return event.value if event.style else _plain(event.value, line)  # the two parsers say None or "" for plain


def _plain(text: str, line: int) -> Any:
    """The value of a scalar without quotes, by YAML 1.2's core schema (section 10.3)."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _NOT_FINITE.fullmatch(text):
        raise StrictYamlError(f"{text} is no number that can be kept", line=line, hint="write null, or quote it")
    if _LEADING_ZERO.fullmatch(text):
        message = f"{text[:40]} loses its zeros as a number"
        raise StrictYamlError(message, line=line, hint="put it in quotes to keep it as text, or remove the zeros")
    for pattern, base in _INTEGERS:
        if pattern.fullmatch(text):
            return _integer(text, base, line)
    return _float(text, line) if _FLOAT.fullmatch(text) else text


def _integer(text: str, base: int, line: int) -> int:
    value = int(text, base) if len(text) < _LONGEST_INTEGER else strict_json.SAFE_INTEGER + 1
    if abs(value) > strict_json.SAFE_INTEGER:
        hint = "put it in quotes to keep it as text"
        raise StrictYamlError(f"{text[:40]} is too large to be kept exactly", line=line, hint=hint)
    return value


def _float(text: str, line: int) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise StrictYamlError(f"{text[:40]} is too large a number", line=line, hint="put it in quotes")
    return value


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1
