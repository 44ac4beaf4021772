"""What is refused before a route sees it: origins, connections, bodies, parameters."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from pinset.api.admissions import Admissions
from pinset.api.app import create_app
from pinset.errors import Busy, RateLimited, Unavailable
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from pinset.services.local import LocalRegistry

OPS = Caller(actor="ops")
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "host",
    [
        "[",
        "[::1",
        "]",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "",
        "0.0.0.0",
        "a@localhost@b",
        "evil@127.0.0.1",
        "127.0.0.1#evil",
        "127.0.0.1/evil",
        "127.0.0.1?evil",
        "127.0.0.1:65536",
        "127.0.0.1:",
        "127.0.0.1:80:80",
        "127.0.0.1 ",
        "localhost, evil.example",
    ],
)
def test_a_host_that_is_not_this_machine_is_refused(api: Any, host: str) -> None:
    answer = api("GET", "/v1/registry", headers={"Host": host})
    assert (answer.status_code, answer.json()["code"]) == (403, "foreign_origin")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:7467", "127.0.0.1:7467", "127.8.8.8", "[::1]:7467", "[::1]"])
def test_every_name_of_this_machine_is_taken(api: Any, host: str) -> None:
    assert api("GET", "/v1/registry", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://localhost:3000"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "http://["},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_page_of_another_port_is_foreign(api: Any, headers: dict[str, str]) -> None:
    answer = api("GET", "/v1/registry", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "foreign_origin")
    assert api("GET", "/v1/registry", headers={"Origin": "http://localhost"}).status_code == 200


@pytest.mark.parametrize("address", ["10.0.0.7", "2001:db8::1", "::ffff:10.0.0.7"])
def test_a_connection_from_elsewhere_is_refused_whatever_its_host_says(
    memory: LocalRegistry, api: Any, address: str
) -> None:
    assert api("GET", "/v1/registry", client=(address, 5)).status_code == 403
    memory.create_token(OPS, "ci", can="read")
    memory.revoke_token(OPS, "ci")
    assert api("GET", "/v1/registry", client=(address, 5)).status_code == 403


@pytest.mark.parametrize(
    "said", ["", "unknown", "localhost", "10.0.0.7", "10.0.0.7, 127.0.0.1", "127.0.0.1, evil", "_x"]
)
def test_what_a_proxy_forwards_for_no_address_of_this_machine_is_far(api: Any, said: str) -> None:
    assert api("GET", "/v1/registry", headers={"X-Forwarded-For": said}).status_code == 403
    assert api("GET", "/v1/registry", headers={"X-Forwarded-For": "127.0.0.1, ::1"}).status_code == 200


@pytest.mark.parametrize("name", ["evil", "unknown", "10.0.0.7"])
def test_a_client_without_an_address_is_far(api: Any, name: str) -> None:
    assert api("GET", "/v1/registry", client=(name, 0)).status_code == 403


@pytest.mark.parametrize("target", ["http://evil.example/v1/registry", "http://localhost/v1/registry", "evil:443", "*"])
def test_a_target_that_is_no_path_is_refused(api: Any, target: str) -> None:
    status, body = _bare(api, "GET", target, [(b"host", b"localhost")])
    assert (status, json.loads(body)["code"]) == (422, "invalid_path")


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "Origin",
        "Authorization",
        "If-Match",
        "If-None-Match",
        "Idempotency-Key",
        "Content-Type",
        "Content-Length",
        "Sec-Fetch-Site",
    ],
)
def test_a_header_that_decides_is_there_once(api: Any, name: str) -> None:
    headers = [(b"host", b"localhost"), (name.lower().encode(), b"localhost"), (name.encode(), b"localhost")]
    status, body = _bare(api, "GET", "/v1/registry", headers)
    assert (status, json.loads(body)["code"]) == (422, "invalid_request")
    assert _bare(api, "GET", "/healthz", [(b"host", b"localhost"), (b"accept", b"a"), (b"accept", b"b")])[0] == 200


def _bare(api: Any, method: str, target: str, headers: list[tuple[bytes, bytes]]) -> tuple[int, bytes]:
    """The status and body of a request that no client library would send."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": target,
        "raw_path": target.encode(),
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    api.loop.run_until_complete(api.app(scope, receive, send))
    return sent[0]["status"], sent[1]["body"]


def test_health_is_told_whatever_the_credential(memory: LocalRegistry, api: Any) -> None:
    memory.create_token(OPS, "ci", can="read")
    for path in ("/healthz", "/readyz", "/openapi.json"):
        for headers in ({}, {"Authorization": "Bearer pst_expired"}, {"Authorization": "Basic x"}):
            assert api("GET", path, headers=headers).status_code == 200
    assert api("GET", "/metrics").status_code == 401


