"""audit, audit head, audit verify: who did what, and the proof that nobody changed it since."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from pinset.errors import EXIT_ANSWER_IS_NO
from pinset_cli import complete, output
from pinset_cli import options as o
from pinset_cli.locate import Options, opened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pinset.domain.answers.audit import AuditItem
    from pinset.ports.audit import AuditFilter
    from pinset.ports.registry import Registry

_PAGE: Final = 500
_SHOWN: Final = 100
_LONGEST: Final = 64 * 1024
"""Bytes of a file that is to hold one line."""

_WIDE: Final = 110
"""Columns from which the person stands beside the actor."""

_MOVES: Final = ("promote", "rollback", "retire", "request", "approve", "reject", "withdraw")
"""Actions that are about a move, or about a request for one."""

audit = typer.Typer()
_Moment = "7d, 12h, 30min, or 2025-03-14T09:30:00Z."


@audit.callback(invoke_without_command=True)
def _log(
    context: typer.Context,
    bundle: Annotated[
        str | None, typer.Option("--bundle", metavar="NAME", autocompletion=complete.bundles, help="Of this bundle.")
    ] = None,
    alias: Annotated[str | None, typer.Option("--alias", metavar="A", help="Of this alias.")] = None,
    actor: Annotated[str | None, typer.Option("--actor", metavar="WHO", help="By this actor.")] = None,
    person: Annotated[str | None, typer.Option("--person", metavar="P", help="By credentials of this person.")] = None,
    action: Annotated[str | None, typer.Option("--action", metavar="ACTION", help="Such as promote.")] = None,
    outcome: Annotated[str | None, typer.Option("--outcome", metavar="done|refused", help="How it ended.")] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="TIME", help=f"From then on: {_Moment}")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Before then.")] = None,
    cursor: o.Cursor = None,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, max=100_000, help="At most so many; default 100.")
    ] = None,
    as_lines: Annotated[
        bool, typer.Option("--jsonl", help="All of it, oldest first, as JSON, an item a line.")
    ] = False,
    after: Annotated[
        str | None, typer.Option("--after", metavar="CURSOR", help="With --jsonl: only what comes after this item.")
    ] = None,
    registry: o.Registry = None,
    as_json: o.Json = False,
    utc: o.Utc = False,
) -> None:
    """Everything done, tried and refused, newest first.

    Example: pinset audit --bundle support-summarizer --outcome refused --since 7d
    """
    if context.invoked_subcommand is not None:
        _refuse_options(context)
        return
    from pinset.errors import InvalidInput
    from pinset.ports.audit import AuditFilter

    if as_lines and (as_json or cursor):
        raise InvalidInput("--jsonl goes without --json and --cursor", hint="it goes on after an item: --after CURSOR")
    if after and not as_lines:
        raise InvalidInput("--after goes with --jsonl", hint="a list goes on with --cursor")
    wanted = AuditFilter(
        bundle=bundle, alias=alias, actor=actor, person=person, action=action, outcome=outcome, since=since, until=until
    )
    with opened(Options(registry)) as found:
        if as_lines:
            for page in _pages(found, wanted, after, limit, oldest_first=True):
                for item in page["items"]:
                    output.say(output.on_one_json_line(item))
                output.flush()
            return
        items: list[AuditItem] = []
        following = cursor
        for page in _pages(found, wanted, cursor, limit or _SHOWN, oldest_first=False):
            items += page["items"]
            following = page["next"]
    if as_json:
        output.show_json({"items": items, "next": following})
        return
    rows = [_row(item, utc=utc) for item in items]
    empty = "nothing in the audit log is like this; all of it: pinset audit"
    output.listed(rows, ("WHEN", "BY", "ACTION", "WHAT", "OUTCOME", "WHY"), following, empty, fold=True)


@audit.command("head")
def head(registry: o.Registry = None, as_json: o.Json = False) -> None:
    """The end of the log as one line: keep it elsewhere.

    Example: pinset audit head
    """
    with opened(Options(registry)) as found:
        answer = found.audit.head()
    output.show_json(answer) if as_json else output.say(answer["line"])


@audit.command("verify")
def verify(
    since_head: Annotated[
        str, typer.Option("--since-head", metavar="LINE|FILE|-", help="What `pinset audit head` printed then.")
    ],
    registry: o.Registry = None,
    as_json: o.Json = False,
) -> None:
    """Prove that a kept head is in the chain, and all that follows.

    Exits 1 where it is not, naming what is different first.

    Example: pinset audit verify --since-head /mnt/elsewhere/pinset-head
    """
    line = _line_of(since_head)
    with opened(Options(registry)) as found:
        answer = found.audit.verify(line)
    if as_json:
        output.show_json(answer)
    elif answer["ok"]:
        output.say(f"holds: {output.safe(answer['says'])}, and {output.count(answer['since'], 'record')} since")
    else:
        output.say(f"DOES NOT HOLD ({answer['verdict']}): {output.safe(answer['says'])}")
        for problem in answer["problems"][:10]:
            output.talk(output.safe(f"{problem['where'].strip()}: {problem['what']}"))
        output.advise("    see all that is wrong: pinset verify; a clone or a backup of before has what is gone")
    if not answer["ok"]:
        raise typer.Exit(EXIT_ANSWER_IS_NO)


def _pages(
    found: Registry, wanted: AuditFilter, cursor: str | None, most: int | None, *, oldest_first: bool
) -> Iterator[Mapping[str, Any]]:
    """Pages until there are enough items, or no more. One may be empty: the log is long, and few are wanted."""
    left = most
    while left is None or left > 0:
        size = _PAGE if left is None else min(left, _PAGE)
        page = found.audit.items(wanted, cursor=cursor, oldest_first=oldest_first, limit=size)
        yield page
        cursor = page["next"]
        if cursor is None:
            return
        left = None if left is None else left - len(page["items"])


def _row(item: AuditItem, *, utc: bool) -> tuple[object, ...]:
    wide = output.width() >= _WIDE and item["person"] != item["actor"]
    who = f"{item['actor']} ({item['person']})" if wide else item["actor"]
    return output.when(item["at"], absolute=utc), who, item["action"], _what(item), item["outcome"], _why(item)


def _what(item: AuditItem) -> str:
    place = "@".join(part for part in (item["bundle"], item["alias"]) if part)
    if item["alias"] and item["action"] in _MOVES:
        wanted = item["to"] is not None or item["serial"] is not None
        if not wanted and item["release"] is None:
            return place
        to = _version(item["to"]) if wanted else (item["release"] or "").rpartition("@")[2]
        return f"{place} {_version(item['from'])} -> {to}"
    return item["release"] or place or item["target"] or _numbered(item)


def _numbered(item: AuditItem) -> str:
    """What has a number or a name of its own, and no bundle."""
    number, name = item["details"].get("number"), item["details"].get("name")
    if item["action"] in ("approve", "reject", "withdraw") and number:
        return f"request {number}"
    if item["action"] == "policy" and number:
        return f"policy {number}"
    change = item["details"].get("change")
    return f"{change} {name}" if change and name else name if isinstance(name, str) else ""


def _why(item: AuditItem) -> str:
    said = item["detail"] if item["code"] == "permission_denied" else item["reason"] or item["detail"]
    parts = [
        f"{item['count']} times" if item["count"] > 1 else "",
        item["code"] if item["code"] not in (None, "refused") else "",
        "GLASS BROKEN" if item["glass"] else "",
        f"request {item['request']}" if item["request"] else "",
        said or "",
    ]
    return ": ".join(part for part in parts if part)


def _version(version: int | None) -> str:
    return "none" if version is None else f"v{version}"


def _line_of(given: str) -> str:
    """The line that was kept: given itself, in a file, or on stdin. Raises InvalidInput, NotFound."""
    from pinset.errors import InvalidInput, NotFound

    if given == "-":
        text = sys.stdin.read(_LONGEST)
    elif " " in given.strip() and not Path(given).exists():
        return given
    else:
        try:
            with Path(given).open(encoding="utf-8") as file:
                text = file.read(_LONGEST)
        except (OSError, UnicodeDecodeError) as error:
            raise NotFound(
                f"the kept head cannot be read from {given}", hint="give the file, or the line itself in quotes"
            ) from error
    if text.lstrip().startswith("{"):
        try:
            text = str(json.loads(text)["line"])
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidInput("what was kept is no head", hint="keep what this prints: pinset audit head") from error
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) != 1:
        raise InvalidInput(
            f"what was kept has {output.count(len(lines), 'line')}, and one is proven at a time",
            hint="give one: tail -n 1 FILE | pinset audit verify --since-head -",
        )
    return lines[0]


def _refuse_options(context: typer.Context) -> None:
    """Raises InvalidInput for an option of the log before ``head`` or ``verify``, which would be ignored."""
    from pinset.errors import InvalidInput

    given = [name for name, value in context.params.items() if value not in (None, False) and name != "registry"]
    if given or context.params.get("registry"):
        raise InvalidInput(
            f"{context.invoked_subcommand} takes no options of the log",
            hint=f"write them after it: pinset audit {context.invoked_subcommand} --help",
        )
