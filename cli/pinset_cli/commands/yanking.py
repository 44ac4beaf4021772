"""yank, unyank: what is refused to new moves."""

from __future__ import annotations

from pinset_cli import options as o
from pinset_cli import output
from pinset_cli.locate import Options, caller, opened


def yank(
    target: o.Refs,
    message: o.Message = "",
    registry: o.Registry = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """Refuse a release to new moves.

    It stays readable by version and digest, and aliases that serve it go on serving it.

    Example: pinset yank support-summarizer@v8 -m "leaks the ticket number"
    """
    chosen = Options(registry, as_json, dry_run)
    with opened(chosen) as found:
        answer = found.yank(caller(chosen), o.reference(target), reason=message)
        output.done(f"{answer['ref']} is yanked", written=answer["operation"])
        serving = [] if as_json else found.summary(answer["ref"])["aliases"]
    if as_json:
        output.show_json(answer)
        return
    state = "is yanked already" if not answer["changed"] else "would be yanked" if dry_run else "is yanked"
    output.say(f"{answer['ref']} {state}: {output.safe(answer['yanked'])}")
    if serving:
        places = ", ".join(f"{answer['bundle']}@{name}" for name in serving)
        output.advise(
            f"warning: {places} still {'serves' if len(serving) == 1 else 'serve'} it; move {'it' if len(serving) == 1 else 'each'} away:"
        )
        for name in serving:
            output.advise(f"    pinset rollback {answer['bundle']}@{name}")
    output.unchanged(dry_run=dry_run)


def unyank(
    target: o.Refs,
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
        answer = found.unyank(caller(chosen), o.reference(target), reason=message)
    output.done(f"{answer['ref']} is no longer yanked", written=answer["operation"])
    if as_json:
        output.show_json(answer)
        return
    state = (
        "was not yanked" if not answer["changed"] else "would be no longer yanked" if dry_run else "is no longer yanked"
    )
    output.say(f"{answer['ref']} {state}")
    output.unchanged(dry_run=dry_run)
