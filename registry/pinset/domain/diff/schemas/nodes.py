"""A JSON Schema as the parts that must all hold: references followed, ``allOf`` taken apart.

A *part* is a mapping of the author's whose keywords hold together; its ``$ref`` and ``allOf`` are parts of their own.
Parts are the author's own objects, so that one met again is known by its identity. Nothing is fetched, no pattern is
run: what cannot be followed stays in its part as it is and is judged by its words.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote

from pinset.domain.diff.paths import key_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TYPES: Final = frozenset({"string", "integer", "fraction", "boolean", "object", "array", "null"})
"""What a value can be. ``number`` is an integer or a fraction; 1.0 is an integer."""
_NAMES: Final = (TYPES - {"fraction"}) | {"number"}
NOTES: Final = frozenset(
    {
        "title", "description", "examples", "default", "deprecated", "readOnly", "writeOnly", "$comment", "$schema",
        "$id", "$anchor", "$dynamicAnchor", "$defs", "definitions", "$vocabulary",
    }
)  # fmt: skip
"""Keywords that allow and refuse nothing."""
BRANCHES: Final = ("anyOf", "oneOf")
_REFERENCES: Final = ("$ref", "$dynamicRef")
_NAMED: Final = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_DATA: Final = frozenset({"const", "enum", "default", "examples"})
_IN_PLACE: Final = ("allOf", "anyOf", "oneOf")
_IN_PLACE_ONE: Final = ("if", "then", "else", "not")
_CIRCLE: Final[Any] = {"$dynamicRef": "#"}
"""Stands for what leads to itself or is no schema, and holds for nothing that is known."""

_CHAIN: Final = 100
"""References that lead to references, for one and the same value."""

Part = Any
"""A mapping of keywords, or False: nothing holds."""
Parts = tuple[Part, ...]


class Span(NamedTuple):
    """A bound of numbers; ``open`` when the bound itself is outside."""

    at: float
    open: bool


class Said(NamedTuple):
    """What is said of properties: by name, by pattern, and whether of all others too."""

    names: frozenset[str] = frozenset()
    patterns: frozenset[str] = frozenset()
    maps: bool = False


class Root:
    """One whole schema: what its references lead to, and what was found out about its parts."""

    def __init__(self, schema: Any) -> None:
        self.schema = schema
        self._parts: dict[int, Parts] = {}
        self._refers: dict[int, bool] = {}
        self._said: dict[int, Said] = {}
        self._depth = 0
        self._kept: list[Any] = [schema]  # what is known by its identity must stay alive
        self._rebased = isinstance(schema, dict) and any("$id" in one for one in _mappings(schema) if one is not schema)

    def parts(self, schema: Any) -> Parts:
        """What must hold for a value to be valid; empty for a schema that allows everything."""
        found = self._parts.get(id(schema))
        if found is None:
            self._kept.append(schema)
            listed: list[Part] = []
            self._take_apart(schema, listed, {id(schema)}, set())
            found = self._parts[id(schema)] = tuple(listed)
        return found

    def all_parts(self, schemas: Iterable[Any]) -> Parts:
        """What must hold for a value that is valid under all of them, each part once."""
        return tuple({id(part): part for schema in schemas for part in self.parts(schema)}.values())

    def target(self, schema: dict[str, Any]) -> Any:
        """What a schema's ``$ref`` leads to; None where it has none or it cannot be followed."""
        text = schema.get("$ref")
        if not isinstance(text, str) or not text.startswith("#") or self._rebased:
            return None
        if text[1:] and not text.startswith("#/"):
            return self._anchored(text[1:])
        here = self.schema
        for step in unquote(text[1:]).split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            if isinstance(here, dict) and name in here:
                here = here[name]
            elif isinstance(here, list) and name.isascii() and name.isdigit() and int(name) < len(here):
                here = here[int(name)]
            else:
                return None
        return here if isinstance(here, dict | bool) else None

    def refers(self, schema: Any) -> bool:
        """Whether a reference stands anywhere inside: then equal words may mean different things in two schemas."""
        found = self._refers.get(id(schema))
        if found is None:
            self._kept.append(schema)
            found = any(key in one for one in _mappings(schema) for key in _REFERENCES)
            self._refers[id(schema)] = found
        return found

    def said(self, parts: Parts) -> Said:
        """What the parts say of properties, also in their branches and conditions."""
        found = [self._of_part(part) for part in parts if isinstance(part, dict)]
        return Said(
            frozenset().union(*(one.names for one in found)),
            frozenset().union(*(one.patterns for one in found)),
            any(one.maps for one in found),
        )

    def _of_part(self, part: Part) -> Said:
        found = self._said.get(id(part))
        if found is None:
            self._kept.append(part)
            self._said[id(part)] = Said()  # a circle adds nothing
            if self._depth > _CHAIN:
                return Said(maps=True)
            self._depth += 1
            inner = [one for key in _IN_PLACE for one in listed(part, key)]
            inner += [part[key] for key in _IN_PLACE_ONE if key in part]
            inner += members(part, "dependentSchemas").values()
            within = self.said(self.all_parts(inner))
            self._depth -= 1
            valued = {name for value in fixed(part) or () if isinstance(value, dict) for name in value}
            others = part.get("additionalProperties", True)
            found = self._said[id(part)] = Said(
                within.names.union(members(part, "properties"), valued),
                within.patterns.union(members(part, "patternProperties")),
                within.maps or (others is not False and not trivial(others)),
            )
        return found

    def _take_apart(self, schema: Any, found: list[Part], above: set[int], done: set[int]) -> None:
        """Adds the parts of a schema. above: the schemas that it is a part of; done: those that are there already."""
        if not isinstance(schema, dict):
            found += [] if schema is True else [False] if schema is False else [_CIRCLE]  # the last is no schema
            return
        if not schema:
            return
        found.append(schema)
        target = self.target(schema)
        for one in (*listed(schema, "allOf"), *(() if target is None else (target,))):
            if id(one) in above or len(above) > _CHAIN:  # a circle: no value can be judged by it
                found.append(_CIRCLE)
            elif id(one) not in done:
                self._take_apart(one, found, above | {id(one)}, done)
        done.add(id(schema))

    def _anchored(self, name: str) -> Any:
        named = [one for one in _mappings(self.schema) if one.get("$anchor") == name]
        return named[0] if len(named) == 1 else None


