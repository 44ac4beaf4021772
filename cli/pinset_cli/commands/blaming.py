"""blame: what brought each line of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from pinset_cli import complete, output
from pinset_cli import options as o
from pinset_cli.locate import Options, opened

if TYPE_CHECKING:
    from pinset.domain.answers.blame import BlameAnswer, BlameOrigin

_PEOPLE: Final = 16
"""Columns for who wrote a line."""


def blame(
    target: Annotated[
        list[str],
        typer.Argument(metavar="REF PATH", help="A release, and a file of it.", autocompletion=complete.references),
    ],
    at: o.At = None,
    registry: o.Registry = None,
    as_json: o.Json = False,
    utc: o.Utc = False,
) -> None:
    """What brought each line of a file, when, and who.

    By an alias: among what it served. By a version: among the releases before it.

    Example: pinset blame support-summarizer@production prompts/main.md
    """
    from pinset.errors import InvalidInput

    if len(target) < 2:
        hint = f"pinset blame {target[0]} prompts/main.md; its files: pinset get {target[0]} --json"
        raise InvalidInput("blame needs a release and the path of a file", hint=hint)
    reference, path = o.reference(target[:-1]), target[-1]
    with opened(Options(registry)) as found:
        answer = o.looking(found, at).blame(reference, path)
    if as_json:
        output.show_json(answer)
        return
    _lines(answer, utc=utc)
    _origins(answer, utc=utc)
    if not answer["complete"]:
        output.talk("older than what was looked at, lines are said to be of the oldest release that was")
    if answer["coarse"]:
        output.talk(
            "it is too long to compare in order everywhere: lines that say the same may be taken for each other"
        )


def _lines(answer: BlameAnswer, *, utc: bool) -> None:
    """Every line behind its release, when it came, and who wrote it; ``+`` where it was away in between."""
    rows = []
    for line in answer["lines"]:
        origin = answer["origins"][line["origin"]]
        sign = "+" if line["since"] != line["origin"] else ""
        when = output.when(_came(origin), absolute=utc)
        who = output.cut(_who(origin), _PEOPLE)
        rows.append((f"v{origin['version']}{sign}", when, who, str(line["number"]), line["text"]))
    output.code(rows, ("FROM", "WHEN", "BY", "#", answer["path"]))


def _origins(answer: BlameAnswer, *, utc: bool) -> None:
    """What is behind the lines, once each: who published it and why, and who made the alias serve it and why."""
    back = {(line["origin"], line["since"]) for line in answer["lines"] if line["origin"] != line["since"]}
    for number, origin in enumerate(answer["origins"]):
        output.say()
        label = f" ({origin['label']})" if origin["label"] else ""
        published = f"published {output.when(origin['published_at'], absolute=utc)} by {_publisher(origin)}"
        output.wrapped(f"v{origin['version']}{label} {published}" + _because(origin["message"]))
        move = origin["move"]
        if move is not None:
            person = f" ({move['person']})" if move["person"] != move["by"] else ""
            when = output.when(move["at"], absolute=utc)
            told = f"move {move['seq']}, {move['action']} {when} by {move['by']}{person}" + _because(move["reason"])
            output.wrapped(f"  {answer['bundle']}@{answer['alias']}: {told}")
        for first in sorted(first for first, since in back if since == number):
            output.say(f"  + gave lines of v{answer['origins'][first]['version']} back")


def _came(origin: BlameOrigin) -> str:
    return origin["move"]["at"] if origin["move"] else origin["published_at"]


def _who(origin: BlameOrigin) -> str:
    """Who wrote it: who published it, and where that was a machine those it published for, or whose it is."""
    from pinset.domain.provenance import is_machine, people

    source = origin["source"] if isinstance(origin["source"], dict) else {}
    behind = source.get("authors") or ([source["by"]] if "by" in source else [])
    if not is_machine(origin["by"], source):
        return origin["by"]
    return people(behind) if behind else origin["person"]


def _publisher(origin: BlameOrigin) -> str:
    from pinset.domain.provenance import told_by

    person = f" ({origin['person']})" if origin["person"] != origin["by"] else ""
    return told_by(origin["by"], origin["source"]) + person


def _because(words: str) -> str:
    return f": {words}" if words else ""
