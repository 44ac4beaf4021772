"""Requests: moves that wait for the approval of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinset.domain import answers
    from pinset.domain.records import Binding, Record, RequestRecord
    from pinset.ports.catalog import CatalogReader
    from pinset.services.session import Session


def approvals(reader: CatalogReader, request: RequestRecord | None) -> Sequence[str]:  # noqa: ARG001
    """The persons whose approval of a request is alive; none where there is no request."""
    return ()


def ask(session: Session, binding: Binding, again: bool, words: str) -> answers.MoveAnswer | None:  # noqa: ARG001, FBT001
    """Stage a request for a move, which the caller commits; None where no request can be made."""
    return None


def asked_before(session: Session, before: Sequence[tuple[str, Record]]) -> answers.MoveAnswer | None:  # noqa: ARG001
    """The first answer of a write that made a request; None where it made none."""
    return None
