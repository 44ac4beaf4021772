"""Editing a YAML or JSON text: one value is changed, added or removed, and every other character stays.

Where a value stands is known from the strict parser. How it is written is tried in a few ways, the one nearest to what
stands there first; what counts is the proof: the new text is parsed again, and must differ in exactly the one place.
"""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any, Final

from pinset.domain import names
from pinset.domain.text import spans, strict_json, strict_yaml
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pinset.domain.text.spans import Path, Placed

VALUE_LIMIT: Final = 100_000
"""Characters of a value."""
_PLAIN_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*", re.ASCII)
_ESCAPED: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""What JSON takes as it is, and YAML does not."""


def placed(text: str, *, is_json: bool) -> Placed:
    """A text with the place of every value. Raises InvalidInput for one that the strict parsers refuse."""
    try:
        return spans.placed_json(text) if is_json else spans.placed_yaml(text)
    except (strict_yaml.StrictYamlError, strict_json.StrictJsonError) as error:
        where = f"line {error.line}: " if error.line else ""
        raise InvalidInput(f"{where}{error.message}", hint=error.hint) from error


def value_of(given: str) -> Any:
    """The value that a person writes on one line: a YAML scalar, or a list or mapping in brackets.

    Raises InvalidInput for an empty one, for one of several lines, and where a part of it would be a comment.
    """
    wanted = given.strip(" \t")
    if not wanted or "\n" in wanted or "\r" in wanted or len(wanted) > VALUE_LIMIT:
        what = "is empty" if not wanted else "has several lines" if len(wanted) <= VALUE_LIMIT else "is too long"
        raise InvalidInput(f"the value {what}", hint='write null or "" for nothing; several lines as "first\\nsecond"')
    try:
        found = placed(wanted, is_json=False)
    except InvalidInput as error:
        message = f"the value {names.show(given)} cannot be read: {error.message}"
        raise InvalidInput(message, hint=f"put text in quotes: '\"…\"'; {error.hint}") from error
    whole = found.spans[()]
    if whole.block or whole.start or whole.style in ("|", ">"):
        hint = "write a mapping as {key: value} and a list as [a, b]; put text with ': ' or '- ' in quotes"
        raise InvalidInput(f"the value {names.show(given)} is a block", hint=hint)
    if whole.end < len(wanted):
        raise InvalidInput(
            f"of the value {names.show(given)} what follows # is a comment", hint="put the text in quotes: '\"…\"'"
        )
    return found.value


def edited(text: str, path: Path, given: str, *, is_json: bool = False) -> str:
    """The text with another value at a path that it has. given: as `value_of` reads it.

    The same text where that is the value already. Raises InvalidInput.
    """
    return _set(placed(text, is_json=is_json), path, value_of(given), given.strip(" \t"))


def replaced(text: str, path: Path, value: Any, *, is_json: bool = False) -> str:
    """The same for a value that is no text."""
    return _set(placed(text, is_json=is_json), path, value, None)


def added(text: str, path: Path, given: str, *, is_json: bool = False) -> str:
    """The text with a new entry, whose key is the path's last step, of a mapping that it has. Raises InvalidInput."""
    was, value = placed(text, is_json=is_json), value_of(given)
    wanted = copy.deepcopy(was.value)
    _at(wanted, path[:-1])[path[-1]] = value
    key = str(path[-1])
    written = [*_written(value, given.strip(" \t"), "", is_json=is_json)]
    plain = [] if is_json or not _PLAIN_KEY.fullmatch(key) else [key]
    entries = [f"{shown}: {one}" for shown in (*plain, _quoted(key)) for one in written]
    return _proven(was, wanted, (text for one in entries for text in _insertions(was, path[:-1], one)), path)


def rewritten(text: str, path: Path, change: Callable[[str], str], *, is_json: bool = False) -> str:
    """The text with a text in it changed where it stands, so that its quotes and lines stay. Raises InvalidInput."""
    was = placed(text, is_json=is_json)
    value, span = change(_at(was.value, path)), was.spans[path]
    wanted = copy.deepcopy(was.value)
    _at(wanted, path[:-1])[path[-1]] = value
    kept = f"{text[: span.start]}{change(text[span.start : span.end])}{text[span.end :]}"
    return kept if _says(was, kept, wanted) else _set(was, path, value, None)


def removed(text: str, path: Path, *, is_json: bool = False) -> str:
    """The text without the entry or item at a path that it has. Raises InvalidInput."""
    was = placed(text, is_json=is_json)
    wanted = copy.deepcopy(was.value)
    del _at(wanted, path[:-1])[path[-1]]
    return _proven(was, wanted, _removals(was, path), path)


def _set(was: Placed, path: Path, value: Any, given: str | None) -> str:
    if same(_at(was.value, path), value):
        return was.text
    wanted = copy.deepcopy(was.value)
    _at(wanted, path[:-1])[path[-1]] = value
    written = _written(value, given, was.spans[path].style, is_json=was.is_json)
    return _proven(was, wanted, (text for one in written for text in _replacements(was, path, one)), path)


