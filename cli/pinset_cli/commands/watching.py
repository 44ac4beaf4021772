"""watch: what happens, as it happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from pinset_cli import complete, output
from pinset_cli import options as o
from pinset_cli.locate import Options, opened

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pinset.domain.answers.events import EventAnswer
    from pinset.ports.registry import Registry


def watch(
    target: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME[@ALIAS]]", help="Only this.", autocompletion=complete.moves),
    ] = None,
    after: Annotated[
        int | None, typer.Option("--after", metavar="SERIAL", min=0, help="Begin after this write, not now.")
    ] = None,
    wait: Annotated[
        float | None,
        typer.Option("--wait", metavar="SECONDS", min=0, max=3600, help="End after so long without an event."),
    ] = None,
    registry: o.Registry = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print each event as JSON, one a line.")] = False,
) -> None:
    """What happens in the registry, as it happens.

    A line for each event, until interrupted; with an alias only its moves. The first thing in a line is the event's serial, for --after.

    Example: pinset watch support-summarizer@production
    """
    name, _, alias = o.reference(target).partition("@") if target else ("", "", "")
    chosen: dict[str, Any] = {"bundles": [name] if name else [], "aliases": [alias] if alias else []}
    with opened(Options(registry)) as found:
        _doubt(found, name, alias)
        lost = False
        for event in found.events(after=after, wait=wait, **chosen):
            if event["event"] in ("ready", "lost"):
                lost = _talk(event, lost=lost)
            elif as_json:
                output.show_line(output.on_one_json_line(event))
            else:
                output.show_line(_line(event))


def _doubt(registry: Registry, name: str, alias: str) -> None:
    """Say that nothing has this name yet: it may come, or be a slip."""
    from pinset.errors import NotFound

    try:
        if alias:
            registry.alias(name, alias)
        elif name:
            registry.bundle(name)
    except NotFound as error:
        output.talk(output.safe(f"warning: {error.message} yet"))
        output.advise(f"    {error.hint}")


def _talk(event: EventAnswer, *, lost: bool) -> bool:
    """Say how the connection is; whether it is lost."""
    data: Any = event["data"]
    if event["event"] == "lost":
        output.talk(output.safe(f"the connection is lost after {event['serial']}: {data['reason']}; trying again"))
        return True
    if lost:
        output.talk(f"the connection is back, and goes on after {event['serial']}")
    else:
        output.talk(f"watching from serial {event['serial']} on (ctrl-c stops it)")
    return False


def _line(event: EventAnswer) -> str:
    """An event for people."""
    data: Any = event["data"]
    if event["event"] == "reset":
        return f"{event['serial']}  reset: events may have been missed, look again (pinset list)"
    said, why = _TEXTS[event["event"]](data)
    line = f"{event['serial']}  {output.utc(data['at'])}  {said} by {output.on_one_line(data['actor'])}"
    return f"{line}: {output.on_one_line(why)}" if why else line


def _move(data: Mapping[str, Any]) -> tuple[str, str]:
    ends = " -> ".join("nothing" if version is None else f"v{version}" for version in (data["from"], data["to"]))
    return (
        f"{data['bundle']}@{data['alias']}  {ends}  {data['action']}{' (GLASS BROKEN)' if data.get('glass') else ''}",
        data["reason"],
    )


def _release(data: Mapping[str, Any]) -> tuple[str, str]:
    label = f" ({output.on_one_line(data['label'])})" if data["label"] else ""
    return f"{data['bundle']}@v{data['version']}{label}  published", data["message"]


def _yank(data: Mapping[str, Any]) -> tuple[str, str]:
    done = "yank taken back" if data["yanked"] is None else "yanked"
    return f"{data['bundle']}@v{data['version']}  {done}", data["yanked"] or ""


def _purge(data: Mapping[str, Any]) -> tuple[str, str]:
    more = f" and {len(data['purged']) - _SHOWN} more" if len(data["purged"]) > _SHOWN else ""
    return f"{', '.join(data['purged'][:_SHOWN])}{more}  purged", data["reason"]


_SHOWN: Final = 10


def _result(data: Mapping[str, Any]) -> tuple[str, str]:
    verdict = {True: "  passed", False: "  FAILED", None: ""}[data["passed"]]
    score = f" {data['score']}" if data["score"] is not None else ""
    return f"{data['bundle']}@v{data['version']}  {data['suite']}{score}{verdict}", ""


def _request(data: Mapping[str, Any]) -> tuple[str, str]:
    ends = " -> ".join("nothing" if version is None else f"v{version}" for version in (data["from"], data["to"]))
    what = f"{data['bundle']}@{data['alias']}  {ends}" if data["bundle"] else "policy"
    return f"{what}  request {data['number']}", data["reason"]


def _decision(data: Mapping[str, Any]) -> tuple[str, str]:
    what = f"{data['bundle']}@{data['alias']}" if data["bundle"] else "policy"
    return f"{what}  {data['decision']} request {data['number']}", data["reason"]


def _bundle(data: Mapping[str, Any]) -> tuple[str, str]:
    done = {"set": "described", "archive": "archived", "unarchive": "taken into use again", "rename": "renamed"}
    name = data["name"] if data["action"] == "rename" else data["bundle"]
    return f"{name}  {done.get(data['action'], data['action'])}", data["reason"]


_TEXTS: Final[Mapping[str, Callable[[Mapping[str, Any]], tuple[str, str]]]] = {
    "move": _move,
    "release": _release,
    "yank": _yank,
    "purge": _purge,
    "result": _result,
    "request": _request,
    "decision": _decision,
    "bundle": _bundle,
}
