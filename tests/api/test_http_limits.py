"""Limits over HTTP: who asks too often is told when to come back, and each setting does what it says."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pinset.api import server
from pinset.api.app import create_app
from pinset.api.connections import LINGER_SECONDS, Connections
from pinset.api.limits import Limiter
from pinset.api.settings import Settings
from pinset.client.http import Http
from pinset.config import Limits, Override, Rate, parse
from pinset.errors import RateLimited
from pinset.ports.registry import Caller

sys.path.insert(0, str(Path(__file__).parent))
from exposition_format import parse as samples
from wires import Line, Wire, request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pinset.services.local import LocalRegistry

OPS = Caller(actor="ops")
ALIAS = "/v1/bundles/support/aliases/production"
SLOW = Rate(0.01, 3)


def bearer(memory: LocalRegistry, name: str, can: str = "admin") -> dict[str, str]:
    return {"Authorization": f"Bearer {memory.create_token(OPS, name, can=can)['token']}"}


def test_each_credential_has_its_own_reads_and_writes(memory: LocalRegistry, api_of: Callable[..., Any]) -> None:
    limits = Limits(reads=SLOW, writes=SLOW, tokens=(Override("ci-*", Rate(0.01, 5), Rate(0.01, 1)),))
    api, one, ci = api_of(memory, limits=limits), bearer(memory, "one"), bearer(memory, "ci-1")

    def passed(method: str, headers: dict[str, str]) -> int:
        return [api(method, "/v1/tokens/none", headers=headers).status_code for _ in range(7)].count(429)

    assert (passed("GET", one), passed("DELETE", one), passed("GET", ci), passed("DELETE", ci)) == (4, 4, 2, 6)
    answer = api("DELETE", "/v1/tokens/none", headers=one)
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (429, "rate_limited", "100")
    assert answer.json()["details"] == {"retry_after": 100}
    assert answer.headers["x-request-id"] == answer.json()["request_id"]
    for path in ("/healthz", "/readyz"):
        assert api("GET", path, headers=one).status_code == 200


def test_what_limits_refuse_is_counted_and_changes_nothing(
    memory: LocalRegistry, api_of: Callable[..., Any], manifest: Callable[..., dict[str, str]]
) -> None:
    api, ci = api_of(memory, limits=Limits(writes=Rate(0.01, 1))), bearer(memory, "ci")
    said = [
        api("POST", "/v1/bundles/support/releases", json={"files": manifest(words=words)}, headers=ci).status_code
        for words in ("a", "b", "c")
    ]
    assert said == [201, 429, 429]
    assert [one["version"] for one in memory.releases("support")["items"]] == [1]
    kept = [(row.action, row.kind.value) for row in memory._context.state.attempts()]
    assert kept == [("token-create", "done")], "who is told to come later tried nothing"
    found = samples(api("GET", "/metrics", headers=ci).text)
    counted = {
        dict(labels)["limit"]: value for (name, labels), value in found.items() if name == "pinset_limited_total"
    }
    assert counted == {"reads": 0, "writes": 2, "failures": 0, "connections": 0}
    assert [value for (name, _), value in found.items() if name == "pinset_connections"] == [0]


def test_the_hot_path_obeys_the_same_limit(memory: LocalRegistry, manifest: Callable[..., dict[str, str]]) -> None:
    memory.publish(OPS, manifest(), alias="production")
    app = create_app(memory, settings=Settings(limits=Limits(reads=Rate(0.01, 6))))
    ci, loop = bearer(memory, "ci", "read")["Authorization"], asyncio.new_event_loop()
    wire = Wire(app, loop, app.state.hot)
    try:
        ahead = 0
        for _ in range(6):
            before = len(wire.state.tasks)
            wire.protocol.data_received(request(ALIAS, f"Authorization: {ci}"))
            ahead += len(wire.state.tasks) == before and wire.protocol._held is None
            wire.settle()
        assert ahead >= 3, "none of them was answered by the hot path"
        answer = wire.ask(request(ALIAS, f"Authorization: {ci}"))
        assert (answer.status, answer.headers["retry-after"]) == (429, "100")
    finally:
        wire.close()
        app.state.hot.close()
        loop.close()


def test_who_guesses_is_turned_away_and_others_are_not(memory: LocalRegistry, api_of: Callable[..., Any]) -> None:
    api, ci = api_of(memory, limits=Limits(failures=SLOW)), bearer(memory, "ci", "read")
    far, wrong = ("192.0.2.7", 5), {"Authorization": "Bearer pst_wrong"}
    assert api("GET", "/v1/bundles", headers=ci, client=far).status_code == 200
    said = [
        api("GET", "/v1/bundles", headers=headers, client=far).status_code for headers in (wrong, {}, wrong, wrong, {})
    ]
    assert said == [401, 401, 401, 429, 429]
    assert api("GET", "/v1/bundles", headers=ci, client=far).status_code == 200
    assert api("GET", "/v1/bundles", headers=wrong, client=("192.0.2.8", 5)).status_code == 401
    assert api("GET", "/healthz", client=far).status_code == 200
    assert [api("GET", "/v1/bundles", headers=wrong).status_code for _ in range(5)] == [401] * 5


# -- Connections ------------------------------------------------------------------------------------------------------


class Door(Line):
    """A connection whose writing end can be closed."""

    ended = False

    def write_eof(self) -> None:
        self.ended = True


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


def connect(connections: Connections, loop: asyncio.AbstractEventLoop, address: str = "192.0.2.7") -> Any:
    from uvicorn import Config
    from uvicorn.server import ServerState

    from pinset.api.protocol import Protocol

    config = Config(lambda *_: None, interface="asgi3", http=Protocol, ws="none", log_config=None, lifespan="off")
    made = Protocol(config, ServerState(), {"connections": connections}, loop)
    made.connection_made(Door((address, 40000)))
    return made


def problem_of(protocol: Any) -> tuple[int, str, str]:
    head, _, body = protocol.transport.written.partition(b"\r\n\r\n")
    lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    assert int(lines[b"content-length"]) == len(body)
    assert lines[b"connection"] == b"close"
    return int(head.split()[1]), json.loads(body)["code"], lines[b"retry-after"].decode()


@pytest.mark.parametrize(
    ("limits", "last", "said"),
    [
        (Limits(connections=2, connections_per_address=0), "192.0.2.9", (503, "busy", "1")),
        (Limits(connections=0, connections_per_address=2), "192.0.2.7", (429, "rate_limited", "1")),
    ],
)
def test_one_connection_too_many_is_told_so_and_closed(
    loop: asyncio.AbstractEventLoop, limits: Limits, last: str, said: tuple[int, str, str]
) -> None:
    limiter = Limiter(limits)
    connections = Connections(limiter, limits)
    first, second = connect(connections, loop), connect(connections, loop)
    assert (first.transport.written, connections.here) == (b"", 2)
    refused = connect(connections, loop, last)
    assert problem_of(refused) == said
    assert (refused.transport.ended, connections.here, limiter.counts["connections"]) == (True, 2, 1)
    refused.data_received(request("/healthz"))
    assert refused.transport.written.count(b"HTTP/1.1 ") == 1
    refused.connection_lost(None)
    second.connection_lost(None)
    assert connections.here == 1
    third = connect(connections, loop, last)
    assert (third.transport.written, connections.here) == (b"", 2)
    for protocol in (first, third):
        protocol.connection_lost(None)
    assert (connections.here, connections._of) == (0, {})


def test_who_is_refused_is_not_kept(loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    later: list[tuple[float, Any]] = []

    class Timer:
        def cancel(self) -> None:
            pass

    monkeypatch.setattr(loop, "call_later", lambda seconds, work: later.append((seconds, work)) or Timer())
    limits = Limits(connections=1)
    connections = Connections(Limiter(limits), limits)
    kept = connect(connections, loop)
    later.clear()
    refused = [connect(connections, loop) for _ in range(70)]
    assert [seconds for seconds, _ in later] == [LINGER_SECONDS] * 64
    assert [one.transport.aborted for one in refused] == [False] * 64 + [True] * 6
    for _, work in later:
        work()
    assert all(one.transport.aborted for one in refused)
    for one in refused:
        one.connection_lost(None)
    assert connections.linger()
    kept.connection_lost(None)


def test_the_end_waits_for_nobody_who_was_refused(loop: asyncio.AbstractEventLoop) -> None:
    limits = Limits(connections=1)
    connections = Connections(Limiter(limits), limits)
    kept, refused = connect(connections, loop), connect(connections, loop)
    refused.shutdown()
    assert refused.transport.aborted
    for one in (refused, kept):
        one.connection_lost(None)


def test_this_machine_and_proxies_have_as_many_connections_as_there_are(loop: asyncio.AbstractEventLoop) -> None:
    limits = Limits(connections_per_address=1, proxies=("10.0.0.2",))
    connections = Connections(Limiter(limits), limits)
    made = [connect(connections, loop, address) for address in ("127.0.0.1", "10.0.0.2") for _ in range(3)]
    assert {one.transport.written for one in made} == {b""}
    for one in made:
        one.connection_lost(None)


def test_there_are_no_more_connections_than_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pinset.api.connections.resource.getrlimit", lambda _: (100, 100))
    for most in (0, 1_000_000):
        connections = Connections(Limiter(), Limits(connections=most))
        assert [connections.enter(None) for _ in range(40)].count(None) == 36


# -- Settings -----------------------------------------------------------------------------------------------------


def test_every_setting_reaches_what_it_limits(memory: LocalRegistry) -> None:
    text = """[limits]
    reads_per_second = 1
    writes_per_second = 2
    failures_per_second = 3
    connections = 4
    connections_per_address = 5
    body_bytes = 2000
    files_bytes = 3000
    head_seconds = 6
    body_seconds = 7
    stall_seconds = 8
    at_once = 9
    streams = 10
    proxies = ["10.0.0.2"]
    [[limits.tokens]]
    name = "ci"
    reads_per_second = 11
    """
    settings = Settings.of(parse(text).limits, workers=3)
    app = create_app(memory, settings=settings)
    try:
        state = app.state
        assert (settings.small_body, settings.large_body, settings.body_seconds, settings.workers) == (2000, 3000, 7, 3)
        assert (state.gate._free._value, state.hub._most, state.connections._most, state.connections._most_of_one) == (
            9,
            10,
            4,
            5,
        )
        limiter: Limiter = state.limiter
        limits = [
            limiter._rate("x", write=False),
            limiter._rate("x", write=True),
            limiter._limits.failures,
            limiter._rate("ci", write=False),
        ]
        assert limits == [Rate(1, 10), Rate(2, 20), Rate(3, 30), Rate(11, 110)]
        assert limiter.address_of(("10.0.0.2", 1)) is None

        async def lifespan() -> dict[str, Any]:
            async with app.router.lifespan_context(app) as found:
                return dict(found)

        found = asyncio.run(lifespan())
        assert (found["head_seconds"], found["stall_seconds"], found["connections"]) == (6, 8, state.connections)
    finally:
        app.state.hot.close()


@pytest.mark.parametrize(("name", "seconds"), [("head_seconds", 3.0), ("stall_seconds", 4.0)])
def test_a_connection_ends_after_the_time_that_is_set(
    loop: asyncio.AbstractEventLoop, name: str, seconds: float
) -> None:
    from uvicorn import Config
    from uvicorn.server import ServerState

    from pinset.api.protocol import Protocol

    config = Config(lambda *_: None, interface="asgi3", http=Protocol, ws="none", log_config=None, lifespan="off")
    protocol = Protocol(config, ServerState(), {name: seconds}, loop)
    protocol.connection_made(Door())
    protocol._since = loop.time() - 3.5
    protocol._unsent = (7, loop.time() - 4.5)
    protocol.transport.unsent = 7  # type: ignore[attr-defined]  # a Line
    protocol._look_at_clock()
    ended = (protocol.transport.is_closing(), protocol.transport.aborted)  # type: ignore[attr-defined]  # a Line
    assert ended == ((True, False) if name == "head_seconds" else (True, True))
    protocol.connection_lost(None)


def test_settings_are_by_default_as_the_limits_are() -> None:
    assert Settings.of(Limits()) == Settings()


def test_proxies_are_believed_when_they_say_for_whom_they_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    believed: list[Any] = []
    monkeypatch.setattr(
        server.uvicorn.Server, "run", lambda made, **_: believed.append(made.config.forwarded_allow_ips)
    )
    with socket.create_server(("127.0.0.1", 0)) as listening:
        for proxies in (("10.0.0.2",), ()):
            server.run("pinset.bootstrap:application", listening, workers=1, ready=lambda _: None, proxies=proxies)
    assert believed == [["127.0.0.1", "::1", "10.0.0.2"], "127.0.0.1,::1"]


# -- Clients --------------------------------------------------------------------------------------------------------


class Answers:
    """A transport that refuses a few times."""

    def __init__(self, refusals: int, wait: str) -> None:
        self.left, self.wait, self.keys = refusals, wait, list[str]()

    def __call__(self, sent: Any) -> Any:
        import httpx

        self.keys.append(sent.headers.get("idempotency-key", ""))
        if self.left:
            self.left -= 1
            body = {"code": "rate_limited", "detail": "slower", "details": {"retry_after": int(self.wait)}}
            return httpx.Response(
                429, json=body, headers={"Retry-After": self.wait, "Content-Type": "application/problem+json"}
            )
        return httpx.Response(200, json={"items": [], "next": None})


@pytest.mark.parametrize(("refusals", "wait", "slept"), [(1, "2", [2.0]), (2, "1", [1.0, 1.0]), (0, "1", [])])
def test_a_client_waits_as_long_as_it_is_told_and_asks_again(refusals: int, wait: str, slept: list[float]) -> None:
    import httpx

    pauses: list[float] = []
    answers = Answers(refusals, wait)
    http = Http("http://registry.test", None, transport=httpx.MockTransport(answers), sleep=pauses.append)
    assert http.change("POST", "/v1/x", {}) == {"items": [], "next": None}
    assert pauses == slept
    assert len(set(answers.keys)) == 1
    http.close()


@pytest.mark.parametrize(("refusals", "wait", "tries"), [(3, "1", 3), (1, "60", 1)])
def test_a_client_that_is_to_wait_too_long_says_so(refusals: int, wait: str, tries: int) -> None:
    import httpx

    answers = Answers(refusals, wait)
    http = Http("http://registry.test", None, transport=httpx.MockTransport(answers), sleep=lambda _: None)
    with pytest.raises(RateLimited) as refused:
        http.get("/v1/bundles")
    assert (refused.value.details["retry_after"], len(answers.keys)) == (int(wait), tries)
    http.close()
