"""serve: the registry made at its first start, and nobody let in before there is a token."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Final

import pytest

from pinset import bootstrap
from pinset.api import server
from pinset.errors import PermissionDenied
from pinset_cli.main import main

if TYPE_CHECKING:
    from pathlib import Path


VARIABLES: Final = ("DIRECTORY", "SCRUB_HOURS", "WORKERS", "LOG", "LOG_REQUESTS", "PAGES", "CLOSED", "CONFIG")


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Which directory would be served, and whether closed; nothing is."""
    for name in VARIABLES:
        monkeypatch.setenv(f"PINSET_SERVED_{name}", "")
    calls: list[tuple[str, str]] = []

    def run(*_: Any, **__: Any) -> None:
        calls.append((os.environ["PINSET_SERVED_DIRECTORY"], os.environ["PINSET_SERVED_CLOSED"]))

    monkeypatch.setattr(server, "run", run)
    return calls


def serve(*words: object) -> int:
    return main(["serve", "--port", "0", *map(str, words)])


def test_an_empty_directory_becomes_a_registry_once(
    started: list[tuple[str, str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    volume = tmp_path / "volume"
    volume.mkdir()
    (volume / "lost+found").mkdir()
    assert serve("--registry", volume) == 3
    capsys.readouterr()
    assert serve("--init", "--closed", "--registry", volume) == 0
    assert f"made a registry in {volume / '.pinset'} (id " in capsys.readouterr().err
    found = bootstrap.local_registry(volume)
    identity = found.describe()["id"]
    found.close()
    assert serve("--init", "--registry", volume) == 0
    assert serve("--init", "--registry", volume / ".pinset") == 0
    assert capsys.readouterr().err == ""
    assert started == [(str(volume / ".pinset"), closed) for closed in ("1", "", "")]
    found = bootstrap.local_registry(volume)
    assert found.describe()["id"] == identity
    found.close()


def test_without_a_name_it_is_made_here(
    started: list[tuple[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert serve("--init") == 0
    assert started == [(".pinset", "")]
    assert (tmp_path / ".pinset" / "repository.git").is_dir()


def test_what_is_refused_makes_nothing_and_json_stays_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert serve("--init", "--registry", tmp_path, "--log", "xml") == 2
    assert list(tmp_path.iterdir()) == []
    capsys.readouterr()
    assert serve("--init", "--registry", tmp_path, "--log", "json") == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert "made a registry in" in json.loads(line)["message"]


def test_a_registry_that_lost_its_repository_is_never_made_anew(
    started: list[tuple[str, str]], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "repository.git").rename(home / "elsewhere")
    assert serve("--init", "--registry", home) == 7
    assert "has lost its repository.git" in capsys.readouterr().err
    assert started == []


def test_an_address_is_no_place_to_make_one(started: list[tuple[str, str]]) -> None:
    assert serve("--init", "--registry", "http://127.0.0.1:9") == 2
    assert started == []


def test_another_address_is_listened_on_without_tokens_only_where_nobody_is_let_in(home: Path) -> None:
    registry = bootstrap.local_registry(home)
    with pytest.raises(PermissionDenied, match="serves this machine only") as refused:
        server.listen(registry, "203.0.113.1", 0)
    assert "--closed" in refused.value.hint
    listening = server.listen(registry, "127.0.0.1", 0, closed=True)
    listening.close()
    registry.close()
