"""search: names, and what prompts and every other text say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pinset_cli import options as o
from pinset_cli import output
from pinset_cli.locate import Options, opened

if TYPE_CHECKING:
    from pinset.domain.answers.searching import SearchItem


def search(
    words: Annotated[list[str], typer.Argument(metavar="WORDS", help="All of them; '\"in a row\"' in quotes.")],
    cursor: o.Cursor = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=50, help="At most so many.")] = 20,
    registry: o.Registry = None,
    as_json: o.Json = False,
) -> None:
    """Names, and what prompts and every other text say.

    Names come first, then the newest text of each place, and older ones that an alias serves.

    Example: pinset search refund policy
    """
    with opened(Options(registry)) as found:
        answer = found.search(" ".join(words), cursor=cursor, limit=limit)
    if as_json:
        output.show_json(answer)
        return
    for item in answer["items"]:
        _show(item)
    if not answer["items"]:
        output.advise("nothing says so: search for fewer words, or for the beginning of the last one")
    if answer["next"] is not None:
        output.talk(f"there is more: --cursor {answer['next']}")


def _show(item: SearchItem) -> None:
    """Where it is and what serves it; below it what stands there."""
    where = item["ref"] or item["name"]
    if item["path"] is not None:
        where += f" {item['path']}:{item['line']}"
    notes = [item["what"]] if item["what"] != "text" else []
    notes += [", ".join(item["aliases"])] if item["aliases"] else []
    notes += [f"{item['earlier']} earlier"] if item["earlier"] else []
    output.wrapped(where + (f"  ({'; '.join(notes)})" if notes else ""))
    if item["ref"] is not None:
        output.say("    " + output.cut("".join(piece["text"] for piece in item["pieces"]).strip(), output.width() - 4))
