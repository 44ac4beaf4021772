"""The figures that Prometheus reads."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pinset.api import exposition
from pinset.api.metrics import BUCKETS, Fetches, Requests
from pinset.ports.registry import Caller
from pinset.ports.scrubs import Scrub

sys.path.insert(0, str(Path(__file__).parent))
from exposition_format import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.domain.answers import ClientsAnswer, RegistryAnswer
    from pinset.services.local import LocalRegistry

OPS = Caller(actor="ops")
ALIAS = "/v1/bundles/support/aliases/production"
ROUTE = "/v1/bundles/{bundle}/aliases/{alias}"
REGISTRY: RegistryAnswer = {
    "id": "an-id", "epoch": 2, "serial": 5, "head": "h", "changed_at": "2026-01-01T00:00:00Z", "format": 1, "version": "1",
}  # fmt: skip


def figures(text: str, name: str, *labels: str) -> dict[tuple[str, ...], float]:
    """The samples of one name by the labels asked for."""
    found = [(dict(have), value) for (sample, have), value in parse(text).items() if sample == name]
    return {tuple(have[label] for label in labels): value for have, value in found}


def text_of(requests: Requests | None = None, fetches: Fetches | None = None, clients: Any = ()) -> str:
    return exposition.text(
        REGISTRY,
        Scrub(ended_at=7, problems=0, sound_at=7_000_000),
        answers=(requests or Requests()).now(),
        fetches=(fetches or Fetches()).now(),
        clients=clients,
    )


def test_fetches_are_counted_by_bundle_alias_and_version(
    memory: LocalRegistry, api: Any, manifest: Callable[..., dict[str, str]]
) -> None:
    memory.publish(OPS, manifest(words="a"), alias="production")
    memory.publish(OPS, manifest(words="b"))
    etag = api("GET", ALIAS).headers["etag"]
    api("GET", ALIAS, headers={"If-None-Match": etag})
    memory.promote(OPS, "support@v2", "production")
    api("GET", ALIAS)
    api("GET", "/v1/bundles/support/releases/v1?form=sealed")
    for failing in ("/v1/bundles/support/aliases/invented", "/v1/bundles/support/releases/v9", f"{ALIAS}?form=x"):
        api("GET", failing)
    text = api("GET", "/metrics").text
    assert figures(text, "pinset_fetches_total", "bundle", "alias", "version", "worker") == {
        ("support", "production", "v1", str(os.getpid())): 2,
        ("support", "production", "v2", str(os.getpid())): 1,
        ("support", "", "v1", str(os.getpid())): 1,
    }
    assert "invented" not in text


def test_clients_are_shown_by_what_they_hold(
    memory: LocalRegistry, api: Any, manifest: Callable[..., dict[str, str]]
) -> None:
    memory.publish(OPS, manifest(), alias="production")
    for n, holds in enumerate(("v1", "v1", None)):
        headers = {"Pinset-Client": f"{n:016x}"} | ({"Pinset-Holds": holds} if holds else {})
        api("GET", ALIAS, headers=headers)
    text = api("GET", "/metrics").text
    wanted = ("bundle", "alias", "version", "registry")
    name = memory.describe()["id"]
    assert figures(text, "pinset_clients", *wanted) == {
        ("support", "production", "v1", name): 2,
        ("support", "production", "none", name): 1,
    }
    assert figures(text, "pinset_clients_oldest_seconds", *wanted).keys() == {
        ("support", "production", "v1", name),
        ("support", "production", "none", name),
    }


def test_how_long_answers_took_is_counted_by_route(
    memory: LocalRegistry, api: Any, manifest: Callable[..., dict[str, str]]
) -> None:
    memory.publish(OPS, manifest(), alias="production")
    for path in (ALIAS, "/v1/bundles/support/aliases/none", "/invented"):
        api("GET", path)
    counts = figures(api("GET", "/metrics").text, "pinset_request_seconds_count", "route")
    assert counts == {(ROUTE,): 2, ("unmatched",): 1}


def test_a_bucket_holds_what_took_at_most_its_bound() -> None:
    requests = Requests()
    for seconds in (0.0, 0.0001, 0.00011, 9.0, 10.0, 11.0):
        requests.count("GET", "/r", 200, seconds)
    text = text_of(requests)
    found = figures(text, "pinset_request_seconds_bucket", "le")
    shown = {bound: found[bound,] for bound in ("0.0001", "0.00025", "5.0", "10.0", "+Inf")}
    assert shown == {"0.0001": 2, "0.00025": 3, "5.0": 3, "10.0": 5, "+Inf": 6}
    assert figures(text, "pinset_request_seconds_sum", "route") == {("/r",): pytest.approx(30.00021)}
    assert len(found) == len(BUCKETS) + 1


def test_a_histogram_that_is_kept_is_the_one_that_is_shown() -> None:
    requests = Requests()
    requests.durations("/r").add(0.2)
    requests.durations("/r").add(0.2)
    assert figures(text_of(requests), "pinset_request_seconds_count", "route") == {("/r",): 2}


def test_label_values_are_escaped() -> None:
    requests = Requests()
    trick = 'a"} 1\nb\\n'
    requests.count("GET", trick, 200, 0.1)
    assert figures(text_of(requests), "pinset_requests_total", "route", "status") == {(trick, "200"): 1}


def test_fetches_of_too_many_releases_are_counted_as_one() -> None:
    fetches = Fetches()
    for n in range(10_050):
        fetches.count(("support", "production", n + 1))
        fetches.count(("support", "production", 1))
    found = figures(text_of(fetches=fetches), "pinset_fetches_total", "version")
    assert (len(found), found["other",], found["v1",]) == (10_001, 50, 10_051)


def test_versions_that_clients_invent_become_one() -> None:
    def item(version: int, clients: int) -> ClientsAnswer:
        return {"bundle": "support", "alias": "production", "version": version, "clients": clients, "silent": 0,
                "oldest": float(version)}  # fmt: skip

    clients = [item(7, 40), item(8, 50), *(item(1000 + n, 1) for n in range(30))]
    found = figures(text_of(clients=clients), "pinset_clients", "version")
    assert (found["v7",], found["v8",], found["other",], len(found)) == (40, 50, 22, 11)
    oldest = figures(text_of(clients=clients), "pinset_clients_oldest_seconds", "version")
    assert oldest["other",] == 1029.0
