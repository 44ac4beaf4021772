"""Small JSON Schemas, edits of them and values for them, by a seed: what the judgement of schemas is tried against."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

NAMES = ("a", "b", "c", "x-1")
_SCALARS: tuple[Any, ...] = (None, True, False, 0, 1, 2, 5, 7, 1.5, -1, "", "a", "b", "abc", "abcdef", "x-1")
_IN_PLACE = ("allOf", "anyOf", "oneOf")
_IN_PLACE_ONE = ("if", "then", "else", "not")


def schema(picked: Random, depth: int = 3) -> Any:
    """A whole schema, with definitions to refer to."""
    while True:
        found = _object(picked, depth) if picked.random() < 0.7 else _schema(picked, depth)
        if not isinstance(found, dict):
            return found
        found["$defs"] = {name: _schema(picked, 1) for name in ("one", "two")}
        if not _circular(found):
            return found


def edited(picked: Random, whole: Any) -> Any:
    """The schema with one to three of its places changed."""
    new = copy.deepcopy(whole)
    for _ in range(picked.randint(1, 3)):
        places = list(_places(new))
        if not places:
            return schema(picked)
        place = picked.choice(places)
        other = _schema(picked, 1)
        kind = picked.random()
        if kind < 0.35 and len(place) > 1:
            del place[picked.choice([key for key in place if key != "$defs"] or list(place))]
        elif kind < 0.75 and isinstance(other, dict):
            place.update(other)
        elif "properties" in place:
            place["properties"][picked.choice(NAMES)] = other
        elif isinstance(place.get("enum"), list):
            place["enum"] = picked.sample(_SCALARS, 3)
        else:
            place["required"] = picked.sample(NAMES, 1)
    return schema(picked) if _circular(new) else new


def value(picked: Random, depth: int = 3) -> Any:
    """Any JSON value."""
    kind = picked.random()
    if not depth or kind < 0.3:
        return picked.choice(_SCALARS)
    if kind < 0.45:
        return [value(picked, depth - 1) for _ in range(picked.randint(0, 3))]
    return {name: value(picked, depth - 1) for name in picked.sample(NAMES, picked.randint(0, 3))}


def fitting(picked: Random, whole: Any, schemas: list[Any], depth: int = 4) -> Any:
    """A value that the schemas may well allow, made after one of each choice that they leave."""
    merged: dict[str, Any] = {}
    for one in _chosen(picked, whole, schemas):
        for key, inner in one.items():
            if key in ("properties", "patternProperties") and key in merged:
                merged[key] = {**merged[key], **inner}
            else:
                merged[key] = inner
    if "const" in merged:
        return merged["const"]
    if merged.get("enum"):
        return picked.choice(merged["enum"])
    kinds = merged.get("type", "object" if "properties" in merged else None)
    kind = picked.choice(kinds) if isinstance(kinds, list) and kinds else kinds
    if kind == "object" and depth:
        found = {}
        for name in NAMES:
            inner = merged.get("properties", {}).get(name, merged.get("additionalProperties", True))
            if name in merged.get("required", ()) or (picked.random() < 0.5 and inner is not False):
                found[name] = fitting(picked, whole, [inner], depth - 1)
        return found
    if kind == "array" and depth:
        first = merged.get("prefixItems", [])
        return [
            fitting(picked, whole, [first[n] if n < len(first) else merged.get("items", True)], depth - 1)
            for n in range(picked.randint(0, 3))
        ]
    pools = {"string": ("", "a", "b", "abc", "abcdef"), "integer": (0, 1, 2, 5, 7, -1), "number": (0, 1.5, 2, 7)}
    pools |= {"boolean": (True, False), "null": (None,)}
    return picked.choice(pools[kind]) if kind in pools else value(picked, min(depth, 2))


def described(found: Any, whole: Any, schemas: list[Any]) -> Any:
    """The value without the members that no schema says anything of: nobody relies on those."""
    inside = list(_in_place(whole, schemas, 12))
    if isinstance(found, dict):
        kept = {}
        for name, inner in found.items():
            said = [one["properties"][name] for one in inside if name in one.get("properties", {})]
            for one in inside:
                said += [s for p, s in one.get("patternProperties", {}).items() if name.startswith(p.strip("^"))]
                others = one.get("additionalProperties", True)
                said += [others] if others not in (True, False, {}) and name not in one.get("properties", {}) else []
            if said:
                kept[name] = described(inner, whole, said)
        return kept
    if isinstance(found, list):
        for_all = [
            lambda n, one=one: (
                [one["prefixItems"][n]]
                if n < len(one.get("prefixItems", []))
                else [one[key] for key in ("items", "contains") if key in one]
            )
            for one in inside
        ]
        return [described(inner, whole, [s for say in for_all for s in say(n)]) for n, inner in enumerate(found)]
    return found


def opened(whole: Any) -> Any:
    """The schema as code reads it that takes members by name and leaves the others alone."""
    if isinstance(whole, list):
        return [opened(one) for one in whole]
    if not isinstance(whole, dict):
        return whole
    return {key: opened(one) for key, one in whole.items() if key != "additionalProperties" or one is not False}


def _schema(picked: Random, depth: int) -> Any:
    makers = [_scalar, _scalar, _scalar]
    if depth > 0:
        makers += [_object, _object, _array, _choice, _other]
    return picked.choice(makers)(picked, depth - 1)


def _scalar(picked: Random, _: int) -> Any:
    kinds = ("string", "integer", "number", "boolean", "null")
    kind = picked.randrange(9)
    if kind == 0:
        return {"enum": picked.sample(_SCALARS, picked.randint(1, 4))}
    if kind == 1:
        return {"const": picked.choice((*_SCALARS, {"a": 1}, {"a": "b"}))}
    if kind == 2:
        return {"type": picked.sample(kinds, 2)}
    if kind == 3:
        return {"type": "string", picked.choice(("minLength", "maxLength")): picked.randint(0, 4)}
    if kind == 4:
        bound = picked.choice(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"))
        return {"type": picked.choice(("integer", "number")), bound: picked.choice((1, 2, 5, 1.5))}
    if kind == 5:
        return picked.choice((True, {}, False))
    if kind == 6:
        return {"$ref": picked.choice(("#/$defs/one", "#/$defs/two"))}
    return {"type": picked.choice(kinds)}


def _object(picked: Random, depth: int) -> Any:
    found: dict[str, Any] = {"type": "object"}
    found["properties"] = {name: _schema(picked, depth) for name in picked.sample(NAMES, picked.randint(0, 3))}
    if picked.random() < 0.5:
        found["required"] = picked.sample(NAMES, 1)
    kind = picked.randrange(12)
    if kind < 3:
        found["additionalProperties"] = False
    elif kind == 3:
        found["additionalProperties"] = _schema(picked, 0)
    elif kind == 4:
        found["patternProperties"] = {"^x-": _schema(picked, 0)}
    elif kind == 5:
        found[picked.choice(("minProperties", "maxProperties"))] = picked.randint(0, 2)
    elif kind == 6:
        found["dependentRequired"] = {picked.choice(NAMES): picked.sample(NAMES, 1)}
    elif kind == 7:
        found["propertyNames"] = {"maxLength": picked.randint(0, 3)}
    elif kind == 8:
        found["dependentSchemas"] = {picked.choice(NAMES): _schema(picked, 0)}
    return found


def _array(picked: Random, depth: int) -> Any:
    found: dict[str, Any] = {"type": "array"}
    if picked.random() < 0.7:
        found["items"] = _schema(picked, depth)
    kind = picked.randrange(6)
    if kind == 0:
        found["prefixItems"] = [_schema(picked, 0) for _ in range(2)]
    elif kind == 1:
        found[picked.choice(("minItems", "maxItems"))] = picked.randint(0, 2)
    elif kind == 2:
        found["uniqueItems"] = True
    elif kind == 3:
        found |= {"contains": _schema(picked, 0), picked.choice(("minContains", "maxContains")): picked.randint(0, 2)}
    return found


def _choice(picked: Random, depth: int) -> Any:
    return {picked.choice(_IN_PLACE): [_schema(picked, depth) for _ in range(picked.randint(1, 3))]}


def _other(picked: Random, depth: int) -> Any:
    if picked.random() < 0.5:
        return {"not": _schema(picked, 0)}
    return {"if": _schema(picked, 0), "then": _schema(picked, depth), "else": _schema(picked, 0)}


def _places(node: Any) -> Iterator[dict[str, Any]]:
    """Every mapping that is a schema."""
    if isinstance(node, list):
        for one in node:
            yield from _places(one)
    elif isinstance(node, dict):
        yield node
        for key, one in node.items():
            if key in ("properties", "patternProperties", "$defs", "dependentSchemas"):
                yield from _places(list(one.values()))
            elif key not in ("const", "enum", "required", "dependentRequired"):
                yield from _places(one)


def _circular(whole: Any) -> bool:
    """Whether a definition leads to itself for one and the same value, which no validator survives."""
    definitions = whole.get("$defs", {})
    return any(sum(1 for _ in _in_place(whole, [one], 12)) > 200 for one in definitions.values()) or any(
        one is inner for one in definitions.values() for inner in list(_in_place(whole, [one], 12))[1:]
    )


def _in_place(whole: Any, schemas: list[Any], depth: int) -> Iterator[dict[str, Any]]:
    for one in schemas:
        if not isinstance(one, dict) or not depth:
            continue
        yield one
        inner = [s for key in _IN_PLACE for s in one.get(key, [])] + [one[k] for k in _IN_PLACE_ONE if k in one]
        inner += one.get("dependentSchemas", {}).values()
        inner += [whole["$defs"][one["$ref"].rpartition("/")[2]]] if "$ref" in one else []
        yield from _in_place(whole, inner, depth - 1)


def _chosen(picked: Random, whole: Any, schemas: list[Any], depth: int = 8) -> Iterator[dict[str, Any]]:
    for one in schemas:
        if not isinstance(one, dict) or not depth:
            continue
        yield one
        inner = list(one.get("allOf", ()))
        inner += [picked.choice(one[key]) for key in ("anyOf", "oneOf") if one.get(key)]
        inner += [one.get(picked.choice(("then", "else")), True)] if "if" in one else []
        inner += [whole["$defs"][one["$ref"].rpartition("/")[2]]] if "$ref" in one else []
        yield from _chosen(picked, whole, inner, depth - 1)
