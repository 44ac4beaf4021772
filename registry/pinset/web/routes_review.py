"""A review on a page: what making an alias serve a candidate would change, what stands in front of it, and doing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from pinset.api import parameters as p
from pinset.domain.access import Verb
from pinset.domain.moves import NONE
from pinset.domain.names import alias_name, bundle_name
from pinset.errors import InvalidInput
from pinset.web.acting import Outcome, Refusal, act, attempt, called, may_move, new_key
from pinset.web.gates import glass_for, open_first
from pinset.web.routes_diff import Context, View, shown
from pinset.web.view import Posted, go, page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.api.context import Asked
    from pinset.web.view import Fields

router = APIRouter(include_in_schema=False)
How = Literal["promote", "again", "glass"]
"""``again``: although it was rolled back from there. ``glass``: past the gates of the policy."""
_HOWS = ("promote", "again", "glass")
_Source = Annotated[str, Query(alias="from", max_length=80, description="The candidate: an alias, or any selector.")]
_Alias = Annotated[str, Query(alias="to", max_length=63, description="The alias that would serve it.")]


@dataclass(frozen=True, slots=True)
class Pinned:
    """What is to be done, as it was seen. revision: of the alias, ``none`` where it serves nothing."""

    bundle: str
    source: str
    alias: str
    release: str
    revision: str
    how: str

    @classmethod
    def of(cls, bundle: str, fields: Fields) -> Pinned:
        """What a form says. Raises InvalidInput for one that does not say what was seen."""
        release, revision, how = fields.text("release"), fields.text("revision"), fields.text("how") or "promote"
        if not release or not revision or how not in _HOWS:
            raise InvalidInput(
                "the form does not say what was reviewed", hint="review it again, and promote from there"
            )
        source = fields.text("from") or release
        return cls(bundle_name(bundle), source, alias_name(fields.text("to")), release, revision, how)

    @property
    def review(self) -> str:
        """The address of the review."""
        return f"/bundles/{self.bundle}/review?{urlencode({'from': self.source, 'to': self.alias})}"

    def confirming(self, how: str) -> str:
        """The address where it is confirmed."""
        return f"{self.review}&{urlencode({'how': how, 'release': self.release, 'revision': self.revision})}"


@router.get("/bundles/{bundle}/review")
def show_review(
    asked: p.Reads,
    bundle: p.Bundle,
    source: _Source = "staging",
    alias: _Alias = "production",
    view: View = "split",
    context: Context = "folded",
    how: Annotated[How | None, Query(description="To confirm it.")] = None,
    release: Annotated[str, Query(max_length=80)] = "",
    revision: Annotated[str, Query(max_length=80)] = "",
) -> Response:
    """A promotion before it is made; with ``how``, the question whether to."""
    if how is not None and release and revision:
        pinned = Pinned(bundle_name(bundle), source, alias_name(alias), release, revision, how)
        return _confirm(asked, pinned)
    found = asked.registry.reviews.promotion(bundle, source=source, alias=alias, caller=asked.caller)
    serving = found["serving"]
    at = serving["revision"] if serving is not None and serving["version"] is not None else NONE
    pinned = Pinned(found["bundle"], source, found["alias"], called(found["to"]), at, "promote")
    gates = found["gates"]
    return page(
        asked,
        "review.html",
        review=found,
        pinned=pinned,
        gates=open_first(gates["gates"]) if gates else [],
        may_promote=_may(asked, pinned) and found["to"] is not None and found["to"] != found["from"],
        **shown(found["diff"], view=view, context=context),
    )


@router.post("/bundles/{bundle}/review")
def promote(request: Request, asked: p.Reads, bundle: p.Bundle, fields: Posted) -> Response:
    """Promote what was reviewed, if the alias is still where it was seen."""
    pinned, reason = Pinned.of(bundle, fields), fields.text("reason")
    if pinned.how == "glass" and fields.get("glass") != "yes":
        raise InvalidInput("breaking the glass wants to be confirmed", hint="go back, and tick the box")
    outcome = act(
        request,
        fields,
        [pinned.release, pinned.alias, pinned.how, reason],
        lambda acting: _move(acting, acting.caller, pinned, reason),
    )
    if outcome.answer is None:
        return _confirm(asked, pinned, outcome, reason)
    return _done(request, pinned, outcome.answer)


def _move(asked: Asked, caller: Any, pinned: Pinned, reason: str) -> Any:
    return asked.registry.promote(
        caller,
        f"{pinned.bundle}@{pinned.release}",
        pinned.alias,
        revision=pinned.revision,
        reason=reason,
        again=pinned.how == "again",
        break_glass=pinned.how == "glass",
    )


def _done(request: Request, pinned: Pinned, answer: Mapping[str, Any]) -> Response:
    """To where what was done can be seen."""
    where = f"/bundles/{pinned.bundle}/aliases/{pinned.alias}"
    if answer["action"] == "request":
        said = f"The policy wants approvals: request {answer['request']} was made, and nothing has moved yet."
        return go(request, f"/requests/{answer['request']}", note=said)
    if answer["action"] == "none":
        return go(request, where, note=f"{pinned.alias} served {called(answer['to'])} already: nothing was changed.")
    said = f"{pinned.alias} serves {called(answer['to'])} now, in the place of {called(answer['from'])}."
    return go(request, f"{where}#seq-{answer['seq']}", note=" ".join([said, *answer["warnings"]]))


def _confirm(asked: Asked, pinned: Pinned, refused: Outcome | None = None, reason: str = "") -> Response:
    """The question, with what would happen; after a refusal with why, and what was typed."""
    allowed = _may(asked, pinned)
    outcome = refused
    if outcome is None and allowed:
        tried = reason or "(to be said)"
        outcome = attempt(asked, lambda caller: _move(asked, caller, pinned, tried))
    refusal = outcome.refusal if outcome else None
    gates = refusal.details.get("gates", []) if refusal else []
    return page(
        asked,
        "review_confirm.html",
        status=refused.refusal.status if refused and refused.refusal else 200,
        live=False,
        pinned=pinned,
        would=outcome.answer if outcome else None,
        refusal=refusal,
        allowed=allowed,
        gates=open_first(gates),
        glass=pinned.how != "glass" and glass_for(asked.registry, gates, asked.caller.who),
        reason=reason,
        key=new_key(),
        can_send=_can_send(refusal),
    )


def _can_send(refusal: Refusal | None) -> bool:
    """Whether sending the form (again) may do: nothing is against it, or only what is typed."""
    return refusal is None or refusal.code in {"invalid_input", "idempotency_mismatch", "unavailable", "busy"}


def _may(asked: Asked, pinned: Pinned) -> bool:
    return may_move(asked, Verb.PROMOTE, pinned.bundle, pinned.alias)
