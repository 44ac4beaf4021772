"""What people see: tables that fit the terminal, times they can read, nothing that plays tricks on it.

What is hidden and how wide a character is, `pinset.domain.diff.show` says. It is imported where a text is not plain
ASCII, since its package is slow to import.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shlex
import shutil
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from pinset.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TextIO

_NOT_PLAIN: Final = re.compile(r"[^\t\n\x20-\x7e]")
_WIDEST: Final = 160
_COMMAND: Final = re.compile(
    r"\bpinset (?:(?:component|alias|token|policy|can|evidence|request|audit|keys(?! create| rotate)) [a-z]+|"
    r"(?:check|publish|pull|promote|rollback|get|render|list|status|releases|review|show|history|diff|blame|where-used|yank"
    r"|unyank|purge|sign|keys(?! create| rotate)|watch|whoami|audit(?! head| verify)|verify|export"
    r"|(?P<near>keys create|keys rotate|serve|reindex|repair|gc|backup)))\b"
    r"(?! (?:--help|--registry))"
)
"""The commands in a sentence that take ``--registry``; near: that take a directory only."""
_TAILS: Final = ("WHAT", "FOR")
"""Columns of which the end says the most: names begin alike."""
_SPACE_HINTS: Final = {
    errno.ENOSPC: "free space on the disk",
    errno.EDQUOT: "free space, or raise the quota",
    errno.EFBIG: "raise the limit on file sizes: ulimit -f",
}
_given: Final[dict[str, str | None]] = {}
_done: Final[list[str]] = []


def safe(text: object, *, indent: int = 4) -> str:
    """Text from the registry as a terminal may have it.

    Characters that steer or hide are shown as code points, and every line but the first is indented, so that no
    author's words look like a line of ours.
    """
    return _plain(str(text)).replace("\n", "\n" + " " * indent)


def on_one_line(text: object) -> str:
    """Text as `safe` gives it, with its line breaks as code points: for names and places."""
    return _plain(str(text)).replace("\n", "\\u{000A}")


def count(number: int, what: str) -> str:
    """``1 release``, ``2 releases``."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def on_terminal() -> bool:
    """Whether stdout is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def way_to_write(error: OSError) -> str:
    """The hint for files that could not be written."""
    return _SPACE_HINTS.get(error.errno or 0, "check its permissions")


def width() -> int:
    """Columns to fill: the terminal's, at most 160; 80 where there is none."""
    return min(shutil.get_terminal_size((80, 24)).columns, _WIDEST) if on_terminal() else 80


def coloured() -> bool:
    """Whether colour is wanted: on a terminal, unless NO_COLOR is set."""
    return on_terminal() and not os.environ.get("NO_COLOR")


def as_json(value: Any) -> str:
    """A value as JSON that a terminal may have: what steers or hides is escaped, and means the same."""
    return _NOT_PLAIN.sub(_escaped, json.dumps(value, ensure_ascii=False, indent=2))


