"""Idempotency-Key: one effect, and the first answer again."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pinset.errors import Busy, PinsetError, ReadOnly, Unavailable
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.services.local import LocalRegistry

OPS = Caller(actor="ops")
RELEASES = "/v1/bundles/support/releases"
ALIAS = "/v1/bundles/support/aliases/production"


def test_a_replay_has_the_headers_of_the_first_answer(
    memory: LocalRegistry, api: Any, manifest: Callable[..., dict[str, str]]
) -> None:
    first, again = (
        api("POST", RELEASES, json={"files": manifest()}, headers={"Idempotency-Key": "a"}) for _ in range(2)
    )
    assert again.headers["location"] == first.headers["location"] == f"{RELEASES}/v1"
    moves = [
        api("PUT", ALIAS, json={"release": "v1"}, headers={"Idempotency-Key": "b", "If-None-Match": "*"})
        for _ in range(2)
    ]
    assert [move.status_code for move in moves] == [200, 200]
    assert moves[0].headers["etag"] == moves[1].headers["etag"]
    assert "idempotent-replayed" not in moves[0].headers
    assert moves[1].headers["idempotent-replayed"] == "true"
    assert memory.alias("support", "production")["seq"] == 1


def test_a_refusal_is_an_answer_too(memory: LocalRegistry, api: Any, manifest: Callable[..., dict[str, str]]) -> None:
    headers = {"Idempotency-Key": "r", "If-None-Match": "*"}
    first = api("PUT", ALIAS, json={"release": "v1"}, headers=headers)
    assert first.status_code == 404
    memory.publish(OPS, manifest())
    again = api("PUT", ALIAS, json={"release": "v1"}, headers=headers)
    assert (again.status_code, again.json()) == (404, first.json())
    assert again.headers["content-type"] == "application/problem+json"


def test_what_may_go_better_later_is_tried_again(
    memory: LocalRegistry, api: Any, manifest: Callable[..., dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_args: Any, **_named: Any) -> None:
        raise Busy("a writer is at it")

    send = {"json": {"files": manifest()}, "headers": {"Idempotency-Key": "t"}}
    with monkeypatch.context() as patch:
        patch.setattr(memory, "publish", busy)
        assert api("POST", RELEASES, **send).status_code == 503
    assert api("POST", RELEASES, **send).status_code == 201


def test_two_tries_at_once_have_the_answer_that_was_kept_first(
    memory: LocalRegistry,
    api: Any,
    api_of: Callable[..., Any],
    manifest: Callable[..., dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The try that made the write keeps its answer, warnings and all, while another one looks at what was made."""
    memory.publish(OPS, manifest(), alias="production")
    memory.publish(OPS, manifest(words="b"))
    path = ALIAS.replace("production", "producton")
    send = {"json": {"release": "v2"}, "headers": {"Idempotency-Key": "k", "If-None-Match": "*"}}
    promote, other = memory.promote, api_of(memory)
    first: list[Any] = []

    def overtaken(*args: Any, **named: Any) -> Any:
        if not first:
            first.append(None)
            first[0] = other("PUT", path, **send)
        return promote(*args, **named)

    monkeypatch.setattr(memory, "promote", overtaken)
    second = api("PUT", path, **send)
    assert first[0].json()["warnings"], "without one both would be the same anyway"
    assert (second.status_code, second.json()) == (200, first[0].json())
    assert second.headers["etag"] == first[0].headers["etag"]
    assert memory.alias("support", "producton")["seq"] == 1


