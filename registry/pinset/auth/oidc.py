"""Tokens of an OIDC issuer: what one says, whether it is proven by keys that are given, and who that is here.

Nothing here fetches or keeps anything (`pinset.auth.issuers` does), and nothing that a token names is followed: not the
address of a key (``jku``, ``x5u``), not a key it brings along (``jwk``, ``x5c``), not an issuer that nobody configured.
"""

from __future__ import annotations

import base64
import binascii
import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from joserfc.errors import JoseError
from joserfc.jwk import import_key
from joserfc.jws import JWSRegistry

from pinset.auth.identity import Identity
from pinset.config.oidc import PLACE
from pinset.domain import names
from pinset.domain.globs import fits
from pinset.domain.text import strict_json
from pinset.errors import PermissionDenied, Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pinset.config.oidc import Issuer, Wanted

LONGEST: Final = 16 * 1024
"""Characters of a token."""
PREFIX: Final = "oidc:"
"""What every actor begins with that an issuer vouches for: no name of a token holds a colon."""
MOST_KEYS: Final = 64
_ACTOR: Final = 200
"""Characters of an actor, and of a person."""
_PART: Final = re.compile(r"[A-Za-z0-9_-]+")
_RSA_BYTES: Final = (256, 1024)
"""Of a modulus: with fewer a key can be found, and with more each look costs much."""
_CURVES: Final = frozenset({"P-256", "P-384", "P-521", "Ed25519"})
_NOBODY: Final = frozenset({"local", "anonymous", "pinset"})
"""Persons and actors that are nobody's credential."""
_SHOWN: Final = 12
"""Claims that a refusal tells."""


class Unproven(NamedTuple):
    """A token as it came: nothing that it says is believed yet.

    issuer: the configured one that it claims. expires_at: microseconds since 1970 until when it would be taken.
    """

    issuer: Issuer
    algorithm: str
    kid: str | None
    claims: Mapping[str, Any]
    expires_at: int
    signed: bytes
    signature: bytes


class Keys:
    """The public keys of one issuer, as many of them as can be used."""

    def __init__(self, jwks: Any) -> None:
        """Raises ValueError for what is no set of keys, and for one of which none can be used."""
        found = jwks.get("keys") if isinstance(jwks, dict) else None
        if not isinstance(found, list) or len(found) > MOST_KEYS:
            raise ValueError(f"it is no list of at most {MOST_KEYS} keys")
        self._keys = [key for key in map(_key, found) if key is not None]
        if not self._keys:
            raise ValueError("it has no key that can be used")

    def fitting(self, kid: str | None, algorithm: str) -> list[Any]:
        """The keys that a token may be signed with. Without a name in the token it must be the only one."""
        found = [key for key in self._keys if (kid is None or key.kid == kid) and _suits(key, algorithm)]
        return found if kid is not None or len(found) == 1 else []


def look(text: str, issuers: Mapping[str, Issuer], now: int) -> Unproven:
    """What a text says, before anything of it is proven. now: microseconds since 1970.

    Raises Unauthenticated where no key could make it a token that is good here and now: so nobody is asked for a key
    in vain, and one that has expired is refused also while no keys are known.
    """
    parts = text.split(".") if len(text) <= LONGEST else []
    if len(parts) != 3:
        raise _refused(
            "the credential is no token that is known here", "send a pst_… token, or one of a configured issuer"
        )
    header, claims = (_object(part) for part in parts[:2])
    name, kid = claims.get("iss"), header.get("kid")
    issuer = issuers.get(name) if isinstance(name, str) else None
    if issuer is None:
        raise _refused(
            "the token's issuer is not one that is taken here", "its iss must be an issuer of config.toml, exactly"
        )
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in issuer.algorithms:
        taken = ", ".join(issuer.algorithms)
        raise _refused("the token is signed in a way that is not taken here", f"of this issuer are taken: {taken}")
    if "crit" in header or not isinstance(kid, str | None):
        raise _refused("the token's header asks for what is not known here", "have it made without crit")
    signed, signature = f"{parts[0]}.{parts[1]}".encode(), _bytes(parts[2])
    expires = _check_times(issuer, claims, now / 1_000_000)
    if claims.get("aud") not in [form for one in issuer.audiences for form in (one, [one])]:
        hint = f"ask the issuer for one with the audience {issuer.audience}"
        raise _refused("the token is not meant for this registry", hint)
    return Unproven(issuer, algorithm, kid, claims, round(expires * 1_000_000), signed, signature)


def prove(token: Unproven, keys: Iterable[Any]) -> Identity:
    """Who sends a token. keys: of which one must have signed it.

    Raises Unauthenticated where none did, PermissionDenied where it may do nothing.
    """
    model = JWSRegistry.algorithms[token.algorithm]
    if not any(_verified(model, token, key) for key in keys):
        raise _refused("the token's signature is not one of its issuer", "get a new token from the issuer")
    return _identity(token.issuer, token.claims, token.expires_at)


def _check_times(issuer: Issuer, claims: Mapping[str, Any], now: float) -> float:
    """Until when the token is taken. Raises Unauthenticated where it is not good now."""
    leeway, fresh = issuer.leeway, "get a new token from the issuer"
    times = [_time(claims, name) for name in ("exp", "iat", "nbf")]
    expires, issued, begins = times[0], times[1], times[2] if "nbf" in claims else 0.0
    if expires is None or issued is None or begins is None:
        raise _refused("the token does not say in exp, iat and nbf when it is good", "have the issuer add exp and iat")
    if now >= expires + leeway:
        raise _refused("the token has expired", fresh)
    if now < max(begins, issued) - leeway:
        raise _refused("the token is not good yet", "check the clocks of the issuer and of this registry")
    if expires - issued > issuer.lifetime:
        hint = f"have it made for at most {issuer.lifetime} s, or raise lifetime_seconds in config.toml"
        raise _refused("the token is good for longer than is taken here", hint)
    return expires + leeway


