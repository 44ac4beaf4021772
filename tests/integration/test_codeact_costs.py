"""Costs over a real agent's history: exact counts of its texts, and every change adds up."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from test_codeact_history import HISTORY, states

from pinset.costs import Offline
from pinset.domain import costs as c
from pinset.domain import estimates as e
from pinset.domain.assembly import Surroundings, assemble_release
from pinset.services import costing

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.skipif(not HISTORY.is_dir(), reason=f"the history of states is not at {HISTORY.name}/")

AT = 1_795_000_000_000_000
COUNTED = {1: (120, 121), 20: (2863, 2849), 40: (4752, 4745), 63: (6187, 6186)}
"""Tokens of all templates of a state by o200k_base and cl100k_base, as OpenAI's own `tiktoken` 0.14 counts them."""


def content(files: Mapping[str, str]) -> dict[str, Any]:
    named = files["release.yaml"].replace("name: claude", "provider: openai, name: gpt-4o, max_tokens: 1000")
    around = Surroundings(component=lambda _: None, version=lambda *_: None, serving=lambda _: None)
    made = assemble_release({**files, "release.yaml": named.replace("2025-05-14", "2024-08-06")}, around)
    assert made.content is not None, made.findings
    return made.content


@pytest.mark.parametrize("state", COUNTED)
def test_real_templates_count_as_with_openais_own_tokenizer(state: int) -> None:
    texts = [text for path, text in states()[state - 1].items() if path.startswith("prompts/")]
    found = tuple(sum(Offline().count(texts, name)) for name in ("o200k_base", "cl100k_base"))
    assert found == COUNTED[state]


def test_every_change_of_the_history_adds_up() -> None:
    costs, day = Offline(), costing.day_of(AT)
    contents = [content(files) for files in states()[::6]]
    told = 0
    for old, new in itertools.pairwise(contents):
        change = costing.change(costs, old, new, at=AT)
        before, after = costing.estimate(costs, old, day), costing.estimate(costs, new, day)
        assert (change is None) == (before.calls == after.calls)
        if change is None:
            continue
        told += 1
        assert (change.before, change.after) == (e.total_of(before), e.total_of(after))
        for row in change.prompts:
            sides = [call.tokens.tokens if call else 0 for call in (row.before, row.after)]
            assert sides[1] - sides[0] == sum(part.delta for part in row.parts)
        assert change.per_1000_after == Decimal("2.5") * change.after.tokens / 1000
        assert c.from_answer(c.as_answer(change)) == change
    assert told == len(contents) - 1
