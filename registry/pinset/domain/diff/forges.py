"""Text of an author in Markdown that GitHub, GitLab or a chat will show, so that nothing in it acts.

Forges give a meaning to text after Markdown has been read: mentions, issue numbers, commits, addresses, emoji. A
character reference does not keep them from it; code does. What cannot be seen is written as code points.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pinset.domain.diff import show

if TYPE_CHECKING:
    from collections.abc import Sequence

# Everything that Markdown, HTML or a forge gives a meaning to.
_SIGNS: Final = re.compile(r"[\\`*_{}\[\]()<>#+\-.!|~&@:/$%^=\"';?]")
_TAME: Final = re.compile(r"[A-Za-z0-9 ,;.…→≈()'_$%+-]*", re.ASCII)
_WILD: Final = re.compile(r"www\.|[A-Z][A-Za-z]*-\d|(?<![A-Za-z0-9])[0-9a-f]{7,}|[$_~]\w", re.IGNORECASE)
"""What a forge could make a link or a number of, though all its characters are tame."""


def code(text: str) -> str:
    """The text as code in a line, a cell or a heading; '' for none."""
    return f"<code>{_referenced(show.visible(text))}</code>" if text else ""


def plain(text: str) -> str:
    """A sentence of ours, which may hold words of an author: it is code where they could act."""
    seen = show.visible(text)
    return _referenced(seen) if _TAME.fullmatch(seen) and not _WILD.search(seen) else code(text)


def fenced(lines: Sequence[str], language: str = "") -> list[str]:
    """Visible lines in a fence that none of them ends."""
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *lines, fence]


def _referenced(text: str) -> str:
    return _SIGNS.sub(lambda sign: f"&#{ord(sign.group())};", text)
