"""How other tools spell what is a bundle here: ``Movie Critic``, ``team/x``, ``<b>&"{}``.

A spelling is no name: it is in no address and no grant, and leads to a bundle only where other tools ask by it.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import TYPE_CHECKING, Final

from pinset.domain.names import NAME_LIMIT, bundle_name, is_bundle_name, show
from pinset.errors import InvalidName

if TYPE_CHECKING:
    from collections.abc import Iterable

SPELLING: Final = 200
"""Characters of a spelling."""
SPELLINGS: Final = 50
"""Spellings of one bundle."""

_OTHERS: Final = re.compile(r"[^a-z0-9._]+")
_APART: Final = 8
"""Hexadecimal digits that tell bundles apart whose spellings come to the same name."""


def spelling_text(text: str) -> str:
    """A spelling as it is kept: composed characters (NFC), all of them to be seen.

    Raises InvalidName, also for what can be the name of a bundle: such a one is given by renaming.
    """
    spelling = unicodedata.normalize("NFC", text) if len(text) <= 4 * SPELLING else text
    if not 0 < len(spelling) <= SPELLING:
        raise InvalidName(
            f"a bundle cannot be spelled with {len(spelling):,} characters" if spelling else "a spelling is empty",
            hint=f"write 1 to {SPELLING} characters",
        )
    if not spelling.isprintable() or spelling != spelling.strip():
        why = "spaces at its ends" if spelling.isprintable() else "characters that cannot be seen"
        raise InvalidName(
            f"a bundle cannot be spelled {show(text)}: it has {why}",
            hint="write one line of plain text, such as 'Movie Critic'",
        )
    if is_bundle_name(spelling):
        raise InvalidName(
            f"{spelling} can be the name of a bundle, so it is no other spelling of one",
            hint=f"give a bundle this name: pinset bundle rename NAME {spelling} -m TEXT",
        )
    return spelling


def is_spelling(text: object) -> bool:
    """Whether a text is a spelling, as it is kept."""
    try:
        return isinstance(text, str) and spelling_text(text) == text
    except InvalidName:
        return False


def dotted_name(text: str) -> str | None:
    """The bundle that ``team/x`` means where nobody has it as a spelling, ``team.x``; None where it can be none."""
    dotted = text.replace("/", ".")
    return dotted if is_bundle_name(dotted) else None


def bundle_for(spelling: str, *, apart: bool = False) -> str:
    """The bundle name that a new spelling gets: ``team/Movie Critic`` becomes ``team.movie-critic``.

    Several spellings may come to one name. apart: one that no other spelling comes to, the same every time. Raises
    InvalidName where nothing is left.
    """
    plain = unicodedata.normalize("NFKD", spelling).lower().replace("/", ".")
    plain = "".join(character for character in plain if not unicodedata.combining(character))
    end = f"-{hashlib.sha256(spelling.encode(errors='replace')).hexdigest()[:_APART]}" if apart else ""
    segments = (segment.strip("-_") for segment in _OTHERS.sub("-", plain).split("."))
    name = ".".join(segment for segment in segments if segment)[: NAME_LIMIT - len(end)].rstrip("-_.")
    if not name:
        raise InvalidName(
            f"no name can be made of {show(spelling)}: it has no letters or digits that names have",
            hint="name the bundle yourself: names are lower-case letters, digits, _ and -, grouped by dots",
        )
    name += end
    # The one ending that git keeps for itself.
    return bundle_name(name.removesuffix(".lock") + "-lock" if name.endswith(".lock") else name)


def changed(names: tuple[str, ...], also: Iterable[str], not_also: Iterable[str]) -> tuple[str, ...]:
    """The spellings of a bundle after some were taken away and others came, each once, the oldest first.

    Raises InvalidName for more than a bundle can have.
    """
    gone = {unicodedata.normalize("NFC", text) for text in not_also}
    kept = tuple(dict.fromkeys([*(name for name in names if name not in gone), *map(spelling_text, also)]))
    if len(kept) > max(SPELLINGS, len(names)):
        raise InvalidName(
            f"a bundle has at most {SPELLINGS} spellings, and this would have {len(kept)}",
            hint="take some away: pinset bundle set NAME --not-also TEXT",
        )
    return kept
