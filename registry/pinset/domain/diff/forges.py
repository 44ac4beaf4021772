"""Text of an author in Markdown that GitHub, GitLab or a chat will show, so that nothing in it acts.

Forges give a meaning to text after Markdown has been read: mentions, issue numbers, commits, addresses, emoji. A
character reference does not keep them from it; code does. What cannot be seen is written as code points.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pinset.domain.diff import show

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Everything that Markdown, HTML or a forge gives a meaning to, inside a line.
_SIGNS: Final = re.compile(r"[\\`*_{}\[\]()<>#+.!|~&@:/$%^=\"';?]")
# At its ends no blank: two at the end of a line break it.
_TAME: Final = re.compile(r"(?![- ])[A-Za-z0-9 ,;:.…→≈()'_$%+-]*(?<! )", re.ASCII)
_WILD: Final = re.compile(r"www\.|[A-Z][A-Za-z]*-\d|(?<![A-Za-z0-9])[0-9a-f]{7,}|[$_~%]\w|:\S", re.IGNORECASE)
"""What a forge could make a link or a number of, though all its characters are tame."""


def code(text: str, limit: int | None = None) -> str:
    """The text as code in a line, a cell or a heading; '' for none. limit: columns, with … for what does not fit."""
    seen = _seen(text, limit)
    return f"<code>{_referenced(seen)}</code>" if seen else ""


def plain(text: str, limit: int | None = None) -> str:
    """A sentence of ours, which may hold words of an author: it is code where they could act. limit: as for `code`."""
    seen = _seen(text, limit)
    return _referenced(seen) if _TAME.fullmatch(seen) and not _WILD.search(seen) else code(text, limit)


def fenced(lines: Sequence[str], language: str = "") -> list[str]:
    """Visible lines in a fence that none of them ends."""
    mark = fence(lines)
    return [f"{mark}{language}", *lines, mark]


def fence(lines: Iterable[str]) -> str:
    """What a fence around these lines is made of: more backticks than stand together in any of them."""
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    return "`" * max(3, longest + 1)


def _seen(text: str, limit: int | None) -> str:
    seen = show.visible(text)
    return seen if limit is None else show.cut(seen, limit)


def _referenced(text: str) -> str:
    return _SIGNS.sub(lambda sign: f"&#{ord(sign.group())};", text)
