"""How long a comparison takes: two prompts that have nothing in common, one edited word, and the largest releases.

``pinset`` marks words; beside it stand what only finds lines: rapidfuzz bare, and difflib of the standard library.
"""

from __future__ import annotations

import difflib
import random
import tracemalloc
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from figures import Figure, rounds
from rapidfuzz.distance import LCSseq

from pinset.costs import Offline
from pinset.domain.diff import as_html, as_json, compare
from pinset.domain.diff.words import text_diff
from pinset.services import costing

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS: Final = 15
MEBIBYTE: Final = 1024 * 1024
COSTS: Final = Offline()
_LETTERS: Final = "etaoinshrdlucmfwypvbgk"


def prose(size: int, salt: int) -> str:
    """Lines of 60 to 100 characters; few words are frequent and many are rare, as in a language."""
    words = random.Random(0)
    known = ["".join(words.choices(_LETTERS, k=words.choice((2, 3, 3, 4, 4, 5, 6, 7, 8, 9)))) for _ in range(3000)]
    weights = [1 / (n + 2) for n in range(len(known))]
    picked = random.Random(salt)
    lines: list[str] = []
    total = 0
    while total < size:
        line, width = "", picked.randint(60, 100)
        while len(line) < width - 9:
            line += picked.choices(known, weights)[0] + " "
        lines.append(line.rstrip())
        total += len(line)
    return "\n".join(lines)[:size]


def code(size: int, salt: int) -> str:
    """Short lines that are much alike."""
    picked = random.Random(salt)
    shapes = ("if {} in {}:", "{} = {}(1)", "return {}.{}", "def {}({}):", "", "{}.count += {}")
    lines: list[str] = []
    while sum(map(len, lines)) + len(lines) < size:
        names = (f"name_{picked.randrange(150)}" for _ in range(2))
        lines.append(" " * 4 * picked.randrange(4) + picked.choice(shapes).format(*names))
    return "\n".join(lines)[:size]


def bare(old: str, new: str) -> object:
    """rapidfuzz on the lines, without anything around it."""
    numbers: dict[str, int] = {}
    sides = [[numbers.setdefault(x, len(numbers)) for x in text.split("\n")] for text in (old, new)]
    return LCSseq.opcodes(*sides).as_list()


def stdlib(old: str, new: str) -> object:
    """difflib on the lines."""
    return difflib.SequenceMatcher(None, old.split("\n"), new.split("\n"), autojunk=False).get_opcodes()


def release(salt: int) -> dict[str, Any]:
    """Ten prompts of 1 MiB, the most that a release may hold."""
    text = prose(1024 * 1024, salt)
    return {"prompts": {f"p{n}": {"format": "text", "template": f"{n}{salt} {text}"[: 1024 * 1024]} for n in range(10)}}


