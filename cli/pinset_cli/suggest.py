"""What to type instead of a command line that cannot be taken."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any, Final

from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ELSEWHERE: Final[Mapping[str, str]] = {
    "log": "history",
    "events": "watch",
    "follow": "watch",
    "tail": "watch",
    "deploy": "promote",
    "release": "publish",
    "push": "publish",
    "register": "publish",
    "revert": "rollback",
    "undo": "rollback",
    "ls": "list",
    "cat": "get",
    "fetch": "get",
    "resolve": "get",
    "clone": "pull",
    "checkout": "pull",
    "validate": "check",
    "lint": "check",
    "create": "new",
    "describe": "show",
    "info": "show",
    "compare": "diff",
    "versions": "releases",
    "aliases": "alias list",
    "tokens": "token list",
    "login": "token create",
    "components": "component list",
    "delete": "yank",
    "remove": "yank",
    "rm": "yank",
    "fsck": "verify",
    "server": "serve",
    "start": "serve",
    "revoke": "token revoke",
    "retire": "alias retire",
    "help": "--help",
}
"""Commands of other programs, and what they are called here."""
_UNKNOWN: Final = re.compile(r"No such command '([^']*)'")


def given_registry(arguments: Sequence[str]) -> str | None:
    """What ``--registry`` or ``-r`` says on a command line; None where neither is there."""
    for at, word in enumerate(arguments):
        if word == "--":
            return None
        if word in ("--registry", "-r") and at + 1 < len(arguments):
            return arguments[at + 1]
        if word.startswith("--registry="):
            return word.partition("=")[2]
    return None


def way_out(top: Any, arguments: Sequence[str], text: str) -> str:
    """The hint for a command line that was refused with this text: the nearest command, or an example of it."""
    path, command = _meant(top, arguments)
    seen = f"see {path} --help"
    unknown = _UNKNOWN.search(text)
    if unknown is not None:
        near = _nearest(unknown[1], path, getattr(command, "commands", {}))
        return f"did you mean {near}? {seen}" if near else seen
    example = str(getattr(command, "help", None) or "").partition("Example: ")[2].split("\n")[0].strip()
    return f"{seen}; for example: {example}" if example else seen


def incomplete(top: Any, arguments: Sequence[str]) -> InvalidInput:
    """The error for a group of commands that was named alone."""
    path, command = _meant(top, arguments)
    return InvalidInput(f"{path} wants one of {', '.join(command.list_commands(None))}", hint=f"see {path} --help")


def _meant(top: Any, arguments: Sequence[str]) -> tuple[str, Any]:
    """The command that the words name, and how it is called."""
    path, command = "pinset", top
    for word in _from_command(arguments):
        found = getattr(command, "commands", {}).get(word)
        if found is None:
            break
        path, command = f"{path} {word}", found
    return path, command


def _from_command(arguments: Sequence[str]) -> Sequence[str]:
    """A command line without the options that stand before its command."""
    at = 0
    while at < len(arguments) and arguments[at].startswith("-"):
        at += 2 if arguments[at] in ("--registry", "-r") else 1
    return arguments[at:]


def _nearest(word: str, path: str, commands: Mapping[str, Any]) -> str | None:
    if path == "pinset" and word in _ELSEWHERE:
        return f"pinset {_ELSEWHERE[word]}"
    near = difflib.get_close_matches(word, sorted(commands), n=1, cutoff=0.6)
    return f"{path} {near[0]}" if near else None
