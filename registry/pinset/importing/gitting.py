"""The git program as a reader of somebody else's repository: nothing of its configuration runs, and nothing asks.

A repository on this machine is read where it is. Another is cloned, without its files' contents where its server can do
that; those that are wanted are then fetched together.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pinset.domain.names import show
from pinset.domain.provenance import without_secrets
from pinset.errors import InvalidInput, NotFound, PermissionDenied, Unavailable
from pinset.gitstore import cloning
from pinset.gitstore.process import clean_environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SECONDS: Final = 3600.0
_SETTINGS: Final = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.askPass=",
    "credential.helper=",
    "diff.external=",
    "diff.renameLimit=2000",
    "gc.auto=0",
    "maintenance.auto=false",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "transfer.credentialsInUrl=allow",
)
_SAFE: Final = tuple(word for setting in _SETTINGS for word in ("-c", setting))
_PROTOCOLS: Final = "https:ssh:file"
_ADDRESS: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://.+|(?P<ssh>[A-Za-z0-9._-]+@)?[A-Za-z0-9.-]+:(?!:).+", re.IGNORECASE
)
_SCHEMES: Final = ("https", "ssh", "file")
_NONE, _MODULE = "000000", "160000"
_COMPARED: Final = 4_000
"""Files that one commit made or deleted, whose contents are compared."""
_COMMIT: Final = re.compile(r"[0-9a-f]{7,64}")


class Repository:
    """A repository that is only read.

    address: as it is recorded, without secrets. tip: the commit that was asked for. lacks: contents are not here until
    they are fetched.
    """

    def __init__(self, folder: Path, address: str, ref: str | None, *, lacks: bool = False) -> None:
        self.folder, self.address, self.lacks = folder, address, lacks
        self.tip = self._resolved(ref)

    @property
    def oid_bytes(self) -> int:
        """Bytes of an object's id: 20, or 32 in a repository of SHA-256."""
        return len(self.tip) // 2

    def commits(self, path: str, tip: str) -> list[str]:
        """Ids of the commits that changed a path, on the way of first parents from a commit, the newest first."""
        return self.run("rev-list", "--first-parent", tip, *_at(path)).split()

    def joined(self, commit: str, path: str, most: int) -> list[str]:
        """Ids of the commits that a merge brought in and that changed a path, the newest first."""
        return self.run("rev-list", f"--max-count={most}", f"{commit}^1..{commit}", *_at(path)).split()

    def renamed(self, commit: str) -> list[tuple[str, str]]:
        """What a commit renamed, against its first parent: paths before and after."""
        between = (f"{commit}^1", commit)
        likeness = "-M50%" if self._have_both(between) else "-M100%"
        words = self.run("diff-tree", "-r", "-z", likeness, "--name-status", "--diff-filter=R", *between).split("\0")
        return [(words[at + 1], words[at + 2]) for at in range(0, len(words) - 2, 3)]

    def _have_both(self, between: tuple[str, str]) -> bool:
        """Have the contents that tell what was renamed and changed at once; False for too many, and ids tell the rest."""
        if not self.lacks:
            return True
        told = self.run("diff-tree", "-r", "--no-renames", "--diff-filter=AD", "--raw", "--no-abbrev", *between)
        found = re.findall(r"^:(\d+) (\d+) ([0-9a-f]+) ([0-9a-f]+) [AD]", told, re.MULTILINE)
        wanted = {new if old == _NONE else gone for old, here, gone, new in found if _MODULE not in (old, here)}
        if len(wanted) > _COMPARED:
            return False
        self.fetch(sorted(wanted))
        return True

    def fetch(self, objects: Iterable[str]) -> None:
        """Have contents that the clone was made without. Raises Unavailable."""
        wanted = "".join(f"{one}\n" for one in objects)
        if not self.lacks or not wanted:
            return
        options = (
            "--no-tags",
            "--no-write-fetch-head",
            "--no-auto-maintenance",
            "--filter=blob:none",
            "--stdin",
            "--quiet",
        )
        noop = ("-c", "fetch.negotiationAlgorithm=noop")
        done = _run([*noop, f"--git-dir={self.folder}", "fetch", *options, "origin"], self.folder, given=wanted)
        if done.returncode:
            raise _unreachable(self.address, done.stderr)

    def run(self, *arguments: str) -> str:
        """What git says of the repository. No network. Raises Unavailable."""
        done = _run([f"--git-dir={self.folder}", *arguments], self.folder, protocols="")
        if done.returncode:
            raise Unavailable(
                f"{self.address} cannot be read: {_reason(done.stderr)}", hint="check it: git fsck, or clone it anew"
            )
        return done.stdout

    def _resolved(self, ref: str | None) -> str:
        wanted = ref or "HEAD"
        if wanted.startswith("-") or not wanted.isprintable():
            raise InvalidInput(f"{show(wanted)} is no branch, tag or commit", hint="name one: --ref main")
        verify = [f"--git-dir={self.folder}", "rev-parse", "--verify", "--quiet"]
        done = _run([*verify, f"{wanted}^{{commit}}"], self.folder, protocols="")
        if done.returncode:
            hint = f"see which there are: git ls-remote {self.address}"
            raise NotFound(f"{self.address} has no branch, tag or commit {show(wanted)}", hint=hint)
        return done.stdout.strip()


