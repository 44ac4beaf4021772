"""Who asks, as a credential says it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pinset.domain.access import Grant


class Identity(NamedTuple):
    """Who a credential stands for.

    actor: as it is recorded. person: whose credential it is, '' where that is the actor. via: the credential, without
    the address (``token:ID``, ``oidc:ISSUER``). expires_at: microseconds since 1970, None for never.
    """

    actor: str
    person: str
    via: str
    grants: tuple[Grant, ...]
    expires_at: int | None = None
