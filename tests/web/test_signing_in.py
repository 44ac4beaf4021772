"""Who is signed in on pages: cookies that hold a sealed credential, forms that are ours, and nothing for the API."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import world

import issuer as idp
from pinset import bootstrap
from pinset.api.app import create_app
from pinset.auth import codes, secrets
from pinset.auth.codes import PAUSE_SECONDS, Endpoints, Where
from pinset.auth.issuers import Issuers
from pinset.bootstrap import serving
from pinset.config import Allow, Issuer, Pages, parse
from pinset.config.oidc import Client
from pinset.domain.access import parse_grants
from pinset.errors import InvalidConfig, PermissionDenied, Unauthenticated, Unavailable
from pinset.signing.sealing import Vault
from pinset.web.sessions import Session, Sessions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pinset.services.local import LocalRegistry

HOUR = 3600
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def token(memory: LocalRegistry) -> str:
    """Of somebody who may do everything."""
    return str(memory.create_token(world.ANA, "ana", can="admin", person="ana")["token"])


def test_without_tokens_this_machine_needs_no_sign_in(memory: LocalRegistry, pages_of: Callable[..., Any]) -> None:
    look = pages_of(memory).browser()
    assert look("/").status_code == 200
    assert "nobody needs to sign in" in look("/sign-in").text
    for headers in (
        {"host": "pinset.evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"origin": "http://evil.example"},
    ):
        assert look("/", headers=headers).status_code == 403
    assert pages_of(memory).browser(client=("192.0.2.7", 1))("/").status_code == 403


def test_who_is_not_signed_in_is_sent_to_sign_in_and_then_on(
    memory: LocalRegistry, pages_of: Callable[..., Any], token: str
) -> None:
    look = pages_of(memory).browser()
    answer = look("/bundles/support?cursor=3")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/bundles/support%3Fcursor%3D3")
    assert memory.audit.items().get("items", [])[0]["outcome"] == "done"
    answer = look.sign_in(token, "/components")
    assert (answer.status_code, answer.headers["location"]) == (303, "/components")
    page = look("/components")
    assert page.status_code == 200
    assert "Sign out" in page.text
    assert look.send("/sign-out", on="/").headers["location"] == "/sign-in"
    assert look("/").status_code == 303


def test_the_cookie_says_nothing_and_is_sent_to_nobody_else(
    memory: LocalRegistry, pages_of: Callable[..., Any], token: str
) -> None:
    look = pages_of(memory).browser("https://pinset.example")
    cookie = look.sign_in(token).headers["set-cookie"]
    assert cookie.startswith("__Host-pinset=")
    for attribute in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age=43"):
        assert attribute in cookie
    assert token not in cookie
    assert "Domain" not in cookie
    plain = pages_of(memory).browser().sign_in(token).headers["set-cookie"]
    assert plain.startswith("pinset=")
    assert "Secure" not in plain
    other = pages_of(memory).browser("http://localhost:7468").sign_in(token).headers["set-cookie"]
    assert other.startswith("pinset-7468="), "browsers keep one jar for all ports"


def test_the_api_takes_no_cookie(memory: LocalRegistry, pages_of: Callable[..., Any], token: str) -> None:
    look = pages_of(memory).browser()
    look.sign_in(token)
    assert look("/").status_code == 200
    for path in ("/v1/bundles", "/v1/whoami", "/metrics"):
        assert look(path).status_code == 401


def test_a_token_that_is_revoked_is_refused_from_the_next_page_on(
    memory: LocalRegistry, pages_of: Callable[..., Any], token: str
) -> None:
    look = pages_of(memory).browser()
    look.sign_in(token)
    memory.create_token(world.ANA, "other", can="read")
    memory.revoke_token(world.ANA, "ana")
    assert look("/live", headers={"accept": "text/event-stream"}).status_code == 401, "no page for who follows events"
    answer = look("/")
    assert answer.headers["location"] == "/sign-in"
    assert "pinset=; Path=/" in answer.headers["set-cookie"]


def test_a_session_ends_with_its_hours_or_with_its_credential() -> None:
    at = [1_000_000.0]
    sessions = Sessions(Vault.fresh(), hours=2, wall=lambda: at[0])
    long, short = sessions.begin("c", None), sessions.begin("c", int((at[0] + 60) * 1_000_000))
    sealed = [sessions.seal(one) for one in (long, short)]
    assert [sessions.left(one) for one in (long, short)] == [2 * HOUR, 60]
    at[0] += 61
    assert sessions.open(sealed[0]) == long
    assert sessions.open(sealed[1]) is None
    at[0] += 2 * HOUR
    assert sessions.open(sealed[0]) is None


def test_live_events_end_with_the_session(
    memory: LocalRegistry, pages_of: Callable[..., Any], token: str, monkeypatch: Any
) -> None:
    pages = pages_of(memory)
    look = pages.browser()
    look.sign_in(token)
    monkeypatch.setattr(pages.api.state.sessions, "left", lambda _: 0)
    answer = look("/live")
    assert answer.status_code == 200
    assert answer.text.count("event:") == 1, "a greeting, and its end"


def test_a_cookie_that_was_changed_or_sealed_elsewhere_is_nobodys(
    memory: LocalRegistry, pages_of: Callable[..., Any], token: str
) -> None:
    pages = pages_of(memory)
    stranger = Sessions(Vault.fresh()).seal(Session(token, "id", 2**40))
    vault = Vault.fresh()
    sealed = vault.seal(b"text", "session")
    assert vault.open(sealed, "session") == b"text"
    assert vault.open(sealed, "note") is None
    assert all(
        vault.open(sealed[:at] + ("A" if sealed[at] != "A" else "B") + sealed[at + 1 :], "session") is None
        for at in range(0, len(sealed) - 1, 3)
    )
    for bad in ("x", "", "é", stranger, "A" * 5000, sealed):
        look = pages.browser()
        answer = look("/", headers=[("cookie", f"pinset={bad}".encode("latin-1", "replace"))])
        assert answer.status_code == 303, bad


def test_guesses_are_counted_and_recorded(memory: LocalRegistry, pages_of: Callable[..., Any], token: str) -> None:
    look = pages_of(memory).browser(client=("192.0.2.9", 1))
    answer = look.sign_in("pst_" + "a" * 30)
    assert answer.status_code == 422
    assert "Not signed in" in answer.text
    assert "pst_aaaa" not in answer.text
    item = memory.audit.items()["items"][0]
    assert (item["outcome"], item["action"], item["address"]) == ("refused", "sign-in", "192.0.2.9")
    form = look.token()
    statuses = [
        look.post("/sign-in", {"token": form, "credential": f"pst_{number}"}, {}).status_code for number in range(120)
    ]
    assert statuses[-1] == 429
    assert look("/sign-in").status_code == 200


# -- Forms ---------------------------------------------------------------------------------------------------------


def test_only_our_own_forms_are_taken(memory: LocalRegistry, pages_of: Callable[..., Any], token: str) -> None:
    pages = pages_of(memory)
    look, other = pages.browser(), pages.browser()
    look.sign_in(token)
    good = look.token("/")
    fields = {"theme": "dark", "next": "/"}
    own = {"origin": "http://localhost", "sec-fetch-site": "same-origin"}
    assert look.post("/theme", {"token": good, **fields}, own).status_code == 303
    assert look.post("/theme", {"token": good, **fields}, {}).status_code == 303
    for name, token_of, headers in (
        ("none", "", own),
        ("not ours", "AAAA", own),
        ("another session's", other.token(), own),
        ("from elsewhere", good, {**own, "origin": "https://evil.example"}),
        ("from null", good, {**own, "origin": "null"}),
        ("of a sibling", good, {**own, "sec-fetch-site": "same-site"}),
        ("cross-site", good, {"sec-fetch-site": "cross-site"}),
    ):
        answer = look.post("/theme", {"token": token_of, **fields}, headers)
        assert answer.status_code == 403, name
        assert '<div class="fault">' in answer.text


def test_a_form_of_a_session_that_is_over_leads_to_signing_in(
    memory: LocalRegistry, pages_of: Callable[..., Any], token: str
) -> None:
    pages = pages_of(memory)
    look = pages.browser()
    look.sign_in(token)
    form, own = look.token("/"), {"origin": look.base, "sec-fetch-site": "same-origin"}
    assert "set-cookie" not in pages.browser().post("/sign-out", {}, {"sec-fetch-site": "cross-site"}).headers
    assert look.post("/sign-out", {"token": "x"}, own).status_code == 403
    look.http.cookies.set("pinset", "over", domain="localhost.local")
    answer = look.post("/changes/tone-2", {"token": form, "reason": "typed"}, own)
    assert answer.status_code == 401
    assert 'href="/sign-in?next=/changes/tone-2"' in answer.text
    assert "Authorization" not in answer.text
    left = look.post("/sign-out", {"token": form}, own)
    assert (left.status_code, left.headers["location"]) == (303, "/sign-in")
    assert "pinset=; Path=/" in left.headers["set-cookie"]


def test_a_forms_token_is_another_text_each_time(memory: LocalRegistry, pages_of: Callable[..., Any]) -> None:
    look = pages_of(memory).browser()
    first, second = look.token(), look.token()
    assert first != second
    for one in (first, second):
        assert look.post("/theme", {"token": one, "theme": ""}, {}).status_code == 303


def test_a_page_takes_a_form_and_nothing_else(memory: LocalRegistry, pages_of: Callable[..., Any]) -> None:
    look = pages_of(memory).browser()
    form = look.token()
    assert (
        look(
            "/theme", "POST", content=json.dumps({"token": form}), headers={"content-type": "application/json"}
        ).status_code
        == 415
    )
    assert look("/theme", "POST", content="token=" + "a" * 70_000, headers=FORM).status_code == 413
    assert look("/theme", "POST", content=f"token={form}&token={form}", headers=FORM).status_code == 422
    assert look("/theme", "POST", content="&".join(f"a{n}=1" for n in range(200)), headers=FORM).status_code == 422
    assert look("/theme", "POST", content="token=%FF", headers=FORM).status_code == 422
    assert look("/v1/check", "POST", content=f"token={form}", headers=FORM).status_code == 415
    assert look("/theme").status_code == 405


def test_the_theme_is_remembered_without_javascript(memory: LocalRegistry, pages_of: Callable[..., Any]) -> None:
    look = pages_of(memory).browser()
    assert "data-theme" not in look("/").text
    answer = look.send("/theme", on="/", theme="dark", next="/components?kind=prompts")
    assert answer.headers["location"] == "/components?kind=prompts"
    assert 'data-theme="dark"' in look("/").text
    look.send("/theme", on="/", theme="<b>", next="//evil.example")
    assert "data-theme" not in look("/").text


# -- With an issuer ------------------------------------------------------------------------------------------------


class Desk:
    """An issuer that people sign in at: it gives one code, and what it answers for it."""

    def __init__(self, url: str) -> None:
        self.url, self.asked, self.nonce, self.claims = url, [], "", {}

    def exchange(self, where: Any, issuer: Issuer, code: str, verifier: str, back: str) -> dict[str, str]:
        self.asked.append((where.token, code, verifier, back))
        said = {"aud": "pages", "sub": "ana", "nonce": self.nonce, **self.claims}
        return {"id_token": idp.token(idp.claims(self.url, **said))}


@pytest.fixture
def desk_of(memory: LocalRegistry, pages_of: Callable[..., Any]) -> Callable[..., Any]:
    """Pages with an issuer."""

    def make() -> tuple[Any, Desk]:
        url = "https://idp.example.com"
        allow = (Allow(claims={"sub": ("ana",)}, grants=parse_grants("read")),)
        issuer = Issuer(issuer=url, audience="pinset", allow=allow, client=Client(id="pages", label="Example SSO"))
        described = {"issuer": url, "authorization_endpoint": url + "/ask", "token_endpoint": url + "/give"}
        fetch = lambda address: described if "well-known" in address else idp.jwks("rsa")  # noqa: E731
        keyed = Issuer(issuer=url, audience="pinset", allow=allow, client=issuer.client, jwks_uri=url + "/keys")
        others = Issuers([keyed], fetch=fetch).identify
        pages = pages_of(memory, others=others, chosen=Pages(url="http://localhost"), issuers=[issuer])
        from pinset.web.signing_in import SigningIn

        desk = Desk(url)
        pages.api.state.signing = SigningIn(
            Pages(url="http://localhost"), [issuer], endpoints=Endpoints(fetch), exchange=desk.exchange
        )
        return pages.browser(), desk

    return make


def begun(look: Any, target: str = "/components") -> dict[str, list[str]]:
    """What the issuer is asked."""
    answer = look(f"/sign-in/with/1?next={target}")
    assert answer.status_code == 303
    asked = urlsplit(answer.headers["location"])
    assert asked.netloc == "idp.example.com"
    return parse_qs(asked.query)


def test_somebody_signs_in_where_an_issuer_says_who_they_are(desk_of: Callable[..., Any]) -> None:
    look, desk = desk_of()
    assert "Sign in with Example SSO" in look("/sign-in").text
    query = begun(look)
    assert query["code_challenge_method"] == ["S256"]
    assert query["redirect_uri"] == ["http://localhost/sign-in/callback"]
    assert query["scope"] == ["openid"]
    desk.nonce = query["nonce"][0]
    answer = look(f"/sign-in/callback?code=abc&state={query['state'][0]}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/components")
    where, code, verifier, back = desk.asked[0]
    import hashlib

    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    assert (where, code, back) == (desk.url + "/give", "abc", "http://localhost/sign-in/callback")
    assert query["code_challenge"] == [challenge]
    assert "oidc:ana" in look("/components").text
    # The code was for once: what the browser kept is forgotten.
    assert look(f"/sign-in/callback?code=abc&state={query['state'][0]}").status_code == 422


@pytest.mark.parametrize(
    "wrong",
    ["state", "nonce", "no code", "error", "another issuer", "another browser", "unsigned", "nobody", "audience"],
)
def test_what_is_wrong_with_a_sign_in_is_said_and_lets_nobody_in(desk_of: Callable[..., Any], wrong: str) -> None:
    look, desk = desk_of()
    query = begun(look)
    state, desk.nonce = query["state"][0], query["nonce"][0]
    answer = {"code": "abc", "state": state}
    match wrong:
        case "state":
            answer["state"] = "x" + state[1:]
        case "nonce":
            desk.nonce = "other"
        case "no code":
            del answer["code"]
        case "error":
            answer = {"state": state, "error": "access_denied", "error_description": "<b>no</b>"}
        case "another issuer":
            answer["iss"] = "https://evil.example"
        case "another browser":
            look.http.cookies.clear()
        case "unsigned":
            desk.claims = {"iss": "https://evil.example"}
        case "nobody":
            desk.claims = {"sub": "mallory"}
        case "audience":
            desk.claims = {"aud": "somebody-else"}
    done = look("/sign-in/callback", params=answer)
    assert done.status_code == (403 if wrong == "nobody" else 422)
    assert "Not signed in" in done.text
    assert "<b>no" not in done.text
    assert look("/").status_code == 303


def test_an_issuer_that_does_not_answer_is_not_asked_again_at_once_and_says_why() -> None:
    asked, at = [], [0.0]

    def fetch(address: str) -> Any:
        asked.append(address)
        raise OSError("no route to host")

    issuer = Issuer(issuer="https://idp.example.com", audience="pinset", client=Client(id="pages"))
    endpoints = Endpoints(fetch, lambda: at[0])
    for at[0] in (0.0, 1.0, PAUSE_SECONDS + 1):
        with pytest.raises(Unavailable, match="no route to host"):
            endpoints.of(issuer)
    assert len(asked) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://idp.example.com/give"},
        {"authorization_endpoint": 7},
    ],
)
def test_an_issuer_that_points_elsewhere_is_not_followed(wrong: dict[str, Any]) -> None:
    url = "https://idp.example.com"
    described = {"issuer": url, "authorization_endpoint": url + "/ask", "token_endpoint": url + "/give", **wrong}
    issuer = Issuer(issuer=url, audience="pinset", client=Client(id="pages"))
    with pytest.raises(Unavailable):
        Endpoints(lambda _: described).of(issuer)


def test_a_code_is_exchanged_with_the_clients_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sent: list[tuple[str, dict[str, list[str]], str]] = []

    def fetched(url: str, *, body: bytes, headers: dict[str, str]) -> dict[str, str]:
        sent.append((url, parse_qs(body.decode()), headers.get("Authorization", "")))
        return {"id_token": "t"}

    monkeypatch.setattr(codes, "fetched", fetched)
    (tmp_path / "secret").write_text("s3:cret\n")
    client = Client(id="pages", secret_file=str(tmp_path / "secret"))
    issuer = Issuer(issuer="https://idp.example.com", audience="pinset", client=client)
    for basic in (True, False):
        where = Where("https://idp.example.com/ask", "https://idp.example.com/give", basic)
        assert codes.exchanged(where, issuer, "code", "verifier", "https://p.example/back") == {"id_token": "t"}
    assert [header for _, _, header in sent] == ["Basic " + base64.b64encode(b"pages:s3%3Acret").decode(), ""]
    assert sent[0][1]["code_verifier"] == ["verifier"]
    assert "client_secret" not in sent[0][1]
    assert sent[1][1]["client_secret"] == ["s3:cret"]

    def refused(*_: Any, **__: Any) -> None:
        raise OSError("it answered 400")

    monkeypatch.setattr(codes, "fetched", refused)
    with pytest.raises(Unauthenticated, match="did not take the code"):
        codes.exchanged(where, issuer, "code", "verifier", "https://p.example/back")


def test_where_no_issuer_is_configured_there_is_no_button(
    memory: LocalRegistry, pages_of: Callable[..., Any], token: str
) -> None:
    look = pages_of(memory).browser()
    assert "Sign in with" not in look("/sign-in").text
    assert look("/sign-in/with/1").status_code == 404


CONFIGURED = """\
[pages]
url = "https://pinset.example.com/"
session_hours = 8
[[oidc]]
issuer = "https://idp.example.com"
audience = "pinset"
client_id = "pages"
client_secret_file = "/etc/pinset/secret"
label = "Example SSO"
[[oidc.allow]]
claims = {sub = "ana"}
can = "read"
"""


def test_pages_are_configured_strictly() -> None:
    chosen = parse(CONFIGURED)
    assert chosen.pages == Pages(url="https://pinset.example.com", session_hours=8)
    assert chosen.oidc[0].audiences == ("pinset", "pages")
    assert not parse("[pages]\nenabled = false").pages.enabled
    for text, words in (
        (
            CONFIGURED.replace("[pages]\n", "").replace('url = "https://pinset.example.com/"\nsession_hours = 8\n', ""),
            "no url",
        ),
        (CONFIGURED.replace('label = "Example SSO"', 'client_secret = "s"'), "both"),
        (CONFIGURED.replace('label = "Example SSO"', 'scope = "email"'), "openid"),
        (CONFIGURED.replace('client_id = "pages"\n', ""), "client_id"),
        ("[pages]\nenabled = 1", "true or false"),
        ("[pages]\nurl = 'http://pinset.example.com'", "https"),
        ("[pages]\nurl = 'https://a.example/path'", "without a path"),
        ("[pages]\nsession_hours = 10000", "720"),
        ("[pages]\ncolour = 'red'", "colour"),
    ):
        with pytest.raises(InvalidConfig) as caught:
            parse(text)
        assert words in json.dumps(caught.value.details), words


# -- Keys ----------------------------------------------------------------------------------------------------------

MONTH = secrets.NEW_AFTER


def test_keys_are_made_once_kept_private_and_renewed(tmp_path: Path) -> None:
    secrets.ready(tmp_path, now=1_000 * MONTH)
    first = secrets.keys(tmp_path)
    assert (tmp_path / secrets.FILE).stat().st_mode & 0o777 == 0o600
    secrets.ready(tmp_path, now=1_000 * MONTH + 1)
    assert secrets.keys(tmp_path) == first
    sealed = Vault(first).seal(b"x", "session")
    secrets.ready(tmp_path, now=1_001 * MONTH)
    newer = secrets.keys(tmp_path)
    assert newer[1:] == first
    assert Vault(newer).open(sealed, "session") == b"x"
    secrets.ready(tmp_path, now=1_004 * MONTH)
    assert first[0] not in secrets.keys(tmp_path)


def test_keys_that_others_may_read_are_not_used(tmp_path: Path) -> None:
    secrets.ready(tmp_path, now=1)
    (tmp_path / secrets.FILE).chmod(0o644)
    with pytest.raises(PermissionDenied, match="other users"):
        secrets.keys(tmp_path)


def test_workers_of_a_server_share_sessions_and_a_restart_keeps_them(
    home: Path, monkeypatch: pytest.MonkeyPatch, pages_of: Callable[..., Any]
) -> None:
    registry = bootstrap.local_registry(home)
    token = str(registry.create_token(world.ANA, "ana", can="read")["token"])
    where = serving._page_keys(home)
    assert where == secrets.FILE
    monkeypatch.setenv(serving._PAGES, where)
    sites = [serving._with_pages(create_app(registry), home, parse("")) for _ in range(2)]
    one, other = (pages_of(registry, app=site).browser() for site in sites)
    cookie = one.sign_in(token).headers["set-cookie"].partition(";")[0]
    assert serving._page_keys(home) == secrets.FILE
    assert other("/", headers={"cookie": cookie}).status_code == 200
    registry.close()


def test_a_directory_that_cannot_be_written_to_is_served_all_the_same(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(secrets.tempfile, "mkstemp", full)
    where = serving._page_keys(home)
    assert len(bytes.fromhex(where)) == 32
    assert not (home / secrets.FILE).exists()
