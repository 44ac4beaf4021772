"""What the command line's tests begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from terminals import Cli

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(params=["directory", "server"])
def cli(request: pytest.FixtureRequest, home: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Commands on a new registry: once on its directory, once on a server of it."""
    return Cli(str(home) if request.param == "directory" else request.getfixturevalue("served"), capsys)


@pytest.fixture
def near(home: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Commands on the directory of a new registry."""
    return Cli(str(home), capsys)


@pytest.fixture
def bundle(tmp_path: Path, manifest: Callable[..., dict[str, str]]) -> Callable[..., str]:
    """Writes a bundle directory; other words make other content."""

    def write(words: str = "", name: str = "support") -> str:
        directory = tmp_path / name
        directory.mkdir(exist_ok=True)
        (directory / "release.yaml").write_text(manifest(name, words=words)["release.yaml"])
        return str(directory)

    return write
