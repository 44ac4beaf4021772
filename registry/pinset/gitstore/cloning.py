"""A registry's repository out of a plain git clone: found, judged and copied. The clone is only read.

The copy is made by `git fetch`, so every object is hashed anew and none stays behind in the clone.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from pinset.domain.names import show
from pinset.domain.records import REGISTRY_FILE
from pinset.errors import Integrity, InvalidInput, NotFound, PermissionDenied, UnknownFormat
from pinset.gitstore import git, layout, refs
from pinset.gitstore.faults import number_in, system_error

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_HEADS: Final = "refs/heads/"
_REMOTES: Final = "refs/remotes/"
_MAIN: Final = "main"
_SINGLE: Final = (_MAIN, "proposals", "purges")
_FOLDERS: Final = ("releases/", "components/", "aliases/", "evidence/", "bundles/")
_AGAIN: Final = "make a whole clone: git clone --mirror URL CLONE"


def refuse_registry(clone: Path, *, folder: str, repository: str, beside: Sequence[str]) -> None:
    """Raises InvalidInput for a registry in use, whose writes may be half done, and for an address.

    folder: what a registry's directory is called inside another. repository, beside: what its repository is called,
    and what lies beside that.
    """
    if re.match(r"[a-z+]+:/|[^/]+@[^/]+:", str(clone)):
        hint = "clone it first: git clone --mirror URL CLONE"
        raise InvalidInput(f"{clone} is no directory", hint=hint, details={"reason": "address"})
    whole = clone.absolute()
    inside = whole.name == repository and any(os.path.lexists(whole.with_name(name)) for name in beside)
    homes = [home for home in (clone, clone / folder) if (home / repository).is_dir()]
    if inside or (homes and not (clone / ".git").exists()):
        home = homes[0] if homes else clone.parent
        raise InvalidInput(
            f"{clone} is a registry or a backup, not a clone of one",
            hint=f"copy it as a whole: pinset backup BACKUP --registry {home}, then pinset restore BACKUP DIR",
            details={"reason": "registry"},
        )


def copy(clone: Path, repository: Path) -> None:
    """Fill a new, empty repository with all branches of a clone, whole.

    Raises NotFound where there is no clone, InvalidInput for one that is no registry's, UnknownFormat, Integrity for
    one that is shallow, partial, damaged or holds some branches only, PermissionDenied. ``details["reason"]`` is a word
    for which of these it is.
    """
    found = find(clone)
    try:
        _inspect(clone, found)
        branches = _branches(clone, found)
    except OSError as error:
        raise system_error(error, f"the clone {clone} cannot be read") from error
    _refuse_strangers(clone, found, branches)
    _fetch(clone, found, repository, branches)


def find(clone: Path) -> Path:
    """The git directory of a clone, bare or with a work tree. Raises NotFound, PermissionDenied."""
    try:
        for candidate in (clone / ".git", clone):
            found = _pointed_at(candidate)
            if (found / "HEAD").is_file() and (found / "objects").is_dir():
                return found.resolve()
    except PermissionError as error:
        raise _foreign(clone) from error
    raise NotFound(f"there is no git clone at {clone}", hint=_AGAIN, details={"reason": "no_clone"})


def _pointed_at(candidate: Path) -> Path:
    """Where a ``.git`` file leads, and from a work tree of its own on to the repository it is one of."""
    if candidate.is_file():
        text = candidate.read_text("utf-8", "replace").strip()
        candidate = candidate.parent / text.removeprefix("gitdir:").strip()
    common = candidate / "commondir"
    return candidate / common.read_text("utf-8", "replace").strip() if common.is_file() else candidate


def _inspect(clone: Path, found: Path) -> None:
    """Refuse what cannot give all objects and refs. Only files are read: git would fetch what a partial clone lacks."""
    if found.stat().st_uid != os.geteuid():
        raise _foreign(clone)
    given = list(layout.settings((found / "config").read_text("utf-8", "replace")))
    known = dict(given)
    if (found / "shallow").exists():
        raise _half(clone, "shallow", "is shallow: the history is cut off")
    if any("partialclone" in key or key == "remote.promisor" for key, _ in given):
        raise _half(clone, "partial", "is a partial clone: objects are missing from it")
    if known.get("extensions.objectformat", "sha1") != "sha1":
        raise _unknown(clone, "object_format", f"its object ids are {known['extensions.objectformat']}, not sha1")
    if known.get("extensions.refstorage", "files") != "files" or (found / "reftable").exists():
        raise _unknown(clone, "ref_storage", "its refs are not kept as files")
    fetched = [value for key, value in given if key == "remote.fetch"]
    if fetched and not any("refs/heads/*" in value or value.lstrip("+").startswith("refs/*") for value in fetched):
        raise _half(clone, "single_branch", "holds some branches only: it was made with --single-branch")
    try:
        refs.check_packed(found)
    except Integrity as error:
        raise _damaged(clone, error.message) from error


def _branches(clone: Path, found: Path) -> dict[str, str]:
    """The registry's branches and the ref of the clone that each is read from."""
    listed = _listed(clone, found)
    heads = {name.removeprefix(_HEADS): name for name in listed if name.startswith(_HEADS)}
    remotes = sorted({name.split("/")[2] for name in listed if name.startswith(_REMOTES)})
    if len(remotes) > 1 and "origin" in remotes:
        remotes = ["origin"]
    if len(remotes) > 1:
        what = f"the clone {clone} has the remotes {', '.join(map(show, remotes))}"
        raise InvalidInput(what, hint=_AGAIN, details={"reason": "remotes"})
    if not remotes:
        return heads
    prefix = f"{_REMOTES}{remotes[0]}/"
    tracked = {name.removeprefix(prefix): name for name in listed if name.startswith(prefix)}
    for branch, ref in heads.items():
        if not _is_ours(branch):
            continue
        theirs = tracked.get(branch)
        if theirs is None or not _contains(found, listed[theirs], listed[ref]):
            what = f"has commits on {show(branch)} that {show(f'{remotes[0]}/{branch}')} has not"
            raise _half(clone, "own_commits", what)
    return tracked


