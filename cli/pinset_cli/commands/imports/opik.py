"""import opik: prompts of an Opik workspace."""

from __future__ import annotations

import os
from contextlib import closing, contextmanager
from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from pinset_cli import importing as i
from pinset_cli import options as o
from pinset_cli.locate import Options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.domain.exchange.incoming import Source


def command(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A file that opik export wrote, or the directory of them.")
    ] = None,
    server: Annotated[
        str | None, typer.Option("--from", metavar="URL", help="An Opik server, as OPIK_URL_OVERRIDE names it.")
    ] = None,
    into: i.Into = None,
    only: i.Only = None,
    allow: o.Allow = None,
    message: o.Message = "",
    no_aliases: i.NoAliases = False,
    report: i.ReportFile = None,
    registry: o.Registry = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """Prompts of an Opik workspace: every version with its number, message, time and author, and environments as aliases.

    The credential is Opik's own, OPIK_API_KEY and OPIK_WORKSPACE. What is here already is not taken in again. Exits 5
    where something is refused.

    Example: pinset import opik --from https://www.comet.com/opik/api --dry-run
    """
    i.check_place(file, server)
    i.take(
        lambda: _served(server) if server is not None else _filed(file),
        i.Chosen(
            options=Options(registry, as_json, dry_run),
            into=into or (),
            only=only or (),
            allow=allow or (),
            message=message,
            aliases=not no_aliases,
            report=report,
        ),
    )


@contextmanager
def _served(server: str) -> Iterator[Source]:
    from pinset.importing.http import Remote
    from pinset.importing.sources.opik import OpikSource

    key = os.environ.get("OPIK_API_KEY")
    headers = {"Comet-Workspace": os.environ.get("OPIK_WORKSPACE") or "default"}
    headers |= {"Authorization": key} if key else {}
    with closing(Remote("Opik", server, headers=headers, variables="OPIK_API_KEY")) as remote:
        yield OpikSource(remote)


@contextmanager
def _filed(file: Path | None) -> Iterator[Source]:
    """Raises NotFound, PermissionDenied, InvalidInput."""
    from pinset.errors import NotFound
    from pinset.importing.payloads import read_json
    from pinset.importing.sources.opik import OpikFile

    if file is None:
        raise AssertionError("one place is given")
    files = sorted(file.rglob("prompt_*.json")) if file.is_dir() else [file]
    if not files:
        raise NotFound(f"{file} holds no prompt_….json", hint="name the directory that opik export wrote")
    yield OpikFile([(read_json(one), one.name) for one in files])
