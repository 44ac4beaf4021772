"""A registry's server as far as clients listen to it: real sockets, and misbehaviour where it is asked for."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from client_fakes import ME, NAME, files

from pinset import bootstrap
from pinset.errors import PinsetError, http_status

if TYPE_CHECKING:
    from collections.abc import Mapping

EPOCH = {"registry": "r", "epoch": 1}


class Wire:
    """Serves aliases and events of a registry in memory. listening: how many streams are open."""

    def __init__(self) -> None:
        self.registry = bootstrap.memory_registry()
        self.news = threading.Condition()
        self.events: list[tuple[int, str, Mapping[str, Any]]] = []
        self.serial = 0
        self.ready: Mapping[str, Any] = EPOCH
        self.buffers = self.silent = self.down = self.deaf = False
        self.retry = 2000
        self.refused = 0
        """Streams that were asked for while it was deaf."""
        self.round = 0
        """Streams of an earlier round end."""
        self.listening = 0
        self.fetches: list[dict[str, str]] = []
        self.streams: list[tuple[dict[str, list[str]], str | None]] = []
        wire = self

        class Handler(_Handler):
            about = wire

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def promote(self, words: str, *, say: bool = True, bundle: str = NAME) -> None:
        """Publish and promote, and say so."""
        made = files(words)
        made["release.yaml"] = made["release.yaml"].replace(NAME, bundle)
        self.registry.publish(ME, made, alias="production")
        self.serial += 1
        if say:
            self.say("move", {"bundle": bundle, "alias": "production", "serial": self.serial})

    def say(self, kind: str, data: Mapping[str, Any]) -> None:
        with self.news:
            self.events.append((self.serial, kind, data))
            self.news.notify_all()

    def hang_up(self) -> None:
        """End every stream there is."""
        with self.news:
            self.round += 1
            self.news.notify_all()

    def close(self) -> None:
        self.hang_up()
        self._server.shutdown()
        self._server.server_close()
        self.registry.close()


class _Handler(BaseHTTPRequestHandler):
    about: Wire
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        """Nothing: pytest says what is to be said."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if self.about.down:
            self._answer(503, {"status": 503, "code": "unavailable", "detail": "no", "hint": "no"})
        elif parts.path == "/v1/events":
            if self.about.deaf:
                self.about.refused += 1
                self._answer(503, {"status": 503, "code": "busy", "detail": "no", "hint": "no"})
            else:
                self._listen(parse_qs(parts.query))
        else:
            self._fetch(parts.path)

    def _fetch(self, path: str) -> None:
        wire = self.about
        *_, bundle, _kind, selector = path.split("/")
        wire.fetches.append({**dict(self.headers.items()), "path": path})
        try:
            found = wire.registry.sealed(f"{bundle}@{selector}")
        except PinsetError as error:
            told = {"code": error.code, "detail": error.message, "hint": error.hint, "details": error.details}
            self._answer(http_status(type(error)), told)
            return
        tag = f'"{found["digest"]}{(found["alias"] or {}).get("seq")}"'
        if self.headers.get("If-None-Match") == tag:
            self.send_response(304)
            self.send_header("ETag", tag)
            self.end_headers()
        else:
            self._answer(200, found, tag)

    def _answer(self, status: int, body: Mapping[str, Any], tag: str = '"-"') -> None:
        told = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(told)))
        self.send_header("ETag", tag)
        self.end_headers()
        self.wfile.write(told)

    def _listen(self, query: dict[str, list[str]]) -> None:
        wire, after = self.about, self.headers.get("Last-Event-ID")
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        with wire.news:
            round_, wire.listening = wire.round, wire.listening + 1
            wire.streams.append((query, after))
            at = int(after) if after is not None else wire.serial
        try:
            self.wfile.write(b"retry: %d\n\n" % wire.retry)
            if not wire.buffers:
                self._event("ready", wire.serial, wire.ready)
            self._follow(round_, at)
        except OSError:
            pass
        finally:
            with wire.news:
                wire.listening -= 1

    def _follow(self, round_: int, at: int) -> None:
        wire, sent = self.about, 0
        while True:
            with wire.news:
                if wire.round == round_ and len(wire.events) == sent:
                    wire.news.wait(1)
                if wire.round != round_:
                    return
                news, sent = wire.events[sent:], len(wire.events)
            if wire.silent or wire.buffers:
                continue
            self.wfile.write(b": beat\n\n")
            for serial, kind, data in news:
                if serial > at or kind == "reset":
                    self._event(kind, serial, data)

    def _event(self, kind: str, serial: int, data: Mapping[str, Any]) -> None:
        self.wfile.write(f"event: {kind}\nid: {serial}\ndata: {json.dumps(data)}\n\n".encode())