def _listed(clone: Path, found: Path) -> dict[str, str]:
    """Every ref of the clone that is no symbolic one, and its commit. git passes over damaged ones with a warning."""
    wanted = "--format=%(objectname) %(refname) %(symref)"
    done = git.run(found, "for-each-ref", wanted, _HEADS, _REMOTES, refuse=False)
    wrong = [line for line in done.stderr.splitlines() if "dangling symref" not in line]
    if done.returncode or wrong:
        raise _damaged(clone, wrong[0] if wrong else f"git for-each-ref ended with status {done.returncode}")
    lines = [line.split(" ") for line in done.stdout.splitlines()]
    return {name: target for target, name, symbolic in lines if not symbolic}


def _contains(found: Path, newer: str, older: str) -> bool:
    if newer == older:
        return True
    return git.run(found, "merge-base", "--is-ancestor", older, newer, refuse=False).returncode == 0


def _refuse_strangers(clone: Path, found: Path, branches: Mapping[str, str]) -> None:
    """Raises InvalidInput unless the branches are those of a registry, Integrity where there is only the first."""
    if _MAIN not in branches:
        what = f"{clone} is no clone of a registry: it has no branch {_MAIN}"
        raise InvalidInput(what, hint=_AGAIN, details={"reason": "no_main"})
    done = git.run(found, "ls-tree", "--name-only", branches[_MAIN], REGISTRY_FILE, refuse=False)
    if done.returncode:
        raise _damaged(clone, _reason(done.stderr))
    if done.stdout.strip() != REGISTRY_FILE:
        raise InvalidInput(
            f"{clone} is no clone of a registry: its branch {_MAIN} has no {REGISTRY_FILE}",
            hint="clone the repository.git of a registry",
            details={"reason": "no_registry"},
        )
    strangers = sorted(branch for branch in branches if not _is_ours(branch))
    if strangers:
        raise InvalidInput(
            f"{clone} has the branch {show(strangers[0])}, which is none of a registry's",
            hint=f"keep it elsewhere and delete it here: git -C {clone} update-ref -d {branches[strangers[0]]}",
            details={"reason": "strange_branch"},
        )
    if len(branches) == 1:
        raise _half(
            clone, "only_main", f"has the branch {_MAIN} only: nothing was published there, or branches are missing"
        )


def _fetch(clone: Path, found: Path, repository: Path, branches: Mapping[str, str]) -> None:
    wanted = "".join(f"{ref}:{_HEADS}{branch}\n" for branch, ref in sorted(branches.items()))
    options = ("--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules", "--quiet")
    careful = ("-c", "transfer.fsckObjects=true", "-c", "fetch.unpackLimit=1", "-c", "protocol.file.allow=always")
    at_once = ("-c", "core.fsync=none")  # the directory it is for is synced as a whole before it counts
    done = git.run(repository, *careful, *at_once, "fetch", *options, "--stdin", str(found), refuse=False, given=wanted)
    if done.returncode:
        number = number_in(done.stderr)
        if number:
            raise system_error(OSError(number, ""), f"the clone {clone} cannot be copied")
        raise _damaged(clone, _reason(done.stderr))
    missing = sorted({_HEADS + branch for branch in branches} - set(refs.read_all(repository)))
    if missing:
        raise _damaged(clone, f"git did not give {missing[0]}")


def _is_ours(branch: str) -> bool:
    return branch in _SINGLE or branch.startswith(_FOLDERS)


def _reason(text: str) -> str:
    """The first line in which git says what is wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = [line for line in lines if line.startswith(("error:", "fatal:", "remote:"))] or lines
    return show(told[0], 300) if told else "git gave no reason"


def _half(clone: Path, reason: str, what: str) -> Integrity:
    return Integrity(f"the clone {clone} {what}", hint=_AGAIN, details={"reason": reason})


def _damaged(clone: Path, what: str) -> Integrity:
    return Integrity(f"the clone {clone} is damaged: {what}", hint=_AGAIN, details={"reason": "damaged"})


def _unknown(clone: Path, reason: str, why: str) -> UnknownFormat:
    return UnknownFormat(f"the clone {clone} cannot be used: {why}", hint=_AGAIN, details={"reason": reason})


def _foreign(clone: Path) -> PermissionDenied:
    hint = f'chown -R "$(id -u)" {clone}'
    return PermissionDenied(f"the clone {clone} belongs to another user", hint=hint, details={"reason": "owner"})
