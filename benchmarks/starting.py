"""How long commands take that end at once: whole processes, beside Python importing what they cannot do without.

Medians of runs that alternate. The console script is run as users run it; where it is not installed, its module is.
"""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from figures import Figure, rounds

import pinset
import pinset_cli
from pinset_cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROUNDS = 25
BUNDLE = """\
release:
  feature: support
  model: {provider: vendor-x, name: foundation-large, pinned_version: "2025-02-01"}
  prompt: {text: "Summarize {{ticket}}."}
"""
WANTED = (
    ("pinset --help", ["--help"], "import typer", 1.5),
    ("pinset get, directory", ["get", "support", "--registry", "DIR"], "import typer, sqlmodel", 1.2),
    ("pinset get, URL", ["get", "support", "--registry", "URL"], "import typer, httpx", None),
)
"""Each command, what it cannot do without, and how many times as long it may take."""


def figures() -> list[Figure]:
    """Each command beside the imports it needs."""
    with tempfile.TemporaryDirectory(prefix="pinset-starting-") as scratch, _served(_registry(Path(scratch))) as places:
        sides: dict[str, Callable[[], object]] = {}
        for name, arguments, imports, _ in WANTED:
            sides[name] = _process([*_program(), *(places.get(word, word) for word in arguments)])
            sides[f"{name}, {imports}"] = _process([sys.executable, "-c", imports])
        for work in sides.values():
            work()  # writes what Python keeps of its modules
        values = rounds(ROUNDS, sides)
    return [
        Figure(name, values=values[name], beside=Figure(imports, values=values[f"{name}, {imports}"]), wanted=wanted)
        for name, _, imports, wanted in WANTED
    ]


def _registry(scratch: Path) -> Path:
    """A registry with one release that an alias serves."""
    (scratch / "support").mkdir()
    (scratch / "support" / "release.yaml").write_text(BUNDLE)
    home = str(scratch / ".pinset")
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        done = main(["init", str(scratch)]) or main(
            ["publish", str(scratch / "support"), "--alias", "production", "--registry", home]
        )
    if done:
        raise RuntimeError(f"the registry to measure could not be made: {done}")
    return Path(home)


@contextlib.contextmanager
def _served(home: Path) -> Iterator[dict[str, str]]:
    """The registry's two places: its directory, and the address of a server in a process of its own."""
    command = [*_program(), "serve", "--port", "0", "--registry", str(home)]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=_environment()
    ) as server:
        assert server.stderr is not None
        try:
            while " on http://" not in (said := server.stderr.readline()):
                if not said:
                    raise RuntimeError("the server did not start")
            yield {"DIR": str(home), "URL": said.partition(" on ")[2].split(" ")[0]}
        finally:
            server.terminate()


def _program() -> list[str]:
    installed = Path(sys.executable).with_name("pinset")
    return [str(installed)] if installed.exists() else [sys.executable, "-m", "pinset_cli"]


def _environment() -> dict[str, str]:
    """This checkout's modules, kept as byte code as they are where the program is installed."""
    sources = [str(Path(module.__file__ or "").parents[1]) for module in (pinset, pinset_cli)]
    kept = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONDONTWRITEBYTECODE", "PINSET_TOKEN")
    }
    return {**kept, "PYTHONPATH": os.pathsep.join(sources)}


def _process(command: list[str]) -> Callable[[], object]:
    environment = _environment()

    def run() -> None:
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True, env=environment)

    return run


if __name__ == "__main__":
    for figure in figures():
        print("  ".join(figure.row()))
