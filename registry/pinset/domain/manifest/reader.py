"""The cursor that walks a manifest: typed reads that note what is wrong and go on.

Nothing here raises for what an author wrote. Every problem becomes a finding with the file, the line and a way
out, so that one run shows all of them.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pinset.domain import names
from pinset.domain.findings import Finding
from pinset.domain.references import ComponentReference, parse_component
from pinset.errors import PinsetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Path = tuple[str | int, ...]

PARTS_LIMIT: Final = 256
"""Parts of one kind in a release, and messages of a prompt."""
SUGGESTED: Final = 20
"""Keys of one mapping for which a likely one is looked for; that takes a while."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A shared component that a manifest names, and where. included: its text becomes part of a template.

    path: of the value in the manifest, None for one that a template includes.
    """

    reference: ComponentReference
    file: str
    line: int | None
    included: bool = False
    path: Path | None = None


@dataclass(slots=True)
class Reader:
    """One located file and what was found while reading it.

    files: the author's texts by path. used: the paths that some part names. wanted: the components named.
    """

    file: str
    value: Any
    lines: Mapping[Path, int]
    files: Mapping[str, str]
    findings: list[Finding] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    wanted: list[Wanted] = field(default_factory=list)

    def note(self, code: str, path: Path, message: str, hint: str) -> None:
        """Add a finding at a path, or at the nearest path above it whose line is known."""
        self.findings.append(Finding(code, message, hint, self.file, self.line(path)))

    def line(self, path: Path) -> int | None:
        """The line of a path, counted from 1."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return None

    def mapping(self, value: Any, path: Path, known: Iterable[str], *, open_ended: bool = False) -> dict[str, Any]:
        """The value as a mapping; unknown keys are noted with the nearest known one, ``x-…`` keys are the author's."""
        if not isinstance(value, dict):
            self.wrong_type(value, path, "a mapping")
            return {}
        allowed = list(known)
        unknown = [] if open_ended else [k for k in value if k not in allowed and not k.startswith("x-")]
        for at, key in enumerate(unknown):
            near = difflib.get_close_matches(key, allowed, n=1) if at < SUGGESTED else []
            hint = f"did you mean {near[0]}?" if near else "known here: " + ", ".join(sorted(allowed))
            self.note("unknown-key", (*path, key), f"the key {names.show(key)} is not known here", hint)
        return value

    def few(self, value: Mapping[str, Any] | list[Any], path: Path) -> bool:
        """Whether there are no more entries than a release may have; a finding where there are."""
        if len(value) <= PARTS_LIMIT:
            return True
        message = f"there are {len(value):,} entries, and there may be {PARTS_LIMIT}"
        self.note("too-large", path, message, "publish them as several releases, or as data in one file")
        return False

    def text(self, mapping: Mapping[str, Any], key: str, path: Path, *, required: bool = False) -> str | None:
        """The text under a key; None, with a finding, where it is missing or something else."""
        value = mapping.get(key)
        if isinstance(value, str) and value:
            return value
        if value is None or value == "":
            if required or key in mapping:
                self.note("missing-key", (*path, key), f"{key} is not given", f"add a line: {key}: …")
            return None
        self.note("wrong-type", (*path, key), f"{key} must be text, and is {_kind(value)}", _as_text(key, value))
        return None

    def number(self, mapping: Mapping[str, Any], key: str, path: Path, *, least: int | None = None) -> None:
        """Note where the value under a key is no number; least: where it is no whole number from there on."""
        value = mapping.get(key)
        wanted = f"a whole number from {least}" if least is not None else "a number"
        whole = isinstance(value, int) and (least is None or value >= least)
        if value is None or (not isinstance(value, bool) and (whole or (least is None and isinstance(value, float)))):
            return
        self.note("bad-value", (*path, key), f"{key} must be {wanted}, and is {_kind(value)}", f"write {key}: 6")

    def choice(self, mapping: Mapping[str, Any], key: str, choices: tuple[str, ...], path: Path) -> str | None:
        """The text under a key, which is one of a few; None, with a finding, where it is another."""
        value = self.text(mapping, key, path)
        if value is None or value in choices:
            return value
        self.note("bad-value", (*path, key), f"{key} is {names.show(value)}", "one of " + ", ".join(choices))
        return None

    def names(self, value: Any, path: Path) -> list[str]:
        """A list of texts; [] with a finding where it is something else."""
        if isinstance(value, list) and all(isinstance(name, str) for name in value):
            return list(value)
        self.wrong_type(value, path, "a list of names")
        return []

    def entries(self, value: Any, path: Path) -> dict[str, Any]:
        """A mapping of part names to parts."""
        found = self.mapping(value, path, (), open_ended=True)
        if not self.few(found, path):
            return {}
        return {name: part for name, part in found.items() if self.part_name(name, (*path, name))}

    def part_name(self, name: str, path: Path) -> bool:
        """Whether a name can be a part's; a finding where not."""
        if names.is_part_name(name):
            return True
        self.note(
            "bad-name", path, f"{names.show(name)} cannot name a part", "use letters, digits and _ - . (at most 64)"
        )
        return False

    def wrong_type(self, value: Any, path: Path, wanted: str) -> None:
        """Note that a value is of another type than the one wanted."""
        what = ".".join(str(step) for step in path) or "the file"
        self.note("wrong-type", path, f"{what} must be {wanted}, and is {_kind(value)}", f"write {wanted}")

    def path(self, text: str, path: Path) -> str | None:
        """The path of an author's file, normalised; a finding where it may not or does not exist."""
        plain = text.removeprefix("./")
        try:
            names.file_path(plain)
        except PinsetError as error:
            self.note("file-path", path, error.message, error.hint)
            return None
        if plain not in self.files:
            near = difflib.get_close_matches(plain, self.files, n=1)
            hint = (
                f"did you mean {near[0]}?"
                if near
                else "create the file, or correct the path (paths begin at the manifest)"
            )
            self.note("file-missing", path, f"there is no file {plain}", hint)
            return None
        self.used.add(plain)
        return plain

    def component(self, text: str, kind: str, path: Path) -> str | None:
        """The key of a shared component named by a reference; it is looked up later."""
        try:
            reference = parse_component(text, kind=kind)
        except PinsetError as error:
            self.note("reference-syntax", path, error.message, error.hint)
            return None
        self.wanted.append(Wanted(reference, self.file, self.line(path), path=path))
        return reference.key


def is_component(text: str) -> bool:
    """Whether a text in a part's place is a reference and not a path: it has a selector."""
    return "@" in text


def _as_text(key: str, value: Any) -> str:
    """How to write what YAML has taken for something else. It has lost what a float looked like: 1.10 is 1.1."""
    match value:
        case bool():
            return f'put it in quotes: {key}: "{str(value).lower()}"'
        case int():
            return f'put it in quotes: {key}: "{value}"'
        case float():
            return f'put it in quotes, as you wrote it: {key}: "…"'
        case _:
            return f"write {key}: text"


def _kind(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return f"{str(value).lower()} (true or false)"
        case int() | float():
            return f"the number {value}"
        case str():
            return "text"
        case list():
            return "a list"
        case _:
            return "a mapping"
