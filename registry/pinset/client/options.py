"""What callers give a client, refused with a sentence where it cannot be meant."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from pinset.errors import InvalidInput


def text(given: object, what: str, example: str) -> str:
    """A text. what: the parameter's name. Raises InvalidInput."""
    if not isinstance(given, str):
        raise InvalidInput(f"{what} is a text, not {_kind(given)}", hint=f'give "{example}"')
    return given


def path(given: object, what: str) -> Path:
    """A path, with ``~`` for the user's folder. Raises InvalidInput."""
    if not isinstance(given, str | Path):
        raise InvalidInput(f"{what} is a path, not {_kind(given)}", hint="give a text or a Path")
    return Path(given).expanduser()


def seconds(given: object, what: str, *, least: str) -> float:
    """A number of seconds. least: ``above 0`` or ``0 or more``. Raises InvalidInput."""
    if (
        not isinstance(given, int | float)
        or isinstance(given, bool)
        or not math.isfinite(given)
        or given < 0
        or (given == 0 and least == "above 0")
    ):
        raise InvalidInput(f"{what} is a number of seconds, {least}", hint="leave it out for what is usual")
    return float(given)


def names(given: object, what: str) -> frozenset[str] | None:
    """A collection of names; None where it is left open. Raises InvalidInput."""
    if given is None:
        return None
    if isinstance(given, str) or not isinstance(given, Collection) or not all(isinstance(one, str) for one in given):
        raise InvalidInput(f"{what} is a collection of names", hint='give {"ticket"}, not "ticket"')
    return frozenset(given)


def sealed(given: object) -> Mapping[str, Any] | None:
    """A sealed release of the code; None for none. Raises InvalidInput."""
    if given is not None and not isinstance(given, Mapping):
        raise InvalidInput(f"default is a sealed release, not {_kind(given)}", hint="give what Release.sealed() gave")
    return given


def _kind(given: object) -> str:
    return "None" if given is None else type(given).__name__
