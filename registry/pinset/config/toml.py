"""The cursor that walks ``config.toml``: typed reads that note what is wrong and go on.

Nothing here raises for what somebody wrote. Every problem becomes a finding with its line and a way out, so that one
try shows all of them.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from pinset.domain import names
from pinset.domain.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Path = tuple[str | int, ...]
"""Where something stands: keys, and of a list of tables its number, from 0."""

_Number = TypeVar("_Number", int, float)
_HEAD: Final = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_.\s\"'-]+?)\s*\]\]?\s*(?:#.*)?")
_KEY: Final = re.compile(r"\s*[\"']?([A-Za-z0-9_-]+)[\"']?\s*[.=]")
_MANY: Final = 256
"""Tables of one list, and texts of one."""


@dataclass(slots=True)
class Reader:
    """One file and what was found while reading it. lines: of its tables and keys, as far as they are known."""

    file: str
    lines: Mapping[Path, int]
    findings: list[Finding] = field(default_factory=list)

    def note(self, code: str, path: Path, message: str, hint: str) -> None:
        """Add a finding at a path, or at the nearest path above it whose line is known."""
        line = next((self.lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self.lines), None)
        self.findings.append(Finding(code, message, hint, self.file, line))

    def table(self, value: Any, path: Path, known: Iterable[str]) -> dict[str, Any]:
        """The value as a table; unknown keys are noted with the nearest known one."""
        if not isinstance(value, dict):
            self._wrong(value, path, "a table", f"write [{shown(path)}] on a line of its own, and what it holds below")
            return {}
        allowed = list(known)
        for key in value:
            if key not in allowed:
                near = difflib.get_close_matches(key, allowed, n=1)
                hint = f"did you mean {near[0]}?" if near else "known here: " + ", ".join(sorted(allowed))
                place = f" in {shown(path)}" if path else ""
                self.note("unknown-key", (*path, key), f"{names.show(key)} is not known{place}", hint)
        return value

    def tables(self, table: Mapping[str, Any], key: str, path: Path) -> list[tuple[Any, Path]]:
        """The tables of a list of them, each with its path. None where it is not given."""
        value, place = table.get(key, []), (*path, key)
        if not isinstance(value, list):
            self._wrong(value, place, "a list of tables", f"write [[{shown(place)}]] with two brackets")
            return []
        if len(value) > _MANY:
            self.note(
                "too-large", place, f"there are {len(value):,} {shown(place)}, and there may be {_MANY}", "use patterns"
            )
            return []
        return [(one, (*place, at)) for at, one in enumerate(value)]

    def text(self, table: Mapping[str, Any], key: str, path: Path, *, example: str, required: bool = False) -> str:
        """The text under a key; '' where it is not given, and with a finding where it should be or is something else."""
        if key not in table:
            if required:
                self.note("missing-key", path, f"{shown(path)} has no {key}", f"add a line: {key} = {example}")
            return ""
        value = table[key]
        if isinstance(value, str) and value.strip() and value.isprintable():
            return value
        if isinstance(value, str):
            message = f"{shown((*path, key))} is empty or has characters that cannot be printed"
            self.note("bad-value", (*path, key), message, f"write {key} = {example}")
        else:
            self._wrong(value, (*path, key), "text", f"write {key} = {example}")
        return ""

    def texts(self, table: Mapping[str, Any], key: str, path: Path, *, example: str) -> tuple[str, ...] | None:
        """The texts of a list under a key; None where it is not given or, with a finding, something else."""
        value = table.get(key)
        if value is None:
            return None
        if isinstance(value, list) and value and len(value) <= _MANY and all(isinstance(one, str) for one in value):
            return tuple(value)
        self._wrong(value, (*path, key), "a list of texts that is not empty", f"write {key} = {example}")
        return None

    def flag(self, table: Mapping[str, Any], key: str, path: Path, *, default: bool) -> bool:
        """Whether a key says so; the default where it is not given or, with a finding, something else."""
        value = table.get(key, default)
        if isinstance(value, bool):
            return value
        self._wrong(value, (*path, key), "true or false", f"write {key} = {str(default).lower()}")
        return default

    def number(
        self, table: Mapping[str, Any], key: str, path: Path, *, default: _Number, least: float, most: float
    ) -> _Number:
        """The number under a key; the default where it is not given or, with a finding, something else."""
        value = table.get(key, default)
        whole = isinstance(default, int)
        what = f"a {'whole ' if whole else ''}number from {least:,} to {most:,}"
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
            self._wrong(value, (*path, key), what, f"write {key} = {default or 100:g}")
            return default
        if not least <= value <= most:
            message = f"{shown((*path, key))} must be {what}, and is {value:,}"
            self.note("bad-value", (*path, key), message, f"write {key} = {default or 100:g}")
            return default
        return cast("_Number", value)

    def _wrong(self, value: Any, path: Path, wanted: str, hint: str) -> None:
        self.note("wrong-type", path, f"{shown(path)} must be {wanted}, and is {_kind(value)}", hint)


def shown(path: Path) -> str:
    """A path as people read it: ``oidc.allow``; which one of several is said by the line."""
    return ".".join(step if step.isprintable() else names.show(step) for step in path if isinstance(step, str))


def lines_of(text: str) -> dict[Path, int]:
    """The lines of tables and keys, from 1, as far as a look at each line finds them: for people, nothing rests on it."""
    found: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    here: Path = ()
    for number, line in enumerate(text.splitlines(), 1):
        head = _HEAD.fullmatch(line)
        if head is not None:
            here = _placed([step.strip(" \t\"'") for step in head[2].split(".")], counts, many=head[1] == "[[")
            found.setdefault(here, number)
            continue
        key = _KEY.match(line)
        if key is not None:
            found.setdefault((*here, key[1]), number)
    return found


def _placed(steps: list[str], counts: dict[Path, int], *, many: bool) -> Path:
    """The path of a table's head: below a list of tables it is the newest of them that is meant."""
    path: Path = ()
    for at, step in enumerate(steps):
        path = (*path, step)
        if many and at == len(steps) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _kind(value: Any) -> str:
    match value:
        case bool():
            return f"{str(value).lower()} (true or false)"
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text {names.show(value, 40)}"
        case list():
            return "a list"
        case dict():
            return "a table"
        case _:
            return "a date or time"
