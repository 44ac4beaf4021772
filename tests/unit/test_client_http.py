"""What the remote client does with answers, silence and strangers; the network is a function."""

from __future__ import annotations

import json
import ssl
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from pinset.client import http
from pinset.client.http import LONGEST_PAUSE, PAUSES
from pinset.client.remote import RemoteRegistry
from pinset.errors import (
    AliasMoved,
    InvalidInput,
    InvalidName,
    NotFound,
    PermissionDenied,
    PinsetError,
    RateLimited,
    Unavailable,
)
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WHO = Caller(actor="ada")
URL = "http://registry.example:7467"
Reply = httpx.Response | Exception


class Network:
    """Answers requests from a list, the last one again and again; keeps what was sent and how long was waited."""

    def __init__(self, *replies: Reply) -> None:
        self.sent: list[httpx.Request] = []
        self.pauses: list[float] = []
        self._replies = list(replies)

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        if isinstance(reply, Exception):
            raise reply
        return httpx.Response(reply.status_code, headers=reply.headers, content=reply.content)


@pytest.fixture
def connect() -> Iterator[Callable[..., tuple[RemoteRegistry, Network]]]:
    opened: list[RemoteRegistry] = []

    def make(*replies: Reply, url: str = URL, token: str | None = None) -> tuple[RemoteRegistry, Network]:
        network = Network(*replies)
        registry = RemoteRegistry(
            url, token, transport=httpx.MockTransport(network.handle), sleep=network.pauses.append
        )
        opened.append(registry)
        return registry, network

    yield make
    for registry in opened:
        registry.close()


Connect = Any


def ok(body: Any, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=body)


def problem(status: int, code: str, **members: Any) -> httpx.Response:
    body = {"status": status, "code": code, "detail": "no", "hint": "do", "details": {}, **members}
    return httpx.Response(status, headers={"content-type": "application/problem+json"}, content=json.dumps(body))


@pytest.mark.parametrize(
    "url",
    [
        "ftp://h",
        "h:7467",
        "file:///etc",
        "http://",
        "http://u:p@h",
        "http://h?x=1",
        "http://h#f",
        "http://h:99999",
        "http://[::1",
    ],
)
def test_only_a_plain_http_address_is_taken(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        RemoteRegistry(url)
    assert "u:p" not in caught.value.message + caught.value.hint


def test_a_base_path_stays_in_front(connect: Connect) -> None:
    registry, network = connect(ok({}), url="https://host.example/pinset/")
    registry.describe()
    assert str(network.sent[0].url) == "https://host.example/pinset/v1/registry"


def test_the_token_is_sent_as_bearer_and_only_when_there_is_one(connect: Connect) -> None:
    registry, network = connect(ok({}), token="pst_a_b")
    registry.describe()
    assert network.sent[0].headers["authorization"] == "Bearer pst_a_b"
    registry, network = connect(ok({}))
    registry.describe()
    assert "authorization" not in network.sent[0].headers


def test_a_token_cannot_carry_a_header() -> None:
    with pytest.raises(InvalidInput):
        RemoteRegistry(URL, "pst_a\r\nX-Evil: 1")


def test_proxies_of_the_environment_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "gopher://no.proxy")
    RemoteRegistry(URL).close()  # httpx would refuse such a proxy here


def test_an_endless_answer_is_cut_off(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pinset.client.http.ANSWER_LIMIT", 100)
    registry, _ = connect(ok({"text": "x" * 200}))
    with pytest.raises(Unavailable, match="over 100 bytes"):
        registry.describe()


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (problem(404, "not_found"), NotFound),
        (problem(412, "alias_moved"), AliasMoved),
        (problem(403, "permission_denied"), PermissionDenied),
        (problem(422, "a_code_of_next_year"), InvalidInput),
        (problem(418, "a_code_of_next_year"), Unavailable),
    ],
)
def test_a_problem_is_raised_as_the_servers_error(
    connect: Connect, reply: httpx.Response, kind: type[PinsetError]
) -> None:
    registry, network = connect(reply)
    with pytest.raises(kind) as caught:
        registry.bundle("support")
    assert (type(caught.value), caught.value.message, caught.value.hint) == (kind, "no", "do")
    assert len(network.sent) == 1


