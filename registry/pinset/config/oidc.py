"""``[[oidc]]``: whose tokens are taken beside the registry's own, what they must say, and what they may do then."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from pinset.domain.access import parse_grants
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.config.pages import Pages
    from pinset.config.toml import Path, Reader
    from pinset.domain.access import Grant

ALGORITHMS: Final = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
)  # fmt: skip
"""Signatures by a private key. With HS256 whoever knows the public one could sign, and with none anybody."""
USUAL: Final = ("RS256",)
CLAIM: Final = re.compile(r"[A-Za-z0-9_.:/-]{1,100}")
PLACE: Final = re.compile(r"\{([A-Za-z0-9_.:/-]{1,100})\}")
"""A claim's place in a template."""
_KEYS: Final = (
    "issuer", "audience", "algorithms", "actor", "person", "jwks_uri", "lifetime_seconds", "leeway_seconds", "allow",
    *("client_id", "client_secret", "client_secret_file", "scope", "label"),
)  # fmt: skip
_SHOWN: Final = ('"…"', '"/etc/pinset/client-secret"', '"openid email"', '"Example SSO"')
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_CLAIMS_HINT: Final = 'add a line: claims = {sub = "repo:acme/support:*", ref = "refs/heads/main"}'

_OF_CLIENT: Final = ("client_secret", "client_secret_file", "scope", "label")
SCOPE: Final = "openid"
LIFETIME: Final = 3600
LEEWAY: Final = 30

Wanted = str | int | bool
"""What a claim must be: a text, in which ``*`` stands for anything, or exactly a number, true or false."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allow:
    """What tokens may do whose claims are all as wanted. claims: of each, one of the values must fit."""

    claims: Mapping[str, tuple[Wanted, ...]]
    grants: tuple[Grant, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """As whom the pages ask an issuer who somebody is. secret, secret_file: at most one is given; '' for neither.

    scope: what is asked for, apart by spaces. label: what the button says, '' for the issuer's host.
    """

    id: str
    secret: str = ""
    secret_file: str = ""
    scope: str = SCOPE
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """One issuer and what its tokens must say. issuer, audience: exactly. actor, person: templates; '' for no person.

    jwks_uri: where its keys are, '' for where its own description says. lifetime: seconds that a token may be good
    for. leeway: seconds by which clocks may differ. client: as whom the pages let people sign in there, None for nobody.
    """

    issuer: str
    audience: str
    algorithms: tuple[str, ...] = USUAL
    actor: str = "{sub}"
    person: str = ""
    jwks_uri: str = ""
    lifetime: int = LIFETIME
    leeway: int = LEEWAY
    allow: tuple[Allow, ...] = ()
    client: Client | None = None

    @property
    def audiences(self) -> tuple[str, ...]:
        """Whom a token may be meant for: the registry, and who signed in on its pages."""
        return (self.audience,) if self.client is None else (self.audience, self.client.id)

    @property
    def host(self) -> str:
        """The host, and the port where there is one."""
        return urlsplit(self.issuer).netloc


def read_issuers(reader: Reader, table: Mapping[str, Any], pages: Pages) -> tuple[Issuer, ...]:
    """The issuers of a file. pages: those on which people sign in. Each is there once, and none can name an actor as another one does."""
    found: list[tuple[Issuer, Path]] = []
    for value, path in reader.tables(table, "oidc", ()):
        issuer = _issuer(reader, value, path)
        if issuer.client is not None and not pages.url:
            hint = 'add a table [pages] with a line: url = "https://pinset.example.com"'
            message = "to sign in there the issuer must know where to send people back to: pages has no url"
            reader.note("missing-key", (*path, "client_id"), message, hint)
        if any(issuer.issuer and issuer.issuer == other.issuer for other, _ in found):
            hint = "write one [[oidc]] for it, with several [[oidc.allow]]"
            reader.note("doubled-name", (*path, "issuer"), f"the issuer {issuer.issuer} is there twice", hint)
        found.append((issuer, path))
    starts = [(PLACE.split(issuer.actor)[0], path) for issuer, path in found]
    for at, (start, path) in enumerate(starts):
        others = [other for index, (other, _) in enumerate(starts) if index != at]
        if any(start.startswith(other) or other.startswith(start) for other in others):
            message = (
                "with several issuers each needs an actor that begins in its own way, or two could be taken for one"
            )
            reader.note(
                "bad-value", (*path, "actor"), message, 'write actor = "github:{sub}", and another word for the others'
            )
    return tuple(issuer for issuer, _ in found)


def is_trustworthy(url: str) -> bool:
    """Whether what is fetched from an address comes from there: by https, or from this machine."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    plain = parts.username is None and not parts.query and not parts.fragment and url.isascii() and url.isprintable()
    near = parts.scheme == "http" and parts.hostname in _LOOPBACK
    return bool(plain and parts.hostname and port != 0 and " " not in url and (near or parts.scheme == "https"))


