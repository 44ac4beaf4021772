"""Live events over HTTP: what a stream says, when it ends, and what it may cost."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

import httpx
import pytest
import uvicorn
from wires import Wire, request

from patience import until
from pinset import bootstrap
from pinset.api.app import create_app
from pinset.api.follower import HELD, HELD_BYTES
from pinset.api.protocol import Protocol
from pinset.api.server import GRACE_SECONDS
from pinset.api.settings import Settings
from pinset.client.remote import RemoteRegistry
from pinset.ports.registry import Caller
from serving import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pinset.services.local import LocalRegistry

WHO = Caller(actor="ana")


class Server:
    """A server on loopback, with its application at hand."""

    def __init__(self, registry: LocalRegistry, port: int = 0, **settings: Any) -> None:
        self.app = create_app(registry, settings=Settings(**settings))
        self.listening = socket.create_server(("127.0.0.1", port))
        self.address = self.listening.getsockname()
        self.url = f"http://127.0.0.1:{self.address[1]}"
        self.uvicorn = uvicorn.Server(uvicorn.Config(self.app, http=Protocol, log_level="warning", ws="none"))
        self.thread = threading.Thread(target=self.uvicorn.run, kwargs={"sockets": [self.listening]}, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.uvicorn.should_exit = True
        self.thread.join(timeout=60)
        assert not self.thread.is_alive()
        self.listening.close()


@pytest.fixture
def serve(memory: LocalRegistry) -> Iterator[Callable[..., Server]]:
    made: list[Server] = []

    def start(**settings: Any) -> Server:
        made.append(Server(memory, **settings))
        return made[-1]

    yield start
    for server in made:
        if server.thread.is_alive():
            server.stop()


class Line:
    """A raw connection that follows events."""

    def __init__(self, address: tuple[str, int], query: str = "", head: str = "") -> None:
        self.socket = socket.create_connection(address, timeout=60)
        self.socket.sendall(f"GET /v1/events{query} HTTP/1.1\r\nHost: localhost\r\n{head}\r\n".encode())
        self.file = self.socket.makefile("rb")

    def read(self, wanted: bytes) -> bytes:
        """Lines up to one that begins so."""
        found = b""
        while line := self.file.readline():
            found += line
            if line.startswith(wanted):
                return found
        raise AssertionError(f"it ended before {wanted!r}: {found[-500:]!r}")

    def close(self) -> None:
        self.file.close()
        self.socket.close()

    def __enter__(self) -> Self:
        self.read(b"data: ")
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def test_a_stream_is_as_it_is_written_down(memory: LocalRegistry, serve: Callable[..., Server], manifest: Any) -> None:
    memory.publish(WHO, manifest(), alias="production", message="zwei\nZeilen ü")
    answer = httpx.get(f"{serve().url}/v1/events?after=2&wait=0")
    assert answer.status_code == 200
    assert {name: answer.headers[name] for name in ("content-type", "cache-control", "x-accel-buffering")} == {
        "content-type": "text/event-stream",
        "cache-control": "no-cache",
        "x-accel-buffering": "no",
    }
    first, ready, moved, end = answer.text.split("\n\n")
    assert (first, end) == ("retry: 1000", "")
    stands = memory.describe()
    data = {"registry": stands["id"], "epoch": 1, "serial": 3}
    assert ready == "event: ready\nid: 2\ndata: " + json.dumps(data, separators=(",", ":"))
    kind, ident, text = moved.split("\n")
    assert (kind, ident) == ("event: move", "id: 3")
    item: Any = memory.history("support")["items"][0]
    assert json.loads(text.removeprefix("data: ")) == {
        k: v for k, v in item.items() if k not in ("back", "again", "authors", "purged")
    }


def test_last_event_id_counts_more_than_after(memory: LocalRegistry, api: Any, manifest: Any) -> None:
    memory.publish(WHO, manifest(), alias="production")
    answer = api("GET", "/v1/events?after=0&wait=0", headers={"Last-Event-ID": "2"})
    assert re.findall("^id: (.*)", answer.text, re.MULTILINE) == ["2", "3"]


@pytest.mark.parametrize(
    ("query", "head"),
    [
        ("after=-1", {}),
        ("after=x", {}),
        ("wait=-1", {}),
        ("wait=99999", {}),
        ("bundle=A+b", {}),
        ("bundle=", {}),
        ("alias=v1", {}),
        ("bundles=a", {}),
        ("bundle=a&bundle=b", {}),
        ("", {"Last-Event-ID": "x"}),
        ("", {"Last-Event-ID": ""}),
        ("", {"Last-Event-ID": "9" * 30}),
    ],
)
def test_what_cannot_be_meant_is_refused(api: Any, query: str, head: dict[str, str]) -> None:
    assert api("GET", f"/v1/events?{query}", headers=head).status_code == 422


def test_head_ends_and_holds_nothing(api: Any) -> None:
    answer = api("HEAD", "/v1/events")
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"", "text/event-stream")
    assert api.app.state.hub.seated == 0


def test_a_stream_is_counted_once_and_while_it_is_open(serve: Callable[..., Server]) -> None:
    server = serve(beat_seconds=0.05)
    with Line(server.address) as line:
        line.read(b": beat")
        line.read(b": beat")
        text = httpx.get(f"{server.url}/metrics").text
    assert 'method="GET",route="/v1/events",status="200"} 1' in text


def test_a_beat_says_when_to_come_back_where_that_changed(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pinset.api.hub.RETRY_EACH", 1000)
    server = serve(beat_seconds=0.05, workers=2)
    with closing(Line(server.address)) as line:
        assert b"retry: 2000\n" in line.read(b": beat")
        assert b"retry" not in line.read(b": beat"), "it is what it was"
        with Line(server.address):
            line.read(b"retry: 4000\n")
            line.read(b": beat")
            assert b"retry" not in line.read(b": beat")
        line.read(b"retry: 2000\n")


def test_a_beat_says_how_far_nothing_was_left_out(
    memory: LocalRegistry, serve: Callable[..., Server], manifest: Any
) -> None:
    with Line(serve(beat_seconds=0.05).address, "?bundle=nothing") as line:
        line.read(b": beat")
        assert line.read(b"id: ").endswith(b"id: 1\n")
        memory.publish(WHO, manifest())
        assert b"event" not in line.read(b"id: 2\n")


def test_one_too_many_is_told_to_come_later_and_a_seat_is_given_back(serve: Callable[..., Server]) -> None:
    server = serve(streams=1)
    with Line(server.address):
        answer = httpx.get(f"{server.url}/v1/events?wait=0")
        assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    until(lambda: httpx.get(f"{server.url}/v1/events?wait=0").status_code == 200)


def test_a_stream_ends_when_its_token_does(memory: LocalRegistry, serve: Callable[..., Server]) -> None:
    memory.create_token(WHO, "other", can="read")
    secret = memory.create_token(WHO, "app", can="read")["token"]
    with Line(serve(beat_seconds=0.1).address, head=f"Authorization: Bearer {secret}\r\n") as line:
        line.read(b": beat")
        memory.revoke_token(WHO, "app")
        line.read(b"0\r\n")


def test_a_stream_without_a_token_ends_when_there_is_one(memory: LocalRegistry, serve: Callable[..., Server]) -> None:
    server = serve(beat_seconds=0.1)
    with Line(server.address) as line:
        line.read(b": beat")
        memory.create_token(WHO, "app", can="read")
        line.read(b"0\r\n")
        assert httpx.get(f"{server.url}/v1/events").status_code == 401


def test_a_stream_that_has_not_begun_holds_up_no_end(memory: LocalRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, go_on = threading.Event(), threading.Event()
    look = memory.events_since

    def slow(after: int | None) -> Any:
        reading.set()
        assert go_on.wait(60)
        return look(after)

    monkeypatch.setattr(memory, "events_since", slow)
    loop = asyncio.new_event_loop()
    wire = Wire(create_app(memory), loop)
    wire.protocol.data_received(request("/v1/events?wait=0"))
    while not reading.is_set():
        loop.run_until_complete(asyncio.sleep(0.001))
    wire.protocol.shutdown()
    assert wire.line.aborted
    wire.close()
    go_on.set()
    wire.settle()
    loop.close()


def test_who_never_reads_is_cut_off_and_the_others_hear_everything(
    memory: LocalRegistry, serve: Callable[..., Server], manifest: Any
) -> None:
    memory.publish(WHO, manifest())
    server = serve()
    with Line(server.address) as good:
        deaf = socket.socket()
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(server.address)
        deaf.sendall(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        hub = server.app.state.hub
        until(lambda: len(hub._everybody()) == 2)
        heard: list[int] = []

        def hear() -> None:
            text = b""
            while b"event: release" not in text:
                text = good.read(b"id: ")
                heard.append(int(text.rsplit(b"id: ", 1)[1]))

        listening = threading.Thread(target=hear)
        listening.start()
        source, count = hub._source, 0
        while len(hub._everybody()) == 2:
            # Thousands of long events, as if so many writes had been made.
            assert count < 40_000, "it was never cut off"
            count += 200
            hub._source = _Loud(source, count)
            until(partial(_reached, hub, 2 + count))
            assert all(len(one._held) <= HELD and one._size <= HELD_BYTES for one in hub._everybody())
        hub._source = _Loud(source, count + 1, kind="release")
        listening.join(timeout=60)
        assert heard == [*range(3, 4 + count)]
        deaf.close()


def _reached(hub: Any, serial: int) -> bool:
    return bool(hub.at >= serial)


class _Loud:
    """A registry with so many long events after its own."""

    def __init__(self, source: Any, count: int, kind: str = "move") -> None:
        self._source, self._count, self._kind = source, count, kind

    def mark(self) -> int:
        return self._count

    def events_since(self, after: int | None) -> Any:
        from dataclasses import replace

        from pinset.services.events import Batch

        head = replace(self._source.events_since(None).head, serial=2 + self._count)
        at = head.serial if after is None else after
        serials = range(at + 1, min(at + 200, head.serial) + 1)
        data: Any = {"bundle": "support", "text": "x" * 4000}
        events = tuple({"event": self._kind, "serial": serial, "data": data} for serial in serials)
        return Batch(head, serials[-1] if serials else at, events)  # type: ignore[arg-type]


@contextmanager
def served(home: Path, workers: int, before: str = "") -> Iterator[tuple[tuple[str, int], subprocess.Popen[str]]]:
    with serving(home, workers=workers, before=before, ends_within=GRACE_SECONDS) as server:
        yield server.end, server.process
    assert (server.out, server.err) == ("", "")


def _workers(address: tuple[str, int], *, streaming: bool) -> set[str]:
    """The workers that answer here, or those of them that have begun a stream."""
    found = set()
    for _ in range(20):
        text = httpx.get(f"http://{address[0]}:{address[1]}/metrics", verify=False, timeout=30).text
        sign = 'route="/v1/events"' if streaming else "pinset_requests_total{"
        found |= {m[1] for m in re.finditer(r'worker="(\d+)"[^\n]*', text) if sign in text}
    return found


def test_every_worker_tells_what_another_process_did(home: Path, manifest: Any) -> None:
    with closing(bootstrap.local_registry(home)) as registry:
        registry.publish(WHO, manifest())
    with served(home, 2) as (address, _), ExitStack() as lines:
        until(lambda: len(_workers(address, streaming=False)) == 2)
        followers: list[Line] = []
        while len(_workers(address, streaming=True)) < 2:
            assert len(followers) < 200
            followers += [lines.enter_context(Line(address, "?alias=production")) for _ in range(10)]
        subprocess.run(
            [sys.executable, "-m", "pinset_cli.main", "promote", "support@v1", "production", "--registry", str(home)],
            check=True,
            capture_output=True,
        )
        for line in followers:
            assert b"event: move\nid: 3\n" in line.read(b"data: ").replace(b"\r\n", b"\n")


@pytest.mark.parametrize("workers", [1, 2])
def test_streams_hold_up_no_end(home: Path, workers: int) -> None:
    with served(home, workers) as (address, server), ExitStack() as lines:
        followers = [lines.enter_context(Line(address)) for _ in range(5)]
        server.send_signal(signal.SIGTERM)
        for line in followers:
            with pytest.raises((AssertionError, ConnectionError)):
                line.read(b"event: ")


def test_more_streams_than_the_soft_limit_on_open_files_are_told(home: Path) -> None:
    limited = "import resource as r; r.setrlimit(r.RLIMIT_NOFILE, (100, r.getrlimit(r.RLIMIT_NOFILE)[1]))\n"
    with served(home, 1, limited) as (address, _), ExitStack() as lines:
        for _ in range(150):
            lines.enter_context(Line(address))


def test_what_a_worker_says_of_coming_back_counts_the_streams_of_all_workers(home: Path) -> None:
    with served(home, 2) as (address, _), ExitStack() as lines:
        said = [lines.enter_context(closing(Line(address))).read(b"retry: ") for _ in range(11)]
    times = [int(text.rpartition(b"retry: ")[2]) for text in said]
    assert max(times) in {2 * 100 * most for most in range(6, 12)}, "one of them has more than half of the eleven"


def test_a_client_goes_on_when_the_server_is_back(
    memory: LocalRegistry, serve: Callable[..., Server], manifest: Any
) -> None:
    first = serve()
    with closing(RemoteRegistry(first.url, sleep=lambda _seconds: time.sleep(0.02))) as far:
        events = far.events(wait=60)
        assert next(events)["event"] == "ready"
        memory.publish(WHO, manifest(), alias="production")
        assert [event["serial"] for event in islice(events, 2)] == [2, 3]
        first.stop()
        memory.publish(WHO, manifest(words="b"), alias="production")
        assert next(events)["event"] == "lost"
        serve(port=first.address[1])
        assert [(event["event"], event["serial"]) for event in islice(events, 3)] == [
            ("ready", 3),
            ("release", 4),
            ("move", 5),
        ]


def test_a_stream_ends_when_its_client_is_closed_by_another_thread(serve: Callable[..., Server]) -> None:
    server = serve()
    far = RemoteRegistry(server.url)
    events = far.events()
    assert next(events)["event"] == "ready"
    rest: list[Any] = []
    reading = threading.Thread(target=lambda: rest.extend(events))
    reading.start()
    far.close()
    reading.join(timeout=60)
    assert (reading.is_alive(), rest) == (False, [])
    until(lambda: server.app.state.hub.seated == 0)


def test_a_restored_registry_resets_who_knew_the_old_one(
    home: Path, tmp_path: Path, manifest: Any, api_of: Any
) -> None:
    bootstrap.backup_registry(home, tmp_path / "backup")
    with closing(bootstrap.local_registry(home)) as registry:
        registry.publish(WHO, manifest(), alias="production")
        old = registry.describe()
    bootstrap.restore_registry(tmp_path / "backup", tmp_path / "restored")
    with closing(bootstrap.local_registry(tmp_path / "restored")) as registry:
        new = registry.describe()
        for after in (1, old["serial"], new["serial"] - 1, new["serial"] + 1):
            text = api_of(registry)("GET", f"/v1/events?wait=0&after={after}").text
            assert re.findall("^event: (.*)", text, re.MULTILINE) == ["ready", "reset"], after
            assert f'"registry":"{old["id"]}","epoch":2' in text
            assert f"id: {new['serial']}\n" in text
