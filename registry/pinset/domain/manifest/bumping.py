"""A shared component's new version in the files that name it: each reference is rewritten where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinset.domain.manifest import draft
from pinset.domain.references import parse_component
from pinset.domain.text import braces, editing
from pinset.errors import PinsetError

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping
    from re import Match

    from pinset.domain.references import ComponentReference
    from pinset.domain.text.spans import Path, Placed

_INCLUDING = ("mustache", "text")
"""The formats of templates that include shared text."""


def bumped(files: Mapping[str, str], wanted: ComponentReference) -> dict[str, str]:
    """The author's files with every reference to a component selecting what ``wanted`` does. The same where none does.

    In the manifest, in texts written in it, and in the templates that it names. Raises InvalidInput where a reference
    cannot be rewritten alone.
    """
    read, found = draft.read(files), dict(files)
    is_json, include = read.at.endswith(".json"), _including(wanted)
    for one in read.wanted:
        if one.path is not None and one.reference.key == wanted.key:
            place = _place(editing.placed(found[read.at], is_json=is_json), one.path)
            change = _selecting(str(one.reference.selector), wanted)
            found[read.at] = editing.rewritten(found[read.at], place, change, is_json=is_json)
    prompts = {name: part for name, part in read.parts.get("prompts", {}).items() if part.get("format") in _INCLUDING}
    for path in _texts(editing.placed(found[read.at], is_json=is_json), prompts):
        found[read.at] = editing.rewritten(found[read.at], path, include, is_json=is_json)
    for part in prompts.values():
        for item in (part, *part.get("messages", ())):
            file = item.get("template", {}).get("file")
            if file is not None:
                found[file] = include(found[file])
    return found


def _selecting(old: str, wanted: ComponentReference) -> Callable[[str], str]:
    """Another selector at the end of a reference, however much of the component's name is written."""
    return lambda text: text.replace(f"@{old}", f"@{wanted.selector}")


def _including(wanted: ComponentReference) -> Callable[[str], str]:
    """Another selector in the includes of a template's text."""

    def change(match: Match[str]) -> str:
        written = match["include"]
        try:
            known = parse_component(written, kind="prompts")
        except PinsetError:
            return match[0]
        if known.key != wanted.key:
            return match[0]
        start = match.start("include") - match.start()
        name = written.partition("@")[0]
        return f"{match[0][:start]}{name}@{wanted.selector}{match[0][start + len(written) :]}"

    return lambda text: braces.INCLUDE.sub(change, text)


def _place(placed: Placed, path: Path) -> Path:
    """Where a reference stands: a part that is nothing else is written without the key that it stands for."""
    return path if path in placed.spans else path[:-1]


def _texts(placed: Placed, prompts: Container[str]) -> list[Path]:
    """The templates of some prompts that are written in the manifest."""
    found = []
    for path in placed.spans:
        many = path[1:2] == ("prompts",)
        name = path[2] if many and len(path) > 3 else "default"
        if path[:1] == ("release",) and (many or path[1:2] == ("prompt",)) and path[-1] == "text" and name in prompts:
            found.append(path)
    return found
