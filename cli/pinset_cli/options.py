"""The options that many commands share, defined once."""

from __future__ import annotations

from typing import Annotated

import typer

Registry = Annotated[
    str | None,
    typer.Option("--registry", "-r", metavar="DIR|URL", help="Registry directory or address (PINSET_REGISTRY)."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen, change nothing.")]
Message = Annotated[str, typer.Option("-m", "--message", metavar="TEXT", help="Why; kept in the history.")]
Label = Annotated[str | None, typer.Option("--label", metavar="L", help="The author's fixed name, such as 2025-03-14.")]
Allow = Annotated[list[str] | None, typer.Option("--allow", metavar="CODE", help="Override a judgement (needs -m).")]
Cursor = Annotated[str | None, typer.Option("--cursor", help="Go on where a list ended.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=500, help="At most so many.")]
