"""How a command begins: what it imports, and what it does not. No clock is asked; `benchmarks/starting.py` does."""

from __future__ import annotations

import gc
import importlib
import inspect
import os
import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer

from pinset import errors
from pinset_cli import collecting, commands, program
from pinset_cli import main as entry

if TYPE_CHECKING:
    from collections.abc import Callable

MODULES = {f"pinset_cli.commands.{found.name}" for found in pkgutil.iter_modules(commands.__path__)}
HEAVY = {"alembic", "bpe_openai", "detect_secrets", "fastapi", "genai_prices", "jinja2", "jsonschema", "pinset.domain.diff",
         "pinset.domain.searching", "pinset.web", "pygit2", "rapidfuzz", "rfc8785", "rich", "starlette", "uvicorn", "yaml"}  # fmt: skip
SQL = {"sqlalchemy", "sqlite3", "sqlmodel"}
NETWORK = {"http.client", "httpx"}
WRITING = {"pinset.catalog.state_tables", "pinset.gitstore.memory", "pinset.services.components", "pinset.services.keeping",
           "pinset.services.maintenance", "pinset.services.publish", "pinset.services.tokens", "pinset.services.verifying",
           "pinset.services.yanking", "pinset.domain.proof"}  # fmt: skip


@pytest.fixture
def registry(home: Path, tmp_path: Path, manifest: Callable[..., dict[str, str]]) -> str:
    (tmp_path / "support").mkdir()
    (tmp_path / "support" / "release.yaml").write_text(manifest()["release.yaml"])
    assert entry.main(["publish", str(tmp_path / "support"), "--alias", "production", "--registry", str(home)]) == 0
    return str(home)


def script(*arguments: str, before: str = "", after: str, status: int = 0) -> list[str]:
    """What a fresh process says at the end of a command, which it runs as the console script does."""
    whole = f"import sys; {before}\nfrom pinset_cli.main import run\nsys.argv = ['pinset', *{list(arguments)!r}]\n"
    whole += f"try:\n    run()\nexcept SystemExit as ended:\n    said = ended.code\n{after}"
    path = os.pathsep.join(str(Path(module.__file__ or "").parents[1]) for module in (errors, entry))
    done = subprocess.run(
        [sys.executable, "-c", whole],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    said, *rest = done.stdout.splitlines()[-1].split(" ")
    assert said == str(status), done.stderr
    return rest


def imported(*arguments: str, before: str = "", status: int = 0) -> set[str]:
    return set(script(*arguments, before=before, after="print(said, *sys.modules)", status=status))


def test_help_needs_neither_a_command_nor_what_commands_need() -> None:
    assert imported("--help") & (HEAVY | SQL | NETWORK | MODULES | {"pydantic", "pinset.bootstrap"}) == set()


def test_reading_a_directory_needs_what_reads_and_nothing_that_writes(registry: str) -> None:
    found = imported("get", "support", "--registry", registry)
    assert found & (HEAVY | NETWORK | WRITING | {"pinset.services.moving"}) == set()
    assert found & MODULES == {"pinset_cli.commands.reading"}
    assert "sqlmodel" in found


def test_reading_from_a_server_needs_no_database() -> None:
    found = imported("get", "support", "--registry", "http://127.0.0.1:9", status=8)
    # httpx loads rich for a program of its own, where both are there.
    assert found & ((HEAVY | SQL | WRITING | {"pinset.services"}) - {"rich"}) == set()
    assert found & MODULES == {"pinset_cli.commands.reading"}
    assert "httpx" in found


def test_a_move_needs_nothing_that_reads_manifests(registry: str) -> None:
    found = imported("promote", "support@v1", "staging", "--registry", registry)
    assert found & (HEAVY | NETWORK | WRITING) == set()
    assert found & MODULES == {"pinset_cli.commands.moving"}


def test_what_is_imported_is_seen() -> None:
    assert imported("--help", before="import pinset_cli.commands.moving") & MODULES == {"pinset_cli.commands.moving"}
    assert imported("--help", before="import sqlite3") & SQL == {"sqlite3"}


COUNTED = "import gc; seen = []; gc.callbacks.append(lambda phase, about: seen.append(phase))"


def test_a_command_does_not_look_through_its_objects_again_and_again(registry: str) -> None:
    """A sixth of what Python does by itself would be too often; and the checker sees what Python does by itself."""
    asked = ("get", "support", "--registry", registry)
    (seldom,) = script(*asked, before=COUNTED, after="print(said, len(seen))")
    unmended = f"{COUNTED}; from pinset_cli import collecting; collecting.rarely = lambda: None"
    (usual,) = script(*asked, before=unmended, after="print(said, len(seen))")
    assert int(usual) > 50
    assert int(seldom) * 6 < int(usual)


def test_a_server_looks_as_often_as_python_does(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    usual, seen = gc.get_threshold(), []
    monkeypatch.setattr("pinset.bootstrap.serve_registry", lambda *_a, **_n: seen.append(gc.get_threshold()))
    try:
        collecting.rarely()
        assert gc.get_threshold() != usual
        assert entry.main(["serve", "--registry", str(home)]) == 0
        assert seen == [usual]
    finally:
        gc.unfreeze()
        gc.set_threshold(*usual)


def line(command: Any) -> str:
    """What the list says of a command whose module is there."""
    return str(inspect.cleandoc(command.help or "").split("\n")[0])


@pytest.mark.parametrize("name", list(program.COMMANDS))
def test_the_list_says_what_the_commands_say(name: str) -> None:
    command = program.top().commands[name]
    assert command.name == name
    assert line(command) == program.COMMANDS[name].line


def test_another_line_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    other = program.COMMANDS["gc"]._replace(line="Another.")
    monkeypatch.setitem(program.COMMANDS, "gc", other)  # type: ignore[arg-type]
    assert line(program.top().commands["gc"]) != program.COMMANDS["gc"].line


def test_the_list_lacks_no_command() -> None:
    listed = {(f"pinset_cli.commands.{one.module}", one.attribute) for one in program.COMMANDS.values()}
    there = set()
    for name in MODULES:
        module = importlib.import_module(name)
        groups = {key: one for key, one in vars(module).items() if isinstance(one, typer.Typer)}
        inner = {one.callback for group in groups.values() for one in group.registered_commands}
        own = {
            key
            for key, one in vars(module).items()
            if inspect.isfunction(one) and one.__module__ == name and one not in inner and not key.startswith("_")
        }
        there |= {(name, key) for key in own | set(groups)}
    assert there == listed


def test_the_list_of_all_has_every_command_once_in_a_group(capsys: pytest.CaptureFixture[str]) -> None:
    assert sorted(" ".join(program.GROUPS.values()).split()) == sorted(program.COMMANDS)
    assert entry.main(["--help"]) == 0
    listed = capsys.readouterr().out
    for name, one in program.COMMANDS.items():
        assert listed.count(f"\n  {name.ljust(10)}  {one.line}\n") == 1
    assert all(f"\n{title}:\n" in listed for title in program.GROUPS)


def test_commands_are_listed_in_one_place() -> None:
    made: Any = program.top().commands
    assert list(made) == list(program.COMMANDS)
    assert len(made) == len(program.COMMANDS)
    assert "nope" not in made
    with pytest.raises(TypeError):
        made["nope"] = None
    with pytest.raises(TypeError):
        del made["get"]