def listed(part: Any, key: str) -> list[Any]:
    """A keyword whose value is a list of schemas; empty where it is not one."""
    value = part.get(key) if isinstance(part, dict) else None
    return value if isinstance(value, list) else []


def members(part: Any, key: str) -> dict[str, Any]:
    """A keyword whose value holds schemas by name; empty where it does not."""
    value = part.get(key) if isinstance(part, dict) else None
    return value if isinstance(value, dict) else {}


def strings(value: Any) -> frozenset[str]:
    """The texts of a list."""
    return frozenset(x for x in value if isinstance(x, str)) if isinstance(value, list) else frozenset()


def trivial(schema: Any) -> bool:
    """Whether a schema visibly allows everything."""
    return schema is True or (isinstance(schema, dict) and NOTES.issuperset(schema))


def names_types(said: Any) -> bool:
    """Whether a ``type`` says types of JSON Schema alone; others know ``STRING`` or ``int``, and what that means is theirs."""
    return bool(said) and all(
        isinstance(name, str) and name in _NAMES for name in (said if isinstance(said, list) else [said])
    )


def types_of(part: Part) -> frozenset[str]:
    """The types that one part leaves; all of them where it says one that JSON Schema does not know."""
    if not isinstance(part, dict):
        return frozenset()
    said = part.get("type")
    found = TYPES
    if names_types(said):
        known = set(said if isinstance(said, list) else [said])
        found = frozenset((known | {"integer", "fraction"}) - {"number"} if "number" in known else known)
    values = fixed(part)
    return found if values is None else found & {type_of(value) for value in values}


def type_of(value: Any) -> str:
    """The type of a JSON value."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "integer" if isinstance(value, int) or value.is_integer() else "fraction"
    kinds: tuple[tuple[type, str], ...] = ((str, "string"), (dict, "object"), (list, "array"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "null")


def fixed(part: Part) -> list[Any] | None:
    """The values that one part leaves, where it names them."""
    if not isinstance(part, dict):
        return []
    if "const" in part:
        return [part["const"]]
    values = part.get("enum")
    return values if isinstance(values, list) else None


def number(part: Part, key: str) -> float | None:
    """A keyword whose value is a number."""
    value = part.get(key) if isinstance(part, dict) else None
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return None if isinstance(value, float) and not math.isfinite(value) else value


def keyed(values: Iterable[Any]) -> dict[str, Any]:
    """JSON values by a text that only equal ones share."""
    return {f'"{value}' if isinstance(value, str) else key_of(value): value for value in values}


def meaning(schema: Any) -> str:
    """A text that schemas share which differ in their notes alone."""
    return key_of(_without_notes(schema))


def _without_notes(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_notes(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    kept: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _NAMED and isinstance(value, dict):
            if key not in NOTES:
                kept[key] = {name: _without_notes(one) for name, one in value.items()}
        elif key not in NOTES:
            kept[key] = value if key in _DATA else _without_notes(value)
    return kept


def _mappings(schema: Any) -> Iterator[dict[str, Any]]:
    """Every mapping that stands where a schema stands."""
    stack = [schema]
    while stack:
        here = stack.pop()
        if isinstance(here, list):
            stack += here
        elif isinstance(here, dict):
            yield here
            for key, value in here.items():
                if key in _NAMED and isinstance(value, dict):
                    stack += value.values()
                elif key not in _DATA:
                    stack.append(value)
