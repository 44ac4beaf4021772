"""Which bundle a name from elsewhere becomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinset.domain.exchange.spelling import bundle_for
from pinset.domain.names import bundle_name, show
from pinset.errors import AlreadyExists, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence


class Naming:
    """Names from elsewhere, each of a bundle of its own.

    into: ``THERE=HERE`` for one name; ``team.`` begins the names of all others; another text is the one name that all of
    it has. Raises InvalidInput, InvalidName.
    """

    def __init__(self, into: Sequence[str]) -> None:
        pairs = [text.rpartition("=") for text in into if "=" in text]
        alone = [text for text in into if "=" not in text]
        if len(alone) > 1:
            raise InvalidInput("--into gives two names for everything", hint="for each name its own: --into THERE=HERE")
        self._chosen = {there: bundle_name(here) for there, _, here in pairs}
        self._prefix = alone[0] if alone and alone[0].endswith(".") else ""
        self._alone = bundle_name(alone[0]) if alone and not self._prefix else None
        if self._prefix:
            bundle_name(f"{self._prefix}x")
        self._given: dict[str, str] = {}

    def bundle(self, name: str) -> str:
        """The bundle of a name. Raises InvalidName where none can be made of it, AlreadyExists where another name has it."""
        if name in self._chosen:
            found = self._chosen[name]
        elif self._alone is not None:
            found = self._alone
        else:
            found = bundle_name(self._prefix + bundle_for(name))
        other = self._given.setdefault(found, name)
        if other != name:
            raise AlreadyExists(
                f"{show(name)} would be the bundle {found}, as {show(other)} is",
                hint=f"give it a name of its own: --into '{name}=NAME'",
            )
        return found
