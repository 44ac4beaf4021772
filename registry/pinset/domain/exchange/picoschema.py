"""Picoschema, dotprompt's short way to write a schema, read as JSON Schema."""

from __future__ import annotations

import re
from typing import Any, Final

from pinset.errors import InvalidInput

_SCALARS: Final = ("any", "boolean", "integer", "null", "number", "string")
_ANY_OTHER: Final = "(*)"
_KEY: Final = re.compile(r"(?P<name>[^(]*?)(?P<optional>\?)?(?:\((?P<kind>[a-z]+)(?: *, *(?P<text>.*))?\))?", re.DOTALL)
_DEPTH: Final = 24


class NamedSchemaError(ValueError):
    """A schema that is kept in the application's code, and only named in the file."""


def read(schema: Any) -> Any:
    """A schema of a ``.prompt`` file as JSON Schema. One that is JSON Schema already stays as it is.

    Raises NamedSchemaError, and InvalidInput for what is neither.
    """
    if isinstance(schema, str):
        kind, text = _described(schema)
        if kind not in _SCALARS:
            raise _named(kind)
        return ({} if kind == "any" else {"type": kind}) | _description(text)
    if is_json_schema(schema):
        return schema if "type" in schema else {**schema, "type": "object"}
    return _read(schema, 0)


def is_json_schema(schema: Any) -> bool:
    """Whether dotprompt takes a mapping for JSON Schema and not for its own."""
    if not isinstance(schema, dict):
        return False
    kind = schema.get("type")
    return (isinstance(kind, str) and kind in (*_SCALARS, "object", "array")) or isinstance(
        schema.get("properties"), dict
    )


def _read(value: Any, depth: int) -> dict[str, Any]:
    if isinstance(value, str):
        kind, text = _described(value)
        if kind not in _SCALARS:
            raise _named(kind)
        return ({} if kind == "any" else {"type": kind}) | _description(text)
    if not isinstance(value, dict) or depth > _DEPTH:
        raise InvalidInput(
            f"a schema holds {value!r:.60}, which is no type", hint="write field: string, or the whole as JSON Schema"
        )
    properties: dict[str, Any] = {}
    required: list[str] = []
    others: Any = False
    for key, inner in value.items():
        if key == _ANY_OTHER:
            others = _read(inner, depth + 1)
            continue
        match = _KEY.fullmatch(key)
        if match is None:
            raise InvalidInput(f"a schema has the key {key[:80]!r}", hint="write name?(array, what it is): string")
        properties[match["name"]] = _property(match, inner, depth)
        if not match["optional"]:
            required.append(match["name"])
    found = {"type": "object", "properties": properties, "additionalProperties": others}
    return found | ({"required": required} if required else {})


def _property(match: re.Match[str], inner: Any, depth: int) -> dict[str, Any]:
    """One field: what is optional may be null too."""
    kind, optional = match["kind"], bool(match["optional"])
    if kind == "array":
        found: dict[str, Any] = {"type": "array", "items": _read(inner, depth + 1)}
    elif kind == "enum":
        if not isinstance(inner, list):
            raise InvalidInput(f"the enum {match['name']} is no list", hint="write name(enum): [A, B]")
        nothing = [None] if optional and None not in inner else []
        return {"enum": [*inner, *nothing]} | _description(match["text"])
    elif kind in (None, "object"):
        found = _read(inner, depth + 1)
    else:
        raise InvalidInput(f"a schema has the kind ({kind})", hint="the kinds are (array), (object), (enum)")
    if optional and isinstance(found.get("type"), str):
        found = {**found, "type": [found["type"], "null"]}
    return found | _description(match["text"])


def _described(text: str) -> tuple[str, str | None]:
    kind, comma, description = text.partition(",")
    return (kind.strip(), description.strip()) if comma else (text.strip(), None)


def _description(text: str | None) -> dict[str, str]:
    return {"description": text} if text else {}


def _named(name: str) -> NamedSchemaError:
    return NamedSchemaError(f"the schema {name[:80]!r} is kept in the application's code, and the file only names it")
