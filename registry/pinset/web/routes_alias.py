"""The history of an alias: who moved it when, why and on what evidence; and going back from there."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from pinset.api import parameters as p
from pinset.domain.access import Verb
from pinset.domain.names import alias_name, bundle_name
from pinset.errors import InvalidInput, PermissionDenied
from pinset.web.acting import Outcome, act, attempt, called, may_move, new_key, reads_all
from pinset.web.routes_diff import Context, View, shown
from pinset.web.view import Posted, allowed, go, page

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pinset.api.context import Asked
    from pinset.domain.answers import HistoryItem
    from pinset.domain.answers.evidence import ResultAnswer
    from pinset.web.view import Fields

router = APIRouter(include_in_schema=False)
_PAGE = 50
_TARGETS = 20
"""Earlier releases that are offered to go back to."""
_RESULTS = 200
"""Newest results of a bundle that are counted beside its moves."""


@dataclass(frozen=True, slots=True)
class Results:
    """What the newest results say of one release: each suite counted once."""

    passed: int
    failed: int
    said: int


@dataclass(frozen=True, slots=True)
class Undo:
    """A rollback, as it was seen. to: '' for what undoing leads to. serving: what the alias served."""

    bundle: str
    alias: str
    to: str
    serving: str
    revision: str

    @classmethod
    def of(cls, bundle: str, alias: str, fields: Fields) -> Undo:
        """What a form says. Raises InvalidInput for one that does not say what was seen."""
        found = cls(
            bundle_name(bundle), alias_name(alias), *(fields.text(name) for name in ("release", "serving", "revision"))
        )
        if not (found.to and found.serving and found.revision):
            raise InvalidInput("the form does not say what to undo", hint="start at the alias's history again")
        return found

    @property
    def history(self) -> str:
        """The address of the history."""
        return f"/bundles/{self.bundle}/aliases/{self.alias}"

    def confirming(self, to: str) -> str:
        """The address where going back to a release is confirmed."""
        return f"{self.history}?{urlencode({'act': 'rollback', 'release': to})}"


@router.get("/bundles/{bundle}/aliases/{alias}")
def show_alias(
    asked: p.Reads,
    bundle: p.Bundle,
    alias: p.Alias,
    doing: Annotated[Literal["rollback"] | None, Query(alias="act", description="To confirm it.")] = None,
    release: Annotated[str, Query(max_length=80, description="Where to go back to.")] = "",
    view: View = "split",
    context: Context = "folded",
    cursor: p.Cursor = None,
) -> Response:
    """The moves of an alias, newest first; with ``act``, the question whether to go back."""
    now = asked.registry.alias(bundle, alias_name(alias))
    if doing is not None:
        undo = Undo(now["bundle"], now["alias"], release, called(now["version"]), now["revision"])
        return _confirm(asked, undo, view=view, context=context)
    found = asked.registry.history(bundle, alias, cursor=cursor, limit=_PAGE)
    return page(
        asked,
        "alias.html",
        alias=now,
        history=found,
        results=results_by_version(allowed(lambda: asked.registry.evidence.of_bundle(bundle, limit=_RESULTS)["items"])),
        aliases=[one for one in allowed(lambda: asked.registry.aliases(bundle)["items"]) if one["version"] is not None],
        whole=reads_all(asked, now["bundle"]),
        may_undo=_may(asked, now["bundle"], now["alias"]) and now["version"] is not None and now["seq"] > 1,
        first=cursor is None,
    )


@router.post("/bundles/{bundle}/aliases/{alias}")
def roll_back(request: Request, asked: p.Reads, bundle: p.Bundle, alias: p.Alias, fields: Posted) -> Response:
    """Go back, if the alias is still where it was seen."""
    undo, reason = Undo.of(bundle, alias, fields), fields.text("reason")
    outcome = act(
        request, fields, ["rollback", undo.to, reason], lambda acting: _undo(acting, acting.caller, undo, reason)
    )
    if outcome.answer is None:
        return _confirm(asked, undo, refused=outcome, reason=reason)
    answer = outcome.answer
    if answer["action"] == "none":
        return go(request, undo.history, note=f"{undo.alias} served {undo.to} already: nothing was changed.")
    said = f"{undo.alias} serves {called(answer['to'])} again. {called(answer['from'])} is barred from it until it is promoted again."
    return go(request, f"{undo.history}#seq-{answer['seq']}", note=" ".join([said, *answer["warnings"]]))


def results_by_version(items: Iterable[ResultAnswer]) -> dict[int, Results]:
    """What is known of each release: of a suite its newest result. items: newest first."""
    seen: set[tuple[int, str]] = set()
    counts: dict[int, Counter[bool | None]] = {}
    for item in items:
        if (item["version"], item["suite"]) not in seen:
            seen.add((item["version"], item["suite"]))
            counts.setdefault(item["version"], Counter())[item["passed"]] += 1
    return {version: Results(found[True], found[False], found[None]) for version, found in counts.items()}


def earlier(items: Iterable[HistoryItem], serving: str) -> list[int]:
    """Releases that an alias served before, newest first, each once."""
    found = dict.fromkeys(item["to"] for item in items if item["to"] is not None and not item["purged"])
    return [version for version in found if called(version) != serving][:_TARGETS]


def _undo(asked: Asked, caller: Any, undo: Undo, reason: str) -> Mapping[str, Any]:
    return asked.registry.rollback(
        caller,
        undo.bundle,
        undo.alias,
        to=undo.to or None,
        serving=undo.serving,
        revision=undo.revision,
        reason=reason,
    )


def _confirm(
    asked: Asked,
    undo: Undo,
    *,
    refused: Outcome | None = None,
    reason: str = "",
    view: str = "split",
    context: str = "folded",
) -> Response:
    """The question, with what would change; after a refusal with why, and what was typed."""
    allowed = _may(asked, undo.bundle, undo.alias)
    outcome = refused or (attempt(asked, lambda caller: _undo(asked, caller, undo, "")) if allowed else None)
    would = outcome.answer if outcome else None
    old, new = undo.serving, called(would["to"]) if would else undo.to
    differs = would is not None and would["action"] != "none" and "nothing" not in (old, new)
    answer = _difference(asked, f"{undo.bundle}@{old}", f"{undo.bundle}@{new}") if differs else None
    history = asked.registry.history(undo.bundle, undo.alias, limit=_PAGE)["items"]
    return page(
        asked,
        "alias_rollback.html",
        status=refused.refusal.status if refused and refused.refusal else 200,
        live=False,
        undo=undo,
        would=would,
        target=new,
        refusal=outcome.refusal if outcome else None,
        allowed=allowed,
        earlier=earlier(history, undo.serving),
        compared=answer is not None,
        reason=reason,
        key=new_key(),
        **(shown(answer, view=view, context=context) if answer else {"view": None}),
    )


def _difference(asked: Asked, old: str, new: str) -> dict[str, Any] | None:
    """What going back changes; None for who may move the alias and not read its releases."""
    try:
        return asked.registry.diff(old, new)
    except PermissionDenied:
        return None


def _may(asked: Asked, bundle: str, alias: str) -> bool:
    return may_move(asked, Verb.ROLLBACK, bundle, alias)
