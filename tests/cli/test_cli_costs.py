"""What a change and a release cost, at the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from terminals import Cli

MANIFEST = """\
release:
  feature: support
  model: {{provider: openai, name: "{model}", pinned_version: "2024-08-06", max_tokens: 100}}
  prompt: {{text: "Answer {{{{question}}}} {words}"}}
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    made = tmp_path / "bundle"
    made.mkdir()
    return made


def write(directory: Path, *, words: str = "kindly", model: str = "gpt-4o") -> str:
    (directory / "release.yaml").write_text(MANIFEST.format(words=words, model=model))
    return str(directory)


def test_show_says_what_calls_of_a_release_cost(cli: Cli, directory: Path) -> None:
    cli("publish", write(directory))
    assert "1,000 calls" not in cli("show", "support@v1")[1]
    shown = cli("show", "support@v1", "--cost")[1]
    assert "default: openai gpt-4o 2024-08-06: 10 tokens (o200k_base), $0.025 per 1,000 calls" in shown
    assert "answers of at most 100 tokens $1.00" in shown
    assert "Variables are not counted" in shown
    answer = cli.json("show", "support@v1", "--cost")["cost"]
    assert answer["total"] == {"tokens": 10, "exact": True, "per_1000": "0.025", "output_per_1000": "1"}
    assert "cost" not in cli.json("show", "support@v1")


def test_diff_says_what_a_change_costs(cli: Cli, directory: Path) -> None:
    cli("publish", write(directory))
    swapped = write(directory, model="gpt-4o-mini")
    answer = cli.json("diff", "support@v1", swapped)["costs"]
    assert (answer["before"]["tokens"], answer["after"]["tokens"]) == (10, 10)
    assert (answer["before"]["per_1000"], answer["after"]["per_1000"]) == ("0.025", "0.0015")
    assert cli.json("diff", "support@v1", "support@v1")["costs"] is None
