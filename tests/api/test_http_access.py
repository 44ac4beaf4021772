"""What credentials are worth over HTTP: tokens with grants, revocation, fetches ahead of the framework, whoami."""

from __future__ import annotations

import asyncio
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from wires import Wire, request

from pinset import bootstrap
from pinset.api import watch
from pinset.api.admissions import Admissions
from pinset.api.app import create_app
from pinset.api.follower import Follower
from pinset.api.watch import Watch
from pinset.auth.identity import Identity
from pinset.domain.access import parse_grants
from pinset.domain.following import Wanted
from pinset.errors import PermissionDenied, Unauthenticated
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pinset.services.local import LocalRegistry

OPS = Caller(actor="ops")
ALIAS = "/v1/bundles/support/aliases/production"


def bearer(token: object) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def two(memory: LocalRegistry, manifest: Callable[..., dict[str, str]]) -> LocalRegistry:
    """Two bundles, each with production and staging."""
    for name in ("support", "payments"):
        memory.publish(OPS, manifest(name), alias="production")
        memory.publish(OPS, manifest(name, words="two"), alias="staging")
    return memory


# -- tokens ----------------------------------------------------------------------------------------------------


def test_a_token_has_its_grants_and_its_person(two: LocalRegistry, api: Any) -> None:
    boss = two.create_token(OPS, "boss", can="admin", person="ana")["token"]
    body = {"name": "ci", "can": ["promote:support@staging", "read"], "person": "ben", "expires_in_seconds": 3600}
    made = api("POST", "/v1/tokens", json=body, headers=bearer(boss)).json()
    assert (made["can"], made["person"]) == ("promote:support@staging read", "ben")
    told = api("GET", "/v1/whoami", headers=bearer(made["token"])).json()
    assert told == {
        "actor": "ci",
        "person": "ben",
        "via": f"token:{made['id']} 127.0.0.1",
        "can": "promote:support@staging read",
        "may": ["promote:support@staging", "read"],
        "expires_at": made["expires_at"],
        "registry": two.describe()["id"],
    }
    listed = api("GET", "/v1/tokens", headers=bearer(boss)).json()["items"]
    assert {(one["name"], one["can"], one["person"]) for one in listed} == {
        ("ci", "promote:support@staging read", "ben"),
        ("boss", "admin", "ana"),
    }
    assert api("GET", "/v1/whoami", headers=bearer("pst_wrong")).status_code == 401


def test_what_is_written_says_whose_credential_it_was(two: LocalRegistry, api: Any) -> None:
    made = two.create_token(OPS, "ci", can="write", person="ben")
    body = {"release": "v1", "reason": "back"}
    headers = {**bearer(made["token"]), "If-Match": two.alias("support", "staging")["revision"]}
    assert api("PUT", "/v1/bundles/support/aliases/staging", json=body, headers=headers).status_code == 200
    with two._context.catalog.reading() as reader:
        stamp = reader.records(after=two.describe()["serial"] - 1)[0][1].stamp
    assert (stamp.actor, stamp.person, stamp.via) == ("ci", "ben", f"token:{made['id']} 127.0.0.1")


def test_who_is_no_admin_gives_no_more_than_they_have_and_to_themselves_alone(two: LocalRegistry, api: Any) -> None:
    keeper = two.create_token(OPS, "keeper", can="tokens read:support*", person="eve")["token"]

    def make(**body: Any) -> httpx.Response:
        answer: httpx.Response = api("POST", "/v1/tokens", json=body, headers=bearer(keeper))
        return answer

    for more in ("read", "admin", "promote:support", "read:sup*", "tokens approve", "read:support* read:payments"):
        answer = make(name="more", can=more)
        assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    assert make(name="other", can="tokens", person="ana").status_code == 403
    taken = two.create_token(OPS, "ana", can="read")
    two.revoke_token(OPS, "ana")
    assert make(name="ana", can="tokens").status_code == 403, "nobody acts under somebody else's name"
    assert taken["person"] == "ana"
    made = make(name="mine", can="read:support-x read:support@staging", person="eve")
    assert (made.status_code, made.json()["person"]) == (200, "eve")
    assert make(name="mine2", can="tokens").json()["person"] == "eve"
    names = {one["name"] for one in two.tokens()["items"]}
    assert names == {"keeper", "ana", "mine", "mine2"}


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x", "can": "fly"},
        {"name": "x", "can": ""},
        {"name": "x", "can": []},
        {"name": "x", "can": "read:A"},
        {"name": "x", "can": "read", "person": "a b"},
        {"name": "x", "can": "read", "person": ""},
        {"name": "x", "can": "read", "person": "local"},
        {"name": "x", "can": "read", "expires_in_seconds": 0},
        {"name": "x", "can": "read", "expires_in_seconds": 3650 * 86_400 + 1},
        {"name": "x", "can": " ".join(f"read:a{n}" for n in range(101))},
    ],
)
def test_what_no_token_can_be_is_refused(two: LocalRegistry, api: Any, body: dict[str, Any]) -> None:
    answer = api("POST", "/v1/tokens", json=body)
    assert answer.status_code == 422, answer.text
    assert two.tokens()["items"] == []


