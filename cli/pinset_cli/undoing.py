"""Taking a change back: every alias that it moved, each by a move of its own."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import typer

from pinset.errors import EXIT_ANSWER_IS_NO, InvalidInput, PinsetError
from pinset_cli import output
from pinset_cli.locate import Options, caller, opened

if TYPE_CHECKING:
    from pinset.domain.answers.changes import UndoneAnswer
    from pinset.ports.registry import Registry

_AT_ONCE: Final = 25
"""Bundles of one call: few enough that it ends in time, whatever the registry has to do meanwhile."""


def undo(change: str, chosen: Options, *, reason: str, yes: bool) -> None:
    """Take a change back, after asking. Exits 1 where an alias is refused, or where the answer is no."""
    if not (yes or chosen.dry_run) and not sys.stdin.isatty():
        raise InvalidInput("there is no terminal to ask on", hint="look first: --dry-run; then say --yes")
    with opened(chosen) as found:
        if not (yes or chosen.dry_run):
            _agree(found, change, chosen, reason)
        items, under = _all(found, change, chosen, reason)
    refused = sum(item["outcome"] == "refused" for item in items)
    back = sum(item["outcome"] == "rolled_back" for item in items)
    if chosen.as_json:
        output.show_json({"change": change, "under": under, "items": items, "next": None})
    else:
        would = "would be " if chosen.dry_run else ""
        output.talk(f"{back} of {len(items)} {'alias' if len(items) == 1 else 'aliases'} {would}rolled back")
        if back and not chosen.dry_run:
            output.advise(f"see it: pinset change show {under}")
        output.unchanged(dry_run=chosen.dry_run)
    if refused:
        raise typer.Exit(EXIT_ANSWER_IS_NO)


def _agree(found: Registry, change: str, chosen: Options, reason: str) -> None:
    """Show what would become of each alias, and ask. Exits where the answer is no."""
    looking = Options(chosen.registry, as_json=chosen.as_json, dry_run=True)
    _all(found, change, looking, reason, show=not chosen.as_json)
    if not typer.confirm("Roll all of these back?", default=False, err=True):
        output.talk("nothing was changed")
        raise typer.Exit(EXIT_ANSWER_IS_NO)


def _all(
    found: Registry, change: str, chosen: Options, reason: str, *, show: bool | None = None
) -> tuple[list[UndoneAnswer], str]:
    items: list[UndoneAnswer] = []
    cursor, under = None, ""
    while True:
        try:
            page: Any = found.changesets.rollback(caller(chosen), change, reason=reason, cursor=cursor, limit=_AT_ONCE)
        except (PinsetError, KeyboardInterrupt):
            if items and not chosen.dry_run:
                output.talk("what is rolled back stays so; asked again the rest is:")
                output.advise(f"    pinset rollback --change {change} --yes")
            raise
        under = page["under"]
        for item in page["items"]:
            items.append(item)
            if item["operation"]:
                output.done(f"{item['bundle']}@{item['alias']} serves {_v(item['to'])} now")
            if show if show is not None else not chosen.as_json:
                _say(item)
        cursor = page["next"]
        if cursor is None:
            return items, under


def _say(item: UndoneAnswer) -> None:
    place = f"{item['bundle']}@{item['alias']}"
    if item["outcome"] == "rolled_back":
        output.say(f"{place}: {_v(item['from'])} -> {_v(item['to'])}")
    else:
        output.say(output.on_one_line(f"{place}: {item['outcome']}: {item['why']}"))
        if item.get("hint"):
            output.advise(f"    {item['hint']}")


def _v(version: int | None) -> str:
    return f"v{version}" if version else "nothing"
