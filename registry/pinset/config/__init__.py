"""What whoever runs a registry has set for it: ``config.toml`` in the registry's directory.

The file is read strictly and whole: every mistake is told at once, with its line and a way out, and none is guessed
around. Without the file everything is as the defaults here say. A server keeps what it read when it started.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pinset.config.compat import Compat, Spoken, read_compat
from pinset.config.git import Git, read_git
from pinset.config.limits import NO_LIMIT, Limits, Override, Rate, read_limits
from pinset.config.oidc import Allow, Issuer, read_issuers
from pinset.config.pages import Pages, read_pages
from pinset.config.toml import Reader, lines_of
from pinset.domain.findings import as_answers
from pinset.errors import InvalidConfig

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "FILE",
    "NO_LIMIT",
    "Allow",
    "Compat",
    "Config",
    "Git",
    "Issuer",
    "Limits",
    "Override",
    "Pages",
    "Rate",
    "Spoken",
    "parse",
    "read",
    "text_in",
]

FILE: Final = "config.toml"
_LONGEST: Final = 64 * 1024
"""Bytes of the file: it is handed to workers in their environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that can be set. oidc: whose tokens are taken, beside the registry's own. pages: those for browsers.

    git: what is sent to those who clone it. compat: the protocols of other tools.
    """

    oidc: tuple[Issuer, ...] = ()
    limits: Limits = field(default_factory=Limits)
    pages: Pages = field(default_factory=Pages)
    compat: Compat = field(default_factory=Compat)
    git: Git = field(default_factory=Git)


def read(directory: Path) -> Config:
    """What the file in a registry's directory sets; the defaults where there is none. Raises InvalidConfig."""
    return parse(text_in(directory), str(directory / FILE))


def text_in(directory: Path) -> str:
    """The file's text; '' where there is none. Raises InvalidConfig where it cannot be read."""
    file = directory / FILE
    try:
        with file.open("rb") as opened:
            data = opened.read(_LONGEST + 1)
    except FileNotFoundError:
        return ""
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else "it is no file"
        raise InvalidConfig(f"{file} cannot be read: {why}", hint="let this user read it") from error
    if len(data) > _LONGEST:
        raise InvalidConfig(f"{file} is over {_LONGEST:,} bytes", hint="it holds settings only: use patterns")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidConfig(f"{file}:{line}: it is not UTF-8", hint="save it as UTF-8") from error


def parse(text: str, file: str = FILE) -> Config:
    """What a text sets. file: what messages call it. Raises InvalidConfig with everything that is wrong."""
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise InvalidConfig(
            f"{file} is not TOML: {error}", hint="mend it there; texts stand in double quotes"
        ) from error
    reader = Reader(file, lines_of(text))
    table = reader.table(values, (), ("compat", "git", "limits", "oidc", "pages"))
    pages = read_pages(reader, table.get("pages", {}), ("pages",))
    issuers = read_issuers(reader, table, pages)
    limits = read_limits(reader, table.get("limits", {}), ("limits",))
    compat = read_compat(reader, table.get("compat", {}), ("compat",))
    git = read_git(reader, table.get("git", {}), ("git",))
    config = Config(oidc=issuers, limits=limits, pages=pages, compat=compat, git=git)
    if reader.findings:
        number = len(reader.findings)
        counted, them = ("1 mistake", "it") if number == 1 else (f"{number} mistakes", "them")
        details = {"findings": as_answers(reader.findings)}
        raise InvalidConfig(f"{file} has {counted}", hint=f"correct {them} and start again", details=details)
    return config
