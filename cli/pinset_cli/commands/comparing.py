"""diff: what changes from one release, or working copy, to another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pinset.errors import EXIT_ANSWER_IS_NO
from pinset_cli import complete, output
from pinset_cli import options as o
from pinset_cli.locate import Options, opened

if TYPE_CHECKING:
    from pinset.domain.diff import Comparison, Files, Impact, Shared
    from pinset.ports.past import Readings
    from pinset.ports.registry import Registry


def diff(
    sides: Annotated[list[str], typer.Argument(metavar="REF REF|SELECTOR|./DIR", autocompletion=complete.references)],
    style: Annotated[str, typer.Option("--format", metavar="FORMAT", help="text, json, markdown or html.")] = "text",
    at: o.At = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 1 where anything changes.")] = False,
    fail_on: Annotated[
        str | None,
        typer.Option("--fail-on", metavar="IMPACT", help="Exit 1 where it is that bad: breaking, behaviour, cosmetic."),
    ] = None,
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
    from pinset.domain.references import is_component, is_working_copy
    from pinset.errors import InvalidInput

    if style not in ("text", "json", "markdown", "html"):
        raise InvalidInput(f"there is no format {style}", hint="one of text, json, markdown, html")
    worst = _impact(fail_on)
    alone = at is not None and len(sides) == 1
    if len(sides) not in (2, 3) and not alone:
        hint = f"write pinset diff {sides[0]} staging, or … ./DIR; or what changed since then: --at 3d"
        raise InvalidInput("diff needs two sides", hint=hint)
    if alone and is_working_copy(sides[0]):
        raise InvalidInput("what a directory was then, no registry knows", hint="name a release: NAME@production")
    old, new = (sides[0], sides[0]) if alone else (o.reference(sides[:-1], components=True), sides[-1])
    if "@" not in new and not is_working_copy(new) and not alone:
        new = f"{old.partition('@')[0]}@{new}"
    of_components = is_component(old) or is_component(new)
    if of_components and at is not None:
        raise InvalidInput("a version of a component is the same at any time", hint="name two versions, without --at")
    with opened(Options(registry)) as found:
        if of_components:
            answer = found.diff(old, new)
            comparison, was, now = compared.from_json(answer), answer["from"], answer["to"]
        else:
            comparison, was, now = _releases(found, o.looking(found, at), (old, new), alone=alone)
    if as_json or style == "json":
        output.show_json(compared.as_json(comparison, old=was, new=now))
    elif style == "markdown":
        output.say(compared.as_markdown(comparison, old=was, new=now).rstrip("\n"))
    elif style == "html":
        output.say(compared.as_html(comparison, old=was, new=now).rstrip("\n"))
    else:
        shown = compared.as_text(comparison, old=was, new=now, width=output.width(), colour=output.coloured())
        output.say(shown.rstrip("\n"))
    if (exit_code and comparison.changes) or (worst is not None and comparison.reaches(worst)):
        raise typer.Exit(EXIT_ANSWER_IS_NO)


def _releases(found: Registry, then: Readings, sides: tuple[str, str], *, alone: bool) -> tuple[Comparison, str, str]:
    """What changes between two releases or working copies, and what the two are called. alone: the new side is now."""
    from pinset.bootstrap import cost_change
    from pinset.domain.diff import compare

    was, before, old_files = _side(found, then, sides[0])
    now, after, new_files = _side(found, found if alone else then, sides[1])
    shared = _shared(found, before, after, {was.partition("@")[0], now.partition("@")[0]})
    spent = cost_change(before, after)
    return compare(before, after, shared=shared, costs=spent, files=(old_files, new_files)), was, now


def _impact(named: str | None) -> Impact | None:
    """The impact of --fail-on. Raises InvalidInput for a word that is none."""
    from pinset.domain.diff import Impact
    from pinset.errors import InvalidInput

    if named is None:
        return None
    if named not in list(Impact):
        known = ", ".join(impact.value for impact in Impact)
        raise InvalidInput(f"there is no impact {named}", hint=f"--fail-on takes one of {known}")
    return Impact(named)


def _shared(found: Registry, before: dict[str, Any], after: dict[str, Any], own: set[str]) -> list[Shared]:
    """The shared components that moved on, with the other bundles that serve them, as far as the caller may know."""
    from pinset.domain.diff import moved_components, with_users
    from pinset.domain.diff.sharing import COMPONENTS, LOOKED_AT

    moved = moved_components(before, after)
    users = {s.key: found.bundles(uses=s.key, limit=LOOKED_AT)["items"] for s in moved[:COMPONENTS]}
    return [with_users(s, (bundle["name"] for bundle in users.get(s.key, ())), own) for s in moved]


def _side(found: Registry, looking: Readings, side: str) -> tuple[str, dict[str, Any], Files]:
    """One side of a comparison: what to call it, its content and its files. looking: where a reference is looked up."""
    from pinset.domain.diff import Files
    from pinset.domain.document import content_of
    from pinset.domain.findings import refuse
    from pinset.domain.references import is_working_copy, parse
    from pinset.domain.sealed import Sealed
    from pinset_cli.workcopy import read_bundle

    if is_working_copy(side):
        texts = read_bundle(Path(side).expanduser())
        checked = found.check(texts)
        if checked["content"] is None:
            output.show_findings(checked["findings"])
            refuse(checked["findings"])
        aside = frozenset(one["file"] or "" for one in checked["findings"] if one["code"] == "file-unused")
        return f"{side} (working copy)", checked["content"] or {}, Files(texts, aside)
    parse(side, default=None)
    document = looking.sealed(side)
    form = Sealed(document["manifest"], document["files"])
    alias = document["alias"]
    named = [alias["name"] if alias else document["label"]]
    named += [f"at {output.utc(document['at'])}"] if "at" in document and not parse(side, default=None).fixed else []
    note = " ".join(part for part in named if part)
    return document["ref"] + (f" ({note})" if note else ""), content_of(form), Files.of(form)
