"""Prices: those of the carried list, never of a name that merely looks alike, and never from the network."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from pinset.costs import prices
from pinset.costs.nothing import Nothing
from pinset.costs.offline import Offline
from pinset.costs.prices import Prices
from pinset.domain.costs import Price
from pinset.domain.encodings import model_name

DAY = date(2026, 11, 21)


@pytest.fixture(scope="module")
def listed() -> Prices:
    return Prices()


def price(listed: Prices, name: str, provider: str | None = None, pin: str | None = None, **more: str) -> Price | str:
    return listed.price(model_name({"provider": provider, "name": name, "pinned_version": pin, **more}), DAY)


@pytest.mark.parametrize(
    ("provider", "name", "pin", "called"),
    [
        ("openai", "gpt-4o", "2024-08-06", "openai gpt-4o"),
        ("openai", "gpt-4o-2024-08-06", None, "openai gpt-4o"),
        ("openai", "gpt-4o", "gpt-4o-2024-05-13", "openai gpt-4o-2024-05-13"),
        ("openai", "gpt-4o", "2024-05-13", "openai gpt-4o-2024-05-13"),
        ("azure-openai", "gpt-4o", "2024-08-06", "azure gpt-4o"),
        ("Anthropic", "claude-3-5-sonnet", "20241022", "anthropic claude-3-5-sonnet"),
        ("anthropic", "claude-3-5-sonnet-latest", None, "anthropic claude-3-5-sonnet"),
        ("google", "models/gemini-1.5-pro", None, "google gemini-1.5-pro"),
        ("vertex_ai", "gemini-1.5-pro-002", None, "google gemini-1.5-pro"),
        ("bedrock", "anthropic.claude-3-5-sonnet-20240620-v1:0", None,
         "aws regional.anthropic.claude-3-5-sonnet-20240620-v1:0"),
        ("litellm", "bedrock/us.anthropic.claude-3-5-sonnet-20240620-v1:0", None,
         "aws regional.anthropic.claude-3-5-sonnet-20240620-v1:0"),
        ("openrouter", "openai/gpt-4o", None, "openrouter openai/gpt-4o"),
        ("openai", "ft:gpt-4o-2024-08-06:org::id", None, "openai ft:gpt-4o"),
        (None, "openai/gpt-4o", None, "openai gpt-4o"),
        (None, "gpt-4o-mini", None, "openai gpt-4o-mini"),
    ],
)  # fmt: skip
def test_a_model_is_found_by_the_names_that_people_give_it(
    listed: Prices, provider: str | None, name: str, pin: str | None, called: str
) -> None:
    found = price(listed, name, provider, pin)
    assert isinstance(found, Price), found
    assert found.called == called


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        ("openai", "gpt-4oo"),
        ("openai", "gpt-4o-our-tuned"),
        ("openai", "ft:gpt-4o-our-2024-08-06:org::id"),
        ("openai", "my-gpt-4o"),
        (None, "my-gpt-4o"),
        ("google", "my-gemini-1.5-pro"),
        ("google", "tuned.gemini-1.5-pro"),
        ("google", "gemini-1.5-pro-tuned"),
        ("google", "gemini-1.5-prowess"),
        ("anthropic", "claude-3-5-sonnet-mini"),
        ("anthropic", "claude"),
        ("vendor-x", "foundation-large"),
        ("vendor-x", "gpt-4o"),
        ("my-openai-proxy", "gpt-4o"),
        ("openai", ""),
        ("openai", "\u202egpt-4o"),
        ("openai", "gpt-4o\n2024-08-06"),
        ("openai", "x" * 100_000),
        ("(" * 5_000, "(" * 150),
    ],
)
def test_a_name_that_looks_alike_has_no_price_and_a_reason(listed: Prices, provider: str | None, name: str) -> None:
    found = price(listed, name, provider)
    assert isinstance(found, str)
    assert found.isprintable()
    assert 0 < len(found) < 200


def test_every_model_of_the_large_makers_is_found_by_its_own_id(listed: Prices) -> None:
    for maker in ("openai", "anthropic", "google", "deepseek", "x-ai", "cohere", "azure"):
        models = [model for model in listed._listed()[maker].models if not model.id.startswith("ft:")]
        missed = [m.id for m in models if prices._find(listed._listed(), maker, m.id.lower()) is not m]
        assert models
        assert missed == []


def test_a_price_is_the_lists_own_to_the_digit(listed: Prices) -> None:
    from genai_prices import Usage, calc_price

    found = price(listed, "gpt-4o", "openai", "2024-08-06")
    assert isinstance(found, Price)
    assert found.output is not None
    theirs = calc_price(Usage(input_tokens=1_234, output_tokens=800), "gpt-4o-2024-08-06", provider_id="openai")
    assert found.input.at(1_234) * 1_234 / 1_000_000 == theirs.input_price
    assert found.output.at(1_234) * 800 / 1_000_000 == theirs.output_price


def model(*listed: Any) -> Any:
    return SimpleNamespace(prices=list(listed))


def at(constraint: Any, dollars: str | None, **more: Any) -> Any:
    rest = {"output_mtok": Decimal(9), "cache_read_mtok": None, "requests_kcount": None, **more}
    cost = SimpleNamespace(input_mtok=Decimal(dollars) if dollars else None, **rest)
    return SimpleNamespace(constraint=constraint, prices=cost)


def test_the_price_is_that_of_the_day() -> None:
    later = SimpleNamespace(start_date=date(2027, 1, 1))
    both = model(at(None, "1"), at(later, "2"))
    found = [prices._priced("x", both, day) for day in (date(2026, 12, 31), date(2027, 1, 1))]
    assert [one.input.base for one in found if isinstance(one, Price)] == [Decimal(1), Decimal(2)]


def test_of_a_price_that_goes_by_the_hour_the_dearest_is_taken_and_told() -> None:
    found = prices._priced("x", model(at(None, "1"), at(SimpleNamespace(), "3"), at(SimpleNamespace(), "2")), DAY)
    assert isinstance(found, Price)
    assert found.input.base == Decimal(3)
    assert "the dearest" in " ".join(found.notes)


def test_hours_of_a_price_that_was_replaced_no_longer_count() -> None:
    began = SimpleNamespace(start_date=date(2026, 1, 1))
    found = prices._priced("x", model(at(None, "1"), at(SimpleNamespace(), "9"), at(began, "2")), DAY)
    assert isinstance(found, Price)
    assert (found.input.base, found.notes) == (Decimal(2), ())


def test_what_else_a_price_hangs_on_is_told() -> None:
    tiers = SimpleNamespace(base=Decimal("1.25"), tiers=[SimpleNamespace(start=200_000, price=Decimal("2.5"))])
    each = at(None, "1", cache_read_mtok=Decimal("0.125"), requests_kcount=Decimal(5))
    each.prices.input_mtok = tiers
    found = prices._priced("m", model(each), DAY)
    assert isinstance(found, Price)
    told = " ".join(found.notes)
    assert all(word in told for word in ("200,000", "$2.50", "fee for each request"))
    assert "$0.125" in " ".join(found.asides)
    assert found.input.at(200_001) == Decimal("2.5")


def test_a_model_that_is_not_priced_by_tokens_has_no_price() -> None:
    assert prices._priced("m", model(at(None, None)), DAY) == "the price list prices m by something else than tokens"


def test_the_list_says_its_version_the_day_and_how_new_it_is(listed: Prices) -> None:
    newest = listed.newest(DAY)
    assert newest is not None
    assert newest <= DAY
    said = Offline().basis(DAY)
    assert all(word in said for word in ("2026-11-21", "genai-prices", newest.isoformat()))


@pytest.mark.parametrize(
    ("gone", "tokens", "priced"),
    [
        (("bpe_openai",), "characters/4", True),
        (("genai_prices",), "o200k_base", False),
        (("bpe_openai", "genai_prices"), "characters/4", False),
    ],
)
def test_without_the_extra_everything_answers_and_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, gone: tuple[str, ...], tokens: str, priced: bool
) -> None:
    for package in gone:
        monkeypatch.setitem(sys.modules, package, None)
    costs, name = Offline(), model_name({"provider": "openai", "name": "gpt-4o"})
    encoding = costs.encoding(name)
    assert (encoding.name, encoding.exact) == (tokens, tokens != "characters/4")
    assert costs.count(["hello world", ""], encoding.name) == ([3, 0] if tokens == "characters/4" else [2, 0])
    assert isinstance(costs.price(name, DAY), Price) is priced
    assert bool(costs.basis(DAY)) is priced
    assert "pinset[costs]" in costs.lacks


def test_nothing_says_so() -> None:
    assert "pinset[costs]" in Nothing().lacks
    assert Offline().lacks == ""


ALONE = """
import socket, sys, threading
import pinset, pinset.bootstrap, pinset_cli.main, pinset_cli.commands.comparing, pinset.api.app, pinset.costs.offline
early = [name for name in sys.modules if name.startswith(("bpe_openai", "genai_prices"))]
def refused(*_, **__):
    raise AssertionError("the network was asked")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = socket.create_connection = refused
content = {"prompts": {"default": {"format": "text", "template": "hello"}}, "tools": {}}
was = {**content, "models": {"default": {"provider": "openai", "name": "gpt-4o", "id": "gpt-4o"}}}
now = {**content, "models": {"default": {"provider": "anthropic", "name": "claude-3-5-haiku-latest"}}}
from pinset.services import costing
found = costing.change(pinset.costs.offline.Offline(), was, now, at=pinset.bootstrap.SystemClock().now())
assert found.per_1000_before and found.per_1000_after, found
print(early, [thread.name for thread in threading.enumerate()])
"""


def test_nothing_is_loaded_early_and_no_price_comes_from_the_network() -> None:
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, timeout=120, check=False)
    assert done.stderr == ""
    assert done.stdout.strip() == "[] ['MainThread']"
