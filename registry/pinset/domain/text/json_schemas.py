"""JSON Schema 2020-12, checked against its metaschema. Nothing is fetched, whatever a schema refers to."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str | int, ...]

NODES_LIMIT: Final = 10_000
"""Values of a schema, at any depth: the validator takes a tenth of a millisecond for each."""
_MOST: Final = 20
_LONGEST: Final = 200
"""Characters of a message; the validator quotes the whole schema where it can."""
_REFERENCES: Final = ("$ref", "$dynamicRef")
_ANCHORS: Final = ("$anchor", "$dynamicAnchor")
_DATA: Final = frozenset({"const", "enum", "default", "examples"})
_NAMED: Final = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
"""Keywords whose keys are names of the author's, so that a property may be called ``$ref``."""


def problems(schema: Any) -> list[tuple[Path, str]]:
    """What is wrong with a schema: paths and sentences, in a fixed order, at most twenty."""
    if not isinstance(schema, dict | bool):
        return [((), "a JSON Schema is a mapping, true or false")]
    if _larger(schema, NODES_LIMIT):
        return [((), f"the schema has more than {NODES_LIMIT:,} values, which takes too long to check")]
    found = {(tuple(error.absolute_path), _sentence(error)) for error in _validator().iter_errors(schema)}
    found.update(_references(schema))
    return sorted(found, key=lambda one: ([str(step) for step in one[0]], one[1]))[:_MOST]


def declared_variables(schema: Any) -> tuple[set[str], set[str], bool]:
    """The names a schema of an object declares, those it requires, and whether it takes others too.

    It takes others only where it says so: ``additionalProperties`` of true or a schema, or ``patternProperties``.
    """
    if not isinstance(schema, dict):
        return set(), set(), schema is True
    properties, required = schema.get("properties"), schema.get("required")
    extra = schema.get("additionalProperties")
    is_open = extra is True or isinstance(extra, dict) or "patternProperties" in schema
    return (
        set(properties) if isinstance(properties, dict) else set(),
        {name for name in required if isinstance(name, str)} if isinstance(required, list) else set(),
        is_open,
    )


@cache
def _validator() -> Any:
    import jsonschema  # noqa: PLC0415 - a tenth of a second that only a check needs

    return jsonschema.Draft202012Validator(jsonschema.Draft202012Validator.META_SCHEMA)


def _sentence(error: Any) -> str:
    if error.validator == "anyOf" and error.absolute_path and error.absolute_path[-1] == "type":
        return f"{error.instance!r:.80} is no type of JSON Schema"
    message = str(error.message)
    return message if len(message) <= _LONGEST else message[:_LONGEST] + "…"


def _larger(value: Any, limit: int) -> bool:
    pending, seen = [value], 0
    while pending and seen <= limit:
        here = pending.pop()
        seen += 1
        pending.extend(here.values() if isinstance(here, dict) else here if isinstance(here, list) else ())
    return seen + len(pending) > limit


def _references(schema: Any) -> Iterator[tuple[Path, str]]:
    """References that leave the schema, or lead nowhere inside it."""
    places = list(_schemas(schema, ()))
    anchors = {inner.get(key) for _, inner in places for key in _ANCHORS if isinstance(inner.get(key), str)}
    rebased = any("$id" in inner for path, inner in places if path)
    for path, inner in places:
        for key in _REFERENCES:
            target = inner.get(key)
            if not isinstance(target, str):
                continue
            if not target.startswith("#"):
                yield (
                    (*path, key),
                    f"{target[:80]!r} leads out of the schema: write it under $defs and refer to it by #",
                )
            elif not rebased and target[1:] not in anchors and not _leads(schema, target[1:]):
                yield (*path, key), f"{target[:80]!r} leads nowhere"


def _schemas(value: Any, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every mapping that stands where a schema stands, with its path."""
    if isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _schemas(inner, (*path, at))
    if not isinstance(value, dict):
        return
    yield path, value
    for key, inner in value.items():
        if key in _NAMED and isinstance(inner, dict):
            for name, named in inner.items():
                yield from _schemas(named, (*path, key, name))
        elif key not in _DATA:
            yield from _schemas(inner, (*path, key))


def _leads(schema: Any, pointer: str) -> bool:
    """Whether a JSON pointer (RFC 6901), as written in a URI fragment, leads to something."""
    if pointer and not pointer.startswith("/"):
        return False
    here = schema
    for step in unquote(pointer).split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(here, dict) and name in here:
            here = here[name]
        elif isinstance(here, list) and name.isdecimal() and int(name) < len(here):
            here = here[int(name)]
        else:
            return False
    return True
