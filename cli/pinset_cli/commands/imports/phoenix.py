"""import phoenix: prompts of a Phoenix server."""

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
        Path | None,
        typer.Argument(metavar="[FILE]", help="JSON of prompts with what Phoenix answers for each version."),
    ] = None,
    server: Annotated[str | None, typer.Option("--from", metavar="URL", help="A Phoenix server.")] = None,
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
    """Prompts of a Phoenix server: every version in its order, with its description, and its tags as aliases.

    The credential is Phoenix's own, PHOENIX_API_KEY. What is here already is not taken in again. Exits 5 where something
    is refused.

    Example: pinset import phoenix --from http://localhost:6006 --dry-run
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
    from pinset.importing.sources.phoenix import PhoenixSource

    key = os.environ.get("PHOENIX_API_KEY")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with closing(Remote("Phoenix", server, headers=headers, variables="PHOENIX_API_KEY")) as remote:
        yield PhoenixSource(remote)


@contextmanager
def _filed(file: Path | None) -> Iterator[Source]:
    """Raises NotFound, PermissionDenied, InvalidInput."""
    from pinset.importing.payloads import read_json
    from pinset.importing.sources.phoenix import PhoenixFile

    if file is None:
        raise AssertionError("one place is given")
    yield PhoenixFile(read_json(file), file.name)
