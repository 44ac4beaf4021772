"""purge: what must not be there any more."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from pinset.errors import EXIT_ANSWER_IS_NO
from pinset_cli import complete, output
from pinset_cli import options as o
from pinset_cli.locate import Options, caller, opened

if TYPE_CHECKING:
    from pinset.domain.answers.purging import PurgeAnswer

_SHOWN = 50


def purge(
    target: Annotated[
        list[str],
        typer.Argument(metavar="REF", help="A release, or KIND/NAME@SELECTOR.", autocompletion=complete.references),
    ],
    file: Annotated[
        list[str] | None,
        typer.Option("--file", metavar="PATH", help="What is to go, as the release calls it; several."),
    ] = None,
    all_files: Annotated[bool, typer.Option("--all-files", help="Every file of it is to go.")] = False,
    message: o.Message = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    registry: o.Registry = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """Remove content for good, from every release and the history.

    Versions, labels and digests stay taken. What an alias serves is refused: promote or roll back first.

    Example: pinset purge support-summarizer@v3 --file prompts/system.md -m "holds a password" --dry-run
    """
    from pinset.errors import InvalidInput

    chosen, named = Options(registry, as_json, dry_run), file or []
    reference = target[0] if "/" in target[0].partition("@")[0] and len(target) == 1 else o.reference(target)
    if not yes and not dry_run and not sys.stdin.isatty():
        raise InvalidInput(
            "there is no terminal to ask on", hint="look with --dry-run what would go, then say --yes: it is for good"
        )
    with opened(chosen) as found:
        expect = None
        if not yes and not dry_run:
            looking = caller(Options(registry, dry_run=True))
            plan = found.purges.purge(looking, reference, files=named, all_files=all_files, reason=message)
            _agreed(plan)
            expect = [one["ref"] for one in plan["purged"]]
        answer = found.purges.purge(
            caller(chosen), reference, files=named, all_files=all_files, reason=message, expect=expect
        )
    output.done(f"{output.count(len(answer['purged']), 'version')} are purged", written=answer["operation"])
    if as_json:
        output.show_json(answer)
        return
    _show(answer, dry_run=dry_run)


def _agreed(plan: PurgeAnswer) -> None:
    """Show what would be purged, and ask. Exits where the answer is no."""
    output.talk("these lose all of their content, for good:")
    _list(plan)
    if not typer.confirm("Purge them?", default=False, err=True):
        output.talk("nothing was changed")
        raise typer.Exit(EXIT_ANSWER_IS_NO)


def _list(answer: PurgeAnswer) -> None:
    for one in answer["purged"][:_SHOWN]:
        label = f" ({one['label']})" if one["label"] else ""
        output.talk(output.safe(f"    {one['ref']}{label}: {', '.join(one['paths'])}"))
    if len(answer["purged"]) > _SHOWN:
        output.talk(f"    and {len(answer['purged']) - _SHOWN} more (--json --dry-run lists them all)")


def _show(answer: PurgeAnswer, *, dry_run: bool) -> None:
    refs = ", ".join(one["ref"] for one in answer["purged"][:_SHOWN])
    more = f" and {len(answer['purged']) - _SHOWN} more" if len(answer["purged"]) > _SHOWN else ""
    if dry_run:
        output.say(f"{refs}{more} would be purged")
        _list(answer)
        output.unchanged(dry_run=True)
        return
    output.say(f"{refs}{more}: purged")
    output.talk(
        f"{output.count(answer['rewritten'] or 0, 'commit')} from write {answer['first']} on are written anew: "
        "revisions and commit ids of before mean nothing any more"
    )
    output.talk("what no purge reaches:")
    for sentence in answer["beyond_reach"]:
        output.talk(f"    {sentence}")
