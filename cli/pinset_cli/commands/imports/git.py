"""import git: the history of a path."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from pinset_cli import importing as i
from pinset_cli import options as o
from pinset_cli.locate import Options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.importing.sources.git import GitSource


def command(
    url: Annotated[str, typer.Argument(metavar="URL", help="https://…, ssh://…, or a repository's directory.")],
    path: Annotated[str, typer.Argument(metavar="PATH", help="A bundle's folder, a folder of prompts, or a file.")],
    ref: Annotated[
        str | None,
        typer.Option("--ref", metavar="REF", help="A branch, tag or commit; without it the repository's HEAD."),
    ] = None,
    into: i.Into = None,
    allow: o.Allow = None,
    message: o.Message = "",
    report: i.ReportFile = None,
    registry: o.Registry = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """The history of a path in git: each commit that changed it becomes a release, with its date and its authors.

    Releases are labelled by date and commit. What is here already is not read again, and a commit more is a release more.
    Exits 5 where something is refused.

    Example: pinset import git https://git.example.com/team/prompts support --into support-summarizer
    """
    i.take(
        lambda: _read(url, path, ref),
        i.Chosen(
            options=Options(registry, as_json, dry_run),
            into=into or (),
            allow=allow or (),
            message=message,
            aliases=False,
            report=report,
        ),
    )


@contextmanager
def _read(url: str, path: str, ref: str | None) -> Iterator[GitSource]:
    from pinset.importing import gitting
    from pinset.importing.sources.git import GitSource

    with gitting.opened(url, ref) as repository:
        yield GitSource(repository, path)
