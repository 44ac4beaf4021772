"""What the pages show of the client runs as it stands there."""

from __future__ import annotations

import re
import shlex
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pinset import Client, bootstrap
from pinset.ports.registry import Caller
from pinset_cli.main import main

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGES = {
    "README.md": ("assistant", "Answer: {{text}}", None, 0),
    "registry/docs/application.md": ("support-summarizer", "{{ticket}} {{context}}", "lookup_ticket", 3),
}


def blocks(page: str) -> list[tuple[str, str]]:
    """Python and what is typed, in their order; of README.md the commands are typed elsewhere."""
    kinds = "python" if page == "README.md" else "python|console"
    return re.findall(rf"^```({kinds})\n(.*?)^```", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)


def typed(block: str, registry: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Run the commands of a block, and compare what they print."""
    for step in re.split(r"^\$ pinset ", block, flags=re.MULTILINE)[1:]:
        command, _, shown = step.partition("\n")
        capsys.readouterr()
        assert main([*shlex.split(command), "--registry", registry]) == 0
        assert re.fullmatch(re.escape(shown).replace("…", ".*"), capsys.readouterr().out)


def write(below: Path, name: str, text: str) -> None:
    """A working copy of the page's bundle."""
    (below / name).mkdir()
    manifest = f"release: {{feature: support-summarizer, prompt: {{text: '{text}'}}}}"
    (below / name / "release.yaml").write_text(manifest)


@pytest.fixture
def names(served: str) -> Iterator[dict[str, Any]]:
    """What the code of a page leaves behind; its client is closed."""
    found: dict[str, Any] = {}
    yield found
    for value in found.values():
        if isinstance(value, Client):
            value.close()


@pytest.mark.parametrize("page", PAGES)
def test_the_code_of_a_page_runs(
    page: str,
    served: str,
    home: Path,
    tmp_path: Path,
    names: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bundle, text, tool, shown_tests = PAGES[page]
    manifest = (
        f"release:\n  feature: {bundle}\n  model: {{name: m, pinned_version: '1'}}\n  prompt: {{text: \"{text}\"}}\n"
    )
    files = {
        "release.yaml": manifest + (f"  tools: [{{name: {tool}, parameters: {{type: object}}}}]\n" if tool else "")
    }
    with closing(bootstrap.local_registry(home)) as registry:
        registry.publish(Caller(actor="ada"), files, alias="production")
        registry.promote(Caller(actor="ada"), f"{bundle}@v1", "staging")
    monkeypatch.setenv("PINSET_CACHE", str(tmp_path / "cache"))
    found = blocks(page)
    assert found
    write(tmp_path, "support-summarizer", text)
    write(tmp_path, "next", f"Next. {text}")
    (tmp_path / "components").mkdir()
    monkeypatch.chdir(tmp_path)
    for kind, block in found:
        if kind == "python":
            exec(compile(block.replace("http://127.0.0.1:7467", served), page, "exec"), names)
        else:
            typed(block, served, capsys)
    tests = [value for name, value in names.items() if name.startswith("test_")]
    assert len(tests) == shown_tests
    for test in tests:
        test()
    assert names["release"].ref == f"{bundle}@v1"
    assert names["release"].source == "fresh"
