"""What a changed JSON Schema does to those who meet it.

A prompt's *inputs* are filled by the application, a tool's *parameters* by the model and read by the application,
the *output* is written by the model and read by the application. The same edit weighs differently in each place.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from pinset.domain.diff.budget import Budget
from pinset.domain.diff.model import Impact
from pinset.domain.diff.paths import join, key_of, path_diff, same

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.domain.diff.paths import Kind

Place = Literal["inputs", "parameters", "output"]

_WORDS: Final = {
    "inputs": ("variable", "callers must now pass {}"),
    "parameters": ("parameter", "the model must now pass {}"),
    "output": ("property", "the answer now always has {}"),
}
_STRUCTURE: Final = frozenset({"properties", "required", "type", "enum", "const", "additionalProperties"})
_NESTED: Final = frozenset({"items", "not", "if", "then", "else", "contains", "propertyNames"})
_NAMED: Final = frozenset({"$defs", "definitions", "patternProperties", "dependentSchemas"})
_CHOICES: Final = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_STEERING: Final = frozenset({"description", "title", "examples", "default", "$comment"})


class SchemaChange(NamedTuple):
    """One place of a schema that differs, and what follows."""

    path: str
    kind: Kind
    old: Any
    new: Any
    impact: Impact
    reason: str


def schema_diff(old: Any, new: Any, place: Place, path: str, budget: Budget | None = None) -> list[SchemaChange]:
    """What changes between two schemas. None stands for no schema at all. budget: the comparison's."""
    if same(old, new):
        return []
    if not isinstance(old, dict) or not isinstance(new, dict):
        return [_whole(old, new, place, path)]
    return list(_Schema(place, *_WORDS[place], budget or Budget()).walk(old, new, path))


def _whole(old: Any, new: Any, place: Place, path: str) -> SchemaChange:
    kind: Kind = "added" if old is None else "removed" if new is None else "changed"
    if place == "output":
        return SchemaChange(path, kind, old, new, Impact.BREAKING, "the answer has another form")
    required = new.get("required") if isinstance(new, dict) else None
    if old is None and required:
        names = ", ".join(map(str, required))
        return SchemaChange(path, kind, old, new, Impact.BREAKING, _WORDS[place][1].format(names))
    return SchemaChange(path, kind, old, new, Impact.BEHAVIOUR, f"the {place} are described otherwise")


