"""What one release has that another lacks, though both come from a third: three-way, place by place.

A place is a value inside a part, and inside a text a run of lines. Where the one changed it since the base and the other
still has what the base had, the other lacks it, and would undo it. Where both changed it otherwise they conflict. What the
author writes for people alone (metadata) undoes nothing and is left out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from pinset.domain.diff.lines import split_lines
from pinset.domain.diff.paths import DEPTH, join, key_of, same
from pinset.domain.diff.sequences import line_ops

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pinset.domain.diff.model import Part
    from pinset.domain.diff.sequences import Op

_PARTS: Final[Mapping[str, Part]] = {
    "prompts": "prompt",
    "models": "model",
    "retrieval": "retrieval",
    "tools": "tool",
    "guardrails": "guardrail",
    "configs": "config",
}
_UNSAID: Final = frozenset({"component", "inputs_inferred"})
"""What is told of a part elsewhere: where it comes from is listed with the components."""
MOST: Final = 200
"""Places in one answer."""
WORK: Final = 40_000_000
"""Steps that the texts of one question may take, each about what one cell of a comparison of lines is in 16."""
_MISSING: Final = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """One place. kind: ``lacks``, the candidate has what the base had; ``conflict``, it has something else.

    base, serves, candidate: the values, None where it is lines or where there is none. added, removed: lines that were
    added since the base and taken out, without line feeds. line, candidate_line: where, from 1; None without lines.
    """

    kind: Literal["lacks", "conflict"]
    component: Part
    name: str
    path: str
    base: Any = None
    serves: Any = None
    candidate: Any = None
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    line: int | None = None
    candidate_line: int | None = None

    @property
    def change(self) -> tuple[Any, ...]:
        """The same for the same change at the same place, whatever else differs there."""
        return (self.component, self.name, self.path, key_of(self.serves), self.added, self.removed)


def lacking(
    base: Mapping[str, Any], serves: Mapping[str, Any], candidate: Mapping[str, Any]
) -> tuple[tuple[Lack, ...], int]:
    """What changed from the base to what is served and is not in the candidate; and how many places more there are.

    Each takes the ``content`` of a release document. What is lacking comes before what conflicts.
    """
    walk = _Walk()
    found: list[Lack] = []
    for key, part in _PARTS.items():
        b, s, c = (_dict(content.get(key)) for content in (base, serves, candidate))
        for name in sorted(b.keys() | s.keys() | c.keys(), key=lambda n: (n != "default", n)):
            place = _Place(part, name)
            sides = (x.get(name, _MISSING) for x in (b, s, c))
            found += walk.values(place, *(_said(side) for side in sides))
    found += _components(*(_dict(content.get("components")) for content in (base, serves, candidate)))
    found.sort(key=lambda one: one.kind != "lacks")
    return tuple(found[:MOST]), max(len(found) - MOST, 0)


def distance(one: Mapping[str, Any], other: Mapping[str, Any]) -> int:
    """How far two contents are apart: values, and lines of texts, that only one of them has."""
    counts = Counter(_units(one))
    counts.subtract(_units(other))
    return sum(map(abs, counts.values()))


class _Place(NamedTuple):
    """A part, and a path inside it."""

    component: Part
    name: str
    path: str = ""

    def at(self, path: str) -> _Place:
        """The same part, elsewhere."""
        return self._replace(path=path)


class _Walk:
    """Goes through three values at once while its budget lasts; then texts are compared whole."""

    def __init__(self) -> None:
        self._left = WORK

    def values(self, place: _Place, b: Any, s: Any, c: Any, depth: int = 0) -> Iterator[Lack]:
        if _same(b, s) or _same(s, c):
            return
        sides = [x for x in (b, s, c) if x is not _MISSING]
        if depth < DEPTH and all(isinstance(x, dict) for x in sides) and isinstance(s, dict) and isinstance(c, dict):
            yield from self._objects(place, {} if b is _MISSING else b, s, c, depth)
        elif depth < DEPTH and len(sides) == 3 and all(isinstance(x, list) for x in sides):
            yield from self._lists(place, b, s, c, depth)
        elif len(sides) == 3 and all(isinstance(x, str) for x in sides) and self._fits(b, s, c):
            yield from _lines(place, b, s, c)
        else:
            yield _value(place, b, s, c)

    def _objects(
        self, place: _Place, b: dict[str, Any], s: dict[str, Any], c: dict[str, Any], depth: int
    ) -> Iterator[Lack]:
        for key in sorted(b.keys() | s.keys() | c.keys()):
            old, new, own = (x.get(key, _MISSING) for x in (b, s, c))
            yield from self.values(place.at(join(place.path, key)), old, new, own, depth + 1)

    def _lists(self, place: _Place, b: list[Any], s: list[Any], c: list[Any], depth: int) -> Iterator[Lack]:
        """Items as the lines of a text; where one became one on both sides, what changed inside it."""
        keys = [[key_of(item) for item in side] for side in (b, s, c)]
        if not self._spend(sum(map(len, keys)) + len(b) * (len(s) + len(c)) // 16):
            yield _value(place, b, s, c)
            return
        had, has = Counter(keys[0]), Counter(keys[2])
        for chunk in _chunks(*keys):
            if chunk.is_one_each:
                inner = place.at(f"{place.path}[{chunk.s0}]")
                yield from self.values(inner, b[chunk.b0], s[chunk.s0], c[chunk.c0], depth + 1)
                continue
            into = _without(keys[1][chunk.s0 : chunk.s1], keys[0][chunk.b0 : chunk.b1])
            out = _without(keys[0][chunk.b0 : chunk.b1], keys[1][chunk.s0 : chunk.s1])
            if _is_elsewhere(into, out, had, has):
                continue
            old, new, own = b[chunk.b0 : chunk.b1], s[chunk.s0 : chunk.s1], c[chunk.c0 : chunk.c1]
            where = place.at(f"{place.path}[{chunk.s0}]")
            kind: Literal["lacks", "conflict"] = "lacks" if same(old, own) else "conflict"
            yield _lack(where, kind, base=_one(old), serves=_one(new), candidate=_one(own))

    def _fits(self, *texts: str) -> bool:
        """Whether texts are to be compared line by line, which several lines and the budget want."""
        if not any("\n" in text for text in texts):
            return False
        rows = [text.count("\n") + 1 for text in texts]
        return self._spend(sum(map(len, texts)) + rows[0] * (rows[1] + rows[2]) // 16)

    def _spend(self, cost: int) -> bool:
        fits = cost <= self._left
        self._left -= cost if fits else 0
        return fits


class _Chunk(NamedTuple):
    """A stretch that the served side changed, half-open in base, served and candidate, and what the candidate did."""

    b0: int
    b1: int
    s0: int
    s1: int
    c0: int
    c1: int

    @property
    def is_one_each(self) -> bool:
        """Whether one item stands on every side."""
        return self.b1 - self.b0 == self.s1 - self.s0 == self.c1 - self.c0 == 1


def _lines(place: _Place, base: str, serves: str, candidate: str) -> Iterator[Lack]:
    """Runs of lines. What the candidate has at another place it has; line endings alone are no change."""
    b, s, c = ([line.rstrip("\r\n") for line in split_lines(text)] for text in (base, serves, candidate))
    had, has = Counter(b), Counter(c)
    for chunk in _chunks(b, s, c):
        old, new, own = b[chunk.b0 : chunk.b1], s[chunk.s0 : chunk.s1], c[chunk.c0 : chunk.c1]
        into, out = _without(new, old), _without(old, new)
        if _is_elsewhere(into, out, had, has):
            continue
        if not into and not out:  # the order alone
            into, out = new, old
        yield _lack(
            place,
            "lacks" if old == own else "conflict",
            added=tuple(into),
            removed=tuple(out),
            line=chunk.s0 + 1 + (new.index(into[0]) if into else 0),
            candidate_line=chunk.c0 + 1 + (own.index(out[0]) if out and out[0] in own else 0),
        )


def _is_elsewhere(into: Sequence[str], out: Sequence[str], had: Counter[str], has: Counter[str]) -> bool:
    """Whether the candidate gained every line that was added, wherever, and lost every one that was taken out."""
    said = [line for line in into if line.strip()]
    return bool(said) and all(has[line] > had[line] for line in said) and all(has[line] < had[line] for line in out)


def _without(lines: Sequence[str], others: Sequence[str]) -> list[str]:
    """The lines that the others do not have, each as often as it is more."""
    left, found = Counter(others), []
    for line in lines:
        if left[line]:
            left[line] -= 1
        else:
            found.append(line)
    return found


def _chunks(b: list[str], s: list[str], c: list[str]) -> Iterator[_Chunk]:
    """The stretches where served and base differ and the candidate is not like the served one.

    Changes of both sides that touch the same lines of the base are one stretch, however many they are.
    """
    changed = [
        [(op, side) for op in line_ops(b, other)[0] if op.tag != "equal"] for side, other in (("s", s), ("c", c))
    ]
    edits = sorted(changed[0] + changed[1], key=lambda one: (one[0].a0, one[0].a1, one[1]))
    at = 0
    while at < len(edits):
        group, end = [edits[at]], edits[at][0].a1
        at += 1
        while at < len(edits) and _touches(edits[at][0], group, end):
            end = max(end, edits[at][0].a1)
            group.append(edits[at])
            at += 1
        start = group[0][0].a0
        if not any(side == "s" for _, side in group):
            continue
        s0, s1 = _span([op for op, side in changed[0]], start, end)
        c0, c1 = _span([op for op, side in changed[1]], start, end)
        if s[s0:s1] != c[c0:c1]:
            yield _Chunk(start, end, s0, s1, c0, c1)


def _touches(op: Op, group: Sequence[tuple[Op, str]], end: int) -> bool:
    """Whether an edit belongs to the edits before it: it begins inside of them, or both insert at one place."""
    return op.a0 < end or any(op.a0 == one.a0 == one.a1 == op.a1 for one, _ in group)


def _span(ops: Sequence[Op], start: int, end: int) -> tuple[int, int]:
    """Where a stretch of the base is on a side. ops: its edits, of which none crosses the stretch's ends."""
    before = inside = 0
    for op in ops:
        grown = (op.b1 - op.b0) - (op.a1 - op.a0)
        if _is_inside(op, start, end):
            inside += grown
        elif op.a1 <= start:
            before += grown
    return start + before, end + before + inside


