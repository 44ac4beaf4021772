"""What the API knows of pages: which requests ask for one. Pages themselves are in `pinset.web`, which says so in a scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.types import Scope

PAGE: Final = "pinset.page"
"""Set in the scope of a request for a page: its body is a form, and nothing else."""
OPEN: Final = "pinset.open"
"""Set beside it for what everybody may see: signing in, and the assets."""
FORM: Final = "application/x-www-form-urlencoded"
FORM_BYTES: Final = 64 * 1024


def is_page(scope: Scope) -> bool:
    """Whether a request asks for a page."""
    return bool(scope.get(PAGE))


def is_open(scope: Scope) -> bool:
    """Whether a page is for everybody."""
    return bool(scope.get(OPEN))
