r"""Text of an author in Markdown that GitHub, GitLab or a chat will show, so that nothing in it acts.

Forges give a meaning to text after Markdown has been read: mentions, issue numbers, commits, addresses, emoji. A
character reference does not keep them from it; code does, and a span between backticks can still be read as it was
written. What cannot be seen is written as code points, so that every text is on one line, and no line of a comment, also
none in a fence, begins with it: GitLab takes ``/merge`` at the beginning of a line for an order.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pinset.domain.diff import show

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Everything that Markdown, HTML or a forge gives a meaning to.
_SIGNS: Final = re.compile(r"[\\`*_{}\[\]()<>#+\-.!|~&@:/$%^=\"';?]")
_TAME: Final = re.compile(r"[A-Za-z0-9 ,;:.…→≈()'_$%+-]*", re.ASCII)
_WILD: Final = re.compile(
    r"www\.|[A-Z][A-Za-z]*-\d|(?<![A-Za-z0-9])[0-9a-f]{7,}|[$~%]\w|:\S|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])",
    re.IGNORECASE,
)
"""What a forge could make a link, an emoji or a number of, though all its characters are tame."""
_BEGINS: Final = re.compile(r"(?:[-+]|[0-9]+[.)])(?=[- ]|$)")
"""What would begin a list, or be a rule, at the beginning of a line."""


def code(text: object, limit: int | None = None) -> str:
    """The text as code in a line, a cell or a heading; '' for none. limit: characters, … stands for the rest."""
    seen = _seen(text, limit)
    if not seen or "|" in seen:  # a cell ends at a sign like this, whatever it stands in
        return _referenced(seen)
    runs = {len(run) for run in re.findall("`+", seen)}
    fence = "`" * next(n for n in range(1, len(runs) + 2) if n not in runs)
    room = " " if seen[0] in "` " or seen[-1] in "` " else ""
    return f"{fence}{room}{seen}{room}{fence}"


def html(text: object, limit: int | None = None) -> str:
    """The text as code inside of HTML, where Markdown is not read: in a ``<summary>``."""
    return _referenced(_seen(text, limit))


def plain(text: str, limit: int | None = None) -> str:
    """A sentence of ours, which may hold words of an author: it is code where they could act."""
    seen = _seen(text, limit)
    if not _TAME.fullmatch(seen) or _WILD.search(seen) or seen != seen.strip():
        return code(seen)
    begins = _BEGINS.match(seen)
    return seen[: begins.end() - 1] + "\\" + seen[begins.end() - 1 :] if begins else seen


def fenced(lines: Sequence[str], language: str = "") -> list[str]:
    """Visible lines, each below a sign of ours, in a fence that none of them ends."""
    mark = fence(lines)
    return [f"{mark}{language}", *lines, mark]


def fence(lines: Iterable[str]) -> str:
    """What a fence around these lines is made of: more backticks than stand together in any of them."""
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    return "`" * max(3, longest + 1)


def _seen(text: object, limit: int | None) -> str:
    seen = show.telling(str(text))
    return seen if limit is None else show.cut(seen, limit)


def _referenced(seen: str) -> str:
    return f"<code>{_SIGNS.sub(lambda sign: f'&#{ord(sign.group())};', seen)}</code>" if seen else ""
