"""Where the registry is, who asks, and how it is opened."""

from __future__ import annotations

import getpass
import os
import platform
import re
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.ports.registry import Caller, Registry

_ADDRESS: Final = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]):[0-9]{1,5}(?:/.*)?")
"""A host and a port, without the scheme."""
_NO_TLS: Final = ("WRONG_VERSION_NUMBER", "wrong version number", "record layer failure", "RECORD_LAYER_FAILURE")
"""What OpenSSL says of an answer that is not TLS at all."""


_ACTOR_LIMIT: Final = 200
"""Characters in the name of who acts."""
_first: Final[dict[str, str | None]] = {}


@dataclass(slots=True)
class Options:
    """What stands before or after every command alike. change: what the command's writes are called together."""

    registry: str | None = None
    as_json: bool = False
    dry_run: bool = False
    change: str | None = None


def name_first(registry: str | None) -> None:
    """What ``--registry`` said before the command."""
    _first["registry"] = registry


def location(options: Options) -> str:
    """The registry meant: ``--registry``, PINSET_REGISTRY, or the nearest ``.pinset/`` upwards.

    Raises NoRegistry, and InvalidInput for an option that says one thing before the command and another after it.
    """
    from pinset.errors import InvalidInput, NoRegistry

    first = _first.get("registry")
    if first and options.registry and first != options.registry:
        raise InvalidInput(
            f"--registry is given twice: {first} and {options.registry}",
            hint="say one of them, before or after the command",
        )
    given = _given(options)
    if given:
        return given
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / ".pinset" / "repository.git").is_dir():
            return str(folder / ".pinset")
    raise NoRegistry(
        "there is no registry here or above",
        hint="make one (pinset init), or name one: --registry DIR, --registry http://HOST:7467, or PINSET_REGISTRY",
    )


def _given(options: Options) -> str | None:
    return _first.get("registry") or options.registry or os.environ.get("PINSET_REGISTRY") or None


def named(options: Options) -> Path | None:
    """The directory that ``--registry`` or PINSET_REGISTRY names, whatever is there; None where neither does."""
    given = _given(options)
    return Path(given) if given else None


def directory(options: Options, verb: str) -> Path:
    """The registry's directory, for what works only near. Raises InvalidInput for an address."""
    from pinset.bootstrap import find_directory
    from pinset.errors import InvalidInput

    where = location(options)
    if "://" in where:
        raise InvalidInput(
            f"{verb} works on a registry's directory, not on {where}",
            hint=f"on the registry's machine: pinset {verb} --registry DIR",
        )
    return find_directory(Path(where))


@contextmanager
def opened(options: Options) -> Iterator[Registry]:
    """The registry, closed afterwards."""
    from pinset.bootstrap import open_registry
    from pinset.errors import NoRegistry, Unauthenticated, Unavailable
    from pinset_cli.progress import progress

    where = location(options)
    if _ADDRESS.fullmatch(where) and not Path(where).exists():
        raise NoRegistry(f"there is no directory {where}", hint=f"for a server write --registry http://{where}")
    registry: Registry = open_registry(where, token=os.environ.get("PINSET_TOKEN"), progress=progress())
    try:
        yield registry
    except Unauthenticated as error:
        if "Authorization" in error.hint:
            hint = "set it: export PINSET_TOKEN=pst_… (whoever keeps the registry makes one: pinset token create --name YOU --can read)"
            raise Unauthenticated(error.message, hint=hint, details=error.details) from error
        raise
    except Unavailable as error:
        if where.startswith("https://") and any(sign in str(error) for sign in _NO_TLS):
            plain = f"http://{where.removeprefix('https://')}"
            raise Unavailable(
                f"{where} does not speak https", hint=f"if it is a plain server write --registry {plain}"
            ) from error
        raise
    finally:
        registry.close()


def caller(options: Options) -> Caller:
    """Who asks: PINSET_ACTOR, else who is logged in on which machine. A server goes by the token instead.

    Raises InvalidInput for a PINSET_ACTOR that nobody could read in a history.
    """
    from pinset.domain.names import show
    from pinset.errors import InvalidInput
    from pinset.ports.registry import Caller as Asking

    named = os.environ.get("PINSET_ACTOR", "")
    if len(named) > _ACTOR_LIMIT or not named.isprintable():
        why = f"has {len(named)} characters" if len(named) > _ACTOR_LIMIT else "holds characters that cannot be printed"
        raise InvalidInput(
            f"PINSET_ACTOR {why}: {show(named, 40)}",
            hint=f"set it to one line of at most {_ACTOR_LIMIT} characters: export PINSET_ACTOR=ci-bot",
        )
    user = _user()
    principal = f"{user}@{platform.node()}"
    # Whatever name somebody acts under here, the person is who the operating system says.
    return Asking(
        actor=named.strip() or principal,
        dry_run=options.dry_run,
        person=principal,
        via=f"user:{user}",
        change=options.change,
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"
