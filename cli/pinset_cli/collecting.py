"""How often Python looks for objects that nobody uses: seldom, in a process that lives for one command.

Importing makes many objects and no garbage. Looking through all of them again and again takes a quarter of the time
in which a release is fetched.
"""

from __future__ import annotations

import gc
from typing import Final

_SELDOM: Final = 200_000
"""New objects before the youngest are looked through: more than fetching a release makes."""
_usual: Final = gc.get_threshold()


def rarely() -> None:
    """Look seldom. Long work still does not grow without end."""
    gc.set_threshold(_SELDOM, *_usual[1:])


def as_usual() -> None:
    """Look as often as Python does by itself: for a server, whose answers must not wait for a long look."""
    gc.freeze()  # what was imported stays
    gc.set_threshold(*_usual)


def not_at_exit() -> None:
    """Let the interpreter end without looking through everything twice more."""
    gc.freeze()
