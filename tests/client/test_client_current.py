"""The client stays current, is never taken back, and keeps the last good release."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

import pytest
from client_fakes import ME, NAME, UNREACHABLE, Directory, files, until

from pinset.errors import InvalidInput, NotFound, PinsetError, Purged, RateLimited, Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pinset.client.client import Client


def test_a_promotion_reaches_the_client_and_its_callbacks(make: Callable[..., Client], source: Directory) -> None:
    client, seen = make(), []
    client.on_change(NAME, lambda new, old: seen.append((new.ref, old.ref if old else None)))
    before = client.get(NAME)
    source.registry.publish(ME, files("Be brief: {{ticket}}."), alias="production")
    until(lambda: client.get(NAME).version == 2)
    assert before.render(ticket="x") == "Summarize x.", "who holds on to a release has it whole"
    until(lambda: ("support@v2", "support@v1") in seen)


def test_one_name_is_fetched_once_however_many_ask(make: Callable[..., Client], source: Directory) -> None:
    source.delay = 0.1
    client, got = make(poll=60.0), []
    threads = [threading.Thread(target=lambda: got.append(client.get(NAME))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 20
    assert len({id(release) for release in got}) == 1
    assert source.asked == ["support@production"]


def test_a_warm_get_asks_nobody(make: Callable[..., Client], source: Directory) -> None:
    client = make(poll=60.0)
    first = client.get(NAME)
    source.fails = UNREACHABLE
    assert all(client.get(NAME) is first for _ in range(100))
    assert len(source.asked) == 1


@pytest.mark.parametrize(
    "error",
    [
        UNREACHABLE,
        NotFound("there is no such alias", hint="-"),
        RateLimited("slow down", hint="-"),
        Purged("another one was purged", hint="-", details={"digest": "sha256:" + "0" * 64}),
    ],
    ids=lambda error: error.code,
)
def test_the_last_good_release_stays_whatever_the_registry_says(
    make: Callable[..., Client], source: Directory, error: PinsetError
) -> None:
    client = make()
    first = client.get(NAME)
    source.fails = error
    until(lambda: client.counts["failed"] > 0)
    assert client.get(NAME) is first
    assert first.source == "stale"
    source.fails = None
    until(lambda: client.get(NAME).source == "fresh")


def test_a_purged_release_is_the_one_that_goes(make: Callable[..., Client], source: Directory, tmp_path: Path) -> None:
    client = make()
    first = client.get(NAME)
    source.fails = Purged("it was purged", hint="-", details={"digest": first.digest})
    until(lambda: client.counts["failed"] > 0 and client.held(NAME) is None)
    with pytest.raises(Purged):
        client.get(NAME)


def test_an_earlier_move_is_never_taken(make: Callable[..., Client], source: Directory) -> None:
    older = json.loads(json.dumps(source.registry.sealed(f"{NAME}@production")))
    source.registry.publish(ME, files("Two {{ticket}}."), alias="production")
    client, refused = make(), []
    client.on_refused(lambda name, error: refused.append((name, error.code)))
    assert client.get(NAME).version == 2
    source.answer = older
    until(lambda: bool(refused))
    assert client.get(NAME).version == 2
    assert refused[0] == ("support@production", "refused")


def test_another_bundles_answer_is_refused(make: Callable[..., Client], source: Directory) -> None:
    other = files("X {{ticket}}.")
    other["release.yaml"] = other["release.yaml"].replace(NAME, "other")
    source.registry.publish(ME, other, alias="production")
    source.answer = json.loads(json.dumps(source.registry.sealed("other@production")))
    with pytest.raises(Refused):
        make().get(NAME)


def test_a_release_that_the_code_cannot_use_is_refused_and_the_one_before_stays(
    make: Callable[..., Client], source: Directory
) -> None:
    client = make()
    assert client.get(NAME, variables={"ticket"}, tools=()).version == 1
    source.registry.publish(ME, files("{{ticket}} {{tone}}"), alias="production")
    until(lambda: client.counts["refused"] > 0)
    assert client.get(NAME, variables={"ticket"}).version == 1
    source.registry.publish(ME, files("{{ticket}}!", tools=True), alias="production")
    until(lambda: client.get(NAME, variables={"ticket", "tone"}, tools={"lookup"}).version == 3)
    assert client.get(NAME, tools={"other"}).version == 1, "the newest of the cache that this code can use"
    assert client.get(NAME).version == 3, "what one caller cannot use, another one gets"
    with pytest.raises(Refused, match="lookup"):
        make(cache=None).get(NAME, tools={"other"})
    with pytest.raises(InvalidInput):
        client.get(NAME, variables="ticket")


def test_max_stale_is_the_callers_choice(make: Callable[..., Client], source: Directory) -> None:
    client = make(max_stale=0.05)
    client.get(NAME)
    source.fails = UNREACHABLE
    until(lambda: client.counts["failed"] > 0)
    time.sleep(0.06)
    with pytest.raises(Unavailable, match="confirmed"):
        client.get(NAME)
    source.fails = None
    client = make(max_stale=0.05)
    fixed = client.get(f"{NAME}@v1")
    time.sleep(0.06)
    assert client.get(f"{NAME}@v1") is fixed, "what always means the same does not age"


def test_an_outage_is_said_once_and_its_end(
    make: Callable[..., Client], source: Directory, caplog: pytest.LogCaptureFixture
) -> None:
    client = make()
    client.get(NAME)
    failure = source.fails = NotFound("there is no such alias", hint="see what there is")
    until(lambda: client.counts["failed"] > 3)
    source.fails = None
    until(lambda: client.get(NAME).source == "fresh")
    said = [record.getMessage() for record in caplog.records if record.name == "pinset.client"]
    assert said == [
        f"support@production is not confirmed: {failure.message} ({failure.hint})",
        "support@production is confirmed again",
    ]


def test_a_default_of_another_bundle_is_no_default(make: Callable[..., Client], source: Directory) -> None:
    sealed = make(cache=None).get(NAME).sealed()
    with pytest.raises(NotFound):
        make(cache=None).get("other", default=sealed)
