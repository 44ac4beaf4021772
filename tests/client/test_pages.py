"""What the pages show of the client runs as it stands there."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pinset import bootstrap
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGES = {
    "README.md": ("assistant", "Answer: {{text}}", None),
    "registry/docs/application.md": ("support-summarizer", "{{ticket}} {{context}}", "lookup_ticket"),
}


def blocks(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)


@pytest.fixture
def names(served: str) -> Iterator[dict[str, Any]]:
    """What the code of a page leaves behind; its client is closed."""
    found: dict[str, Any] = {}
    yield found
    found["client"].close()


@pytest.mark.parametrize("page", PAGES)
def test_the_code_of_a_page_runs(
    page: str, served: str, home: Path, tmp_path: Path, names: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, text, tool = PAGES[page]
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
    for block in found:
        exec(compile(block.replace("http://127.0.0.1:7467", served), page, "exec"), names)
    assert names["release"].ref == f"{bundle}@v1"
    assert names["release"].source == "fresh"
