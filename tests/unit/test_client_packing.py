"""Packed answers, headers and numbers of a registry that means harm: a client keeps its memory, and goes on asking."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import zlib
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import httpx
import pytest

from pinset.client.http import ANSWER_LIMIT, Http
from pinset.client.keeper import LONGEST_WAIT, _asked
from pinset.client.packing import PIECE_BYTES, unpacked
from pinset.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

URL = "http://registry.example:7467"
BOMB = gzip.compress(b"\0" * (2 * ANSWER_LIMIT))


class Body(httpx.SyncByteStream):
    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces


def answering(body: bytes, **headers: str) -> Callable[[httpx.Request], httpx.Response]:
    told = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return lambda _: httpx.Response(200, headers=told, stream=Body(iter([body[:10], body[10:]])))


def fetched(handle: Callable[[httpx.Request], httpx.Response], tag: str | None = None) -> object:
    with closing(Http(URL, None, transport=httpx.MockTransport(handle))) as asking:
        return asking.fetch("/v1/x", {}, tag=tag, seconds=20.0, connect=1.0)


def test_a_packed_answer_is_unpacked() -> None:
    packed = gzip.compress(json.dumps({"text": "x" * 3 * PIECE_BYTES}).encode())
    assert fetched(answering(packed, content_encoding="gzip", etag='"1"')) == ({"text": "x" * 3 * PIECE_BYTES}, '"1"')


def test_only_what_can_be_unpacked_in_pieces_is_asked_for() -> None:
    sent: list[httpx.Request] = []
    fetched(lambda request: sent.append(request) or httpx.Response(200, json={}))  # type: ignore[func-returns-value]
    assert sent[0].headers["accept-encoding"] == "gzip"


def test_a_small_answer_that_unpacks_to_a_large_one_is_taken_a_piece_at_a_time() -> None:
    pieces = unpacked(iter([BOMB]))
    assert [len(next(pieces)) for _ in range(3)] == [PIECE_BYTES] * 3
    with pytest.raises(Unavailable, match="is over"):
        fetched(answering(BOMB, content_encoding="gzip"))


@pytest.mark.parametrize("packing", ["gzip, gzip", "gzip,gzip,gzip", "deflate", "br", "zstd", "x"])
def test_what_is_packed_as_nobody_asked_for_is_left_packed(packing: str) -> None:
    with pytest.raises(Unavailable, match="nobody asked for"):
        fetched(answering(gzip.compress(BOMB, mtime=0), content_encoding=packing))


@pytest.mark.parametrize(
    "broken", [b"", b"{}", gzip.compress(b"{}" * 100, mtime=0)[:-1], zlib.compress(b"{}"), BOMB[:1000]]
)
def test_what_is_packed_and_not_whole_is_no_answer(broken: bytes) -> None:
    with pytest.raises(Unavailable, match="cannot be read"):
        fetched(answering(broken, content_encoding="gzip"))


@pytest.mark.parametrize("tag", ["caf\xe9", "x" * 100_000, "a\x01b"])
def test_a_tag_that_cannot_be_sent_back_is_none(tag: str) -> None:
    def handle(_: httpx.Request) -> httpx.Response:
        raw = [(b"content-type", b"application/json"), (b"etag", tag.encode("latin-1"))]
        return httpx.Response(200, headers=raw, content=b"{}")

    assert fetched(handle) == ({}, None)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (7, 7.0),
        (None, 0.0),
        ("x", 0.0),
        ([], 0.0),
        (True, 0.0),
        (-1, 0.0),
        (float("nan"), 0.0),
        (float("inf"), LONGEST_WAIT),
    ],
)
def test_a_registry_is_left_alone_for_an_hour_at_most(said: object, meant: float) -> None:
    assert _asked(said) == meant


def test_a_server_that_sends_its_headers_a_byte_at_a_time_does_not_hold_a_client() -> None:
    ended = threading.Event()

    def drip(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not ended.wait(0.02):
                connection.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = threading.Thread(target=drip, args=(listening,), daemon=True)
        serving.start()
        with closing(Http(f"http://127.0.0.1:{listening.getsockname()[1]}", None)) as asking:
            said = list[Unavailable]()
            thread = threading.Thread(target=lambda: said.append(_refused(asking)), daemon=True)
            thread.start()
            thread.join(20)
            ended.set()
            assert said
            assert "gave no answer" in said[0].message
        serving.join()


def _refused(asking: Http) -> Unavailable:
    with pytest.raises(Unavailable) as caught:
        asking.fetch("/v1/x", {}, tag=None, seconds=0.2, connect=0.1)
    return caught.value