@dataclass(frozen=True, slots=True)
class _Schema:
    place: Place
    noun: str
    must: str
    budget: Budget

    def walk(self, old: Any, new: Any, path: str) -> Iterator[SchemaChange]:
        if same(old, new):
            return
        if not isinstance(old, dict) or not isinstance(new, dict):
            yield SchemaChange(path, "changed", old, new, Impact.BREAKING, f"the {self.noun} takes other values")
            return
        yield from self._properties(old, new, path)
        yield from self._type(old, new, path)
        yield from self._values(old, new, path)
        yield from self._closed(old, new, path)
        for key in sorted((old.keys() | new.keys()) - _STRUCTURE):
            yield from self._keyword(key, old, new, join(path, key))

    def _properties(self, old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[SchemaChange]:
        before, after = _dict(old.get("properties")), _dict(new.get("properties"))
        needed_before, needed_after = _names(old.get("required")), _names(new.get("required"))
        names = [*before, *(n for n in after if n not in before)]
        names += sorted((needed_before | needed_after) - set(names))
        for name in names:
            where = join(path, name)
            needed = (name in needed_before, name in needed_after)
            known = (name in before or needed[0], name in after or needed[1])
            if not known[0]:
                yield self._added(name, after.get(name, {}), where, required=needed[1])
            elif not known[1]:
                closed = new.get("additionalProperties") is False
                yield self._removed(name, before.get(name, {}), where, required=needed[0], closed=closed)
            else:
                if needed[0] != needed[1]:
                    yield self._need(name, join(where, "required"), now=needed[1])
                yield from self.walk(before.get(name, {}), after.get(name, {}), where)

    def _added(self, name: str, schema: Any, path: str, *, required: bool) -> SchemaChange:
        if required and self.place != "output":
            return SchemaChange(path, "added", None, schema, Impact.BREAKING, self.must.format(name))
        reason = self.must.format(name) if required else f"a new optional {self.noun}"
        return SchemaChange(path, "added", None, schema, Impact.BEHAVIOUR, reason)

    def _removed(self, name: str, schema: Any, path: str, *, required: bool, closed: bool) -> SchemaChange:
        if self.place == "output" and required:
            impact, reason = Impact.BREAKING, f"readers of the answer rely on {name}"
        elif self.place == "parameters" and closed:
            impact, reason = Impact.BREAKING, f"{name} is refused now: no additional properties"
        elif self.place == "inputs":
            impact, reason = Impact.BEHAVIOUR, f"{name} is not used any more"
        else:
            impact, reason = Impact.BEHAVIOUR, f"the {self.noun} {name} is gone"
        return SchemaChange(path, "removed", schema, None, impact, reason)

    def _need(self, name: str, path: str, *, now: bool) -> SchemaChange:
        breaks = (self.place == "output") != now  # callers must give more, or are promised less
        impact = Impact.BREAKING if breaks else Impact.BEHAVIOUR
        reason = self.must.format(name) if now else f"{name} may be missing now"
        return SchemaChange(path, "changed", not now, now, impact, reason)

    def _type(self, old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[SchemaChange]:
        if same(old.get("type"), new.get("type")):
            return
        before, after = _types(old.get("type")), _types(new.get("type"))
        harmless = {
            "inputs": before <= after,  # callers may pass what they passed
            "output": after <= before,  # readers get what they can read
            "parameters": False,
        }[self.place]
        if before == after:
            harmless = True
        impact = Impact.BEHAVIOUR if harmless else Impact.BREAKING
        reason = (
            "the type is " + ("wider" if self.place == "inputs" else "narrower") if harmless else "the type changed"
        )
        yield _change(path, "type", old, new, impact=impact, reason=reason)

    def _values(self, old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[SchemaChange]:
        if not same(old.get("const"), new.get("const")) or ("const" in old) != ("const" in new):
            yield _change(path, "const", old, new, impact=Impact.BREAKING, reason="another fixed value")
        if same(old.get("enum"), new.get("enum")):
            return
        before, after = old.get("enum"), new.get("enum")
        if not isinstance(before, list) or not isinstance(after, list):
            narrower = not isinstance(before, list)
            impact = Impact.BREAKING if narrower and self.place != "output" else Impact.BEHAVIOUR
            reason = "only the listed values are allowed now" if narrower else "any value is allowed now"
            yield _change(path, "enum", old, new, impact=impact, reason=reason)
            return
        kept = {key_of(v) for v in after}
        gone = [v for v in before if key_of(v) not in kept]
        impact = Impact.BREAKING if gone else Impact.BEHAVIOUR
        reason = f"no longer allowed: {_list(gone)}" if gone else "allows other values, or another order"
        yield _change(path, "enum", old, new, impact=impact, reason=reason)

    def _closed(self, old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[SchemaChange]:
        key = "additionalProperties"
        before, after = old.get(key, True), new.get(key, True)
        if same(before, after):
            return
        if isinstance(before, dict) and isinstance(after, dict):
            yield from self.walk(before, after, join(path, key))
            return
        closes = after is False and self.place != "output"
        reason = "what is not described is refused now" if closes else "other properties than described"
        impact = Impact.BREAKING if closes else Impact.BEHAVIOUR
        yield _change(path, key, old, new, impact=impact, reason=reason)

    def _keyword(self, key: str, old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[SchemaChange]:
        before, after = old.get(key), new.get(key)
        if same(before, after):
            return
        pairs = isinstance(before, list) and isinstance(after, list) and len(before) == len(after)
        if key in _NESTED and before is not None and after is not None:
            yield from self.walk(before, after, path)
        elif key in _NAMED and isinstance(before, dict) and isinstance(after, dict):
            yield from self._definitions(before, after, path)
        elif key in _CHOICES and pairs:
            for n, (x, y) in enumerate(zip(before or [], after or [], strict=True)):
                yield from self.walk(x, y, f"{path}[{n}]")
        elif key in _STEERING:
            reason = "the model reads it" if self.place != "inputs" else "what the description says"
            yield from _generic(before, after, path, self.budget, impact=Impact.BEHAVIOUR, reason=reason)
        elif key in _CHOICES or key in _NESTED or key == "$ref":
            parent = path.removesuffix(key).removesuffix(".")
            yield _change(parent, key, old, new, impact=Impact.BREAKING, reason="takes other values")
        else:
            tighter = self.place == "inputs" and _tighter(key, before, after)
            impact = Impact.BREAKING if tighter else Impact.BEHAVIOUR
            reason = "values that were allowed may be refused now" if tighter else "another constraint"
            yield from _generic(before, after, path, self.budget, impact=impact, reason=reason)

    def _definitions(self, old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[SchemaChange]:
        for name in sorted(old.keys() | new.keys()):
            if name in old and name in new:
                yield from self.walk(old[name], new[name], join(path, name))
            else:
                yield from _generic(
                    old.get(name),
                    new.get(name),
                    join(path, name),
                    self.budget,
                    impact=Impact.BEHAVIOUR,
                    reason="a definition",
                )


def _change(
    path: str, key: str, old: dict[str, Any], new: dict[str, Any], *, impact: Impact, reason: str
) -> SchemaChange:
    kind: Kind = "changed" if key in old and key in new else "added" if key in new else "removed"
    return SchemaChange(join(path, key), kind, old.get(key), new.get(key), impact, reason)


def _generic(old: Any, new: Any, path: str, budget: Budget, *, impact: Impact, reason: str) -> Iterator[SchemaChange]:
    if old is None or new is None:
        kind: Kind = "added" if old is None else "removed"
        yield SchemaChange(path, kind, old, new, impact, reason)
        return
    for found in path_diff(old, new, path, budget):
        yield SchemaChange(found.path, found.kind, found.old, found.new, impact, reason)


def _tighter(key: str, old: Any, new: Any) -> bool:
    """Whether a constraint allows less than before; an unknown or changed pattern might."""
    if new is None:
        return False
    numbers = isinstance(old, int | float) and isinstance(new, int | float)
    if numbers and key.lower().startswith(("max", "exclusivemax")):
        return bool(new < old)
    if numbers and key.lower().startswith(("min", "exclusivemin")):
        return bool(new > old)
    return key.lower().startswith(("max", "min", "exclusive")) or key in {"pattern", "format", "multipleOf"}


def _types(value: Any) -> frozenset[str]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list):
        return frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
    found = frozenset(map(str, names))
    return found | {"integer"} if "number" in found else found


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _names(value: Any) -> frozenset[str]:
    return frozenset(x for x in value if isinstance(x, str)) if isinstance(value, list) else frozenset()


def _list(values: list[Any]) -> str:
    return ", ".join(json.dumps(v, ensure_ascii=False) for v in values)
