"""Every example runs as its page says."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import warm

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(command: list[str], home: Path) -> subprocess.CompletedProcess[str]:
    """A command with `pinset` on its path, away from this checkout's registry."""
    binaries = warm.install(home / "bin")
    environment = {**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}", "TMPDIR": str(home)}
    return subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, timeout=120, check=False)


def test_01_quickstart_puts_a_release_into_production(tmp_path: Path) -> None:
    done = run(["bash", str(EXAMPLES / "01-quickstart" / "run.sh")], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "support-summarizer@production: nothing -> v1" in done.stdout
    assert "Known issue 4711." in done.stdout


def test_02_promote_in_ci_is_safe_when_two_do_it(tmp_path: Path) -> None:
    done = run(["bash", str(EXAMPLES / "02-promote-in-ci" / "run.sh")], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "somebody else moved production first" in done.stdout


def test_03_rollback_returns_and_bars(tmp_path: Path) -> None:
    done = run(["bash", str(EXAMPLES / "03-rollback" / "run.sh")], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "assistant@production: v3 -> v2" in done.stdout
    assert "barred, as it should be" in done.stdout


def test_04_serve_and_fetch_by_curl_and_typescript(tmp_path: Path) -> None:
    done = run(["bash", str(EXAMPLES / "04-serve-and-fetch" / "run.sh")], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "curl: assistant v1" in done.stdout
    assert "typescript: assistant v1, again: not modified" in done.stdout


def test_05_an_agent_publishes_six_prompts_nine_tools_two_models(tmp_path: Path) -> None:
    done = run(["bash", str(EXAMPLES / "05-an-agent" / "run.sh")], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "6 prompts, 9 tools, 2 models" in done.stdout


def test_07_production_is_changed_by_two_or_with_broken_glass(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    done = run(["env", f"PORT={port}", "bash", str(EXAMPLES / "07-protected-production" / "run.sh")], tmp_path)
    assert done.returncode == 0, done.stderr
    said = done.stdout
    assert "OPEN: evidence groundedness (rule 1)" in said
    assert "error: ana made request 1 and cannot approve it" in done.stderr
    assert done.stderr.count("error: ") == 2, "her own approval, by either of her tokens"
    asked, moved = said.index("request 1: support-summarizer@production: v1 -> v2"), said.rindex(": v1 -> v2\nSEQ")
    assert asked < said.index("== two others approve") < moved
    assert "support-summarizer@production: v2 -> v1" in said
    assert "support-summarizer@production: v1 -> v3" in said
    assert "the glass is broken" in done.stderr
    assert "GLASS BROKEN: incident 4711" in said
    assert "holds: serial" in said
    assert "all is well" in said
