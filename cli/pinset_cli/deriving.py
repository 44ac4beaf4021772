"""A release from a release on the command line: what is to change, and what became of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from pinset.errors import EXIT_ANSWER_IS_NO, InvalidInput
from pinset_cli import output
from pinset_cli.locate import Options, caller, opened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinset.domain.answers import MoveAnswer
    from pinset.domain.answers.changes import DerivedAnswer
    from pinset.domain.edits import Edits

_STDIN = "-"
_LARGEST = 1024 * 1024
"""Bytes of a text in a release."""


def edits(
    base: str | None,
    directories: Sequence[Path] | None,
    values: Sequence[str] | None,
    added: Sequence[str] | None,
    unset: Sequence[str] | None,
    files: Sequence[str] | None,
) -> Edits:
    """What ``--set``, ``--add``, ``--unset`` and ``--file`` say. Raises InvalidInput where they make no sense."""
    from pinset.domain.edits import Edits

    if base is None and (values or added or unset or files):
        hint = "say which: --from NAME@production; or edit the files of the directory"
        raise InvalidInput("--set, --add, --unset and --file change a release that there is", hint=hint)
    if base is not None and directories:
        raise InvalidInput(
            "a release is made from a directory or from another release, not from both",
            hint=f"leave out {directories[0]}, or --from",
        )
    given = _pairs("--file", files or ())
    if sum(source == _STDIN for source in given.values()) > 1:
        raise InvalidInput("two files cannot both come from stdin", hint="write one of them to a file")
    return Edits(
        set=_pairs("--set", values or ()),
        add=_pairs("--add", added or ()),
        unset=list(unset or ()),
        files={path: _text(source) for path, source in given.items()},
    )


def publish(base: str, edits: Edits, chosen: Options, *, allow: Sequence[str], sign: Path | None, **given: Any) -> None:
    """Publish a release from a release, and tell what became of it. Exits 1 where its promotion became a request.

    given: as `ports.changesets.Changesets.derive` has it. sign: the file of the author's private key.
    """
    from pinset_cli.commands.keys import Signer

    signer = Signer(sign) if sign is not None else None
    with opened(chosen) as found:
        if signer is not None:
            signer.need_known(found)
        answer = found.changesets.derive(caller(chosen), base, edits, allow=allow, **given)
        output.done(f"{answer['ref']} is published", written=answer["operation"])
        signed = signer.sign(found, chosen, answer["ref"]) if signer is not None and not chosen.dry_run else None
    told = {**answer, **({"signature": signed} if signed else {})}
    if chosen.as_json:
        output.show_json(told)
    else:
        _show_diff(answer)
        say_published(told, allow, dry_run=chosen.dry_run)
        output.unchanged(dry_run=chosen.dry_run)
    if answer["move"] and answer["move"]["action"] == "request":
        raise typer.Exit(EXIT_ANSWER_IS_NO)


def say_published(answer: Mapping[str, Any], allowed: Sequence[str], *, dry_run: bool) -> None:
    """Tell what became of a publish: its findings, its reference, its promotion, and the signature where there is one."""
    output.show_findings(answer["findings"], allowed)
    output.say(output.on_one_line(answer["ref"]))
    if not answer["created"]:
        output.talk("nothing new: this content is there already")
    elif "made_from" in answer:
        changed = ", ".join(answer["changed"])
        output.talk(
            output.safe(f"made from {answer['made_from']}: {changed} {'would be' if dry_run else 'is'} changed")
        )
    if answer["move"]:
        for warning in answer["move"]["warnings"]:
            output.talk(output.safe(f"warning: {warning}"))
        _say_move(answer["move"], dry_run=dry_run)
    if "signature" in answer:
        output.talk(f"signed with {answer['signature']['key']}")


def _say_move(move: MoveAnswer, *, dry_run: bool) -> None:
    """What became of the promotion that a publish was to make too."""
    place = f"{move['bundle']}@{move['alias']}"
    if move["action"] != "request":
        output.talk(f"{place} {'would serve' if dry_run else 'now serves'} v{move['to']}")
        return
    output.talk(f"{place} wants approvals: request {move['request']} {'would be' if dry_run else 'is'} made")
    if not dry_run:
        output.advise(f"    pinset request show {move['request']}")


def _show_diff(answer: DerivedAnswer) -> None:
    """What would change, where that was only asked for."""
    from pinset.domain import diff

    if answer["diff"] is not None:
        compared = diff.from_json(answer["diff"])
        old, new = answer["diff"]["from"], answer["diff"]["to"]
        shown = diff.as_text(compared, old=old, new=new, width=output.width(), colour=output.coloured())
        output.show_text(shown.rstrip("\n") + "\n")


def _pairs(option: str, given: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise InvalidInput(f"{option} {pair} says no value", hint=f"write {option} {name or 'PATH'}=VALUE")
        if name in found:
            raise InvalidInput(f"{option} says {name} twice", hint="say it once")
        found[name] = value
    return found


def _text(source: str) -> str:
    """The text of a file, or of stdin. Raises InvalidInput."""
    try:
        if source == _STDIN:
            content = sys.stdin.buffer.read(_LARGEST + 1)
        else:
            with Path(source).open("rb") as opened:
                content = opened.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise InvalidInput(f"{source} is over {_LARGEST:,} bytes", hint="a text in a release is at most 1 MiB")
        return content.decode()
    except OSError as error:
        hint = "write --file PATH-IN-THE-RELEASE=./FILE, or - for stdin"
        raise InvalidInput(f"{source} cannot be read: {error.strerror}", hint=hint) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{source} is no UTF-8 text", hint="save it as UTF-8") from error
