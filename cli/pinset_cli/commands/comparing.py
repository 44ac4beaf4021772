"""diff: what changes from one release, or working copy, to another."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from pinset.errors import EXIT_ANSWER_IS_NO
from pinset_cli import complete, output
from pinset_cli import options as o
from pinset_cli.locate import Options, opened

if TYPE_CHECKING:
    from collections.abc import Mapping


_AT_THE_END: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z(?=\)$)")
"""The time in what a registry calls a release that it was asked for as of then."""


def diff(
    sides: Annotated[list[str], typer.Argument(metavar="REF REF|SELECTOR|./DIR", autocompletion=complete.references)],
    style: Annotated[str, typer.Option("--format", metavar="FORMAT", help="text, json, markdown or html.")] = "text",
    at: o.At = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 1 where anything changes.")] = False,
    fail_on: o.FailOn = None,
    registry: o.Registry = None,
    as_json: o.Json = False,
) -> None:
    """What changes between two releases, or to a working copy.

    Two versions of a shared component are compared likewise: pinset diff guardrails/pii-redact@v2 v3.

    With --at and one release: what changed between then and now. With two: both as of then.
    --fail-on breaking is for CI: exit 1 where the verdict is breaking; --fail-on behaviour, where it is that or worse.

    Example: pinset diff support-summarizer@production staging
    """
    from pinset.domain import diff as compared
    from pinset.domain.references import is_working_copy
    from pinset.errors import InvalidInput

    if style not in ("text", "json", "markdown", "html"):
        raise InvalidInput(f"there is no format {style}", hint="one of text, json, markdown, html")
    worst = o.impact(fail_on)
    alone = at is not None and len(sides) == 1
    if len(sides) not in (2, 3) and not alone:
        hint = f"write pinset diff {sides[0]} staging, or … ./DIR; or what changed since then: --at 3d"
        raise InvalidInput("diff needs two sides", hint=hint)
    if alone and is_working_copy(sides[0]):
        raise InvalidInput("what a directory was then, no registry knows", hint="name a release: NAME@production")
    old, new = (sides[0], sides[0]) if alone else (o.reference(sides[:-1], components=True), sides[-1])
    if "@" not in new and not is_working_copy(new) and not alone:
        new = f"{old.partition('@')[0]}@{new}"
    then = o.fixed(at) if at is not None else None
    with opened(Options(registry)) as found:
        answer = found.diff(_side(old), _side(new), old_at=then, new_at=None if alone else then)
    comparison = compared.from_json(answer)
    was, now = (_called(side, answer[end]) for side, end in ((old, "from"), (new, "to")))
    if as_json or style == "json":
        output.show_json({**answer, "from": was, "to": now})
    elif style == "markdown":
        output.say(compared.as_markdown(comparison, old=was, new=now).rstrip("\n"))
    elif style == "html":
        output.say(compared.as_html(comparison, old=was, new=now).rstrip("\n"))
    else:
        shown = compared.as_text(comparison, old=was, new=now, width=output.width(), colour=output.coloured())
        output.say(shown.rstrip("\n"))
    if (exit_code and comparison.changes) or (worst is not None and comparison.reaches(worst)):
        raise typer.Exit(EXIT_ANSWER_IS_NO)


def _side(side: str) -> str | Mapping[str, str]:
    """One side of a comparison: a reference, or the files of a working copy."""
    from pinset.domain.references import is_component, is_working_copy, parse
    from pinset_cli.workcopy import read_bundle

    if is_working_copy(side):
        return read_bundle(Path(side).expanduser())
    if not is_component(side):
        parse(side, default=None)
    return side


def _called(side: str, name: str) -> str:
    """What to call a side: a working copy as its user wrote it, a release as the registry says."""
    from pinset.domain.references import is_working_copy

    if is_working_copy(side):
        return f"{side} (working copy)"
    return _AT_THE_END.sub(lambda time: output.utc(time[0]), name)  # to the second, as everywhere
