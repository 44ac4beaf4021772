"""Which branch of ``anyOf`` or ``oneOf`` became which: by what they say, never by where they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pinset.domain.diff.schemas.nodes import fixed, keyed, meaning, members, types_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinset.domain.diff.schemas.nodes import Root

_PAIRS: Final = 10_000
"""Old branches times new ones that are compared by likeness; above it they are paired in their order."""
_ALIKE: Final = 0.5


class Branches(NamedTuple):
    """Pairs (old, new) in the order of the new ones, and the positions that only one side has."""

    pairs: list[tuple[int, int]]
    gone: list[int]
    come: list[int]


def pair_branches(old: Sequence[Any], new: Sequence[Any], roots: tuple[Root, Root]) -> Branches:
    """Equal ones first, then those most alike."""
    places: dict[str, list[int]] = {}
    for i, one in enumerate(old):
        places.setdefault(meaning(one), []).append(i)
    pairs: dict[int, int] = {}
    for j, one in enumerate(new):
        if same_there := places.get(meaning(one)):
            pairs[j] = same_there.pop(0)
    gone = sorted(set(range(len(old))) - set(pairs.values()))
    come = [j for j in range(len(new)) if j not in pairs]
    pairs |= _by_likeness(old, new, gone, come, roots)
    return Branches(
        [(pairs[j], j) for j in sorted(pairs)],
        sorted(set(range(len(old))) - set(pairs.values())),
        [j for j in range(len(new)) if j not in pairs],
    )


def _by_likeness(
    old: Sequence[Any], new: Sequence[Any], gone: list[int], come: list[int], roots: tuple[Root, Root]
) -> dict[int, int]:
    if len(gone) * len(come) > _PAIRS:
        return dict(zip(come, gone, strict=False))
    left, right = {i: _marks(roots[0], old[i]) for i in gone}, {j: _marks(roots[1], new[j]) for j in come}
    ranked = sorted((-_likeness(x, y), abs(i - j), i, j) for i, x in left.items() for j, y in right.items())
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for score, _, i, j in ranked:
        if -score >= _ALIKE and i not in taken and j not in pairs:
            pairs[j] = i
            taken.add(i)
    return pairs


def _likeness(one: frozenset[str], two: frozenset[str]) -> float:
    """Share of common marks. What tells branches apart by a fixed value is decisive."""
    kinds = [{mark for mark in marks if mark.startswith("=")} for marks in (one, two)]
    if kinds[0] and kinds[1]:
        return 2.0 if kinds[0] & kinds[1] else 0.0
    either = len(one | two)
    return len(one & two) / either if either else 1.0


def _marks(root: Root, branch: Any) -> frozenset[str]:
    """What a branch is known by: types, properties, the fixed values of properties, title, the name it is referred by."""
    found: set[str] = set()
    parts = root.parts(branch)
    for part in parts:
        if not isinstance(part, dict):
            continue
        if part.get("type") is not None or fixed(part) is not None:
            found |= {f"type {name}" for name in types_of(part)}
        for name, inner in members(part, "properties").items():
            found.add(f"member {name}")
            values = fixed(inner)
            if values is not None and len(values) == 1:
                found |= {f"={name} {value}" for value in keyed(values)}
        found |= {f"{key} {part[key]}" for key in ("title", "$ref") if isinstance(part.get(key), str)}
    return frozenset(found)