@contextmanager
def opened(where: str, ref: str | None) -> Iterator[Repository]:
    """A repository: a directory as it is, an address as a clone that is gone afterwards.

    Raises InvalidInput for an address of another protocol, NotFound, PermissionDenied, Unavailable.
    """
    if os.path.lexists(where):
        yield Repository(_owned(Path(where)), without_secrets(Path(where).absolute().as_uri()), ref)
        return
    match = _ADDRESS.fullmatch(where)
    scheme = (match["scheme"] or "ssh").lower() if match else None
    if scheme is None or where.startswith("-"):
        raise NotFound(f"there is no repository at {where}", hint="name a directory, or an address: https://HOST/PATH")
    if scheme not in _SCHEMES or not where.isprintable():
        hint = "clone it yourself and name the directory; addresses begin with https://, ssh:// or file://"
        raise InvalidInput(f"repositories are not fetched by {scheme}", hint=hint)
    with tempfile.TemporaryDirectory(prefix="pinset-import-") as folder:
        target, address = Path(folder) / "clone.git", without_secrets(where)
        _clone(where, address, target, ref)
        told = _run(
            [f"--git-dir={target}", "config", "--get-regexp", r"^remote\.origin\.(promisor|partialclonefilter)$"],
            target,
        )
        yield Repository(target, address, ref, lacks=bool(told.stdout))


def binary() -> str:
    """The git program. Raises Unavailable."""
    found = shutil.which("git")
    if found is None:
        raise Unavailable("the git program is not installed", hint="install git 2.33 or newer")
    return found


def environment(protocols: str = "") -> dict[str, str]:
    """An environment in which git asks nobody and speaks the protocols that are named only."""
    return clean_environment(
        GIT_TERMINAL_PROMPT="0",
        GIT_ASKPASS="",
        SSH_ASKPASS="",
        GIT_SSH_COMMAND="ssh -oBatchMode=yes",
        GIT_NO_REPLACE_OBJECTS="1",
        GIT_NO_LAZY_FETCH="1",
        GIT_OPTIONAL_LOCKS="0",
        GIT_LITERAL_PATHSPECS="0",
        GIT_ALLOW_PROTOCOL=protocols,
    )


def _at(path: str) -> tuple[str, ...]:
    """What limits a list of commits to a path; the empty path limits nothing."""
    return ("--", f":(literal){path}") if path else ()


def _clone(where: str, address: str, target: Path, ref: str | None) -> None:
    """All commits and folders of one branch or tag; of a commit that is named by its id, of every branch."""
    options = ["--bare", "--filter=blob:none", "--no-tags", "--template=", "--quiet"]
    if ref is not None and not _COMMIT.fullmatch(ref):
        options += ["--single-branch", f"--branch={ref}"]
    elif ref is None:
        options.append("--single-branch")
    done = _run(["clone", *options, "--", where, str(target)], target.parent)
    if done.returncode and "Remote branch" in done.stderr:
        hint = f"see which there are: git ls-remote {address}"
        raise NotFound(f"{address} has no branch or tag {show(ref)}", hint=hint)
    if done.returncode:
        raise _unreachable(address, done.stderr)


def _owned(path: Path) -> Path:
    """The git directory of a repository here. What another user owns is not read: it says what runs."""
    found = cloning.find(path)
    if found.stat().st_uid != os.geteuid():
        raise PermissionDenied(
            f"the repository {path} belongs to another user", hint=f"clone it: git clone {path} MINE"
        )
    return found


def _run(
    arguments: list[str], folder: Path, *, given: str = "", protocols: str = _PROTOCOLS
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603 - no shell; what users name stands after an option or --
            [binary(), *_SAFE, *arguments],
            input=given,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=_SECONDS,
            cwd=folder,
            env=environment(protocols),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Unavailable(
            f"git did not finish in {_SECONDS:g} seconds", hint="clone it yourself, and name the directory"
        ) from error
    except OSError as error:
        raise Unavailable(f"git cannot be run: {error.strerror}", hint="run it by hand to see why") from error


def _unreachable(address: str, said: str) -> Unavailable:
    return Unavailable(
        f"{address} cannot be cloned: {_reason(said)}",
        hint="see that git clone does it without a question; else clone it yourself, and name the directory",
    )


def _reason(text: str) -> str:
    lines = [line.strip() for line in text.encode("utf-8", "replace").decode().splitlines() if line.strip()]
    told = [line for line in lines if line.startswith(("fatal:", "error:", "remote:"))] or lines
    return show(without_secrets(told[0]), 300) if told else "git gave no reason"
