"""bundle show, set, archive, unarchive, rename: what is said of a bundle itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pinset_cli import complete, described, output
from pinset_cli import options as o
from pinset_cli.locate import Options, caller, opened

if TYPE_CHECKING:
    from pinset.domain.answers.bundles import BundleChangeAnswer

bundle = typer.Typer(help="Who owns a bundle, what it is called, and whether it is in use.", no_args_is_help=True)
_Settings = Annotated[
    list[str] | None, typer.Argument(metavar="KEY=VALUE", help="owner=…, description=…; empty empties it.")
]
_Also = Annotated[list[str] | None, typer.Option("--also", metavar="TEXT", help="What other tools call it, too.")]
_NotAlso = Annotated[list[str] | None, typer.Option("--not-also", metavar="TEXT", help="What they call it no more.")]
_NewName = Annotated[str, typer.Argument(metavar="NEW", help="What it is to be called.")]


@bundle.command("show")
def bundle_show(
    name: o.Bundle, at: o.At = None, registry: o.Registry = None, as_json: o.Json = False, utc: o.Utc = False
) -> None:
    """A bundle: who owns it, what for, its names, and what it serves.

    Example: pinset bundle show support-summarizer
    """
    with opened(Options(registry)) as found:
        answer = o.looking(found, at).bundle(name)
    if as_json:
        output.show_json(answer)
        return
    output.say(f"{answer['name']}: {output.count(answer['releases'], 'release')}, newest v{answer['newest']}")
    described.show(answer)
    rows = [
        (alias, output.serves(version, yanked=alias in answer["yanked"]),
         output.when(answer["since"][alias], absolute=utc))
        for alias, version in answer["aliases"].items()
    ]  # fmt: skip
    if rows:
        output.say()
        output.table(rows, ("ALIAS", "SERVES", "SINCE"))


@bundle.command("set")
def bundle_set(
    name: o.Bundle,
    settings: _Settings = None,
    also: _Also = None,
    not_also: _NotAlso = None,
    message: o.Message = "",
    registry: o.Registry = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """Say who owns a bundle, what it is for, what others call it.

    Example: pinset bundle set support-summarizer owner=team-support --also 'Support Summarizer'
    """
    from pinset.domain.described import parse_settings

    chosen = Options(registry, as_json, dry_run)
    given = {} if (also or not_also) and not settings else parse_settings(settings or ())
    with opened(chosen) as found:
        answer = found.bundle_changes.set(
            caller(chosen),
            name,
            owner=given.get("owner"),
            description=given.get("description"),
            also=also or (),
            not_also=not_also or (),
            reason=message,
        )
    _told(answer, ("is described", "would be described", "says that already"), chosen)


@bundle.command("archive")
def bundle_archive(
    name: o.Bundle,
    message: o.Message = "",
    registry: o.Registry = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """Take a bundle out of use, but for who fetches it.

    Lists leave it out, and nothing is published or promoted. What its aliases serve they go on serving, and roll back.

    Example: pinset bundle archive support-summarizer -m "replaced by helpdesk"
    """
    chosen = Options(registry, as_json, dry_run)
    with opened(chosen) as found:
        answer = found.bundle_changes.archive(caller(chosen), name, reason=message)
    _told(answer, ("is archived", "would be archived", "is archived already"), chosen)


@bundle.command("unarchive")
def bundle_unarchive(
    name: o.Bundle,
    message: o.Message = "",
    registry: o.Registry = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """Take a bundle into use again.

    Example: pinset bundle unarchive support-summarizer
    """
    chosen = Options(registry, as_json, dry_run)
    with opened(chosen) as found:
        answer = found.bundle_changes.unarchive(caller(chosen), name, reason=message)
    _told(answer, ("is in use again", "would be in use again", "is not archived"), chosen)


@bundle.command("rename")
def bundle_rename(
    name: Annotated[str, typer.Argument(metavar="OLD", autocompletion=complete.bundles)],
    new: _NewName,
    message: o.Message = "",
    registry: o.Registry = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """Give a bundle another name. It answers on by every name that it had.

    Example: pinset bundle rename support-summarizer helpdesk-summarizer -m "the team is called so now"
    """
    chosen = Options(registry, as_json, dry_run)
    with opened(chosen) as found:
        answer = found.bundle_changes.rename(caller(chosen), name, new, reason=message)
    others = ", ".join(answer["formerly"])
    by = f"; it answers also by {others}" if others else ""
    _told(answer, (f"is its name{by}", f"would be its name{by}", "is its name already"), chosen)


def _told(answer: BundleChangeAnswer, words: tuple[str, str, str], chosen: Options) -> None:
    """Say what was done, what would be, or that it is so already."""
    output.done(f"{answer['name']} {words[0]}", written=answer["operation"])
    if chosen.as_json:
        output.show_json(answer)
        return
    said = words[2] if answer["action"] == "none" else words[1] if chosen.dry_run else words[0]
    output.say(f"{answer['name']} {said}")
    for warning in answer["warnings"]:
        output.advise(f"warning: {warning}")
    output.unchanged(dry_run=chosen.dry_run)
