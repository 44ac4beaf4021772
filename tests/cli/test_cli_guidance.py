"""What people are told of what follows from a command, and what to type next."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING

from terminals import Cli, Terminal

from pinset import bootstrap
from pinset_cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

DRY = "(dry run: nothing was changed)"


# -- Aliases ------------------------------------------------------------------------------------------------------


def test_a_new_alias_that_looks_like_another_is_asked_about(cli: Cli, bundle: Callable[..., str]) -> None:
    said = "warning: {} is a new alias; did you mean {}?"
    cli("publish", bundle(), "--alias", "canary-1")
    assert said.format("prodcution", "production") in cli("promote", "support@v1", "prodcution", "--dry-run")[2]
    assert said.format("canayr-1", "canary-1") in cli("promote", "support@v1", "canayr-1")[2]
    answer = json.loads(cli("promote", "support@v1", "prod-uction", "--json")[1])
    assert answer["warnings"] == ["prod-uction is a new alias; did you mean production?"]
    assert said.format("stagin", "staging") not in cli("publish", bundle("2"), "--alias", "stagin")[2]
    assert said.format("staging", "stagin") in cli("publish", bundle("3"), "--alias", "staging")[2]


def test_an_alias_that_is_known_or_merely_numbered_is_not_asked_about(cli: Cli, bundle: Callable[..., str]) -> None:
    cli("publish", bundle(), "--alias", "canary-1")
    for alias in ("canary-2", "production", "staging"):
        assert "did you mean" not in cli("promote", "support@v1", alias)[2]
    cli("promote", "support@v1", "prodcution")
    cli("publish", bundle("2"))
    assert "did you mean" not in cli("promote", "support@v2", "prodcution")[2]


def test_a_yanked_release_is_marked_wherever_its_aliases_are_seen(cli: Cli, bundle: Callable[..., str]) -> None:
    cli("publish", bundle(), "--alias", "production")
    cli("promote", "support@v1", "staging")
    _, _, err = cli("yank", "support@v1", "-m", "it leaks")
    assert "support@production, support@staging still serve it" in err
    assert f"pinset rollback --registry {cli.location} support@staging" in err
    assert "production v1 YANKED" in cli("list")[1]
    assert re.search(r"production +v1 YANKED", cli("alias", "list", "support")[1])
    status = cli("status", "support")
    assert re.search(r"staging +v1 YANKED", status[1])
    assert "warning: support@production serves v1, which is yanked: it leaks" in status[2]
    got = cli("get", "support")
    assert json.loads(got[1])["yanked"] == "it leaks"
    assert "warning: support@production serves support@v1, which is yanked: it leaks" in got[2]
    assert "support@v1 is yanked: it leaks" in cli("get", "support@v1")[2]
    shown = cli("show", "support")
    assert re.search(r"YANKED +it leaks", shown[1])
    assert "support@production, support@staging still serve it" in shown[2]


# -- Dry runs -----------------------------------------------------------------------------------------------------


def test_every_dry_run_ends_with_that_nothing_was_changed(cli: Cli, bundle: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "tone.md").write_text("Be kind.")
    cli("publish", bundle("0"), "--alias", "production")
    cli("publish", bundle("1"), "--alias", "production")
    for command in (
        ("publish", bundle("2"), "--alias", "staging"),
        ("component", "publish", "prompts/tone", str(tmp_path / "tone.md")),
        ("promote", "support@v1", "staging"),
        ("rollback", "support@production"),
        ("alias", "retire", "support@production"),
        ("yank", "support@v1", "-m", "no"),
        ("unyank", "support@v1"),
        ("pull", "support@v1", str(tmp_path / "pulled")),
        ("token", "create", "--name", "x", "--can", "admin"),
    ):
        status, _, err = cli(*command, "--dry-run")
        assert (status, err.splitlines()[-1]) == (0, DRY), command
    assert "would serve v3" in cli("publish", bundle("2"), "--alias", "staging", "--dry-run")[2]


def test_a_token_of_a_dry_run_is_none(cli: Cli) -> None:
    status, out, err = cli("token", "create", "--name", "ci", "--can", "write", "--dry-run")
    assert (status, out) == (0, "")
    assert "pst_" not in err.replace("PINSET_TOKEN=pst_…", "")
    assert "ci could write until " in err
    assert "no tokens yet" in cli("token", "list")[2]


# -- Rollback -----------------------------------------------------------------------------------------------------


def test_a_rollback_says_what_it_bars_and_how_that_comes_back(cli: Cli, bundle: Callable[..., str]) -> None:
    for words in ("one", "two"):
        cli("publish", bundle(words), "--alias", "production")
    back = f"pinset promote --registry {cli.location} support@v2 production --again -m TEXT"
    for options, verb in ((["--dry-run"], "would be barred"), (["--yes"], "is now barred")):
        status, out, err = cli("rollback", "support@production", *options)
        assert (status, out) == (0, "support@production: v2 -> v1\n")
        assert f"v2 {verb} from production" in err
        assert back in err
    cli("promote", "support@v2", "production", "--again", "-m", "mended")
    rows = cli("history", "support@production")[1].splitlines()
    assert "--again: mended" in rows[1]
    assert "--again" not in "".join(rows[2:])


def test_a_rollback_that_is_declined_changes_nothing_and_is_a_no(
    near: Cli, bundle: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for words in ("one", "two"):
        near("publish", bundle(words), "--alias", "production")
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    status, out, err = near("rollback", "support@production")
    assert (status, out.strip()) == (1, "")
    assert "v2 will be barred from production" in err
    assert err.endswith("nothing was changed\n")
    assert "production v2" in near("list")[1]


def test_with_too_many_steps_the_steps_there_are_are_said(cli: Cli, bundle: Callable[..., str]) -> None:
    for words in ("one", "two", "three"):
        cli("publish", bundle(words), "--alias", "production")
    status, _, err = cli("rollback", "support@production", "--steps", "7", "--yes")
    assert status == 5
    assert "support@production has 2 steps to go back, not 7" in err
    assert "support@production --steps 2" in err


def test_with_nothing_behind_only_a_release_that_may_be_promoted_is_suggested(
    cli: Cli, bundle: Callable[..., str]
) -> None:
    for words in ("one", "two"):
        cli("publish", bundle(words), "--alias", "production")
    cli("rollback", "support@production", "--yes")
    status, _, err = cli("rollback", "support@production", "--yes")
    assert status == 5
    assert "pinset promote" not in err  # v1 is served, v2 is barred
    assert "publish a release" in err
    cli("publish", bundle("three"))
    cli("publish", bundle("four"))
    cli("yank", "support@v4", "-m", "no")
    assert "support@v3 production" in cli("rollback", "support@production", "--yes")[2]


def test_a_time_is_read_before_anything_is_asked(near: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    for time in ("yesterday", "2025-03-14T09:30:00"):
        status, _, err = near("rollback", "nothing@production", "--at", time)
        assert status == 2
        assert "is not a time" in err
        assert "2025-03-14T09:30:00Z" in err


def test_the_times_that_are_shown_are_times_to_roll_back_to(
    near: Cli, bundle: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    near("publish", bundle("one"), "--alias", "production")
    # What is shown has whole seconds: the second move is in another one.
    now = bootstrap.SystemClock().now()
    monkeypatch.setattr(bootstrap.SystemClock, "now", lambda _self: now + 1_100_000)
    near("publish", bundle("two"), "--alias", "production")
    first = near("history", "support@production", "--utc")[1].splitlines()[-1]
    found = re.search(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", first)
    assert found is not None
    assert "v2 -> v1" in near("rollback", "support@production", "--at", found[0], "--yes")[1]
    for command in (("status", "support"), ("releases", "support"), ("alias", "list", "support"), ("list",)):
        assert re.search(r"T\d\d:\d\d:\d\dZ", near(*command, "--utc")[1])
    assert re.search(r"published .*(?:ago|now) \(20..-", near("show", "support")[1])


# -- Tokens and serving -------------------------------------------------------------------------------------------


def test_the_first_and_the_last_token_change_who_is_let_in(near: Cli, served: str) -> None:
    far = ("--registry", served)
    assert main(["token", "create", "--name", "ci", "--can", "write", *far]) == 0
    _, out, err = near("token", "create", "--name", "me", "--can", "admin")
    assert out.startswith("pst_")
    assert "the first token" not in err
    assert "last token" not in near("token", "revoke", "me")[2]
    assert "this is the last token" in near("token", "revoke", "ci", "--dry-run")[2]
    assert "this was the last token" in near("token", "revoke", "ci")[2]


def test_the_first_token_locks_out_who_has_none(
    served: str, capsys: pytest.CaptureFixture[str], near: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = ("--registry", served)
    assert main(["token", "create", "--name", "ci", "--can", "write", *far]) == 0
    captured = capsys.readouterr()
    assert "ci is the first token" in captured.err
    assert "export PINSET_TOKEN=pst_" in captured.err
    assert "ci is not admin" in captured.err
    assert served not in captured.err  # the way out is not over HTTP
    assert "without any again" in captured.err
    assert main(["list", *far]) == 6
    assert "export PINSET_TOKEN=" in capsys.readouterr().err
    monkeypatch.setenv("PINSET_TOKEN", captured.out.strip())
    assert main(["list", *far]) == 0
    near("token", "revoke", "ci")
    assert "is not admin" not in near("token", "create", "--name", "me", "--can", "admin")[2]


def test_serving_without_its_packages_says_what_to_install(near: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    status, _, err = near("serve")
    assert status == 2
    assert "pip install 'pinset[server]'" in err
    assert "bug" not in err
