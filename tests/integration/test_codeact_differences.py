"""Every successive difference of a real agent's history: exact when applied, and the same after a journey as JSON."""

from __future__ import annotations

import html
import itertools
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from test_codeact_history import HISTORY, STATES, states

from pinset import bootstrap
from pinset.domain.diff import Comparison, apply, as_html, as_json, as_markdown, as_text, compare, from_json
from pinset.domain.diff.lines import TextDiff, mirrored, moves

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(not HISTORY.is_dir(), reason=f"the history of states is not at {HISTORY.name}/")

PAGES = {"text": partial(as_text, width=200), "markdown": as_markdown, "html": as_html}


@pytest.fixture(scope="module")
def differences() -> list[Comparison]:
    """Each state against the one before, as publishing it would make of it."""
    registry = bootstrap.memory_registry()
    try:
        found = [registry.check(files)["content"] for files in states()]
    finally:
        registry.close()
    assert len(found) == STATES
    assert all(content is not None for content in found)
    return [compare(old or {}, new or {}) for old, new in itertools.pairwise(found)]


def texts(found: list[Comparison]) -> Iterator[tuple[TextDiff, str, str]]:
    """Every text that was edited, with both of its states."""
    for change in (change for comparison in found for change in comparison.changes):
        if change.text is not None and change.kind == "changed":
            yield change.text, change.old, change.new


def test_each_text_difference_applied_gives_the_text_exactly(differences: list[Comparison]) -> None:
    edited = list(texts(differences))
    assert len(edited) > 40
    for diff, old, new in edited:
        assert not diff.abridged
        assert apply(diff, old) == new
        assert apply(mirrored(diff), new) == old


def test_each_difference_is_the_same_after_a_journey_as_json(differences: list[Comparison]) -> None:
    for found in differences:
        document: dict[str, Any] = json.loads(json.dumps(as_json(found, old="a", new="b")))
        assert document["verdict"] == found.verdict
        assert from_json(document) == found


@pytest.mark.parametrize("form", PAGES)
def test_each_difference_is_rendered_with_all_that_changed(form: str, differences: list[Comparison]) -> None:
    for found in differences:
        page = html.unescape(PAGES[form](found, old="codeact@v1", new="codeact@v2"))
        assert found.verdict in page
        assert all(change.name in page for change in found.changes)


def test_a_real_line_that_moved_and_was_edited_is_told_so(differences: list[Comparison]) -> None:
    moved = [move for diff, _, _ in texts(differences) for move in moves(diff).values()]
    assert moved, "one tool's description has its first paragraph moved"
    assert any(move.edited for move in moved)
