"""promote, rollback and the aliases: what changes what production says."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from pinset.errors import EXIT_ANSWER_IS_NO, InvalidInput, PinsetError
from pinset_cli import asking, complete, output, undoing, waiting
from pinset_cli import options as o
from pinset_cli.locate import Options, caller, opened

if TYPE_CHECKING:
    from pinset.domain.answers import MoveAnswer
    from pinset.ports.registry import Registry


def promote(
    target: Annotated[
        list[str],
        typer.Argument(
            metavar="REF ALIAS", help="A release, and what is to serve it.", autocompletion=complete.promotions
        ),
    ],
    expect: Annotated[
        str | None, typer.Option("--expect", metavar="SELECTOR|none", help="What the alias must serve now.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Although a rollback barred it (needs -m TEXT).")] = False,
    break_glass: o.BreakGlass = False,
    message: o.Message = "",
    wait: o.Wait = False,
    when_approved: Annotated[
        bool, typer.Option("--when-approved", help="Wait until others have approved it, where they must.")
    ] = False,
    timeout: o.Timeout = None,
    change: o.Change = None,
    registry: o.Registry = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """Make an alias serve a release.

    Where the policy wants the approval of others it becomes a request, and the command exits 1.

    With --when-approved it waits until the move is made; it exits 5 where the request comes to nothing, 8 when the time is over.

    With --wait exits 1 where some client that runs does not hold it in time; the move stays.

    Example: pinset promote support-summarizer@staging production --expect v7
    """
    reference, alias = o.promotion(target, "promote")
    if wait and when_approved:
        raise InvalidInput(
            "--wait and --when-approved wait for different things",
            hint="wait for the approval, then promote with --wait",
        )
    chosen = Options(registry, as_json, dry_run, change)
    seconds = None if when_approved else waiting.patience(timeout, wait=wait)
    with opened(chosen) as found:
        began = time.monotonic()
        answer = found.promote(
            caller(chosen), reference, alias, expect=expect, reason=message, again=again, break_glass=break_glass
        )
        if answer["action"] == "request":
            asking.end(found, answer, chosen, when_approved=when_approved, seconds=timeout)
            return
        _end(found, answer, chosen, seconds, began)


def rollback(
    target: Annotated[list[str] | None, typer.Argument(metavar="[NAME@ALIAS]", autocompletion=complete.moves)] = None,
    serving: Annotated[str | None, typer.Option("--from", metavar="vN", help="What the alias must serve now.")] = None,
    to: Annotated[str | None, typer.Option("--to", metavar="SELECTOR", help="The release to return to.")] = None,
    steps: Annotated[int | None, typer.Option("--steps", metavar="N", min=1, help="So many undos at once.")] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="What it served then: 2025-03-14T09:30:00Z, 2h.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    message: o.Message = "",
    wait: o.Wait = False,
    timeout: o.Timeout = None,
    change: Annotated[
        str | None,
        typer.Option(
            "--change", metavar="ID", help="Alone: take back all it moved. With NAME@ALIAS: what this belongs to."
        ),
    ] = None,
    registry: o.Registry = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """Undo: make an alias serve what it served before.

    With --change and no NAME@ALIAS: every alias that the change moved, and that still serves that. Exits 1 where one is refused.

    With --wait exits 1 where some client that runs does not hold it in time; the move stays.

    Example: pinset rollback support-summarizer@production -m "refuses refunds"
    """
    if not target:
        if change is None:
            raise InvalidInput(
                "this needs an alias, or a change", hint="pinset rollback NAME@production, or --change ID"
            )
        if wait or timeout is not None or any(value is not None for value in (serving, to, steps, at)):
            raise InvalidInput(
                "a change is taken back as a whole", hint=f"pinset rollback --change {change}, with -m TEXT and --yes"
            )
        undoing.undo(change, Options(registry, as_json, dry_run), reason=message, yes=yes)
        return
    bundle, alias = o.bundle_and_alias(target)
    at = o.fixed(at) if at is not None else None
    chosen, seconds = Options(registry, as_json, dry_run, change), waiting.patience(timeout, wait=wait)
    decided = yes or dry_run or serving is not None or to is not None
    if not decided and not sys.stdin.isatty():
        raise InvalidInput(
            "there is no terminal to ask on", hint="say what is meant: --from vN, --to SELECTOR, or --yes"
        )
    with opened(chosen) as found:
        revision = None if decided else _agreed(found, registry, bundle, alias, steps=steps, at=at, reason=message)
        began = time.monotonic()
        answer = found.rollback(
            caller(chosen),
            bundle,
            alias,
            serving=serving,
            to=to,
            steps=steps,
            at=at,
            revision=revision,
            reason=message,
        )
        _end(found, answer, chosen, seconds, began)


alias = typer.Typer(help="The aliases of a bundle.", no_args_is_help=True)


@alias.command("list")
def alias_list(name: o.Bundle, registry: o.Registry = None, as_json: o.Json = False, utc: o.Utc = False) -> None:
    """What each alias serves.

    Example: pinset alias list support-summarizer
    """
    with opened(Options(registry)) as found:
        page = found.aliases(name)
    if as_json:
        output.show_json(page)
        return
    rows = [
        (a["alias"], output.serves(a["version"], yanked=a["yanked"] is not None), a["label"],
         output.when(a["moved_at"], absolute=utc), a["moved_by"], a["reason"])
        for a in page["items"]
    ]  # fmt: skip
    output.listed(
        rows,
        ("ALIAS", "SERVES", "LABEL", "WHEN", "BY", "REASON"),
        page["next"],
        f"no aliases yet: pinset promote {name}@v1 production",
    )


@alias.command("retire")
def alias_retire(
    target: Annotated[list[str], typer.Argument(metavar="NAME@ALIAS", autocompletion=complete.moves)],
    break_glass: o.BreakGlass = False,
    message: o.Message = "",
    registry: o.Registry = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """Make an alias serve nothing; its history stays.

    Example: pinset alias retire support-summarizer@canary
    """
    bundle, name = o.bundle_and_alias(target)
    chosen = Options(registry, as_json, dry_run)
    with opened(chosen) as found:
        answer = found.retire(caller(chosen), bundle, name, reason=message, break_glass=break_glass)
        if answer["action"] == "request":
            asking.end(found, answer, chosen, when_approved=False, seconds=None)
    _show(answer, chosen)


def _agreed(
    found: Registry, registry: str | None, bundle: str, alias: str, *, steps: int | None, at: str | None, reason: str
) -> str:
    """Show what a rollback would do, and ask; the revision that was agreed to move from. Exits where the answer is no."""
    # What is shown is what is done: the answer is to this move, and a later one is a conflict.
    revision = found.alias(bundle, alias)["revision"]
    looking = caller(Options(registry, dry_run=True))
    plan = found.rollback(looking, bundle, alias, steps=steps, at=at, revision=revision, reason=reason)
    _warn(plan)
    output.talk(f"{bundle}@{alias}: {_v(plan['from'])} -> {_v(plan['to'])}")
    _say_barred(plan, "will be")
    if not typer.confirm("Roll back?", default=False, err=True):
        output.talk("nothing was changed")
        raise typer.Exit(EXIT_ANSWER_IS_NO)
    return revision


def _end(found: Registry, answer: MoveAnswer, chosen: Options, seconds: float | None, began: float) -> None:
    """Show a move, and where it is asked for wait until the clients hold what it moved to. began: before the move."""
    if seconds is None or chosen.dry_run:
        _show(answer, chosen)
        return
    if not chosen.as_json:
        _show(answer, chosen)
    outcome = None
    try:
        outcome = waiting.until_adopted(found, answer, seconds, began=began)
    except (PinsetError, KeyboardInterrupt):
        output.talk("the move is made; who holds it was not waited for any longer")
        raise
    finally:
        if chosen.as_json:
            _done(answer)
            output.show_json({**answer, "adopted": outcome.as_json() if outcome else None})
    _say_adopted(answer, outcome)


def _say_adopted(answer: MoveAnswer, outcome: waiting.Outcome) -> None:
    place, (clients, _), waited = f"{answer['bundle']}@{answer['alias']}", outcome.adopted, round(outcome.waited, 1)
    if outcome.others:
        output.talk(output.safe(f"not adopted after {waited} s: {outcome.others}; the move is made"))
        output.advise(f"    pinset status {answer['bundle']}")
        raise typer.Exit(EXIT_ANSWER_IS_NO)
    if not clients:
        output.talk(f"no clients of {place} were seen within the last minute")
    else:
        who = "the one client holds" if clients == 1 else f"all {clients} clients hold"
        output.talk(f"{who} {_v(answer['to'])} after {waited} s")


def _done(answer: MoveAnswer) -> None:
    moved = f"{answer['bundle']}@{answer['alias']} serves {_v(answer['to'])} now"
    output.done(moved, written=answer["operation"])


def _show(answer: MoveAnswer, chosen: Options) -> None:
    _done(answer)
    if chosen.as_json:
        output.show_json(answer)
        return
    _warn(answer)
    place = f"{answer['bundle']}@{answer['alias']}"
    if answer["action"] == "none":
        output.say(f"{place} serves {_v(answer['to'])} already")
        return
    output.say(f"{place}: {_v(answer['from'])} -> {_v(answer['to'])}")
    _say_barred(answer, "would be" if chosen.dry_run else "is now")
    output.unchanged(dry_run=chosen.dry_run)


def _v(version: int | None) -> str:
    return f"v{version}" if version else "nothing"


def _say_barred(answer: MoveAnswer, verb: str) -> None:
    """A rollback bars what it leaves behind; who does not know it meets it at the next promotion."""
    left = answer["from"]
    if answer["action"] != "rollback" or left is None:
        return
    place = f"{answer['bundle']}@v{left} {answer['alias']}"
    output.talk(f"v{left} {verb} barred from {answer['alias']}; if it is right after all:")
    output.advise(f"    pinset promote {place} --again -m TEXT")


def _warn(answer: MoveAnswer) -> None:
    for warning in answer["warnings"]:
        output.talk(output.safe(f"warning: {warning}"))
