"""Answers that are ready: given while nothing changed, made anew where something did, and never without bound."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from pinset.api.ready import Prepared, Ready, encoding_of, is_known
from pinset.services.changes import Changes

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = ("registry", 1)


class Registry:
    """A registry of which only what is visible counts: every write names the bundle it changes."""

    def __init__(self) -> None:
        self.writes: list[str] = []
        self.identity = HERE
        self.looks = 0
        self.tells = True

    def mark(self) -> Any:
        return (self.identity, len(self.writes)) if self.tells else None

    def changes(self, after: int) -> Changes:
        self.looks += 1
        serial = len(self.writes)
        whole = after > serial or after == 0
        return Changes(self.identity, serial, None if whole else frozenset(self.writes[after:]))


@pytest.fixture
def registry() -> Registry:
    made = Registry()
    made.writes.append("founding")
    return made


def _ready(registry: Registry, room: int = 10**6) -> Ready:
    return Ready(registry, room)  # type: ignore[arg-type]  # as much of one as is asked


def _answer(bundle: str, version: int = 1, size: int = 10) -> Callable[[], Prepared]:
    return lambda: Prepared(bundle, "production", version, "/", b"x" * size, '"tag"', "no-cache")


def test_what_was_made_is_ready_until_something_changes(registry: Registry) -> None:
    ready = _ready(registry)
    assert ready.look(b"/a") is None
    made = ready.find(b"/a", _answer("a"))
    assert [ready.look(b"/a") for _ in range(3)] == [made] * 3
    assert registry.looks == 1
    registry.writes.append("b")
    assert ready.look(b"/a") is None


def test_only_what_a_change_touches_is_made_anew(registry: Registry) -> None:
    ready = _ready(registry)
    kept, gone = ready.find(b"/a", _answer("a")), ready.find(b"/b", _answer("b"))
    registry.writes.append("b")
    assert ready.find(b"/a", _answer("a", 2)) is kept
    assert ready.look(b"/a") is kept
    assert ready.look(b"/b") is None
    assert ready.find(b"/b", _answer("b", 2)) is not gone


@pytest.mark.parametrize("identity", [("registry", 2), ("another", 1)])
def test_another_registry_or_epoch_makes_all_anew(registry: Registry, identity: tuple[str, int]) -> None:
    ready = _ready(registry)
    ready.find(b"/a", _answer("a"))
    registry.identity = identity
    assert ready.look(b"/a") is None
    assert ready.find(b"/a", _answer("a", 2)).version == 2


def test_what_changes_while_an_answer_is_made_is_not_missed(registry: Registry) -> None:
    ready = _ready(registry)

    def slow() -> Prepared:
        registry.writes.append("a")
        return _answer("a")()

    ready.find(b"/a", slow)
    assert ready.look(b"/a") is None
    assert ready.find(b"/a", _answer("a", 2)).version == 2


def test_what_was_read_before_another_request_caught_up_is_not_kept(registry: Registry) -> None:
    ready = _ready(registry)

    def overtaken() -> Prepared:
        read = _answer("a", 1)()
        registry.writes.append("a")
        ready.find(b"/b", _answer("b"))  # this one sees the change
        return read

    ready.find(b"/a", overtaken)
    assert ready.look(b"/b") is not None
    assert ready.look(b"/a") is None


def test_a_registry_that_cannot_tell_is_asked_every_time(registry: Registry) -> None:
    registry.tells = False
    ready = _ready(registry)
    for version in (1, 2):
        assert ready.find(b"/a", _answer("a", version)).version == version
        assert ready.look(b"/a") is None


def test_an_answer_that_cannot_be_made_leaves_nothing(registry: Registry) -> None:
    ready = _ready(registry)

    def fails() -> Prepared:
        raise LookupError

    with pytest.raises(LookupError):
        ready.find(b"/a", fails)
    assert ready.look(b"/a") is None
    assert ready.find(b"/a", _answer("a")).version == 1


def test_of_many_who_ask_at_once_one_makes_the_answer(registry: Registry) -> None:
    ready, entered, go = _ready(registry), threading.Event(), threading.Event()
    makers = []

    def slow() -> Prepared:
        makers.append(threading.current_thread())
        entered.set()
        assert go.wait(30)
        return _answer("a")()

    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(ready.find, b"/a", slow)
        assert entered.wait(30)
        rest = [pool.submit(ready.find, b"/a", slow) for _ in range(7)]
        assert ready.find(b"/b", _answer("b")).bundle == "b", "another answer does not wait"
        go.set()
        assert {id(one.result()) for one in (first, *rest)} == {id(first.result())}
    assert len(makers) == 1


def test_who_waited_for_an_answer_that_failed_makes_it_themselves(registry: Registry) -> None:
    ready, entered, go = _ready(registry), threading.Event(), threading.Event()

    def fails() -> Prepared:
        entered.set()
        assert go.wait(30)
        raise LookupError

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(ready.find, b"/a", fails)
        assert entered.wait(30)
        second = pool.submit(ready.find, b"/a", _answer("a"))
        go.set()
        assert isinstance(first.exception(), LookupError)
        assert second.result().version == 1


def test_room_is_bounded_and_what_is_asked_for_stays(registry: Registry) -> None:
    room, size = 200_000, 1000
    ready = _ready(registry, room)
    first = ready.find(b"/first", _answer("a", size=size))
    for number in range(2000):
        ready.find(b"/%d" % number, _answer("a", size=size))
        assert ready.find(b"/first", _answer("a", 2, size=size)) is first
    kept = {id(one): one for half in (ready._newer, ready._older) for one in half.values()}
    assert len(kept) > 10
    assert sum(one.size for one in kept.values()) <= room


def test_an_answer_larger_than_the_room_is_given_and_not_kept(registry: Registry) -> None:
    ready = _ready(registry, 1000)
    assert ready.find(b"/a", _answer("a", size=5000)).version == 1
    assert ready.look(b"/a") is None


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("", "identity"),
        ("gzip", "gzip"),
        ("GZIP;q=0.1", "gzip"),
        ("zstd, gzip", "zstd"),
        ("zstd;q=0, gzip", "gzip"),
        ("gzip;q=0", "identity"),
        ("*", "gzip"),
        ("*;q=0", "identity"),
        ("gzip;q=nonsense", "identity"),
        ("br, deflate", "identity"),
        (",,;", "identity"),
    ],
)
def test_the_encoding_is_one_that_the_client_takes(accepted: str, encoding: str) -> None:
    assert encoding_of(accepted) == encoding


@pytest.mark.parametrize(
    ("given", "known"), [('"t"', True), ('W/"t", "x"', True), ("*", True), ("", False), ('"u"', False)]
)
def test_a_tag_is_known_in_every_spelling(given: str, known: bool) -> None:
    assert is_known(given, '"t"') is known
