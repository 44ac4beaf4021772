"""The command line as tests run it: in this process, against one registry, perhaps with somebody at a terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pinset_cli.main import main

if TYPE_CHECKING:
    import pytest


class Cli:
    """Runs commands against one registry; what they print and how they end."""

    def __init__(self, location: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.location = location
        self._capsys = capsys

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        self._capsys.readouterr()
        status = main([*arguments, "--registry", self.location])
        captured = self._capsys.readouterr()
        return status, captured.out, captured.err

    def json(self, *arguments: str) -> Any:
        """The object that a command prints."""
        status, out, err = self(*arguments, "--json")
        assert status == 0, err
        return json.loads(out)


class Terminal:
    """A stdin that is a terminal on which one line was typed."""

    def __init__(self, line: str) -> None:
        self._line = line

    def isatty(self) -> bool:
        return True

    def readline(self, *_size: int) -> str:
        line, self._line = self._line, ""
        return line