def _proven(was: Placed, wanted: Any, candidates: Iterable[str], path: Path) -> str:
    """The first of some texts that says what is wanted, and so differs in the one place."""
    for text in candidates:
        if _says(was, text, wanted):
            return text
    shown = ".".join(map(str, path))
    raise InvalidInput(
        f"{names.show(shown)} cannot be changed without changing other lines too",
        hint="edit the file itself: pinset pull REF DIR; then publish it",
    )


def _says(was: Placed, text: str, wanted: Any) -> bool:
    """Whether a text parses to a value."""
    try:
        found = strict_json.loads(text) if was.is_json else strict_yaml.load_yaml(text).value
    except (strict_yaml.StrictYamlError, strict_json.StrictJsonError):
        return False
    return same(found, wanted)


def same(one: Any, other: Any) -> bool:
    """Whether two parsed values are the same, and of the same types: 1 is not 1.0, and not true."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def _written(value: Any, given: str | None, style: str, *, is_json: bool) -> Iterator[str]:
    """Ways to write a value: as what stands there is quoted, as it was given, and as JSON, which YAML reads too."""
    if not is_json:
        if isinstance(value, str) and style == "'" and "'" not in value:
            yield f"'{value}'"
        if isinstance(value, str) and style in ("'", '"'):
            yield _quoted(value)
        if given is not None:
            yield given
        elif isinstance(value, str):
            yield value
    yield _quoted(value)


def one_line(value: Any) -> str:
    """A value as `added` and `edited` take it."""
    return _quoted(value)


def _quoted(value: Any) -> str:
    shown = json.dumps(value, ensure_ascii=False)
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", shown)


def _replacements(was: Placed, path: Path, written: str) -> Iterator[str]:
    """The text with something else in a value's place; a block's goes up to its key, whose comment stays."""
    span, text = was.spans[path], was.text
    if span.block and span.key_end is not None:
        colon = text.index(":", span.key_end) + 1
        comment = text[colon : span.start].split("\n")[0].rstrip() if "\n" in text[colon : span.start] else ""
        yield f"{text[:colon]} {written}{comment}{text[span.end :]}"
    gap = " " if span.start == span.end and span.start and not text[span.start - 1].isspace() else ""
    yield f"{text[: span.start]}{gap}{written}{text[span.end :]}"


def _insertions(was: Placed, path: Path, entry: str) -> Iterator[str]:
    """The text with one more entry of a mapping, after the last that it has."""
    span, text = was.spans[path], was.text
    if not span.parts:
        opened = text.find("{", span.start, span.end) + 1
        yield f"{text[:opened]}{entry}{text[opened:]}" if opened else text
        return
    last = was.spans[span.parts[-1]]
    line, break_ = _begin_of_line(text, last.key or 0), "\r\n" if "\r\n" in text else "\n"
    indent = text[line : last.key]
    alone = not indent.strip()
    if span.block:
        end = _end_of_line(text, last.end)
        yield f"{text[:end]}{break_}{indent if alone else ' ' * len(indent)}{entry}{text[end:]}"
        return
    between = f",{break_}{indent}" if alone else ", "
    yield f"{text[: last.end]}{between}{entry}{text[last.end :]}"


def _removals(was: Placed, path: Path) -> Iterator[str]:
    """The text without an entry or item: whole lines where it has them to itself."""
    text, parent = was.text, was.spans[path[:-1]]
    at = parent.parts.index(path)
    begins = [_begin(was, one, parent.block) for one in parent.parts]
    begin, end = begins[at], was.spans[path].end
    if len(parent.parts) == 1:
        empty = "[]" if isinstance(path[-1], int) else "{}"
        yield from _replacements(was, path[:-1], empty) if path[:-1] else ()
        return
    line = _begin_of_line(text, begin)
    if parent.block and not text[line:begin].strip():
        rest = text.find("\n", end) + 1
        yield text[:line] + text[rest or len(text) :]
    if at + 1 < len(begins):
        yield text[:begin] + text[begins[at + 1] :]
    else:
        yield text[: was.spans[parent.parts[at - 1]].end] + text[end:]


def _begin(was: Placed, path: Path, block: bool) -> int:  # noqa: FBT001 - how the container is written
    """Where an entry or item begins: its key, the dash of an item on a line of its own, or the value itself."""
    span = was.spans[path]
    if span.key is not None:
        return span.key
    return was.text.rindex("-", 0, max(span.start, 1)) if block else span.start


def _begin_of_line(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _end_of_line(text: str, at: int) -> int:
    """Where a line ends, before its line end."""
    found = text.find("\n", at)
    if found < 0:
        return len(text)
    return found - 1 if found and text[found - 1] == "\r" else found
