"""`pinset init --from CLONE`."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

from pinset_cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def clone(home: Path, to: Path) -> str:
    subprocess.run(["git", "clone", "-q", "--mirror", home / "repository.git", to], check=True)
    return str(to)


def test_a_clone_becomes_a_registry(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "bundle"
    assert main(["new", "assistant", str(bundle)]) == 0
    assert main(["publish", str(bundle), "--alias", "production", "--registry", str(home)]) == 0
    source = clone(home, tmp_path / "clone")
    capsys.readouterr()
    assert main(["init", str(tmp_path / "one"), "--from", source]) == 0
    told = capsys.readouterr()
    assert told.out.endswith(f" in {tmp_path / 'one' / '.pinset'}, epoch 2, serial 1003\n")
    assert "tokens are not in git" in told.err
    monkeypatch.chdir(tmp_path)
    assert main(["init", "two", "--from", "clone", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["epoch"] == 2
    assert main(["get", "assistant", "--registry", str(tmp_path / "one"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["version"] == 1
    assert main(["init", str(tmp_path / "one"), "--from", source]) == 4


def test_what_is_no_clone_of_a_registry_is_refused_with_a_way_out(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = clone(home, tmp_path / "clone")
    for source, status, told in (
        (str(home), 2, "pinset restore"),
        (str(tmp_path / "nothing"), 3, "git clone --mirror"),
        ("https://example.org/registry.git", 2, "git clone --mirror"),
        (empty, 7, "git clone --mirror"),
    ):
        assert main(["init", str(tmp_path / "one"), "--from", source]) == status
        assert told in capsys.readouterr().err
    assert not (tmp_path / "one").exists()