# -- what is seen ----------------------------------------------------------------------------------------------


def test_an_alias_may_be_read_alone(two: LocalRegistry, api: Any) -> None:
    token = two.create_token(OPS, "app", can="read:supp*@production")["token"]
    asked = {
        ALIAS: 200,
        f"{ALIAS}?form=sealed": 200,
        f"{ALIAS}/history": 200,
        "/v1/bundles/support/releases/production": 200,
        "/v1/bundles/support/releases/production/files/release.yaml": 200,
        "/v1/bundles/support/aliases/staging": 403,
        "/v1/bundles/support/releases/staging": 403,
        "/v1/bundles/support/releases/v1": 403,
        "/v1/bundles/support/releases/latest": 403,
        "/v1/bundles/support/aliases": 403,
        "/v1/bundles/support/history": 403,
        "/v1/bundles/payments/aliases/production": 403,
        "/metrics": 403,
    }
    assert {path: api("GET", path, headers=bearer(token)).status_code for path in asked} == asked
    assert api("GET", "/v1/bundles", headers=bearer(token)).json()["items"] == []
    told = api("GET", "/v1/events?after=1&wait=0", headers=bearer(token)).text
    assert told.count("event: move") == 1
    assert "payments" not in told
    assert "staging" not in told


def test_diffs_and_checks_say_nothing_of_other_bundles(two: LocalRegistry, api: Any, manifest: Any) -> None:
    headers = bearer(two.create_token(OPS, "app", can="read:support")["token"])
    other = {"release.yaml": manifest("payments")["release.yaml"] + "  rollback_to: v1\n"}
    refused = [
        api("GET", "/v1/diff?from=support@v1&to=payments@v1", headers=headers),
        api("POST", "/v1/diff", json={"old": other, "new": "support@v1"}, headers=headers),
        api("POST", "/v1/check", json={"files": other}, headers=headers),
        api("POST", "/v1/bundles/support/releases", json={"files": other}, headers=headers),
    ]
    assert [answer.status_code for answer in refused] == [403] * 4
    author = bearer(two.create_token(OPS, "author", can="publish:support")["token"])
    for body in (other, {"release.yaml": other["release.yaml"].replace("rollback_to: v1", "rollback_to: v9")}):
        answer = api("POST", "/v1/bundles/support/releases", json={"files": body}, headers=author)
        assert (answer.status_code, answer.json()["details"]["needs"]) == (403, "read:payments")
    own = {"release.yaml": manifest()["release.yaml"] + "  rollback_to: v1\n"}
    assert api("POST", "/v1/bundles/support/releases", json={"files": own}, headers=author).status_code == 201
    assert api("POST", "/v1/check", json={"files": own}, headers=headers).json()["ok"]


def test_what_became_of_a_write_is_told_to_who_may_read_it(two: LocalRegistry, api: Any) -> None:
    token = two.create_token(OPS, "app", can="read:support")["token"]
    for bundle, status in (("support", 200), ("payments", 403)):
        done = two.yank(OPS, f"{bundle}@v1", reason="it leaks")
        answer = api("GET", f"/v1/operations/{done['operation']}", headers=bearer(token))
        assert answer.status_code == status
    never = api("GET", f"/v1/operations/op_{'0' * 24}", headers=bearer(token)).json()
    assert never["status"] == "unknown"


# -- ahead of the framework ------------------------------------------------------------------------------------


def test_a_prepared_answer_goes_to_who_may_read_it_alone(two: LocalRegistry) -> None:
    loop, app = asyncio.new_event_loop(), create_app(two)
    tokens = {can: two.create_token(OPS, f"t{n}", can=can)["token"] for n, can in enumerate(HOT)}
    targets = (ALIAS, "/v1/bundles/support/releases/v1", "/v1/bundles/payments/aliases/production")
    hot, given = app.state.hot, []
    answer = hot.answer
    hot.answer = lambda *a, **k: given.append(answer(*a, **k)) or given[-1]
    for warm in (False, True):
        for can, allowed in HOT.items():
            for target, status in zip(targets, allowed, strict=True):
                wire = Wire(app, loop, hot)
                found = wire.ask(request(target, f"Authorization: Bearer {tokens[can]}"))
                assert found.status == status, (can, target)
                if warm:
                    assert isinstance(given[-1], tuple) is (status == 200), (can, target)
                wire.close()
    loop.close()


HOT = {
    "read": (200, 200, 200),
    "read:support": (200, 200, 403),
    "read:support@production": (200, 403, 403),
    "read:*@staging": (403, 403, 403),
    "promote": (403, 403, 403),
}
"""Statuses of an alias, a version and another bundle's alias by what a token can."""


# -- revocation ------------------------------------------------------------------------------------------------


