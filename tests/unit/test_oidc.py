"""Tokens of an issuer: which are believed, and who their sender is."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from typing import Any

import pytest

from issuer import claims, jwks, key, segment, token
from pinset.auth.issuers import Issuers
from pinset.auth.oidc import LONGEST, Keys
from pinset.config import Allow, Issuer
from pinset.domain.access import Grant, parse_grants
from pinset.errors import PermissionDenied, Unauthenticated

URL = "https://idp.example.com"
NOW = 1_800_000_000
STAGING = Allow(claims={"sub": ("repo:acme/support:*",), "ref": ("refs/heads/main", "refs/heads/rel-*")},
                grants=parse_grants("promote:support-*@staging read"))  # fmt: skip
ISSUER = Issuer(issuer=URL, audience="pinset", person="{actor}", allow=(STAGING,))


def identified(text: str, issuer: Issuer = ISSUER, shown: Any = None, *, now: float = NOW) -> Any:
    fetch = {f"{URL}/keys": shown or jwks("rsa")}.__getitem__
    issuers = Issuers([replace(issuer, jwks_uri=f"{URL}/keys")], fetch=fetch, wall=lambda: round(now * 1_000_000))
    return issuers.identify(text)


def good(**other: Any) -> dict[str, Any]:
    return claims(URL, now=NOW, **other)


def test_a_token_says_who_sends_it_what_that_may_and_until_when() -> None:
    found = identified(token(good()))
    assert found.actor == "oidc:repo:acme/support:ref:refs/heads/main"
    assert (found.person, found.via) == ("ana", "oidc:idp.example.com")
    assert found.grants == (Grant("promote", "support-*", "staging"), Grant("read"))
    assert found.expires_at == (NOW + 300 + ISSUER.leeway) * 1_000_000


@pytest.mark.parametrize(("kid", "algorithm"), [("rsa", "PS256"), ("ec", "ES256"), ("ed", "EdDSA"), ("ed", "Ed25519")])
def test_each_configured_signature_is_proven(kid: str, algorithm: str) -> None:
    issuer, text = replace(ISSUER, algorithms=(algorithm,)), token(good(), kid=kid, algorithm=algorithm)
    assert identified(text, issuer, jwks("rsa", "ec", "ed")).person == "ana"
    assert identified(token(good(), kid=None, algorithm=algorithm, secret=key(kid)), issuer, jwks(kid)).person == "ana"
    with pytest.raises(Unauthenticated, match="signed in a way"):
        identified(text, ISSUER, jwks("rsa", "ec", "ed"))


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"iss": "https://evil.example.com"}, "issuer"),
        ({"iss": URL + "/"}, "issuer"),
        ({"iss": None}, "issuer"),
        ({"iss": [URL]}, "issuer"),
        ({"aud": "pinset2"}, "not meant for this registry"),
        ({"aud": "PINSET"}, "not meant for this registry"),
        ({"aud": ["pinset", "other"]}, "not meant for this registry"),
        ({"aud": None}, "not meant for this registry"),
        ({"exp": NOW - 31}, "expired"),
        ({"exp": NOW - 30}, "expired"),
        ({"exp": None}, "exp, iat and nbf"),
        ({"iat": None}, "exp, iat and nbf"),
        ({"exp": str(NOW + 300)}, "exp, iat and nbf"),
        ({"exp": True}, "exp, iat and nbf"),
        ({"nbf": "now"}, "exp, iat and nbf"),
        ({"nbf": NOW + 31}, "not good yet"),
        ({"iat": NOW + 31}, "not good yet"),
        ({"exp": NOW + 3601}, "for longer"),
        ({"iat": NOW - 3400, "exp": NOW + 300}, "for longer"),
        ({"actor": None}, "no claim actor"),
        ({"actor": ""}, "no claim actor"),
        ({"actor": {"name": "ana"}}, "no claim actor"),
        ({"actor": "local"}, "nobody can be called local"),
    ],
)
def test_a_token_that_is_not_good_here_and_now_is_refused(other: dict[str, Any], said: str) -> None:
    with pytest.raises(Unauthenticated, match=said):
        identified(token(good(**other)))


@pytest.mark.parametrize(
    "other",
    [{"aud": ["pinset"]}, {"exp": NOW - 29}, {"nbf": NOW + 29, "iat": NOW + 29}, {"nbf": None}, {"exp": NOW + 3600}],
)
def test_clocks_may_differ_a_little_and_a_list_may_have_one_audience(other: dict[str, Any]) -> None:
    assert identified(token(good(**other))).person == "ana"


def test_a_signature_that_anybody_can_make_is_none() -> None:
    none = f"{segment({'alg': 'none', 'kid': 'rsa'})}.{segment(good())}."
    shared = f"{segment({'alg': 'HS256', 'kid': 'rsa'})}.{segment(good())}"
    forged = hmac.digest(key("rsa").as_pem(private=False), shared.encode(), "sha256")
    for text in (none, none + "AA", f"{shared}.{segment(forged)}"):
        with pytest.raises(Unauthenticated, match=r"signed in a way|no token"):
            identified(text)


def test_what_was_signed_by_another_key_or_changed_since_is_refused() -> None:
    head, body, signature = token(good()).split(".")
    more = segment(good(sub="repo:acme/support:other"))
    for text in (
        token(good(), secret=key("rsa2")),
        f"{head}.{more}.{signature}",
        f"{head}.{body}.{segment(b'x' * 256)}",
    ):
        with pytest.raises(Unauthenticated, match="signature"):
            identified(text)


def test_a_key_is_used_for_nothing_but_what_it_is_for() -> None:
    shown = jwks("ec")["keys"][0]
    issuer = replace(ISSUER, algorithms=("ES256", "RS256"))
    assert identified(token(good(), kid="ec", algorithm="ES256"), issuer, {"keys": [shown]}).person == "ana"
    for other in ({"use": "enc"}, {"alg": "ES384"}, {"key_ops": ["encrypt"]}, {"kid": "other"}):
        with pytest.raises(Unauthenticated, match="does not show"):
            identified(
                token(good(), kid="ec", algorithm="ES256"), issuer, {"keys": [{**shown, **other}, *jwks("rsa")["keys"]]}
            )
    with pytest.raises(Unauthenticated, match="does not show"):  # it names a key of another kind
        identified(token(good(), kid="ec", algorithm="RS256", secret=key("rsa")), issuer, jwks("rsa", "ec"))
    with pytest.raises(Unauthenticated, match="does not show"):  # and no name at all, where there are two
        identified(token(good(), kid=None), issuer, jwks("rsa", "rsa2"))


@pytest.mark.parametrize("name", ["jku", "x5u", "jwk", "x5c"])
def test_no_key_is_taken_from_where_a_token_says(name: str) -> None:
    asked: list[str] = []
    issuers = Issuers([ISSUER], fetch=lambda url: asked.append(url) or json.loads("{}"), wall=lambda: NOW * 1_000_000)
    brought = {"jku": "https://evil.example.com/keys", "x5u": "https://evil.example.com/keys",
               "jwk": jwks("rsa2")["keys"][0], "x5c": ["MIIB"]}  # fmt: skip
    header = {name: brought[name]}
    with pytest.raises(Exception, match="keys of"):
        issuers.identify(token(good(), kid="rsa2", **header))
    assert asked == [f"{URL}/.well-known/openid-configuration"]
    assert identified(token(good(), **header)).person == "ana"


@pytest.mark.parametrize(
    "header", [{"crit": ["b64"], "b64": False}, {"kid": 7, "secret": key("rsa")}, {"alg": None}, {"alg": ["RS256"]}]
)
def test_a_header_that_asks_for_more_is_refused(header: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated):
        identified(token(good(), **header))


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "..", "a.b", "a.b.c", "a.b.c.d", "e30.e30.e30", "pst_x", "é.é.é", "e30=.e30.e30", "a" * (LONGEST + 1), "x" * 100_000,
        f"{segment(b'{')}.{segment(b'{}')}.AA", f"{segment(b'[1]')}.{segment(b'[]')}.AA", f"{segment(b'[' * 9000)}.e30.AA",
        f"{segment(bytes([255]))}.e30.AA",
    ],
)  # fmt: skip
def test_what_is_no_token_is_refused_before_anybody_is_asked(text: str) -> None:
    with pytest.raises(Unauthenticated):
        Issuers([ISSUER], fetch=lambda _: pytest.fail("asked")).identify(text)


def test_a_claim_that_is_there_twice_makes_it_no_token() -> None:
    body = json.dumps(good())[:-1] + ', "aud": "pinset"}'
    head = segment({"alg": "RS256", "kid": "rsa"})
    with pytest.raises(Unauthenticated, match="no token"):
        identified(f"{head}.{segment(body.encode())}.AA")


def test_a_token_that_no_rule_fits_is_told_what_it_says() -> None:
    with pytest.raises(PermissionDenied) as refused:
        identified(token(good(ref="refs/heads/wild\u202e")))
    assert "ref is 'refs/heads/wild\\u{202E}'" in refused.value.message
    assert refused.value.details["claims"]["sub"] == "repo:acme/support:ref:refs/heads/main"
    assert "oidc.allow" in refused.value.hint
    for other in (
        {"sub": "repo:acme/support-evil:ref:refs/heads/main"},
        {"sub": "xrepo:acme/support:x"},
        {"ref": None},
    ):
        with pytest.raises(PermissionDenied):
            identified(token(good(**other)))


def test_what_several_rules_allow_is_allowed_together() -> None:
    audit = Allow(
        claims={"sub": ("repo:acme/*",), "admin": (True,), "groups": ("ops",), "n": (7,)},
        grants=parse_grants("audit read"),
    )
    issuer = replace(ISSUER, allow=(STAGING, audit))
    fit = {"admin": True, "groups": ["dev", "ops"], "n": 7}
    assert {str(one) for one in identified(token(good(**fit)), issuer).grants} == {
        "promote:support-*@staging",
        "read",
        "audit",
    }
    for other in ({"admin": "true"}, {"admin": 1}, {"groups": ["oops"]}, {"n": True}, {"n": "7"}):
        assert len(identified(token(good(**{**fit, **other})), issuer).grants) == 2


def test_an_actor_can_be_recorded_and_no_two_become_one() -> None:
    issuer = replace(ISSUER, actor="gh:{sub}@{ref}")
    said = "repo:acme/support:" + "x" * 300
    subs = [
        said,
        said + "y",
        "repo:acme/support:a\nb",
        "repo:acme/support:a?b",
        "repo:acme/support:a\tb",
        "repo:acme/support:a\u202eb",
    ]
    actors = [identified(token(good(sub=sub)), issuer).actor for sub in subs]
    assert len(set(actors)) == len(subs)
    assert all(
        actor.startswith("oidc:gh:repo:acme/support:") and actor.isprintable() and len(actor) <= 200 for actor in actors
    )
    assert actors[0].split("~")[1] == hashlib.sha256(f"gh:{said}@refs/heads/main".encode()).hexdigest()[:16]


def test_keys_that_cannot_be_used_are_passed_over() -> None:
    weak = {**jwks("rsa")["keys"][0], "n": segment(b"\xff" * 128)}
    huge = {**weak, "n": segment(b"\xff" * 1025)}
    others: list[Any] = [7, {}, {"kty": "oct", "k": "AAAA"}, {"kty": "RSA"}, {"kty": "EC", "crv": "P-256", "x": "A", "y": "A"}, weak, huge,
                         {"kty": "OKP", "crv": "X25519", "x": segment(b"x" * 32)}, {"kty": "RSA", "kid": 7}]  # fmt: skip
    assert identified(token(good()), ISSUER, {"keys": [*others, *jwks("rsa")["keys"]]}).person == "ana"
    for wrong in ({"keys": others}, {"keys": []}, {"keys": {}}, {}, [], None, {"keys": jwks("rsa")["keys"] * 65}):
        with pytest.raises(ValueError, match="it "):
            Keys(wrong)


def test_a_private_key_that_an_issuer_shows_is_read_as_a_public_one() -> None:
    shown = {"keys": [key("rsa").as_dict(private=True)]}
    assert identified(token(good()), ISSUER, shown).person == "ana"
    assert not Keys(shown).fitting("rsa", "RS256")[0].is_private