def _issuer(reader: Reader, value: Any, path: Path) -> Issuer:
    table = reader.table(value, path, _KEYS)
    there = isinstance(value, dict)
    url = _url(reader, table, "issuer", path, '"https://token.actions.githubusercontent.com"', required=there)
    audience = reader.text(table, "audience", path, example='"pinset"', required=there)
    if "*" in audience:
        reader.note("bad-value", (*path, "audience"), "the audience is no pattern", 'write it out: audience = "pinset"')
    allow = [_allow(reader, url, one, place) for one, place in reader.tables(table, "allow", path)]
    if there and not table.get("allow"):
        reader.note("missing-key", path, "oidc allows nobody anything", "add [[oidc.allow]] with claims and can")
    lifetime = reader.number(table, "lifetime_seconds", path, default=LIFETIME, least=60, most=86_400)
    leeway = reader.number(table, "leeway_seconds", path, default=LEEWAY, least=0, most=300)
    return Issuer(
        issuer=url,
        audience=audience,
        algorithms=_algorithms(reader, table, path),
        actor=_template(reader, table, "actor", path, example='"{sub}"') or "{sub}",
        person=_template(reader, table, "person", path, example='"{actor}"'),
        jwks_uri=_url(reader, table, "jwks_uri", path, '"https://idp.example.com/keys"'),
        allow=tuple(one for one in allow if one is not None),
        lifetime=lifetime,
        leeway=leeway,
        client=_client(reader, table, path),
    )


def _client(reader: Reader, table: Mapping[str, Any], path: Path) -> Client | None:
    name = reader.text(table, "client_id", path, example='"pinset-pages"')
    texts = {
        key: reader.text(table, key, path, example=example) for key, example in zip(_OF_CLIENT, _SHOWN, strict=True)
    }
    if not name:
        for key in _OF_CLIENT:
            if key in table and "client_id" not in table:
                reader.note(
                    "missing-key", (*path, key), f"{key} has no meaning without client_id", "add a line: client_id = …"
                )
        return None
    if texts["client_secret"] and texts["client_secret_file"]:
        message = "there are both client_secret and client_secret_file"
        reader.note("bad-value", (*path, "client_secret_file"), message, "keep one of them")
    scope = texts["scope"] or SCOPE
    if "openid" not in scope.split():
        message = "without openid in its scope the issuer does not say who somebody is"
        reader.note("bad-value", (*path, "scope"), message, 'write scope = "openid email"')
    return Client(
        id=name,
        secret=texts["client_secret"],
        secret_file=texts["client_secret_file"],
        scope=scope,
        label=texts["label"],
    )


def _url(
    reader: Reader, table: Mapping[str, Any], key: str, path: Path, example: str, *, required: bool = False
) -> str:
    url = reader.text(table, key, path, example=example, required=required)
    if url and not is_trustworthy(url):
        message = f"{key} must be an https:// address without password, query or fragment"
        reader.note("bad-value", (*path, key), message, f"write {key} = {example}")
    return url


