"""When an issuer is asked for its keys, what is believed of the answer, and what happens while there is none."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from issuer import claims, jwks, serving, token
from pinset.auth import issuers as module
from pinset.auth.issuers import FRESH_SECONDS, KEPT_SECONDS, PAUSE_SECONDS, Issuers, fetched
from pinset.config import Allow, Issuer
from pinset.domain.access import parse_grants
from pinset.errors import Unauthenticated, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from issuer import Served

ALLOW = (Allow(claims={"sub": ("repo:acme/*",)}, grants=parse_grants("read")),)


class Idp:
    """An issuer behind a fake fetch, with a clock that the test sets."""

    URL = "https://idp.example.com"

    def __init__(self, **other: Any) -> None:
        self.now, self.shown, self.asked = 0.0, jwks("rsa"), list[str]()
        self.error: Exception | None = None
        self.description: Any = {"issuer": self.URL, "jwks_uri": self.URL + "/keys"}
        issuer = Issuer(issuer=self.URL, audience="pinset", allow=ALLOW, **other)
        self.issuers = Issuers([issuer], fetch=self.fetch, now=lambda: self.now)

    def fetch(self, url: str) -> Any:
        self.asked.append(url)
        if self.error is not None:
            raise self.error
        return self.description if "well-known" in url else self.shown

    def ask(self, kid: str = "rsa") -> str:
        return self.issuers.identify(token(claims(self.URL), kid=kid)).actor


def test_keys_are_fetched_once_and_kept() -> None:
    idp = Idp()
    for _ in range(3):
        assert idp.ask().startswith("oidc:repo:acme/")
    assert idp.asked == [idp.URL + "/.well-known/openid-configuration", idp.URL + "/keys"]


def test_where_the_keys_are_configured_no_description_is_asked_for() -> None:
    idp = Idp(jwks_uri="https://elsewhere.example.com/keys")
    idp.ask()
    assert idp.asked == ["https://elsewhere.example.com/keys"]


def test_an_unknown_key_is_looked_for_once_and_then_not_for_a_while() -> None:
    idp = Idp(jwks_uri=Idp.URL + "/keys")
    idp.ask()
    idp.now += PAUSE_SECONDS
    for _ in range(5):
        with pytest.raises(Unauthenticated, match="does not show"):
            idp.ask("rsa2")
    assert len(idp.asked) == 2
    idp.ask()
    idp.shown = jwks("rsa2")
    with pytest.raises(Unauthenticated):
        idp.ask("rsa2")
    idp.now += PAUSE_SECONDS
    assert idp.ask("rsa2")
    with pytest.raises(Unauthenticated, match="does not show"):
        idp.ask("rsa")
    assert len(idp.asked) == 3


def test_while_an_issuer_is_down_its_keys_count_for_a_bounded_time_only() -> None:
    idp = Idp(jwks_uri=Idp.URL + "/keys")
    idp.ask()
    idp.error = OSError("it is down")
    idp.now = KEPT_SECONDS - 1
    assert idp.ask()
    idp.now = KEPT_SECONDS
    with pytest.raises(Unavailable, match="it is down"):
        idp.ask()
    idp.error = None
    idp.now += PAUSE_SECONDS
    assert idp.ask()


def test_a_withdrawn_key_is_not_taken_for_long() -> None:
    idp = Idp(jwks_uri=Idp.URL + "/keys")
    idp.ask()
    idp.shown = jwks("rsa2")
    idp.now = FRESH_SECONDS
    with suppress(Unauthenticated):  # it does not wait for the answer, which may be there already
        idp.ask()
    _settled()
    with pytest.raises(Unauthenticated, match="does not show"):
        idp.ask()


def test_an_issuer_that_was_down_at_the_start_is_asked_again_after_a_pause() -> None:
    idp = Idp()
    idp.error = OSError("it is down")
    with pytest.raises(Unavailable, match="it is down") as refused:
        idp.ask()
    assert refused.value.details == {"retry_after": round(PAUSE_SECONDS)}
    idp.error = None
    with pytest.raises(Unavailable):
        idp.ask()
    assert len(idp.asked) == 1
    idp.now = PAUSE_SECONDS
    assert idp.ask()


@pytest.mark.parametrize(
    ("description", "said"),
    [
        ({"issuer": "https://evil.example.com", "jwks_uri": Idp.URL + "/keys"}, "another issuer's"),
        ({"issuer": Idp.URL + "/", "jwks_uri": Idp.URL + "/keys"}, "another issuer's"),
        ([], "another issuer's"),
        ({"issuer": Idp.URL}, "elsewhere"),
        ({"issuer": Idp.URL, "jwks_uri": "https://evil.example.com/keys"}, "elsewhere"),
        ({"issuer": Idp.URL, "jwks_uri": "http://idp.example.com/keys"}, "elsewhere"),
        ({"issuer": Idp.URL, "jwks_uri": "https://idp.example.com@evil.example.com/keys"}, "elsewhere"),
        ({"issuer": Idp.URL, "jwks_uri": "https://idp.example.com:8443/keys"}, "elsewhere"),
        ({"issuer": Idp.URL, "jwks_uri": "file:///etc/passwd"}, "elsewhere"),
        ({"issuer": Idp.URL, "jwks_uri": "https://[/keys"}, "elsewhere"),
    ],
)
def test_a_description_that_leads_elsewhere_is_not_followed(description: Any, said: str) -> None:
    idp = Idp()
    idp.description = description
    with pytest.raises(Unavailable, match=said):
        idp.ask()
    assert len(idp.asked) == 1


def test_of_many_who_wait_for_keys_one_asks() -> None:
    idp, go_on, found = Idp(jwks_uri=Idp.URL + "/keys"), threading.Event(), list[str]()
    issuer = Issuer(issuer=Idp.URL, audience="pinset", jwks_uri=Idp.URL + "/keys", allow=ALLOW)

    def slow(url: str) -> Any:
        assert go_on.wait(60)
        return idp.fetch(url)

    idp.issuers = Issuers([issuer], fetch=slow, wait=60)
    threads = [threading.Thread(target=lambda: found.append(idp.ask())) for _ in range(8)]
    for thread in threads:
        thread.start()
    go_on.set()
    for thread in threads:
        thread.join(60)
    assert (len(found), len(idp.asked)) == (8, 1)


def test_a_fetch_that_breaks_in_any_way_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    idp = Idp(jwks_uri=Idp.URL + "/keys")
    idp.error = RecursionError("too deep")
    with pytest.raises(Unavailable, match="too deep"):
        idp.ask()
    idp.error, idp.now = None, PAUSE_SECONDS

    def none(_thread: threading.Thread) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", none)
        with pytest.raises(Unavailable, match="no thread"):
            idp.ask()
    idp.now += PAUSE_SECONDS
    assert idp.ask()


def test_nobody_waits_long_for_an_issuer_that_does_not_answer() -> None:
    go_on = threading.Event()
    issuer = Issuer(issuer=Idp.URL, audience="pinset", allow=ALLOW)
    issuers = Issuers([issuer], fetch=lambda _: go_on.wait(60), wait=0.01)
    with pytest.raises(Unavailable, match="no answer in time"):
        issuers.identify(token(claims(Idp.URL)))
    go_on.set()
    _settled()


def _settled() -> None:
    for thread in threading.enumerate():
        if thread.name == "pinset-oidc":
            thread.join(60)


# -- Over a connection ----------------------------------------------------------------------------------------------


@pytest.fixture
def served() -> Iterator[Served]:
    with serving() as issuer:
        yield issuer


def identified(served: Served) -> str:
    issuer = Issuer(issuer=served.url, audience="pinset", allow=ALLOW)
    return Issuers([issuer]).identify(token(claims(served.url))).actor


def test_a_description_and_keys_are_fetched_from_an_issuer(served: Served) -> None:
    assert identified(served).startswith("oidc:repo:acme/support")
    assert served.asked == ["/.well-known/openid-configuration", "/keys"]


@pytest.mark.parametrize("status", [302, 307, 404, 500])
def test_no_redirect_is_followed_and_no_error_is_taken(served: Served, status: int) -> None:
    served.status = status
    with pytest.raises(Unavailable, match=f"it answered {status}"):
        identified(served)
    assert served.asked == ["/.well-known/openid-configuration"]


@pytest.mark.parametrize(("filler", "said"), [(b" " * 300_000, "over 262,144 bytes"), (b"{", "no JSON")])
def test_an_answer_that_is_huge_or_no_json_is_refused(served: Served, filler: bytes, said: str) -> None:
    served.filler = filler
    with pytest.raises(Unavailable, match=said):
        identified(served)


def test_an_issuer_that_is_not_there_is_said(served: Served) -> None:
    served.server.shutdown()
    served.server.server_close()
    with pytest.raises(Unavailable, match="keys of http") as refused:
        identified(served)
    assert "retry_after" in refused.value.details


def test_a_fetch_is_cut_off_however_slowly_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setattr(module, "_LONGEST_SECONDS", 0.05)
    monkeypatch.setattr(module, "_READ_SECONDS", 60.0)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(OSError, match="no HTTP"):
        fetched(f"http://127.0.0.1:{silent.getsockname()[1]}/keys")


def test_https_is_proven(served: Served) -> None:
    with pytest.raises(OSError, match=r"(?i)ssl|wrong version"):
        fetched(served.url.replace("http://", "https://") + "/keys")


def test_issuers_are_apart(served: Served) -> None:
    with serving() as other:
        other.shown = jwks("rsa2")
        one = Issuer(issuer=served.url, audience="pinset", allow=ALLOW)
        both = Issuers([one, replace(one, issuer=other.url)])
        assert both.identify(token(claims(served.url))).via == "oidc:" + served.url.removeprefix("http://")
        for text in (token(claims(other.url)), token(claims(served.url), kid="rsa2")):
            with pytest.raises(Unauthenticated, match="does not show"):
                both.identify(text)
