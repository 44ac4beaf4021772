"""The systemd unit: hardened, taken by systemd's own checks, and able to run as it says."""

from __future__ import annotations

import configparser
import ctypes
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from typer.main import get_command

from pinset.api.server import GRACE_SECONDS
from pinset_cli.program import app

UNIT: Final = Path(__file__).parents[2] / "packaging" / "systemd" / "pinset.service"
HARDENED: Final = {
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "MemoryDenyWriteExecute": "yes",
    "CapabilityBoundingSet": "",
    "StateDirectory": "pinset",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
    "KillSignal": "SIGTERM",
}


def settings() -> dict[str, list[str]]:
    """What the section of the service sets; one key may stand there twice."""
    section = UNIT.read_text().split("[Service]\n")[1].split("\n[Install]")[0]
    found: dict[str, list[str]] = {}
    for line in section.splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def test_it_is_hardened_and_has_time_to_end() -> None:
    found = settings()
    assert {key: found[key] for key in HARDENED} == {key: [value] for key, value in HARDENED.items()}
    assert found["SystemCallFilter"] == ["@system-service", "~@privileged"]
    assert int(found["TimeoutStopSec"][0]) > GRACE_SECONDS
    configparser.ConfigParser(strict=False).read_string(UNIT.read_text())


def test_what_it_starts_is_a_command_that_there_is() -> None:
    (line,) = settings()["ExecStart"]
    program, *words = line.split()
    assert program == "/opt/pinset/bin/pinset"
    command = get_command(app).commands[words[0]]  # type: ignore[attr-defined]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known
    assert "--closed" in words


def test_systemd_takes_it_and_finds_it_little_exposed(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed: apt-get install systemd")
    there = tmp_path / UNIT.name
    there.write_text(UNIT.read_text().replace("/opt/pinset/bin/pinset", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(there)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(there)],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert float(re.findall(r"exposure level for \S+ ([\d.]+)", judged.stdout.replace(":", ""))[0]) < 2


NOT_WRITTEN_AND_RUN: Final = """
import ctypes, json, os, sys
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(65, 1, 0, 0, 0):  # PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN: what MemoryDenyWriteExecute asks for
    sys.exit(77)
from pathlib import Path
from pinset.bootstrap import create_registry, local_registry
from pinset.ports.registry import Caller
from pinset.api.app import create_app
import joserfc.jwt, uvloop, httptools, zstandard
home = Path(sys.argv[1])
create_registry(home)
registry = local_registry(home)
registry.publish(Caller(actor="ana"), json.loads(sys.argv[2]), alias="production")
create_app(registry)
assert registry.verify(None)["ok"]
registry.close()
"""


def test_no_memory_is_written_and_then_run(tmp_path: Path) -> None:
    if ctypes.CDLL(None).prctl(66, 0, 0, 0, 0) < 0:
        pytest.skip("this kernel has no PR_SET_MDWE: Linux 6.3 or newer")
    text = "release:\n  feature: support\n  model: {name: m, pinned_version: '1'}\n  prompt: {text: Hello}\n"
    done = subprocess.run(
        [sys.executable, "-c", NOT_WRITTEN_AND_RUN, str(tmp_path / "registry"), json.dumps({"release.yaml": text})],
        env=dict(os.environ), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
