"""export: releases in a form that others read."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import Annotated

import typer

from pinset_cli import complete
from pinset_cli import options as o
from pinset_cli.exporting import FORMATS, Asked
from pinset_cli.locate import Options

_ALL = ("tar",)
"""Formats that hold a registry whole."""


def export(
    targets: Annotated[
        list[str] | None,
        typer.Argument(metavar="REF…", help="Each without a selector: production.", autocompletion=complete.references),
    ] = None,
    to: Annotated[
        str,
        typer.Option("--to", metavar="FORMAT", help=f"{', '.join(FORMATS)}.", autocompletion=lambda: list(FORMATS)),
    ] = "snapshot",
    everything: Annotated[
        bool, typer.Option("--all", help="Every bundle, with all that is shared (--to tar).")
    ] = False,
    file: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Or a directory. A snapshot or tar is replaced whole, nothing else is.",
        ),
    ] = None,
    registry: o.Registry = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """Releases in a form that others read.

    A snapshot is for Client(snapshot=FILE), which serves it while the registry is away. A tar has every version of bundles,
    for pinset import tar. The other formats have a file for each prompt, in the directory that -o names, and tell what
    they could not carry.

    Example: pinset export support-summarizer support-summarizer@staging -o snapshot.json
    """
    from pinset.errors import InvalidInput

    if to not in FORMATS:
        raise InvalidInput(f"there is no format {to}", hint=f"--to takes one of {', '.join(FORMATS)}")
    if everything and to not in _ALL:
        raise InvalidInput(f"--all is for --to {' and '.join(_ALL)}", hint="name the releases: pinset list")
    if everything == bool(targets):
        what = "--all has all of it, and releases are named too" if everything else "nothing is named to export"
        raise InvalidInput(what, hint=f"name what to export, or --all: pinset export NAME --to {to}")
    chosen = Options(registry, as_json, dry_run)
    asked = Asked(targets=list(dict.fromkeys(targets or ())), everything=everything, file=file, options=chosen)
    import_module(f"pinset_cli.commands.exports.{to}").export(asked)