def on_one_json_line(value: Any) -> str:
    """A value as `as_json` gives it, on one line."""
    return _NOT_PLAIN.sub(_escaped, json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def show_line(text: str) -> None:
    """A line of data on stdout, now: more may come much later."""
    say(text)
    flush()


def flush() -> None:
    """Raises Unavailable where stdout cannot be written, and BrokenPipeError where its reader has left."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise unwritable(error) from error


def show_json(value: Any) -> None:
    """One JSON object on stdout."""
    say(as_json(value))


def show_text(text: str) -> None:
    """A text of the registry on stdout: as it is for a program, safe for a terminal."""
    _write(_plain(text) if on_terminal() else text)


def remember(registry: str | None) -> None:
    """A command begins. registry: what ``--registry`` said, so that the commands we suggest go to the same place."""
    _given["registry"] = registry
    _done.clear()


def done(what: str, *, written: object = True) -> None:
    """Keep that something was done, for who cannot read the answer. written: the operation, None where nothing was."""
    if written:
        _done.append(what)


def unwritable(error: OSError) -> Unavailable:
    """The error for output that could not be written; it says what was done all the same."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    also = f"; it was done all the same: {', '.join(_done)}" if _done else ""
    way = _SPACE_HINTS.get(error.errno or 0, "give it a stdout that can be written")
    hint = f"{way}; what is done needs no second run" if _done else way
    return Unavailable(f"the output cannot be written: {reason}{also}", hint=hint, details={"done": list(_done)})


def advice(text: str) -> str:
    """A hint whose commands keep the ``--registry`` that was given, but for an address where a directory is wanted."""
    registry = _given.get("registry")
    if not registry:
        return text
    where, far = f" --registry {shlex.quote(registry)}", "://" in registry
    return _COMMAND.sub(lambda match: match[0] if far and match["near"] else match[0] + where, text)


def advise(text: str) -> None:
    """A line of talk that suggests commands."""
    talk(safe(advice(text)))


def unchanged(*, dry_run: bool) -> None:
    """The last word of a dry run."""
    if dry_run:
        talk("(dry run: nothing was changed)")


def say(text: str = "") -> None:
    """A line of data on stdout."""
    _write(text + "\n")


def talk(text: str) -> None:
    """A line of talk on stderr. Where nobody can hear it the command goes on."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        let_go(sys.stderr)


def let_go(stream: TextIO | None) -> None:
    """Nothing more is written there, not even on the way out."""
    try:
        if stream is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except (OSError, ValueError):
        return


def table(rows: Sequence[Sequence[object]], head: Sequence[str], *, fold: bool = False) -> None:
    """A table on stdout. The last column gives way where it does not fit, then the widest; WHEN is never cut.

    fold: what does not fit into the last column stands below its row instead, whole if three lines hold it.
    """
    cells = [[_cell("-" if cell is None else cell) for cell in row] for row in rows]
    widths = [max(_columns(line[at]) for line in [list(head), *cells]) for at in range(len(head))]
    room = width() - sum(widths[:-1]) - 2 * (len(head) - 1)
    yielding = [at for at, title in enumerate(head[:-1]) if title != "WHEN"]
    least = _columns(head[-1]) if fold else 8
    while room < least and max((widths[at] for at in yielding), default=0) > 8:
        widest = max(yielding, key=lambda at: widths[at])
        widths[widest] -= 1
        room += 1
    room = max(room, least) if len(head) > 1 else width()
    for number, line in enumerate([list(head), *cells]):
        first = [
            _padded(_cut(cell, size, tail=title in _TAILS), size)
            for title, cell, size in zip(head[:-1], line[:-1], widths[:-1], strict=True)
        ]
        below = _folded(line[-1]) if fold and number and _columns(line[-1]) > room else []
        say("  ".join([*first, "" if below else _cut(line[-1], room)]).rstrip())
        for part in below:
            say(f"    {part}")


def code(rows: Sequence[Sequence[str]], head: Sequence[str]) -> None:
    """A table whose last column holds lines of a text: their indentation stays, and they are cut where they do not fit."""
    cells = [[*(_cell(cell) for cell in row[:-1]), _plain(row[-1].replace("\t", "    "))] for row in rows]
    widths = [max(_columns(line[at]) for line in [list(head), *cells]) for at in range(len(head) - 1)]
    room = max(width() - sum(widths) - 2 * len(widths), 20)
    for line in [list(head), *cells]:
        first = [_padded(cell, size) for cell, size in zip(line[:-1], widths, strict=True)]
        say("  ".join([*first, _cut(line[-1], room)]).rstrip())


def wrapped(text: object, *, indent: int = 4) -> None:
    """A sentence on stdout over as many lines as it needs, all but the first indented."""
    from pinset.domain.diff.wrap import Piece, wrap

    for number, line in enumerate(wrap([Piece(_cell(text))], width() - indent, first=width())):
        say((" " * indent if number else "") + "".join(piece.text for piece in line).rstrip())


def cut(text: str, columns: int) -> str:
    """Text on one line, with … for what does not fit."""
    return _cut(_cell(text), columns)


def listed(
    rows: Sequence[Sequence[object]], head: Sequence[str], following: str | None, empty: str, *, fold: bool = False
) -> None:
    """A page of a list, and how to see the rest. empty: the sentence for a list without items. fold: as `table`."""
    if rows:
        table(rows, head, fold=fold)
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


def serves(version: int | None, *, yanked: bool) -> str:
    """What an alias serves, as a cell of a table."""
    if not version:
        return "(retired)"
    return f"v{version} YANKED" if yanked else f"v{version}"


def both(moment: str) -> str:
    """A time as people say it, and exactly."""
    return f"{ago(moment)} ({utc(moment)})"


def show_findings(findings: Sequence[Mapping[str, Any]], allowed: Sequence[str] = ()) -> None:
    """Findings on stderr, each with its place and its way out. allowed: codes that need none."""
    for finding in findings:
        place = ":".join(on_one_line(part) for part in (finding["file"], finding["line"]) if part)
        head = f"{place}: " if place else ""
        waived = finding["code"] in allowed
        weight = "allowed" if waived else finding["severity"]
        talk(head + safe(f"{weight}: {finding['message']} [{finding['code']}]"))
        if finding["hint"] and not waived:
            advise(f"    {finding['hint']}")


def gate(one: Mapping[str, Any], *, indent: int = 0) -> str:
    """A gate: what is wanted and what was found. On a terminal that is too narrow for it, on several lines."""
    rule = f"rule {one['rule']}" if one["rule"] else "the policy's own rule"
    what = f"{'passed' if one['passed'] else 'OPEN'}: {one['name']} ({rule}): wants {one['wants']}; {one['found']}"
    when = f"; passes at {utc(one['at'])}" if one["at"] else ""
    text, before = on_one_line(what + when), " " * indent
    if not on_terminal() or _columns(text) + indent <= width():
        return before + text
    from textwrap import wrap

    lines = wrap(text, width(), initial_indent=before, subsequent_indent=f"{before}    ", break_on_hyphens=False)
    return "\n".join(lines)


def show_gates(gates: Sequence[Mapping[str, Any]]) -> None:
    """Gates on stderr, one after the other."""
    for one in gates:
        talk(gate(one))


def _write(text: str) -> None:
    """Raises Unavailable where stdout cannot be written, and BrokenPipeError where its reader has left."""
    if sys.stdout is None:
        raise unwritable(OSError(errno.EBADF, os.strerror(errno.EBADF)))
    try:
        sys.stdout.write(text)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise unwritable(error) from error


def _plain(text: str) -> str:
    """Hidden characters as code points. A backslash stays: our messages hold code points that are shown so already."""
    return _NOT_PLAIN.sub(_visible, text)


def _visible(match: re.Match[str]) -> str:
    from pinset.domain.diff import show

    return show.visible(match[0])


def _cell(value: object) -> str:
    return " ".join(_plain(str(value)).replace("\t", "\n").split("\n"))


def _columns(text: str) -> int:
    if text.isascii():
        return len(text)
    from pinset.domain.diff import show

    return show.width(text)


def _padded(text: str, columns: int) -> str:
    return text + " " * (columns - _columns(text))


def _cut(text: str, columns: int, *, tail: bool = False) -> str:
    """Text with … for what does not fit. tail: its end stays, and what is left of its beginning."""
    if _columns(text) <= columns:
        return text
    if tail and text.isascii():
        kept = columns * 2 // 3
        return f"{text[: columns - kept - 1]}…{text[len(text) - kept :]}"
    from pinset.domain.diff import show

    return show.cut(text, columns)


def _folded(text: str) -> list[str]:
    """Text on at most three lines, for below a row."""
    if not text.isascii():
        return [_cut(text, width() - 4)]
    from textwrap import wrap

    return wrap(text, width() - 4, max_lines=3, placeholder=" …", break_on_hyphens=False)


def _escaped(match: re.Match[str]) -> str:
    """A hidden character as JSON escapes it: one or two UTF-16 units. Any other as it is."""
    if _visible(match) == match[0]:
        return match[0]
    units = match[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
