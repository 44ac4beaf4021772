"""What `git clone` over HTTP takes beside `git clone` of the directory itself, in the same rounds.

``--no-local`` sends the same pack through a pipe. Plain, git links the files into the clone and looks at none of them: no
way over a network can, so that row is for orientation. And what it takes to bring a clone up to one promotion.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import large
import servers
from figures import Figure, rounds

from pinset import bootstrap
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS: Final = 5
SIZE: Final = large.Large(1000, 20, 5)
BY: Final = Caller(actor="bench")
_CLEAN: Final = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}


def figures() -> list[Figure]:
    """The figures of cloning. The registry of 20,000 releases takes a minute to make."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = folder / "registry"
        large.make(home, SIZE)
        repository = home / bootstrap.REPOSITORY
        with servers.pinset(home) as url:
            sides: dict[str, Callable[[], object]] = {
                "http": partial(_clone, folder, f"{url}/git"),
                "pipe": partial(_clone, folder, str(repository), "--no-local"),
                "files": partial(_clone, folder, str(repository)),
                "shallow": partial(_clone, folder, f"{url}/git", "--depth=1", "--no-single-branch"),
                "shallow pipe": partial(_clone, folder, f"file://{repository}", "--depth=1", "--no-single-branch"),
            }
            values = rounds(ROUNDS, sides)
            fetches = _fetches(folder, home, repository, url)
    pipe, files = Figure("--no-local", values=values["pipe"]), Figure("plain", values=values["files"])
    what = f"clone over HTTP of {SIZE.bundles:,} bundles x {SIZE.releases} releases"
    return [
        Figure(what, values=values["http"], beside=pipe, wanted=2.0),
        Figure("the same beside links to the files", values=values["http"], beside=files),
        Figure(
            "the newest commit of each branch (--depth=1) over HTTP",
            values=values["shallow"],
            beside=Figure("file://", values=values["shallow pipe"]),
            wanted=2.0,
        ),
        Figure(
            "fetch of one promotion over HTTP",
            values=fetches["http"],
            beside=Figure("directory", values=fetches["pipe"]),
            wanted=2.0,
        ),
    ]


def _fetches(folder: Path, home: Path, repository: Path, url: str) -> dict[str, list[float]]:
    """Clones of both kinds are brought up to the same promotion, round by round."""
    clones = {"http": folder / "of-http", "pipe": folder / "of-pipe"}
    _git("clone", "--quiet", "--mirror", f"{url}/git", str(clones["http"]))
    _git("clone", "--quiet", "--mirror", "--no-local", str(repository), str(clones["pipe"]))
    values: dict[str, list[float]] = {name: [] for name in clones}
    with closing(bootstrap.local_registry(home)) as registry:
        for number in range(ROUNDS):
            registry.promote(BY, f"bundle-00007@v{number + 1}", "production")
            for name, took in rounds(1, {name: partial(_fetch, at) for name, at in clones.items()}).items():
                values[name] += took
    return values


def _clone(folder: Path, source: str, *options: str) -> None:
    target = folder / "clone"
    shutil.rmtree(target, ignore_errors=True)
    _git("clone", "--quiet", "--bare", *options, source, str(target))


def _fetch(clone: Path) -> None:
    _git("-C", str(clone), "fetch", "--quiet")


def _git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], env={**os.environ, **_CLEAN}, check=True, capture_output=True)


if __name__ == "__main__":
    for figure in figures():
        print(" | ".join(figure.row()))
