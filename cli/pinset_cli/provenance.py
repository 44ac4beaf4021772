"""What is published from where: found out from git and from the CI system. It never fails a publish."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pinset.domain import provenance
from pinset.errors import InvalidInput
from pinset_cli.ci import of_ci

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

SECONDS: Final = 5.0
"""How long git may take for all that it is asked; what is not known by then is left out."""
_KEY: Final = re.compile("[a-z][a-z_]*")
_COMMIT: Final = re.compile("[0-9a-f]{7,64}", re.ASCII)
_LOOKED_AT: Final = 1000
"""Commits whose authors are read."""
_SAFE: Final = ("core.fsmonitor=false", "core.hooksPath=/dev/null", "log.showSignature=false", "core.quotePath=false")
"""Nothing that a repository's settings name is run for a look at it."""
_KEPT: Final = ("GIT_CONFIG", "GIT_CEILING_DIRECTORIES")
"""How the names of variables begin that settings are given by. The others are of another repository: a hook's, say."""


class Place(NamedTuple):
    """A directory in a repository. prefix: its path there, '' for the top."""

    prefix: str
    commit: str


def detect(
    directory: Path,
    files: Collection[str],
    *,
    since: Callable[[], str | None] = lambda: None,
    environment: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
) -> dict[str, Any]:
    """The source of a bundle directory, as far as it can be found out. files: paths in it that are published.

    since: says the commit that the release before was published from; asked where there is a repository.
    """
    said = _fitting(of_ci(os.environ if environment is None else environment))
    found = _fitting(Git(directory, seconds).source(files, since))
    if "commit" in found and said.get("commit") != found["commit"]:
        # Another repository than the one that the run is of, or another commit: what is checked out counts.
        said = {name: value for name, value in said.items() if name not in ("repository", "commit", "authors")}
    return {**said, **found}


def of_run() -> dict[str, Any]:
    """What the CI system says of the run, for a release that is made of no directory."""
    said = _fitting(of_ci(os.environ))
    return {name: value for name, value in said.items() if name not in ("repository", "commit", "authors")}


def given(pairs: Sequence[str]) -> dict[str, Any]:
    """What ``--source`` says: ``KEY=VALUE``, or a text alone. Authors may be said several times. Raises InvalidInput."""
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not _KEY.fullmatch(key):
            key, value = "text", pair
        if key in found and key != "authors":
            raise InvalidInput(f"--source says {key} twice", hint="say it once")
        if key == "authors":
            found.setdefault(key, []).append(value)
        elif key == "dirty":
            if value not in ("true", "false"):
                raise InvalidInput("dirty is true or false", hint="write --source dirty=true")
            found[key] = value == "true"
        else:
            found[key] = value
    return provenance.checked(found)


def _fitting(said: Mapping[str, Any]) -> dict[str, Any]:
    """What of it may be recorded. Nobody typed it, so what does not fit is left out, and not complained about."""
    found: dict[str, Any] = {}
    for name, value in said.items():
        with suppress(InvalidInput):
            found |= provenance.checked({name: value})
    return found


class Git:
    """Asks the git program about a directory. until: when all asking ends."""

    def __init__(self, directory: Path, seconds: float) -> None:
        self._directory = directory
        self._binary = shutil.which("git")
        self._until = time.monotonic() + seconds

    def source(self, files: Collection[str], since: Callable[[], str | None]) -> dict[str, Any]:
        """What git knows of a directory; nothing where it is in no repository, or in one without a commit."""
        place = self._place()
        if place is None:
            return {}
        committed = self._committed()
        found: dict[str, Any] = {
            "repository": self._remote(),
            "commit": place.commit,
            "path": place.prefix.rstrip("/") or ".",
            "authors": self._authors(since) if committed else [],
        }
        changed = self._ask("status", "--porcelain", "--untracked-files=no", "--", ".")
        if committed is not None and (changed or not committed.issuperset(files)):
            found["dirty"] = True
        return found

    def _place(self) -> Place | None:
        said = self._ask("rev-parse", "--show-prefix", "--verify", "HEAD^{commit}")
        lines = said.split("\n") if said is not None else []
        return Place(lines[0], lines[1]) if len(lines) > 1 and lines[1] else None

    def _committed(self) -> set[str] | None:
        """The paths below the directory that are in the commit; None where that cannot be known."""
        said = self._ask("ls-tree", "-r", "-z", "--name-only", "HEAD")
        return None if said is None else {path for path in said.split("\0") if path}

    def _remote(self) -> str:
        """The address of ``origin``, or of the only remote. One on this machine means nothing elsewhere."""
        said = self._ask("config", "--get-regexp", r"^remote\..*\.url$") or ""
        remotes = dict(line.split(" ", 1) for line in said.split("\n") if " " in line)
        address = remotes.get("remote.origin.url") or (next(iter(remotes.values())) if len(remotes) == 1 else "")
        is_far = "://" in address and not address.lower().startswith("file:")
        is_scp = "://" not in address and ":" in address and "/" not in address.partition(":")[0]
        return address if is_far or is_scp else ""

    def _authors(self, since: Callable[[], str | None]) -> list[str]:
        """Who wrote what changed since a commit, newest first; where nothing did, who changed it last."""
        last = since()
        form = ("log", "--no-merges", f"--max-count={_LOOKED_AT}", "--format=%aN <%aE>")
        said = self._ask(*form, f"{last}..HEAD", "--", ".") if last and _COMMIT.fullmatch(last) else None
        said = said or self._ask("log", "--max-count=1", "--format=%aN <%aE>", "HEAD", "--", ".")
        return list(dict.fromkeys((said or "").split("\n")))[: provenance.AUTHORS] if said else []

    def _ask(self, *arguments: str) -> str | None:
        """What git answers, without the last line feed; None where it fails, takes too long or is not there."""
        left = self._until - time.monotonic()
        if self._binary is None or left <= 0:
            return None
        settings = [word for setting in _SAFE for word in ("-c", setting)]
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name.startswith(_KEPT)
        }
        environment = {
            **kept,
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_NO_LAZY_FETCH": "1",
            "LC_ALL": "C",
        }
        try:
            done = subprocess.run(  # noqa: S603 - git alone, and what is from outside is a checked commit id
                [self._binary, "--no-pager", *settings, *arguments],
                cwd=self._directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=left,
                check=False,
            )
        except (OSError, ValueError, subprocess.SubprocessError):
            return None
        return done.stdout.removesuffix("\n") if done.returncode == 0 else None
