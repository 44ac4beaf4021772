"""request list, show, approve, reject, withdraw, settle: what waits for the approval of others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from pinset.domain.names import show
from pinset.errors import InvalidInput
from pinset_cli import asking, complete, output
from pinset_cli import options as o
from pinset_cli.locate import Options, caller, opened

if TYPE_CHECKING:
    from pinset.domain.answers.requests import DecisionAnswer, RequestAnswer

request = typer.Typer(help="What waits for the approval of others.", no_args_is_help=True)

_STATES: Final = ("open", "approved", "done", "rejected", "withdrawn", "expired", "dead")
_Number = Annotated[int, typer.Argument(metavar="N", min=1, help="The request's number.")]
_Revision = Annotated[
    str | None,
    typer.Option("--revision", metavar="REVISION", help="Only if it is the one you saw, as show --json says it."),
]


@request.command("list")
def request_list(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Only about this bundle.", autocompletion=complete.bundles)
    ] = None,
    state: Annotated[
        str | None,
        typer.Option("--state", metavar="STATE", help=f"One of {', '.join(_STATES)}."),
    ] = None,
    cursor: o.Cursor = None,
    limit: o.Limit = 30,
    registry: o.Registry = None,
    as_json: o.Json = False,
    utc: o.Utc = False,
) -> None:
    """The requests there are, newest first.

    Example: pinset request list --state open
    """
    if state is not None and state not in _STATES:
        raise InvalidInput(f"{show(state)} is no state of a request", hint=f"one of {', '.join(_STATES)}")
    with opened(Options(registry)) as found:
        page = found.requests.list(state=state, bundle=name, cursor=cursor, limit=limit)
    if as_json:
        output.show_json(page)
        return
    rows = [
        (r["number"], r["state"], asking.headline(r), output.when(r["at"], absolute=utc), r["person"],
         _said(r))
        for r in page["items"]
    ]  # fmt: skip
    output.listed(
        rows,
        ("REQUEST", "STATE", "FOR", "WHEN", "PERSON", "REASON"),
        page["next"],
        "there is no request" + (f" that is {state}" if state else ""),
        fold=True,
    )


@request.command("show")
def request_show(number: _Number, registry: o.Registry = None, as_json: o.Json = False) -> None:
    """What a request is for, what it waits for, and who decided what.

    Example: pinset request show 3
    """
    with opened(Options(registry)) as found:
        answer = found.requests.show(number)
    if as_json:
        output.show_json(answer)
        return
    output.say(f"request {number}: {asking.headline(answer)}: {answer['state']}")
    if answer["why"]:
        output.say(output.safe(f"    {answer['why']}"))
    output.say(output.safe(f"asked by {answer['person']} {output.both(answer['at'])}: {answer['reason'] or '-'}"))
    for one in answer["decisions"]:
        why = f": {one['reason']}" if one["reason"] else ""
        counted = " (does not count)" if one["decision"] == "approve" and not one["counts"] else ""
        output.say(
            output.safe(f"{asking.PAST[one['decision']]} by {one['person']} {output.both(one['at'])}{counted}{why}")
        )
    for gate in answer["gates"]:
        output.say(output.gate(gate))
    if answer["state"] in ("open", "approved"):
        _say_next(answer)


@request.command("approve")
def request_approve(
    number: _Number,
    message: o.Message = "",
    revision: _Revision = None,
    registry: o.Registry = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """Approve a request. The approval that passes the last gate lets the move happen at once.

    Example: pinset request approve 3 -m "compared on the golden set"
    """
    chosen = Options(registry, as_json, dry_run)
    with opened(chosen) as found:
        answer = found.requests.approve(caller(chosen), number, reason=message, revision=revision)
    _show(answer, chosen)


@request.command("reject")
def request_reject(
    number: _Number,
    message: o.Message = "",
    revision: _Revision = None,
    registry: o.Registry = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """Reject a request, for good.

    Example: pinset request reject 3 -m "it answers without the ticket number"
    """
    chosen = Options(registry, as_json, dry_run)
    with opened(chosen) as found:
        answer = found.requests.reject(caller(chosen), number, reason=message, revision=revision)
    _show(answer, chosen)


@request.command("withdraw")
def request_withdraw(
    number: _Number,
    message: o.Message = "",
    revision: _Revision = None,
    registry: o.Registry = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """Take a request of your own back.

    Example: pinset request withdraw 3
    """
    chosen = Options(registry, as_json, dry_run)
    with opened(chosen) as found:
        answer = found.requests.withdraw(caller(chosen), number, reason=message, revision=revision)
    _show(answer, chosen)


@request.command("settle")
def request_settle(registry: o.Registry = None, as_json: o.Json = False, dry_run: o.DryRun = False) -> None:
    """Make what requests ask for that nothing is in front of any more. A server does so itself.

    Example: pinset request settle
    """
    chosen = Options(registry, as_json, dry_run)
    with opened(chosen) as found:
        answer = found.requests.settle(caller(chosen))
    numbers = ", ".join(str(number) for number in answer["requests"])
    output.done(f"requests {numbers} are fulfilled", written=answer["operation"])
    if as_json:
        output.show_json(answer)
        return
    for move in answer["moves"]:
        output.say(asking.headline(move))
    if not answer["requests"]:
        output.talk("no request can be fulfilled now")
    output.unchanged(dry_run=dry_run)


def _show(answer: DecisionAnswer, chosen: Options) -> None:
    found = answer["request"]
    number, decision = found["number"], answer["decision"]
    past = asking.PAST[decision]
    output.done(f"request {number} is {past}", written=answer["operation"])
    if chosen.as_json:
        output.show_json(answer)
        return
    verb = "would be" if chosen.dry_run else "is" if answer["changed"] else "was, by you,"
    output.say(f"request {number} {verb} {past}{'' if answer['changed'] else ' already'}: {asking.headline(found)}")
    move = answer["move"]
    if move is not None:
        output.say(asking.headline(move))
    elif answer["policy"] is not None:
        output.say(f"policy {answer['policy']} {'would be' if chosen.dry_run else 'is'} in force")
    elif found["gates"]:
        output.talk("it still waits for:")
        output.show_gates([gate for gate in found["gates"] if not gate["passed"]])
    output.unchanged(dry_run=chosen.dry_run)


def _said(request: RequestAnswer) -> str:
    """Why it was asked for, and who approved it."""
    by = f"approved by {', '.join(request['approvals'])}" if request["approvals"] else ""
    return "; ".join(part for part in (request["reason"], by) if part)


def _say_next(answer: RequestAnswer) -> None:
    output.talk(f"it waits until {output.utc(answer['expires_at'])}")
    bundle, number = answer["bundle"], answer["number"]
    if answer["from"] and answer["to"]:
        output.advise(f"see what changes: pinset diff {bundle}@v{answer['from']} v{answer['to']}")
    elif answer["to"]:
        output.advise(f"see what it is: pinset show {bundle}@v{answer['to']}")
    output.advise(f"decide: pinset request approve {number}, or pinset request reject {number} -m TEXT")
