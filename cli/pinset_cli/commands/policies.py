"""policy edit, show, check, history, and can promote: what is wanted of a move, and whether it is so."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from pinset.errors import EXIT_ANSWER_IS_NO, PinsetError
from pinset_cli import complete, output
from pinset_cli import options as o
from pinset_cli.locate import Options, caller, opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.domain.answers.policy import PolicyAnswer, WouldAnswer
    from pinset.ports.registry import Registry

policy = typer.Typer(help="Who may make an alias serve what, on what evidence and when.", no_args_is_help=True)
can = typer.Typer(help="Whether something may be done now, without doing it.", no_args_is_help=True)

_FIRST: Final = """\
# The policy of this registry. Every rule that fits an alias binds it, and binds everybody.
format: 1
rules:
  - bundles: "*"
    aliases: production
    after: {alias: staging, for: 1h}
#   evidence: [{suite: groundedness, score: ">= 0.85", within: 14d}]
#   approvals: {count: 1, within: 7d}
#   freeze: [{from: "fri 16:00", to: "mon 08:00", zone: Europe/Berlin}]
#   break_glass: [ana]
# policy: {editors: [ana, ben], approvals: 1}
"""
_Text = Annotated[str | None, typer.Argument(metavar="FILE|-", help="The policy; - reads stdin.", show_default=False)]


@policy.command("edit")
def policy_edit(
    file: _Text = None,
    expect: Annotated[
        int | None, typer.Option("--expect", metavar="N", min=0, help="The number in force; 0 for none.")
    ] = None,
    break_glass: Annotated[
        bool, typer.Option("--break-glass", help="Past the policy's own rule, for whom it names.")
    ] = False,
    message: o.Message = "",
    registry: o.Registry = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """Bring a policy into force. Without FILE, on a terminal, $EDITOR opens with the one there is.

    Example: pinset policy edit policy.yaml -m "production wants two approvals" --expect 3
    """
    chosen = Options(registry, as_json, dry_run)
    with opened(chosen) as found:
        if file is not None:
            text = _read(file)
            with _named(file):
                answer = found.policies.edit(
                    caller(chosen), text, expect=expect, reason=message, break_glass=break_glass
                )
        else:
            answer = _edited(found, chosen, expect, message, break_glass=break_glass)
    _show_edit(answer, chosen)


@policy.command("show")
def policy_show(
    number: Annotated[
        int | None, typer.Option("--number", metavar="N", min=1, help="That one, not the newest.")
    ] = None,
    registry: o.Registry = None,
    as_json: o.Json = False,
) -> None:
    """The policy in force, as it was written.

    Example: pinset policy show --number 2
    """
    with opened(Options(registry)) as found:
        answer = found.policies.show(number)
    if as_json:
        output.show_json(answer)
        return
    if not answer["number"]:
        output.advise('there is no policy yet: pinset policy edit policy.yaml -m "the first"')
        return
    state = "in force" if answer["current"] else "no longer in force"
    by = output.on_one_line(answer["actor"])
    output.talk(f"policy {answer['number']}, {state}, {output.both(answer['at'] or '')} by {by}")
    output.show_text(answer["text"] if answer["text"].endswith("\n") else answer["text"] + "\n")


@policy.command("history")
def policy_history(
    cursor: o.Cursor = None,
    limit: o.Limit = 100,
    registry: o.Registry = None,
    as_json: o.Json = False,
    utc: o.Utc = False,
) -> None:
    """The policies there were, newest first.

    Example: pinset policy history
    """
    with opened(Options(registry)) as found:
        page = found.policies.history(cursor=cursor, limit=limit)
    if as_json:
        output.show_json(page)
        return
    rows = [
        (i["number"], output.when(i["at"], absolute=utc), i["actor"], i["request"],
         f"GLASS BROKEN: {i['reason']}" if i["glass"] else i["reason"])
        for i in page["items"]
    ]  # fmt: skip
    output.listed(
        rows,
        ("NUMBER", "WHEN", "BY", "REQUEST", "REASON"),
        page["next"],
        'there is no policy yet: pinset policy edit policy.yaml -m "the first"',
        fold=True,
    )


@policy.command("check")
def policy_check(file: _Text, registry: o.Registry = None, as_json: o.Json = False) -> None:
    """Try a policy on what the registry serves now, and change nothing.

    Exits 1 where something that is served would be refused.

    Example: pinset policy check policy.yaml
    """
    chosen, named = Options(registry, as_json), file or "-"
    with opened(chosen) as found, _named(named):
        answer = found.policies.check(caller(chosen), _read(named))
    if as_json:
        output.show_json(answer)
    else:
        for one in answer["would"]:
            _show_would(one)
        if not answer["would"]:
            output.say("it protects nothing that is served now")
        for warning in answer["warnings"]:
            output.talk(output.safe(f"warning: {warning}"))
        if answer["more"]:
            output.talk("warning: there are more protected aliases, which were not looked at")
    if not answer["ok"]:
        raise typer.Exit(EXIT_ANSWER_IS_NO)


@can.command("promote")
def can_promote(
    target: Annotated[
        list[str],
        typer.Argument(
            metavar="REF ALIAS", help="A release, and what is to serve it.", autocompletion=complete.promotions
        ),
    ],
    registry: o.Registry = None,
    as_json: o.Json = False,
) -> None:
    """Whether you may make an alias serve a release now: every gate. Exits 0 for yes, 1 for no.

    Example: pinset can promote support-summarizer@staging production
    """
    reference, alias = o.promotion(target, "can promote")
    chosen = Options(registry, as_json)
    with opened(chosen) as found:
        answer = found.policies.can_promote(caller(chosen), reference, alias)
    if as_json:
        output.show_json(answer)
    else:
        place = f"{answer['bundle']}@v{answer['to']} {answer['alias']}"
        for gate in answer["gates"]:
            output.say(output.gate(gate))
        if answer["reason"]:
            output.say(output.safe(f"refused: {answer['reason']}"))
        under = f"under policy {answer['policy']}" if answer["policy"] else "there is no policy"
        same = ", and serves it already" if answer["can"] and answer["from"] == answer["to"] else ""
        output.say(f"{place}: {'yes' if answer['can'] else 'no'}{same} ({under})")
    if not answer["can"]:
        raise typer.Exit(EXIT_ANSWER_IS_NO)


def _show_edit(answer: PolicyAnswer, chosen: Options) -> None:
    number, made = answer["number"], answer.get("changed")
    output.done(f"policy {number} is in force", written=made and not chosen.dry_run)
    if chosen.as_json:
        output.show_json(answer)
        return
    would = chosen.dry_run
    if made:
        if answer["glass"]:
            output.talk("warning: the glass is broken: this is past the policy's own rule, and everybody will see it")
        output.say(f"policy {number} {'would be' if would else 'is'} in force")
    elif answer["request"] is not None:
        output.say(f"request {answer['request']} {'would wait' if would else 'waits'} for approval")
        output.talk(f"policy {number} stays in force" if number else "there is no policy until then")
    else:
        output.say(f"policy {number} says so already")
    output.unchanged(dry_run=would)


def _show_would(one: WouldAnswer) -> None:
    place = f"{one['bundle']}@{one['alias']}"
    what = (
        f"serves v{one['version']}"
        if one["what"] == "serves"
        else f"next would be v{one['version']}, which {one['source']} serves"
    )
    output.say(f"{place} {what}: {'passes' if one['passed'] else 'REFUSED'}")
    for gate in one["gates"]:
        if not gate["passed"]:
            output.say(output.gate(gate, indent=4))


def _read(file: str) -> str:
    """A file's text, or stdin's. Raises InvalidInput, NotFound."""
    from pinset.errors import InvalidInput, NotFound

    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return data.decode()
    except FileNotFoundError as error:
        raise NotFound(f"there is no file {output.on_one_line(file)}", hint="name the policy's file, or -") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{output.on_one_line(file)} is not UTF-8 text", hint="save it as UTF-8") from error
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise InvalidInput(f"{output.on_one_line(file)} cannot be read: {reason}", hint="name a file") from error


@contextmanager
def _named(file: str) -> Iterator[None]:
    """Findings about the policy are told of the file that was given; what is stored has a name of its own."""
    try:
        yield
    except PinsetError as error:
        for finding in error.details.get("findings", ()):
            finding["file"] = "stdin" if file == "-" else file
        raise


def _edited(found: Registry, chosen: Options, expect: int | None, message: str, *, break_glass: bool) -> PolicyAnswer:
    """An edit in $EDITOR. What was written is kept where it is refused."""
    from pinset.errors import InvalidInput

    if not sys.stdin.isatty():
        raise InvalidInput("there is no terminal to edit on", hint="name a file, or - to read stdin")
    if not message:
        raise InvalidInput("a change of the policy wants a reason", hint="say it with -m TEXT, before the editor opens")
    now = found.policies.show()
    if expect is not None and expect != now["number"]:
        return found.policies.edit(caller(chosen), now["text"] or _FIRST, expect=expect, reason=message)
    before = now["text"] or _FIRST
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", prefix="policy-", delete=False, encoding="utf-8") as draft:
        draft.write(before)
    path = Path(draft.name)
    _open_editor(path)
    text = _read(str(path))
    if text == before:
        path.unlink()
        output.talk("nothing was changed")
        raise typer.Exit
    try:
        with _named(str(path)):
            answer = found.policies.edit(
                caller(chosen), text, expect=now["number"], reason=message, break_glass=break_glass
            )
    except PinsetError:
        output.talk(f"what you wrote is kept: {path}")
        raise
    path.unlink()
    return answer


def _open_editor(path: Path) -> None:
    """Raises InvalidInput where there is no editor, or it fails."""
    from pinset.errors import InvalidInput

    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        subprocess.run([*shlex.split(editor), str(path)], check=True)  # noqa: S603 - the user's own editor
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        raise InvalidInput(
            f"the editor {output.on_one_line(editor)} failed: {error}", hint=f"set EDITOR, or edit a file: {path}"
        ) from error
