"""What the registry tells reaches the client at once; what it does not, by the next look."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from client_fakes import ME, NAME, until
from client_wire import EPOCH, Wire

from pinset.client import listening, pace, stream
from pinset.client.client import Client
from pinset.client.sse import blocks
from pinset.client.stream import event_of
from pinset.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LATE = 3600.0


@pytest.fixture
def wire() -> Iterator[Wire]:
    made = Wire()
    made.promote("One {{ticket}}.")
    yield made
    made.close()


@pytest.fixture
def connect(wire: Wire) -> Iterator[Callable[..., Client]]:
    clients: list[Client] = []

    def client(**more: Any) -> Client:
        made = Client(wire.url, **{"cache": None, "poll": LATE, **more})
        clients.append(made)
        return made

    yield client
    for one in clients:
        one.close()


@pytest.fixture
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "RECONNECT_SECONDS", 0.01)
    monkeypatch.setattr(pace, "GIVEN_UP_SECONDS", 0.01)


def test_a_move_is_fetched_when_it_is_told(wire: Wire, connect: Callable[..., Client]) -> None:
    client, seen = connect(), []
    client.on_change(NAME, lambda new, old: seen.append(new.version))
    client.get(NAME)
    until(lambda: wire.listening == 1)
    wire.promote("Two {{ticket}}.")
    until(lambda: client.get(NAME).version == 2)
    until(lambda: seen == [1, 2])


def test_a_hundred_clients_hear_of_a_rollback(wire: Wire, connect: Callable[..., Client]) -> None:
    wire.promote("Worse {{ticket}}.")
    clients = [connect() for _ in range(100)]
    for client in clients:
        assert client.get(NAME).version == 2
    until(lambda: wire.listening == 100)
    wire.registry.rollback(ME, NAME, "production", serving="v2")
    wire.serial += 1
    wire.say("move", {"bundle": NAME, "alias": "production"})
    until(lambda: all(client.get(NAME).version == 1 for client in clients))


def test_the_registry_is_told_who_holds_what(wire: Wire, connect: Callable[..., Client]) -> None:
    client = connect()
    client.get(NAME)
    until(lambda: client.counts["confirmed"] == 1)  # what moved before the stream was there
    wire.promote("Two {{ticket}}.")
    until(lambda: client.counts["confirmed"] == 2)  # asked once more, so that it is known who holds it
    assert [fetch.get("Pinset-Holds") for fetch in wire.fetches] == [None, "v1", "v1", "v2"]
    assert len({fetch["Pinset-Client"] for fetch in wire.fetches}) == 1
    assert len(bytes.fromhex(wire.fetches[0]["Pinset-Client"])) == 8
    other = connect()
    other.get(f"{NAME}@v1")
    other.get(NAME)
    assert "Pinset-Client" not in next(fetch for fetch in wire.fetches if fetch["path"].endswith("v1"))
    assert wire.fetches[0]["Pinset-Client"] not in {fetch.get("Pinset-Client") for fetch in wire.fetches[4:]}


def test_the_oldest_release_of_a_name_is_what_a_client_says_it_holds(
    wire: Wire, connect: Callable[..., Client]
) -> None:
    client = connect()
    client.get(NAME)
    until(lambda: client.counts["confirmed"] == 1)  # what moved before the stream was there
    client.get(NAME, variables={"ticket"})
    before = len(wire.fetches)
    wire.promote("Two {{ticket}} {{tone}}.")
    until(lambda: client.counts["refused"] > 0 and client.get(NAME).version == 2)
    until(lambda: len(wire.fetches) > before + 1)
    assert {fetch.get("Pinset-Holds") for fetch in wire.fetches[before:]} == {"v1"}


def test_only_the_bundles_in_use_are_listened_to(wire: Wire, connect: Callable[..., Client]) -> None:
    wire.promote("Other {{ticket}}.", bundle="other")
    client = connect()
    client.get(NAME)
    until(lambda: len(wire.streams) == 1)
    assert wire.streams[0] == ({"bundle": [NAME]}, None)
    until(lambda: client.counts["confirmed"] == 1)
    client.get("other")
    until(lambda: len(wire.streams) == 2)
    assert wire.streams[1] == ({"bundle": [f"other,{NAME}"]}, str(wire.serial)), "nothing between the two is missed"
    wire.promote("Other two {{ticket}}.", bundle="other")
    until(lambda: client.get("other").version == 2)


def test_a_stream_for_many_bundles_is_not_filtered(
    wire: Wire, connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "MOST_BUNDLES", 1)
    wire.promote("Other {{ticket}}.", bundle="other")
    client = connect()
    client.get(NAME)
    until(lambda: wire.listening == 1)
    client.get("other")
    until(lambda: len(wire.streams) == 2)
    assert wire.streams[1][0] == {}


@pytest.mark.usefixtures("_at_once")
def test_a_stream_that_ends_is_opened_again_when_the_registry_has_answered(
    wire: Wire, connect: Callable[..., Client]
) -> None:
    client = connect(poll=0.02)
    client.get(NAME)
    until(lambda: wire.listening == 1)
    wire.down = True
    wire.hang_up()
    until(lambda: client.counts["failed"] > 1 and wire.listening == 0)
    assert len(wire.streams) == 1
    wire.down = False
    until(lambda: wire.listening == 1)
    assert wire.streams[1][1] == str(wire.serial), "it goes on where it ended"


def test_a_stream_that_ends_is_not_opened_before_the_next_answer(wire: Wire, connect: Callable[..., Client]) -> None:
    wire.retry = 0
    client = connect()
    client.get(NAME)
    until(lambda: client.counts["confirmed"] == 1)
    wire.down = True
    wire.hang_up()
    until(lambda: client.get(NAME).source == "stale")  # it looks in the place of the poll, an hour from now
    listener = client._keeper._listener
    assert listener is not None
    assert listener._lost
    assert not listener._answering
    assert len(wire.streams) == 1


def test_after_a_restart_a_client_listens_again_without_a_poll(wire: Wire, connect: Callable[..., Client]) -> None:
    wire.retry = 10
    client = connect()
    client.get(NAME)
    until(lambda: client.counts["confirmed"] == 1)
    wire.hang_up()
    until(lambda: len(wire.streams) == 2 and wire.listening == 1)
    assert client.counts["confirmed"] == 2, "one look, and no more"
    wire.promote("Two {{ticket}}.")
    until(lambda: client.get(NAME).version == 2)


@pytest.mark.usefixtures("_at_once")
def test_a_stream_that_is_refused_is_sought_again_where_there_was_one(
    wire: Wire, connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "GIVEN_UP_SECONDS", 3600.0)
    client = connect()
    client.get(NAME)
    until(lambda: client.counts["confirmed"] == 1)
    wire.deaf = True
    wire.hang_up()
    listener = client._keeper._listener
    assert listener is not None
    until(lambda: listener._not_before > listener._pace.clock() + 60)
    assert wire.refused == listening.MOST_MISSES
    assert client.counts["failed"] == 0


def test_one_that_was_started_in_an_outage_does_not_listen_at_once(wire: Wire, connect: Callable[..., Client]) -> None:
    wire.down = True
    client = connect()
    with pytest.raises(Unavailable):
        client.get(NAME)
    wire.down = False
    until(lambda: client.held(NAME) is not None or _got(client))
    listener = client._keeper._listener
    assert listener is not None
    until(lambda: listener._not_before > listener._pace.clock())
    assert not wire.streams


@pytest.mark.usefixtures("_at_once")
def test_a_stream_without_beats_is_given_up(
    wire: Wire, connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "FIRST_EVENT_SECONDS", 3600.0)
    monkeypatch.setattr(stream, "SILENT_SECONDS", 0.1)
    wire.silent = True
    client = connect(poll=0.02)
    client.get(NAME)
    until(lambda: len(wire.streams) > 1)
    wire.promote("Two {{ticket}}.")
    until(lambda: client.get(NAME).version == 2)


def test_where_a_proxy_keeps_events_back_the_next_look_finds_what_moved(
    wire: Wire, connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "FIRST_EVENT_SECONDS", 0.1)
    wire.buffers = True
    client = connect(poll=0.05)
    client.get(NAME)
    listener = client._keeper._listener
    assert listener is not None
    until(lambda: listener._not_before > listener._pace.clock() + 60)
    wire.promote("Two {{ticket}}.")
    until(lambda: client.get(NAME).version == 2)
    assert len(wire.streams) == 1, "it is left alone for some minutes"


@pytest.mark.parametrize("how", ["reset", "another epoch"])
@pytest.mark.usefixtures("_at_once")
def test_a_registry_that_cannot_tell_what_moved_is_asked_for_everything(
    how: str, wire: Wire, connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "RESET_SECONDS", 0.01)
    client = connect()
    client.get(NAME)
    until(lambda: client.counts["confirmed"] == 1)
    wire.promote("Two {{ticket}}.", say=False)
    if how == "reset":
        wire.say("reset", {})
    else:
        wire.ready = {**EPOCH, "epoch": 2}
        wire.hang_up()
        listener = client._keeper._listener
        assert listener is not None
        until(lambda: listener._lost)
        client.get(f"{NAME}@v1")  # an answer: the registry is there
    until(lambda: client.get(NAME).version == 2)


def test_it_is_the_callers_choice(wire: Wire, connect: Callable[..., Client]) -> None:
    client = connect(live=False)
    client.get(NAME)
    assert client._keeper._listener is None
    assert not wire.streams


def test_close_ends_the_threads(wire: Wire, connect: Callable[..., Client]) -> None:
    before = {thread for thread in threading.enumerate() if thread.name.startswith("pinset-")}
    client = connect()
    client.get(NAME)
    until(lambda: wire.listening == 1)
    client.close()
    assert {thread for thread in threading.enumerate() if thread.name.startswith("pinset-")} <= before
    wire.say("move", {"bundle": "none"})  # whoever writes to it finds that nobody reads
    until(lambda: _beat(wire) == 0)


def test_a_copy_of_the_process_listens_by_itself(wire: Wire, connect: Callable[..., Client]) -> None:
    client = connect(poll=0.2)
    client.get(NAME)
    until(lambda: wire.listening == 1)
    listener = client._keeper._listener
    assert listener is not None
    own = listener._stream
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.read(reading, 1)
            until(lambda: client.get(NAME).version == 2)
            os.write(writing, b"2")
        finally:
            os._exit(0)
    until(lambda: wire.listening == 2)
    wire.promote("Two {{ticket}}.")
    until(lambda: client.get(NAME).version == 2)
    os.write(writing, b"1")
    os.waitpid(pid, 0)
    assert os.read(reading, 1) == b"2"
    os.close(reading)
    os.close(writing)
    assert listener._stream is own, "the end of the copy was not the end of the first one's"
    assert len({fetch["Pinset-Client"] for fetch in wire.fetches}) == 2


def test_events_are_read_as_the_standard_has_them() -> None:
    text = b'retry: 2000\n\n: beat\n\nevent: move\nid: 7\ndata: {"bundle":\ndata: "a"}\n\nid:8\nretry: 1000\n\n'
    assert [event_of(block) for block in blocks([text])] == [
        None,
        None,
        {"event": "move", "serial": 7, "data": {"bundle": "a"}},
        {"event": "beat", "serial": 8, "data": {}},
    ]
    assert [block.retry for block in blocks([text, b"retry: soon\n\n"])] == [2000, None, None, 1000, None]
    for bad in (b"id: 1\ndata: [1]", b"id: 1\ndata: {", b"id: x", b"data: {}"):
        (block,) = blocks([bad + b"\n\n"])
        with pytest.raises(ValueError, match=r"."):
            event_of(block)


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "https://127.0.0.1:9"])
def test_where_nobody_is_that_is_said(address: str) -> None:
    with pytest.raises(Unavailable, match="sends no events"):
        list(stream.HttpStream(address, "pst_x", frozenset(), None))


def _got(client: Client) -> bool:
    try:
        return client.get(NAME).version == 1
    except Unavailable:
        return False


def _beat(wire: Wire) -> int:
    with wire.news:
        wire.news.notify_all()
    wire.say("move", {"bundle": "none"})
    return wire.listening


def test_a_program_ends_while_it_listens(wire: Wire) -> None:
    program = f"""
import time
from pinset import Client
client = Client({wire.url!r}, cache=None)
client.get({NAME!r})
while client._keeper._listener._serial is None:
    time.sleep(0.01)
print("listened")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("listened\n", "")