def _is_inside(op: Op, start: int, end: int) -> bool:
    """Whether an edit is of a stretch; what is inserted at one of its ends is not, but where it is nothing but that."""
    if start == end:
        return op.a0 == op.a1 == start
    return start <= op.a0 and op.a1 <= end and (op.a0 < op.a1 or start < op.a0 < end)


def _components(b: dict[str, Any], s: dict[str, Any], c: dict[str, Any]) -> Iterator[Lack]:
    """Shared components by their versions; what a version changes is told with the part itself as well."""
    kinds: Mapping[str, Part] = {**_PARTS, "indexes": "retrieval"}
    for key in sorted(b.keys() | s.keys() | c.keys()):
        old, new, own = (_pin(side.get(key, _MISSING)) for side in (b, s, c))
        if not (_same(old, new) or _same(new, own)):
            kind, _, name = key.partition("/")
            yield _value(_Place(kinds.get(kind, "config"), name or key, "component"), old, new, own)


def _pin(component: Any) -> Any:
    if not isinstance(component, dict):
        return component
    version = component.get("version")
    return f"v{version}" if isinstance(version, int) else version or component.get("digest")


def _value(place: _Place, b: Any, s: Any, c: Any) -> Lack:
    values = {"base": b, "serves": s, "candidate": c}
    known = {side: None if value is _MISSING else value for side, value in values.items()}
    return _lack(place, "lacks" if _same(b, c) else "conflict", **known)


