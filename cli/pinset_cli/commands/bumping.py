"""bump: a shared component's new version in every bundle that holds an older one."""

from __future__ import annotations

import secrets
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from pinset.errors import EXIT_ANSWER_IS_NO, PinsetError, Unauthenticated, Unavailable
from pinset_cli import options as o
from pinset_cli import output
from pinset_cli.locate import Options, caller, opened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pinset.domain.answers.changes import BumpAnswer
    from pinset.ports.registry import Caller, Registry

_ENDS: Final = (Unavailable, Unauthenticated)
"""What ends the whole: what comes after would fail as well."""
_SAID: Final = {
    "promoted": "promoted to {alias}",
    "published": "published",
    "requested": "{published}; {alias} waits for approvals (request {request})",
    "refused": "{published}; {alias} not moved",
    "through": "left",
    "current": "done by somebody else",
    "failed": "failed",
}
_FINE: Final = ("promoted", "published", "current")


def bump(
    component: Annotated[str, typer.Argument(metavar="COMPONENT@vN", help="The version that all are to hold.")],
    bundles: Annotated[
        str, typer.Option("--bundles", metavar="PATTERN", help="Only of these, such as 'payments.*'.")
    ] = "*",
    alias: Annotated[
        str | None,
        typer.Option(
            "--alias",
            metavar="A",
            help="Succeed what it serves, and promote the successor. Else the newest release is succeeded.",
        ),
    ] = None,
    allow: o.Allow = None,
    message: o.Message = "",
    change: Annotated[
        str | None, typer.Option("--change", metavar="ID", help="What all of it is called. Else it makes one.")
    ] = None,
    registry: o.Registry = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """Bring a component's new version to all that hold an older one.

    A successor of each is published and promoted, one write a bundle. Where one fails the others go on; asked again it does
    what is left. Where a gate refuses the promotion the release is published all the same.

    Exits 1 where anything is left to do.

    Example: pinset bump prompts/house-tone@v4 --alias staging --dry-run
    """
    named = change or _named(component)
    chosen = Options(registry, as_json, dry_run, named)
    done: list[dict[str, Any]] = []
    with opened(chosen) as found:
        who = caller(chosen)
        try:
            for bundle, held, version in _due(found, component, bundles, alias):
                if not dry_run and not done:
                    output.talk(f"change {named}")
                item = _one(found, who, component, bundle, alias, message, allow or ())
                item.setdefault("from", version)
                item.setdefault("held", held)
                done.append(item)
                output.done(f"{bundle}: {item['outcome']}", written=item.get("operation"))
                if not as_json:
                    _say(item, allow or (), dry_run=dry_run)
        except (PinsetError, KeyboardInterrupt):
            if done and not dry_run:
                output.talk(f"{output.count(len(done), 'bundle')} done; to go on:")
                output.advise(f"    {_again(component, bundles, alias, named)}")
            raise
    counts = Counter(str(item["outcome"]) for item in done)
    if as_json:
        output.show_json(
            {"change": None if dry_run else named, "component": component, "alias": alias, "counts": dict(counts),
             "items": done, "next": None}
        )  # fmt: skip
    else:
        wrote = any(item.get("operation") for item in done)
        _sum_up(counts, component, named if wrote else None, alias, dry_run=dry_run)
    if any(outcome not in _FINE for outcome in counts):
        raise typer.Exit(EXIT_ANSWER_IS_NO)


def _named(component: str) -> str:
    """What a bump is called by itself: ``bump-house-tone-v4-3f9a2c``."""
    from pinset.domain.references import parse_component

    wanted = parse_component(component)
    plain = "".join(c if c.isascii() and c.isalnum() else "-" for c in f"{wanted.name}-{wanted.selector}".lower())
    return f"bump-{plain[:50].strip('-')}-{secrets.token_hex(3)}"


def _due(found: Registry, component: str, bundles: str, alias: str | None) -> Iterator[tuple[str, int, int]]:
    cursor = None
    while True:
        page = found.changesets.holders(component, bundles=bundles, alias=alias, cursor=cursor)
        for item in page["items"]:
            yield item["bundle"], item["held"], item["version"]
        cursor = page["next"]
        if cursor is None:
            return


def _one(
    found: Registry, who: Caller, component: str, bundle: str, alias: str | None, message: str, allow: Sequence[str]
) -> dict[str, Any]:
    """What became of one bundle; its failure is told like anything else, and ends nothing."""
    try:
        answer: BumpAnswer = found.changesets.bump(who, component, bundle, alias=alias, message=message, allow=allow)
    except _ENDS:
        raise
    except PinsetError as error:
        problem = {"code": error.code, "message": error.message, "hint": error.hint}
        findings = error.details.get("findings", [])
        return {"bundle": bundle, "alias": alias, "outcome": "failed", "findings": findings, "problem": problem}
    return {**answer}


def _say(item: dict[str, Any], allowed: Sequence[str], *, dry_run: bool) -> None:
    to = f" -> v{item['to']}" if item.get("to") else ""
    request = (item.get("move") or {}).get("request")
    published = "published" if item.get("created") else "published before"
    what = _SAID[item["outcome"]].format(alias=item["alias"], request=request or "-", published=published)
    verdict = f" ({item['verdict']})" if item.get("verdict") else ""
    would = "would be " if dry_run and item["outcome"] in ("promoted", "published", "requested", "refused") else ""
    output.say(output.on_one_line(f"{item['bundle']}: v{item['from']}{to}, {would}{what}{verdict}"))
    if item["problem"]:
        output.talk(output.safe(f"    {item['problem']['message']}"))
        output.advise(f"    {item['problem']['hint']}")
    for gate in item.get("gates", ()):
        if not gate["passed"] or dry_run:
            output.talk(output.gate(gate, indent=4))
    if item["outcome"] == "failed":
        output.show_findings(item["findings"], allowed)


def _sum_up(counts: Counter[str], component: str, named: str | None, alias: str | None, *, dry_run: bool) -> None:
    if not counts:
        where = f"what {alias} serves" if alias else "the newest release of any bundle"
        output.talk(f"nothing to do: {where} holds no older version of {component}")
        return
    told = ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common())
    output.talk(f"{output.count(counts.total(), 'bundle')}{' as it would be' if dry_run else ''}: {told}")
    output.unchanged(dry_run=dry_run)
    if named is not None:
        output.advise(f"next: pinset review --change {named}; to take it back: pinset rollback --change {named}")


def _again(component: str, bundles: str, alias: str | None, named: str) -> str:
    pattern = f" --bundles '{bundles}'" if bundles != "*" else ""
    return f"pinset bump {component}{pattern}{f' --alias {alias}' if alias else ''} --change {named}"