@pytest.mark.parametrize("texts", [False, True])
def test_a_body_of_very_many_values_is_not_parsed(api: Any, monkeypatch: pytest.MonkeyPatch, *, texts: bool) -> None:
    parsed: list[int] = []
    monkeypatch.setattr("pinset.api.bodies._check", lambda body: parsed.append(len(body)))
    contents = (b"{}," * 999_999 + b"{}", b'"",' * 4_000_000 + b'""')
    many = b'{"files":[' + contents[texts] + b"]}"
    for path in ("/v1/check", "/v1/bundles/support/releases"):
        answer = api("POST", path, content=many, headers=JSON)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
        assert "1,000,000" in answer.json()["detail"]
    assert parsed == []


@pytest.mark.parametrize("parameter", ["dryrun=true", "dry_run=false&dry_run=true", "variant=b"])
def test_a_parameter_that_nobody_reads_is_refused(
    memory: LocalRegistry, api: Any, manifest: Callable[..., dict[str, str]], parameter: str
) -> None:
    answer = api("POST", f"/v1/bundles/support/releases?{parameter}", json={"files": manifest()})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert "dry_run" in answer.json()["hint"] or "once" in answer.json()["hint"]
    assert memory.describe()["serial"] == 1


def test_a_dry_run_changes_nothing(memory: LocalRegistry, api: Any, manifest: Callable[..., dict[str, str]]) -> None:
    answer = api("POST", "/v1/bundles/support/releases?dry_run=true", json={"files": manifest()})
    assert (answer.status_code, answer.json()["version"]) == (200, 1)
    assert "location" not in answer.headers
    assert memory.describe()["serial"] == 1


def test_a_client_that_hangs_up_changes_nothing(memory: LocalRegistry, api: Any) -> None:
    parts = [{"type": "http.request", "body": b"{}", "more_body": True}, {"type": "http.disconnect"}]
    sent: list[Any] = []

    async def receive() -> Any:
        return parts.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/tokens",
        "raw_path": b"/v1/tokens",
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    api.loop.run_until_complete(api.app(scope, receive, send))
    assert sent == []


