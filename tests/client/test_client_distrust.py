"""A registry that errs, or means harm, never gets the client to serve what was not asked for, nor to fall silent."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from client_fakes import ME, NAME, UNREACHABLE, Directory, files, until

from pinset.client.release import Release, Standing
from pinset.client.slots import Slot, refuse_unusable
from pinset.client.stream import HttpStream
from pinset.domain.sealed import Sealed, listing
from pinset.errors import Integrity, PinsetError, Refused, Unavailable
from pinset.testing import release_of
from pinset.working.copy import sealed_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.client.client import Client


def _answer(source: Directory, reference: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(source.registry.sealed(reference)))
    return found


@pytest.fixture
def two(source: Directory) -> Directory:
    """Versions 1 and 2, the newer one with a label."""
    source.registry.publish(ME, files("Two {{ticket}}."), alias="production", label="2026-Q1")
    return source


def test_another_version_digest_or_label_than_was_asked_for_is_refused(
    make: Callable[..., Client], two: Directory
) -> None:
    first = _answer(two, f"{NAME}@v1")
    client = make(cache=None, poll=60.0)
    two.answer = _answer(two, f"{NAME}@v2")
    for selector in ("v1", first["digest"], first["digest"][:20], "2025-Q1"):
        with pytest.raises(Refused, match="was asked for"):
            client.get(f"{NAME}@{selector}")
    for selector in ("v2", two.answer["digest"], two.answer["digest"][:20], "2026-Q1", "2026-q1"):
        assert client.get(f"{NAME}@{selector}").version == 2


def test_a_pin_is_not_what_the_registry_makes_of_it(
    make: Callable[..., Client], two: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PINSET_PIN", f"{NAME}@v1")
    two.answer = _answer(two, f"{NAME}@production")
    with pytest.raises(Refused):
        make(cache=None).get(NAME)


@pytest.mark.parametrize("down_first", [False, True])
def test_an_earlier_move_is_not_taken_after_a_restart_either(
    make: Callable[..., Client], source: Directory, *, down_first: bool
) -> None:
    earlier = _answer(source, f"{NAME}@production")
    source.registry.publish(ME, files("Two {{ticket}}."), alias="production")
    first = make()
    assert first.get(NAME).version == 2
    first.close()
    source.answer, refused = earlier, list[str]()
    client = make()
    client.on_refused(lambda name, error: refused.append(error.message))
    if down_first:
        source.fails = UNREACHABLE
        assert client.get(NAME).source == "disk"
        source.fails = None
    assert client.get(NAME).version == 2
    until(lambda: bool(refused))
    assert "an earlier move" in refused[0]
    assert client.get(NAME).version == 2


_WRONG: list[Any] = [None, True, 1.5, -1, 2**60, "", "x", "\ud800", [], [1], {}, {"a": 1}, float("nan"), float("inf")]
_MEMBERS = ("ref", "bundle", "version", "label", "digest", "serial", "registry", "epoch", "yanked", "manifest", "files")


@pytest.mark.parametrize("member", [*_MEMBERS, "alias", "alias.name", "alias.seq", "files.release.yaml"])
def test_whatever_stands_in_a_member_is_taken_whole_or_refused_and_never_in_the_way_of_the_next(
    source: Directory, member: str
) -> None:
    outer, _, inner = member.partition(".")
    for wrong in _WRONG:
        answer = _answer(source, f"{NAME}@production")
        if inner:
            answer[outer][inner] = wrong
        else:
            answer[outer] = wrong
        try:
            release = Release(answer, Standing("fresh"))
        except PinsetError:
            continue
        slot = Slot(NAME, "production")
        slot.hold(release, None)
        with suppress(PinsetError):
            refuse_unusable(slot, Release(_answer(source, f"{NAME}@production"), Standing("fresh")))
        assert release.attributes()["pinset.digest"] == release.digest, "what is taken can be said"


def test_inputs_that_are_true_ask_for_nothing() -> None:
    text = "release: {feature: greeter, prompt: {text: 'Hello {{name}}.', inputs: true}}"
    release = release_of({"release.yaml": text})
    assert release.variables == frozenset()
    assert release.render(name="Ada") == "Hello Ada."


def test_a_digest_that_is_right_does_not_make_a_release_of_anything() -> None:
    parts = {"default": {"format": "text", "template": {"text": "a"}, "inputs": {"required": []}}}
    circle = {"prompts": {"default": {"component": "prompts/a"}}}
    component = json.dumps({"format": 1, "files": {}, "part": {"component": "prompts/a"}})
    Release(_made({"prompts": parts}), Standing("fresh"))
    for broken in (
        {"prompts": {"default": {**parts["default"], "inputs": 7}}},
        {"prompts": {"default": {**parts["default"], "inputs": {"required": [1]}}}},
        {"prompts": {"default": {**parts["default"], "tools": 1}}},
        {"prompts": {"default": {"format": "text", "messages": [1]}}},
        {"prompts": {"default": {"format": "text", "messages": [{"role": 1, "template": {"text": "a"}}]}}},
        {"prompts": {"default": {"format": "text"}}},
        {"prompts": []},
        {"models": {"default": "x"}},
        {"tools": {"a": {"tool": 1}}},
    ):
        with pytest.raises(Integrity):
            Release(_made(broken), Standing("fresh"))
    with pytest.raises(Integrity):
        Release(_made(circle, {"components/prompts/a/component.json": component}), Standing("fresh"))


def _made(parts: dict[str, Any], texts: dict[str, str] | None = None) -> dict[str, Any]:
    files = texts or {}
    manifest = json.dumps({"format": 1, "bundle": NAME, "parts": parts, "files": listing(files)})
    sealed = Sealed(manifest, files)
    return sealed_answer(sealed, bundle=NAME, ref=f"{NAME}@v1")


@pytest.mark.parametrize(
    "said",
    [
        b"id: 1\ndata: " + b"[" * 100_000 + b"\n\n",
        b"id: x\ndata: {}\n\n",
        b"id: " + b"9" * 5000 + b"\ndata: {}\n\n",
        b"id: 1\ndata: \xff\n\n",
        b"id: 1\ndata: []\n\n",
        b"id: 1\ndata: " + b"x" * (5 * 1024 * 1024),
    ],
    ids=["deep", "no number", "huge number", "no text", "no object", "no end"],
)
def test_events_that_are_none_end_the_stream_with_an_error_of_ours(said: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"

    def serve(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, suppress(OSError):
            connection.recv(65536)
            connection.sendall(head + said)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = threading.Thread(target=serve, args=(listening,), daemon=True)
        serving.start()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(Unavailable, match=r"sends no events|over"):
            list(HttpStream(address, None, frozenset(), None))
        serving.join(20)
