"""Following a registry far away, over breaks: with a transport that is told what to answer."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from pinset.client.remote import RemoteRegistry
from pinset.client.sse import MOST, Block, blocks
from pinset.errors import Unauthenticated, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator


def told(event: str, at: int, /, **data: Any) -> bytes:
    return f"event: {event}\nid: {at}\ndata: {json.dumps(data)}\n\n".encode()


def ready(at: int, registry: str = "r", epoch: int = 1) -> bytes:
    return b"retry: 2000\n\n" + told("ready", at, registry=registry, epoch=epoch, serial=9)


class Body(httpx.SyncByteStream):
    """Pieces, and then a clean end or a break."""

    def __init__(self, pieces: list[bytes], *, breaks: bool) -> None:
        self.pieces, self.breaks = pieces, breaks

    def __iter__(self) -> Iterator[bytes]:
        yield from self.pieces
        if self.breaks:
            raise httpx.ReadError("it broke")


def stream(*pieces: bytes, breaks: bool = True) -> httpx.Response:
    return httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=Body([*pieces], breaks=breaks))


def problem(status: int, code: str, **headers: str) -> httpx.Response:
    body = {"code": code, "detail": code, "status": status}
    return httpx.Response(status, headers={"content-type": "application/problem+json", **headers}, json=body)


class Far:
    """A registry whose server answers as listed; keeps the requests and the pauses."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = [*answers]
        self.requests: list[httpx.Request] = []
        self.pauses: list[float] = []
        transport = httpx.MockTransport(self._answer)
        self.registry = RemoteRegistry("http://far", transport=transport, sleep=self.pauses.append)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def first(self, count: int, **asked: Any) -> list[tuple[str, int]]:
        return [(event["event"], event["serial"]) for event in islice(self.registry.events(**asked), count)]

    @property
    def resumed(self) -> list[str | None]:
        return [request.headers.get("last-event-id") for request in self.requests]


def test_a_stream_goes_on_after_the_last_event_it_had() -> None:
    far = Far(stream(ready(3), told("move", 4)), stream(ready(4), told("move", 7)))
    assert far.first(5) == [("ready", 3), ("move", 4), ("lost", 4), ("ready", 4), ("move", 7)]
    assert far.resumed == [None, "4"]
    assert len(far.pauses) == 1


def test_a_beat_says_how_far_nothing_was_left_out() -> None:
    far = Far(stream(ready(3), b": beat\nid: 8\n\n"), stream(ready(8)))
    assert far.first(3) == [("ready", 3), ("lost", 8), ("ready", 8)]
    assert far.resumed == [None, "8"]


def test_half_an_event_is_none() -> None:
    far = Far(stream(ready(3), told("move", 4)[:-1]), stream(ready(3), told("move", 4)))
    assert far.first(4) == [("ready", 3), ("lost", 3), ("ready", 3), ("move", 4)]


def test_a_lost_connection_is_said_once_and_sought_with_growing_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda _low, high: high)
    gone = [httpx.ConnectError("no") for _ in range(7)]
    far = Far(stream(ready(3)), *gone, problem(503, "busy", **{"retry-after": "5"}), stream(ready(3)))
    assert far.first(3) == [("ready", 3), ("lost", 3), ("ready", 3)]
    assert far.pauses == [2, 4, 8, 16, 32, 60, 60, 60, 65]


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ConnectError("no"),
        httpx.ReadTimeout("silent"),
        problem(503, "busy"),
        problem(404, "no_such_route"),
        httpx.Response(200, headers={"content-type": "application/json"}, json={}),
        stream(b"event: move\nid: 4\ndata: {\n\n"),
        stream(breaks=False),
    ],
)
def test_what_cannot_begin_is_an_error(answer: httpx.Response | Exception) -> None:
    far = Far(answer)
    with pytest.raises(Unavailable):
        far.first(1)
    assert len(far.requests) == 1


def test_a_credential_that_ends_ends_the_stream() -> None:
    far = Far(stream(ready(3)), problem(401, "unauthenticated"))
    events = far.registry.events()
    assert [event["event"] for event in islice(events, 2)] == ["ready", "lost"]
    with pytest.raises(Unauthenticated):
        next(events)


@pytest.mark.parametrize("changed", [{"registry": "other"}, {"epoch": 2}])
def test_another_registry_at_the_address_resets(changed: dict[str, Any]) -> None:
    far = Far(stream(ready(3)), stream(ready(3, **changed), told("move", 5)))
    assert far.first(5) == [("ready", 3), ("lost", 3), ("ready", 3), ("reset", 3), ("move", 5)]


def test_the_end_that_was_asked_for_is_the_end() -> None:
    far = Far(stream(ready(3), told("move", 4), breaks=False))
    assert far.first(9, wait=0.5) == [("ready", 3), ("move", 4)]
    (request,) = far.requests
    assert float(request.url.params["wait"]) <= 0.5


def test_an_end_before_its_time_is_none() -> None:
    far = Far(stream(ready(3), breaks=False), stream(ready(3), told("move", 4)))
    assert far.first(4, wait=600) == [("ready", 3), ("lost", 3), ("ready", 3), ("move", 4)]


def test_a_longer_wait_than_a_server_takes_is_asked_for_again() -> None:
    far = Far(stream(ready(3), breaks=False), stream(ready(3), told("move", 4)))
    assert far.first(3, wait=10_000) == [("ready", 3), ("ready", 3), ("move", 4)]
    assert [request.url.params["wait"] for request in far.requests] == ["3600.000"] * 2
    assert far.pauses == []


def test_nobody_waits_longer_for_a_server_than_for_an_event() -> None:
    far = Far(stream(ready(3)))
    assert far.first(9, wait=0) == [("ready", 3), ("lost", 3)]
    assert far.pauses == [0]


def test_names_are_sent_in_one_order() -> None:
    far = Far(stream(ready(3)))
    far.first(1, bundles=["b", "a"], aliases=["production"], after=2)
    (request,) = far.requests
    assert dict(request.url.params) == {"bundle": "a,b", "alias": "production"}
    assert far.resumed == ["2"]


def test_a_closed_registry_ends_its_streams() -> None:
    far = Far(stream(ready(3), told("move", 4)))
    events = far.registry.events()
    assert next(events)["event"] == "ready"
    far.registry.close()
    assert [event["event"] for event in events] == ["move"]
    assert len(far.requests) == 1


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_pieces_of_any_size_make_the_same_blocks(size: int) -> None:
    text = ready(3) + b": beat\n\n" + "event: move\nid: 4\ndata: ü\u2028\ndata:b\n\n".encode()
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert [(block.event, block.id) for block in blocks(pieces)] == [
        ("", None),
        ("ready", "3"),
        ("", None),
        ("move", "4"),
    ]
    assert list(blocks(pieces))[-1] == Block("move", "4", "ü\u2028\nb")


def test_a_block_without_an_end_is_not_kept_for_ever() -> None:
    with pytest.raises(Unavailable):
        list(blocks([b"x" * MOST, b"x"]))
