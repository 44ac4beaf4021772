"""Blame over a real agent's history: every line is of a release that holds it, where the one before had it less often."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from test_codeact_history import HISTORY, states

from pinset.domain.blame import lines_of
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pinset.services.local import LocalRegistry

pytestmark = pytest.mark.skipif(not HISTORY.is_dir(), reason=f"the history of states is not at {HISTORY.name}/")

ME = Caller(actor="ada")
ALIAS = "codeact@production"


def test_each_line_is_of_the_release_that_brought_it(memory: LocalRegistry) -> None:
    contents: dict[int, Mapping[str, str]] = {}
    for files in states():
        contents[memory.publish(ME, files)["version"]] = files
    for version in contents:
        memory.promote(ME, f"codeact@v{version}", "production")
    held = held_lines(contents)
    paths = [path for path in contents[max(contents)] if path.startswith(("prompts/", "tools/"))]
    assert paths
    served = list(contents)
    looked_at = sum(agrees(memory, ALIAS, path, served, held) for path in paths)
    assert looked_at == sum(len(lines_of(contents[served[-1]][path])) for path in paths)
    longest = max(paths, key=lambda path: len(contents[served[-1]][path]))
    of_releases = memory.blame(f"codeact@v{served[-1]}", longest)["lines"]
    assert of_releases == memory.blame(ALIAS, longest)["lines"], "it served every release, so both say the same"
    served += [memory.rollback(ME, "codeact", "production")["to"] or 0 for _ in range(20)]
    served += [memory.promote(ME, f"codeact@v{max(contents)}", "production", again=True, reason="mended")["to"] or 0]
    now = contents[served[-1]]
    assert sum(agrees(memory, ALIAS, path, served, held) for path in paths if path in now) == looked_at


def held_lines(contents: Mapping[int, Mapping[str, str]]) -> Callable[[int | None, str], Counter[str]]:
    """How often each line is in a file of a version; none in a file that is not there."""
    known: dict[tuple[int, str], Counter[str]] = {}

    def held(version: int | None, path: str) -> Counter[str]:
        if version is None:
            return Counter()
        if (version, path) not in known:
            known[version, path] = Counter(lines_of(contents[version].get(path, "")))
        return known[version, path]

    return held


def agrees(registry: LocalRegistry, reference: str, path: str, served: Sequence[int], held: Any) -> int:
    """Checks what blame says of a file against what was served, one after another; how many lines there are."""
    answer = registry.blame(reference, path)
    assert answer["complete"]
    assert not answer["coarse"]
    for line in answer["lines"]:
        origin, since = (answer["origins"][line[end]]["move"] for end in ("origin", "since"))
        assert origin is not None
        assert since is not None
        version = answer["origins"][line["origin"]]["version"]
        assert served[origin["seq"] - 1] == version
        before = served[origin["seq"] - 2] if origin["seq"] > 1 else None
        assert held(version, path)[line["text"]] > held(before, path)[line["text"]], (path, line)
        assert all(held(one, path)[line["text"]] for one in served[since["seq"] - 1 :]), (path, line)
    assert Counter(line["text"] for line in answer["lines"]) == held(served[-1], path)
    return len(answer["lines"])
