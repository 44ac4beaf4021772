"""The hot path answers what the ordinary way would have answered, or leaves the request to it."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import re
import threading
from typing import TYPE_CHECKING, Any

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wires import Answer, Wire, parsed, request

from pinset import bootstrap
from pinset.api.admissions import SECONDS, Admissions
from pinset.api.app import create_app
from pinset.api.hot import LONGEST
from pinset.api.prepared import Prepared
from pinset.api.settings import Settings
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pinset.services.local import LocalRegistry

OPS = Caller(actor="ops")
ALIAS = "/v1/bundles/support/aliases/production"
VERSION = "/v1/bundles/support/releases/v1"
TARGETS = [
    target + form
    for target in (ALIAS, VERSION, "/v1/bundles/support/releases/latest", "/v1/bundles/support/releases/production")
    for form in ("", "?form=sealed", "?form=document")
]
ENCODINGS = ["", "identity", "gzip", "zstd", "gzip, deflate, br, zstd", "gzip;q=0, *", "br", "zstd;q=0, gzip;q=0.5"]


class Both:
    """The same registry behind a connection with the hot path and one without."""

    def __init__(self, registry: LocalRegistry, **chosen: Any) -> None:
        self.registry = registry
        self.loop = asyncio.new_event_loop()
        self.app = create_app(registry, settings=Settings(**chosen))
        self.hot = self.app.state.hot
        self.taken = 0
        answer = self.hot.answer

        def counted(*given: Any, **named: Any) -> Any:
            found = answer(*given, **named)
            self.taken += isinstance(found, tuple)
            return found

        self.hot.answer = counted

    def wire(self, *, hot: bool, peer: tuple[str, int] | None = None) -> Wire:
        return Wire(self.app, self.loop, self.hot if hot else None, peer)

    def warm(self, data: bytes) -> None:
        """Let the ordinary way make ready what a request asks for."""
        wire = self.wire(hot=False)
        wire.send(data)
        wire.close()

    def ask(self, data: bytes, *, bodiless: bool = False, peer: tuple[str, int] | None = None) -> tuple[Answer, bool]:
        """The answer of a connection with the hot path, equal to one without; and whether the hot path gave it."""
        self.warm(data)
        before = self.taken
        answers = []
        for hot in (True, False):
            wire = self.wire(hot=hot, peer=peer)
            answers.append(wire.ask(data, bodiless=bodiless))
            wire.close()
        fast, plain = answers
        if b"x-request-id: abc" not in data.lower() and plain.status != 400:
            assert fast.headers["x-request-id"] != plain.headers["x-request-id"]
        assert _without_id(fast) == _without_id(plain)
        return fast, self.taken > before


def _without_id(answer: Answer) -> tuple[int, dict[str, str], bytes]:
    name = "x-request-id"
    body = answer.body.replace(answer.headers.get(name, name).encode(), b"")
    return answer.status, {key: value for key, value in answer.headers.items() if key != name}, body


@pytest.fixture
def both(memory: LocalRegistry, manifest: Callable[..., dict[str, str]]) -> Iterator[Both]:
    memory.publish(OPS, manifest(words="one " * 500), alias="production")
    memory.publish(OPS, manifest(words="two"), label="1.0")
    made = Both(memory)
    yield made
    made.loop.close()


@pytest.mark.parametrize(("target", "accepts"), list(itertools.product(TARGETS, ENCODINGS)))
def test_both_ways_answer_alike_and_know_what_the_client_has(both: Both, target: str, accepts: str) -> None:
    lines = [f"Accept-Encoding: {accepts}"] if accepts else []
    whole, hot = both.ask(request(target, *lines))
    assert (whole.status, hot) == (200, True)
    same, hot = both.ask(request(target, *lines, f"If-None-Match: {whole.headers['etag']}"))
    assert (same.status, same.body, hot) == (304, b"", True)
    other, hot = both.ask(request(target, *lines, 'If-None-Match: "another"'))
    assert (_without_id(other), hot) == (_without_id(whole), True)
    head, hot = both.ask(request(target, *lines, method="HEAD"), bodiless=True)
    assert (_without_id(head)[:2], head.body, hot) == (_without_id(whole)[:2], b"", True)


def test_every_encoding_holds_the_same_and_has_a_tag_of_its_own(both: Both) -> None:
    unpacked = {"identity": bytes, "gzip": gzip.decompress, "zstd": zstandard.ZstdDecompressor().decompress}
    answers = {name: both.ask(request(ALIAS, f"Accept-Encoding: {name}"))[0] for name in unpacked}
    assert len({unpacked[name](answer.body) for name, answer in answers.items()}) == 1
    assert len({answer.headers["etag"] for answer in answers.values()}) == 3
    assert {answer.headers["vary"] for answer in answers.values()} == {"accept-encoding"}
    assert len(answers["zstd"].body) < len(answers["identity"].body)


def test_a_small_answer_is_not_compressed() -> None:
    made = Prepared("support", "", 1, "/", b"{}" * 100, '"tag"', "no-cache", lambda: made)
    assert made.variant("gzip") is made.variant("identity")
    assert made.variant("gzip").tag == b'"tag"'


@pytest.mark.parametrize("tags", ["*", "W/{}", '"x", {}', '"x",{} , "y"'])
def test_every_way_to_name_a_tag_is_known(both: Both, tags: str) -> None:
    tag = both.ask(request(ALIAS))[0].headers["etag"]
    answer, hot = both.ask(request(ALIAS, "If-None-Match: " + tags.format(tag)))
    assert (answer.status, hot) == (304, True)


def test_a_request_id_is_taken_over(both: Both) -> None:
    answer, hot = both.ask(request(ALIAS, "X-Request-Id: abc-1"))
    assert (answer.headers["x-request-id"], hot) == ("abc-1", True)
    answer, hot = both.ask(request(ALIAS, "X-Request-Id: a b"))
    assert (answer.headers["x-request-id"] != "a b", hot) == (True, True)


@pytest.mark.parametrize(
    ("target", "lines"),
    [
        ("/v1/bundles/support/aliases/none", []),
        (ALIAS + "?form=summary", []),
        (ALIAS + "?form=other", []),
        (ALIAS + "?form=sealed&form=sealed", []),
        (ALIAS + "?dry_run=true", []),
        ("/v1/bundles", []),
        ("/v1/bundles/support", []),
        (ALIAS + "/", []),
        ("/v1/bundles/support/aliases/Production", []),
        (ALIAS, ["Origin: http://localhost"]),
        (ALIAS, ["Origin: http://evil.example"]),
        (ALIAS, ["Sec-Fetch-Site: cross-site"]),
        (ALIAS, ["X-Forwarded-For: 203.0.113.9"]),
        (ALIAS, ["Connection: close"]),
        (ALIAS, ["Content-Length: 0"]),
        (ALIAS, ["Accept: a", "Accept: b"]),
        (ALIAS, ['If-None-Match: "a"', 'If-None-Match: "b"']),
        (ALIAS, ["Authorization: Bearer nonsense"]),
        (ALIAS, ["Authorization: Basic YTpi"]),
        (ALIAS, ["Host: localhost"]),
        (ALIAS, ["X : y"]),
        (ALIAS, [" folded"]),
        (ALIAS, ["X: \x00"]),
        (ALIAS, ["X: \xe4"]),
        (ALIAS, ["X: " + "y" * LONGEST]),
    ],
)
def test_what_is_not_plain_goes_the_ordinary_way(both: Both, target: str, lines: list[str]) -> None:
    both.warm(request(ALIAS))
    both.warm(request(target, *lines))
    before = both.taken
    both.ask(request(target, *lines))
    assert both.taken == before


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "", "127.0.0.1.evil", "[::1", "localhost:99999"]
)
def test_a_host_that_is_not_this_machine_is_refused(both: Both, host: str) -> None:
    answer, hot = both.ask(request(ALIAS, host=host))
    assert (answer.status in (400, 403), hot) == (True, False)


def test_who_is_elsewhere_needs_a_token(both: Both) -> None:
    answer, hot = both.ask(request(ALIAS), peer=("203.0.113.9", 1))
    assert (answer.status, hot) == (403, False)
    token = both.registry.create_token(OPS, "app", can="read")["token"]
    asked = request(ALIAS, f"Authorization: Bearer {token}", host="x.example")
    answer, hot = both.ask(asked, peer=("203.0.113.9", 1))
    assert (answer.status, hot) == (200, True)


def test_tokens_are_taken_until_they_are_revoked_or_expire(both: Both) -> None:
    plain = request(ALIAS)
    assert both.ask(plain)[0].status == 200
    token = both.registry.create_token(OPS, "app", can="read")["token"]
    assert both.ask(plain)[0].status == 401
    asked = request(ALIAS, f"Authorization: Bearer {token}")
    assert both.ask(asked)[1]
    both.registry.revoke_token(OPS, "app")
    answer, hot = both.ask(asked)
    assert (answer.status, hot) == (401, False)


def test_what_is_known_of_a_token_is_known_for_seconds_only(memory: LocalRegistry) -> None:
    now, wall = [0.0], [0]
    admissions = Admissions(memory, now=lambda: now[0], wall=lambda: wall[0])
    token = memory.create_token(OPS, "app", can="read", lifetime=86_400)["token"]
    row = memory.authenticate(str(token))
    mark = memory.tokens_mark()
    wall[0] = int(row.expires_at or 0) - 3_000_000
    admissions.take("Bearer x", row, mark)
    found = admissions.of("Bearer x")
    assert found is not None
    assert (found.identity.actor, found.until) == ("app", 3.0)
    now[0] = 3.1
    assert admissions.of("Bearer x") is None
    wall[0] = 0
    admissions.take("Bearer x", row, mark)
    now[0] += SECONDS + 0.1
    assert admissions.of("Bearer x") is None


def test_no_header_of_any_length_is_kept_as_it_is(both: Both) -> None:
    token = both.registry.create_token(OPS, "app", can="read")["token"]
    answer, hot = both.ask(request(ALIAS, f"Authorization: Bearer{' ' * 1000}{token}"))
    assert (answer.status, hot) == (200, True)
    assert [len(kept) for kept in both.hot._admissions._taken] == [32]


def test_two_requests_at_once_are_answered_in_their_order(both: Both) -> None:
    both.warm(request(ALIAS))
    wire = both.wire(hot=True)
    written = wire.send(request("/v1/bundles/none") + request(ALIAS))
    written += wire.send(request(ALIAS))
    assert written.index(b"HTTP/1.1 404") < written.index(b"HTTP/1.1 200")
    assert (written.count(b"HTTP/1.1 "), both.taken) == (3, 1)
    wire.close()


def test_a_request_in_pieces_is_answered_once(both: Both) -> None:
    both.warm(request(ALIAS))
    wire = both.wire(hot=True)
    data = request(ALIAS)
    assert wire.send(data[:30]) == b""
    assert wire.ask(data[30:]).status == 200
    assert wire.ask(data).status == 200
    assert both.taken == 1
    wire.close()


def test_a_client_that_does_not_read_is_not_written_to_without_end(both: Both) -> None:
    both.warm(request(ALIAS))
    wire = both.wire(hot=True)
    wire.protocol.pause_writing()
    wire.protocol.data_received(request(ALIAS))
    assert (wire.line.written, both.taken) == (b"", 0)
    wire.protocol.resume_writing()
    wire.settle()
    assert wire.line.written.startswith(b"HTTP/1.1 200")
    wire.close()


def test_answers_are_counted_like_any(both: Both) -> None:
    route = "/v1/bundles/{bundle}/aliases/{alias}"
    both.ask(request(ALIAS))
    counts = both.app.state.requests._counts
    assert counts["GET", route, 200] == 3
    assert sum(both.app.state.requests.durations(route).counts) == 3
    assert both.app.state.fetches.now() == {("support", "production", 1): 3}
    tag = both.ask(request(ALIAS))[0].headers["etag"]
    both.ask(request(ALIAS, f"If-None-Match: {tag}"))
    assert counts["GET", route, 304] == 3


def test_who_holds_what_is_seen_ahead_of_the_framework_too(both: Both) -> None:
    seen = []
    both.app.state.adoption.seen = lambda *told: seen.append(told)
    lines = ["Pinset-Client: 0123456789abcdef", "Pinset-Holds: v1"]
    both.ask(request(ALIAS, *lines))
    both.ask(request(ALIAS, lines[0]))
    both.ask(request(VERSION, *lines))
    told = ("0123456789abcdef", "support", "production", "v1")
    assert seen == [told] * 3 + [(*told[:3], None)] * 3


def test_a_log_that_is_asked_for_has_every_line(
    memory: LocalRegistry, manifest: Callable[..., dict[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    memory.publish(OPS, manifest(), alias="production")
    logging = Both(memory, log_requests=True)
    with caplog.at_level("INFO", "pinset.requests"):
        answer, hot = logging.ask(request(ALIAS + "?form=sealed", "X-Request-Id: abc"))
    logging.loop.close()
    lines = [record.pinset_fields for record in caplog.records]  # type: ignore[attr-defined]  # what a line is made of
    assert (answer.status, hot, len(lines)) == (200, True, 3)
    for line in lines:
        assert line.pop("duration_ms") >= 0
    assert lines == [lines[0]] * 3
    assert (lines[0]["path"], lines[0]["actor"], lines[0]["request_id"]) == (ALIAS, "local", "abc")


def _version(answer: Answer) -> int:
    return int(json.loads(answer.body)["version"])


def test_after_a_move_a_request_waits_for_the_new_answer_and_gets_it_ahead_of_the_framework(both: Both) -> None:
    data = request(ALIAS, "Accept-Encoding: gzip, identity;q=0.5")
    both.warm(data)
    wires = [both.wire(hot=True) for _ in range(20)]
    assert gzip.decompress(wires[0].ask(data).body).count(b'"version":1,') == 1
    both.registry.promote(OPS, "support@v2", "production")
    before, made = both.taken, []
    release = both.registry.release
    both.registry.release = lambda name: made.append(name) or release(name)  # type: ignore[method-assign, func-returns-value]
    for wire in wires:
        wire.line.written = b""
        wire.protocol.data_received(data)
    for wire in wires:
        wire.settle()
        assert gzip.decompress(parsed(wire.line.written).body).count(b'"version":2,') == 1
        wire.close()
    assert (both.taken - before, made) == (20, ["support@production"])


def test_what_arrives_while_a_request_waits_is_answered_after_it(both: Both) -> None:
    both.warm(request(ALIAS))
    wire = both.wire(hot=True)
    both.registry.promote(OPS, "support@v2", "production")
    wire.protocol.data_received(request(ALIAS))
    second = request("/v1/bundles/none")
    wire.protocol.data_received(second[:20])
    written = wire.send(second[20:])
    first = written[: written.index(b"HTTP/1.1 404")]
    assert _version(parsed(first)) == 2
    assert written.count(b"HTTP/1.1 ") == 2
    assert wire.ask(request(ALIAS)).status == 200
    wire.close()


def test_an_alias_that_serves_nothing_any_more_is_said_to_be_so(both: Both) -> None:
    both.warm(request(ALIAS))
    wire = both.wire(hot=True)
    both.registry.retire(OPS, "support", "production", revision=None, reason="gone")
    assert wire.ask(request(ALIAS)).status == 404
    wire.close()


def test_who_hangs_up_while_a_request_waits_is_not_written_to(both: Both) -> None:
    both.warm(request(ALIAS))
    wire = both.wire(hot=True)
    both.registry.promote(OPS, "support@v2", "production")
    wire.protocol.data_received(request(ALIAS))
    wire.line.close()
    wire.settle()
    assert wire.line.written == b""
    wire.close()


def _held(both: Both, count: int = 1) -> list[Wire]:
    """Connections whose request waits for an answer that is being made anew."""
    both.warm(request(ALIAS))
    wires = [both.wire(hot=True) for _ in range(count)]
    both.registry.promote(OPS, "support@v2", "production")
    all_wait, ready = threading.Event(), both.app.state.ready
    renew = ready.renew
    ready.renew = lambda target: all_wait.wait(60) and renew(target)
    for wire in wires:
        wire.protocol.data_received(request(ALIAS))
        assert wire.protocol._held is not None
    all_wait.set()
    return wires


def test_the_end_of_the_server_waits_for_an_answer_that_is_being_made(both: Both) -> None:
    (wire,) = _held(both)
    wire.protocol.shutdown()
    assert not wire.line.closed
    wire.settle()
    assert _version(parsed(wire.line.written)) == 2
    assert wire.line.closed
    wire.close()


def test_what_one_request_meets_is_nothing_to_the_others_that_wait(both: Both) -> None:
    first, second = _held(both, 2)
    complaints: list[Any] = []
    both.loop.set_exception_handler(lambda _loop, context: complaints.append(context))
    first.line.write = lambda _data: 1 / 0  # type: ignore[method-assign, assign]
    second.settle()
    assert _version(parsed(second.line.written)) == 2
    assert len(complaints) == 1
    first.close()
    second.close()


def test_where_no_thread_is_left_a_request_goes_the_ordinary_way(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_given: Any) -> Any:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as without:
        without.setattr(both.loop, "run_in_executor", none_left)
        for wire in _held(both, 2):
            wire.settle()
            assert _version(parsed(wire.line.written)) == 2
            wire.close()
    both.registry.promote(OPS, "support@v1", "production")
    wire = both.wire(hot=True)
    assert _version(wire.ask(request(ALIAS))) == 1
    wire.close()


@pytest.fixture(scope="module")
def kept() -> Iterator[Both]:
    registry = bootstrap.memory_registry()
    text = (
        'release:\n  feature: support\n  model: {name: m, pinned_version: "1"}\n  prompt: {text: "Hello {{name}}."}\n'
    )
    registry.publish(OPS, {"release.yaml": text}, alias="production")
    made = Both(registry, body_seconds=0.01)
    yield made
    made.loop.close()
    registry.close()


PIECES = st.sampled_from(
    [b"GET ", b"HEAD ", b"POST ", ALIAS.encode(), b"?form=sealed", b" HTTP/1.1", b" HTTP/1.0", b"\r\n", b"\n", b"\r", b" ",
     b"Host: localhost", b"Host: evil.example", b"Accept-Encoding: gzip", b"Connection: keep-alive", b"Connection: close",
     b"Content-Length: 0", b"Content-Length: 5", b"Transfer-Encoding: chunked", b"If-None-Match: *", b"X:\t y", b": z", b"\x00",
     b"Expect: 100-continue", b"Upgrade: h2c", b"0\r\n\r\n"]
)  # fmt: skip
WHOLE = st.lists(PIECES, max_size=4).map(
    lambda more: b"\r\n".join([b"GET " + ALIAS.encode() + b" HTTP/1.1", b"Host: localhost", *more]) + b"\r\n\r\n"
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.one_of(WHOLE, st.lists(PIECES, min_size=1, max_size=12).map(b"".join)))
def test_no_bytes_are_answered_otherwise_than_by_the_ordinary_way(kept: Both, data: bytes) -> None:
    kept.warm(request(ALIAS))
    kept.warm(request(ALIAS + "?form=sealed"))
    written = []
    for hot in (True, False):
        wire = kept.wire(hot=hot)
        lines = re.sub(rb'"request_id":"[0-9a-f]*"', b"", wire.send(data)).split(b"\r\n")
        # Bytes from which no request comes have an answer without an id.
        kind = sorted(line for line in lines if not line.startswith((b"x-request-id:", b"date:")))
        written.append((kind, wire.line.closed))
        wire.close()
    assert written[0] == written[1]


def test_what_is_compared_above_is_the_hot_path(kept: Both) -> None:
    _, hot = kept.ask(request(ALIAS))
    assert hot


def test_every_name_of_a_bundle_is_answered_ahead_and_anew_when_it_moves(both: Both) -> None:
    both.registry.bundle_changes.rename(OPS, "support", "helpdesk", reason="so called")
    other = ALIAS.replace("support", "helpdesk")
    token = both.registry.create_token(OPS, "app", can="read:support")["token"]
    bearer = f"Authorization: Bearer {token}"
    for target, name in ((ALIAS, "support"), (other, "helpdesk")):
        both.warm(request(target, bearer))
        answer, hot = both.ask(request(target, bearer))
        found = json.loads(answer.body)
        assert (found["version"], found["bundle"], hot) == (1, name, True)
    both.registry.promote(OPS, "helpdesk@v2", "production")
    for target in (ALIAS, other):
        answer, hot = both.ask(request(target, bearer))
        assert (json.loads(answer.body)["version"], hot) == (2, True)
    stranger = both.registry.create_token(OPS, "stranger", can="read:others")["token"]
    for target in (ALIAS, other):
        answer, hot = both.ask(request(target, f"Authorization: Bearer {stranger}"))
        assert (answer.status, hot) == (403, False)


def test_what_was_ready_before_a_renaming_is_made_anew(both: Both) -> None:
    before, _ = both.ask(request(ALIAS + "?form=sealed"))
    both.registry.bundle_changes.rename(OPS, "support", "helpdesk", reason="so called")
    after, hot = both.ask(request(ALIAS + "?form=sealed"))
    assert hot
    assert "names" not in json.loads(before.body)
    assert json.loads(after.body)["names"] == ["support", "helpdesk"]
    assert before.headers["etag"] != after.headers["etag"]