def _identity(issuer: Issuer, claims: Mapping[str, Any], expires_at: int) -> Identity:
    granted = [allow.grants for allow in issuer.allow if _all_fit(allow.claims, claims)]
    if not granted:
        told = _told(issuer, claims)
        said = "; ".join(f"{name} is {names.show(value, 200)}" for name, value in told.items())
        raise PermissionDenied(
            f"the token is good, and no rule of this registry fits it: {said or 'it has none of the claims that are asked for'}",
            hint="add an [[oidc.allow]] for these claims to config.toml, and start the server again",
            details={"claims": told},
        )
    grants = tuple(dict.fromkeys(grant for grants in granted for grant in grants))
    actor = PREFIX + _filled(issuer.actor, claims, _ACTOR - len(PREFIX))
    person = _filled(issuer.person, claims, _ACTOR) if issuer.person else ""
    if person in _NOBODY:
        raise _refused(f"nobody can be called {person} here", "name persons by another claim: person in config.toml")
    return Identity(actor, person, PREFIX + issuer.host, grants, expires_at)


def _all_fit(wanted: Mapping[str, tuple[Wanted, ...]], claims: Mapping[str, Any]) -> bool:
    return all(name in claims and _one_fits(several, claims[name]) for name, several in wanted.items())


def _one_fits(wanted: tuple[Wanted, ...], value: Any) -> bool:
    """Whether a claim is one of those wanted; of a claim that is a list one entry is enough."""
    values = value if isinstance(value, list) else [value]
    return any(_fits(one, each) for one in wanted for each in values)


def _fits(wanted: Wanted, value: Any) -> bool:
    if isinstance(wanted, str):
        return isinstance(value, str) and fits(wanted, value)
    return type(value) is type(wanted) and value == wanted


def _told(issuer: Issuer, claims: Mapping[str, Any]) -> dict[str, str]:
    """The claims that the rules ask for, and ``sub``, as this token has them."""
    asked = dict.fromkeys(["sub", *(name for allow in issuer.allow for name in allow.claims)])
    return {name: str(claims[name])[:200] for name in [*asked][:_SHOWN] if name in claims}


def _filled(template: str, claims: Mapping[str, Any], limit: int) -> str:
    """A template with its claims. Raises Unauthenticated where one is missing or empty."""
    pieces = PLACE.split(template)
    for at in range(1, len(pieces), 2):
        value = claims.get(pieces[at])
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            raise _refused(
                f"the token has no claim {pieces[at]}, by which its sender is named", "have the issuer add it"
            )
        pieces[at] = str(value)
    return _cleaned("".join(pieces), limit)


def _cleaned(text: str, limit: int) -> str:
    """A text as it can be recorded, in visible ASCII. What had to be changed ends in a mark of its own: no two become one."""
    clean = "".join(c if "!" <= c <= "~" else "?" for c in text)
    if clean == text and len(text) <= limit:
        return text
    mark = "~" + sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return clean[: limit - len(mark)] + mark


def _verified(model: Any, token: Unproven, key: Any) -> bool:
    try:
        return bool(model.verify(token.signed, token.signature, key))
    except (JoseError, ValueError):
        return False


def _suits(key: Any, algorithm: str) -> bool:
    try:
        JWSRegistry.algorithms[algorithm].check_key(key)
        key.check_key_op("verify")
    except JoseError:
        return False
    return True


def _key(given: Any) -> Any:
    """One public key; None for one that cannot be used, of which an issuer may have some."""
    if not isinstance(given, dict) or not isinstance(given.get("kid"), str | None):
        return None
    kind = given.get("kty")
    try:
        if kind == "RSA":
            least, most = _RSA_BYTES
            if not least <= len(_bytes(str(given.get("n")))) <= most:
                return None
        elif kind not in ("EC", "OKP") or given.get("crv") not in _CURVES:
            return None
        key = import_key({name: value for name, value in given.items() if name in _PUBLIC})
    except (JoseError, ValueError, TypeError, KeyError, Unauthenticated):
        return None
    return key


_PUBLIC: Final = frozenset({"kty", "kid", "use", "alg", "key_ops", "n", "e", "crv", "x", "y"})
"""What is read of a key. Whoever publishes a private one has lost it, and we do not need it."""


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    return None if isinstance(value, bool) or not isinstance(value, int | float) else float(value)


def _object(part: str) -> dict[str, Any]:
    try:
        found = strict_json.loads_bytes(_bytes(part))
    except strict_json.StrictJsonError:
        found = None
    if not isinstance(found, dict):
        raise _refused("the credential is no token that is known here", "send it as the issuer made it")
    return found


def _bytes(part: str) -> bytes:
    """What base64url without padding stands for. Raises Unauthenticated."""
    try:
        if _PART.fullmatch(part):
            return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error:
        pass
    raise _refused("the credential is no token that is known here", "send it as the issuer made it")


def _refused(message: str, hint: str) -> Unauthenticated:
    return Unauthenticated(message, hint=hint)
