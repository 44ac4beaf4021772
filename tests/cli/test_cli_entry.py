"""How commands begin and end: imports, statuses, errors, and who listens."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from terminals import Terminal

from pinset import errors
from pinset_cli import main as entry
from pinset_cli.main import main
from pinset_cli.program import top

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HEAVY = ("httpx", "yaml", "jsonschema", "detect_secrets", "jinja2", "rapidfuzz", "pygit2", "sqlmodel", "sqlalchemy",
         "pydantic", "fastapi", "uvicorn", "rfc8785")  # fmt: skip
LOOKING = {"check", "get", "render", "list", "status", "releases", "show", "history", "diff", "where-used", "watch", "verify",
           "component list", "component show", "alias list", "token list",
           "bundle show", "review", "search",
           "policy show", "policy history", "policy check", "can promote", "whoami",
           "evidence list", "evidence report", "request list", "request show", "keys list", "change list", "change show", "keys show",
           "audit list", "audit head", "audit verify", "blame"}  # fmt: skip
OF_A_DIRECTORY = {"init", "serve", "reindex", "gc", "backup", "restore", "repair"}


class Asked:
    """A registry that has one answer, or one error, for whatever it is asked; keeps the questions."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.questions: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def ask(*arguments: Any, **named: Any) -> Any:
            self.questions.append((name, arguments, named))
            if isinstance(self.answer, BaseException) and name != "close":
                raise self.answer
            return self.answer

        return ask


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], Asked]:
    def make(answer: Any) -> Asked:
        registry = Asked(answer)
        monkeypatch.setattr("pinset.bootstrap.open_registry", lambda *_args, **_named: registry)
        monkeypatch.setenv("PINSET_REGISTRY", "anywhere")
        return registry

    return make


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(str(Path(module.__file__ or "").parents[1]) for module in (errors, entry))
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_help_imports_nothing_heavier_than_typer() -> None:
    script = f"import sys; from pinset_cli.main import main; main(['--help']); print([m for m in {HEAVY} if m in sys.modules])"
    done = run("-c", script)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def commands(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    for name, one in group.commands.items():
        if hasattr(one, "commands"):
            yield from commands(one, f"{before}{name} ")
        else:
            yield before + name, one.callback


@pytest.mark.parametrize(("name", "function"), list(commands(top())))
def test_every_command_has_an_example_and_the_options_that_all_have(name: str, function: Any) -> None:
    taken = set(function.__annotations__)
    assert f"\n    Example: pinset {name}" in (function.__doc__ or "")
    assert "as_json" in taken or name in {"serve", "evidence report"}
    assert "registry" in taken or name in {"init", "restore", "new"}
    assert "dry_run" in taken or name in LOOKING | OF_A_DIRECTORY


@pytest.mark.parametrize(
    "arguments", [["nope"], ["get"], ["get", "x@v1", "--bad"], ["list", "--limit", "0"], ["component", "nope"]]
)
def test_what_the_command_line_does_not_take_is_2_with_a_way_out(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert "hint: see pinset " in captured.err


@pytest.mark.parametrize("kind", list(errors.all_errors()))
def test_every_error_has_its_status_its_sentence_and_its_hint(
    kind: type[errors.PinsetError], asked: Callable[[Any], Asked], capsys: pytest.CaptureFixture[str]
) -> None:
    asked(kind("it is so", hint="do this"))
    status = main(["get", "support@v1"])
    captured = capsys.readouterr()
    assert status == errors.exit_status(kind) != 0
    assert (captured.out, captured.err) == ("", "error: it is so\nhint: do this\n")


def test_errors_as_json_go_to_stderr(asked: Callable[[Any], Asked], capsys: pytest.CaptureFixture[str]) -> None:
    asked(errors.AliasMoved("moved", hint="look", details={"serves": 3}))
    assert main(["get", "support@v1", "--json"]) == 4
    captured = capsys.readouterr()
    assert captured.out == ""
    body = json.loads(captured.err)
    assert (body["code"], body["detail"], body["details"]) == ("alias_moved", "moved", {"serves": 3})


def test_a_bug_is_70_and_its_traceback_only_for_who_asks(
    asked: Callable[[Any], Asked], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(ZeroDivisionError("oops"))
    assert main(["get", "support@v1"]) == 70
    assert "Traceback" not in capsys.readouterr().err
    monkeypatch.setenv("PINSET_DEBUG", "1")
    assert main(["get", "support@v1"]) == 70
    assert "Traceback" in capsys.readouterr().err


def test_an_interruption_is_130(asked: Callable[[Any], Asked]) -> None:
    asked(KeyboardInterrupt())
    assert main(["get", "support@v1"]) == 130


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "support").mkdir()
    script = (
        "import sys; from pinset import bootstrap; from pinset_cli import main\n"
        "class Many:\n"
        "    def release(self, reference): return {'text': 'x' * 5_000_000}\n"
        "    def close(self): pass\n"
        "bootstrap.open_registry = lambda *a, **k: Many()\n"
        "sys.exit(main.main(['get', 'support@v1', '--registry', 'x']))"
    )
    path = os.pathsep.join(str(Path(module.__file__ or "").parents[1]) for module in (errors, entry))
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": ""},  # unbuffered, Python loses the error itself
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(1) == b"{"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


@pytest.mark.parametrize("command", [["serve"], ["reindex"], ["gc"], ["backup", "x"]])
def test_what_needs_the_directory_refuses_an_address(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--registry", "http://127.0.0.1:9"]) == 2
    assert "http://127.0.0.1:9" in capsys.readouterr().err


def test_the_registry_is_the_one_named_then_the_environments_then_the_nearest(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    below = tmp_path / "project" / "deep"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert main(["list", "--json"]) == 3
    assert "pinset init" in capsys.readouterr().err
    home.rename(tmp_path / "project" / ".pinset")
    assert main(["list", "--json"]) == 0
    assert main(["list", "--json", "--registry", str(tmp_path / "project")]) == 0
    monkeypatch.setenv("PINSET_REGISTRY", str(tmp_path / "nothing"))
    assert main(["list", "--json"]) == 3
    assert main(["list", "--json", "--registry", str(tmp_path / "project" / ".pinset")]) == 0


MOVE = {
    "action": "promote", "bundle": "support", "alias": "production", "seq": 2, "from": 1, "to": 2,
    "release_commit": "c", "revision": "a" * 40, "reason": "", "at": "2025-03-14T00:00:00.000000Z", "actor": "a",
    "serial": 9, "warnings": ["look\x1b[31m out"], "operation": "op",
}  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "verb", "given"),
    [
        (["promote", "support@v2", "production"], "promote", ("support@v2", "production")),
        (["promote", "support", "v2", "production"], "promote", ("support@v2", "production")),
        (["rollback", "support@production", "--yes"], "rollback", ("support", "production")),
        (["rollback", "support", "production", "--yes"], "rollback", ("support", "production")),
        (["alias", "retire", "support", "production"], "retire", ("support", "production")),
    ],
)
def test_a_name_and_an_alias_may_be_two_words(
    arguments: list[str], verb: str, given: tuple[str, str], asked: Callable[[Any], Asked]
) -> None:
    registry = asked(MOVE)
    assert main(arguments) == 0
    name, positional, _ = registry.questions[0]
    assert (name, positional[1:]) == (verb, given)


@pytest.mark.parametrize(
    "arguments", [["promote", "support@v1"], ["rollback", "support", "--yes"], ["get", "a", "b", "c"]]
)
def test_too_few_or_too_many_words_are_2(arguments: list[str], asked: Callable[[Any], Asked]) -> None:
    registry = asked(MOVE)
    assert main(arguments) == 2
    assert [question for question in registry.questions if question[0] != "close"] == []


def test_who_acts_is_the_environments_word_or_user_and_machine(
    asked: Callable[[Any], Asked], monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = asked(MOVE)
    main(["promote", "support@v2", "production"])
    monkeypatch.setenv("PINSET_ACTOR", "ci-bot")
    main(["promote", "support@v2", "production", "--dry-run"])
    first, second = (question[1][0] for question in registry.questions if question[0] == "promote")
    assert "@" in first.actor
    assert (second.actor, second.dry_run, first.dry_run) == ("ci-bot", True, False)


def test_warnings_of_a_registry_do_not_steer_the_terminal(
    asked: Callable[[Any], Asked], capsys: pytest.CaptureFixture[str]
) -> None:
    asked(MOVE)
    main(["promote", "support@v2", "production"])
    captured = capsys.readouterr()
    assert captured.out == "support@production: v1 -> v2\n"
    assert captured.err == "warning: look\\u{001B}[31m out\n"


@pytest.mark.parametrize("options", [[], ["--steps", "2"], ["--at", "2025-03-14T00:00:00Z"]])
def test_a_rollback_without_terminal_wants_to_be_told_what_is_meant(
    options: list[str], asked: Callable[[Any], Asked], capsys: pytest.CaptureFixture[str]
) -> None:
    registry = asked(MOVE)
    assert main(["rollback", "support@production", *options]) == 2
    assert "--yes" in capsys.readouterr().err
    assert registry.questions == []


@pytest.mark.parametrize(("typed", "done"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_a_rollback_shows_from_and_to_and_asks(
    typed: str,
    done: bool,
    asked: Callable[[Any], Asked],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    registry = asked(MOVE | {"action": "rollback", "from": 9, "to": 8, "warnings": []})
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    assert main(["rollback", "support@production", "--steps", "2"]) == (0 if done else 1)
    err = capsys.readouterr().err
    assert "support@production: v9 -> v8" in err
    assert "v9 will be barred from production" in err
    assert "pinset promote support@v9 production --again -m TEXT" in err
    assert ("nothing was changed" in err) is not done
    asked_for = [
        (question[1][0].dry_run, question[2]["steps"], question[2]["revision"])
        for question in registry.questions
        if question[0] == "rollback"
    ]
    assert asked_for == [(True, 2, "a" * 40), (False, 2, "a" * 40)][: 2 if done else 1]
