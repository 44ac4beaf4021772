"""Changes over many bundles: what was done under one name, what that means for each, and taking it all back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from pinset.api import parameters as p
from pinset.domain.access import Verb, may_anywhere
from pinset.errors import PinsetError
from pinset.web.acting import Outcome, act, called, new_key
from pinset.web.view import Posted, go, page

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pinset.api.context import Asked
    from pinset.domain.answers.changes import ChangeAnswer, ChangedBundle

router = APIRouter(include_in_schema=False)
_PAGE = 50
_BUNDLES = 20
"""Bundles on one page of a change: each is compared with what it was."""
_AT_ONCE = 100
"""Aliases that one press takes back; of more, one presses again."""
_TOLD = 3
"""Refusals that are told in words right away."""
Name = Annotated[str, Path(min_length=1, max_length=64, description="A change's name.")]


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One bundle of a change. old, new: references of what it was and became, '' where that is not known.

    verdict: of their comparison, '' where there are not two sides to look at.
    """

    item: ChangedBundle
    old: str
    new: str
    verdict: str

    @property
    def standing(self) -> list[str]:
        """Aliases that still serve what the change moved them to."""
        return [move["alias"] for move in self.item["moves"] if move["stands"]]


@router.get("/changes")
def list_changes(asked: p.Reads, cursor: p.Cursor = None) -> Response:
    """Changes, the one with the newest write first."""
    return page(asked, "changes.html", changes=asked.registry.changesets.list(cursor=cursor, limit=_PAGE))


@router.get("/changes/{change}")
def show_change(
    asked: p.Reads,
    change: Name,
    doing: Annotated[Literal["rollback"] | None, Query(alias="act", description="To confirm it.")] = None,
    cursor: p.Cursor = None,
) -> Response:
    """What was done under a change, bundle by bundle; with ``act``, the question whether to take it back."""
    found = asked.registry.changesets.show(change, cursor=cursor, limit=_BUNDLES)
    return _shown(asked, found, asks=doing is not None)


@router.post("/changes/{change}")
def roll_back(request: Request, asked: p.Reads, change: Name, fields: Posted) -> Response:
    """Let every alias that still serves what the change brought serve what it served before."""
    reason = fields.text("reason")
    outcome = act(
        request,
        fields,
        ["rollback", reason],
        lambda acting: acting.registry.changesets.rollback(acting.caller, change, reason=reason, limit=_AT_ONCE),
    )
    if outcome.answer is None:
        found = asked.registry.changesets.show(change, limit=_BUNDLES)
        return _shown(asked, found, asks=True, refused=outcome, reason=reason)
    return go(request, f"/changes/{change}", note=said(outcome.answer))


def said(answer: Mapping[str, Any]) -> str:
    """What became of taking a change back, in a sentence or a few."""
    items = answer["items"]
    counts = {kind: [one for one in items if one["outcome"] == kind] for kind in ("rolled_back", "left", "refused")}
    done, refused = len(counts["rolled_back"]), counts["refused"]
    told = [
        f"{done} {'alias serves' if done == 1 else 'aliases serve'} again what {'it' if done == 1 else 'they'} served before"
    ]
    if counts["left"]:
        told.append(f"{len(counts['left'])} left as they are, for they serve something else by now")
    if refused:
        told.append(f"{len(refused)} refused")
    sentences = ["; ".join(told) + "."]
    sentences += [f"{one['bundle']}@{one['alias']}: {one['why']}." for one in refused[:_TOLD]]
    if answer["next"]:
        sentences.append("There are more: roll back again to go on.")
    return " ".join(sentences)


def sides(item: ChangedBundle) -> tuple[str, str]:
    """What a bundle was before a change and what it became, as references; '' where that is not known."""
    bundle = item["bundle"]
    if item["releases"]:
        newest, first = item["releases"][-1], item["releases"][0]
        before = first["made_from"] or next(
            (f"{bundle}@{called(move['from'])}" for move in item["moves"] if move["from"]), ""
        )
        return before, f"{bundle}@v{newest['version']}"
    moved = [move for move in item["moves"] if move["from"] and move["to"]]
    if not moved:
        return "", ""
    return f"{bundle}@{called(moved[0]['from'])}", f"{bundle}@{called(moved[-1]['to'])}"


def _reviewed(asked: Asked, items: Iterable[ChangedBundle]) -> list[Reviewed]:
    """Each bundle with what its releases differ in."""
    found = []
    for item in items:
        old, new = sides(item)
        verdict = ""
        if old and new:
            try:
                verdict = asked.registry.diff(old, new)["verdict"]
            except PinsetError:
                old = ""
        found.append(Reviewed(item, old, new, verdict))
    return found


def _shown(
    asked: Asked, found: ChangeAnswer, *, asks: bool, refused: Outcome | None = None, reason: str = ""
) -> Response:
    bundles = _reviewed(asked, found["items"])
    standing = sum(len(one.standing) for one in bundles)
    return page(
        asked,
        "change.html",
        status=refused.refusal.status if refused and refused.refusal else 200,
        live=not asks,
        change=found,
        bundles=bundles,
        standing=standing,
        may_undo=standing > 0 and may_anywhere(asked.caller.grants, Verb.ROLLBACK),
        asks=asks,
        refusal=refused.refusal if refused else None,
        reason=reason,
        key=new_key(),
    )
