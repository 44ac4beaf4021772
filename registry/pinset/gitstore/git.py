"""The git binary: checking and repacking, each run with a time-out and nothing of the user's configuration."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Final

from pinset.errors import Unavailable
from pinset.gitstore.faults import number_in, system_error
from pinset.gitstore.process import clean_environment
from pinset.gitstore.scanning import VERIFY_HINT
from pinset.ports.store import Damage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_SECONDS: Final = 3600.0
_WINDOW: Final = 100
"""Objects that each is compared with to be kept as a difference. All bundles name their files alike, and git sorts by
name: with its own 10 a prompt seldom meets its predecessor."""
_SETTINGS: Final = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "gc.auto=0",
    "core.fsync=all",
    "core.fsyncMethod=fsync",
)
_SAFE: Final = tuple(word for setting in _SETTINGS for word in ("-c", setting))
_NAMED = re.compile(r"(?:(?:error|warning|fatal|missing|broken link from|to|in)[ :]+)*(\w+) ([0-9a-f]{40})\b:?\s*(.*)")
_SILENT: Final = ("notice:", "dangling ", "Checking ", "Verifying ")


def fsck(repository: Path, *, gently: bool = False) -> list[Damage]:
    """What `git fsck --strict` finds. gently: at the lowest priority. Raises Unavailable where git is missing or does not finish."""
    done = run(repository, "fsck", "--strict", "--full", "--no-dangling", "--no-progress", refuse=False, gently=gently)
    lines = (done.stdout + done.stderr).splitlines()
    found = [_damage(line.strip()) for line in lines if line.strip() and not line.startswith(_SILENT)]
    if done.returncode and not found:
        found.append(Damage("repository", f"git fsck ended with status {done.returncode}", VERIFY_HINT))
    return list(dict.fromkeys(found))


def repack(repository: Path) -> None:
    """Gather loose objects and small packs into a new pack, and remove nothing. Safe beside writers and readers."""
    run(repository, "repack", "--geometric=2", f"--window={_WINDOW}", "-n", "--quiet", "--no-write-bitmap-index")


def pack_all(repository: Path, tips: Sequence[str]) -> str:
    """Write one new pack of all that these commits name, whatever packs there are; the name git gives it."""
    options = ("--revs", "--non-empty", "--delta-base-offset", "--quiet", f"--window={_WINDOW}")
    given = "".join(f"{tip}\n" for tip in tips)
    return run(
        repository, "pack-objects", *options, str(repository.absolute() / "objects/pack/pack"), given=given
    ).stdout.strip()


def pack_refs(repository: Path) -> None:
    """Write all refs into packed-refs, and remove nothing. Only under the writer's lock."""
    run(repository, "pack-refs", "--all", "--no-prune")


def unreachable(repository: Path) -> list[str]:
    """Ids of loose objects that nothing has named for an hour."""
    done = run(repository, "prune", "--dry-run", "--expire=1.hour.ago")
    return re.findall(r"^([0-9a-f]{40}) ", done.stdout, re.MULTILINE)


def run(
    repository: Path, *arguments: str, refuse: bool = True, given: str = "", gently: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run git on the repository. refuse: a status other than 0 raises. given: what it reads.

    gently: at the lowest priority, where there is `nice`. Raises Unavailable, ReadOnly.
    """
    repository = repository.absolute()
    binary = shutil.which("git")
    if binary is None:
        raise Unavailable("the git program is not installed", hint="install git 2.33 or newer")
    nice = ("nice", "-n", "19") if shutil.which("nice") else ()
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments, none from outside
            [*(nice if gently else ()), binary, *_SAFE, f"--git-dir={repository}", *arguments],
            input=given,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_SECONDS,
            cwd=repository.parent,
            env=clean_environment(),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Unavailable(
            f"git {arguments[0]} did not finish in {_SECONDS:g} seconds", hint="run it by hand to see why"
        ) from error
    except OSError as error:
        raise system_error(error, "git cannot be run") from error
    if refuse and done.returncode:
        number = number_in(done.stderr)
        what = f"git {arguments[0]} failed with status {done.returncode}"
        raise system_error(OSError(number, "") if number else OSError(done.stderr.strip()[:500]), what)
    return done


def _damage(line: str) -> Damage:
    match = _NAMED.match(line)
    where = f"{match[1]} {match[2]}" if match else "repository"
    return Damage(where, line, VERIFY_HINT)
