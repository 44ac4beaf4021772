"""JSON Schema 2020-12, checked against its metaschema. Nothing is fetched, whatever a schema refers to."""

from __future__ import annotations

from typing import Any, Final

_MOST: Final = 20


def problems(schema: Any) -> list[tuple[tuple[str | int, ...], str]]:
    """What is wrong with a schema: paths and sentences, in a fixed order, at most twenty."""
    import jsonschema  # noqa: PLC0415 - 100 ms that only a check needs

    if not isinstance(schema, dict | bool):
        return [((), "a JSON Schema is a mapping, true or false")]
    validator = jsonschema.Draft202012Validator(jsonschema.Draft202012Validator.META_SCHEMA)
    found = [(tuple(error.absolute_path), error.message) for error in validator.iter_errors(schema)]
    found += [(path, f"{target} leads out of the schema; only # is followed") for path, target in _foreign(schema, ())]
    return sorted({(path, message[:200]) for path, message in found}, key=lambda one: (str(one[0]), one[1]))[:_MOST]


def declared_variables(schema: Any) -> tuple[set[str], set[str], bool]:
    """The names a schema of an object declares, those it requires, and whether it says to take others too."""
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


def _foreign(value: Any, path: tuple[str | int, ...]) -> list[tuple[tuple[str | int, ...], str]]:
    found: list[tuple[tuple[str | int, ...], str]] = []
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("$ref", "$dynamicRef") and isinstance(inner, str) and not inner.startswith("#"):
                found.append(((*path, key), inner[:80]))
            found += _foreign(inner, (*path, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            found += _foreign(inner, (*path, at))
    return found
