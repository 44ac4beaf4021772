"""export: what it writes is what a client serves when there is nothing else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pinset import bootstrap
from pinset.client.client import Client
from pinset.errors import Unavailable
from pinset.ports.registry import Caller
from pinset.services.local import LocalRegistry
from pinset_cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable

ME = Caller(actor="ada")


@pytest.fixture
def location(request: pytest.FixtureRequest, home: Path, manifest: Callable[..., dict[str, str]]) -> str:
    """A registry with two bundles; a directory, or a server where the test says so."""
    registry = bootstrap.local_registry(home)
    registry.publish(ME, manifest(words="First."), alias="production")
    registry.publish(ME, manifest(words="Second."), alias="staging", label="2025-03-14")
    registry.publish(ME, manifest("billing"), alias="production")
    registry.close()
    return str(request.getfixturevalue("served")) if getattr(request, "param", "") == "server" else str(home)


both = pytest.mark.parametrize("location", ["directory", "server"], indirect=True)


@pytest.fixture
def export(
    location: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    (tmp_path / "app").mkdir()
    monkeypatch.chdir(tmp_path / "app")

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main(["export", *arguments, "--registry", location])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@both
def test_a_client_serves_the_snapshot_when_registry_and_cache_are_gone(
    export: Callable[..., tuple[int, str, str]], home: Path, tmp_path: Path
) -> None:
    status, out, err = export("support", "support@staging", "billing@v1", "-o", "shipped.json")
    assert status == 0, err
    assert [line.split()[:2] for line in out.splitlines()[:2]] == [
        ["support@v1", "production"],
        ["support@v2", "staging"],
    ]
    assert out.splitlines()[2].startswith("billing@v1  sha256:")
    assert "Client(snapshot='shipped.json')" in err
    shutil.rmtree(home)
    with Client("http://127.0.0.1:9", cache=None, snapshot="shipped.json") as client:
        served = client.get("support")
        assert (served.source, served.alias, served.version) == ("snapshot", "production", 1)
        assert served.render(ticket="x") == "Summarize x. First."
        assert client.get("support@staging").version == 2
        assert client.get("support@2025-03-14").digest == client.get("support@v2").digest
        assert client.get("billing@v1").source == "snapshot"
        with pytest.raises(Unavailable):
            client.get("billing")  # only its version was exported
    with Client(cache=None, snapshot="shipped.json") as client:
        assert client.get("support").source == "snapshot", "a registry need not even be named"


@both
def test_json_says_what_was_written(export: Callable[..., tuple[int, str, str]]) -> None:
    told: dict[str, Any] = json.loads(export("support", "support@v2", "--json")[1])
    written = json.loads(Path("snapshot.json").read_text())
    assert told["file"] == "snapshot.json"
    assert {**told, "releases": None, "file": None} == {**written, "releases": None, "file": None}
    assert (written["format"], len(written["registry"])) == (1, 36)
    assert told["exported_at"].endswith("Z")
    heads = ("ref", "bundle", "version", "label", "digest")
    assert [{key: one[key] for key in heads} for one in told["releases"]] == [
        {key: one[key] for key in heads} for one in written["releases"]
    ]
    assert [(one["alias"], one["seq"]) for one in told["releases"]] == [("production", 1), (None, None)]
    assert "manifest" in written["releases"][0]
    assert "manifest" not in told["releases"][0]


@both
def test_every_problem_is_told_and_nothing_is_written(export: Callable[..., tuple[int, str, str]]) -> None:
    status, out, err = export("support@canary", "billing", "nothing@v1")
    assert (status, out) == (3, "")
    assert "2 of 3 releases cannot be exported" in err
    assert "support@canary" in err
    assert "nothing" in err
    assert list(Path.cwd().iterdir()) == []
    assert export("support@canary")[2].startswith("error: the alias support@canary does not exist")


def test_a_dry_run_proves_all_and_writes_nothing(export: Callable[..., tuple[int, str, str]]) -> None:
    for more in ((), ("--json",)):
        status, out, err = export("support", "--dry-run", *more)
        assert status == 0
        assert "support@v1" in out
        assert err == "(dry run: nothing was changed)\n"
        assert export("nothing", "--dry-run", *more)[0] == 3
    assert list(Path.cwd().iterdir()) == []


def test_a_release_that_is_damaged_is_not_exported(
    export: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = LocalRegistry.sealed
    spoilt = {"release.yaml": "release: {}"}
    monkeypatch.setattr(LocalRegistry, "sealed", lambda self, ref: {**real(self, ref), "files": spoilt})
    assert export("support")[0] == 7
    assert list(Path.cwd().iterdir()) == []


def test_a_snapshot_is_replaced_whole_and_anything_else_is_left_alone(
    export: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert export("support")[0] == 0
    with Path("snapshot.json").open() as held:  # what was opened before stays what it was
        assert export("billing")[0] == 0
        assert json.load(held)["releases"][0]["bundle"] == "support"
    assert [path.name for path in Path.cwd().iterdir()] == ["snapshot.json"]
    Path("notes.txt").write_text("mine")
    assert export("support", "-o", "notes.txt")[0] == 4
    assert Path("notes.txt").read_text() == "mine"


def test_a_directory_that_cannot_be_written_leaves_nothing(export: Callable[..., tuple[int, str, str]]) -> None:
    status, _, err = export("support", "-o", "nowhere/snapshot.json")
    assert status == 8
    assert "cannot be written" in err
    assert list(Path.cwd().iterdir()) == []


def test_a_yanked_release_is_exported_with_a_warning(
    export: Callable[..., tuple[int, str, str]], location: str
) -> None:
    registry = bootstrap.open_registry(location)
    registry.yank(ME, "support@v2", reason="it leaks")
    registry.close()
    status, _, err = export("support@v2")
    assert status == 0
    assert "support@v2 is yanked: it leaks" in err
