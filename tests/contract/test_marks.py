"""Marks: what a cache asks before it gives what it read before, of the catalog and of the state."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from pinset import bootstrap
from pinset.catalog.watch import ABSENT, Watch
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pinset.services.local import LocalRegistry

ME = Caller(actor="ana")
FILES = {"release.yaml": 'release:\n  feature: alpha\n  prompt: {text: "Hello {{name}}."}\n'}
PROMOTING = """
import sys
from pathlib import Path
from pinset import bootstrap
from pinset.ports.registry import Caller
registry = bootstrap.local_registry(Path(sys.argv[1]))
registry.promote(Caller(actor="cli"), "alpha@v1", "production")
registry.close()
"""


@pytest.fixture(params=["memory", "directory"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LocalRegistry]:
    if request.param == "directory":
        bootstrap.create_registry(tmp_path / "home")
        made = bootstrap.local_registry(tmp_path / "home", serving=True)
    else:
        made = bootstrap.memory_registry()
    yield made
    made.close()


def _promote_elsewhere(home: Path) -> None:
    subprocess.run([sys.executable, "-c", PROMOTING, str(home)], check=True)


def _rebuild(registry: LocalRegistry) -> None:
    registry.reindex()


CHANGES: list[Callable[[LocalRegistry], object]] = [
    lambda registry: registry.publish(ME, FILES, alias="staging"),
    lambda registry: registry.yank(ME, "alpha@v1", reason="bad"),
    _rebuild,
]


@pytest.mark.parametrize("change", CHANGES, ids=["publish", "yank", "reindex"])
def test_a_catalog_mark_stays_while_nothing_happens_and_changes_when_something_does(
    registry: LocalRegistry, change: Callable[[LocalRegistry], object]
) -> None:
    catalog = registry._context.catalog
    registry.publish(ME, FILES, alias="production")
    before = catalog.mark()
    assert before is not None
    assert registry.release("alpha@production")["version"] == 1
    assert catalog.mark() == before
    change(registry)
    assert catalog.mark() != before


def test_another_process_changes_the_mark_too(tmp_path: Path) -> None:
    home = tmp_path / "home"
    bootstrap.create_registry(home)
    with closing(bootstrap.local_registry(home, serving=True)) as registry:
        catalog = registry._context.catalog
        registry.publish(ME, FILES)
        before = catalog.mark()
        _promote_elsewhere(home)
        assert catalog.mark() != before
        before = catalog.mark()
        subprocess.run(
            [sys.executable, "-m", "pinset_cli.main", "reindex", "--registry", str(home)],
            check=True,
            capture_output=True,
        )
        assert catalog.mark() != before
        before = catalog.mark()
        assert registry.release("alpha@production")["version"] == 1
        assert catalog.mark() == before


def test_a_state_mark_changes_with_every_token(registry: LocalRegistry) -> None:
    state = registry._context.state
    before = state.mark()
    registry.create_token(ME, "ci", can="read")
    made = state.mark()
    registry.keep_answer(ME, "key", request="r", status=200, body="{}", lifetime=10**12)
    state.touch_token(state.tokens()[0].id, 1)
    assert state.mark() == made, "only tokens count"
    assert None not in (before, made)
    assert made != before
    registry.revoke_token(ME, "ci")
    assert state.mark() != made


def test_a_file_that_cannot_be_watched_has_no_mark(tmp_path: Path) -> None:
    watch = Watch(tmp_path / "none", "SELECT 1")
    assert watch.mark() == ABSENT
    (tmp_path / "none").write_bytes(b"no database " * 1000)
    assert watch.mark() is None
    (tmp_path / "none").unlink()
    assert watch.mark() == ABSENT
    watch.close()
    watch.close()
