"""What changes between any two sides."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from pinset.api import parameters as p
from pinset.domain.diff import from_json
from pinset.domain.names import bundle_name
from pinset.errors import PinsetError
from pinset.web import sides
from pinset.web.comparison import NATURES, comparison_view
from pinset.web.drawing import draw
from pinset.web.view import page

router = APIRouter(include_in_schema=False)
View = Annotated[Literal["split", "inline"], Query(description="Side by side, or one below the other.")]
Context = Annotated[Literal["folded", "all"], Query(description="Whether unchanged lines are folded.")]


@router.get("/diff")
def show_diff(
    asked: p.Reads,
    old: Annotated[str, Query(alias="from", max_length=600)] = "",
    new: Annotated[str, Query(alias="to", max_length=600)] = "",
    bundle: Annotated[str, Query(max_length=64)] = "",
    view: View = "split",
    context: Context = "folded",
) -> Response:
    """Two sides, and what differs. Without both: a form to choose them."""
    old, new = old.strip(), new.strip()
    if not (old and new):
        name = bundle_name(bundle) if bundle else sides.bundle_of(old or new) if old or new else None
        return page(asked, "diff_choose.html", choices=_choices(asked, name), old=old, new=new)
    answer = asked.registry.diff(old, new)
    return page(
        asked,
        "diff.html",
        old=old,
        new=new,
        choices=_choices(asked, sides.bundle_of(old, new)),
        answer=answer,
        was=sides.told(asked.registry, old),
        now=sides.told(asked.registry, new),
        **shown(answer, view=view, context=context),
    )


def shown(answer: dict[str, Any], *, view: str, context: str) -> dict[str, Any]:
    """What `_comparison.html` uses of a comparison, as `as_json` has it."""
    everything = context == "all"
    return {
        "view": comparison_view(from_json(answer), everything=everything),
        "split": view == "split",
        "everything": everything,
        "draw": draw,
        "natures": NATURES,
    }


def _choices(asked: Any, bundle: str | None) -> sides.Choices | None:
    """What the form offers; None where no bundle is known, or it cannot be looked into."""
    if bundle is None:
        return None
    try:
        return sides.choices_of(asked.registry, bundle)
    except PinsetError:
        return None
