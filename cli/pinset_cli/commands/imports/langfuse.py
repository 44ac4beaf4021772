"""import langfuse: every prompt of a Langfuse project."""

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

    from pinset.importing.sources.langfuse import LangfuseFile, LangfuseSource

_KEYS = ("LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY")


def command(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE", help="JSON or JSON lines of what Langfuse answers for each version; - for stdin."
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option("--from", metavar="URL", help="The server; without FILE and this: LANGFUSE_HOST."),
    ] = None,
    public_key: Annotated[
        str | None, typer.Option("--public-key", metavar="KEY", help="Without: LANGFUSE_PUBLIC_KEY.")
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
    """Every version of every prompt, with its number, and its labels as aliases.

    The secret key is taken from LANGFUSE_SECRET_KEY alone: what is typed others can read. What is here already is not
    taken in again. Exits 5 where something is refused.

    Example: pinset import langfuse --from https://cloud.langfuse.com --dry-run
    """
    i.take(
        lambda: _file(file, url) if file is not None else _server(url, public_key),
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
def _server(url: str | None, public_key: str | None) -> Iterator[LangfuseSource]:
    """The project of the keys. Raises InvalidInput where one is missing."""
    from pinset.errors import InvalidInput
    from pinset.importing.http import Remote
    from pinset.importing.sources.langfuse import LangfuseSource

    url = url or os.environ.get("LANGFUSE_HOST") or os.environ.get("LANGFUSE_BASE_URL", "")
    i.check_place(None, url)
    public, secret = public_key or os.environ.get(_KEYS[0], ""), os.environ.get(_KEYS[1], "")
    if not public or not secret:
        missing = [name for name, one in zip(_KEYS, (public, secret), strict=True) if not one]
        raise InvalidInput(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set",
            hint=f"export {' '.join(f'{name}=…' for name in missing)}: Langfuse shows both under Settings, API Keys",
        )
    remote = Remote("Langfuse", url, auth=(public, secret), variables=_KEYS[1])
    try:
        yield LangfuseSource(remote)
    finally:
        remote.close()


@contextmanager
def _file(file: Path, url: str | None) -> Iterator[LangfuseFile]:
    """A file of versions. Raises NotFound, PermissionDenied, InvalidInput."""
    from pinset.importing.sources.langfuse import LangfuseFile

    i.check_place(file, url)
    with i.stream_of(file, "what Langfuse answers") as (stream, name):
        yield LangfuseFile(stream, name)
