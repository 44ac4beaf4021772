"""OFREP without a socket: what is answered, to whom, and how failures are told."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pinset.api import doors
from pinset.api.streams import STREAM
from pinset.compat.ofrep import bulk
from pinset.compat.ofrep.sets import Flags, Sets
from pinset.compat.ofrep.stream import spelled
from pinset.errors import Integrity, Unavailable

sys.path.insert(0, str(Path(__file__).parents[1] / "api"))
from speaking import ANA, Speaking, rich
from wires import Wire

if TYPE_CHECKING:
    import httpx

FLAGS = "/compat/ofrep/ofrep/v1/evaluate/flags"
STREAMED = "/compat/ofrep/ofrep/v1/stream"
BEARER = "authorization"


def other(name: str) -> dict[str, str]:
    return {**rich(), "release.yaml": rich()["release.yaml"].replace("support.triage", name)}


def bearer(token: str) -> dict[str, str]:
    return {BEARER: f"Bearer {token}"}


def keys(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["key"] for one in answer.json()["flags"]]


def test_a_flag_is_a_whole_release(speaking: Speaking) -> None:
    document = json.loads(json.dumps(speaking.registry.release("support.triage@production")))
    assert speaking("POST", f"{FLAGS}/support.triage", json={"context": {"targetingKey": "u"}}).json() == {
        "key": "support.triage",
        "value": document,
        "reason": "STATIC",
        "variant": "v1",
        "metadata": {
            "bundle": "support.triage",
            "version": 1,
            "label": "2025-03-14",
            "digest": document["digest"],
            "commit": document["commit"],
            "alias": "production",
        },
    }


KEYS = {
    "support.triage": 1,
    "support.triage@staging": 2,
    "support.triage%40staging": 2,
    "support/triage@staging": 2,
    "support%2Ftriage@staging": 2,
    "support.triage@v1": 1,
    "support.triage@2025-03-15": 2,
    "support.triage@latest": 2,
}


def test_a_key_is_a_bundle_or_what_stands_behind_its_at(speaking: Speaking) -> None:
    for key, version in KEYS.items():
        answer = speaking("POST", f"{FLAGS}/{key}", json={}).json()
        told = key.replace("%40", "@").replace("%2F", "/")
        assert (answer["key"], answer["value"]["version"]) == (told, version), key


def test_a_spelling_with_an_at_is_a_name(speaking: Speaking) -> None:
    speaking.registry.publish(ANA, other("mail"), alias="production", spelled="Mail @home")
    assert speaking("POST", f"{FLAGS}/Mail%20@home", json={}).json()["value"]["bundle"] == "mail"


def test_what_was_yanked_is_said_in_metadata(speaking: Speaking) -> None:
    speaking.registry.yank(ANA, "support.triage@v1", reason="wrong")
    assert speaking("POST", f"{FLAGS}/support.triage", json={}).json()["metadata"]["yanked"] == "wrong"


MISSING = ("nobody", "support.triage@nowhere", "support.triage@v9", "support.triage@ %20", "support.triage.title")


def test_what_is_not_there_is_no_flag(speaking: Speaking) -> None:
    for key in MISSING:
        answer = speaking("POST", f"{FLAGS}/{key}", json={})
        assert (answer.status_code, answer.json()["errorCode"]) == (404, "FLAG_NOT_FOUND"), key
        assert answer.json()["key"] == key.replace("%20", " ")


WRONG = {
    b"{": "PARSE_ERROR",
    b"[]": "PARSE_ERROR",
    b'{"context":{},"context":{}}': "PARSE_ERROR",
    b'{"context":"x"}': "INVALID_CONTEXT",
    b'{"context":{"targetingKey":7}}': "INVALID_CONTEXT",
}


@pytest.mark.parametrize("path", [FLAGS, f"{FLAGS}/support.triage"])
def test_what_is_wrong_with_a_request_is_400(speaking: Speaking, path: str) -> None:
    for body, code in WRONG.items():
        answer = speaking("POST", path, content=body, headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()["errorCode"]) == (400, code), body
        assert ("key" in answer.json()) is (path != FLAGS)


def test_a_body_may_be_missing_and_a_context_may_be_null(speaking: Speaking) -> None:
    assert speaking("POST", f"{FLAGS}/support.triage").status_code == 200
    assert speaking("POST", f"{FLAGS}/support.triage", json={"context": None}).status_code == 200


def test_other_failures_keep_their_status(speaking: Speaking) -> None:
    assert speaking("GET", f"{FLAGS}/support.triage").status_code == 405
    missing = speaking("GET", "/compat/ofrep/ofrep/v1/configuration")
    assert (missing.status_code, missing.json()["errorCode"]) == (404, "GENERAL")
    speaking.token("app", "read")
    refused = speaking("POST", f"{FLAGS}/support.triage", json={})
    assert (refused.status_code, set(refused.json())) == (401, {"key", "errorCode", "errorDetails"})


def test_who_asks_too_often_is_told_when_to_come_back(memory: Any, speaking_of: Any) -> None:
    from pinset.config import parse

    memory.publish(ANA, rich(), alias="production")
    chosen = parse("[limits]\nreads_per_second = 0.01\nreads_burst = 1\n")
    slow = speaking_of(memory, limits=chosen.limits)
    asked = bearer(slow.token("app", "read"))
    assert slow("POST", FLAGS, json={}, headers=asked).status_code == 200
    refused = slow("POST", FLAGS, json={}, headers=asked)
    assert (refused.status_code, int(refused.headers["retry-after"]) > 1) == (429, True)


def test_all_flags_are_those_that_who_asks_may_read_in_production(speaking: Speaking) -> None:
    speaking.registry.publish(ANA, other("billing"), alias="production")
    speaking.registry.publish(ANA, other("draft"), alias="staging")
    assert keys(speaking("POST", FLAGS, json={})) == ["billing", "support.triage"]
    for can, found in (
        ("read", ["billing", "support.triage"]),
        ("read:bill*", ["billing"]),
        ("read:billing@production read:support.triage@staging", ["billing"]),
    ):
        headers = bearer(speaking.token(f"t{len(can)}", can))
        assert keys(speaking("POST", FLAGS, json={}, headers=headers)) == found
        assert keys(speaking("POST", f"{FLAGS}?bundle=support.triage,nobody", json={}, headers=headers)) == [
            one for one in found if one == "support.triage"
        ]
    one = speaking("POST", f"{FLAGS}/billing", json={}, headers=headers)
    assert speaking("POST", FLAGS, json={}, headers=headers).json()["flags"] == [one.json()]


def test_all_flags_have_a_tag_that_changes_with_any_of_them(speaking: Speaking) -> None:
    first = speaking("POST", FLAGS, json={})
    known = {"if-none-match": first.headers["etag"]}
    same = speaking("POST", FLAGS, json={"context": {"targetingKey": "u"}}, headers=known)
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", first.headers["etag"])
    speaking.registry.promote(ANA, "support.triage@v2", "production")
    changed = speaking("POST", FLAGS, json={}, headers=known)
    assert (changed.status_code, changed.json()["flags"][0]["variant"]) == (200, "v2")


@pytest.mark.parametrize("limit", ["MOST", "LARGEST"])
def test_too_many_flags_are_refused_not_cut_short(
    speaking: Speaking, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    speaking.registry.publish(ANA, other("billing"), alias="production")
    monkeypatch.setattr(bulk, limit, {"MOST": 1, "LARGEST": 4000}[limit])
    refused = speaking("POST", FLAGS, json={})
    assert (refused.status_code, refused.json()["errorCode"]) == (400, "GENERAL")
    assert "?bundle=" in refused.json()["errorDetails"]
    assert keys(speaking("POST", f"{FLAGS}?bundle=billing", json={})) == ["billing"]


def test_one_damaged_release_leaves_the_other_flags(speaking: Speaking, monkeypatch: pytest.MonkeyPatch) -> None:
    speaking.registry.publish(ANA, other("billing"), alias="production")
    real = bulk.prepare

    def prepare(registry: Any, name: str, *rest: Any) -> Any:
        if name == "billing":
            raise failure
        return real(registry, name, *rest)

    monkeypatch.setattr(bulk, "prepare", prepare)
    failure: Exception = Integrity("it is damaged", hint="verify")
    damaged, whole = speaking("POST", FLAGS, json={}).json()["flags"]
    assert damaged == {"key": "billing", "errorCode": "GENERAL", "errorDetails": "it is damaged"}
    assert whole["variant"] == "v1"
    failure = Unavailable("later", hint="wait")
    speaking.registry.promote(ANA, "support.triage@v2", "production")
    assert speaking("POST", FLAGS, json={}).status_code == 503


def test_a_set_of_flags_is_made_once_for_all_who_may_read_the_same(
    speaking: Speaking, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    real = bulk._made
    monkeypatch.setattr(bulk, "_made", lambda asked, wanted: made.append(asked.caller.actor) or real(asked, wanted))
    first, second, few = (bearer(speaking.token(*one)) for one in (("a", "read"), ("b", "read"), ("c", "read:none")))
    assert [keys(speaking("POST", FLAGS, json={}, headers=one)) for one in (first, second, first, few)] == [
        ["support.triage"]
    ] * 3 + [[]]
    assert made == ["a", "c"]
    speaking.registry.promote(ANA, "support.triage@v2", "production")
    assert speaking("POST", FLAGS, json={}, headers=second).json()["flags"][0]["variant"] == "v2"
    assert made == ["a", "c", "b"]


def test_sets_take_no_more_than_their_room() -> None:
    async def found() -> None:
        sets = Sets(room=10)
        for key in ("a", "b", "c"):
            assert (await sets.find(key, 1, lambda: Flags(b"1234", "x"))).text == b"1234"
        assert list(sets._kept) == ["b", "c"]
        assert (await sets.find("c", 2, lambda: Flags(b"new", "y", whole=False))).text == b"new"
        assert (await sets.find("b", None, lambda: Flags(b"unknown", "z"))).text == b"unknown"
        assert (list(sets._kept), sets._size, sets._making) == ([], 0, {})

    asyncio.run(found())


def test_of_many_who_ask_for_a_set_one_makes_it_and_a_later_move_is_seen() -> None:
    async def found() -> None:
        sets, begun, go_on = Sets(), threading.Event(), threading.Event()

        def slow() -> Flags:
            begun.set()
            assert go_on.wait(30)
            return Flags(b"old", "x")

        many = [asyncio.create_task(sets.find("key", 1, slow)) for _ in range(50)]
        await asyncio.to_thread(begun.wait, 30)
        later = await sets.find("key", 2, lambda: Flags(b"new", "y"))
        go_on.set()
        assert {one.text for one in await asyncio.gather(*many)} == {b"old"}
        assert later.text == b"new"
        assert (await sets.find("key", 2, lambda: Flags(b"newer", "z"))).text == b"new"

        def failing() -> Flags:
            raise Unavailable("later", hint="wait")

        for _ in range(2):
            with pytest.raises(Unavailable):
                await sets.find("key", 3, failing)
        assert sets._making == {}

    asyncio.run(found())


def followed(speaking: Speaking, headers: dict[str, str] | None = None) -> list[dict[str, Any]]:
    streams = speaking("POST", FLAGS, json={}, headers=headers or {}).json()["eventStreams"]
    return list(streams)


def test_a_ticket_lets_follow_and_does_nothing_else(speaking: Speaking) -> None:
    assert followed(speaking) == [{"type": "sse", "endpoint": {"requestUri": STREAMED}}]
    token = speaking.token("app", "read:support.triage")
    asked = bearer(token)
    where = followed(speaking, asked)[0]["endpoint"]["requestUri"]
    assert where == followed(speaking, asked)[0]["endpoint"]["requestUri"], "so that streams stay open"
    path, _, query = where.partition("?ticket=")
    assert path == STREAMED == doors.TICKETED
    assert token not in where
    assert speaking("HEAD", where).status_code == 200
    assert speaking("HEAD", STREAMED, headers=asked).status_code == 200
    for wrong in (
        STREAMED,
        where[:-1],
        f"{where}x",
        f"{STREAMED}?ticket={query}&ticket={query}",
        f"{STREAMED}?ticket={'x' * 200}",
    ):
        assert speaking("HEAD", wrong).status_code == 401
    for elsewhere in (f"{FLAGS}?ticket={query}", f"{FLAGS}/support.triage?ticket={query}"):
        assert speaking("POST", elsewhere, json={}).status_code == 401
    for scheme in ("Bearer ", "Ticket ", "ticket ", "", "ticket\t"):
        for path in ("/v1/bundles", f"{STREAMED}", "/compat/phoenix/v1/prompts/support.triage/latest"):
            assert speaking("GET", path, headers={BEARER: scheme + query}).status_code == 401
    speaking.registry.revoke_token(ANA, "app")
    speaking.token("other", "read")
    assert speaking("HEAD", where).status_code == 401


def test_who_came_by_an_issuer_gets_no_ticket(speaking: Speaking) -> None:
    assert speaking.registry.ticket_of("oidc:someone") is None
    assert speaking.registry.ticket_of("token:nobody") is None


def test_a_header_with_a_line_end_does_not_arrive(speaking: Speaking) -> None:
    asked = bearer(speaking.token("app", "read"))
    ticket = followed(speaking, asked)[0]["endpoint"]["requestUri"].partition("ticket=")[2]
    assert speaking("HEAD", f"{STREAMED}?ticket={ticket}").status_code == 200  # it is known now
    head = f"GET /v1/bundles HTTP/1.1\r\nHost: localhost\r\nAuthorization: {doors.TICKET}{ticket}\r\n\r\n"
    wire = Wire(speaking.app, speaking.loop, speaking.api.state.hot)
    assert wire.send(head.encode()).split()[1] in (b"400", b"401")
    wire.close()


def test_the_hot_path_answers_flags_as_the_ordinary_way_does(speaking: Speaking) -> None:
    token = speaking.token("app", "read:support.triage")
    slow, fast = (Wire(speaking.app, speaking.loop, one) for one in (None, speaking.api.state.hot))

    def posted(body: str, key: str = "support.triage") -> bytes:
        head = f"POST {FLAGS}/{key} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()

    def plain(text: bytes) -> tuple[bytes, bytes]:
        head, _, body = text.partition(b"\r\n\r\n")
        return head.split()[1], body

    assert plain(slow.send(posted("{}")))[0] == b"200"
    ready = fast.send(posted('{"context": {"targetingKey": "another"}}'))
    assert fast.protocol._clean  # nothing of it went to the framework
    assert plain(ready) == plain(slow.send(posted("{}")))
    speaking.registry.promote(ANA, "support.triage@v2", "production")
    assert b'"variant":"v2"' in fast.send(posted("{}"))
    for wrong in ("[]", '{"context": 1}', '{"context": {}, "context": {}}'):
        assert plain(fast.send(posted(wrong))) == plain(slow.send(posted(wrong)))
    for wire in (slow, fast):
        wire.close()


@pytest.mark.parametrize(
    ("told", "is_spelled"),
    [
        (b": beat\nid: 7\n\n", b": beat\nid: 7\n\n"),
        (b'retry: 1000\n\nevent: ready\nid: 4\ndata: {}\n\n', b'retry: 1000\nid: 4\ndata: {"type":"refetchEvaluation"}\n\n'),
        (b'event: move\nid: 5\ndata: {"a":1}\n\nevent: move\nid: 6\ndata: {}\n\n', b'id: 6\ndata: {"type":"refetchEvaluation"}\n\n'),
        (b'event: release\nid: 5\ndata: {"message":"event: move"}\n\n', b"id: 5\n\n"),
        (b'event: release\nid: 5\ndata: {}\n\nevent: yank\nid: 6\ndata: {}\n\n', b'id: 6\ndata: {"type":"refetchEvaluation"}\n\n'),
    ],
)  # fmt: skip
def test_whatever_happened_is_one_message(told: bytes, is_spelled: bytes) -> None:
    assert spelled(told) == is_spelled


def test_a_stream_says_to_ask_again_and_is_known_to_have_no_end(speaking: Speaking) -> None:
    speaking.registry.publish(ANA, other("billing"), alias="production")
    where = followed(speaking, bearer(speaking.token("app", "read:support.triage")))[0]["endpoint"]["requestUri"]
    path, _, query = where.partition("?")
    scope = {
        "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": path, "raw_path": path.encode(),
        "query_string": query.encode(), "root_path": "", "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 7467),
    }  # fmt: skip

    async def follow() -> bytes:
        got, gone = asyncio.Queue[bytes](), asyncio.Event()

        async def receive() -> Any:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.body":
                await got.put(message.get("body", b""))

        task = asyncio.ensure_future(speaking.app(scope, receive, send))
        found = await asyncio.wait_for(got.get(), 30)
        assert b"refetchEvaluation" in found, "what was missed before it began"
        await asyncio.to_thread(speaking.registry.promote, ANA, "billing@v1", "staging")  # not to be read
        await asyncio.to_thread(speaking.registry.promote, ANA, "support.triage@v2", "production")
        found = await asyncio.wait_for(got.get(), 30)
        gone.set()
        await task
        return found

    assert speaking.loop.run_until_complete(follow()).endswith(b'\ndata: {"type":"refetchEvaluation"}\n\n')
    assert STREAM in scope, "or a server that ends waits for it"
