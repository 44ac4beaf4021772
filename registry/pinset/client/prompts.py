"""A prompt of a release, to be filled in."""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.inputs import check_of
from pinset.domain.names import show
from pinset.domain.rendering import messages_of
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain.inputs import Check

_log = logging.getLogger("pinset.client")
_said: Final = threading.Event()


class SurplusVariable(UserWarning):
    """A prompt was given a variable that it does not take. After a rollback newer code may well pass one more."""


class Prompt:
    """One prompt of a release. name: as the release calls it. data: as the release document has it.

    check: of the values it is given, against the inputs that its author declared.
    """

    def __init__(self, name: str, data: Mapping[str, Any], ref: str, check: Check | None = None) -> None:
        self.name, self.data, self._ref, self._check = name, data, ref, check

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables that it must be given; sorted."""
        inputs = self.data.get("inputs")
        return tuple(sorted(inputs.get("required", ()))) if isinstance(inputs, dict) else ()

    def messages(self, /, **values: Any) -> list[dict[str, Any]]:
        """Its messages filled in: ``{"role", "content"}`` each. A placeholder takes a list of such messages.

        Raises InvalidInput for a variable that is missing or not what the prompt's inputs declare; warns of one that
        nothing takes.
        """
        if self._check is not None:
            self._check(values)
        found, surplus = messages_of(self.data, values)
        if surplus:
            text = f"the prompt {show(self.name)} of {self._ref} takes no {', '.join(surplus)}"
            warnings.warn(text, SurplusVariable, stacklevel=_callers_level())
        return found

    def render(self, /, **values: Any) -> str:
        """Its text filled in, where it is one text. Raises InvalidInput where it has several messages, and as above."""
        found = self.messages(**values)
        if len(found) != 1:
            raise InvalidInput(
                f"the prompt {show(self.name)} of {self._ref} has {len(found)} messages", hint="ask for .messages(…)"
            )
        return str(found[0]["content"])


def compiled(schema: Any) -> Check | None:
    """The check of declared inputs; None, which is said once, where what it takes is not installed."""
    if schema is None:
        return None
    try:
        return check_of(schema)
    except ImportError:
        if not _said.is_set():
            _said.set()
            _log.warning("a prompt's inputs are not checked: pip install 'pinset[checks]'")
        return None


def _callers_level() -> int:
    """How many frames up the application's own code is, for a warning that is to point there."""
    level, frame = 1, sys._getframe(1)  # noqa: SLF001 - what warnings themselves go by
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("pinset."):
        level, frame = level + 1, frame.f_back
    return level
