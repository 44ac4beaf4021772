"""The container file, the compose file and the locks: what they promise, read from them. `make container` tries them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml
from programs import program

from pinset.api.server import GRACE_SECONDS
from pinset.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
CONTAINER: Final = (ROOT / "Containerfile").read_text()
COMPOSE: Final = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["registry"]
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())
BUILD, LAST = CONTAINER.split("\nFROM ${BASE} AS build\n")[1].split("\nFROM ${BASE}\n")


def words(instruction: str, stage: str = LAST) -> Any:
    """The list that is behind an instruction."""
    (found,) = re.findall(rf"^{instruction} .*?(\[.*\])$", stage, re.MULTILINE)
    return json.loads(found)


def locked(name: str) -> dict[str, str]:
    """What a lock pins: package to version, each with hashes."""
    entries = re.split(r"\n(?=\S)", (ROOT / name).read_text().strip())
    assert all("--hash=sha256:" in entry for entry in entries)
    return dict(entry.split()[0].split("==") for entry in entries)


def linted(text: str) -> list[str]:
    """What hadolint says of a container file."""
    hadolint = program("hadolint", "it comes with requirements.lock on Linux x86-64")
    done = subprocess.run(
        [hadolint, "--format", "json", "-"], input=text, capture_output=True, text=True, timeout=60, check=False
    )
    return [one["code"] for one in json.loads(done.stdout)]


def test_the_linter_finds_nothing_and_would_find_something() -> None:
    assert linted(CONTAINER) == []
    assert "DL3007" in linted("FROM debian:latest\nRUN cd /tmp\n")


def test_it_is_nobody_and_starts_without_a_shell() -> None:
    assert re.findall(r"^USER (.*)$", LAST, re.MULTILINE) == ["10001:10001"]
    assert words("ENTRYPOINT") == ["pinset"]
    assert words("CMD")[:3] == ["serve", "--init", "--closed"]
    assert LAST.index("VOLUME /data") > LAST.index("install --directory --owner=10001")
    assert "PYTHONDONTWRITEBYTECODE=1" in LAST
    assert "PINSET_REGISTRY=/data" in LAST


def test_the_base_is_pinned_and_the_last_stage_installs_only_git() -> None:
    assert re.search(r"^ARG BASE=\S+:\d+\.\d+\.\d+-slim-\w+(@sha256:[0-9a-f]{64})?$", CONTAINER, re.MULTILINE)
    assert re.findall(r"install --yes --no-install-recommends (.*?)(?: \\)?$", LAST, re.MULTILINE) == ["git"]
    assert "pip install" not in LAST
    assert len(re.findall(r"pip .*install .*--require-hashes", BUILD)) == 2


def test_what_it_says_of_itself_is_so() -> None:
    assert f'image.version="{VERSION}"' in LAST
    assert f'image.licenses="{PROJECT["project"]["license"]}"' in LAST
    assert COMPOSE["image"] == f"pinset:{VERSION}"


def test_the_engine_may_wait_longer_than_the_server_takes() -> None:
    assert int(COMPOSE["stop_grace_period"].removesuffix("s")) > GRACE_SECONDS


def test_the_health_check_of_both_is_one_that_python_takes() -> None:
    check = words("HEALTHCHECK")
    assert COMPOSE["healthcheck"]["test"] == ["CMD", *check]
    compile(check[2], "health", "exec")
    assert check[:2] == ["python", "-c"]


def test_compose_takes_everything_away_that_is_not_needed() -> None:
    assert (COMPOSE["read_only"], COMPOSE["cap_drop"]) == (True, ["ALL"])
    assert COMPOSE["security_opt"] == ["no-new-privileges:true"]
    assert all(port.startswith("127.0.0.1:") for port in COMPOSE["ports"])
    assert COMPOSE["volumes"] == ["registry:/data"]
    assert [mount.partition(":")[0] for mount in COMPOSE["tmpfs"]] == ["/tmp"]


def test_compose_is_taken_by_its_own_program() -> None:
    asked = ["docker", "compose", "--file", str(ROOT / "compose.yaml"), "config", "--quiet"]
    if (
        shutil.which("docker") is None
        or subprocess.run([*asked[:2], "version"], capture_output=True, check=False).returncode
    ):
        pytest.skip("docker compose is not installed; what the file says is tested above")
    subprocess.run(asked, check=True)


@pytest.mark.parametrize("name", ["build", "cli", "server"])
def test_a_small_lock_is_a_part_of_the_large_one(name: str) -> None:
    small, large = locked(f"packaging/locks/{name}.lock"), locked("requirements.lock")
    assert small.items() <= large.items()
    assert not {"pytest", "mypy", "psycopg"} & set(small)


def test_the_locks_hold_what_the_project_asks_for() -> None:
    def asked(*extras: str) -> Iterator[str]:
        wanted = [one for extra in extras for one in PROJECT["project"]["optional-dependencies"][extra]]
        for one in [*PROJECT["project"]["dependencies"], *wanted]:
            name = re.match(r"[A-Za-z0-9._-]+", one)
            assert name is not None
            if name[0] != "pinset":
                yield name[0].lower().replace("_", "-")

    assert set(asked("cli")) <= set(locked("packaging/locks/cli.lock"))
    assert set(asked("cli", "server", "costs")) <= set(locked("packaging/locks/server.lock"))


def test_only_what_is_copied_is_sent_to_the_engine() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    sent = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copied = {one for line in re.findall(r"^COPY (?!--from)(.*)$", BUILD, re.MULTILINE) for one in line.split()[:-1]}
    assert sent == copied
    assert all((ROOT / one).exists() for one in copied)
