"""promote, rollback, yank, unyank and the aliases: what changes what production says."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from pinset_cli import options as o
from pinset_cli import output
from pinset_cli.commands.authoring import _listed as listed
from pinset_cli.locate import Options, caller, opened

if TYPE_CHECKING:
    from pinset.domain.answers import MoveAnswer


def promote(
    reference: Annotated[str, typer.Argument(metavar="REF")],
    alias: Annotated[str, typer.Argument(metavar="ALIAS")],
    expect: Annotated[
        str | None, typer.Option("--expect", metavar="SELECTOR|none", help="What the alias must serve now.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Although a rollback barred it (needs -m).")] = False,
    message: o.Message = "",
    registry: o.Registry = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """Make an alias serve a release.

    Example: pinset promote support-summarizer@staging production --expect v7
    """
    chosen = Options(registry, as_json, dry_run)
    with opened(chosen) as found:
        answer = found.promote(caller(chosen), reference, alias, expect=expect, reason=message, again=again)
    _show(answer, chosen)


def rollback(
    target: Annotated[list[str], typer.Argument(metavar="NAME@ALIAS")],
    serving: Annotated[str | None, typer.Option("--from", metavar="vN", help="What the alias must serve now.")] = None,
    to: Annotated[str | None, typer.Option("--to", metavar="SELECTOR", help="The release to return to.")] = None,
    steps: Annotated[int | None, typer.Option("--steps", min=1, help="So many undos at once.")] = None,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="What it served then (ISO 8601).")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    message: o.Message = "",
    registry: o.Registry = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """Undo: make an alias serve what it served before.

    Example: pinset rollback support-summarizer@production -m "refuses refunds"
    """
    from pinset.errors import InvalidInput

    bundle, alias = named(target)
    chosen = Options(registry, as_json, dry_run)
    decided = yes or dry_run or serving is not None or to is not None
    if not decided and not sys.stdin.isatty():
        raise InvalidInput(
            "there is no terminal to ask on", hint="say what is meant: --from vN, --to SELECTOR, or --yes"
        )
    with opened(chosen) as found:
        if not decided:
            plan = found.rollback(
                caller(Options(registry, dry_run=True)), bundle, alias, to=to, steps=steps, at=at, reason=message
            )
            _warn(plan)
            output.talk(f"{bundle}@{alias}: v{plan['from']} -> v{plan['to']}")
            if not typer.confirm("Roll back?", default=False, err=True):
                output.talk("nothing was changed")
                return
            # What was shown is what is done: a move made meanwhile is a conflict, not a surprise.
            serving, to, steps, at = f"v{plan['from']}", f"v{plan['to']}", None, None
        answer = found.rollback(
            caller(chosen), bundle, alias, serving=serving, to=to, steps=steps, at=at, reason=message
        )
    _show(answer, chosen)


def yank(
    reference: Annotated[str, typer.Argument(metavar="REF")],
    message: o.Message = "",
    registry: o.Registry = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """Refuse a release to new moves; it stays readable by version and digest.

    Example: pinset yank support-summarizer@v8 -m "leaks the ticket number"
    """
    chosen = Options(registry, as_json, dry_run)
    with opened(chosen) as found:
        answer = found.yank(caller(chosen), reference, reason=message)
        serving = [] if as_json else found.summary(answer["ref"])["aliases"]
    if as_json:
        output.show_json(answer)
        return
    output.say(f"{answer['ref']} {'would be' if dry_run else 'is'} yanked: {output.safe(answer['yanked'])}")
    if serving:
        output.talk(
            f"warning: {', '.join(serving)} still serves it; move it away: pinset rollback {answer['bundle']}@{serving[0]}"
        )


def unyank(
    reference: Annotated[str, typer.Argument(metavar="REF")],
    message: o.Message = "",
    registry: o.Registry = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """Take a yank back.

    Example: pinset unyank support-summarizer@v8
    """
    chosen = Options(registry, as_json, dry_run)
    with opened(chosen) as found:
        answer = found.unyank(caller(chosen), reference, reason=message)
    if as_json:
        output.show_json(answer)
    else:
        output.say(f"{answer['ref']} {'would be' if dry_run else 'is'} no longer yanked")


alias = typer.Typer(help="The aliases of a bundle.", no_args_is_help=True)


@alias.command("list")
def alias_list(
    name: Annotated[str, typer.Argument(metavar="NAME")], registry: o.Registry = None, as_json: o.Json = False
) -> None:
    """What each alias serves.

    Example: pinset alias list support-summarizer
    """
    with opened(Options(registry)) as found:
        page = found.aliases(name)
    if as_json:
        output.show_json(page)
        return
    rows = [
        (a["alias"], f"v{a['version']}" if a["version"] else "(retired)", a["label"], output.ago(a["moved_at"]), a["moved_by"], a["reason"])
        for a in page["items"]
    ]  # fmt: skip
    listed(
        rows,
        ("ALIAS", "SERVES", "LABEL", "MOVED", "BY", "REASON"),
        page["next"],
        f"pinset promote {name}@v1 production",
    )


@alias.command("retire")
def alias_retire(
    target: Annotated[list[str], typer.Argument(metavar="NAME@ALIAS")],
    message: o.Message = "",
    registry: o.Registry = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """Make an alias serve nothing; its history stays.

    Example: pinset alias retire support-summarizer@canary
    """
    bundle, name = named(target)
    chosen = Options(registry, as_json, dry_run)
    with opened(chosen) as found:
        answer = found.retire(caller(chosen), bundle, name, reason=message)
    _show(answer, chosen)


def named(target: list[str]) -> tuple[str, str]:
    """``NAME@ALIAS`` or ``NAME ALIAS``. Raises InvalidReference."""
    from pinset.errors import InvalidReference

    parts = target[0].split("@") if len(target) == 1 else target
    if len(parts) != 2:
        raise InvalidReference("this wants a bundle and an alias", hint=f"write {parts[0]}@production")
    return parts[0], parts[1]


def _show(answer: MoveAnswer, chosen: Options) -> None:
    if chosen.as_json:
        output.show_json(answer)
        return
    _warn(answer)
    place = f"{answer['bundle']}@{answer['alias']}"
    served = f"v{answer['to']}" if answer["to"] else "nothing"
    if answer["action"] == "none":
        output.say(f"{place} serves {served} already")
        return
    was = f"v{answer['from']}" if answer["from"] else "nothing"
    output.say(f"{place}: {was} -> {served}" + (" (dry run)" if chosen.dry_run else ""))


def _warn(answer: MoveAnswer) -> None:
    for warning in answer["warnings"]:
        output.talk(output.safe(f"warning: {warning}"))
