"""review: what a promotion, or the files of a directory, would change, and whether to let it pass."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pinset.errors import EXIT_ANSWER_IS_NO, InvalidInput, NotFound
from pinset_cli import changed, complete, output
from pinset_cli import options as o
from pinset_cli.locate import Options, caller, opened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinset.domain.answers.reviews import ReviewAnswer
    from pinset.domain.diff import Impact
    from pinset.ports.registry import Registry


def review(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME[@SOURCE] [ALIAS] | DIR…",
            help="A promotion, or directories.",
            autocompletion=complete.references,
        ),
    ] = None,
    change: Annotated[
        str | None, typer.Option("--change", metavar="ID", help="Every bundle of a change instead, the worst first.")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--from", metavar="SELECTOR", help="The candidate; default: staging.")
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="ALIAS", help="What is to serve it; default: production.")
    ] = None,
    style: Annotated[str, typer.Option("--format", metavar="FORMAT", help="text, json or markdown.")] = "text",
    fail_on: o.FailOn = None,
    characters: Annotated[
        int,
        typer.Option(
            "--characters", metavar="N", min=2_000, help="At most so many in a comment; GitLab takes 1000000."
        ),
    ] = 65_536,
    registry: o.Registry = None,
    as_json: o.Json = False,
) -> None:
    """What a promotion or a directory would change.

    Of a promotion also what it lacks that the alias has, what stands in front of it, and what to run.

    Of directories --format markdown is one comment for a pull or merge request, at most --characters long.

    Exits 0 whatever is found; with --fail-on 1 where a change is as bad, or a directory cannot be published.

    Example: pinset review support-summarizer
    """
    if style not in ("text", "json", "markdown"):
        raise InvalidInput(f"there is no format {style}", hint="one of text, json, markdown")
    worst = o.impact(fail_on)
    if (change is None) == (not targets) or (change is not None and source is not None):
        hint = "pinset review NAME; or all of a change: pinset review --change ID"
        raise InvalidInput("review takes a promotion, directories, or a change", hint=hint)
    targets = targets or []
    directories = [one for one in targets if _is_directory(one)]
    if directories and len(directories) < len(targets):
        raise InvalidInput("review takes a promotion or directories, not both", hint="write a directory as ./DIR")
    with opened(Options(registry)) as found:
        if change is not None:
            reviews = _of_change(found, change, to or "production", Options(registry))
        elif directories:
            if source is not None:
                raise InvalidInput("a directory is the candidate itself", hint="leave --from out; --to says the alias")
            reviews = _of_directories(found, directories, to or "production")
        else:
            reviews = [("", _of_promotion(found, targets, source, to, Options(registry)))]
    _show(reviews, "json" if as_json else style, characters)
    if worst is not None and any(_is_bad(one, worst, written) for written, one in reviews):
        raise typer.Exit(EXIT_ANSWER_IS_NO)


def _is_directory(text: str) -> bool:
    """Whether a target is a directory: written as one, or a path; a bare word names a bundle."""
    from pinset.domain.references import is_working_copy

    return is_working_copy(text) or ("/" in text and "@" not in text)


def _of_directories(found: Registry, directories: Sequence[str], alias: str) -> list[tuple[str, ReviewAnswer]]:
    from pinset_cli.workcopy import read_bundle

    read = [(one, read_bundle(Path(one).expanduser())) for one in directories]
    return [(one, found.reviews.working_copy(files, alias=alias)) for one, files in read]


def _of_change(found: Registry, change: str, alias: str, chosen: Options) -> list[tuple[str, ReviewAnswer]]:
    """What every bundle would get of what a change published or moved last, the worst first."""
    made: list[tuple[str, ReviewAnswer]] = []
    for bundle, version in changed.candidates(found, change):
        one = found.reviews.promotion(bundle, source=f"v{version}", alias=alias, caller=caller(chosen))
        made.append(("", one))
    if not made:
        raise NotFound(
            f"the change {change} made no release of any bundle", hint=f"see it: pinset change show {change}"
        )
    return sorted(made, key=lambda each: (_weight(each[1]), each[1]["bundle"]))


def _weight(review: ReviewAnswer) -> int:
    """How bad a review's verdict is: 0 for the worst; ``none`` comes last."""
    from pinset.domain.diff import Impact

    return [*Impact, "none"].index(review["diff"]["verdict"])


def _of_promotion(
    found: Registry, targets: Sequence[str], source: str | None, to: str | None, chosen: Options
) -> ReviewAnswer:
    """``NAME``, ``NAME@SOURCE``, ``NAME SOURCE`` with an alias behind it or not; options say the same. Raises InvalidInput."""
    name, at, selector = targets[0].partition("@")
    rest = list(targets[1:])
    if not at and rest:
        selector, rest = rest[0], rest[1:]
    if len(rest) > 1 or (selector and source is not None) or (rest and to is not None):
        hint = f"write pinset review {name}@{selector or 'staging'} {rest[-1] if rest else to or 'production'}"
        raise InvalidInput("review takes one bundle, one candidate and one alias", hint=hint)
    alias = rest[0] if rest else to or "production"
    return found.reviews.promotion(name, source=selector or source or "staging", alias=alias, caller=caller(chosen))


def _show(reviews: Sequence[tuple[str, ReviewAnswer]], style: str, limit: int) -> None:
    if style == "json":
        alone = len(reviews) == 1
        output.show_json(reviews[0][1] if alone else {"items": [one for _, one in reviews], "next": None})
    elif style == "markdown":
        from pinset.domain.review.comment import Reviewed, comment

        output.say(comment([Reviewed(one, written) for written, one in reviews], limit=limit).rstrip("\n"))
    else:
        from pinset_cli import reviewing

        if len(reviews) > 1 and not any(written for written, _ in reviews):
            rows = [(one["bundle"], _step(one), one["diff"]["verdict"]) for _, one in reviews]
            output.table(rows, ("BUNDLE", "WOULD MOVE", "VERDICT"))
            output.say()
        for number, (written, one) in enumerate(reviews):
            if number:
                output.say()
            reviewing.show(one, shlex.quote(written) if written else "")


def _step(review: ReviewAnswer) -> str:
    was, now = (f"v{version}" if version else "nothing" for version in (review["from"], review["to"]))
    return f"{review['alias']}: {was} -> {now}"


def _is_bad(review: ReviewAnswer, worst: Impact, directory: str) -> bool:
    bad = _weight(review) <= list(type(worst)).index(worst)
    return (bad and not review["is_new"]) or (bool(directory) and not review["can"])