def _algorithms(reader: Reader, table: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    found = reader.texts(table, "algorithms", path, example='["RS256"]') or USUAL
    for one in found:
        if one not in ALGORITHMS:
            message = f"algorithms holds {one!a}, which is no signature by a private key that is known here"
            reader.note("bad-value", (*path, "algorithms"), message, "one of " + ", ".join(ALGORITHMS))
    return found


def _template(reader: Reader, table: Mapping[str, Any], key: str, path: Path, *, example: str) -> str:
    text = reader.text(table, key, path, example=example)
    rest = PLACE.sub("", text)
    if "{" in rest or "}" in rest:
        reader.note("bad-value", (*path, key), f"{key} has a brace that surrounds no claim", f"write {key} = {example}")
        return ""
    if text and key == "actor" and rest == text:
        message = "actor names no claim, so that everybody would be the same"
        reader.note("bad-value", (*path, key), message, f"write {key} = {example}")
        return ""
    return text


def _allow(reader: Reader, issuer: str, value: Any, path: Path) -> Allow | None:
    table = reader.table(value, path, ("claims", "can"))
    if not isinstance(value, dict):
        return None
    can = reader.text(table, "can", path, example='"promote:support-*@staging read"', required=True)
    grants: tuple[Grant, ...] = ()
    if can:
        try:
            grants = parse_grants(can)
        except InvalidInput as error:
            reader.note("bad-value", (*path, "can"), f"can: {error.message}", error.hint)
    claims = _claims(reader, table, path)
    if claims and not _pins(issuer, claims):
        reader.note("bad-value", (*path, "claims"), *_unpinned(issuer))
    return Allow(claims=claims, grants=grants) if claims and grants else None


def _claims(reader: Reader, table: Mapping[str, Any], path: Path) -> dict[str, tuple[Wanted, ...]]:
    value, place = table.get("claims"), (*path, "claims")
    if not value:
        reader.note(
            "missing-key",
            path,
            "oidc.allow has no claims: it would let in everybody whom the issuer knows",
            _CLAIMS_HINT,
        )
        return {}
    if not isinstance(value, dict):
        reader.note("wrong-type", place, "claims must be a table", _CLAIMS_HINT)
        return {}
    found = {name: tuple(wanted) if isinstance(wanted, list) else (wanted,) for name, wanted in value.items()}
    unfit = [
        name
        for name, wanted in found.items()
        if not (CLAIM.fullmatch(name) and wanted and all(map(_is_wanted, wanted)))
    ]
    for name in unfit:
        message = f"the claim {name!a} must be a text, a number, true or false, or a list of these"
        reader.note("wrong-type", (*place, name), message, f'write {name} = "main", with * for anything')
    return {} if unfit else found


def _is_wanted(value: Any) -> bool:
    return isinstance(value, bool | int) or (isinstance(value, str) and 0 < len(value) <= 1000)


# -- Who signs for everybody must be told whom to sign for ---------------------------------------------------------

_OWNED: Final[Mapping[str, Mapping[str, re.Pattern[str]]]] = {
    "token.actions.githubusercontent.com": {
        "sub": re.compile(r"repo:[^*/]+/.*"),
        "repository": re.compile(r"[^*/]+/.*"),
        "job_workflow_ref": re.compile(r"[^*/]+/.*"),
        "workflow_ref": re.compile(r"[^*/]+/.*"),
        **dict.fromkeys(("repository_owner", "repository_id", "repository_owner_id"), re.compile(r"[^*]+")),
    },
    "gitlab.com": {
        "sub": re.compile(r"project_path:[^*/]+/.*"),
        "project_path": re.compile(r"[^*/]+/.*"),
        **dict.fromkeys(("namespace_path", "namespace_id", "project_id"), re.compile(r"[^*]+")),
    },
}
"""Issuers that sign tokens for anybody, and the claims that say for whom."""
_ANY: Final = {"": re.compile(r"[^*].*")}


def _pins(issuer: str, claims: Mapping[str, tuple[Wanted, ...]]) -> bool:
    """Whether some claim says who it must be: with a public issuer its owner, else any that does not begin with ``*``."""
    owned = _OWNED.get(urlsplit(issuer).hostname or "")
    for name, wanted in claims.items():
        pattern = _ANY[""] if owned is None else owned.get(name)
        if pattern is not None and all(pattern.fullmatch(str(one)) for one in wanted):
            return True
    return False


def _unpinned(issuer: str) -> tuple[str, str]:
    owned = _OWNED.get(urlsplit(issuer).hostname or "")
    if owned is None:
        return "the claims let in everybody whom the issuer knows", "pin one that says who it is, such as sub"
    return (
        "the claims do not say whose it must be, and this issuer signs for everybody",
        f'pin the owner in one of {", ".join(owned)}; such as sub = "{"repo:acme/" if "repository" in owned else "project_path:acme/"}support:*"',
    )
