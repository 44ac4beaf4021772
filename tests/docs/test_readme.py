"""What the README shows can be typed, and what it links to is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

from pinset_cli.program import COMMANDS, app

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "registry" / "docs").rglob("*.md"))]


def _commands() -> list[str]:
    blocks = re.findall(r"```(?:console|bash|sh)\n(.*?)```", README, re.DOTALL)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ pinset ")]


@pytest.mark.parametrize("line", _commands())
def test_every_command_shown_exists_with_its_options(line: str) -> None:
    words = shlex.split(line)[1:]
    command = typer.main.get_command(app)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    known = {option for parameter in command.params for option in parameter.opts}
    for word in words:
        if word.startswith("-"):
            assert word.split("=")[0] in known


def test_commands_are_shown_at_all() -> None:
    assert len(_commands()) >= 5


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_every_command_is_in_the_table_and_no_other() -> None:
    table = README.split("| command | does |")[1].split("\n\n")[0]
    named = {words.split()[0] for words in re.findall(r"`(?:pinset )?([a-z][^`]*)`", table)}
    assert named >= set(COMMANDS)
    assert {word for word in named if not word.startswith("--")} == set(COMMANDS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_picture_is_there_has_words_and_is_small(page: Path) -> None:
    for tag in re.findall(r"<(?:img|source)[^>]*>", page.read_text()):
        (picture,) = re.findall(r'src(?:set)?="([^"]+)"', tag)
        assert 0 < (page.parent / picture).stat().st_size <= 150_000
        assert tag.startswith("<source") or len(re.findall(r'alt="([^"]{20,})"', tag)) == 1


def test_every_command_has_an_example() -> None:
    top = typer.main.get_command(app)
    pending, bare = [("pinset", top)], []
    while pending:
        name, command = pending.pop()
        if hasattr(command, "commands"):
            pending += [(f"{name} {inner}", one) for inner, one in command.commands.items()]
        elif "Example: pinset " not in (command.help or ""):
            bare.append(name)
    assert bare == []
