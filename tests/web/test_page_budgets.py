"""What a page of decisions may cost: bytes that are sent, and looks at the catalog. Counted, never timed."""

from __future__ import annotations

import gzip
import json
import sys
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from visiting import Browsing

from pinset.catalog.reading import SqlReader
from pinset.domain.diff import compare
from pinset.ports.registry import Caller
from pinset.web.bundle_view import table_of
from pinset.web.comparison import comparison_view
from pinset.web.drawing import draw
from pinset.web.lines import Fold, Left
from pinset.web.listing import bundle_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pinset.services.local import LocalRegistry

HISTORY = Path(__file__).parents[2].parent / "shared/data/codeact-history"
SENT = 60_000
"""Bytes of a page with gzip, at most."""
LOOKS = 12
"""Times that a page opens the catalog."""
OPS = Caller(actor="ops")
WORDS = [f"{n}. When a customer asks about topic {n * 7 % 91}, answer in {n % 5 + 1} sentences.\n" for n in range(320)]


def release(text: str) -> dict[str, str]:
    model = "{provider: x, name: m, pinned_version: '2025-02-01'}"
    manifest = f"release:\n  feature: big\n  model: {model}\n  prompt: {{template: main.md}}\n"
    return {"release.yaml": manifest, "main.md": text}


@pytest.fixture
def browsing(memory: LocalRegistry) -> Iterator[Browsing]:
    """A bundle with two prompts of 20 kB, of which every fifth line differs."""
    new = [line.replace("answer in", "reply with") if n % 5 == 0 else line for n, line in enumerate(WORDS)]
    memory.publish(OPS, release("".join(WORDS)), alias="production")
    memory.publish(OPS, release("".join(new[:200] + new[230:])), alias="staging")
    memory.promote(OPS, "big@v2", "canary")
    pages = Browsing(memory)
    yield pages
    pages.close()


@pytest.mark.parametrize(
    "path",
    [
        "/diff?from=big@production&to=big@staging",
        "/diff?from=big@production&to=big@staging&context=all&view=inline",
        "/bundles/big/review",
    ],
)
def test_a_page_of_20_kb_prompts_is_light_and_looks_at_the_catalog_a_few_times(
    browsing: Browsing, memory: LocalRegistry, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sum(map(len, WORDS)) > 20_000
    catalog, looks = type(memory._context.catalog), []
    before = catalog.reading
    monkeypatch.setattr(catalog, "reading", lambda self: (looks.append(1), before(self))[1])
    page = browsing.visitor().get(path, headers={"accept-encoding": "gzip"})
    assert page.status == 200
    assert "reply with" in page.markup
    assert int(page.response.headers["content-length"]) < SENT
    assert page.response.headers["content-encoding"] == "gzip"
    assert len(looks) <= LOOKS


def calls_of(work: Callable[[], object]) -> int:
    """Calls of functions that a work makes."""
    made = 0

    def count(_frame: object, event: str, _about: object) -> None:
        nonlocal made
        made += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return made


def test_a_row_of_the_list_of_bundles_costs_few_calls() -> None:
    at = "2026-01-02T03:04:05.123456Z"
    one = {
        "name": "", "owner": "ana", "description": "", "releases": 3, "newest": 3, "archived": False, "yanked": {},
        "aliases": {"staging": 3, "production": 2}, "changed_at": at, "since": {"staging": at, "production": at},
    }  # fmt: skip
    table = table_of([{**one, "name": f"team.bundle-{number}"} for number in range(100)])
    assert "team.bundle-99" in bundle_rows(table, 1_800_000_000_000_000)
    assert calls_of(lambda: bundle_rows(table, 1_800_000_000_000_000)) < 70 * len(table.rows)


@pytest.mark.parametrize("path", ["/", "/v1/bundles?limit=1000"])
def test_a_list_asks_the_catalog_as_often_for_many_bundles_as_for_few(
    memory: LocalRegistry, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked() -> int:
        asking, run = [], SqlReader._rows
        with monkeypatch.context() as patched:
            patched.setattr(SqlReader, "_rows", lambda self, *a, **b: (asking.append(1), run(self, *a, **b))[1])
            assert pages.visitor().get(path).status == 200
        return len(asking)

    pages = Browsing(memory)
    counted = []
    for name in ("one", "two", "three"):
        files = {key: text.replace("big", name) for key, text in release("Hello.").items()}
        memory.publish(OPS, files, alias="production")
        counted.append(asked())
    pages.close()
    assert len(set(counted)) == 1
    assert counted[0] <= 8


def content(state: Path) -> dict[str, Any]:
    texts = {file.stem: file.read_text() for file in sorted((state / "prompts").glob("*.j2"))}
    tools = [json.loads(file.read_text()) for file in sorted((state / "tools").glob("*.json"))]
    return {
        "prompts": {name: {"format": "jinja2", "template": text} for name, text in texts.items()},
        "tools": {one["function"]["name"]: one["function"] for one in tools},
    }


def test_every_real_edit_fits_a_page_and_none_of_its_lines_is_lost() -> None:
    if not HISTORY.is_dir():
        pytest.skip(f"{HISTORY} is not there: it is data that is not part of this repository")
    states, checked = sorted(HISTORY.iterdir()), 0
    for old, new in pairwise(states):
        before, after = content(old), content(new)
        view = comparison_view(compare(before, after))
        rows = [row for section in view.sections for row in section.texts]
        drawn = "".join(str(draw(row.text, split=True, whole="/")) for row in rows if row.text)
        assert len(gzip.compress(drawn.encode(), 5)) < SENT
        for section in view.sections:
            for row in section.texts:
                if section.component != "prompt" or row.path != "template" or row.text is None:
                    continue
                assert not any(isinstance(b, Left) or (isinstance(b, Fold) and not b.lines) for b in row.text.blocks)
                checked += 1
                lines = [line for b in row.text.blocks if not isinstance(b, Left) for line in b.lines]
                for side, whole in (("old", before), ("new", after)):
                    kept = [line for line in lines if line.kind in {"same", side}]
                    text = "".join(
                        "".join(p.text for p in line.pieces) + ("\n" if line.newline else "") for line in kept
                    )
                    assert text == whole["prompts"][section.name]["template"]
    assert checked >= 50
