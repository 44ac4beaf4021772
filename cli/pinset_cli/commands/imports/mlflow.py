"""import mlflow: prompts of MLflow's registry."""

from __future__ import annotations

import os
from contextlib import closing, contextmanager
from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

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
        typer.Argument(metavar="[FILE]", help="What pinset export --to mlflow wrote, or MLflow's own objects in JSON."),
    ] = None,
    server: Annotated[
        str | None, typer.Option("--from", metavar="URL", help="An MLflow server, as MLFLOW_TRACKING_URI names it.")
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
    """Prompts of MLflow's registry: every version with its number, message and time, and what its aliases serve.

    The credential is MLflow's own: MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD. What is
    here already is not taken in again. Exits 5 where something is refused.

    Example: pinset import mlflow --from http://mlflow.example.com:5000 --dry-run
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
    from pinset.importing.sources.mlflow import MlflowSource

    token, user = os.environ.get("MLFLOW_TRACKING_TOKEN"), os.environ.get("MLFLOW_TRACKING_USERNAME")
    given: dict[str, Any] = {}
    used = "MLFLOW_TRACKING_USERNAME and its password" if user else "MLFLOW_TRACKING_TOKEN"
    if user:
        given = {"auth": (user, os.environ.get("MLFLOW_TRACKING_PASSWORD", ""))}
    elif token:
        given = {"headers": {"Authorization": f"Bearer {token}"}}
    with closing(Remote("MLflow", server, variables=used, **given)) as remote:
        yield MlflowSource(remote)


@contextmanager
def _filed(file: Path | None) -> Iterator[Source]:
    """Raises NotFound, PermissionDenied, InvalidInput."""
    from pinset.importing.payloads import read_text
    from pinset.importing.sources.mlflow import MlflowFile

    if file is None:
        raise AssertionError("one place is given")
    yield MlflowFile(read_text(file), file.name)
