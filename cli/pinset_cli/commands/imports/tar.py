"""import tar: an export of a registry."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pinset_cli import importing as i
from pinset_cli import options as o
from pinset_cli.locate import Options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.importing.sources.tar import TarSource


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What pinset export --to tar wrote; - for stdin.")],
    only: i.Only = None,
    allow: o.Allow = None,
    message: o.Message = "",
    no_aliases: i.NoAliases = False,
    report: i.ReportFile = None,
    registry: o.Registry = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """An export of a registry: every version with its number and its digest, and what its aliases serve.

    What is here already is not taken in again. Exits 5 where something is refused.

    Example: pinset import tar export.tar --dry-run
    """
    i.take(
        lambda: _read(file),
        i.Chosen(
            options=Options(registry, as_json, dry_run),
            only=only or (),
            allow=allow or (),
            message=message,
            aliases=not no_aliases,
            report=report,
        ),
    )


@contextmanager
def _read(file: Path) -> Iterator[TarSource]:
    """The export in a file. Raises NotFound, PermissionDenied."""
    from pinset.errors import NotFound, PermissionDenied
    from pinset.importing.sources.tar import TarSource

    if file == Path("-"):
        yield TarSource(sys.stdin.buffer)
        return
    try:
        stream = file.open("rb")
    except PermissionError as error:
        raise PermissionDenied(f"{file} cannot be read", hint="run as its owner, or let this user read it") from error
    except OSError as error:
        raise NotFound(f"{file} cannot be read: {error.strerror}", hint="name what pinset export wrote") from error
    with stream:
        yield TarSource(stream)
