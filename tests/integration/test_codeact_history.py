"""A real agent's history of 63 states, published, promoted and rolled back through the command line."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pinset import bootstrap
from pinset.ports.registry import Caller
from pinset_cli.main import main

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HISTORY = Path(__file__).parents[2].parent / "shared/data/codeact-history"
STATES, DISTINCT, BACK = 63, 60, 10
ALIAS_REF = "refs/heads/aliases/codeact/production"

pytestmark = pytest.mark.skipif(not HISTORY.is_dir(), reason=f"the history of states is not at {HISTORY.name}/")


def states() -> list[dict[str, str]]:
    """Every state's files by path, with the manifest that binds them."""
    return [_bound(folder) for folder in sorted(HISTORY.iterdir()) if folder.is_dir()]


def _bound(folder: Path) -> dict[str, str]:
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes().decode()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "origin.json"
    }
    prompts = "".join(f"    {Path(p).stem}: {p}\n" for p in files if p.startswith("prompts/"))
    tools = ", ".join(p for p in files if p.startswith("tools/"))
    files["release.yaml"] = (
        "release:\n  feature: codeact\n  model: {name: claude, pinned_version: '2025-05-14'}\n"
        f"  prompts:\n{prompts}  tools: [{tools}]\n"
    )
    return files


def write(folder: Path, files: Mapping[str, str]) -> str:
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())
    return str(folder)


def promoted(home: Path, versions: Iterable[int]) -> list[Any]:
    """The moves that make production serve one version after another."""
    registry = bootstrap.local_registry(home)
    try:
        return [registry.promote(Caller(actor="ada"), f"codeact@v{version}", "production") for version in versions]
    finally:
        registry.close()


def difference(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}


class Pinset:
    """The command line on one registry."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home, self._capsys = home, capsys
        assert main(["init", str(home)]) == 0
        capsys.readouterr()

    def __call__(self, *arguments: str) -> Any:
        status = main([*arguments, "--registry", str(self.home), "--json"])
        said = self._capsys.readouterr()
        assert status == 0, said.err
        return json.loads(said.out)

    def git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.home / ".pinset/repository.git"), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def pinset(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Pinset:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.delenv("PINSET_REGISTRY", raising=False)
    return Pinset(tmp_path / "registry", capsys)


def test_a_real_history_goes_in_forward_and_back(pinset: Pinset, tmp_path: Path) -> None:
    given = states()
    assert len(given) == STATES
    folders = [write(tmp_path / f"state{number:02}", files) for number, files in enumerate(given)]

    published = pinset("publish", *folders)["items"]
    assert sum(answer["created"] for answer in published) == DISTINCT
    again = pinset("publish", *folders)["items"]
    assert not any(answer["created"] for answer in again)
    assert [answer["ref"] for answer in again] == [answer["ref"] for answer in published]
    by_version: dict[int, dict[str, str]] = {}
    for answer, files in zip(published, given, strict=True):
        assert by_version.setdefault(answer["version"], files) == files, "one version, one content"
    assert sorted(by_version) == list(range(1, DISTINCT + 1))

    moves = promoted(pinset.home, by_version)
    for before, after in itertools.pairwise(moves):
        changed = set(pinset.git("diff", "--name-only", before["revision"], after["revision"]).split())
        expected = difference(by_version[before["to"]], by_version[after["to"]])
        assert changed == expected | {"manifest.json"}, (before["to"], after["to"])

    for step in range(1, BACK + 1):
        answer = pinset("rollback", "codeact@production", "--yes")
        assert (answer["action"], answer["to"]) == ("rollback", DISTINCT - step)
        trees = [f"{answer[commit]}^{{tree}}" for commit in ("revision", "release_commit")]
        now, then = pinset.git("rev-parse", *trees).split()
        assert now == then
    assert int(pinset.git("rev-list", "--first-parent", "--count", ALIAS_REF)) == DISTINCT + BACK + 1  # and the root

    assert pinset("verify")["ok"]
    pinset.git("fsck", "--strict", "--full")


def test_a_pulled_state_is_nothing_new(pinset: Pinset, tmp_path: Path) -> None:
    files = states()[-1]
    folder = write(tmp_path / "given", files)
    assert pinset("publish", folder)["created"]
    assert main(["pull", "codeact@v1", str(tmp_path / "pulled"), "--registry", str(pinset.home)]) == 0
    pulled = tmp_path / "pulled"
    assert {path: (pulled / path).read_bytes() for path in files} == {p: text.encode() for p, text in files.items()}
    pinset._capsys.readouterr()
    assert not pinset("publish", str(pulled))["created"]
