"""Registries that cannot be used as they are: every command says why and what to do, and changes nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pinset
import pinset_cli
from pinset_cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable

SOURCES = os.pathsep.join(str(Path(module.__file__ or "").parents[1]) for module in (pinset, pinset_cli))
PROGRAM = "import sys; from pinset_cli.main import main; sys.exit(main())"
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


def run(prefix: list[str], place: Path, *command: str) -> subprocess.CompletedProcess[str]:
    words = [str(place.parent / "bundle") if word == "BUNDLE" else word for word in command]
    return subprocess.run(
        [*prefix, sys.executable, "-c", PROGRAM, *words, "--registry", str(place)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": SOURCES},
    )


def without_powers() -> list[str]:
    """What to run a command with so that the permissions of files hold for it, also where root runs the tests."""
    if os.geteuid() != 0:
        return []
    prefix = ["setpriv", "--inh-caps=-all", "--bounding-set=-all", "--"]
    if shutil.which("setpriv") is None or subprocess.run([*prefix, "true"], check=False).returncode:
        pytest.skip("root cannot give up its powers here: no setpriv")
    return prefix


def test_a_registry_that_is_only_readable_is_read_and_never_written(place: Path) -> None:
    prefix = without_powers()
    before = everything(place)
    paths = [place, *(path for path in place.rglob("*") if not path.is_symlink())]
    modes = {path: path.stat().st_mode for path in paths}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)
    try:
        read = [run(prefix, place, *command) for command in READS]
        written = [run(prefix, place, *command) for command in WRITES]
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


FULL = """
mount -t tmpfs -o size=1500k pinset "$1" || exit 77
run() { "$PYTHON" -c "$PROGRAM" "$@"; }
run init "$1" || exit 1
for n in 1 2 3 4 5 6 7 8 9; do
  head -c 90000 /dev/urandom | base64 -w0 > "$2/words.txt"
  run publish "$2" --registry "$1" && echo "published $n"
done
echo "-- full"
run list --registry "$1"
run verify --registry "$1" && echo "-- sound"
head -c 100 /dev/urandom | base64 > "$2/words.txt"
run yank support@v1 -m leaks --registry "$1" || echo "-- refused"
mount -o remount,size=9m "$1"
run publish "$2" --registry "$1" && echo "-- goes on"
run verify --registry "$1" && git --git-dir "$1/.pinset/repository.git" fsck --strict && echo "-- still sound"
"""


MARKS = ["-- sound", "-- goes on", "-- still sound"]


def test_a_full_disk_refuses_writes_loses_nothing_and_goes_on_with_room(tmp_path: Path) -> None:
    disk, bundle = tmp_path / "disk", tmp_path / "bundle"
    disk.mkdir()
    bundle.mkdir()
    text = 'release: {feature: support, model: {name: m, pinned_version: "2025-01-01"}, prompt: words.txt}\n'
    (bundle / "release.yaml").write_text(text)
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", FULL, "sh", str(disk), str(bundle)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": SOURCES, "PYTHON": sys.executable, "PROGRAM": PROGRAM},
    )
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("no file system of its own can be mounted here")
    published = [int(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("published")]
    assert 1 <= len(published) < 9, done
    assert published == list(range(1, len(published) + 1)), "what is refused once is refused until there is room"
    # Whichever meets it first, the repository or the catalog; of a write that is made it is said to be so.
    refused, made = done.stderr.count("\nhint: free space on the disk"), done.stderr.count("error: the write is made")
    assert refused + made >= 9 - len(published), done.stderr
    assert made <= 1, done.stderr
    assert "Traceback" not in done.stderr
    listing = done.stdout.partition("-- full")[2]
    assert f"v{len(published)} " in listing
    # A write that was made and could not be shown is settled before anything is proven, and that takes room.
    wanted = ["-- goes on", "-- still sound"] if "the write is made" in done.stderr else MARKS
    assert [mark for mark in wanted if mark not in listing] == [], done