def test_a_body_that_does_not_arrive_is_not_waited_for(memory: LocalRegistry, api_of: Callable[..., Any]) -> None:
    async def stalled() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    answer = api_of(memory, body_seconds=0.05)("POST", "/v1/resolve", content=stalled(), headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (408, "request_timeout")


def test_a_body_over_its_limit_is_not_read_to_the_end(memory: LocalRegistry, api_of: Callable[..., Any]) -> None:
    read = 0

    async def long() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(1000):
            read += 1
            yield b" " * 100

    api = api_of(memory, small_body=1000, large_body=5000)
    assert api("POST", "/v1/resolve", content=long(), headers=JSON).status_code == 413
    assert read == 11
    read = 0
    assert api("POST", "/v1/check", content=long(), headers=JSON).status_code == 413
    assert read == 51


@pytest.mark.parametrize("length", ["200000000", "9" * 5000])
def test_a_declared_length_over_the_limit_is_enough(api: Any, length: str) -> None:
    answer = api("POST", "/v1/resolve", content=b"{}", headers={**JSON, "Content-Length": length})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_a_compressed_body_is_not_unpacked(api: Any) -> None:
    answer = api("POST", "/v1/resolve", content=b"\x1f\x8b", headers={**JSON, "Content-Encoding": "gzip"})
    assert answer.status_code == 415


def test_a_mistake_says_where_and_what_there_is_instead(api: Any) -> None:
    answer = api("POST", "/v1/resolve", json={"reference": ["hunter2"]})
    assert answer.status_code == 422
    assert "unknown field; there are at, references" in answer.json()["hint"]
    assert "body.references: Field required" in answer.json()["hint"]
    assert "hunter2" not in answer.text


def test_a_clients_own_keys_are_not_echoed(api: Any) -> None:
    files = {"sk-live-hunter2": 1}
    answer = api("POST", "/v1/check", json={"files": files, "sk-live-hunter3": 1})
    assert answer.status_code == 422
    assert "hunter" not in answer.text


def test_405_says_every_method_there_is(api: Any) -> None:
    answer = api("PATCH", "/v1/bundles/support/aliases/production")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, PUT, DELETE"


def test_a_request_id_is_taken_over_if_it_is_one(api: Any) -> None:
    assert api("GET", "/healthz", headers={"X-Request-Id": "abc-1"}).headers["x-request-id"] == "abc-1"
    for wrong in ("a b", "x" * 65, "<script>"):
        found = api("GET", "/nowhere", headers={"X-Request-Id": wrong})
        assert found.json()["request_id"] == found.headers["x-request-id"] != wrong


def test_a_bug_carries_its_request_id_to_the_client_and_the_log(
    memory: LocalRegistry, api: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise RuntimeError

    monkeypatch.setattr(memory, "describe", broken)
    answer = api("GET", "/v1/registry", headers={"X-Request-Id": "r1"})
    assert (answer.status_code, answer.json()["request_id"], answer.headers["x-request-id"]) == (500, "r1", "r1")
    assert "the request r1 met a bug" in caplog.text


@pytest.mark.parametrize(
    ("error", "status", "wait"),
    [(Busy("a writer is at it"), 503, "1"), (RateLimited("slower", details={"retry_after": 7}), 429, "7")],
)
def test_try_later_says_when(
    memory: LocalRegistry, api: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, wait: str
) -> None:
    def refuse() -> None:
        raise error

    monkeypatch.setattr(memory, "describe", refuse)
    answer = api("GET", "/v1/registry")
    assert (answer.status_code, answer.headers["retry-after"]) == (status, wait)


def test_of_many_who_wait_for_the_tokens_none_waits_for_more_than_one_look_that_fails(
    memory: LocalRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, go_on, looks = [0], threading.Event(), []

    def closed(_admissions: Admissions) -> bool:
        here[0] += 1
        return False

    def fails() -> bool:
        looks.append(1)
        assert go_on.wait(60)
        raise Unavailable("the state is locked", hint="come back")

    monkeypatch.setattr(Admissions, "are_open", closed)
    monkeypatch.setattr(memory, "has_tokens", fails)
    transport = httpx.ASGITransport(create_app(memory), client=("127.0.0.1", 1))

    async def run() -> list[int]:
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as api:
            asking = [asyncio.create_task(api.get("/v1/registry")) for _ in range(20)]
            while here[0] < 20 + 1:  # noqa: ASYNC110 - each once, and the one that looks once more
                await asyncio.sleep(0.001)
            go_on.set()
            first = [answer.status_code for answer in await asyncio.gather(*asking)]
            return [*first, (await api.get("/v1/registry")).status_code]

    assert asyncio.run(run()) == [503] * 21
    assert len(looks) == 2


def test_who_is_refused_is_recorded_and_who_looks_is_not(memory: LocalRegistry, api: Any) -> None:
    api("GET", "/v1/registry")
    assert memory._context.state.attempts() == []
    path = "/v1/bundles/support/aliases/production"
    api("GET", "/v1/registry", headers={"Host": "evil.example"})
    api("PUT", path, json={"release": "v1"}, headers={"Host": "evil.example"})
    secret = memory.create_token(OPS, "ci", can="read", person="ada")["token"]
    bearer = {"Authorization": f"Bearer {secret}", "If-None-Match": "*"}
    api("PUT", path, json={"release": "v1"}, headers=bearer)
    api("GET", "/v1/tokens", headers=bearer)
    api("GET", "/v1/bundles/support", headers=bearer)
    rows = memory._context.state.attempts()
    found = [(one.kind, one.actor, one.person, one.action, one.bundle, one.alias, one.target, one.code) for one in rows]
    assert found == [
        ("refused", "ci", "ada", "tokens", "", "", "/v1/tokens", "permission_denied"),
        ("refused", "ci", "ada", "promote", "support", "production", path, "permission_denied"),
        ("done", "ops", "", "token-create", "", "", "ci", ""),
        ("anonymous", "anonymous", "", "promote", "support", "production", path, "foreign_origin"),
        ("anonymous", "anonymous", "", "read", "", "", "/v1/registry", "foreign_origin"),
    ]
    assert {one.address for one in rows if one.kind != "done"} == {"127.0.0.1"}
    assert rows[0].via == rows[1].via == f"token:{rows[2].details['token']}"


def test_nothing_is_sniffed_or_kept_unasked(api: Any) -> None:
    for path in ("/v1/bundles", "/nowhere", "/metrics"):
        headers = api("GET", path).headers
        assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")


def test_metrics_count_by_template_and_never_by_what_a_client_invents(api: Any) -> None:
    for path in ("/v1/bundles/a", "/v1/bundles/b", "/invented", "/v1/bundles/%00"):
        api("GET", path)
    api("BREW", "/v1/bundles")
    text = api("GET", "/metrics").text
    assert 'method="GET",route="/v1/bundles/{bundle}",status="404"} 2' in text
    assert 'route="unmatched",status="404"} 1' in text
    assert 'route="unmatched",status="422"} 1' in text
    assert 'method="other"' in text
    assert "invented" not in text
    assert "BREW" not in text