def test_a_write_that_waits_while_its_token_is_revoked_is_refused(
    two: LocalRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = two.create_token(OPS, "ci", can="write")["token"]
    headers = {**bearer(token), "If-Match": two.alias("support", "staging")["revision"], "Idempotency-Key": "k"}
    serial, waits, exclusive = two.describe()["serial"], threading.Event(), two._context.store.exclusive

    @contextmanager
    def waiting(**given: Any) -> Iterator[None]:
        waits.set()
        with exclusive(**given):
            yield

    answers: list[httpx.Response] = []

    def write() -> None:
        async def send() -> None:
            transport = httpx.ASGITransport(create_app(two), client=("127.0.0.1", 1))
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
                path = "/v1/bundles/support/aliases/staging"
                answers.append(await http.put(path, json={"release": "v1"}, headers=headers))

        asyncio.run(send())

    thread = threading.Thread(target=write)
    with exclusive():
        monkeypatch.setattr(two._context.store, "exclusive", waiting)
        thread.start()
        assert waits.wait(60)
        two.revoke_token(OPS, "ci")
    thread.join(60)
    assert (answers[0].status_code, answers[0].json()["code"]) == (401, "unauthenticated")
    assert two.describe()["serial"] == serial
    assert two._context.state.attempts()[0].code == "unauthenticated"
    assert two.kept_answer("k", "ci") is None, "a refusal of who asks is no answer of what is asked"


def test_streams_end_with_their_credential_wherever_it_is_revoked(home: Path) -> None:
    ended: list[str] = []

    async def run(here: LocalRegistry, elsewhere: LocalRegistry) -> None:
        tokens = {name: f"Bearer {here.create_token(OPS, name, can='read')['token']}" for name in ("gone", "kept")}
        looking = Watch(Admissions(here))
        followers = {name: Follower(Wanted(), lambda: None) for name in tokens}
        with looking.over(tokens["gone"], followers["gone"]), looking.over(tokens["kept"], followers["kept"]):
            await looking.look()
            assert not any(one.over for one in followers.values())
            elsewhere.revoke_token(OPS, "gone")
            await looking.look()
            ended.extend(name for name, one in followers.items() if one.over)
        assert looking._followers == {}

    with closing(bootstrap.local_registry(home)) as one, closing(bootstrap.local_registry(home)) as other:
        asyncio.run(run(one, other))
    assert ended == ["gone"]
    assert watch.SECONDS < 5


def test_a_watch_that_fails_leaves_no_stream_unwatched(memory: LocalRegistry) -> None:
    def broken(_text: str) -> Identity:
        raise RuntimeError("a bug")

    async def run() -> Follower:
        looking = Watch(Admissions(memory, broken), seconds=0)
        follower = Follower(Wanted(), lambda: None)
        with looking.over("Bearer x", follower):
            await asyncio.gather(looking._task or asyncio.sleep(0), return_exceptions=True)
        return follower

    assert asyncio.run(run()).over


# -- others ----------------------------------------------------------------------------------------------------


def test_a_bearer_that_is_no_token_is_for_others_to_judge(two: LocalRegistry) -> None:
    asked: list[str] = []

    def others(text: str) -> Identity:
        asked.append(text)
        if not text.startswith("good"):
            raise Unauthenticated("the bearer is not valid")
        return Identity("ana@example.com", "ana", "oidc:issuer", parse_grants("read:support"), 2**51)

    long = "good" + "x" * 2000
    app = create_app(two, others=others)
    token = two.create_token(OPS, "ci", can="read")["token"]

    async def send() -> list[int]:
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
        found = []
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            for text, path in ((long, ALIAS), (long, ALIAS), ("bad", ALIAS), (token, ALIAS), (long, "/v1/whoami")):
                answer = await http.get(path, headers=bearer(text))
                found.append(answer.status_code)
            assert answer.json()["via"] == "oidc:issuer 127.0.0.1"
            two.revoke_token(OPS, "ci")
            found.append((await http.get(ALIAS)).status_code)
        return found

    assert asyncio.run(send()) == [200, 200, 401, 200, 200, 401], "with others nobody is let in without a credential"
    assert asked == [long, "bad"], "a good one is asked about once in a while, and our own tokens never"


def test_a_service_asks_even_where_a_route_did_not(two: LocalRegistry) -> None:
    with pytest.raises(PermissionDenied):
        two.seen_by(parse_grants("read:payments")).release("support@v1")


def test_no_credential_opens_the_registry_to_who_has_none(memory: LocalRegistry, api: Any) -> None:
    def bearer(token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}"}

    memory.create_token(OPS, "ana", can="admin")
    keeper = bearer(memory.create_token(OPS, "ben", can="tokens read")["token"])
    assert api("DELETE", "/v1/tokens/ana", headers=keeper).status_code == 200
    refused = api("DELETE", "/v1/tokens/ben", headers=keeper)
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    assert api("GET", "/v1/registry").status_code == 401
    (kept,) = [one for one in memory._context.state.attempts() if one.code == "permission_denied"]
    assert (kept.action, kept.actor) == ("token-revoke", "ben")
    memory.revoke_token(OPS, "ben")
    assert api("GET", "/v1/registry").status_code == 200
