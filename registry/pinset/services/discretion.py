"""Errors that say what is near what was asked for, and name nothing that may not be read."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pinset.domain.access import Verb, may
from pinset.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.domain.access import Grant


@contextmanager
def discreet(grants: tuple[Grant, ...]) -> Iterator[None]:
    """Names in ``details["near"]`` and the hint are those of bundles, or of aliases of ``details["bundle"]``."""
    try:
        yield
    except NotFound as error:
        near, bundle = error.details.get("near"), error.details.get("bundle")
        if near and not may(grants, Verb.READ):
            kept = [name for name in near if (may(grants, Verb.READ, *((bundle, name) if bundle else (name,))))]
            if kept != near:
                error.hint = "is it one of " + ", ".join(kept) + "?" if kept else "see what there is: pinset list"
                error.details["near"] = kept
        raise
