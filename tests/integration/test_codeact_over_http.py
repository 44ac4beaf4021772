"""Sixty-three states of a production agent, published over HTTP: the second time nothing is new."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pinset.client.remote import RemoteRegistry
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Iterator

STATES = Path(__file__).parents[3] / "shared" / "data" / "codeact-history"


def _states() -> Iterator[dict[str, str]]:
    for state in sorted(STATES.iterdir()):
        files = {
            path.relative_to(state).as_posix(): path.read_bytes().decode()
            for folder in ("prompts", "tools")
            for path in sorted((state / folder).glob("*"))
        }
        prompts = "".join(f"    {Path(path).stem}: {path}\n" for path in files if path.startswith("prompts/"))
        tools = ", ".join(path for path in files if path.startswith("tools/"))
        manifest = (
            "release:\n  feature: codeact\n  model: {name: agent-model, pinned_version: '2025-05-14'}\n"
            f"  prompts:\n{prompts}  tools: [{tools}]\n"
        )
        yield {"release.yaml": manifest, **files}


def test_publishing_a_history_twice_adds_nothing_the_second_time(served: str) -> None:
    if not STATES.is_dir():
        pytest.skip("the histories are not beside this checkout")
    registry, caller = RemoteRegistry(served), Caller(actor="ci")
    first = [registry.publish(caller, files, bundle="codeact") for files in _states()]
    assert len(first) == 63
    assert sum(answer["created"] for answer in first) == 60
    again = [registry.publish(caller, files, bundle="codeact") for files in _states()]
    assert not any(answer["created"] for answer in again)
    assert [answer["ref"] for answer in again] == [answer["ref"] for answer in first]
    registry.close()
