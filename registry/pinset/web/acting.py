"""Acting from a page: a form becomes the same call as over the API, with the same caller, key and records.

A form carries its own Idempotency-Key, so that pressed twice, or sent again, it has one effect and one answer; and it
carries what was seen (a revision, a version), so that what somebody else did meanwhile is not run over. A refusal comes
back as what the page says above the form, with what was typed.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pinset.api.context import Asked
from pinset.domain.access import Verb
from pinset.errors import InvalidInput, PermissionDenied, PinsetError, http_status

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from pinset.ports.registry import Caller
    from pinset.web.view import Fields


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something is not done, as the page says it. hint: the way out; details: for programs."""

    status: int
    code: str
    message: str
    hint: str
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an act: its answer, or why there is none."""

    answer: Mapping[str, Any] | None
    refusal: Refusal | None


def act(request: Request, fields: Fields, body: Any, work: Callable[[Asked], Any]) -> Outcome:
    """Make a change that a form asks for. body: what is asked, as JSON values; work: makes it, given who asks.

    Of one that was sent before, the first answer again. A refusal is recorded as one over the API is.
    """
    key = fields.get("key")
    if not key:
        raise InvalidInput("the form has no key of its own", hint="load the page again, and send it from there")
    asked = Asked(request, dry_run=False, key=key)
    response = asked.changed(body, lambda: work(asked))
    said = json.loads(bytes(response.body))
    if response.status_code < 400:
        return Outcome(said, None)
    refused = Refusal(response.status_code, said["code"], said["detail"], said["hint"], said["details"])
    return Outcome(None, refused)


def attempt(asked: Asked, work: Callable[[Caller], Any]) -> Outcome:
    """What an act would do, or be refused for, now: nothing is written, and nothing is recorded as tried.

    Only for who may do it: what is beyond a caller's grants is on record even where it is only tried.
    """
    try:
        return Outcome(work(replace(asked.caller, dry_run=True, key=None)), None)
    except PinsetError as error:
        refused = Refusal(http_status(type(error)), error.code, error.message, error.hint, error.details)
        return Outcome(None, refused)


def may_move(asked: Asked, verb: Verb, bundle: str, alias: str) -> bool:
    """Whether who asks may do this to an alias: what a page decides by whether it shows a button.

    Asked of the registry, where grants of a name that the bundle had before hold too. Whoever may not is refused anyway.
    """
    try:
        asked.registry.permit(verb, bundle, alias)
    except PermissionDenied:
        return False
    return True


def reads_all(asked: Asked, bundle: str) -> bool:
    """Whether who asks may read every release of a bundle; who may read an alias of it alone follows no link to them."""
    return may_move(asked, Verb.READ, bundle, "")


def new_key() -> str:
    """A form's Idempotency-Key."""
    return secrets.token_urlsafe(16)


def called(version: int | None) -> str:
    """A version as it is written; ``nothing`` for none."""
    return f"v{version}" if version else "nothing"