class Overtaken:
    """Two tries of one request at once, in two threads: the slow one is refused, and waits until it is let go."""

    def __init__(self, memory: LocalRegistry, api_of: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
        self._apis = [api_of(memory), api_of(memory)]
        self._slow: threading.Thread | None = None
        self._caught = False
        self._refused, self._go = threading.Event(), threading.Event()
        self.answers: dict[str, Any] = {}
        for name in ("promote", "publish"):
            monkeypatch.setattr(memory, name, self._waiting(getattr(memory, name)))

    def _waiting(self, whole: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            waits, self._caught = self._slow is not None and not self._caught, True
            try:
                return whole(*args, **named)
            finally:
                if waits:
                    self._refused.set()
                    assert self._go.wait(20)

        return call

    def start(self, method: str, path: str, **given: Any) -> None:
        """Begin the slow try; come back once it was refused and has not yet said so."""

        def send() -> None:
            self.answers["slow"] = self._apis[0](method, path, **given)

        self._slow, self._caught = threading.Thread(target=send), False
        self._slow.start()
        assert self._refused.wait(20)

    def end(self) -> Any:
        """Let the slow try go on; its answer."""
        self._go.set()
        assert self._slow is not None
        self._slow.join(20)
        return self.answers["slow"]

    def fast(self, method: str, path: str, **given: Any) -> Any:
        """The other try, whole."""
        return self._apis[1](method, path, **given)


@pytest.mark.parametrize("kept", ["after the write", "before the write's answer", "and that was lost"])
@pytest.mark.parametrize("first", ["refused", "nothing to do"])
def test_the_answer_of_the_write_wins_over_a_try_at_once_that_wrote_nothing(
    memory: LocalRegistry,
    api_of: Callable[..., Any],
    manifest: Callable[..., dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    first: str,
    kept: str,
) -> None:
    memory.publish(OPS, manifest())
    selector = "v2" if first == "refused" else "v1"
    if first == "nothing to do":
        memory.promote(OPS, "support@v1", "production")
    tag = {"If-Match": memory.alias("support", "production")["revision"]} if first != "refused" else {}
    if first == "refused":
        tag = {"If-None-Match": "*"}
    send = {"json": {"release": selector}, "headers": {"Idempotency-Key": "k", **tag}}
    two = Overtaken(memory, api_of, monkeypatch)
    two.start("PUT", ALIAS, **send)
    memory.publish(OPS, manifest(words="b"))
    if first == "nothing to do":
        moved = memory.promote(OPS, "support@v2", "production")
        send["headers"]["If-Match"] = moved["revision"] or ""
    if kept == "after the write":
        made = two.fast("PUT", ALIAS, **send)
        slow = two.end()
        assert (slow.status_code, slow.json()) == (200, made.json())
    else:
        keep = memory.keep_answer

        def late(*args: Any, **named: Any) -> None:
            """The fast try has written, and its answer is not kept yet: the slow one may think it is alone."""
            monkeypatch.setattr(memory, "keep_answer", keep)
            with monkeypatch.context() as patch:
                patch.setattr(memory, "is_written", lambda _caller: False)
                two.end()
            if kept == "before the write's answer":
                keep(*args, **named)

        monkeypatch.setattr(memory, "keep_answer", late)
        made = two.fast("PUT", ALIAS, **send)
        slow = two.answers["slow"]
        assert slow.json() != made.json()
    assert (made.status_code, made.json()["operation"] is None) == (200, False)
    again = two.fast("PUT", ALIAS, **send)
    assert (again.status_code, again.json()) == (200, made.json())
    assert memory.alias("support", "production")["revision"] == made.json()["revision"]


def test_a_key_that_another_request_took_meanwhile_is_not_kept_for_the_loser(
    memory: LocalRegistry,
    api_of: Callable[..., Any],
    manifest: Callable[..., dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The loser looks for a kept answer before the winner has one, and finds the winner's write in git."""
    memory.publish(OPS, manifest())
    send = {"headers": {"Idempotency-Key": "k", "If-None-Match": "*"}}
    winner, loser = api_of(memory), api_of(memory)
    keep, lost = memory.keep_answer, []

    def late(*args: Any, **named: Any) -> None:
        if not lost:
            lost.append(None)
            lost[0] = loser("PUT", ALIAS, json={"release": "v1", "reason": "other"}, **send)
        keep(*args, **named)

    monkeypatch.setattr(memory, "keep_answer", late)
    made = winner("PUT", ALIAS, json={"release": "v1"}, **send)
    assert (lost[0].status_code, lost[0].json()["code"]) == (409, "idempotency_mismatch")
    again = winner("PUT", ALIAS, json={"release": "v1"}, **send)
    assert (made.status_code, again.status_code, again.json()) == (200, 200, made.json())


@pytest.mark.parametrize("error", [Busy, Unavailable, ReadOnly])
def test_a_refusal_that_is_only_for_now_is_never_kept(
    memory: LocalRegistry,
    api: Any,
    manifest: Callable[..., dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    error: type[PinsetError],
) -> None:
    def refuse(*_args: Any, **_named: Any) -> None:
        raise error("not now", hint="later")

    with monkeypatch.context() as patch:
        patch.setattr(memory, "publish", refuse)
        assert api("POST", RELEASES, json={"files": manifest()}, headers={"Idempotency-Key": "n"}).status_code == 503
    assert memory.kept_answer("n", "local") is None


@pytest.mark.parametrize("changed", ["body", "path", "method"])
def test_the_same_key_for_another_request_is_a_conflict(
    memory: LocalRegistry, api: Any, manifest: Callable[..., dict[str, str]], changed: str
) -> None:
    memory.publish(OPS, manifest())
    key = {"Idempotency-Key": "k"}
    assert api("PUT", ALIAS, json={"release": "v1"}, headers={**key, "If-None-Match": "*"}).status_code == 200
    requests: dict[str, tuple[str, str, Any, dict[str, str]]] = {
        "body": ("PUT", ALIAS, {"release": "v1", "reason": "x"}, {"If-None-Match": "*"}),
        "path": ("PUT", ALIAS.replace("production", "staging"), {"release": "v1"}, {"If-None-Match": "*"}),
        "method": ("POST", f"{ALIAS}/rollback", {}, {}),
    }
    method, path, body, headers = requests[changed]
    answer = api(method, path, json=body, headers={**key, **headers})
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_mismatch")


def test_a_retry_that_looked_again_gets_the_first_answer(
    memory: LocalRegistry, api: Any, manifest: Callable[..., dict[str, str]]
) -> None:
    memory.publish(OPS, manifest())
    send = {"json": {"release": "v1"}}
    first = api("PUT", ALIAS, **send, headers={"Idempotency-Key": "k", "If-None-Match": "*"})
    moved_since = {"Idempotency-Key": "k", "If-Match": first.headers["etag"]}
    again = api("PUT", ALIAS, **send, headers=moved_since)
    assert (again.status_code, again.json()) == (200, first.json())
    assert len(memory.history("support", "production")["items"]) == 1


def test_a_replay_needs_no_precondition(
    memory: LocalRegistry, api: Any, manifest: Callable[..., dict[str, str]]
) -> None:
    memory.publish(OPS, manifest())
    key = {"Idempotency-Key": "k"}
    assert api("PUT", ALIAS, json={"release": "v1"}, headers=key).status_code == 428
    first = api("PUT", ALIAS, json={"release": "v1"}, headers={**key, "If-None-Match": "*"})
    again = api("PUT", ALIAS, json={"release": "v1"}, headers=key)
    assert (again.status_code, again.json(), again.headers["idempotent-replayed"]) == (200, first.json(), "true")
    tag = {"Idempotency-Key": "d", "If-Match": first.headers["etag"]}
    ended = [api("DELETE", ALIAS, headers=headers) for headers in (tag, {"Idempotency-Key": "d"})]
    assert [one.status_code for one in ended] == [200, 200]
    assert memory.history("support", "production")["items"][0]["seq"] == 2


def test_a_mistaken_precondition_is_no_answer_to_keep(
    memory: LocalRegistry, api: Any, manifest: Callable[..., dict[str, str]]
) -> None:
    memory.publish(OPS, manifest())
    key = {"Idempotency-Key": "k", "If-None-Match": "*"}
    assert api("PUT", ALIAS, json={"release": "v1"}, headers={**key, "If-Match": '"x"'}).status_code == 422
    assert api("PUT", ALIAS, json={"release": "v1"}, headers=key).status_code == 200


def test_only_what_keeps_an_answer_says_that_it_takes_a_key(api: Any) -> None:
    taking = {
        path
        for path, methods in api.app.openapi()["paths"].items()
        for one in methods.values()
        if any(given["name"] == "Idempotency-Key" for given in one.get("parameters", []))
    }
    assert "/v1/bundles/{bundle}/releases" in taking
    assert not any("tokens" in path for path in taking)


@pytest.mark.parametrize("name", ["op_x", "x", "op_" + "A" * 24, "op_" + "a" * 25])
def test_an_operation_that_is_none_is_refused(api: Any, name: str) -> None:
    answer = api("GET", f"/v1/operations/{name}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert api("GET", f"/v1/operations/op_{'a' * 24}").json()["status"] == "unknown"


def test_a_failed_precondition_is_no_answer_to_keep(
    memory: LocalRegistry, api: Any, manifest: Callable[..., dict[str, str]]
) -> None:
    memory.publish(OPS, manifest())
    send = {"json": {"release": "v1"}}
    refused = api("PUT", ALIAS, **send, headers={"Idempotency-Key": "k", "If-Match": '"0"'})
    made = api("PUT", ALIAS, **send, headers={"Idempotency-Key": "k", "If-None-Match": "*"})
    assert (refused.status_code, made.status_code) == (412, 200)


def test_a_key_belongs_to_who_sent_it(memory: LocalRegistry, api: Any, manifest: Callable[..., dict[str, str]]) -> None:
    who = {name: memory.create_token(OPS, name, can="write")["token"] for name in ("ann", "bob")}
    answers = [
        api(
            "POST",
            RELEASES,
            json={"files": manifest(words=name)},
            headers={"Idempotency-Key": "k", "Authorization": f"Bearer {secret}"},
        )
        for name, secret in who.items()
    ]
    assert [answer.json()["version"] for answer in answers] == [1, 2]
    assert [memory.summary(f"support@v{n}")["published_by"] for n in (1, 2)] == ["ann", "bob"]


def test_a_dry_run_uses_up_no_key(memory: LocalRegistry, api: Any, manifest: Callable[..., dict[str, str]]) -> None:
    send = {"json": {"files": manifest()}, "headers": {"Idempotency-Key": "d"}}
    assert api("POST", f"{RELEASES}?dry_run=true", **send).status_code == 200
    assert api("POST", RELEASES, **send).status_code == 201


def test_the_secret_of_a_token_is_not_kept_for_a_retry(memory: LocalRegistry, api: Any) -> None:
    send = {"json": {"name": "ci", "can": "admin"}, "headers": {"Idempotency-Key": "s"}}
    secret = api("POST", "/v1/tokens", **send).json()["token"]
    assert memory._context.state.answer("s", "local") is None
    again = api("POST", "/v1/tokens", **{**send, "headers": {**send["headers"], "Authorization": f"Bearer {secret}"}})
    assert (again.status_code, again.json()["code"]) == (409, "already_exists")


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "\u00fc"])
def test_a_key_is_visible_ascii(api: Any, key: str) -> None:
    answer = api("POST", RELEASES, json={"files": {"a": "b"}}, headers={"Idempotency-Key": key.encode("latin-1")})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


class Hand:
    """A clock set by hand."""

    def __init__(self, at: int) -> None:
        self.at = at

    def now(self) -> int:
        return self.at


def test_kept_answers_are_forgotten_in_time(
    memory: LocalRegistry, api_of: Callable[..., Any], manifest: Callable[..., dict[str, str]]
) -> None:
    clock = Hand(1_000_000)
    memory._context = replace(memory._context, clock=clock)
    api = api_of(memory, kept_answers=10)
    api("POST", RELEASES, json={"files": manifest()}, headers={"Idempotency-Key": "old"})
    assert memory._context.state.answer("old", "local") is not None
    clock.at += 11
    api("POST", RELEASES, json={"files": manifest(words="b")}, headers={"Idempotency-Key": "new"})
    assert memory._context.state.answer("old", "local") is None