def _lack(place: _Place, kind: Literal["lacks", "conflict"], **more: Any) -> Lack:
    return Lack(kind=kind, component=place.component, name=place.name, path=place.path, **more)


def _one(items: list[Any]) -> Any:
    """A run of items as a value: nothing, the one there is, or all of them."""
    return None if not items else items[0] if len(items) == 1 else items


def _same(a: Any, b: Any) -> bool:
    if a is _MISSING or b is _MISSING:
        return a is b
    if isinstance(a, str) and isinstance(b, str):
        return a == b or a.replace("\r\n", "\n") == b.replace("\r\n", "\n")
    return same(a, b)


def _said(part: Any) -> Any:
    """A part without what is told of it elsewhere."""
    return {key: part[key] for key in part if key not in _UNSAID} if isinstance(part, dict) else part


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _units(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every value with its path, texts line by line; lists without positions, so that one more item is one unit."""
    stack: list[tuple[str, Any]] = [(key, content.get(key)) for key in (*_PARTS, "components")]
    while stack:
        path, thing = stack.pop()
        if isinstance(thing, dict):
            stack += [(f"{path}.{key}", value) for key, value in thing.items()]
        elif isinstance(thing, list):
            stack += [(f"{path}[]", value) for value in thing]
        elif isinstance(thing, str):
            yield from ((path, line.rstrip("\r")) for line in thing.split("\n"))
        elif thing is not None:
            yield path, key_of(thing)
