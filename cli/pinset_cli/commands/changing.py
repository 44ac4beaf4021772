"""change: what was done over many bundles under one name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pinset_cli import changed, output
from pinset_cli import options as o
from pinset_cli.locate import Options, opened

if TYPE_CHECKING:
    from pinset.domain.answers.changes import ChangedBundle

change = typer.Typer(help="What was done over many bundles under one name.", no_args_is_help=True)


@change.command("list")
def change_list(
    cursor: o.Cursor = None,
    limit: o.Limit = 100,
    registry: o.Registry = None,
    as_json: o.Json = False,
    utc: o.Utc = False,
) -> None:
    """Changes, the one with the newest write first.

    Example: pinset change list
    """
    with opened(Options(registry)) as found:
        page = found.changesets.list(cursor=cursor, limit=limit)
    if as_json:
        output.show_json(page)
        return
    rows = [
        (c["change"], c["bundles"], c["commits"], output.when(c["changed_at"], absolute=utc)) for c in page["items"]
    ]
    empty = "no changes yet; a write belongs to one with --change ID: pinset publish --change ID"
    output.listed(rows, ("CHANGE", "BUNDLES", "WRITES", "WHEN"), page["next"], empty)


@change.command("show")
def change_show(
    name: Annotated[str, typer.Argument(metavar="ID")],
    registry: o.Registry = None,
    as_json: o.Json = False,
) -> None:
    """What was published and moved under a change, and what serves now.

    Example: pinset change show bump-house-tone-v4-3f9a2c
    """
    with opened(Options(registry)) as found:
        answer = changed.whole(found, name)
    if as_json:
        output.show_json(answer)
        return
    output.say(f"{answer['change']}: {output.count(answer['bundles'], 'bundle')}, {output.both(answer['changed_at'])}")
    for component in answer["components"]:
        output.say(f"{component} was published")
    rows = [row for item in answer["items"] for row in _rows(item)]
    if rows:
        output.table(rows, ("BUNDLE", "PUBLISHED", "MOVED", "SERVES NOW"))
    standing = sum(move["stands"] for item in answer["items"] for move in item["moves"])
    if standing:
        output.talk("to take it back where it still serves:")
        output.advise(f"    pinset rollback --change {answer['change']}")


def _rows(item: ChangedBundle) -> list[tuple[str, str, str, str]]:
    """The lines of a bundle: one for each alias that was moved, else one."""
    published = ", ".join(
        f"v{one['version']}" + (f" from {one['made_from'].partition('@')[2]}" if one["made_from"] else "")
        for one in item["releases"]
    )
    published += "".join(f" request {number}" for number in item["requests"])
    last = {move["alias"]: move for move in item["moves"]}
    found = []
    for alias in sorted(last):
        moves = [move for move in item["moves"] if move["alias"] == alias]
        path = " -> ".join(f"v{version}" if version else "nothing" for version in
                           [moves[0]["from"], *(move["to"] for move in moves)])  # fmt: skip
        now = last[alias]
        serves = f"v{now['serves']}" if now["serves"] else "nothing"
        found.append(
            (item["bundle"], published, f"{alias}: {path}", serves + ("" if now["stands"] else " (moved since)"))
        )
    return found or [(item["bundle"], published, "", "")]
