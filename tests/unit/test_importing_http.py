"""Servers of other tools: asked again where that may help, never for ever, and what they say is said."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from pinset.errors import (
    Integrity,
    InvalidInput,
    NotFound,
    PermissionDenied,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from pinset.importing import http
from pinset.importing.http import Remote


class Server:
    """Gives answers in turn, the last one for ever."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked, self.slept = list(answers), [], list[float]()
        self.remote = Remote(
            "Langfuse",
            "http://127.0.0.1:1/base/",
            auth=("pk", "sk"),
            transport=httpx.MockTransport(self.answer),
            sleep=self.slept.append,
        )

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(found, Exception):
            raise found
        return httpx.Response(found) if isinstance(found, int) else found


def test_what_is_asked_and_answered() -> None:
    server = Server(httpx.Response(200, json={"items": [1]}))
    assert server.remote.get("/api/x y", page=2, name=None) == {"items": [1]}
    (request,) = server.asked
    assert str(request.url) == "http://127.0.0.1:1/base/api/x%20y?page=2"
    assert request.headers["authorization"].startswith("Basic ")
    assert server.remote.host == "127.0.0.1:1"
    server.remote.close()


@pytest.mark.parametrize("first", [503, 429, 500, httpx.ReadTimeout("")])
def test_what_may_pass_is_asked_again(first: Any) -> None:
    server = Server(first, first, httpx.Response(200, json=[]))
    assert server.remote.get("/x") == []
    assert len(server.asked) == 3
    assert 0 < server.slept[0] < server.slept[1]


def test_a_server_that_was_reached_is_waited_for_and_one_that_never_was_is_not() -> None:
    gone, fine = httpx.ConnectError("refused"), httpx.Response(200, json=[])
    server = Server(fine, gone, gone, httpx.Response(200, json=[1]))
    assert (server.remote.get("/x"), server.remote.get("/y")) == ([], [1])
    never = Server(gone)
    with pytest.raises(Unavailable, match="cannot be reached") as refused:
        never.remote.get("/x")
    assert (len(never.asked), never.slept) == (1, [])
    assert "address is right" in refused.value.hint


def test_a_server_that_says_when_is_asked_then() -> None:
    later = "Wed, 21 Oct 2015 07:28:00 GMT"
    waits = [httpx.Response(429, headers={"retry-after": said}) for said in ("7", "100000", later, "soon")]
    server = Server(*waits, httpx.Response(200, json=[]))
    assert server.remote.get("/x") == []
    assert server.slept[:3] == [7.0, 60.0, 0.0]


@pytest.mark.parametrize(
    ("status", "kind"), [(429, RateLimited), (503, Unavailable), (httpx.ReadTimeout("x"), Unavailable)]
)
def test_it_is_not_asked_for_ever(status: Any, kind: type[Exception]) -> None:
    server = Server(status)
    with pytest.raises(kind, match="Langfuse"):
        server.remote.get("/x")
    assert len(server.asked) == http.TRIES


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, Unauthenticated), (403, PermissionDenied), (404, NotFound), (302, InvalidInput), (422, InvalidInput)],
)
def test_what_stays_is_said_at_once(status: int, kind: type[Exception]) -> None:
    server = Server(status)
    with pytest.raises(kind, match="Langfuse"):
        server.remote.get("/x")
    assert len(server.asked) == 1


def test_who_is_not_known_there_is_told_which_variable_to_look_at() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(401))
    with pytest.raises(Unauthenticated) as refused:
        Remote("Opik", "http://127.0.0.1:1", transport=transport, variables="OPIK_API_KEY").get("/x")
    assert "OPIK_API_KEY" in refused.value.hint


@pytest.mark.parametrize("body", [b"<html>", b"[" * 100_000, b"\xff"])
def test_what_is_no_json_is_said(body: bytes) -> None:
    with pytest.raises(Integrity, match="no JSON"):
        Server(httpx.Response(200, content=body)).remote.get("/x")


def test_an_answer_without_end_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "LIMIT", 100)
    with pytest.raises(TooLarge):
        Server(httpx.Response(200, content=b"x" * 101)).remote.get("/x")


def test_an_answer_that_trickles_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "WHOLE_SECONDS", -1.0)
    with pytest.raises(Unavailable, match="too long"):
        Server(httpx.Response(200, content=b"[]")).remote.get("/x")


def test_pages_follow_each_other_and_end() -> None:
    pages = {None: (1, 2), 2: (2, 3), 3: (3, None)}
    remote = Server(200).remote
    assert [page[0] for page in remote.pages(lambda at: pages[at], lambda page: page[1])] == [1, 2, 3]  # type: ignore[index]
    with pytest.raises(Integrity, match="same page"):
        list(remote.pages(lambda _: (1, "x"), lambda page: page[1]))


@pytest.mark.parametrize(
    "url",
    ["localhost", "ftp://h", "http://", "http://u:p@h", "http://h?x=1", "http://h:0", "http://h:x", "http://[::1"],
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        Remote("Langfuse", url)


def test_a_credential_that_cannot_be_one_is_refused_and_not_told() -> None:
    with pytest.raises(InvalidInput) as caught:
        Remote("Langfuse", "http://h", headers={"x-api-key": "sécret\n"})
    assert "cret" not in str(caught.value.__dict__)
