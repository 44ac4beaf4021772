"""The difference of two JSON values as a list of paths.

Paths read like code: ``params.temperature``, ``stop[1]``, ``parameters[query].type`` for an object found by its name,
``params["a.b"]`` for a key that is no plain word.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from pinset.domain.diff.budget import Budget
from pinset.domain.diff.sequences import LINE_CELLS, mirrored_ops

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind = Literal["added", "removed", "changed"]

DEPTH: Final = 64
"""Levels that are looked into; documents hold 32. What is deeper is compared as one value."""

_PLAIN = re.compile(r"[A-Za-z0-9_$-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class PathChange:
    """One place that differs. ``old`` is None when added, ``new`` when removed."""

    path: str
    kind: Kind
    old: Any
    new: Any


def join(path: str, key: str) -> str:
    """The path of a member of the object at ``path``."""
    if not _PLAIN.fullmatch(key):
        return f"{path}[{json.dumps(key, ensure_ascii=False)}]"
    return f"{path}.{key}" if path else key


def same(a: Any, b: Any) -> bool:
    """Whether two JSON values are equal. 1 and 1.0 are one number, 1 and true are not."""
    if a is b:
        return True
    if isinstance(a, str) or isinstance(b, str):
        return isinstance(a, str) and isinstance(b, str) and a == b
    try:
        if a != b:  # the same for all JSON values, but that True == 1
            return False
    except RecursionError:
        pass
    return _exactly(a) == _exactly(b) or key_of(a) == key_of(b)


def _exactly(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def key_of(value: Any) -> str:
    """A text that is the same for equal JSON values and only for them."""
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=True, separators=(",", ":"), default=str)


def path_diff(old: Any, new: Any, path: str = "", budget: Budget | None = None) -> list[PathChange]:
    """Everything that differs below ``path``, keys in order of the alphabet, lists in their own order.

    What the budget does not hold is compared as one value.
    """
    return list(_walk(old, new, path, 0, budget or Budget()))


def _walk(old: Any, new: Any, path: str, depth: int, budget: Budget) -> Iterator[PathChange]:
    if same(old, new):
        return
    both = (isinstance(old, dict) and isinstance(new, dict)) or (isinstance(old, list) and isinstance(new, list))
    if both and not budget.walk(old, new):
        yield PathChange(path, "changed", old, new)
    elif depth < DEPTH and isinstance(old, dict) and isinstance(new, dict):
        yield from _objects(old, new, path, depth, budget)
    elif depth < DEPTH and isinstance(old, list) and isinstance(new, list):
        yield from _lists(old, new, path, depth, budget)
    else:
        yield PathChange(path, "changed", old, new)


def _objects(old: dict[str, Any], new: dict[str, Any], path: str, depth: int, budget: Budget) -> Iterator[PathChange]:
    for key in sorted(old.keys() | new.keys()):
        where = join(path, key)
        if key not in old:
            yield PathChange(where, "added", None, new[key])
        elif key not in new:
            yield PathChange(where, "removed", old[key], None)
        else:
            yield from _walk(old[key], new[key], where, depth + 1, budget)


def _lists(old: list[Any], new: list[Any], path: str, depth: int, budget: Budget) -> Iterator[PathChange]:
    before, after = _by_name(old), _by_name(new)
    if before is not None and after is not None:
        yield from _named(before, after, path, depth, budget)
    elif len(old) * len(new) > LINE_CELLS:
        yield PathChange(path, "changed", old, new)
    else:
        yield from _sequences(old, new, path, depth, budget)


def _named(old: dict[str, Any], new: dict[str, Any], path: str, depth: int, budget: Budget) -> Iterator[PathChange]:
    """Objects known by name; when nothing else differs, their order does."""
    found = False
    for name in [*old, *(n for n in new if n not in old)]:
        where = f"{path}[{name if _PLAIN.fullmatch(name) else json.dumps(name, ensure_ascii=False)}]"
        if name not in old:
            changes: Iterator[PathChange] = iter([PathChange(where, "added", None, new[name])])
        elif name not in new:
            changes = iter([PathChange(where, "removed", old[name], None)])
        else:
            changes = _walk(old[name], new[name], where, depth + 1, budget)
        for change in changes:
            found = True
            yield change
    if not found:
        yield PathChange(path, "changed", list(old), list(new))


def _sequences(old: list[Any], new: list[Any], path: str, depth: int, budget: Budget) -> Iterator[PathChange]:
    """Removed items carry their old position, all others the new one."""
    for op in mirrored_ops([key_of(x) for x in old], [key_of(x) for x in new]):
        if op.tag == "equal":
            continue
        both = min(op.a1 - op.a0, op.b1 - op.b0)
        for n in range(both):
            yield from _walk(old[op.a0 + n], new[op.b0 + n], f"{path}[{op.b0 + n}]", depth + 1, budget)
        for n in range(op.a0 + both, op.a1):
            yield PathChange(f"{path}[{n}]", "removed", old[n], None)
        for n in range(op.b0 + both, op.b1):
            yield PathChange(f"{path}[{n}]", "added", None, new[n])


def _by_name(items: list[Any]) -> dict[str, Any] | None:
    """The objects by their ``name``, if each has one of its own."""
    named = {x["name"]: x for x in items if isinstance(x, dict) and isinstance(x.get("name"), str)}
    return named if len(named) == len(items) and items else None


def _plain(value: Any) -> Any:
    """The value with whole floats as integers."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
