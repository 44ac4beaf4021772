"""What the server logs: requests when asked, server errors always, nothing that is secret or plays tricks."""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from pinset import bootstrap
from pinset.api import logs
from pinset.errors import Integrity, InvalidInput
from pinset.ports.registry import Caller
from serving import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pinset.services.local import LocalRegistry

OPS = Caller(actor="ops")
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
FIELDS = {"time", "level", "request_id", "method", "path", "route", "status", "duration_ms", "actor"}


@pytest.fixture(params=logs.FORMATS)
def form(request: pytest.FixtureRequest) -> Iterator[str]:
    """Both forms of a log, and none of it afterwards."""
    root = logging.getLogger()
    for handler in [one for one in root.handlers if isinstance(one, logs._Stderr)]:
        root.removeHandler(handler)  # of an application that another test made
    before = list(root.handlers)
    logs.configure("json")
    logs.configure(request.param)
    assert len(root.handlers) == len(before) + 1, "configuring again makes no second line of one"
    yield request.param
    for handler in set(root.handlers) - set(before):
        root.removeHandler(handler)


def read(form: str, line: str) -> dict[str, str]:
    """The fields of a request's line."""
    if form == "json":
        return {key: str(value) for key, value in json.loads(line).items()}
    match = re.fullmatch(rf"({TIME}) (info|error) ((?:[a-z_]+=(?:[^\s\"]+|\"[^\n]*?\") ?)+)", line)
    assert match, line
    pairs = re.findall(r'([a-z_]+)=("(?:[^"\\]|\\.)*"|\S+)', match[3])
    return {"time": match[1], "level": match[2]} | {
        key: json.loads(value) if value.startswith('"') else value for key, value in pairs
    }


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_each_request_is_one_line_with_its_id(
    memory: LocalRegistry, api_of: Callable[..., Any], form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    api = api_of(memory, log_requests=True)
    api("GET", "/v1/bundles/support/aliases/production", headers={"X-Request-Id": "r1"})
    answer = api("HEAD", "/healthz?secret=pst_hidden")
    first, second = (read(form, line) for line in lines(capsys))
    assert set(first) == FIELDS
    assert re.fullmatch(TIME, first["time"])
    shown = {key: first[key] for key in FIELDS - {"time", "duration_ms"}}
    assert shown == {
        "level": "info", "request_id": "r1", "method": "GET", "path": "/v1/bundles/support/aliases/production",
        "route": "/v1/bundles/{bundle}/aliases/{alias}", "status": "404", "actor": "local",
    }  # fmt: skip
    assert float(first["duration_ms"]) > 0
    assert (second["method"], second["path"], second["route"]) == ("HEAD", "/healthz", "/healthz")
    assert second["request_id"] == answer.headers["x-request-id"]


def test_unless_asked_no_request_is_logged(
    memory: LocalRegistry, api: Any, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in ("/v1/bundles", "/v1/bundles/none", "/invented"):
        api("GET", path)
    assert lines(capsys) == []


def test_the_log_says_who_and_never_with_what(
    memory: LocalRegistry, api_of: Callable[..., Any], form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    api = api_of(memory, log_requests=True)
    secret = memory.create_token(OPS, "ci", can="write")["token"]
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": "key-of-mine"}
    api("POST", f"/v1/bundles/support/releases?token={secret}", headers=headers, json={"files": {"a": "hidden words"}})
    api("GET", "/v1/bundles", headers={"Authorization": "Bearer pst_wrong"})
    said = capsys.readouterr().err
    assert [read(form, line)["actor"] for line in said.splitlines()] == ["ci", "anonymous"]
    for hidden in (secret, "pst_", "hidden words", "key-of-mine", "?"):
        assert hidden not in said


def test_what_a_path_holds_steers_no_terminal_and_makes_no_line(
    memory: LocalRegistry, api_of: Callable[..., Any], form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    api = api_of(memory, log_requests=True)
    api("GET", '/a%0Ab%1B[31m%E2%80%AE"status=200 %20x')
    [line] = lines(capsys)
    assert line.isascii()
    assert line.isprintable()
    assert read(form, line)["path"] == '/a\nb\x1b[31m\u202e"status=200  x'
    assert read(form, line)["status"] == "422"
    api("GET", "/" + "a" * 30_000)
    assert len(capsys.readouterr().err) < 3000


def test_a_bug_is_logged_with_its_request_and_its_trace_once(
    memory: LocalRegistry, api: Any, form: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bug = RuntimeError("a\nb\x1b")

    def broken() -> None:
        raise bug

    monkeypatch.setattr(memory, "describe", broken)
    assert api("GET", "/v1/registry", headers={"X-Request-Id": "r1"}).status_code == 500
    logging.getLogger("uvicorn.error").error("Exception in ASGI application\n", exc_info=bug)
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert said.count("RuntimeError") == 1
    assert "the request r1 met a bug" in said
    answered = [read(form, line) for line in said.splitlines() if "duration_ms" in line]
    assert [(one["level"], one["request_id"], one["status"]) for one in answered] == [("error", "r1", "500")]
    if form == "json":
        assert len([json.loads(line) for line in said.splitlines()]) == 2
    else:
        assert all(re.match(rf"{TIME} error |    ", line) for line in said.splitlines())


def test_damage_is_logged_with_the_request_that_met_it(
    memory: LocalRegistry, api: Any, form: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> None:
        raise Integrity("a row is damaged", hint="see pinset verify")

    monkeypatch.setattr(memory, "describe", broken)
    assert api("GET", "/v1/registry", headers={"X-Request-Id": "r1"}).status_code == 500
    why, answered = lines(capsys)
    assert "the request r1 met integrity: a row is damaged; see pinset verify" in why
    assert read(form, answered)["request_id"] == "r1"


def test_a_log_that_there_is_not_is_refused_before_anything_is_served(home: Path) -> None:
    with pytest.raises(InvalidInput) as refused:
        bootstrap.serve_registry(home, host="127.0.0.1", port=0, workers=1, talk=print, log="xml")
    assert refused.value.hint == "one of text, json"


@pytest.mark.parametrize("workers", [1, 2])
def test_every_line_of_a_server_is_one_object_whichever_worker_says_it(home: Path, workers: int) -> None:
    with serving(home, workers=workers, log="json", log_requests=True) as server:
        first = json.loads(server.said)
        for n in range(4):
            httpx.get(f"{server.address}/healthz", headers={"X-Request-Id": f"r{n}"}, timeout=30)
    found = [json.loads(line) for line in server.err.splitlines()]
    assert server.out == ""
    assert (first["level"], first["logger"]) == ("info", "pinset.server")
    assert sorted(one["request_id"] for one in found) == ["r0", "r1", "r2", "r3"]
