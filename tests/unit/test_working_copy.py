"""When a working copy is read again: by the state of its files and a clock, neither of them waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pinset.domain.references import parse_component
from pinset.errors import ChecksFailed, InvalidInput, InvalidManifest, InvalidName, NotFound
from pinset.working.components import Components
from pinset.working.copy import AGAIN_SECONDS, SETTLED_SECONDS, WorkingCopy

if TYPE_CHECKING:
    from pathlib import Path

    from pinset.domain.answers import ComponentAnswer
    from pinset.domain.references import ComponentReference

MANIFEST = "release:\n  feature: support\n  prompt: {template: main.md}\n"


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "release.yaml").write_text(MANIFEST)
    (tmp_path / "main.md").write_text("One.")
    return tmp_path


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def copy(directory: Path, clock: Clock) -> WorkingCopy:
    return WorkingCopy("support", directory, Components(None, None), "./x", clock=clock)


def text(copy: WorkingCopy, tag: str | None = None) -> str | None:
    answer, _ = copy.fetch("support", "./x", tag, 1.0)
    return answer["files"]["main.md"] if answer else None


def test_what_a_tag_stands_for_is_not_given_again(copy: WorkingCopy) -> None:
    answer, tag = copy.fetch("support", "./x", None, 1.0)
    assert answer is not None
    assert (answer["ref"], answer["version"], answer["registry"]) == ("support@./x", 0, "working copy")
    assert copy.fetch("support", "./x", tag, 1.0) == (None, tag)
    assert copy.fetch("support", "./x", None, 1.0) == (answer, tag)


def test_a_change_counts_when_nobody_is_writing_any_more(copy: WorkingCopy, directory: Path, clock: Clock) -> None:
    assert text(copy) == "One."
    (directory / "main.md").write_text("")
    assert text(copy) == "One."
    clock.now += SETTLED_SECONDS / 2
    (directory / "main.md").write_text("Two, at last.")
    assert text(copy) == "One."
    clock.now += SETTLED_SECONDS
    assert text(copy) == "Two, at last."


def test_the_first_look_waits_for_nothing(copy: WorkingCopy) -> None:
    assert text(copy) == "One."


def test_the_same_error_is_raised_until_the_files_change(copy: WorkingCopy, directory: Path, clock: Clock) -> None:
    (directory / "main.md").write_text("{{open")
    errors = []
    for _ in range(2):
        with pytest.raises(InvalidManifest) as caught:
            text(copy)
        errors.append(caught.value)
        clock.now += 1000
    assert errors[0] is errors[1]
    (directory / "main.md").write_text("{{closed}}")
    with pytest.raises(InvalidManifest):
        text(copy)
    clock.now += SETTLED_SECONDS
    assert text(copy) == "{{closed}}"


def test_only_the_components_that_are_used_are_watched(directory: Path, tmp_path: Path, clock: Clock) -> None:
    folder = tmp_path / "components"
    folder.mkdir()
    (directory / "main.md").write_text("{{> prompts/tone@v1}}")
    (folder / "tone.md").write_text("Kind.")
    copy = WorkingCopy("support", directory, Components(None, folder), "./x", clock=clock)
    _, tag = copy.fetch("support", "./x", None, 1.0)
    clock.now += 1000
    (folder / "other.md").write_text("Another.")
    assert copy.fetch("support", "./x", tag, 1.0) == (None, tag)
    (folder / "tone.md").write_text("Brief.")
    assert copy.fetch("support", "./x", tag, 1.0) == (None, tag)
    clock.now += SETTLED_SECONDS
    answer, _ = copy.fetch("support", "./x", tag, 1.0)
    assert answer is not None
    assert answer["files"]["components/prompts/tone/tone.md"] == "Brief."


def test_a_missing_component_is_asked_for_again_though_no_file_changes(directory: Path, clock: Clock) -> None:
    (directory / "main.md").write_text("{{> prompts/tone@v1}}")
    asked: list[ComponentReference] = []

    def ask(reference: ComponentReference) -> ComponentAnswer:
        asked.append(reference)
        raise NotFound("no", hint="")

    copy = WorkingCopy("support", directory, Components(ask, None), "./x", clock=clock)
    for pause in (0.0, AGAIN_SECONDS / 2, AGAIN_SECONDS):
        clock.now += pause
        with pytest.raises(ChecksFailed, match="prompts/tone@v1"):
            text(copy)
    assert asked == [parse_component("prompts/tone@v1")] * 2


def test_a_link_to_itself_and_a_path_that_is_none_are_errors_with_a_way_out(directory: Path, clock: Clock) -> None:
    folder = directory / "components"
    folder.mkdir()
    (folder / "tone.md").symlink_to("tone.md")
    (directory / "release.yaml").write_text("release: {feature: support, prompt: {template_ref: prompts/tone@v1}}")
    with pytest.raises(InvalidName, match="symbolic link"):
        WorkingCopy("support", directory, Components(None, folder), "./x", clock=clock).fetch(
            "support", "./x", None, 1.0
        )
    with pytest.raises(InvalidInput, match="cannot be read"):
        WorkingCopy("support", directory / ("x" * 300), Components(None, None), "./x").fetch(
            "support", "./x", None, 1.0
        )