@pytest.mark.parametrize(
    "reply",
    [
        httpx.Response(404, text="<h1>Not Found</h1>"),
        httpx.Response(404, json={"detail": "Not Found"}),
        problem(404, "no_such_route"),
        problem(405, "method_not_allowed"),
        httpx.Response(200, text="hello"),
        httpx.Response(200, json=[1]),
        httpx.Response(200, headers={"content-type": "application/json"}, content=b"[" * 100_000),
        httpx.Response(200, headers={"content-type": "application/json"}, content=b"\xff"),
        httpx.Response(500, text="oops"),
        httpx.Response(302, headers={"location": "http://elsewhere.example/"}),
    ],
)
def test_a_stranger_is_unavailable_and_never_not_found(connect: Connect, reply: httpx.Response) -> None:
    registry, network = connect(reply)
    with pytest.raises(Unavailable) as caught:
        registry.bundle("support")
    assert URL in caught.value.message
    assert caught.value.hint
    assert len(network.sent) == 1


def test_a_change_is_sent_again_with_the_same_key(connect: Connect) -> None:
    lost, refused, busy = httpx.ReadError("reset"), httpx.ConnectError("refused"), problem(503, "busy")
    for trouble in (lost, refused, busy):
        registry, network = connect(trouble, trouble, ok({"items": []}, 201))
        registry.publish(WHO, {"release.yaml": "x"}, bundle="support")
        keys = [request.headers["idempotency-key"] for request in network.sent]
        assert len(keys) == len(PAUSES) + 1
        assert len(set(keys)) == 1
        assert network.pauses == list(PAUSES)


def test_each_change_has_a_key_of_its_own_unless_the_caller_has_one(connect: Connect) -> None:
    registry, network = connect(ok({}))
    registry.yank(WHO, "support@v1", reason="x")
    registry.yank(WHO, "support@v1", reason="x")
    registry.yank(Caller(actor="ada", key="mine"), "support@v1", reason="x")
    first, second, third = (request.headers["idempotency-key"] for request in network.sent)
    assert first != second
    assert third == "mine"


def test_reading_sends_no_key(connect: Connect) -> None:
    registry, network = connect(ok({"ok": True}))
    registry.check({"release.yaml": "x"})
    assert "idempotency-key" not in network.sent[0].headers


def test_retries_end_with_the_last_error(connect: Connect) -> None:
    registry, network = connect(httpx.ConnectError("refused"))
    with pytest.raises(Unavailable) as caught:
        registry.describe()
    assert len(network.sent) == len(PAUSES) + 1
    assert URL in caught.value.message + caught.value.hint


def test_a_change_without_answer_says_that_it_may_have_happened(connect: Connect) -> None:
    registry, network = connect(httpx.ReadTimeout("slow"))
    with pytest.raises(Unavailable) as caught:
        registry.publish(WHO, {"release.yaml": "x"}, bundle="support")
    assert caught.value.details["idempotency_key"] == network.sent[0].headers["idempotency-key"]
    assert "may have happened" in caught.value.message
    assert len(network.sent) == 1


@pytest.mark.parametrize(
    "later",
    [
        pytest.param(httpx.ConnectError("refused"), id="no server"),
        pytest.param(problem(503, "busy"), id="busy"),
        pytest.param(problem(401, "unauthenticated"), id="turned away"),
        pytest.param(problem(500, "integrity"), id="broken"),
    ],
)
def test_a_later_failure_does_not_hide_that_a_change_may_have_happened(connect: Connect, later: Reply) -> None:
    registry, network = connect(httpx.ReadError("gone"), later)
    with pytest.raises(Unavailable, match="may have happened") as caught:
        registry.publish(WHO, {"release.yaml": "x"}, bundle="support")
    assert caught.value.details["idempotency_key"] == network.sent[0].headers["idempotency-key"]


def test_an_operation_whose_end_is_unknown_is_named_though_the_server_is_gone_then(connect: Connect) -> None:
    unknown = httpx.Response(503, json={"code": "unavailable", "title": "x", "details": {"operation": "op_1"}})
    registry, _ = connect(unknown, httpx.ConnectError("refused"))
    with pytest.raises(Unavailable) as caught:
        registry.publish(WHO, {"release.yaml": "x"}, bundle="support")
    assert caught.value.details["operation"] == "op_1"


