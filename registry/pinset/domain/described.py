"""What is said of a bundle: who owns it, and what it is for."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

from pinset.domain.messages.text import clean_words
from pinset.domain.names import show
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable

OWNER: Final = 200
"""Characters of an owner."""
DESCRIPTION: Final = 2000
"""Characters of a description."""
KEYS: Final = ("owner", "description")
"""What can be said."""


def owner_text(text: str) -> str:
    """An owner as it is kept: one line of text that can be seen; '' for nobody. Raises InvalidInput."""
    owner = text.strip(" ")
    if len(owner) > OWNER:
        raise InvalidInput(f"an owner has at most {OWNER} characters, and this has {len(owner):,}", hint="name a team")
    if not owner.isprintable():
        raise InvalidInput(
            f"{show(text)} cannot be an owner: it has characters that cannot be seen",
            hint="write one line of plain text",
        )
    return owner


def description_text(text: str) -> str:
    """A description as it is kept: control characters dropped, line ends unified. Raises InvalidInput."""
    if len(text) > 4 * DESCRIPTION:  # before any work is done on it
        raise _too_long(len(text))
    description = clean_words(text)
    if len(description) > DESCRIPTION:
        raise _too_long(len(description))
    return description


def parse_settings(given: Iterable[str]) -> dict[str, str]:
    """Settings as a command line has them, ``owner=team-support``; what follows an empty ``owner=`` is emptied.

    Raises InvalidInput for a key that is not known, naming the nearest, and for one that is there twice.
    """
    found: dict[str, str] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals:
            raise InvalidInput(f"{show(text)} sets nothing", hint="write KEY=VALUE: owner=team-support")
        if key not in KEYS:
            near = difflib.get_close_matches(key.strip().lower(), KEYS, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}=?" if near else "what can be set: " + ", ".join(KEYS)
            raise InvalidInput(f"a bundle has no {show(key)}", hint=hint)
        if key in found:
            raise InvalidInput(f"{key} is set twice", hint="leave one of them")
        found[key] = value
    if not found:
        raise InvalidInput("nothing is to be set", hint="say what: owner=team-support, description='…'")
    return found


def _too_long(length: int) -> InvalidInput:
    return InvalidInput(
        f"a description has at most {DESCRIPTION:,} characters, and this has {length:,}",
        hint="say in a few sentences what it is for; keep the rest elsewhere and name where",
    )
