"""What a place of a schema that differs is called, and what it does to those who meet the values.

The application writes a prompt's *inputs*, and the prompt takes them: what is taken away breaks callers. The model writes
the *output*, and the application reads it: what is let in breaks readers. Between the model that writes a tool's *parameters*
and the application that answers lie both: what is taken away refuses calls that were right (in examples, in talks that
go on), what is let in reaches code that has never seen it. The application writes a tool's *result*, and the model reads it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from pinset.domain.diff.model import Impact
from pinset.domain.diff.schemas.nodes import keyed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain.diff.paths import Kind

Place = Literal["inputs", "parameters", "output", "result"]

NOUN: Final[Mapping[Place, str]] = {
    "inputs": "variable",
    "parameters": "parameter",
    "output": "property",
    "result": "property",
}
MUST: Final[Mapping[Place, str]] = {
    "inputs": "callers must now pass {}",
    "parameters": "the model must now pass {}: calls without it are refused",
    "output": "the answer now always has {}",
    "result": "the tool must now answer {}",
}
_LOST: Final[Mapping[Place, str]] = {
    "inputs": "what callers pass may be refused",
    "parameters": "calls that were right are refused",
    "output": "readers go on as they are",
    "result": "what the tool answers may be refused",
}
_GAINED: Final[Mapping[Place, str]] = {
    "inputs": "callers go on as they are",
    "parameters": "the application may get what it has not seen",
    "output": "readers may get what they do not know",
    "result": "the tool goes on as it is",
}
_SAME: Final[Mapping[Place, str]] = {
    "inputs": "the same values",
    "parameters": "the same values, but the model reads it",
    "output": "the same values, but the model reads it",
    "result": "the same values, but the model reads it",
}
_SHOWN: Final = 5
_WORD: Final = 40
UNDECIDED: Final = "whether the same values are allowed cannot be decided, so it is taken as breaking"
OTHERWISE: Final = "written otherwise, the same values"


class SchemaChange(NamedTuple):
    """One place of a schema that differs, and what follows."""

    path: str
    kind: Kind
    old: Any
    new: Any
    impact: Impact
    reason: str


class Effect(NamedTuple):
    """What a change does to the values: whether some may be refused that were allowed, and allowed that were not."""

    lost: bool = False
    gained: bool = False

    def __bool__(self) -> bool:
        return self.lost or self.gained

    def __and__(self, other: object) -> Effect:
        if not isinstance(other, Effect):
            return NotImplemented
        return Effect(self.lost and other.lost, self.gained and other.gained)

    def __or__(self, other: object) -> Effect:
        if not isinstance(other, Effect):
            return NotImplemented
        return Effect(self.lost or other.lost, self.gained or other.gained)


def breaks(place: Place, effect: Effect) -> bool:
    """Whether somebody's code has to change with it."""
    return (effect.lost and place != "output") or (effect.gained and place in ("parameters", "output"))


def impact_of(place: Place, effect: Effect) -> Impact:
    """What a change of what is allowed weighs."""
    if breaks(place, effect):
        return Impact.BREAKING
    return Impact.COSMETIC if place == "inputs" and not effect else Impact.BEHAVIOUR


def tail(place: Place, effect: Effect) -> str:
    """What follows for whoever is concerned."""
    if place == "parameters" and effect.lost and effect.gained:
        return f"{_LOST[place]}, and {_GAINED[place]}"
    concern = effect.gained if place == "output" else not effect.lost
    if not effect:
        return _SAME[place]
    return (_GAINED if concern else _LOST)[place]


def told(place: Place, key: str, old: Any, new: Any, effect: Effect) -> str:
    """The reason of a changed keyword."""
    if key == "const":
        what = _than(
            effect, "another fixed value", "one fixed value", "more than the fixed value", "a fixed value as before"
        )
    elif key == "enum":
        what = _values(old, new)
    elif key == "type":
        what = "the type is " + _than(effect, "another", "narrower", "wider", "written otherwise")
    elif key == "format" or (key == "pattern" and old is not None and new is not None):
        what = f"another {key}: whether it takes the same cannot be decided" if old and new else _worded(key, effect)
    else:
        what = _worded(key, effect)
    return f"{what}; {tail(place, effect)}"


def named(values: list[Any]) -> str:
    """Values as JSON, the first few of them."""
    found = [json.dumps(v, ensure_ascii=False) for v in values[:_SHOWN]]
    more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
    return ", ".join(one if len(one) <= _WORD else one[: _WORD - 1] + "…" for one in found) + more


def _worded(key: str, effect: Effect) -> str:
    return f"{key} allows " + _than(effect, "other values", "less", "more", "the same")


def _than(effect: Effect, both: str, less: str, more: str, same: str) -> str:
    if effect.lost and effect.gained:
        return both
    return less if effect.lost else more if effect.gained else same


def _values(old: Any, new: Any) -> str:
    if not isinstance(old, list) or not isinstance(new, list):
        return "only the listed values are allowed now" if isinstance(new, list) else "any value is allowed now"
    before, after = keyed(old), keyed(new)
    gone = [value for one, value in before.items() if one not in after]
    come = [value for one, value in after.items() if one not in before]
    parts = [f"no longer allowed: {named(gone)}"] if gone else []
    parts += [f"allowed now: {named(come)}"] if come else []
    return "; ".join(parts) or "the same values in another order"


def closing(place: Place, *, closed: bool) -> str:
    """The reason where members that are not described are allowed, or no longer."""
    if closed:
        return "what is not described is refused now" if place != "output" else "only what is described comes now"
    return "what is not described is allowed now; who takes members by name goes on"
