"""Token buckets: how often each may ask, and what is remembered of it."""

from __future__ import annotations

from typing import Any

import pytest

from pinset.api import limits as module
from pinset.api.limits import Buckets, Limiter, is_write
from pinset.config import NO_LIMIT, Limits, Override, Rate
from pinset.errors import RateLimited


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def limiter(clock: Clock | None = None, **given: Any) -> Limiter:
    return Limiter(Limits(**given), clock or Clock())


def refused(made: Limiter, key: str, *, write: bool = True) -> int:
    with pytest.raises(RateLimited) as caught:
        made.check(key, write=write)
    assert f"wait {caught.value.details['retry_after']} s" in caught.value.hint
    return int(caught.value.details["retry_after"])


def test_a_burst_passes_and_then_the_rate() -> None:
    clock = Clock()
    made = limiter(clock, writes=Rate(2, 3))
    assert [made.allow("ci", write=True) for _ in range(5)] == [None, None, None, 0.5, 0.5]
    clock.now += 0.25
    assert made.allow("ci", write=True) == 0.25
    clock.now += 0.25
    assert [made.allow("ci", write=True) for _ in range(2)] == [None, 0.5]
    clock.now += 3600
    assert [made.allow("ci", write=True) is None for _ in range(4)] == [True, True, True, False]


def test_a_refusal_says_for_how_long_in_whole_seconds() -> None:
    made = limiter(writes=Rate(0.1, 1), reads=Rate(100, 1))
    for write in (True, False):
        made.check("ci", write=write)
    assert (refused(made, "ci"), refused(made, "ci", write=False)) == (10, 1)
    assert made.counts == {"reads": 1, "writes": 1, "failures": 0, "connections": 0}


def test_credentials_and_reads_and_writes_are_apart() -> None:
    made = limiter(writes=Rate(1, 1), reads=Rate(1, 1))
    assert [made.allow(key, write=write) for key in ("a", "b") for write in (True, False)] == [None] * 4
    assert all(made.allow(key, write=write) for key in ("a", "b") for write in (True, False))


def test_the_first_name_that_fits_decides() -> None:
    overrides = (
        Override("ci-x", NO_LIMIT, Rate(1, 1)),
        Override("ci-*", Rate(1, 2), NO_LIMIT),
        Override("local", NO_LIMIT, Rate(1, 1)),
    )
    made = limiter(writes=Rate(1, 3), tokens=overrides)
    passed = {
        key: [made.allow(key, write=True) for _ in range(5)].count(None) for key in ("ci-x", "ci-y", "app", "local")
    }
    assert passed == {"ci-x": 1, "ci-y": 5, "app": 3, "local": 1}
    assert [made.allow("ci-y", write=False) for _ in range(4)].count(None) == 2


def test_usually_reads_have_no_limit_nor_has_who_needs_no_credential() -> None:
    made = limiter()
    assert [made.allow("app", write=False) for _ in range(2000)] == [None] * 2000
    assert [made.allow("local", write=True) for _ in range(2000)] == [None] * 2000
    assert [made.allow("app", write=True) for _ in range(501)].count(None) == 500


def test_what_is_remembered_is_bounded_and_who_is_limited_stays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 10)
    clock = Clock()
    buckets = Buckets(lambda _: Rate(1, 2), clock)
    for at in range(100):
        buckets.take(f"once{at}")
        clock.now += 0.3
        if at % 5 == 0:
            buckets.take("often", 2) or buckets.take("often")
        assert len(buckets._held) <= 10
    assert buckets.take("often") is not None


@pytest.mark.parametrize("count", [1, 0])
def test_a_look_takes_nothing(count: int) -> None:
    buckets = Buckets(lambda _: Rate(1, 2), Clock())
    assert [buckets.take("a", count) for _ in range(5)].count(None) == (2 if count else 5)


# -- Guessing ---------------------------------------------------------------------------------------------------------

FAR = ("192.0.2.7", 5)


def guesses(made: Limiter, client: tuple[str, int | None] | None, number: int, text: str = "Bearer wrong") -> int:
    """How many of so many wrong credentials are looked at."""
    looked = 0
    for _ in range(number):
        try:
            made.check_guess(client, text)
        except RateLimited:
            continue
        looked += 1
        made.note_guess(client, text, good=False)
    return looked


def test_who_guesses_is_turned_away_without_a_look() -> None:
    clock = Clock()
    made = limiter(clock, failures=Rate(0.5, 3))
    assert guesses(made, FAR, 10) == 3
    assert made.counts["failures"] == 7
    clock.now += 2
    assert guesses(made, FAR, 10) == 1
    assert guesses(made, ("192.0.2.8", 5), 10) == 3


def test_who_had_a_good_credential_is_let_in_whatever_others_try_from_there() -> None:
    made = limiter(failures=Rate(0.5, 3))
    made.note_guess(FAR, "Bearer good", good=True)
    guesses(made, FAR, 10)
    made.check_guess(FAR, "Bearer good")
    for text in ("Bearer other", None):
        with pytest.raises(RateLimited):
            made.check_guess(FAR, text)
    made.note_guess(FAR, "Bearer good", good=False)  # it was revoked
    with pytest.raises(RateLimited):
        made.check_guess(FAR, "Bearer good")


def test_good_requests_are_no_guesses() -> None:
    made = limiter(failures=Rate(0.5, 3))
    for _ in range(20):
        made.check_guess(FAR, "Bearer good")
        made.note_guess(FAR, "Bearer good", good=True)
    assert guesses(made, FAR, 10) == 3


@pytest.mark.parametrize(
    "client",
    [None, ("127.0.0.1", 1), ("127.9.9.9", 1), ("::1", 1), ("::ffff:127.0.0.1", 1), ("10.1.2.3", 1), ("fd00::7", 0)],
)
def test_this_machine_and_proxies_stand_for_many(client: Any) -> None:
    made = limiter(failures=Rate(0.5, 3), proxies=("10.1.0.0/16", "fd00::7"))
    assert guesses(made, client, 10) == 10


def test_one_machine_has_many_addresses_of_ipv6() -> None:
    made = limiter(failures=Rate(0.5, 3))
    assert sum(guesses(made, (f"2001:db8::{at:x}", 1), 1) for at in range(1, 9)) == 3
    assert guesses(made, ("2001:db8:0:1::1", 1), 9) == 3
    assert guesses(made, ("::ffff:192.0.2.7", 1), 2) + guesses(made, ("192.0.2.7", 1), 2) == 3
    assert guesses(made, ("made-up", 0), 9) == 3


@pytest.mark.parametrize(
    ("method", "path", "write"),
    [
        ("GET", "/v1/bundles", False), ("HEAD", "/v1/bundles", False), ("POST", "/v1/diff", False), ("POST", "/v1/check", False),
        ("POST", "/v1/resolve", False), ("POST", "/v1/verify", False), ("POST", "/v1/bundles/a/releases", True),
        ("PUT", "/v1/bundles/a/aliases/b", True), ("DELETE", "/v1/tokens/a", True), ("BREW", "/", True),
    ],
)  # fmt: skip
def test_what_may_change_something_is_a_write(method: str, path: str, *, write: bool) -> None:
    assert is_write({"method": method, "path": path}) is write
