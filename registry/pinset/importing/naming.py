"""Which bundle a name from elsewhere becomes."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from pinset.domain.exchange.spelling import bundle_for
from pinset.domain.names import bundle_name, is_bundle_name, show
from pinset.errors import AlreadyExists, InvalidInput, NotFound, PermissionDenied

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinset.ports.registry import Registry


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

    def is_chosen(self, name: str) -> bool:
        """Whether somebody said which bundle a name becomes."""
        return name in self._chosen or self._alone is not None

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


def refuse_other_spelling(registry: Registry, bundle: str, name: str) -> None:
    """Raises AlreadyExists where a bundle was made of another spelling that comes to the same name: it is another thing.

    It may have come in on another day, so that `Naming` knows nothing of it.
    """
    if is_bundle_name(name):
        return
    try:
        spelled = registry.bundle(bundle)["names"]
    except (NotFound, PermissionDenied):
        return
    if spelled and unicodedata.normalize("NFC", name) not in spelled:
        raise AlreadyExists(
            f"{show(name)} would be the bundle {bundle}, which is spelled {show(spelled[0])} here",
            hint=f"give it a name of its own: --into '{name}=NAME', or say that it is the same: --into '{name}={bundle}'",
        )
