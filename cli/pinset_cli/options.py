"""The options that many commands share, defined once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Final

import typer

from pinset.domain.names import HIGHEST_VERSION
from pinset_cli import complete

if TYPE_CHECKING:
    from pinset.domain.diff import Impact
    from pinset.ports.past import Readings
    from pinset.ports.registry import Registry as Opened

_LONGEST: Final = 30 * 86400


def _seconds(text: str) -> float:
    """Seconds of a span as users write it."""
    from pinset.domain import times

    span = times.span(str(text), bare="s", whole=False)
    if span is None or span > _LONGEST * times.SECOND:
        raise typer.BadParameter(f"{str(text)!r} is no time from 0 to 30d, such as 90, 90s, 15m or 1h")
    return span / times.SECOND


Registry = Annotated[
    str | None,
    typer.Option("--registry", "-r", metavar="DIR|URL", help="Registry directory or address (PINSET_REGISTRY)."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen, change nothing.")]
Message = Annotated[str, typer.Option("-m", "--message", metavar="TEXT", help="Why; kept in the history.")]
BreakGlass = Annotated[
    bool, typer.Option("--break-glass", help="Past the policy's gates, for whom it names (needs -m TEXT).")
]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until every client that runs holds it.")]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        metavar="TIME",
        parser=_seconds,
        help="How long to wait: 90s, 15m, 1h. Else 60s, or as long as the request is open.",
    ),
]
Change = Annotated[
    str | None,
    typer.Option("--change", metavar="ID", help="What this belongs to, with other writes: pinset change show ID."),
]
Label = Annotated[str | None, typer.Option("--label", metavar="L", help="The author's fixed name, such as 2025-03-14.")]
Allow = Annotated[
    list[str] | None, typer.Option("--allow", metavar="CODE", help="Override a judgement (needs -m TEXT).")
]
Number = Annotated[
    int | None,
    typer.Option(
        "--number", metavar="N", min=1, max=HIGHEST_VERSION, help="The version's number, upward (for imports)."
    ),
]
Cursor = Annotated[str | None, typer.Option("--cursor", metavar="CURSOR", help="Go on where a list ended.")]
Limit = Annotated[int, typer.Option("--limit", metavar="N", min=1, max=500, help="At most so many.")]
Utc = Annotated[bool, typer.Option("--utc", help="Exact times, as rollback --at takes them.")]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help="As of then: 2025-03-14T09:30:00Z, 2025-03-14 (UTC), or 2h, 3d ago."),
]
FailOn = Annotated[
    str | None,
    typer.Option("--fail-on", metavar="IMPACT", help="Exit 1 where it is that bad: breaking, behaviour, cosmetic."),
]
Refs = Annotated[
    list[str],
    typer.Argument(metavar="REF", help="NAME@SELECTOR or NAME SELECTOR.", autocompletion=complete.references),
]
Bundle = Annotated[str, typer.Argument(metavar="NAME", autocompletion=complete.bundles)]


def reference(parts: list[str], *, components: bool = False) -> str:
    """``NAME@SELECTOR``, also of the two words ``NAME SELECTOR``. Raises InvalidReference.

    components: whether the name may be that of a shared component.
    """
    from pinset.domain.references import is_component
    from pinset.errors import InvalidReference

    if is_component(parts[0]) and not components:
        raise InvalidReference(
            f"{parts[0]} is a component, and this needs a release",
            hint=f"pinset component show {parts[0]}; pinset where-used {parts[0]}",
        )
    if len(parts) == 1:
        return parts[0]
    if len(parts) > 2 or "@" in parts[0]:
        one = parts[0] if "@" in parts[0] else f"{parts[0]}@{parts[1]}"
        raise InvalidReference(f"this needs one reference, not {len(parts)} words", hint=f"write {one}")
    return "@".join(parts)


def promotion(target: list[str], verb: str) -> tuple[str, str]:
    """A release and the alias that is to serve it. Raises InvalidInput."""
    from pinset.errors import InvalidInput

    words = target if "@" in target[0] else ["@".join(target[:2]), *target[2:]]
    if len(target) < 2 or len(words) > 2:
        release = words[0] if "@" in words[0] else f"{words[0]}@latest"
        place = words[1] if len(words) > 1 else "production"
        raise InvalidInput(f"{verb} needs one release and one alias", hint=f"pinset {verb} {release} {place}")
    return reference(target[:-1]), target[-1]


def bundle_and_alias(parts: list[str]) -> tuple[str, str]:
    """A bundle and an alias, of ``NAME@ALIAS`` or ``NAME ALIAS``. Raises InvalidReference."""
    from pinset.errors import InvalidReference

    bundle, _, alias = reference(parts).partition("@")
    if not alias:
        raise InvalidReference("this needs a bundle and an alias", hint=f"write {bundle}@production")
    return bundle, alias


def impact(named: str | None) -> Impact | None:
    """The impact of ``--fail-on``. Raises InvalidInput for a word that is none."""
    from pinset.domain.diff import Impact
    from pinset.errors import InvalidInput

    if named is None:
        return None
    if named not in list(Impact):
        known = ", ".join(one.value for one in Impact)
        raise InvalidInput(f"there is no impact {named}", hint=f"--fail-on takes one of {known}")
    return Impact(named)


def fixed(at: str) -> str:
    """A time that means the same in every request of one command. Raises InvalidInput."""
    from pinset.domain import times

    return times.fixed(at, now=time.time_ns() // 1000)


def looking(registry: Opened, at: str | None) -> Readings:
    """The registry, as it was at a time where ``--at`` gave one. Raises InvalidInput."""
    return registry if at is None else registry.past(fixed(at))
