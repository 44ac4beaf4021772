"""The one place that says who may do what. What is not in the table is denied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pinset.errors import PermissionDenied
from pinset.ports.state import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

REQUIRED: Final[Mapping[str, Scope]] = {
    "read": Scope.READ,
    "publish": Scope.WRITE,
    "move": Scope.WRITE,
    "yank": Scope.WRITE,
    "verify": Scope.ADMIN,
    "audit": Scope.ADMIN,
    "tokens": Scope.ADMIN,
}
"""The least scope for each verb."""
_ORDER: Final = (Scope.READ, Scope.WRITE, Scope.ADMIN)


def permit(scope: Scope, verb: str) -> None:
    """Raises PermissionDenied where a scope does not include a verb, or nobody wrote down who may."""
    needed = REQUIRED.get(verb)
    if needed is None or _ORDER.index(scope) < _ORDER.index(needed):
        raise PermissionDenied(
            f"the token can {scope}, and this needs {needed or 'a rule that does not exist'}",
            hint=f"ask for a token that can: pinset token create --name N --can {needed}",
        )
