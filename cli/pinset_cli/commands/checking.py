"""check: whether bundle directories may be published, without publishing them."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pinset.errors import PinsetError
from pinset_cli import options as o
from pinset_cli import output
from pinset_cli.locate import Options, opened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinset.domain.answers import CheckAnswer


def check(
    directories: Annotated[list[Path] | None, typer.Argument(help="Bundle directories; default: .")] = None,
    label: o.Label = None,
    allow: Annotated[
        list[str] | None, typer.Option("--allow", metavar="CODE", help="As publish is to allow it.")
    ] = None,
    files: Annotated[
        bool, typer.Option("--files", help="Files are given: check the bundle directories that hold them, if any.")
    ] = False,
    registry: o.Registry = None,
    as_json: o.Json = False,
) -> None:
    """Validate bundle directories without publishing them.

    Of several each is checked, whatever the others are.

    Example: pinset check ./support-summarizer
    """
    from pinset.domain.findings import check_allowed
    from pinset_cli.workcopy import holding, read_bundle

    allowed = allow or []
    check_allowed(allowed, "only looked at")
    chosen = holding(directories or []) if files else list(dict.fromkeys(directories or [Path()]))
    if not chosen:
        output.show_json({"items": [], "next": None}) if as_json else output.talk("no bundle holds any of these files")
        return
    read = [(directory, read_bundle(directory)) for directory in chosen]
    with opened(Options(registry, as_json)) as found:
        answers = [(directory, found.check(texts, label=label)) for directory, texts in read]
    if as_json:
        items = [{"directory": str(directory), **answer} for directory, answer in answers]
        output.show_json(answers[0][1] if len(items) == 1 and not files else {"items": items, "next": None})
    refused = [error for one in answers if (error := _refused(*one, allowed))]
    if len(answers) == 1 and refused:
        raise refused[0]
    for directory, answer in answers if not as_json else ():
        _say(directory, answer, allowed, alone=len(answers) == 1)
    if refused:
        number = f"{len(refused)} of {len(answers)} bundles cannot be published"
        raise type(refused[0])(number, hint="fix what is said of each above and try again")


def _refused(directory: Path, answer: CheckAnswer, allowed: Sequence[str]) -> PinsetError | None:
    """Why a bundle may not be published; None where it may."""
    from pinset.domain.findings import JUDGEMENTS, refuse
    from pinset.errors import ChecksFailed

    try:
        refuse(answer["findings"], allowed)
    except ChecksFailed as error:
        codes = sorted(JUDGEMENTS.intersection(f["code"] for f in answer["findings"]).union(allowed))
        options = " ".join(f"--allow {code}" for code in codes)
        command = f"pinset check {shlex.quote(str(directory))} {options}"
        hint = f"{error.hint}; what is right as it is: {command}, and publish it so with -m TEXT"
        return ChecksFailed(error.message, hint=hint if codes else error.hint, details=error.details)
    except PinsetError as error:
        return error
    return None


def _say(directory: Path, answer: CheckAnswer, allowed: Sequence[str], *, alone: bool) -> None:
    """What was found in a directory, below its name where there are several, and whether it is fit."""
    error = _refused(directory, answer, allowed)
    if not alone and answer["findings"]:
        output.talk(output.safe(f"{directory}:"))
    output.show_findings(answer["findings"], allowed)
    if error is not None:
        output.talk(output.safe(f"error: {directory}: {error.message}"))
        output.advise(f"hint: {error.hint}")
        return
    # A digest is of what may be published as it is.
    more = f"{answer['digest'][:19]}…" if answer["digest"] else f"allowed: {', '.join(allowed)}"
    output.say(f"{answer['bundle']} is fit to publish ({more})")
