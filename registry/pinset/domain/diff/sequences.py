"""Comparing sequences of strings: bounded, and arranged the way a person would have made the edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, cast

from rapidfuzz.distance import LCSseq

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LINE_CELLS: Final = 250_000_000
"""Old lines times new lines compared exactly: the matrix takes a bit a cell, 32 MB here, and some 15 ms."""
BLOCK_CELLS: Final = 10_000
"""Old lines times new lines up to which blank lines between two replaced blocks are taken into one: 100 by 100."""
PAIR_CELLS: Final = 160_000
"""Old lines times new lines of one replaced block whose lines are paired by likeness: 400 by 400."""
_SLIDE: Final = 1_000
"""Lines over which an insertion may move to where it reads well."""
_LETTERS: Final = 0x110000
"""Different items that can be told apart, one character for each."""


class Op(NamedTuple):
    """``tag`` is equal, replace, delete or insert; the others are half-open positions in old (a) and new (b)."""

    tag: str
    a0: int
    a1: int
    b0: int
    b1: int


def line_ops(a: list[str], b: list[str]) -> tuple[list[Op], bool]:
    """How ``a`` becomes ``b``, covering both without gap, and whether the limit made it coarse."""
    head = _common(a, b)
    tail = _common(a[head:][::-1], b[head:][::-1])
    middle_a, middle_b = a[head : len(a) - tail], b[head : len(b) - tail]
    coarse = len(middle_a) * len(middle_b) > LINE_CELLS
    inner = [_change(0, len(middle_a), 0, len(middle_b))] if coarse else exact_ops(middle_a, middle_b)
    ops = [Op("equal", 0, head, 0, head)] if head else []
    ops += [Op(o.tag, o.a0 + head, o.a1 + head, o.b0 + head, o.b1 + head) for o in inner]
    if tail:
        ops.append(Op("equal", len(a) - tail, len(a), len(b) - tail, len(b)))
    return ops, coarse


def exact_ops(a: Sequence[str], b: Sequence[str]) -> list[Op]:
    """The longest common subsequence as operations; equal runs and changes take turns. Unbounded."""
    numbers: dict[str, int] = {}  # from 0 upwards: in Python -1 and -2 have the same hash
    left = [numbers.setdefault(x, len(numbers)) for x in a]
    right = [numbers.setdefault(x, len(numbers)) for x in b]
    spelled = len(numbers) < _LETTERS  # strings are what rapidfuzz compares fastest
    found = LCSseq.opcodes(*("".join(map(chr, x)) if spelled else x for x in (left, right)))
    ops: list[Op] = []
    a0 = b0 = changed_a = changed_b = 0  # where the last operation ended, and where the change before this one began
    for tag, i, j, k, m in cast("list[tuple[str, int, int, int, int]]", found.as_list()):
        if tag != "equal":
            a0, b0 = j, m
        elif j > i:
            if i > changed_a or k > changed_b:
                ops.append(_change(changed_a, i, changed_b, k))
            ops.append(Op("equal", i, j, k, m))
            a0, b0 = changed_a, changed_b = j, m
    if a0 > changed_a or b0 > changed_b:
        ops.append(_change(changed_a, a0, changed_b, b0))
    return ops


def mirrored_ops(a: list[str], b: list[str]) -> list[Op]:
    """Exact operations; where there are several that do, they are the same ones in both directions."""
    return exact_ops(a, b) if a <= b else [_transposed(op) for op in exact_ops(b, a)]


def bridge(ops: list[Op], weak: Callable[[Op], bool]) -> list[Op]:
    """Joins neighbouring changes, and the changes on both sides of an equal run that is weak."""
    joined: list[Op] = []
    for n, op in enumerate(ops):
        inside = 0 < n < len(ops) - 1
        if op.tag == "equal" and not (inside and weak(op)):
            joined.append(op)
        elif joined and joined[-1].tag != "equal":
            joined[-1] = _change(joined[-1].a0, op.a1, joined[-1].b0, op.b1)
        else:
            joined.append(op if op.tag != "equal" else _change(op.a0, op.a1, op.b0, op.b1))
    return joined


def trim(op: Op, a: Sequence[str], b: Sequence[str]) -> list[Op]:
    """A replacement without what both sides begin or end with, which joining may have taken in."""
    if op.tag != "replace":
        return [op]
    left, right = a[op.a0 : op.a1], b[op.b0 : op.b1]
    head = _common(left, right)
    tail = _common(left[head:][::-1], right[head:][::-1])
    end_a, end_b = op.a1 - tail, op.b1 - tail
    parts = [
        Op("equal", op.a0, op.a0 + head, op.b0, op.b0 + head),
        _change(op.a0 + head, end_a, op.b0 + head, end_b),
        Op("equal", end_a, op.a1, end_b, op.b1),
    ]
    return [part for part in parts if part.a1 > part.a0 or part.b1 > part.b0]


def tidy_lines(ops: list[Op], a: list[str], b: list[str]) -> list[Op]:
    """Arranges line operations for reading; they still turn ``a`` into ``b``.

    Blank lines alone do not separate two replaced blocks: they match anywhere, and hide which paragraph became
    which. Pure insertions and deletions move to where a paragraph begins.
    """
    return _slide(_join_paragraphs(ops, a), a, b)


def _join_paragraphs(ops: list[Op], a: list[str]) -> list[Op]:
    joined: list[Op] = []
    for n, op in enumerate(ops):
        if len(joined) < 2 or op.tag == "equal" or n == 0:
            joined.append(op)
            continue
        change, gap = joined[-2], joined[-1]
        block = _change(change.a0, op.a1, change.b0, op.b1)
        blank = gap.tag == "equal" and not any(line.strip() for line in a[gap.a0 : gap.a1])
        one_sided = {change.tag, op.tag} <= {"insert"} or {change.tag, op.tag} <= {"delete"}
        if blank and change.tag != "equal" and not one_sided and _cells(block) <= BLOCK_CELLS:
            joined[-2:] = [block]
        else:
            joined.append(op)
    return joined


def _slide(ops: list[Op], a: list[str], b: list[str]) -> list[Op]:
    """Moves a pure change between two equal runs up or down over lines that match either way."""
    ops = list(ops)
    for n in range(1, len(ops) - 1):
        before, op, after = ops[n - 1], ops[n], ops[n + 1]
        if before.tag != "equal" or after.tag != "equal" or op.tag not in {"insert", "delete"}:
            continue
        lines, start, end = (b, op.b0, op.b1) if op.tag == "insert" else (a, op.a0, op.a1)
        up, down = before.a1 - before.a0, after.a1 - after.a0
        first, last = n == 1, n == len(ops) - 2  # an equal run at an end of the texts may go, another one parts changes
        shift = _best_shift(lines, start, end, up if first else up - 1, down if last else down - 1)
        ops[n - 1 : n + 2] = [
            before._replace(a1=before.a1 + shift, b1=before.b1 + shift),
            Op(op.tag, op.a0 + shift, op.a1 + shift, op.b0 + shift, op.b1 + shift),
            after._replace(a0=after.a0 + shift, b0=after.b0 + shift),
        ]
    return [op for op in ops if op.tag != "equal" or op.a1 > op.a0]


def _best_shift(lines: list[str], start: int, end: int, up: int, down: int) -> int:
    lowest = 0
    up, down = min(up, _SLIDE), min(down, _SLIDE)
    while -lowest < up and lines[start + lowest - 1] == lines[end + lowest - 1]:
        lowest -= 1
    highest = 0
    while highest < down and lines[start + highest] == lines[end + highest]:
        highest += 1
    return max(range(lowest, highest + 1), key=lambda s: (_reads_well(lines, start + s, end + s), s))


def _reads_well(lines: list[str], start: int, end: int) -> int:
    """A block that begins a paragraph is best when it brings its own blank line along."""
    opens = bool(lines[start].strip()) and (start == 0 or not lines[start - 1].strip())
    closes = not lines[end - 1].strip()
    return 2 * opens + closes


def _change(a0: int, a1: int, b0: int, b1: int) -> Op:
    tag = "replace" if a1 > a0 and b1 > b0 else "delete" if a1 > a0 else "insert"
    return Op(tag, a0, a1, b0, b1)


def _transposed(op: Op) -> Op:
    tag = {"insert": "delete", "delete": "insert"}.get(op.tag, op.tag)
    return Op(tag, op.b0, op.b1, op.a0, op.a1)


def _cells(op: Op) -> int:
    return (op.a1 - op.a0) * (op.b1 - op.b0)


def _common(a: Sequence[str], b: Sequence[str]) -> int:
    for n, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            return n
    return min(len(a), len(b))
