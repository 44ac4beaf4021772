"""The policy: shown, edited by compare-and-swap, tried; and the gates in front of an alias."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query
from starlette.responses import Response  # noqa: TC002 - the framework reads the annotations

from pinset.api import parameters as p
from pinset.api.conditional import given_revision
from pinset.domain import answers as a
from pinset.domain.answers.policy import GatesAnswer, PolicyAnswer, PolicyCheckAnswer, PolicyItem
from pinset.domain.moves import NONE
from pinset.domain.names import bundle_name
from pinset.errors import InvalidInput, PreconditionRequired
from pinset.wire import policies as r  # noqa: TC001 - the framework reads the annotations

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

router = APIRouter(responses=p.LOOKING, tags=["policy"])
_Number = Annotated[int, Path(description="A policy's number.", ge=1, le=2_000_000_000)]
_Release = Annotated[str, Query(description="A selector of a release of the bundle.", max_length=71)]


@router.get("/v1/policy", response_model=PolicyAnswer)
def get_policy(asked: p.Reads) -> Response:
    """The policy in force; number 0 and empty before there is one."""
    found = asked.registry.policies.show()
    return asked.answered(found, headers=_tag(found))


@router.put("/v1/policy", response_model=PolicyAnswer, responses={**p.SENDING, **p.EXPECTING})
def edit_policy(
    asked: p.Policies, body: r.PolicyRequest, if_match: p.IfMatch = None, if_none_match: p.Absent = None
) -> Response:
    """Bring a policy into force, if the one in force is the number that If-Match or `expect` say.

    Where the policy's own rule wants approvals, a request for it is made instead.
    """
    expect = _expected(given_revision(if_match, if_none_match), body.expect)
    return asked.changed(
        body.model_dump(exclude={"expect"}),
        lambda: asked.registry.policies.edit(
            asked.caller, body.text, expect=expect(), reason=body.reason, break_glass=body.break_glass
        ),
        headers=_tag,
    )


@router.get("/v1/policy/history", response_model=a.Page[PolicyItem])
def policy_history(asked: p.Reads, cursor: p.Cursor = None, limit: p.Limit = 100) -> Response:
    """Policies, newest first."""
    return asked.page(asked.registry.policies.history(cursor=cursor, limit=limit))


@router.post("/v1/policy/check", response_model=PolicyCheckAnswer, responses=p.SENDING)
def check_policy(asked: p.Reads, body: r.PolicyCheckRequest) -> Response:
    """What a policy would refuse of what is served now, and of what would come next. Nothing is changed."""
    return asked.answered(asked.registry.policies.check(asked.caller, body.text))


@router.get("/v1/policy/{number}", response_model=PolicyAnswer)
def get_policy_of(asked: p.Reads, number: _Number) -> Response:
    """A policy by its number."""
    return asked.answered(asked.registry.policies.show(number))


@router.get("/v1/bundles/{bundle}/aliases/{alias}/gates", response_model=GatesAnswer)
def can_promote(asked: p.Reads, bundle: p.Bundle, alias: p.Alias, release: _Release) -> Response:
    """Whether who asks may make an alias serve a release now: every gate, and nothing is done."""
    named = f"{bundle_name(bundle)}@{release}"
    return asked.answered(asked.registry.policies.can_promote(asked.caller, named, alias))


def _tag(found: Mapping[str, Any]) -> dict[str, str]:
    return {"ETag": f'"{found["number"]}"'} if found["number"] else {}


def _expected(revision: str | None, body: int | None) -> Callable[[], int]:
    """What number must be in force, found out where an attempt is made. Raises InvalidInput for two that differ."""
    given = None
    if revision is not None:
        if revision != NONE and not (revision.isascii() and revision.isdigit() and len(revision) < 11):
            raise InvalidInput("If-Match is no policy's number", hint='send the ETag of GET /v1/policy, such as "3"')
        given = 0 if revision == NONE else int(revision)
    if given is not None and body is not None and given != body:
        raise InvalidInput("If-Match and expect contradict each other", hint="send one of them")
    number = given if given is not None else body

    def expected() -> int:
        if number is None:
            raise PreconditionRequired(
                "a policy is edited from the one that is in force",
                hint='send If-Match: "NUMBER" as GET /v1/policy says it, or If-None-Match: * where there is none yet',
            )
        return number

    return expected
