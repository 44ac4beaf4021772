"""Components from a folder: by kind or flat, one file or a directory, and broken ones named by their place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pinset.domain.references import parse_component
from pinset.errors import InvalidInput, InvalidManifest, Unavailable
from pinset.working.components import Components, folder_near

if TYPE_CHECKING:
    from pathlib import Path

    from pinset.domain.answers import ComponentAnswer
    from pinset.domain.assembly import Found
    from pinset.domain.references import ComponentReference


def find(folder: Path, reference: str) -> Found | None:
    return Components(None, folder).find(parse_component(reference))


def text(found: Found | None) -> list[str]:
    assert found is not None
    return [words for path, words in found.sealed.files.items() if path.endswith(".md")]


def test_what_lies_below_its_kind_is_taken_before_what_lies_flat(tmp_path: Path) -> None:
    (tmp_path / "tone.md").write_text("flat")
    assert text(find(tmp_path, "prompts/tone@v1")) == ["flat"]
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "tone.md").write_text("below")
    assert text(find(tmp_path, "prompts/tone@v1")) == ["below"]


def test_a_component_may_be_a_directory(tmp_path: Path) -> None:
    place = tmp_path / "prompts" / "tone"
    place.mkdir(parents=True)
    (place / "component.yaml").write_text("template: words.md\n")
    (place / "words.md").write_text("Hi {{name}}.")
    assert text(find(tmp_path, "prompts/tone@v3")) == ["Hi {{name}}."]


def test_the_version_is_the_one_asked_for_and_0_where_none_was(tmp_path: Path) -> None:
    (tmp_path / "tone.md").write_text("Hi.")
    named, labelled = find(tmp_path, "prompts/tone@v7"), find(tmp_path, "prompts/tone@2025-03-10")
    assert named is not None
    assert labelled is not None
    assert (named.version, labelled.version) == (7, 0)
    assert find(tmp_path, f"prompts/tone@{named.digest}") is not None
    assert find(tmp_path, f"prompts/tone@sha256:{'0' * 64}") is None


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    for ending in ("md", "txt"):
        (tmp_path / f"tone.{ending}").write_text("Hi.")
    with pytest.raises(InvalidInput, match=r"tone\.md, tone\.txt"):
        find(tmp_path, "prompts/tone@v1")


def test_a_name_that_only_begins_alike_is_another_component(tmp_path: Path) -> None:
    (tmp_path / "tone-de.md").write_text("Hi.")
    assert find(tmp_path, "prompts/tone@v1") is None


def test_a_broken_component_is_named_by_its_place(tmp_path: Path) -> None:
    (tmp_path / "tone.md").write_text("Hi {{name.")
    with pytest.raises(InvalidManifest) as caught:
        find(tmp_path, "prompts/tone@v1")
    assert [one["file"] for one in caught.value.details["findings"]] == ["components/tone.md"]


def test_components_that_include_each_other_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("{{> prompts/b@v1}}")
    (tmp_path / "b.md").write_text("{{> prompts/a@v1}}")
    with pytest.raises(InvalidInput, match="prompts/a → prompts/b → prompts/a"):
        find(tmp_path, "prompts/a@v1")


def test_a_registry_that_is_away_is_asked_once_and_again_at_the_next_look(tmp_path: Path) -> None:
    asked = []

    def ask(reference: ComponentReference) -> ComponentAnswer:
        asked.append(str(reference))
        raise Unavailable("away", hint="wait")

    components = Components(ask, tmp_path)
    for name in ("a", "b"):
        assert components.find(parse_component(f"prompts/{name}@v1")) is None
    assert asked == ["prompts/a@v1"]
    assert components.missing == ["prompts/a@v1", "prompts/b@v1"]
    components.begin()
    components.find(parse_component("prompts/a@v1"))
    assert len(asked) == 2


def test_the_folder_is_the_nearest_within_the_git_repository(tmp_path: Path) -> None:
    copy = tmp_path / "repository" / "features" / "support"
    copy.mkdir(parents=True)
    (tmp_path / "components").mkdir()
    assert folder_near(copy) == tmp_path / "components"
    (tmp_path / "repository" / ".git").mkdir()
    assert folder_near(copy) is None
    (tmp_path / "repository" / "components").mkdir()
    assert folder_near(copy) == tmp_path / "repository" / "components"
    (tmp_path / "repository" / "features" / "components").mkdir()
    assert folder_near(copy) == tmp_path / "repository" / "features" / "components"
