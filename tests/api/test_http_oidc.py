"""Tokens of an issuer over HTTP: a registry that lets jobs in, without a secret that anybody keeps."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import issuer as idp
from pinset.api.admissions import Admissions
from pinset.api.follower import Follower
from pinset.api.watch import Watch
from pinset.auth.issuers import Issuers
from pinset.client.remote import RemoteRegistry
from pinset.config import Allow, Issuer
from pinset.domain.access import parse_grants
from pinset.domain.following import Wanted
from pinset.errors import PermissionDenied, RateLimited, Unauthenticated
from pinset.ports.registry import Caller

sys.path.insert(0, str(Path(__file__).parents[1]))
from serving import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pinset.services.local import LocalRegistry

ALLOW = (
    Allow(
        claims={"sub": ("repo:acme/support:*",)}, grants=parse_grants("publish:support promote:support@staging read")
    ),
)
CONFIG = """\
[[oidc]]
issuer = "{url}"
audience = "pinset"
algorithms = ["RS256", "ES256"]
person = "{{actor}}"
  [[oidc.allow]]
  claims = {{sub = "repo:acme/support:*", ref = "refs/heads/main"}}
  can = "publish:support promote:support@staging read"
[limits]
writes_per_second = 0.01
writes_burst = 3
"""


@pytest.fixture
def served() -> Iterator[idp.Served]:
    with idp.serving() as found:
        yield found


@pytest.fixture
def ask(memory: LocalRegistry, api_of: Callable[..., Any], served: idp.Served) -> Callable[..., Any]:
    """Asks a registry that takes tokens of the issuer: with a good one, or others."""
    issuer = Issuer(issuer=served.url, audience="pinset", person="{actor}", allow=ALLOW)
    api = api_of(memory, others=Issuers([issuer]).identify)

    def send(method: str = "GET", path: str = "/v1/whoami", *, text: str | None = None, **given: Any) -> Any:
        sent = idp.token(idp.claims(served.url)) if text is None else text
        return api(method, path, headers={"Authorization": f"Bearer {sent}"}, **given)

    return send


def test_a_job_is_who_its_issuer_says_and_may_what_the_registry_says(
    memory: LocalRegistry, ask: Callable[..., Any], manifest: Callable[..., dict[str, str]]
) -> None:
    who = ask().json()
    assert (who["actor"], who["person"]) == ("oidc:repo:acme/support:ref:refs/heads/main", "ana")
    made = ask("POST", "/v1/bundles/support/releases", json={"files": manifest(), "alias": "staging"})
    assert made.status_code == 201, made.text
    assert memory.summary("support@v1")["published_by"] == who["actor"]
    move = memory.history("support", "staging")["items"][0]
    assert move["actor"] == who["actor"]
    refused = ask("POST", "/v1/bundles/other/releases", json={"files": manifest("other")})
    assert (refused.status_code, refused.json()["details"]["needs"]) == (403, "publish:other")
    assert ask("GET", "/v1/tokens").status_code == 403


def test_each_bad_token_is_refused_in_its_own_words(ask: Callable[..., Any], served: idp.Served) -> None:
    url, now = served.url, idp.claims("")["iat"]
    none = f"{idp.segment({'alg': 'none'})}.{idp.segment(idp.claims(url))}.AA"
    for text, status, said in [
        (idp.token(idp.claims(url, aud="other")), 401, "not meant for this registry"),
        (idp.token(idp.claims("https://evil.example.com")), 401, "issuer is not one"),
        (idp.token(idp.claims(url, exp=now - 60, iat=now - 90)), 401, "has expired"),
        (idp.token(idp.claims(url, nbf=now + 600)), 401, "not good yet"),
        (none, 401, "signed in a way"),
        (idp.token(idp.claims(url), kid="rsa2"), 401, "does not show"),
        (idp.token(idp.claims(url), secret=idp.key("rsa2")), 401, "signature"),
        (idp.token(idp.claims(url, sub="repo:evil/support:x")), 403, "'repo:evil/support:x'"),
        ("x" * 50_000, 401, "no token"),
        ("pst_" + "x" * 60, 401, "token is not valid"),
        ("", 401, "no token"),
    ]:  # fmt: skip
        answer = ask(text=text)
        assert (answer.status_code, said in answer.json()["detail"]) == (status, True), answer.text
        assert answer.json()["hint"]
    assert ask().status_code == 200


def test_a_registry_with_an_issuer_is_closed_to_who_brings_nothing(
    memory: LocalRegistry, ask: Callable[..., Any], api_of: Callable[..., Any]
) -> None:
    assert api_of(memory, others=lambda _: pytest.fail("asked"))("GET", "/v1/bundles").status_code == 401
    secret = memory.create_token(Caller(actor="ops"), "ops", can="admin")["token"]
    assert ask(text=secret).json()["actor"] == "ops"


def test_while_an_issuer_is_down_only_its_own_tokens_wait(
    memory: LocalRegistry, ask: Callable[..., Any], served: idp.Served
) -> None:
    served.status = 500
    secret = memory.create_token(Caller(actor="ops"), "ops", can="admin")["token"]
    answer = ask()
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert 0 < int(answer.headers["retry-after"]) <= 30
    assert "it answered 500" in answer.json()["detail"]
    assert ask(text=secret).status_code == 200
    assert ask(text=idp.token(idp.claims(served.url, exp=1, iat=1, nbf=1))).status_code == 401


def test_a_directory_that_names_an_issuer_is_served_to_its_jobs(
    home: Path, served: idp.Served, manifest: Callable[..., dict[str, str]]
) -> None:
    served.shown = idp.jwks("rsa", "ec")
    (home / "config.toml").write_text(CONFIG.format(url=served.url))
    good = idp.token(idp.claims(served.url), kid="ec", algorithm="ES256")
    with serving(home, workers=1) as server:
        job = RemoteRegistry(server.address, good)
        assert job.whoami(Caller(actor="me"))["person"] == "ana"
        made = job.publish(Caller(actor="me"), manifest(), alias="staging")
        assert made["version"] == 1
        assert job.history("support", "staging")["items"][0]["actor"].startswith("oidc:repo:acme/support:")
        with pytest.raises(PermissionDenied, match="needs promote"):
            job.promote(Caller(actor="me"), "support@v1", "production")
        job.publish(Caller(actor="me"), manifest(words="two"))
        with pytest.raises(RateLimited) as later:
            job.publish(Caller(actor="me"), manifest(words="three"))
        assert later.value.details["retry_after"] > 5
        job.close()
        for text, error in (
            (None, Unauthenticated),
            (idp.token(idp.claims(served.url, ref="refs/heads/x")), PermissionDenied),
        ):
            stranger = RemoteRegistry(server.address, text)
            with pytest.raises(error):
                stranger.bundles()
            stranger.close()
    assert server.err == ""


def test_a_stream_ends_with_the_token_that_it_was_opened_with(memory: LocalRegistry, served: idp.Served) -> None:
    clock = {"now": 1_800_000_000.0}
    issuer = Issuer(issuer=served.url, audience="pinset", allow=ALLOW)
    issuers = Issuers([issuer], wall=lambda: round(clock["now"] * 1_000_000))
    admissions = Admissions(
        memory, issuers.identify, now=lambda: clock["now"], wall=lambda: round(clock["now"] * 1_000_000)
    )
    watch, follower = Watch(admissions), Follower(Wanted(), lambda: None)
    authorization = "Bearer " + idp.token(idp.claims(served.url, now=clock["now"]))

    async def over_after(seconds: float) -> bool:
        clock["now"] += seconds
        with watch.over(authorization, follower):
            await watch.look()
        return follower.over

    assert asyncio.run(over_after(300)) is False
    served.status = 500
    assert asyncio.run(over_after(issuer.leeway)) is True
