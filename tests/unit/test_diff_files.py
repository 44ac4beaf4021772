"""Files that two releases are published with, where their parts do not show what changes."""

from __future__ import annotations

import json

import pytest

from pinset.domain.diff import Files, compare
from pinset.domain.sealed import Sealed

PROMPT = {"format": "mustache", "template": {"file": "prompts/a.md"}}
SAME = {"prompts": {"default": {"format": "mustache", "template": "Hi\n"}}}


def files(**texts: str) -> Files:
    """Of a release whose one prompt is ``prompts/a.md``; names have _ for a dot."""
    named = {"prompts/a.md": "Hi\n", "release.yaml": "release: {}\n"}
    named |= {name.replace("_", "."): text for name, text in texts.items()}
    manifest = json.dumps({"format": 1, "parts": {"prompts": {"default": PROMPT}}, "files": {}})
    return Files.of(Sealed(manifest, {**named, "manifest.json": manifest, "components/tools/x/tool.json": "{}"}))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (files(README_md="a"), files(README_md="b"), [("README.md", "changed", "a file that no part names")]),
        (files(), files(README_md="b"), [("README.md", "added", "a file that no part names")]),
        (
            files(),
            files(release_yaml="# c"),
            [("release.yaml", "changed", "written otherwise, every part is the same")],
        ),
        (files(), files(), []),
    ],
)
def test_two_digests_never_look_like_one(old: Files, new: Files, told: list[tuple[str, str, str]]) -> None:
    for found, kinds in (
        (compare(SAME, SAME, files=(old, new)), {}),
        (compare(SAME, SAME, files=(new, old)), {"added": "removed"}),
    ):
        assert [(c.name, c.kind, c.reason) for c in found.changes] == [(n, kinds.get(k, k), r) for n, k, r in told]
        assert {(c.component, c.impact.value) for c in found.changes} <= {("file", "cosmetic")}


def test_what_a_part_shows_is_not_told_again_as_a_file() -> None:
    other = {"prompts": {"default": {"format": "mustache", "template": "Bye\n"}}}
    found = compare(SAME, other, files=(files(README_md="a"), files(README_md="b", release_yaml="# c")))
    assert [(c.component, c.name) for c in found.changes] == [("prompt", "default"), ("file", "README.md")]
