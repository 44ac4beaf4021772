"""check: several directories at once, and the directories that hold files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from pinset_cli.workcopy import holding

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from terminals import Cli

FLOATING = "release:\n  feature: floating\n  model: {name: m, pinned_version: latest}\n  prompt: {text: Hello}\n"


def floating(directory: Path) -> str:
    """A bundle directory that a judgement refuses."""
    directory.mkdir()
    (directory / "release.yaml").write_text(FLOATING)
    return str(directory)


def test_each_of_several_is_checked_whatever_the_others_are(
    cli: Cli, bundle: Callable[..., str], tmp_path: Path
) -> None:
    bad, good = floating(tmp_path / "floating"), bundle()
    status, out, err = cli("check", bad, good, good)
    assert (status, out.count("support is fit to publish"), out.count("\n")) == (5, 1, 1)
    assert err.count("[model-floating]") == 1
    assert f"{bad}:\n" in err
    assert f"pinset check {bad} --allow model-floating" in err.replace(" --registry " + cli.location, "")
    assert "error: 1 of 2 bundles cannot be published" in err
    assert cli("check", bad, good, "--allow", "model-floating")[0] == 0


def test_as_json_several_are_items_with_their_directories(
    near: Cli, bundle: Callable[..., str], tmp_path: Path
) -> None:
    good, bad = bundle(), floating(tmp_path / "floating")
    status, out, err = near("check", good, bad, "--json")
    items = json.loads(out)["items"]
    assert (status, [one["directory"] for one in items]) == (5, [good, bad])
    assert [one["bundle"] for one in items] == ["support", "floating"]
    assert json.loads(err)["code"] == "checks_failed"


def test_files_stand_for_the_bundles_that_hold_them(
    near: Cli, bundle: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = Path(bundle())
    (directory / "prompts" / "deep").mkdir(parents=True)
    prompt = directory / "prompts" / "deep" / "main.md"
    prompt.write_text("Hello")
    stray = tmp_path / "README.md"
    stray.write_text("no bundle")
    monkeypatch.chdir(tmp_path)
    words = [str(one.relative_to(tmp_path)) for one in (prompt, stray, directory / "release.yaml")]
    status, out, _ = near("check", "--files", *words)
    assert (status, out.count("support is fit to publish"), out.count("\n")) == (0, 1, 1)
    assert near("check", "--files", "README.md")[::2] == (0, "no bundle holds any of these files\n")
    assert near("check", "--files")[0] == 0
    assert json.loads(near("check", "--files", "README.md", "--json")[1]) == {"items": [], "next": None}


def test_the_nearest_manifest_above_a_file_is_its_bundles(tmp_path: Path) -> None:
    for name in ("outer/release.yaml", "outer/inner/release.json", "outer/inner/prompts/a.md", "outer/b.md", "c.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    inner, outer = tmp_path / "outer" / "inner", tmp_path / "outer"
    assert holding([inner / "prompts" / "a.md", outer / "b.md", inner / "release.json", tmp_path / "c.md"]) == [
        inner,
        outer,
    ]
    assert holding([inner / "prompts" / "gone.md"]) == [inner]
