"""One schema at one place, as it is compared: its parts, and all their keywords in one view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pinset.domain.diff.schemas.nodes import BRANCHES, NOTES, Root, meaning, trivial
from pinset.domain.diff.schemas.proving import Facts

if TYPE_CHECKING:
    from pinset.domain.diff.schemas.nodes import Parts


class Side(NamedTuple):
    """One schema at one place: its parts, and the keywords of all of them in one mapping as far as they go together."""

    parts: Parts
    view: dict[str, Any]

    @property
    def facts(self) -> Facts:
        """What is known of its values."""
        return Facts(self.parts)


def side_of(root: Root, schema: dict[str, Any]) -> Side:
    """The keywords of all parts in one mapping; of two that do not go together the first is shown."""
    parts = root.parts(schema)
    view: dict[str, Any] = {}
    for part in _mappings(parts):
        for key, value in part.items():
            if key == "allOf" or (key == "$ref" and root.target(part) is not None):
                continue
            if key == "properties" and isinstance(value, dict):
                view[key] = {**value, **view.get(key, {})}
            elif key == "required" and isinstance(value, list):
                view[key] = [*view.get(key, []), *value]
            else:
                view.setdefault(key, value)
    return Side(parts, view)


def is_plain(view: dict[str, Any]) -> bool:
    """Whether there are no branches."""
    return not any(key in view for key in BRANCHES)


def as_branch(side: Side, schema: dict[str, Any], key: str) -> Side:
    """A schema as the only branch of one; its notes stay with it."""
    return Side(side.parts, {**{k: v for k, v in side.view.items() if k in NOTES}, key: [schema]})


def mappings(side: Side) -> list[dict[str, Any]]:
    """The parts that are mappings."""
    return _mappings(side.parts)


def _mappings(parts: Parts) -> list[dict[str, Any]]:
    return [part for part in parts if isinstance(part, dict)]


def takes_null(side: Side) -> bool:
    """Whether null is allowed, by JSON Schema or by the keyword that providers know."""
    return "null" in side.facts.types or bool(side.view.get("nullable"))


def words_of(schema: Any) -> set[str]:
    """Keywords, and names, anywhere in a schema."""
    found: set[str] = set()
    stack = [schema]
    while stack:
        here = stack.pop()
        if isinstance(here, dict):
            found |= here.keys()
            stack += here.values()
        elif isinstance(here, list):
            stack += here
    return found


def renamed(gone: dict[str, Any], come: dict[str, Any]) -> dict[str, str]:
    """Which property that went looks like one that came: they say the same, and no other does."""
    sides: list[dict[str, list[str]]] = [{}, {}]
    for side, schemas in zip(sides, (gone, come), strict=True):
        for name, schema in schemas.items():
            if not trivial(schema):
                side.setdefault(meaning(schema), []).append(name)
    found: dict[str, str] = {}
    for said, names in sides[0].items():
        others = sides[1].get(said, [])
        if len(names) == len(others) == 1:
            found |= {names[0]: others[0], others[0]: names[0]}
    return found
