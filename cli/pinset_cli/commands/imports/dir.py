"""import dir: prompts in files."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import Annotated

import typer

from pinset_cli import importing as i
from pinset_cli import options as o
from pinset_cli.locate import Options

_FORMATS = ("auto", "dotprompt", "prompty", "promptfoo", "plain")


def command(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A directory, or one file.")],
    form: Annotated[
        str,
        typer.Option(
            "--format", metavar="FORMAT", help=f"{', '.join(_FORMATS)}.", autocompletion=lambda: list(_FORMATS)
        ),
    ] = "auto",
    into: i.Into = None,
    only: i.Only = None,
    allow: o.Allow = None,
    message: o.Message = "",
    report: i.ReportFile = None,
    registry: o.Registry = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """Prompts in files: each bundle directory, and each file of a known format, becomes a bundle.

    A bundle is called as its path, folders being dots. What is here already is not taken in again; a file that was
    changed is its bundle's next release. Exits 5 where something is refused.

    Example: pinset import dir prompts --format dotprompt --dry-run
    """
    from pinset.errors import InvalidInput
    from pinset.importing.sources.directory import DirectorySource

    if form not in _FORMATS:
        raise InvalidInput(f"there is no format {form}", hint=f"--format takes one of {', '.join(_FORMATS)}")
    i.take(
        lambda: nullcontext(DirectorySource(path, form)),
        i.Chosen(
            options=Options(registry, as_json, dry_run),
            into=into or (),
            only=only or (),
            allow=allow or (),
            message=message,
            aliases=False,
            report=report,
        ),
    )
