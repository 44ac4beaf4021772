"""The arithmetic of costs, their JSON and their words: exact decimals, and nothing said where nothing changes."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from pinset.domain import cost_words
from pinset.domain import costs as c
from pinset.domain import estimates as e


def count(tokens: int, *, exact: bool = True) -> c.TokenCount:
    return c.TokenCount(tokens, exact, "o200k_base")


def call(tokens: int, per_1000: str | None = "0.5", model: str = "openai gpt-4o", **more: object) -> c.Call:
    return c.Call(model, count(tokens), Decimal(per_1000) if per_1000 is not None else None, **more)  # type: ignore[arg-type]


def estimate(**calls: c.Call) -> e.Estimate:
    parts = {name: (one, (e.Part("messages", one.tokens),)) for name, one in calls.items()}
    return e.Estimate(parts, frozenset({("o200k_base", True)}), "prices of a list", ("a note",))


@pytest.mark.parametrize(
    ("tokens", "rate", "dollars"),
    [(1_234, "2.50", "3.085"), (1, "0.075", "0.000075"), (0, "10", "0"), (3_333_333, "0.1", "333.3333")],
)
def test_the_price_of_1000_calls_is_exact(tokens: int, rate: str, dollars: str) -> None:
    assert c.per_1000(tokens, c.Rate(Decimal(rate)), tokens) == Decimal(dollars)


def test_a_tier_holds_for_all_tokens_of_a_call_that_is_above_it() -> None:
    rate = c.Rate(Decimal("1.25"), ((200_000, Decimal("2.50")), (400_000, Decimal(5))))
    found = [c.per_1000(tokens, rate, tokens) for tokens in (200_000, 200_001, 400_001)]
    assert found == [Decimal(250), Decimal("500.0025"), Decimal("2000.005")]


def test_the_tier_of_the_answer_goes_by_the_input() -> None:
    rate = c.Rate(Decimal(10), ((200_000, Decimal(15)),))
    assert c.per_1000(800, rate, 1_000) == Decimal(8)
    assert c.per_1000(800, rate, 300_000) == Decimal(12)


def test_nothing_is_said_where_nothing_changes() -> None:
    assert e.changed(estimate(a=call(5)), estimate(a=call(5))) is None
    assert e.changed(estimate(), estimate()) is None


def test_a_model_swap_shows_though_no_token_changed() -> None:
    change = e.changed(estimate(a=call(5)), estimate(a=call(5, "0.9", model="openai o3")))
    assert change is not None
    assert [row.parts for row in change.prompts] == [()]
    assert (change.per_1000_before, change.per_1000_after, change.percent) == (
        Decimal("0.5"),
        Decimal("0.9"),
        Decimal("80.0"),
    )


def test_totals_hold_the_prompts_that_did_not_change() -> None:
    before = estimate(a=call(5), b=call(100, "7"))
    change = e.changed(before, estimate(a=call(6, "0.6"), b=call(100, "7")))
    assert change is not None
    assert [row.prompt for row in change.prompts] == ["a"]
    assert (change.before.tokens, change.after.tokens) == (105, 106)
    assert (change.per_1000_before, change.per_1000_after) == (Decimal("7.5"), Decimal("7.6"))


def test_a_total_has_no_price_where_one_prompt_has_none() -> None:
    change = e.changed(estimate(a=call(5), b=call(5)), estimate(a=call(5), b=call(5, None, unpriced="unknown model")))
    assert change is not None
    assert change.per_1000_after is None
    assert change.percent is None
    assert cost_words.why_unpriced(change) == ("unknown model",)


def test_the_ceiling_of_answers_is_told_only_where_every_prompt_has_one() -> None:
    bounded = call(5, max_tokens=800, output_per_1000=Decimal(8))
    assert e.total_of(estimate(a=bounded, b=bounded)).output_per_1000 == Decimal(16)
    assert e.total_of(estimate(a=bounded, b=call(5))).output_per_1000 is None


def test_a_prompt_that_comes_or_goes_has_one_side() -> None:
    change = e.changed(estimate(old=call(5)), estimate(new=call(7)))
    assert change is not None
    assert [(row.prompt, row.before is None, row.after is None) for row in change.prompts] == [
        ("new", True, False),
        ("old", False, True),
    ]
    assert [row.parts[0].delta for row in change.prompts] == [7, -5]


def test_many_prompts_are_counted_and_not_all_listed() -> None:
    before = estimate(**{f"p{n}": call(1) for n in range(60)})
    change = e.changed(before, estimate(**{f"p{n}": call(2) for n in range(60)}))
    assert change is not None
    assert (len(change.prompts), change.more) == (e.PROMPTS, 10)
    assert change.after.tokens == 120


def test_json_loses_no_digit_and_comes_back() -> None:
    tiny = call(1, "0.000000075", max_tokens=3, output_per_1000=Decimal("1E+3"), priced_as="openai gpt-4o")
    change = e.changed(estimate(a=call(5), gone=call(3)), estimate(a=tiny, b=call(2, None, unpriced="why")))
    assert change is not None
    answer = json.loads(json.dumps(c.as_answer(change)))
    assert answer["prompts"][0]["after"]["per_1000"] == "0.000000075"
    assert answer["prompts"][0]["after"]["output_per_1000"] == "1000"
    assert c.from_answer(answer) == change


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("1234.5", "$1,234.50"),
        ("0.1225", "$0.1225"),
        ("0.31", "$0.31"),
        ("0.00042", "$0.00042"),
        ("0", "$0.00"),
        (None, "price not known"),
    ],
)
def test_money_is_written_for_people(amount: str | None, text: str) -> None:
    assert c.dollars(Decimal(amount) if amount is not None else None) == text


def test_what_is_new_has_a_price_and_none_that_is_not_known() -> None:
    change = e.changed(estimate(), estimate(a=call(1_000, "2.5")))
    assert change is not None
    assert cost_words.headline(change) == "1,000 tokens, $2.50 per 1,000 calls"


def test_a_line_says_before_and_after_and_by_how_much() -> None:
    before = estimate(a=call(1_000, "2.5", max_tokens=8, output_per_1000=Decimal(8)))
    after = estimate(a=call(1_100, "2.75", max_tokens=9, output_per_1000=Decimal(9)))
    change = e.changed(before, after)
    assert change is not None
    assert cost_words.headline(change) == ("1,000 → 1,100 tokens (+10.0 %), $2.50 → $2.75 per 1,000 calls (+10.0 %)")
    assert cost_words.row(change.prompts[0]) == (
        "openai gpt-4o: 1,000 → 1,100 tokens (+10.0 %), $2.50 → $2.75 per 1,000 calls (+10.0 %)"
        "; its answers at most $8.00 → $9.00"
    )
    assert cost_words.part(change.prompts[0].parts[0]) == "1,000 → 1,100 tokens (+100)"


def test_a_line_says_what_changes_where_only_the_most_that_answers_cost_does() -> None:
    before, after = (call(9, max_tokens=n, output_per_1000=Decimal(n) / 100) for n in (800, 4_000))
    change = e.changed(estimate(default=before), estimate(default=after))
    assert change is not None
    assert cost_words.headline(change) == "9 tokens, $0.50 per 1,000 calls; its answers at most $8.00 → $40.00"


def test_an_approximation_is_marked_in_every_line() -> None:
    rough = c.Call("claude", count(1_000, exact=False), None, unpriced="no list")
    change = e.changed(estimate(a=call(5)), estimate(a=rough))
    assert change is not None
    assert "≈ 1,000" in cost_words.headline(change)
    assert "≈ 1,000" in cost_words.row(change.prompts[0])
    assert cost_words.call(rough) == "claude: ≈ 1,000 tokens (o200k_base), price not known: no list"
