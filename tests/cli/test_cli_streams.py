"""Standard streams that are closed or full: no command is stopped by them, and no answer is lost in silence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pinset
import pinset_cli
from pinset_cli import output
from pinset_cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable

SOURCES = os.pathsep.join(str(Path(module.__file__ or "").parents[1]) for module in (pinset, pinset_cli))
needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")


@pytest.fixture
def shell(home: Path, tmp_path: Path, manifest: Callable[..., dict[str, str]]) -> Callable[..., tuple[int, str, str]]:
    """Runs a command of the shell, beside a registry with one release and the directory of another."""
    bundle = tmp_path / "support"
    bundle.mkdir()
    (bundle / "release.yaml").write_text(manifest()["release.yaml"])
    assert main(["publish", str(bundle), "--registry", str(home)]) == 0
    (bundle / "release.yaml").write_text(manifest(words="Be brief.")["release.yaml"])

    def run(command: str) -> tuple[int, str, str]:
        done = subprocess.run(
            ["sh", "-c", command.replace("pinset", f"{sys.executable} -m pinset_cli", 1)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": SOURCES, "PINSET_REGISTRY": str(home), "PYTHONUNBUFFERED": ""},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.mark.parametrize("closed", ["2>&-", "<&-", "<&- 2>&-", pytest.param("2>/dev/full", marks=needs_full)])
def test_a_command_goes_on_without_stdin_and_stderr(closed: str, shell: Callable[..., tuple[int, str, str]]) -> None:
    status, out, _ = shell(f"pinset list {closed}")
    assert (status, out.split()[0]) == (0, "BUNDLE")
    status, out, _ = shell(f"pinset publish support --alias production {closed}")
    assert (status, out) == (0, "support@v2\n")
    assert shell(f"pinset get nothing {closed}")[0] == 3


def test_with_nothing_open_a_release_is_published_and_the_registry_is_sound(
    shell: Callable[..., tuple[int, str, str]],
) -> None:
    assert shell("pinset publish support <&- >&- 2>&-")[0] == 8
    assert "v2" in shell("pinset list")[1]
    assert shell("pinset verify")[0] == 0


@pytest.mark.parametrize("target", [">&-", pytest.param(">/dev/full", marks=needs_full)])
def test_output_that_cannot_be_written_is_a_plain_error(
    target: str, shell: Callable[..., tuple[int, str, str]]
) -> None:
    for command in ("list", "list --json", "get support@v1", "--help", "publish --help"):
        status, _, err = shell(f"pinset {command} {target}")
        assert status == 8, (command, err)
        assert "the output cannot be written: " in err
        assert "hint" in err
        assert "bug" not in err
        assert "Traceback" not in err
    status, _, err = shell(f"pinset publish support {target}")
    assert status == 8
    assert "it was done all the same: support@v2 is published\n" in err
    status, _, err = shell(f"pinset publish support --json -m again {target}")
    assert (status, json.loads(err)["details"]) == (8, {"done": []})
    status, _, err = shell(f"pinset token create --name ci --can admin --json {target}")
    assert "pinset token revoke ci" in err[err.index("{") :]


@needs_full
def test_an_error_is_told_also_where_output_is_full(shell: Callable[..., tuple[int, str, str]]) -> None:
    status, _, err = shell("pinset check nowhere >/dev/full")
    assert (status, err.startswith("error: there is no directory nowhere\n")) == (3, True)


@pytest.mark.parametrize("command", ["list", "--help", "get support@v1"])
def test_a_reader_that_leaves_at_once_is_no_error(command: str, shell: Callable[..., tuple[int, str, str]]) -> None:
    assert shell(f"pinset {command} | true") == (0, "", "")


def test_without_any_streams_main_returns(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    assert main(["list", "--registry", str(home)]) == 0
    assert main(["verify", "--registry", str(home)]) == 8
    assert not output.on_terminal()
