"""The repository as files: making one, and refusing those that this store cannot keep its promises on.

Nothing here opens the repository with libgit2 or git: what is wrong with it is found by reading text.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pinset.domain.names import KINDS
from pinset.durable import make_directories, sync
from pinset.errors import AlreadyExists, Integrity, NoRegistry, PermissionDenied, UnknownFormat
from pinset.gitstore.faults import system_error

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDERS: Final = (
    *(f"objects/{n:02x}" for n in range(256)),
    *("objects/info", "objects/pack", "refs/tags", "info", "hooks"),
    *("refs/heads/releases", "refs/heads/aliases", "refs/heads/evidence", "refs/heads/bundles"),
    *(f"refs/heads/components/{kind}" for kind in KINDS),
)
_CONFIG: Final = """\
[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
\tlogallrefupdates = false
[gc]
\tauto = 0
[receive]
\tautogc = false
\tdenyNonFastForwards = true
\tdenyDeletes = true
\tfsckObjects = true
"""
_TEXTS: Final = {"HEAD": "ref: refs/heads/main\n", "config": _CONFIG, "description": "A pinset registry.\n"}
_SECTION = re.compile(r'\s*\[\s*([A-Za-z0-9.-]+)\s*(?:"((?:[^"\\]|\\.)*)")?\s*\]\s*(.*)')
_SETTING = re.compile(r"\s*([A-Za-z][A-Za-z0-9-]*)\s*(?:=\s*(.*?))?\s*")
_HARMLESS: Final = {("extensions.objectformat", "sha1"), ("extensions.refstorage", "files"), ("extensions.noop", "")}


def create(directory: Path) -> None:
    """Make an empty bare repository with all its directories, durable, at once or not at all.

    Raises AlreadyExists, ReadOnly.
    """
    if directory.exists():
        raise AlreadyExists(f"there is a repository at {directory} already", hint="open it, or choose another place")
    try:
        make_directories(directory.parent)
        building = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
        try:
            building.chmod(0o755)
            _fill(building)
            building.rename(directory)
        finally:
            shutil.rmtree(building, ignore_errors=True)
        sync(directory.parent)
    except OSError as error:
        if directory.exists():
            raise AlreadyExists(f"there is a repository at {directory} already", hint="open it") from error
        raise system_error(error, f"no repository can be made at {directory}") from error


def inspect(directory: Path) -> None:
    """Refuse what is missing, another user's, or of a kind that would be read wrongly.

    Raises NoRegistry, PermissionDenied, UnknownFormat, Integrity.
    """
    try:
        owner = directory.stat().st_uid
        text = (directory / "config").read_text("utf-8", "replace")
        head = (directory / "HEAD").read_text("utf-8", "replace")
    except (FileNotFoundError, NotADirectoryError) as error:
        if directory.is_dir() and any(directory.iterdir()):
            raise Integrity(
                f"{directory} is no whole git repository: {error.filename} is missing", hint="restore a backup"
            ) from error
        raise NoRegistry(f"there is no registry at {directory.parent}", hint="run `pinset init`") from error
    except PermissionError as error:
        raise _foreign(directory) from error
    except OSError as error:
        raise system_error(error, f"{directory} cannot be read") from error
    if owner != os.geteuid():
        raise _foreign(directory)
    if not head.startswith("ref: refs/heads/"):
        raise Integrity(f"{directory}/HEAD is damaged", hint="write the line `ref: refs/heads/main` into it")
    _inspect_config(directory, dict(settings(text)))
    _inspect_files(directory)


def settings(text: str) -> Iterator[tuple[str, str]]:
    """The settings of a git config file, as ``section.key`` in lower case with subsections left out, and values."""
    section = ""
    for line in text.splitlines():
        match = _SECTION.fullmatch(line)
        if match:
            section = match[1].lower()
            yield f"{section}.", ""
        setting = _SETTING.fullmatch(re.sub(r"\s*[#;].*", "", match[3] if match else line))
        if setting:
            yield f"{section}.{setting[1].lower()}", (setting[2] or "").strip('"').lower()


def _inspect_config(directory: Path, found: dict[str, str]) -> None:
    if found.get("core.repositoryformatversion", "") not in {"0", "1"}:
        raise _unknown(
            directory, "core.repositoryformatversion", "its repositoryformatversion is missing or newer than 1"
        )
    for key, value in found.items():
        if key == "extensions.objectformat" and value != "sha1":
            raise _unknown(directory, key, f"its object ids are {value}, not sha1")
        if key == "extensions.refstorage" and value != "files":
            raise _unknown(directory, key, f"its refs are kept as {value}, not as files")
        if "partialclone" in key or key == "remote.promisor":
            raise _unknown(directory, key, "it is a partial clone: objects are missing from it")
        if key.startswith("extensions.") and key != "extensions." and (key, value) not in _HARMLESS:
            raise _unknown(directory, key, f"it uses the extension {key.removeprefix('extensions.')}")
        if key.startswith(("include.", "includeif.")):
            raise _unknown(directory, key, "its config includes other files")
    if found.get("core.bare") != "true":
        raise _unknown(directory, "core.bare", "it is not bare")


def _inspect_files(directory: Path) -> None:
    for name in ("objects/info/alternates", "shallow", "commondir"):
        path = directory / name
        if path.exists() and path.read_bytes().strip():
            raise Integrity(
                f"{directory} does not hold all of its objects itself: it has {name}",
                hint="make a whole copy with `git clone --mirror --no-hardlinks --dissociate`",
                details={"file": name},
            )
    if (directory / "reftable").exists():
        raise _unknown(directory, "extensions.refstorage", "its refs are kept as reftable, not as files")
    for name in ("objects", "refs"):
        if not (directory / name).is_dir():
            raise Integrity(f"{directory} is no whole git repository: {name}/ is missing", hint="restore a backup")


def _fill(directory: Path) -> None:
    folders = {directory}
    for name in _FOLDERS:
        path = directory / name
        path.mkdir(parents=True, exist_ok=True)
        folders |= {path, *(p for p in path.parents if p.is_relative_to(directory))}
    for name, text in _TEXTS.items():
        (directory / name).write_text(text, "utf-8")
        sync(directory / name)
    for folder in folders:
        sync(folder)


def _unknown(directory: Path, setting: str, why: str) -> UnknownFormat:
    return UnknownFormat(
        f"{directory} cannot be used: {why}",
        hint="make a registry with `pinset init`, or a plain bare SHA-1 clone",
        details={"setting": setting},
    )


def _foreign(directory: Path) -> PermissionDenied:
    return PermissionDenied(
        f"{directory} belongs to another user", hint=f'chown -R "$(id -u)" {directory.parent}, or run as its owner'
    )