def edited(text: str) -> str:
    """One word in the middle is another."""
    at = text.index(" ", len(text) // 2)
    return f"{text[:at]} changed{text[at:]}"


def hostile() -> dict[str, tuple[str, str]]:
    """Pairs of prompts of a mebibyte that are made to be dear: one line, one letter, lines much alike, all in another order."""
    lines = [f"{n % 97} the same words in every line" for n in range(MEBIBYTE // 32)]
    shuffled = random.Random(3).sample(lines, len(lines))
    pairs = {
        "one line of one letter": ("a" * MEBIBYTE, "a" * (MEBIBYTE - 1) + "b"),
        "one line of few words": ("a b " * (MEBIBYTE // 4), "b a " * (MEBIBYTE // 4)),
        "one line of other words": (prose(MEBIBYTE, 1).replace("\n", " "), prose(MEBIBYTE, 2).replace("\n", " ")),
        "nothing but line ends": ("\n" * MEBIBYTE, "\n" * (MEBIBYTE - 2) + "x\n"),
        "lines that differ by a space": ("x y\n" * (MEBIBYTE // 4), "x  y\n" * (MEBIBYTE // 5)),
        "lines in another order": ("\n".join(lines), "\n".join(shuffled)),
        "lines in reverse": ("\n".join(lines), "\n".join(reversed(lines))),
        "tabs": ("\t" * MEBIBYTE, "\t" * (MEBIBYTE // 2) + " " * (MEBIBYTE // 2)),
        "what cannot be seen": ("\u202e\u200b" * (MEBIBYTE // 6), "\u200b\u202e" * (MEBIBYTE // 6)),
        "accents without letters": ("\u0301" * (MEBIBYTE // 2), "e\u0301" * (MEBIBYTE // 3)),
        "variables": ("{{a}}" * (MEBIBYTE // 5), "{{b}} " * (MEBIBYTE // 6)),
        "unrelated code": tuple(f"{code(50_000, salt)}\n" * 21 for salt in (1, 2)),
    }
    return {name: (old[:MEBIBYTE], new[:MEBIBYTE]) for name, (old, new) in pairs.items()}


def reviewed(old: str, new: str) -> tuple[object, str]:
    """All that a review asks for: changes, costs, JSON and HTML."""
    sides = [
        {"prompts": {"p": {"format": "mustache", "template": text}}, "tools": {}, "models": {}} for text in (old, new)
    ]
    found = compare(*sides, costs=costing.change(COSTS, *sides, at=1_795_000_000_000_000))
    return as_json(found, old="a", new="b"), as_html(found, old="a", new="b")


def _hostile() -> list[Figure]:
    """The dearest of the hostile pairs, in time and in memory; each pair's own time goes to stdout."""
    pairs = hostile()
    reviewed("a", "b")
    found = rounds(3, {name: partial(reviewed, *pair) for name, pair in pairs.items()})
    worst = max(found, key=lambda name: sorted(found[name])[1])
    held = {name: _peak(pair) for name, pair in pairs.items()}
    for name in pairs:
        print(f"diffs: {name}: {sorted(found[name])[1]:,.0f} ms, {held[name]:,.0f} MB")
    heavy = max(held, key=lambda name: held[name])
    return [
        Figure(
            f"the dearest of {len(pairs)} hostile pairs of 1 MiB, with costs, JSON and HTML: {worst}",
            values=found[worst],
            wanted=1000,
        ),
        Figure(f"the memory of the heaviest: {heavy}", "MB", [held[heavy]], wanted=200),
    ]


def _peak(pair: tuple[str, str]) -> float:
    """Megabytes that Python takes at the most for a pair, its texts not among them."""
    tracemalloc.start()
    try:
        reviewed(*pair)
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def figures() -> list[Figure]:
    """The figures of comparing."""
    small, large = [prose(20_000, n) for n in (1, 2)], [prose(200_000, n) for n in (1, 2)]
    most = [release(n) for n in (1, 2)]
    word = (large[0], edited(large[0]))
    sides: dict[str, Callable[[], object]] = {
        "diff two unrelated prompts of 20 kB": partial(text_diff, *small),
        "diff two unrelated code-like prompts of 20 kB": partial(text_diff, code(20_000, 1), code(20_000, 2)),
        "diff two unrelated prompts of 200 kB": partial(text_diff, *large),
        "diff one word changed in 200 kB": partial(text_diff, *word),
        "compare the largest release with an unrelated one": lambda: as_json(compare(*most), old="a", new="b"),
        "rapidfuzz, lines only, 20 kB": partial(bare, *small),
        "rapidfuzz, lines only, one word in 200 kB": partial(bare, *word),
        "difflib, lines only, 20 kB": partial(stdlib, *small),
        "difflib, lines only, 200 kB": partial(stdlib, *large),
    }
    found = rounds(ROUNDS, sides)
    wanted = dict(zip(list(sides)[:5], (15.0, 15.0, 100.0, 20.0, 500.0), strict=True))
    told = [Figure(name, values=found[name], wanted=most_ms) for name, most_ms in wanted.items()]
    beside = (
        (0, "rapidfuzz, lines only, 20 kB"),
        (0, "difflib, lines only, 20 kB"),
        (2, "difflib, lines only, 200 kB"),
        (3, "rapidfuzz, lines only, one word in 200 kB"),
    )
    for n, other in beside:
        name = told[n].name
        told.append(Figure(name, values=found[name], beside=Figure(other, values=found[other])))
    return [*told, *_hostile()]


if __name__ == "__main__":
    for figure in figures():
        print(" | ".join(figure.row()))
