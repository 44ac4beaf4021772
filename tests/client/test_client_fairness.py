"""One name, or one voice, never takes the turn of all the others."""

from __future__ import annotations

import json
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from client_fakes import ME, NAME, Directory, files, until

from pinset.client import keeper as keepers
from pinset.client.client import Client
from pinset.client.slots import HEARD_SECONDS, MOST_HEARD, Slot
from pinset.errors import Integrity, PermissionDenied, PinsetError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable


class OneFails(Directory):
    """Fails for the bundle ``bad`` alone."""

    def __init__(self, error: PinsetError) -> None:
        super().__init__()
        self._error = error
        self.registry.publish(ME, files("One {{ticket}}."), alias="production")
        self.known: dict[str, Any] = json.loads(json.dumps(self.registry.sealed(f"{NAME}@production")))

    def fetch(self, bundle: str, selector: str, tag: str | None, seconds: float, holds: str | None = None) -> Any:
        if bundle == "bad":
            self.asked.append(f"{bundle}@{selector}")
            raise self._error
        return super().fetch(bundle, selector, tag, seconds, holds)


@pytest.mark.parametrize(
    "error", [Integrity("it is damaged", hint="-"), PermissionDenied("not this one", hint="-")], ids=lambda e: e.code
)
def test_a_name_that_the_registry_has_no_release_for_is_in_nobodys_way(error: PinsetError) -> None:
    source = OneFails(error)
    with closing(source.registry), Client(source=source, cache=None, poll=0.02) as client:
        with pytest.raises(type(error)):
            client.get("bad")
        assert client.get(NAME).source == "fresh"
        until(lambda: client.counts["confirmed"] > 2 and source.asked.count("bad@production") > 2)


def test_a_name_that_never_answers_does_not_keep_the_others_from_being_looked_at() -> None:
    source = OneFails(Unavailable("no answer", hint="-"))
    with closing(source.registry), Client(source=source, cache=None, poll=0.02) as client:
        assert client.get(NAME).version == 1
        with pytest.raises(Unavailable):
            client.get("bad")
        source.registry.publish(ME, files("Two {{ticket}}."), alias="production")
        until(lambda: client.get(NAME).version == 2)


def test_a_name_is_asked_for_by_what_is_heard_so_often_and_no_more() -> None:
    slot, now = Slot(NAME, "production", due=1e9), 1000.0
    for _ in range(MOST_HEARD):
        slot.hear(now)
        assert slot.due == now, "a move and its rollback are asked for at once"
        slot.ask(now)
        slot.due = 1e9
    for _ in range(10_000):
        slot.hear(now + 0.001)
    assert slot.due == slot.soon == now + HEARD_SECONDS
    slot.ask(slot.due)
    assert slot.heard.count(now) == MOST_HEARD - 1


def test_a_stream_that_never_stops_talking_does_not_make_a_client_ask_all_the_time(
    make: Callable[..., Client], source: Directory
) -> None:
    client = make(poll=3600.0)
    client.get(NAME)
    for _ in range(50 * MOST_HEARD):
        client._keeper.hurry(NAME, "production", 0.0, moved=True)
        client._keeper.hurry(None, None, 0.0)
        until(lambda: len(source.asked) > MOST_HEARD or client._keeper._slots[_KEY].soon > 1e8)
    assert len(source.asked) <= 2 * MOST_HEARD + 2


def test_what_is_heard_comes_before_what_is_only_due() -> None:
    source = Directory()
    with closing(source.registry), Client(source=source, cache=None, poll=3600.0) as client:
        keeper = client._keeper
        client.close()
        for bundle in ("a", "b", "c"):
            keeper._slots[bundle, "production", _KEY[2]] = Slot(bundle, "production", due=-1.0)
            keeper._slots[bundle, "production", _KEY[2]].tried.set()
        keeper.hurry("c", "production", 0.0, moved=True)
        found = keeper._next()
        assert found is not None
        assert found.bundle == "c"


def test_a_callback_may_ask_for_another_name(make: Callable[..., Client], source: Directory) -> None:
    source.registry.promote(ME, f"{NAME}@v1", "staging")
    client, got = make(), list[str]()
    client.on_change(f"{NAME}@production", lambda *_: got.append(client.get(NAME, alias="staging").source))
    client.get(NAME)
    until(lambda: bool(got))
    assert got == ["fresh"]


@pytest.mark.parametrize("leaving", [SystemExit, GeneratorExit, KeyboardInterrupt])
def test_a_callback_that_wants_to_end_the_program_ends_nothing(
    make: Callable[..., Client], source: Directory, leaving: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    def leave(*_: object) -> None:
        raise leaving

    client = make()
    client.on_change(NAME, leave)
    assert client.get(NAME).version == 1
    until(lambda: bool(caplog.records))
    source.registry.promote(ME, f"{NAME}@v1", "staging")
    assert client.get(NAME, alias="staging").source == "fresh"


def test_who_waits_for_a_first_answer_is_told_that_the_client_was_closed(
    make: Callable[..., Client], source: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keepers, "FIRST_SECONDS", 3600.0)
    source.delay, client, said = 0.3, make(cache=None), list[str]()

    def ask(selector: str) -> None:
        try:
            client.get(f"{NAME}@{selector}")
        except Unavailable as error:
            said.append(error.message)

    waiting = [threading.Thread(target=ask, args=(selector,), daemon=True) for selector in ("production", "latest")]
    for thread in waiting:
        thread.start()
    until(lambda: bool(source.asked) and len(client._keeper._slots) == 2)
    client.close()
    for thread in waiting:
        thread.join(20)
    assert len(said) == 1
    assert "was closed" in said[0]


_KEY = (NAME, "production", Slot(NAME, "production").needs)
