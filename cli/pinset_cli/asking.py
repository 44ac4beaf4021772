"""What is said of a promotion that became a request, and waiting until that has come to its end."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import typer

from pinset.errors import EXIT_ANSWER_IS_NO, PermissionDenied, RequestClosed, Unavailable
from pinset_cli import output
from pinset_cli.locate import caller

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from pinset.domain.answers import MoveAnswer
    from pinset.domain.answers.requests import RequestAnswer
    from pinset.ports.registry import Registry
    from pinset_cli.locate import Options

_PAUSES: Final = (0.1, 2.0)
"""Seconds between the first two looks, and between any two later: each is twice the one before."""
PAST: Final = {"approve": "approved", "reject": "rejected", "withdraw": "withdrawn"}
"""What a request is after a decision."""
_WAITING: Final = ("open", "approved")


def end(found: Registry, answer: MoveAnswer, chosen: Options, *, when_approved: bool, seconds: float | None) -> None:
    """Show a request that a promotion became, and where it is asked for wait for its end.

    seconds: how long, None as long as the request itself waits. Exits 1 where the move is not made; raises
    RequestClosed, and Unavailable where the time is over.
    """
    number = answer["request"] or 0
    output.done(f"request {number} is made", written=answer["operation"])
    if chosen.dry_run:
        if chosen.as_json:
            output.show_json(answer)
        else:
            output.talk(f"it wants approvals: a request would be made, for {headline(answer)}")
            if answer["to"] is not None:
                reference = f"{answer['bundle']}@v{answer['to']}"
                output.show_gates(found.policies.can_promote(caller(chosen), reference, answer["alias"])["gates"])
            output.unchanged(dry_run=True)
        raise typer.Exit(EXIT_ANSWER_IS_NO)
    if not chosen.as_json:
        _say(found.requests.show(number), new=answer["operation"] is not None)
    if not when_approved:
        if chosen.as_json:
            output.show_json(answer)
        raise typer.Exit(EXIT_ANSWER_IS_NO)
    ended = until_ended(found, number, chosen, seconds)
    if chosen.as_json:
        output.show_json({**answer, "ended": ended})
    if ended["state"] in _WAITING:
        raise Unavailable(
            f"request {number} is still open; nobody waits for it any longer, and it goes on",
            hint=f"see what it waits for: pinset request show {number}",
            details={"request": number},
        )
    if ended["state"] != "done":
        closed(ended)
    if not chosen.as_json:
        output.say(f"{ended['bundle']}@{ended['alias']}: {_v(ended['from'])} -> {_v(ended['to'])}")


def until_ended(
    found: Registry,
    number: int,
    chosen: Options,
    seconds: float | None,
    *,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> RequestAnswer:
    """The request once it has come to its end, or as it is when the time is over.

    Each approval is a line of talk. A registry that cannot be asked for a while is asked again.
    """
    until, pause, said = None if seconds is None else now() + seconds, _PAUSES[0], 0
    last: RequestAnswer | None = None
    while True:
        try:
            last = found.requests.show(number)
            if last["state"] == "approved":
                # Time has passed the last gate, and there may be no server that sees it.
                with suppress(PermissionDenied):
                    found.requests.settle(caller(chosen))
                    last = found.requests.show(number)
        except Unavailable:
            if last is None:
                raise
        for one in last["decisions"][said:]:
            why = f": {one['reason']}" if one["reason"] else ""
            output.talk(output.safe(f"{PAST[one['decision']]} by {one['person']}{why}"))
        said = len(last["decisions"])
        left = None if until is None else until - now()
        if last["state"] not in _WAITING or (left is not None and left <= 0):
            return last
        sleep(pause if left is None else min(pause, left))
        pause = min(pause * 2, _PAUSES[1])


def closed(request: RequestAnswer) -> NoReturn:
    """Raises what a request that came to nothing amounts to."""
    raise RequestClosed(
        f"request {request['number']} is {request['state']}: {request['why']}",
        hint=f"look at it: pinset request show {request['number']}",
        details={"number": request["number"], "state": request["state"]},
    )


def headline(request: RequestAnswer | MoveAnswer) -> str:
    """What a request is for: ``support@production: v7 -> v8``."""
    if not request["bundle"]:
        return f"policy {(request['policy'] or 0) + 1}"
    return f"{request['bundle']}@{request['alias']}: {_v(request['from'])} -> {_v(request['to'])}"


def _say(request: RequestAnswer, *, new: bool) -> None:
    number = request["number"]
    output.say(f"request {number}: {headline(request)}")
    if not new:
        output.talk("nothing new: it was asked for before, and waits")
    output.show_gates(request["gates"])
    output.talk(
        f"it is made as soon as all of these pass, until {output.utc(request['expires_at'])}; somebody else can:"
    )
    output.advise(f"    pinset request approve {number}")


def _v(version: int | None) -> str:
    return f"v{version}" if version else "nothing"
