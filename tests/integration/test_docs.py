"""What the pages show is what happens: every console block is typed, every manifest of the reference is checked.

A block whose first line is ```` ```LANGUAGE PATH ```` is a file of that name. In a ``console`` block the lines after a
command are what it prints, ``…`` standing for what differs from run to run, a line of ``…`` for any lines.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import warm
from pinset.bootstrap import local_registry

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCS = ROOT / "registry" / "docs"
_BLOCK = re.compile(r"^```(?P<language>\w+)(?: (?P<path>\S+))?\n(?P<body>.*?)^```$", re.DOTALL | re.MULTILINE)
_MARK = "\x01"


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    language: str
    path: str | None
    body: str


def blocks(page: Path, heading: str | None = None) -> list[Block]:
    """The blocks of a page, or of one of its sections."""
    text = page.read_text()
    if heading is not None:
        text = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return [Block(match["language"], match["path"], match["body"]) for match in _BLOCK.finditer(text)]


def steps(body: str) -> list[tuple[str, str]]:
    """The commands of a console block, each with what is shown below it."""
    parts = re.split(r"^\$ ", body, flags=re.MULTILINE)
    return [(command.rstrip("\n"), shown) for command, _, shown in (_split(part) for part in parts[1:])]


def _split(part: str) -> tuple[str, str, str]:
    command, newline, shown = part.partition("\n")
    while command.endswith("\\"):
        more, newline, shown = shown.partition("\n")
        command += "\n" + more
    return command, newline, shown


def pattern(shown: str) -> str:
    """The shown output as a pattern."""
    lines = [
        r"(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*?") + r"\n"
        for line in shown.strip("\n").splitlines()
        if not line.startswith("#")
    ]
    return "".join(lines)


class Shell:
    """One bash that lives as long as a page, with `pinset` on its path and a port of its own."""

    def __init__(self, home: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = str(free.getsockname()[1])
        binaries = warm.install(home.parent / f"{home.name}-bin")
        self.home = home
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PINSET_", "GIT_"))},
            "PATH": f"{binaries}:{os.environ['PATH']}",
            "PINSET_ACTOR": "ana",
            "PYTHONUNBUFFERED": "1",
            "HOME": str(home),
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
        }
        self.bash = subprocess.Popen(
            ["bash"],
            cwd=home,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def type(self, command: str) -> str:
        """What a command prints. A server is started beside the shell."""
        assert self.bash.stdin is not None
        assert self.bash.stdout is not None
        command = command.replace("7467", self.port)
        if command.startswith("pinset serve"):
            command += f" --port {self.port}" if "--port" not in command else ""
            command += " >/dev/null 2>&1 &"
        self.bash.stdin.write(f"{command}\necho; echo '{_MARK}'\n")
        self.bash.stdin.flush()
        lines = list(iter(self.bash.stdout.readline, f"{_MARK}\n"))
        if command.startswith("pinset serve"):
            self._wait()
        return "".join(lines).replace(self.port, "7467").removesuffix("\n")

    def _wait(self) -> None:
        for _ in range(200):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5):
                    return
            except (OSError, urllib.error.URLError):
                time.sleep(0.1)
        raise AssertionError("no server")

    def close(self) -> None:
        """End the shell and what it started."""
        os.killpg(self.bash.pid, signal.SIGTERM)
        self.bash.communicate(timeout=30)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    home = tmp_path / "home"
    home.mkdir()
    found = Shell(home)
    yield found
    found.close()


def play(shell: Shell, body: str) -> None:
    """Type every command of a block and compare what it prints, word for word."""
    for command, shown in steps(body):
        printed = shell.type(command)
        if shown.strip() and not command.startswith("pinset serve"):
            assert re.fullmatch(pattern(shown), printed.rstrip("\n") + "\n"), f"$ {command}\n{printed}"
        assert "error: " not in printed or "error: " in shown, f"$ {command}\n{printed}"


def play_page(shell: Shell, found: list[Block]) -> None:
    """Write every file and type every command of a page, in their order."""
    for block in found:
        if block.path is not None:
            target = shell.home / block.path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.body)
        elif block.language == "console":
            play(shell, block.body)


def test_the_first_steps_work_when_they_are_pasted(shell: Shell) -> None:
    (pasted, *others) = blocks(README, "First steps")
    assert pasted.language == "sh"
    for line in pasted.body.splitlines():
        if line.strip() and not line.startswith("#"):
            printed = shell.type(line)
            assert "error: " not in printed, f"$ {line}\n{printed}"
    play_page(shell, others)
    play_page(shell, blocks(README, "It is plain git"))


def test_the_demo_prints_the_first_screen_and_leaves_nothing(shell: Shell, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "demo.py")],
        env={**shell.environment, "TMPDIR": str(scratch)},
        cwd=scratch,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=True,
    )
    assert "nothing is left running" in done.stdout
    assert list(scratch.iterdir()) == []
    commands = steps(blocks(README)[0].body)
    assert len(commands) >= 4
    for command, expected in commands:
        assert re.search(re.escape(f"$ {command}\n") + pattern(expected), done.stdout), command


@pytest.mark.parametrize(
    "page",
    [
        "access.md",
        "audit.md",
        "bundles.md",
        "costs.md",
        "deploying.md",
        "evidence.md",
        "git.md",
        "http.md",
        "importing-files.md",
        "importing.md",
        "looking-back.md",
        "other-tools.md",
        "purge.md",
        "running.md",
        "signatures.md",
    ],
)
def test_a_page_can_be_typed(shell: Shell, page: str) -> None:
    if page == "signatures.md" and shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed: apt-get install openssh-client")
    play_page(shell, blocks(DOCS / page))


def test_every_manifest_of_the_reference_is_fit_to_publish(shell: Shell) -> None:
    found = blocks(DOCS / "manifest.md")
    releases = [block.body for block in found if block.path == "release.yaml"]
    assert len(releases) >= 8
    for block in found:
        if block.path is not None and block.path != "release.yaml":
            (shell.home / block.path).parent.mkdir(exist_ok=True)
            (shell.home / block.path).write_text(block.body)
    assert "made a registry" in shell.type("pinset init")
    for block in found:
        if block.language == "console" and "component publish" in block.body:
            play(shell, block.body)
    texts = {path: (shell.home / path).read_text() for path in _beside(found)}
    registry = local_registry(shell.home / ".pinset")
    try:
        for text in releases:
            findings = registry.check({**texts, "release.yaml": text})["findings"]
            assert [f for f in findings if f["code"] not in ("file-unused", "rollback-unresolved")] == [], text
    finally:
        registry.close()


def _beside(found: list[Block]) -> list[str]:
    """The files of a bundle directory, those that a manifest may name."""
    return [block.path for block in found if block.path and "/" in block.path]


def test_the_command_of_a_bundle_is_there_for_each_example() -> None:
    text = README.read_text()
    for folder in sorted((ROOT / "examples").iterdir()):
        if folder.is_dir() and folder.name[0].isdigit():
            assert f"(examples/{folder.name})" in text


def test_a_console_line_is_one_command() -> None:
    for page in (README, *sorted(DOCS.glob("*.md"))):
        for block in blocks(page):
            if block.language == "console":
                assert all(shlex.split(command.replace("\\\n", " ")) for command, _ in steps(block.body))
