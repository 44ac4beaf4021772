"""Whom the client asks, and what it refuses to be given."""

from __future__ import annotations

import socket
import threading
from contextlib import closing, suppress
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any

import pytest
from client_fakes import ME, NAME, files, until

from pinset import bootstrap
from pinset.client import keeper
from pinset.client.client import Client
from pinset.errors import InvalidInput, NotFound, PinsetError, Unauthenticated, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def test_over_http_a_release_is_fetched_confirmed_and_kept_when_the_server_is_gone(
    served: str, home: Path, tmp_path: Path
) -> None:
    with closing(bootstrap.local_registry(home)) as registry:
        registry.publish(ME, files("Hi {{ticket}}."), alias="production")
        with Client(served, cache=tmp_path / "cache", poll=0.02) as client:
            assert client.get(NAME).version == 1
            until(lambda: client.counts["confirmed"] > 1)
            assert client.counts["fetched"] == 1
            registry.publish(ME, files("Hello {{ticket}}."), alias="production")
            until(lambda: client.get(NAME).version == 2)
            assert client.get(f"{NAME}@v1").render(ticket="x") == "Hi x."
    with Client("http://127.0.0.1:9", cache=tmp_path / "cache") as far, pytest.raises(Unavailable):
        far.get(NAME)


def test_a_directory_is_a_registry_too(home: Path, tmp_path: Path) -> None:
    with closing(bootstrap.local_registry(home)) as registry:
        registry.publish(ME, files("Hi {{ticket}}."), alias="production")
        with Client(str(home), cache=tmp_path / "cache", poll=0.02) as client:
            assert client.get(NAME).render(ticket="x") == "Hi x."
            registry.publish(ME, files("Hello {{ticket}}."), alias="production")
            until(lambda: client.get(NAME).version == 2)
            until(lambda: client.counts["confirmed"] > 1)
    with pytest.raises(NotFound):
        Client(str(tmp_path / "nothing"))


def test_a_directory_without_what_reads_it_is_an_error_with_a_way_out(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = EntryPoint("directory", "pinset_without_extras:directory_source", "pinset.sources")
    for found in ([absent], []):
        monkeypatch.setattr("importlib.metadata.entry_points", lambda found=found, **_: found)
        with pytest.raises(InvalidInput, match=r"pinset\[cli\]"):
            Client(str(home))


def test_no_registry_is_an_error_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PINSET_REGISTRY", raising=False)
    with pytest.raises(InvalidInput, match="no registry"):
        Client()


def test_an_address_without_its_beginning_is_completed_by_the_hint() -> None:
    with pytest.raises(InvalidInput) as told:
        Client("127.0.0.1:7467")
    assert told.value.hint == "write http://127.0.0.1:7467"


@pytest.mark.parametrize(
    "wrong",
    [
        {"registry": 123},
        {"registry": "http://127.0.0.1:9", "token": 5},
        {"poll": "15"},
        {"poll": 0},
        {"poll": float("nan")},
        {"poll": True},
        {"max_stale": -1},
        {"max_stale": "1"},
        {"alias": 3},
        {"cache": 3},
        {"snapshot": 3},
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused_with_a_sentence(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as told:
        Client(**{"registry": "http://127.0.0.1:9", "cache": None, **wrong})
    assert told.value.hint


@pytest.mark.parametrize(
    "wrong",
    [{"name": None}, {"name": 3}, {"alias": 3}, {"variables": 3}, {"tools": [1]}, {"default": "x"}, {"name": ""}],
    ids=str,
)
def test_what_cannot_be_asked_is_refused_with_a_sentence(make: Callable[..., Client], wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as told:
        make().get(**{"name": NAME, **wrong})
    assert told.value.hint


def test_what_cannot_be_called_is_refused_with_a_sentence(make: Callable[..., Client]) -> None:
    client = make()
    for wrong in (lambda: client.on_change(NAME, 3), lambda: client.on_change(3, print), lambda: client.on_refused(3)):  # type: ignore[arg-type] # on purpose
        with pytest.raises(InvalidInput):
            wrong()


def test_a_credential_that_is_not_taken_names_the_variable(server_saying: Callable[[bytes], str]) -> None:
    body = b'{"status": 401, "code": "unauthenticated", "detail": "no such token", "hint": "-"}'
    head = b"HTTP/1.1 401 No\r\nContent-Type: application/problem+json\r\nContent-Length: %d\r\n\r\n" % len(body)
    with Client(server_saying(head + body), cache=None) as client, pytest.raises(Unauthenticated) as told:
        client.get(NAME)
    assert "PINSET_TOKEN" in told.value.hint
    with Client("http://127.0.0.1:9", "no token", cache=None) as client, pytest.raises(PinsetError):
        client.get(NAME)


def test_a_server_that_says_nothing_is_said_to(
    server_saying: Callable[[bytes], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "FIRST_SECONDS", 0.1)
    with Client(server_saying(b""), cache=None) as client:
        client._keeper._pace.uniform = lambda _low, high: high
        with pytest.raises(Unavailable, match=r"within 0\.1 s"):
            client.get(NAME)
        with pytest.raises(Unavailable, match=r"neither cache nor snapshot .* does not answer now"):
            client.get("another")


@pytest.fixture
def server_saying() -> Iterator[Callable[[bytes], str]]:
    """The address of a server that answers each connection with the same bytes, and with none for ever."""
    open_: list[socket.socket] = []

    def serve(says: bytes) -> str:
        listening = socket.create_server(("127.0.0.1", 0))
        open_.append(listening)

        def talk() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    open_.append(connection)
                    connection.settimeout(0.5)
                    with suppress(OSError):
                        if says and connection.recv(65536):
                            connection.sendall(says)

        threading.Thread(target=talk, daemon=True).start()
        return f"http://127.0.0.1:{listening.getsockname()[1]}"

    yield serve
    for one in open_:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()


def test_a_directory_tells_at_once_what_moves(home: Path, tmp_path: Path) -> None:
    with closing(bootstrap.local_registry(home)) as registry:
        registry.publish(ME, files("Hi {{ticket}}."), alias="production")
        with Client(home, cache=None, poll=3600.0) as client:
            assert client.get(NAME).version == 1
            until(lambda: client.counts["confirmed"] == 1)
            registry.publish(ME, files("Hello {{ticket}}."), alias="production")
            until(lambda: client.get(NAME).version == 2)
