"""A release from a release, a bump and a change, as they are typed: near and on a server."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from pinset.errors import Unavailable
from pinset.services import bumping

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from terminals import Cli


class Said(NamedTuple):
    """What a command printed."""

    out: str
    err: str


def typed(cli: Cli, *words: str, exits: int = 0) -> Said:
    status, out, err = cli(*words)
    assert status == exits, err
    return Said(out, err)


def answer(cli: Cli, *words: str, exits: int = 0) -> Any:
    return json.loads(typed(cli, *words, "--json", exits=exits).out)


@pytest.fixture
def tones(tmp_path: Path) -> Callable[[Cli, str], None]:
    def publish(cli: Cli, text: str) -> None:
        (tmp_path / "tone.md").write_text(text)
        typed(cli, "component", "publish", "prompts/tone", str(tmp_path / "tone.md"))

    return publish


def bundle(cli: Cli, directory: Path, name: str) -> None:
    (directory / name).mkdir()
    manifest = f'release:\n  feature: {name}  # ours\n  model: {{name: m, pinned_version: "1"}}\n  prompt: p.md\n'
    (directory / name / "release.yaml").write_text(manifest)
    (directory / name / "p.md").write_text(f"{name} {{{{> prompts/tone@v1}}}}\n")
    typed(cli, "publish", str(directory / name), "--alias", "staging")


def test_a_bump_is_made_shown_reviewed_and_taken_back(cli: Cli, tmp_path: Path, tones: Any) -> None:
    tones(cli, "Be kind.\n")
    for name in ("one", "two"):
        bundle(cli, tmp_path, name)
    tones(cli, "Be kinder.\n")
    assert "nothing to do" in typed(cli, "bump", "prompts/tone@v2", "--bundles", "none*").err
    looked = typed(cli, "bump", "prompts/tone@v2", "--alias", "staging", "--dry-run")
    assert "one: v1 -> v2, would be promoted to staging (behaviour)" in looked.out
    done = typed(cli, "bump", "prompts/tone@v2", "--alias", "staging")
    assert "two: v1 -> v2, promoted to staging" in done.out
    change = answer(cli, "change", "list")["items"][0]["change"]
    assert f"change {change}" in done.err
    assert change.startswith("bump-tone-v2-")
    shown = typed(cli, "change", "show", change)
    assert ["two", "v2", "from", "v1", "staging:", "v1", "->", "v2", "v2"] in [
        row.split() for row in shown.out.splitlines()
    ]
    assert f"{change}" in typed(cli, "show", "one@staging").out
    reviewed = typed(cli, "review", "--change", change, "--to", "staging").out
    assert reviewed.index("WOULD MOVE") < reviewed.index("two")
    assert typed(cli, "rollback", "--change", change, exits=2).err.count("--yes") == 1
    back = answer(cli, "rollback", "--change", change, "--yes")
    assert ([item["to"] for item in back["items"]], back["under"]) == ([1, 1], f"undo-{change}")
    again = answer(cli, "bump", "prompts/tone@v2", "--alias", "staging", "--change", "again", exits=1)
    assert again["counts"] == {"refused": 2}, "a rollback bars what it left"
    assert typed(cli, "rollback", "one", "staging", "--yes", "--change", "x y", exits=2).err.startswith(
        "error: 'x y' cannot name"
    )


def test_a_release_is_made_from_a_release(
    near: Cli, tmp_path: Path, tones: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tones(near, "Be kind.\n")
    bundle(near, tmp_path, "one")
    pin = ("publish", "--from", "one@staging", "--set", 'model.pinned_version="2"')
    looked = typed(near, *pin, "--dry-run")
    assert "pinned_version" in looked.out
    assert typed(near, *pin, "--alias", "staging", "--change", "ml-1").out == "one@v2\n"
    assert typed(near, "get", "one@staging", "--file", "release.yaml").out.splitlines()[1:3] == [
        "  feature: one  # ours", '  model: {name: m, pinned_version: "2"}'
    ]  # fmt: skip
    assert "made from    one@v1" in typed(near, "show", "one@v2").out
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"From stdin.\n")))
    made = answer(near, "publish", "--from", "one@v2", "--file", "p.md=-", "--no-source")
    assert (made["ref"], made["changed"], made["made_from"]) == ("one@v3", ["p.md"], "one@v2")
    assert typed(near, "get", "one@v3", "--file", "p.md").out == "From stdin.\n"
    for words, says in (
        (("--from", "one@v2", "--set", "model.pined_version=1"), "did you mean model.pinned_version"),
        (("--from", "one@v2", "--set", "model.name"), "says no value"),
        (("--from", "one@v2", "--set", "a=1", "--set", "a=2"), "twice"),
        (("--from", "one@v2", "--file", "p.md=/nowhere/at/all"), "cannot be read"),
        (("--from", "one@v2", "--file", "../../x=" + str(tmp_path / "tone.md")), "cannot be a file's path"),
        (("--from", "one@v2", "--file", "a=-", "--file", "b=-"), "stdin"),
        (("--from", "one@v2", "."), "not from both"),
        (("--set", "a=1"), "--from"),
    ):
        told = typed(near, "publish", *words, exits=2)
        assert says in told.err


def test_a_bump_that_is_cut_off_says_how_to_go_on_and_then_does_the_rest(
    near: Cli, tmp_path: Path, tones: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tones(near, "Be kind.\n")
    for name in ("one", "three", "two"):
        bundle(near, tmp_path, name)
    tones(near, "Be kinder.\n")
    bump = bumping.bump

    def dies(context: Any, caller: Any, component: str, name: str, **more: Any) -> Any:
        if name == "three":
            raise Unavailable("the power went", hint="wait")
        return bump(context, caller, component, name, **more)

    with monkeypatch.context() as patch:
        patch.setattr(bumping, "bump", dies)
        cut = typed(near, "bump", "prompts/tone@v2", "--alias", "staging", "--change", "c1", exits=8)
    assert "1 bundle done; to go on:" in cut.err
    assert "to go on" not in typed(near, "bump", "prompts/tone@v9", exits=3).err
    assert "--change c1" in cut.err
    rest = answer(near, "bump", "prompts/tone@v2", "--alias", "staging", "--change", "c1")
    assert [item["bundle"] for item in rest["items"]] == ["three", "two"]
    assert len(answer(near, "change", "show", "c1")["items"]) == 3
