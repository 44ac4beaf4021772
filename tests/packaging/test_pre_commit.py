"""The hook is run as pre-commit runs it: its entry, its arguments, then the files, in the repository's directory."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import yaml

import warm

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT: Final = Path(__file__).parents[2]
(HOOK,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())


def test_a_commit_that_touches_bundles_has_them_checked(
    home: Path, tmp_path: Path, manifest: Callable[..., dict[str, str]]
) -> None:
    work = tmp_path / "work"
    for name in ("good", "bad"):
        (work / "bundles" / name / "prompts").mkdir(parents=True)
        (work / "bundles" / name / "release.yaml").write_text(manifest(name)["release.yaml"])
        (work / "bundles" / name / "prompts" / "main.md").write_text("Hello")
    (work / "bundles" / "bad" / "release.yaml").write_text("release: {feature: bad, prompt: {text: Hello, txt: x}}\n")
    (work / "README.md").write_text("nothing")
    binaries = warm.install(tmp_path / "bin")

    def hook(*files: str) -> tuple[int, str]:
        done = subprocess.run(
            [*shlex.split(HOOK["entry"]), "--registry", str(home), *files], cwd=work,
            env={**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}"}, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    assert hook("README.md") == (0, "no bundle holds any of these files\n")
    status, said = hook("README.md", "bundles/good/prompts/main.md")
    assert (status, "good is fit to publish" in said) == (0, True), said
    status, said = hook("bundles/good/release.yaml", "bundles/bad/prompts/main.md")
    assert (status, "1 of 2 bundles cannot be published" in said) == (2, True), said


def test_no_file_is_an_option() -> None:
    given = [
        one for one in ("--help", "-r", "--registry=x/y", "a/--help", "b-c") if not re.search(HOOK["exclude"], one)
    ]
    assert given == ["a/--help", "b-c"]


def test_what_it_installs_is_the_command_line() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (wanted,) = HOOK["additional_dependencies"]
    assert wanted.removeprefix(".[").removesuffix("]") in project["optional-dependencies"]
    assert HOOK["entry"].split()[0] in project["scripts"]
    assert (HOOK["id"], HOOK["language"], HOOK["require_serial"]) == ("pinset-check", "python", True)
