"""serve: the registry made at its first start, and nobody let in before there is a token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pinset import bootstrap
from pinset.api import server
from pinset.bootstrap import serving
from pinset.errors import PermissionDenied
from pinset_cli.main import main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, dict[str, Any]]]:
    """What is given to the server in the place of serving."""
    calls: list[tuple[Path, dict[str, Any]]] = []
    monkeypatch.setattr("pinset.bootstrap.serve_registry", lambda home, **given: calls.append((home, given)))
    return calls


def test_an_empty_directory_becomes_a_registry_once(
    started: list[tuple[Path, dict[str, Any]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    volume = tmp_path / "volume"
    volume.mkdir()
    (volume / "lost+found").mkdir()
    assert main(["serve", "--registry", str(volume)]) == 3
    capsys.readouterr()
    assert main(["serve", "--init", "--closed", "--registry", str(volume)]) == 0
    assert f"made a registry in {volume / '.pinset'} (id " in capsys.readouterr().err
    found = bootstrap.local_registry(volume)
    identity = found.describe()["id"]
    found.close()
    assert main(["serve", "--init", "--registry", str(volume)]) == 0
    assert main(["serve", "--init", "--registry", str(volume / ".pinset")]) == 0
    assert capsys.readouterr().err == ""
    assert {home for home, _ in started} == {volume / ".pinset"}
    assert [given["closed"] for _, given in started] == [True, False, False]
    found = bootstrap.local_registry(volume)
    assert found.describe()["id"] == identity
    found.close()


def test_without_a_name_it_is_made_here(
    started: list[tuple[Path, dict[str, Any]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["serve", "--init"]) == 0
    assert [home.absolute() for home, _ in started] == [tmp_path / ".pinset"]


def test_a_registry_that_lost_its_repository_is_never_made_anew(
    started: list[tuple[Path, dict[str, Any]]], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "repository.git").rename(home / "elsewhere")
    assert main(["serve", "--init", "--registry", str(home)]) == 7
    assert "has lost its repository.git" in capsys.readouterr().err
    assert started == []


def test_an_address_is_no_place_to_make_one(started: list[tuple[Path, dict[str, Any]]]) -> None:
    assert main(["serve", "--init", "--registry", "http://127.0.0.1:9"]) == 2
    assert started == []


def test_another_address_is_listened_on_without_tokens_only_where_nobody_is_let_in(home: Path) -> None:
    registry = bootstrap.local_registry(home)
    with pytest.raises(PermissionDenied, match="serves this machine only") as refused:
        server.listen(registry, "203.0.113.1", 0)
    assert "--closed" in refused.value.hint
    listening = server.listen(registry, "127.0.0.1", 0, closed=True)
    listening.close()
    registry.close()


def test_workers_learn_that_it_is_closed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(server, "run", lambda *_, **__: seen.append(serving.os.environ[serving._CLOSED]))
    for name in ("DIRECTORY", "SCRUB_HOURS", "WORKERS", "LOG", "LOG_REQUESTS", "PAGES", "CLOSED", "CONFIG"):
        monkeypatch.setenv(f"PINSET_SERVED_{name}", "")
    monkeypatch.setattr("pinset.api.logs.configure", lambda _: None)
    for closed in (True, False):
        serving.serve_registry(home, host="127.0.0.1", port=0, workers=1, talk=lambda _: None, closed=closed)
    assert seen == ["1", ""]