def test_a_retry_that_is_answered_is_the_answer(connect: Connect) -> None:
    registry, _ = connect(httpx.ReadError("gone"), problem(404, "not_found"))
    with pytest.raises(NotFound):
        registry.publish(WHO, {"release.yaml": "x"}, bundle="support")


def test_a_long_retry_after_is_told_and_not_waited_for(connect: Connect) -> None:
    reply = problem(503, "unavailable")
    reply.headers["retry-after"] = str(int(LONGEST_PAUSE) + 1)
    registry, network = connect(reply)
    with pytest.raises(Unavailable) as caught:
        registry.describe()
    assert (network.pauses, caught.value.details["retry_after"]) == ([], LONGEST_PAUSE + 1)


def test_a_rate_limit_is_not_hammered(connect: Connect) -> None:
    reply = problem(429, "rate_limited")
    reply.headers["retry-after"] = "7"
    registry, network = connect(reply)
    with pytest.raises(RateLimited) as caught:
        registry.describe()
    assert (len(network.sent), caught.value.details["retry_after"]) == (1, 7)


def test_names_cannot_leave_their_place_in_the_address(connect: Connect) -> None:
    registry, network = connect(ok({}))
    for wrong in (
        lambda: registry.bundle("../tokens"),
        lambda: registry.releases("a/b"),
        lambda: registry.file("support@v1", "../../tokens"),
        lambda: registry.component("prompts", "a/../b"),
        lambda: registry.history("support", "x/y"),
    ):
        with pytest.raises(InvalidName):
            wrong()
    assert network.sent == []
    registry.operation("op/../../tokens?x")
    assert network.sent[0].url.raw_path == b"/v1/operations/op%2F..%2F..%2Ftokens%3Fx"


def test_a_dry_run_says_so_in_the_query(connect: Connect) -> None:
    registry, network = connect(ok({}))
    registry.yank(Caller(actor="ada", dry_run=True), "support@v1", reason="x")
    registry.yank(WHO, "support@v1", reason="x")
    assert [request.url.query for request in network.sent] == [b"dry_run=true", b""]


@pytest.mark.parametrize(
    ("aliases", "header"),
    [
        ([], ("if-none-match", "*")),
        ([{"alias": "production", "version": None, "revision": "r9"}], ("if-none-match", "*")),
        ([{"alias": "staging", "version": 3, "revision": "r1"}], ("if-none-match", "*")),
        ([{"alias": "production", "version": 3, "revision": "r2"}], ("if-match", '"r2"')),
    ],
)
def test_a_promotion_is_conditional_on_what_was_read(
    connect: Connect, aliases: list[dict[str, Any]], header: tuple[str, str]
) -> None:
    registry, network = connect(ok({"items": aliases, "next": None}), ok({"action": "promote"}))
    registry.promote(WHO, "support@v4", "production")
    put = network.sent[1]
    assert (put.method, put.headers[header[0]]) == ("PUT", header[1])
    assert json.loads(put.content) == {"release": "v4", "reason": "", "again": False}


def test_a_failed_expectation_sends_no_change(connect: Connect) -> None:
    now = {"items": [{"alias": "production", "version": 3, "revision": "r2"}], "next": None}
    registry, network = connect(ok(now), ok({"version": 2}))
    with pytest.raises(AliasMoved):
        registry.promote(WHO, "support@v4", "production", expect="v2")
    assert [request.method for request in network.sent] == ["GET", "GET"]


def test_the_systems_certificates_are_read_for_https_and_for_plain_http_nobody_is_trusted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[str] = []
    monkeypatch.setattr("ssl.create_default_context", lambda *_a, **_n: read.append("all") or "the system's")
    assert http._trust("https://host") == "the system's"
    assert read == ["all"]
    plain = http._trust("http://host")
    assert read == ["all"]
    assert (plain.verify_mode, plain.check_hostname, plain.get_ca_certs()) == (ssl.CERT_REQUIRED, True, [])
