"""import langsmith: every prompt of a LangSmith workspace."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from pinset_cli import importing as i
from pinset_cli import options as o
from pinset_cli.locate import Options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.importing.sources.langsmith import LangSmithFile, LangSmithSource


def command(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="JSON lines of what pull_prompt_commit gives for each; - for stdin."),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option("--from", metavar="URL", help="The server; without FILE and this: LANGSMITH_ENDPOINT."),
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
    """Every commit of every prompt, numbered by age, and its tags as aliases.

    The key is taken from LANGSMITH_API_KEY alone: what is typed others can read. One for several workspaces names its
    own in LANGSMITH_WORKSPACE_ID. What is here already is not taken in again. Exits 5 where something is refused.

    Example: pinset import langsmith --from https://api.smith.langchain.com --dry-run
    """
    i.take(
        lambda: _file(file, url) if file is not None else _server(url),
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
def _server(url: str | None) -> Iterator[LangSmithSource]:
    """The workspace of the key. Raises InvalidInput where it is missing."""
    from pinset.errors import InvalidInput
    from pinset.importing.http import Remote
    from pinset.importing.sources.langsmith import LangSmithSource

    url = url or os.environ.get("LANGSMITH_ENDPOINT") or os.environ.get("LANGCHAIN_ENDPOINT", "")
    i.check_place(None, url)
    key = os.environ.get("LANGSMITH_API_KEY") or os.environ.get("LANGCHAIN_API_KEY")
    if not key:
        raise InvalidInput(
            "LANGSMITH_API_KEY is not set", hint="export it: LangSmith shows it under Settings, API Keys"
        )
    workspace = os.environ.get("LANGSMITH_WORKSPACE_ID")
    headers = {"x-api-key": key, **({"x-tenant-id": workspace} if workspace else {})}
    remote = Remote("LangSmith", url, headers=headers, variables="LANGSMITH_API_KEY")
    try:
        yield LangSmithSource(remote)
    finally:
        remote.close()


@contextmanager
def _file(file: Path, url: str | None) -> Iterator[LangSmithFile]:
    """A file of commits. Raises NotFound, PermissionDenied, InvalidInput."""
    from pinset.importing.sources.langsmith import LangSmithFile

    i.check_place(file, url)
    with i.stream_of(file, "what pull_prompt_commit gives") as (stream, name):
        yield LangSmithFile(stream, name)
