"""What an edited prompt text does to its model: the impact and its reason, from both texts alone."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING, Final

from pinset.domain.diff import show
from pinset.domain.diff.model import Impact
from pinset.domain.diff.natures import structure

if TYPE_CHECKING:
    from pinset.domain.diff.budget import Budget
    from pinset.domain.diff.lines import Nature

OTHER_TEXT: Final = "the model reads another text"
"""The reason that needs no telling where the words are in sight."""
_NAMED: Final = 3
"""Characters named in one reason."""
_JOINERS: Final = frozenset("\u200c\u200d\ufe0e\ufe0f")
"""Characters that emoji and scripts need: told only where nothing else changed."""


def text_impact(old: str, new: str, kind: Nature, budget: Budget) -> tuple[Impact, str]:
    """What the edit of a prompt's text means. kind: what the difference is made of.

    White space reaches the model as other tokens. It is cosmetic where it only breaks or spaces running text
    otherwise, and behaviour where it carries structure, or where the text is too long to be looked at for that.
    """
    affordable = budget.read(len(old) + len(new))
    if kind in ("reflow", "whitespace"):
        where = structure(old, new) if affordable else "a text too long to look into"
        if where:
            return Impact.BEHAVIOUR, f"white space in which the model may read structure: {where}"
        told = "the same words on other lines" if kind == "reflow" else "only white space changed"
        return Impact.COSMETIC, told
    if kind == "order":
        return Impact.BEHAVIOUR, "the same lines, in another order"
    return Impact.BEHAVIOUR, (_deceptive(old, new) if affordable else "") or OTHER_TEXT


def _deceptive(old: str, new: str) -> str:
    """The reason where the texts look more alike than they are, '' where they do not."""
    if old.isascii() and new.isascii() and old.isprintable() and new.isprintable():
        return ""
    hidden = _hidden(old, new)
    come = hidden[1] - hidden[0]
    gone = hidden[0] - hidden[1]
    if (come or gone) and _seen(old) == _seen(new):
        told = [f"{_names(which)} {what}" for which, what in ((come, "came"), (gone, "went")) if which]
        return f"only characters that do not show changed: {'; '.join(told)}"
    if show.skeleton(old) == show.skeleton(new):
        twins = Counter(set(new) - set(old))
        return f"only letters that look alike changed, to {_names(twins)}" if twins else ""
    come = Counter({char: count for char, count in come.items() if char not in _JOINERS})
    if come:
        return f"{OTHER_TEXT}, with characters that do not show: {_names(come)}"
    mixed = set(show.mixed_words(new)) - set(show.mixed_words(old))
    if mixed:
        twins = Counter(char for word in mixed for char in word if show.skeleton(char) != char)
        return f"{OTHER_TEXT}, with letters that only look Latin: {_names(twins)}"
    return ""


def _hidden(*texts: str) -> list[Counter[str]]:
    signs = {char for text in texts for char in set(text) if char not in " \t\r\n" and show.visible(char) != char}
    if not signs:
        return [Counter() for _ in texts]
    pattern = re.compile("[" + "".join(map(re.escape, sorted(signs))) + "]")
    return [Counter(pattern.findall(text)) for text in texts]


def _seen(text: str) -> str:
    """The text without what does not show, and with every kind of space as a space."""
    signs = {ord(char): " " if char.isspace() else None for char in set(text) if show.visible(char) != char}
    signs |= {ord(char): char for char in "\t\r\n"}
    return text.translate(signs)


def _names(signs: Counter[str]) -> str:
    named = [_name(sign, count) for sign, count in sorted(signs.items())[:_NAMED]]
    more = len(signs) - len(named)
    return ", ".join([*named, *([f"{more} more"] if more else [])])


def _name(sign: str, count: int) -> str:
    name = unicodedata.name(sign, "")
    return f"U+{ord(sign):04X}" + (f" {name}" if name else "") + (f" ({count} times)" if count > 1 else "")
