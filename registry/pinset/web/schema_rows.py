"""A JSON Schema as rows of a table: one a parameter, those of objects and lists beneath it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST: Final = 300
DEEPEST: Final = 12
_BOUNDS: Final = (
    ("minimum", "≥ {}"), ("exclusiveMinimum", "> {}"), ("maximum", "≤ {}"), ("exclusiveMaximum", "< {}"),
    ("multipleOf", "multiple of {}"), ("minLength", "at least {} characters"), ("maxLength", "at most {} characters"),
    ("minItems", "at least {} items"), ("maxItems", "at most {} items"), ("pattern", "matches {}"), ("format", "{}"),
)  # fmt: skip
_SHORT: Final = 200


@dataclass(frozen=True, slots=True)
class Row:
    """One parameter. depth: how far it is beneath the first. path: from there, for an address. rules: what else holds for it."""

    name: str
    path: str
    depth: int
    type: str
    required: bool
    description: str
    rules: tuple[str, ...]
    values: tuple[str, ...]


def rows(schema: Any) -> tuple[list[Row], bool]:
    """The parameters of a schema of an object, in its order; whether there are more than are shown."""
    found: list[Row] = []
    for row in _under(schema, schema, "", 0):
        if len(found) >= MOST:
            return found, True
        found.append(row)
    return found, False


def _under(schema: Any, root: Any, path: str, depth: int) -> Iterator[Row]:
    """What is within a schema: the properties of an object, of the items of a list, of each alternative."""
    schema = _resolved(schema, root)
    if not isinstance(schema, dict) or depth > DEEPEST:
        return
    required = schema.get("required")
    needed = set(map(str, required)) if isinstance(required, list) else set()
    properties = schema.get("properties")
    for name, inner in properties.items() if isinstance(properties, dict) else ():
        place = f"{path}.{name}" if path else str(name)
        yield _row(str(name), place, inner, root, depth, required=str(name) in needed)
        yield from _within(inner, root, place, depth)
    extra = schema.get("additionalProperties")
    if isinstance(extra, dict) and extra:
        place = f"{path}.*" if path else "*"
        yield _row("any other", place, extra, root, depth, required=False)
        yield from _within(extra, root, place, depth)


def _within(schema: Any, root: Any, path: str, depth: int) -> Iterator[Row]:
    schema = _resolved(schema, root)
    if not isinstance(schema, dict):
        return
    yield from _under(schema, root, path, depth + 1)
    items = _resolved(schema.get("items"), root)
    if isinstance(items, dict) and _compound(items):
        yield from _under(items, root, f"{path}[]", depth + 1)
        yield from _within({key: items[key] for key in ("items",) if key in items}, root, f"{path}[]", depth + 1)
    for word in ("anyOf", "oneOf", "allOf"):
        choices = schema.get(word)
        for number, choice in enumerate(choices if isinstance(choices, list) else (), start=1):
            if depth <= DEEPEST and _compound(_resolved(choice, root)):
                yield from _under(choice, root, f"{path}({number})", depth + 1)


def _row(name: str, path: str, schema: Any, root: Any, depth: int, *, required: bool) -> Row:
    found = _resolved(schema, root)
    known = found if isinstance(found, dict) else {}
    items = _resolved(known.get("items"), root)
    values = known.get("enum", items.get("enum") if isinstance(items, dict) else None)
    shown = tuple(_json(value) for value in values[:50]) if isinstance(values, list) else ()
    description = known.get("description", "")
    return Row(
        name=name,
        path=path,
        depth=depth,
        type=type_of(schema, root),
        required=required,
        description=description if isinstance(description, str) else _json(description),
        rules=tuple(_rules(known)),
        values=shown,
    )


def _rules(schema: dict[str, Any]) -> Iterator[str]:
    for key, words in _BOUNDS:
        if key in schema:
            yield words.format(_json(schema[key]) if not isinstance(schema[key], str) else schema[key][:_SHORT])
    if "const" in schema:
        yield f"always {_json(schema['const'])}"
    if "default" in schema:
        yield f"default {_json(schema['default'])}"
    if schema.get("additionalProperties") is False:
        yield "nothing else"
    if schema.get("deprecated") is True:
        yield "deprecated"


def type_of(schema: Any, root: Any, depth: int = 0) -> str:
    """A schema's type in a few words: ``list of string``, ``string or null``; ``any`` where it says none."""
    found = _resolved(schema, root)
    if not isinstance(found, dict) or depth > 4:
        return "nothing" if found is False else "any"
    kinds = found.get("type")
    if isinstance(kinds, list):
        return " or ".join(str(kind)[:40] for kind in kinds[:8]) or "any"
    if kinds == "array":
        return f"list of {type_of(found.get('items', {}), root, depth + 1)}"
    return kinds[:40] if isinstance(kinds, str) else _chosen(found, root, depth)


def _chosen(schema: dict[str, Any], root: Any, depth: int) -> str:
    """The type of a schema that names none itself."""
    for word, joint in (("anyOf", " or "), ("oneOf", " or "), ("allOf", " and ")):
        choices = schema.get(word)
        if isinstance(choices, list) and choices:
            return joint.join(dict.fromkeys(type_of(one, root, depth + 1) for one in choices[:8]))
    return "one of" if "enum" in schema else "object" if "properties" in schema else "any"


def _compound(schema: Any) -> bool:
    return isinstance(schema, dict) and any(key in schema for key in ("properties", "items", "additionalProperties"))


def _resolved(schema: Any, root: Any) -> Any:
    """A schema, or what its local reference points at; where that leads in a circle, or nowhere, as it is."""
    for _ in range(8):
        if not isinstance(schema, dict) or not isinstance(schema.get("$ref"), str):
            return schema
        found: Any = root
        reference = schema["$ref"]
        if reference == "#":
            return {"type": "object"}
        if not reference.startswith("#/"):
            return schema
        for step in reference[2:].split("/"):
            key = step.replace("~1", "/").replace("~0", "~")
            found = found.get(key) if isinstance(found, dict) else None
        if found is None:
            return schema
        schema = found
    return {}


def _json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHORT else text[: _SHORT - 1] + "…"
