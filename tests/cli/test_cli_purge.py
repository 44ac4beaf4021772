"""`pinset purge` asks, says what it did and what it cannot do, and is answered for afterwards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from terminals import Cli, Terminal

from pinset import bootstrap
from purge_steps import prepare, traces

if TYPE_CHECKING:
    from pathlib import Path

PURGE = ("purge", "support@v2", "--file", "prompts/system.md", "-m", "it holds a password")
REFS = "support@v2, support@v3, other@v1"


@pytest.fixture
def prepared(home: Path) -> None:
    registry = bootstrap.local_registry(home)
    prepare(registry)
    registry.close()


@pytest.mark.usefixtures("prepared")
def test_it_asks_and_says_what_it_did(near: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cli = near
    assert cli(*PURGE)[0] == 2, "there is nobody to ask"
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    status, out, err = cli(*PURGE)
    assert (status, out.strip()) == (1, "")
    assert "    support@v2 (2025-rc2): prompts/system.md\n    support@v3: prompts/system.md\n" in err
    assert "nothing was changed" in err
    assert cli("get", "support@v2")[0] == 0
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    status, out, err = cli(*PURGE)
    assert (status, out.strip()) == (0, f"{REFS}: purged")
    assert "6 commits from write 4 on are written anew" in err
    assert "backups, clones and mirrors" in err
    assert traces(home, "zebra-77") == []
    status, _, err = cli("get", "support@v2")
    assert (status, err.splitlines()[0]) == (3, "error: support@v2 was purged: it holds a password")
    shown = cli("show", "support@v2")[1]
    assert "PURGED" in shown
    assert shown.rstrip().endswith(": it holds a password")
    assert "PURGED: it holds a password" in cli("releases", "support")[1]
    assert "v1 -> v2 PURGED" in cli("history", "support")[1]
    assert cli.json("show", "support@v2")["content"] is None
    assert cli.json("verify")["ok"]
    assert cli(*PURGE, "--yes")[0] == 3


@pytest.mark.usefixtures("prepared")
def test_a_dry_run_and_json_say_it_all(near: Cli) -> None:
    status, out, err = near(*PURGE, "--dry-run")
    assert (status, out) == (0, f"{REFS} would be purged\n")
    assert "dry run: nothing was changed" in err
    planned = near.json(*PURGE, "--dry-run")
    made = near.json(*PURGE, "--yes")
    assert planned["operation"] is None
    assert (made["purged"], made["texts"]) == (planned["purged"], planned["texts"])
    assert made["operation"]
    assert near.json("show", "other@v1")["purged"]["reason"] == "it holds a password"
    watched = near("watch", "other", "--after", "1", "--wait", "0", "--json")[1].splitlines()
    assert [json.loads(line)["event"] for line in watched][-1] == "purge"
    assert f"{REFS}  purged by" in near("watch", "other", "--after", "1", "--wait", "0")[1]


@pytest.mark.usefixtures("prepared")
def test_what_is_wrong_is_said_with_a_way_out(near: Cli) -> None:
    near("promote", "support@v3", "staging")
    for arguments, status, said in (
        ((*PURGE, "--yes"), 5, "support@staging serves support@v3"),
        (("purge", "support@v2", "-m", "x", "--yes"), 2, "--file prompts/system.md"),
        (("purge", "support@v2", "--file", "prompts/system.md", "--yes"), 2, "wants a reason"),
        (("purge", "support@v2", "--file", "nowhere.md", "-m", "x", "--yes"), 3, "its files are"),
        (("purge", "prompts/house-tone@v1", "--all-files", "-m", "x", "--yes"), 3, "there is no"),
        (("purge", "support", "--all-files", "-m", "x", "--yes"), 2, "add a selector"),
    ):
        found, out, err = near(*arguments)
        assert (found, out) == (status, ""), err
        assert said in err
