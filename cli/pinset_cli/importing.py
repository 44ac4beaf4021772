"""What every `import SOURCE` has in common: its options, how it runs, and what it says."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from pinset_cli import output
from pinset_cli.locate import Options, caller, opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from typing import BinaryIO

    from pinset.domain.exchange.incoming import Source
    from pinset.errors import PinsetError
    from pinset.importing.report import Report, Said

_SHOWN: Final = 20
"""Items that a person is shown; a program is told more, and a report all of them."""
_LINE: Final = 1024 * 1024
"""Bytes of a line that a report may begin with."""
_KINDS: Final = {"lost": "not carried", "alias": "alias"}

Into = Annotated[
    list[str] | None,
    typer.Option(
        "--into",
        metavar="NAME",
        help="What it is called here: a name for all of it, team. to begin every name with, or THERE=HERE for one.",
    ),
]
Only = Annotated[
    list[str] | None, typer.Option("--only", metavar="GLOB", help="Only names there that fit, such as 'team/*'.")
]
ReportFile = Annotated[
    Path | None, typer.Option("--report", metavar="FILE", help="All there is to say, a JSON object a line.")
]
NoAliases = Annotated[bool, typer.Option("--no-aliases", help="Move no alias to what serves there.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What the options said."""

    options: Options
    into: Sequence[str] = ()
    only: Sequence[str] = ()
    allow: Sequence[str] = ()
    message: str = ""
    aliases: bool = True
    report: Path | None = None


def take(source: Callable[[], AbstractContextManager[Source]], chosen: Chosen) -> None:
    """Take in a source, and say what came of it; exits 5 where something is refused. source: opens it."""
    from pinset.importing.engine import Engine, Wanted
    from pinset_cli.progress import progress

    wanted = Wanted(
        into=tuple(chosen.into),
        only=tuple(chosen.only),
        allow=tuple(chosen.allow),
        message=chosen.message,
        aliases=chosen.aliases,
    )
    options = chosen.options
    with opened(options) as registry, _kept(chosen.report) as keep, source() as given:
        engine = Engine(registry, caller(options), given, wanted, keep=keep, progress=progress())
        try:
            report = engine.run()
        except (Exception, KeyboardInterrupt):
            _cut_off(engine.report)
            raise
    if not options.dry_run and report.versions["created"]:
        output.done(f"{output.count(report.versions['created'], 'version')} published")
    if options.as_json:
        output.show_json({**report.as_json(), "report": str(chosen.report) if chosen.report else None})
    else:
        _say(report, chosen)
    output.unchanged(dry_run=options.dry_run)
    if report.status:
        raise typer.Exit(report.status)


def check_place(file: Path | None, server: str | None) -> None:
    """Raises InvalidInput where neither is named, or both."""
    from pinset.errors import InvalidInput

    if file is None and not server:
        raise InvalidInput("nothing says where to import from", hint="name the server, --from URL, or a FILE")
    if file is not None and server is not None:
        raise InvalidInput("a file and a server are named", hint="leave one of them out")


@contextmanager
def stream_of(file: Path, what: str) -> Iterator[tuple[BinaryIO, str]]:
    """The bytes of a file, or of stdin for ``-``, and what messages call it. what: such a file is of.

    Raises NotFound, PermissionDenied.
    """
    from pinset.importing.payloads import opened as opened_file

    if file == Path("-"):
        yield sys.stdin.buffer, "what comes in"
        return
    with opened_file(file, what) as stream:
        yield stream, str(file)


@contextmanager
def _kept(file: Path | None) -> Iterator[Callable[[Mapping[str, Any]], None] | None]:
    """What keeps every item in a file. Raises AlreadyExists for a file that is no report, ReadOnly."""
    from pinset.errors import AlreadyExists

    if file is None:
        yield None
        return
    try:
        if not _is_report(file):
            raise AlreadyExists(f"{file} exists, and is no report", hint="name another file: --report FILE")
        # Names of files need be no UTF-8: what of them cannot be written is told as a program would write it.
        lines = file.open("w", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise _unwritable(file, error) from error

    def keep(item: Mapping[str, Any]) -> None:
        try:
            print(json.dumps(item, ensure_ascii=False), file=lines, flush=True)
        except OSError as error:
            raise _unwritable(file, error) from error

    try:
        yield keep
    finally:
        with suppress(OSError):  # every item was written as it came, or that it was not is told
            lines.close()


def _unwritable(file: Path, error: OSError) -> PinsetError:
    from pinset.errors import ReadOnly

    return ReadOnly(f"{file} cannot be written: {error.strerror}", hint=output.way_to_write(error))


def _is_report(file: Path) -> bool:
    """Whether a file may be replaced by a report: it is one, empty, or none that has content."""
    if not file.is_file():
        return True
    with file.open("rb") as there:
        line = there.readline(_LINE)
    if not line:
        return True
    try:
        first = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(first, dict) and {"kind", "name", "why"} <= first.keys()


def _cut_off(report: Report) -> None:
    """The last word of an import that did not come to its end."""
    done = report.versions["created"]
    if done and not report.dry_run:
        output.talk(f"{output.count(done, 'version')} came in; the same command goes on from there")


def _say(report: Report, chosen: Chosen) -> None:
    counts, aliases = report.versions, report.aliases
    would = "would be " if report.dry_run else ""
    told = [
        f"{counts['created']:,} {would}created",
        f"{counts['already']:,} there already",
        *(f"{counts[one]:,} {word}" for one, word in _WORDS.items() if counts[one]),
    ]
    output.say(f"{output.count(report.names, 'name')} of {report.system}: {', '.join(told)}")
    moved = [f"{aliases[one]:,} {word}" for one, word in _MOVES.items() if aliases[one]]
    if moved:
        output.say(f"aliases: {', '.join(moved)}")
    if report.lost:
        output.say(f"not carried: {output.count(report.lost, 'thing')}")
    shown = list(report.said.values())[:_SHOWN]
    for one in shown:
        if output.on_terminal():
            output.wrapped(f"  {_sentence(one)}")
        else:
            output.say(output.on_one_line(f"  {_sentence(one)}"))
    more = report.told - sum(one.times for one in shown)
    if more:
        where = f"see {chosen.report}" if chosen.report else "to have all of them: --report FILE"
        output.talk(output.safe(f"and {more:,} more; {where}"))
    hints = dict.fromkeys(item["hint"] for item in report.items if item.get("hint"))
    for hint in list(hints)[:3]:
        output.advise(f"hint: {hint}")
    if not any((counts["created"], report.told, aliases["promote"])):
        output.talk("nothing to do: all of it is here")


def _sentence(said: Said) -> str:
    """What is said of a name, or of many: ``warning: the model … (of 120: Movie Critic, support and others)``."""
    item = said.item
    kind, what = (
        _KINDS.get(item["kind"], item["kind"]),
        " ".join(str(item[key]) for key in ("what", "alias") if key in item),
    )
    if said.times == 1:
        return f"{kind}: {item['name']}{' ' + what if what else ''}: {item['why']}"
    names = ", ".join(said.names) + (" and others" if said.more else "")
    return f"{kind}, {said.times:,} times: {what + ': ' if what else ''}{item['why']} ({names})"


_WORDS: Final = {"refused": "refused", "conflict": "in conflict", "left": "left out"}
_MOVES: Final = {
    "promote": "moved",
    "none": "as there",
    "request": "waiting for approvals",
    "left": "left as they are here",
    "refused": "refused",
}
