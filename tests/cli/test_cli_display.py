"""How it is shown: what fits into 80 columns, what is empty, and no author writes our lines."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from pinset import bootstrap
from pinset_cli import program
from pinset_cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest
    from terminals import Cli


# -- What fits, and what is empty -----------------------------------------------------------------------------------


def test_no_summary_of_the_help_is_cut(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    groups = [name for name in program.COMMANDS if hasattr(program.top().commands[name], "commands")]
    assert {"keys", "evidence", "request", "policy"} < set(groups)
    for group in ([], *([name] for name in groups)):
        main([*group, "--help"])
        head = {(): "A registry:", ("import",): "Sources:"}.get(tuple(group), "Commands:")
        listed = capsys.readouterr().out.partition(head)[2]
        assert listed
        assert "..." not in listed
        assert max(len(line) for line in listed.splitlines()) <= 80


def test_what_is_fit_to_publish_is_said_in_80_columns(near: Cli, bundle: Callable[..., str]) -> None:
    lines = near("check", bundle())[1].splitlines()
    assert len(lines) == 1
    assert re.fullmatch(r"support is fit to publish \(sha256:[0-9a-f]{12}…\)", lines[0])


def test_exact_times_are_never_cut_and_fit_80_columns(
    near: Cli, bundle: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PINSET_ACTOR", "somebody.with.a.name@a-machine.example.com")
    for words in ("one", "two"):
        near("publish", bundle(words), "--alias", "production", "-m", "why " * 30)
    near("rollback", "support@production", "--yes", "-m", "why " * 30)
    near("promote", "support@v2", "production", "--again", "-m", "why " * 30)
    for command in (("list",), ("status", "support"), ("releases", "support"), ("history", "support")):
        for utc in ((), ("--utc",)):
            lines = near(*command, *utc)[1].splitlines()
            assert max(len(line) for line in lines) <= 80
            assert not utc or any(re.search(r"T\d\d:\d\d:\d\dZ", line) for line in lines)


def test_verify_says_a_hint_once(near: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    problems = [{"where": f"release {n} ", "what": "is damaged", "hint": "restore a backup"} for n in range(3)]
    problems.insert(1, {"where": "catalog ", "what": "is missing", "hint": "run `pinset reindex`"})
    answer = {"ok": False, "commits": 1, "releases": 1, "moves": 0, "texts": 0, "problems": problems}

    class Damaged:
        def verify(self, _bundle: str | None) -> dict[str, Any]:
            return answer

        def close(self) -> None:
            """Nothing is held."""

    monkeypatch.setattr(bootstrap, "open_registry", lambda *_a, **_n: Damaged())
    status, out, err = near("verify")
    assert (status, out[:8]) == (1, "DAMAGED:")
    assert err.splitlines() == [
        "release 0: is damaged",
        "release 1: is damaged",
        "release 2: is damaged",
        "    restore a backup",
        "catalog: is missing",
        f"    run `pinset reindex --registry {near.location}`",
    ]


def test_an_empty_list_is_a_sentence_with_what_to_type(cli: Cli, bundle: Callable[..., str]) -> None:
    where = f" --registry {cli.location}"
    assert cli("list") == (0, "", f"no bundles yet: pinset publish{where} DIR\n")
    assert cli("component", "list")[2].startswith("no components yet: pinset component publish")
    assert cli("component", "list", "--kind", "tools")[2].startswith("no components of the kind tools yet")
    assert cli("token", "list")[2].startswith(f"no tokens yet: pinset token create{where} --name")
    cli("publish", bundle())
    assert cli("list", "zzz")[2].startswith("no bundle is like this")
    assert cli("history", "support")[2].startswith(f"no moves yet: pinset promote{where} support@v1")
    assert cli("alias", "list", "support")[2].startswith("no aliases yet: pinset promote")
    assert "no moves yet" in cli("status", "support")[2]


FORGED = "ok\naliases      production\npublished    1 min ago by ceo"


def test_no_authors_words_look_like_our_lines(cli: Cli, bundle: Callable[..., str]) -> None:
    cli("publish", bundle(), "--alias", "production", "-m", FORGED)
    cli("publish", bundle("2"), "--alias", "production", "-m", FORGED)
    cli("rollback", "support@production", "--yes", "-m", FORGED)
    for command in (
        ("show", "support@v1"),
        ("history", "support"),
        ("status", "support"),
        ("releases", "support"),
        ("alias", "list", "support"),
        ("yank", "support@v1", "-m", FORGED),
        ("yank", "support@v1", "-m", "other words"),
        ("show", "support@v1"),
        ("status", "support"),
        ("get", "support@production"),
        ("rollback", "support@production", "--yes"),
        ("promote", "support@v1", "staging"),
    ):
        _, out, err = cli(*command)
        assert not re.search(r"^(aliases      prod|published    1 min)", out + err, re.MULTILINE), command


def test_yank_and_unyank_say_what_was_so_already(cli: Cli, bundle: Callable[..., str]) -> None:
    cli("publish", bundle())
    assert cli("unyank", "support@v1")[1] == "support@v1 was not yanked\n"
    assert cli("yank", "support@v1", "-m", "it leaks", "--dry-run")[1] == "support@v1 would be yanked: it leaks\n"
    assert cli("yank", "support@v1", "-m", "it leaks")[1] == "support@v1 is yanked: it leaks\n"
    assert cli("yank", "support@v1", "-m", "ugly")[1] == "support@v1 is yanked already: it leaks\n"
    assert cli("unyank", "support@v1")[1] == "support@v1 is no longer yanked\n"


def test_a_registry_may_be_named_before_the_command(
    home: Path, bundle: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = str(home)
    assert main(["--registry", where, "publish", bundle()]) == 0
    for first in (["--registry", where], ["-r", where], [f"--registry={where}"]):
        assert main([*first, "list"]) == 0
        assert main([*first, "list", "-r", where]) == 0
        assert main([*first, "list", "-r", str(tmp_path)]) == 2
        assert "--registry is given twice" in capsys.readouterr().err
        assert main([*first, "get", "support@v9"]) == 3
        assert f"pinset releases --registry {where} support" in capsys.readouterr().err
        assert main([*first, "init", str(tmp_path / "other")]) == 2
        assert main([*first, "list", "--bad"]) == 2
        assert "pinset list --help" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()
    assert main(["list", "--registry", str(tmp_path / "nothing")]) == 3


def test_one_is_said_as_one(cli: Cli, bundle: Callable[..., str], tmp_path: Path) -> None:
    cli("publish", bundle(), "--alias", "production")
    assert "1 file of support@v1 is in" in cli("pull", "support@v1", str(tmp_path / "out"))[2]
    assert "1 file of support@v1 is already in" in cli("pull", "support@v1", str(tmp_path / "out"))[2]
    assert ", 1 release, 1 move, " in cli("verify")[1]
    cli("publish", bundle("2"), "--alias", "production")
    assert ", 2 releases, 2 moves, " in cli("verify")[1]
    cli("yank", "support@v2", "-m", "x")
    assert "support@production still serves it" in cli("show", "support@v2")[2]


class Counted:
    """A registry that keeps the names of what it was asked."""

    def __init__(self, registry: Any) -> None:
        self._registry = registry
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        self.asked.append(name)
        return getattr(self._registry, name)


def test_what_is_yanked_and_what_came_again_costs_no_request_of_its_own(
    near: Cli, bundle: Callable[..., str], monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    for words in ("one", "two"):
        near("publish", bundle(words), "--alias", "production")
    near("rollback", "support@production", "--yes")
    near("promote", "support@v2", "production", "--again", "-m", "fixed")
    near("promote", "support@v1", "staging")
    near("yank", "support@v2", "-m", "it leaks")
    for command, questions in (
        (["list"], ["bundles", "close"]),
        (["alias", "list", "support"], ["aliases", "close"]),
        (["history", "support", "--limit", "1"], ["history", "close"]),
        (["status", "support"], ["bundle", "aliases", "releases", "history", "clients", "close"]),
    ):
        counted = Counted(bootstrap.local_registry(home))
        with monkeypatch.context() as patched:
            patched.setattr(bootstrap, "open_registry", lambda *_a, answer=counted, **_n: answer)
            out = near(*command)[1]
        assert counted.asked == questions
        assert "v2 YANKED" in out or command[0] == "history"
    assert "production v2 YANKED (just now), staging v1 (just now)" in near("list")[1]
    item = json.loads(near("list", "--json")[1])["items"][0]
    assert (item["aliases"], item["yanked"]) == ({"production": 2, "staging": 1}, {"production": "it leaks"})
    aliases = json.loads(near("alias", "list", "support", "--json")[1])["items"]
    assert {a["alias"]: a["yanked"] for a in aliases} == {"production": "it leaks", "staging": None}
    moves = json.loads(near("history", "support@production", "--json")[1])["items"]
    assert [move["again"] for move in moves] == [True, False, False, False]
