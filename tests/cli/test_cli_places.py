"""Registries that cannot be used as they are: every command says why and what to do, and changes nothing."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from several import Several

from pinset_cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

READS = [["list"], ["get", "support@v1"], ["status", "support"], ["history", "support"]]
WRITES = [
    ["publish", "BUNDLE"],
    ["promote", "support@v1", "production", "--expect", "none"],
    ["rollback", "support", "production", "--from", "v1", "--yes"],
    ["yank", "support@v1", "-m", "leaks"],
    ["reindex"],
]


@pytest.fixture
def place(
    home: Path, tmp_path: Path, manifest: Callable[..., dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> Path:
    """A registry with one release, and beside it the folder of another."""
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "release.yaml").write_text(manifest()["release.yaml"])
    assert main(["publish", str(bundle), "--registry", str(home)]) == 0
    (bundle / "release.yaml").write_text(manifest(words="Be brief.")["release.yaml"])
    capsys.readouterr()
    return home


def everything(place: Path) -> dict[str, bytes]:
    """All files of a registry but SQLite's own, which come and go with a look, and the state, which notes attempts."""
    return {
        str(path.relative_to(place)): path.read_bytes()
        for path in sorted(place.rglob("*"))
        if path.is_file() and not path.name.startswith("state.") and not path.name.endswith(("-wal", "-shm"))
    }


def config(place: Path) -> Path:
    return place / "repository.git" / "config"


def missing(place: Path) -> None:
    shutil.rmtree(place)


def without_repository(place: Path) -> None:
    shutil.rmtree(place / "repository.git")
    (place / "state.sqlite").touch()


def newer(place: Path) -> None:
    config(place).write_text(
        config(place).read_text().replace("repositoryformatversion = 0", "repositoryformatversion = 9")
    )


def with_hooks_elsewhere(place: Path) -> None:
    config(place).write_text(config(place).read_text() + "[include]\n\tpath = /etc/passwd\n")


def others(place: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a directory to another user")
    for path in (place, *place.rglob("*")):
        os.chown(path, 65534, 65534, follow_symlinks=False)


BROKEN: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "missing": (missing, "no_registry", "pinset init"),
    "without repository": (without_repository, "integrity", "restore"),
    "of a newer format": (newer, "unknown_format", "pinset init"),
    "with an include": (with_hooks_elsewhere, "unknown_format", "plain bare"),
    "another user's": (others, "permission_denied", "chown"),
}


@pytest.mark.parametrize("command", [*READS, *WRITES], ids=lambda command: command[0])
@pytest.mark.parametrize(("spoil", "code", "hint"), BROKEN.values(), ids=BROKEN.keys())
def test_a_registry_that_cannot_be_used_says_why_and_stays_as_it_is(
    place: Path,
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[Path], None],
    code: str,
    hint: str,
    command: list[str],
) -> None:
    spoil(place)
    before = everything(place)
    bundle = str(place.parent / "bundle")
    words = [bundle if word == "BUNDLE" else word for word in command]
    status = main([*words, "--registry", str(place), "--json"])
    problem = json.loads(capsys.readouterr().err)
    assert (status != 0, problem["code"]) == (True, code), problem
    assert hint in problem["hint"], problem
    assert everything(place) == before


def without_powers() -> list[str]:
    """What to run a command with so that the permissions of files hold for it, also where root runs the tests."""
    if os.geteuid() != 0:
        return []
    prefix = ["setpriv", "--inh-caps=-all", "--bounding-set=-all", "--"]
    if shutil.which("setpriv") is None or subprocess.run([*prefix, "true"], check=False).returncode:
        pytest.skip("root cannot give up its powers here: no setpriv")
    return prefix


def test_a_registry_that_is_only_readable_is_read_and_never_written(place: Path, tmp_path: Path) -> None:
    prefix = without_powers()
    before, bundle = everything(place), str(place.parent / "bundle")
    paths = [place, *(path for path in place.rglob("*") if not path.is_symlink())]
    modes = {path: path.stat().st_mode for path in paths}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)
    try:
        with Several(prefix, tmp_path) as there:
            read, written = [
                [
                    there.run(*(bundle if word == "BUNDLE" else word for word in command), "--registry", str(place))
                    for command in commands
                ]
                for commands in (READS, WRITES)
            ]
    finally:
        for path, mode in modes.items():
            path.chmod(mode)
    for done in read:
        assert (done.returncode, "error" in done.stderr) == (0, False), done
    for done in written:
        assert done.returncode not in (0, 70), done
        assert "Permission denied" in done.stderr, done
        assert "hint: " in done.stderr, done
    assert everything(place) == before


def test_a_full_disk_refuses_writes_loses_nothing_and_goes_on_with_room(tmp_path: Path) -> None:
    disk, bundle = tmp_path / "disk", tmp_path / "bundle"
    disk.mkdir()
    bundle.mkdir()
    text = 'release: {feature: support, model: {name: m, pinned_version: "2025-01-01"}, prompt: words.txt}\n'
    (bundle / "release.yaml").write_text(text)

    def words(size: int) -> None:
        (bundle / "words.txt").write_text(base64.b64encode(os.urandom(size)).decode())

    # The process mounts the disk and goes on as the one that runs the commands: both are in one namespace.
    mount = 'mount -t tmpfs -o size=1500k pinset "$0" || exit 77; exec "$@"'
    nowhere = subprocess.run(
        ["unshare", "--mount", "sh", "-c", mount, str(disk), "true"], capture_output=True, check=False
    )
    if nowhere.returncode:
        pytest.skip("no file system of its own can be mounted here")
    with Several(["unshare", "--mount", "sh", "-c", mount, str(disk)], tmp_path) as there:
        registry = ["--registry", str(disk)]
        assert there.run("init", str(disk)).returncode == 0
        tries = []
        for _ in range(9):
            words(90000)
            tries.append(there.run("publish", str(bundle), *registry))
        listing = there.run("list", *registry)
        verified = there.run("verify", *registry)
        words(100)
        refused = there.run("yank", "support@v1", "-m", "leaks", *registry)
        space = ["nsenter", f"--mount=/proc/{there.pid}/ns/mnt"]
        subprocess.run([*space, "mount", "-o", "remount,size=9m", str(disk)], check=True)
        after = there.run("publish", str(bundle), *registry)
        proven = there.run("verify", *registry)
        git = ["git", "--git-dir", str(disk / ".pinset" / "repository.git"), "fsck", "--strict"]
        sound = subprocess.run([*space, *git], check=False, capture_output=True)
    done = [*tries, listing, verified, refused, after, proven]
    published = [number for number, one in enumerate(tries, 1) if one.returncode == 0]
    assert 1 <= len(published) < 9, done
    assert published == list(range(1, len(published) + 1)), "what is refused once is refused until there is room"
    # Whichever meets it first, the repository or the catalog; of a write that is made it is said to be so.
    errors = "".join(one.stderr for one in done)
    hints, made = errors.count("\nhint: free space on the disk"), errors.count("error: the write is made")
    assert hints + made >= 9 - len(published), errors
    assert made <= 1, errors
    assert "Traceback" not in errors
    assert f"v{len(published)} " in listing.stdout
    # A write that was made and could not be shown is settled before anything is proven, and that takes room.
    assert made or verified.returncode == 0, done
    assert (after.returncode, proven.returncode, sound.returncode) == (0, 0, 0), (done, sound)
