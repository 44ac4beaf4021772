"""What people see: tables that fit the terminal, times they can read, nothing that plays tricks on it."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TRICKS: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)
_WIDEST: Final = 160
_COMMAND: Final = re.compile(
    r"\bpinset (?:(?:component|alias|token) [a-z]+|"
    r"(?:serve|check|publish|pull|promote|rollback|get|render|list|status|releases|show|history|diff|where-used|yank"
    r"|unyank|verify|reindex|gc|backup))\b(?! (?:--help|--registry))"
)
"""The commands in a sentence that take ``--registry``."""
_given: Final[dict[str, str | None]] = {}


def safe(text: object) -> str:
    """Text from the registry as a terminal may have it: characters that steer or hide are shown as code points."""
    return _TRICKS.sub(lambda match: f"\\u{{{ord(match[0]):04X}}}", str(text))


def width() -> int:
    """Columns to fill: the terminal's, at most 160; 80 where there is none."""
    return min(shutil.get_terminal_size((80, 24)).columns, _WIDEST) if sys.stdout.isatty() else 80


def coloured() -> bool:
    """Whether colour is wanted: on a terminal, unless NO_COLOR is set."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def as_json(value: Any) -> str:
    """A value as JSON that a terminal may have: what steers or hides is escaped, and means the same."""
    return _TRICKS.sub(_escaped, json.dumps(value, ensure_ascii=False, indent=2))


def show_json(value: Any) -> None:
    """One JSON object on stdout."""
    say(as_json(value))


def show_text(text: str) -> None:
    """A text of the registry on stdout: as it is for a program, safe for a terminal."""
    sys.stdout.write("\n".join(safe(line) for line in text.split("\n")) if sys.stdout.isatty() else text)


def remember(registry: str | None) -> None:
    """What ``--registry`` said, so that the commands we suggest go to the same place."""
    _given["registry"] = registry


def advice(text: str) -> str:
    """A hint whose commands keep the ``--registry`` that was given."""
    registry = _given.get("registry")
    if not registry:
        return text
    where = f" --registry {shlex.quote(registry)}"
    return _COMMAND.sub(lambda match: match[0] + where, text)


def advise(text: str) -> None:
    """A line of talk that suggests commands."""
    talk(safe(advice(text)))


def unchanged(*, dry_run: bool) -> None:
    """The last word of a dry run."""
    if dry_run:
        talk("(dry run: nothing was changed)")


def say(text: str = "") -> None:
    """A line of data on stdout."""
    sys.stdout.write(text + "\n")


def talk(text: str) -> None:
    """A line of talk on stderr."""
    sys.stderr.write(text + "\n")


def table(rows: Sequence[Sequence[object]], head: Sequence[str]) -> None:
    """A table on stdout. The last column gives way where it does not fit, then the widest; WHEN is never cut."""
    cells = [[safe(cell if cell is not None else "-").replace("\n", " ") for cell in row] for row in rows]
    widths = [max(len(line[at]) for line in [list(head), *cells]) for at in range(len(head))]
    room = width() - sum(widths[:-1]) - 2 * (len(head) - 1)
    yielding = [at for at, title in enumerate(head[:-1]) if title != "WHEN"]
    while room < 8 and max((widths[at] for at in yielding), default=0) > 8:
        widest = max(yielding, key=lambda at: widths[at])
        widths[widest] -= 1
        room += 1
    for line in [list(head), *cells]:
        first = "  ".join(_cut(cell, size).ljust(size) for cell, size in zip(line[:-1], widths[:-1], strict=True))
        say(f"{first}  {_cut(line[-1], max(room, 8))}".rstrip() if len(line) > 1 else _cut(line[-1], width()))


def listed(rows: Sequence[Sequence[object]], head: Sequence[str], following: str | None, empty: str) -> None:
    """A page of a list, and how to see the rest. empty: the sentence for a list without items."""
    if rows:
        table(rows, head)
    else:
        advise(empty)
    if following:
        talk(safe(f"there are more: --cursor {following}"))


def ago(moment: str) -> str:
    """An ISO time as people say it."""
    seconds = (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()
    for size, unit in ((86400 * 365, "y"), (86400 * 30, "mo"), (86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return "just now" if seconds < 5 else f"{int(seconds)} s ago"


def utc(moment: str) -> str:
    """An ISO time to the second, UTC. Rounded up, so that ``rollback --at`` finds what this time is said of."""
    at = datetime.fromisoformat(moment).astimezone(UTC)
    if at.microsecond:
        at = at.replace(microsecond=0) + timedelta(seconds=1)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def when(moment: str, *, absolute: bool) -> str:
    """A time for a table's column WHEN."""
    return utc(moment) if absolute else ago(moment)


def both(moment: str) -> str:
    """A time as people say it, and exactly."""
    return f"{ago(moment)} ({utc(moment)})"


def show_findings(findings: Sequence[Mapping[str, Any]]) -> None:
    """Findings on stderr, each with its place and its way out."""
    for finding in findings:
        place = ":".join(str(part) for part in (finding["file"], finding["line"]) if part)
        head = f"{place}: " if place else ""
        talk(safe(f"{head}{finding['severity']}: {finding['message']} [{finding['code']}]"))
        if finding["hint"]:
            advise(f"    {finding['hint']}")


def _cut(text: str, size: int) -> str:
    return text if len(text) <= size else text[: max(size - 1, 0)] + "…"


def _escaped(match: re.Match[str]) -> str:
    """A character as JSON escapes it: one or two UTF-16 units."""
    units = match[0].encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
