"""What kind of difference two texts have: other words, another order, other line breaks, or only other blanks.

The last two leave every word in its place. Whether the model may still read them otherwise, `structure` says.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import zip_longest
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.domain.diff.lines import Nature

BLANKS: Final = " \t\r\n"
_NO_BLANKS = str.maketrans("", "", BLANKS)
_GLANCE: Final = 2_000
"""Characters at the start of two texts that mostly tell them apart."""
_WORD: Final = re.compile(rf"([{BLANKS}]*)([^{BLANKS}]+)")
_ENDS: Final = re.compile(r"[ \t\r]+\n")
# The first word of a line that is more than running text: a list item, a heading, a quote, a table's row, a tag, a key.
_MARK: Final = re.compile(r"[-*+•]|#{1,6}|\(?\w{1,3}[.)]|[|<>{}\[\]].*|[^\s:]+:|(?:```|~~~).*|---+|===+|\*\*\*+")
_FENCES: Final = ("```", "~~~")


def nature(old: str, new: str) -> Nature:
    """What kind of difference it is. Both texts are looked at whole, so that it holds also where the answer is coarse."""
    if same_words(old, new):
        return "whitespace" if _lengths(old) == _lengths(new) else "reflow"
    return "order" if _same_lines(old, new) else "wording"


def same_words(old: str, new: str) -> bool:
    """Whether only ASCII blanks differ, and no word falls apart or grows together."""
    left, right = (text[:_GLANCE].translate(_NO_BLANKS) for text in (old, new))
    if alike(left, right, 0) < min(len(left), len(right)):
        return False
    bare = [text.replace("\t", " ").replace("\r", " ").replace("\n", " ") for text in (old, new)]
    if bare[0].replace(" ", "") != bare[1].replace(" ", ""):
        return False
    return list(filter(None, bare[0].split(" "))) == list(filter(None, bare[1].split(" ")))


def structure(old: str, new: str) -> str:
    """Where white space alone may carry meaning for the model: a phrase for a reason, '' where it carries none.

    Takes two texts of the same words. Not seen as structure: line breaks inside a paragraph or list item, blank lines
    that part no paragraph anew, runs of spaces inside a line, blanks at the ends of lines, the kind of line feed, and
    whether one ends the text.
    """
    for a, b in zip_longest(_leads(old), _leads(new)):
        if a is None or b is None:  # not of the same words
            return "the text"
        if a.gap != b.gap and (told := _weighed(a, b)):
            return told
    ends = [text[len(text.rstrip(BLANKS)) :].rpartition("\n")[2] for text in (old, new)]
    return "the very end, where the model goes on" if ends[0] != ends[1] else ""


def alike(a: str, b: str, tail: int) -> int:
    """How many characters two texts begin with alike; with ``tail``, how many of their last ones are alike."""
    if tail:
        a, b = a[len(a) - tail :][::-1], b[len(b) - tail :][::-1]
    size = min(len(a), len(b))
    low, step = 0, 64
    while low < size and a[low : low + step] == b[low : low + step]:
        low, step = min(low + step, size), 2 * step
    while low < size and step:
        step //= 2
        if low + step <= size and a[low : low + step] == b[low : low + step]:
            low += step
    return low


def _lengths(text: str) -> list[int]:
    """The lines of a text by their length without blanks, those without words left out."""
    return [size for line in text.split("\n") if (size := len(line.translate(_NO_BLANKS)))]


def _same_lines(old: str, new: str) -> bool:
    if len(old) - old.count("\n") != len(new) - new.count("\n"):
        return False
    before, after = (Counter(filter(None, text.split("\n"))) for text in (old, new))
    return before == after


class _Lead(NamedTuple):
    """What stands before a word. starts: it is the first of its line. flows: its line only goes on with the one above."""

    gap: str
    starts: bool
    indent: str
    fenced: bool
    flows: bool


def _weighed(a: _Lead, b: _Lead) -> str:
    if (a.fenced or b.fenced) and a.gap != b.gap:
        return "a block of code"
    if a.starts and b.starts:
        return "the indentation" if a.indent != b.indent else ""
    if a.starts or b.starts:
        return "" if (a if a.starts else b).flows else "where a paragraph, item, row or key begins"
    return "a tab between words" if ("\t" in a.gap) != ("\t" in b.gap) else ""


def _leads(text: str) -> Iterator[_Lead]:
    fence = ""
    levels = {""}  # the indentations at which a line goes on with the block above
    for n, found in enumerate(_WORD.finditer(text)):
        gap, word = _ENDS.sub("\n", found[1]).replace("\r\n", "\n"), found[2]
        starts = n == 0 or "\n" in gap
        indent = gap.rpartition("\n")[2] if starts else ""
        within = fence
        if starts and word.startswith(_FENCES) and (not fence or word.startswith(fence)):
            fence = "" if fence else word[:3]
        marked = starts and _MARK.fullmatch(word) is not None
        flows = starts and not marked and gap.count("\n") == 1 and indent in levels
        yield _Lead(gap, starts, indent, bool(within), flows)
        if starts and not flows:
            levels = {indent, indent + " " * (len(word) + 1)} if marked else {indent}
