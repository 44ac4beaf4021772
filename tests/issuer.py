"""An OIDC issuer on loopback: it describes itself, shows its keys and signs tokens, as well as tests want it to."""

from __future__ import annotations

import base64
import json
import threading
import time
from contextlib import contextmanager
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator


@lru_cache
def key(name: str) -> Any:
    """One private key, made once a process; ``rsa…``, ``ec…`` or ``ed…``, by the name it has as kid."""
    if name.startswith("rsa"):
        return RSAKey.generate_key(2048, {"kid": name})
    if name.startswith("ec"):
        return ECKey.generate_key("P-256", {"kid": name})
    return OKPKey.generate_key("Ed25519", {"kid": name})


def jwks(*names: str) -> dict[str, Any]:
    """The public halves of keys, as an issuer shows them."""
    return {"keys": [{**key(name).as_dict(private=False), "use": "sig"} for name in names]}


def segment(value: Any) -> str:
    """A part of a token. Bytes are taken as they are."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(
    claims: dict[str, Any], *, kid: Any = "rsa", algorithm: str = "RS256", secret: Any = None, **header: Any
) -> str:
    """A signed token. header: what its header has besides; None leaves one out. secret: another key than ``kid`` says."""
    head = {"alg": algorithm, "kid": kid, "typ": "JWT", **header}
    parts = [segment({name: value for name, value in head.items() if value is not None}), segment(claims)]
    model, signer = JWSRegistry.algorithms[algorithm], secret or key(str(kid or "rsa"))
    return ".".join([*parts, segment(model.sign(".".join(parts).encode(), signer))])


def claims(issuer: str, *, now: float | None = None, **other: Any) -> dict[str, Any]:
    """What a good token of a job says; None leaves a claim out."""
    at = int(time.time() if now is None else now)
    usual = {
        "iss": issuer,
        "aud": "pinset",
        "sub": "repo:acme/support:ref:refs/heads/main",
        "ref": "refs/heads/main",
        "actor": "ana",
        "iat": at,
        "nbf": at,
        "exp": at + 300,
    }
    return {name: value for name, value in {**usual, **other}.items() if value is not None}


class Served:
    """An issuer that answers. shown: its keys. asked: the paths that were asked for, in their order."""

    def __init__(self) -> None:
        self.shown: Any = jwks("rsa")
        self.status, self.filler, self.issuer = 200, b"", ""
        self.asked: list[str] = []

        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                described = {"issuer": outer.issuer or outer.url, "jwks_uri": outer.url + "/keys"}
                body = json.dumps(described if "well-known" in self.path else outer.shown).encode() + outer.filler
                self.send_response(outer.status)
                self.send_header("Location", outer.url + "/keys")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"


@contextmanager
def serving() -> Iterator[Served]:
    """An issuer that runs."""
    issuer = Served()
    thread = threading.Thread(target=issuer.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        issuer.server.shutdown()
        issuer.server.server_close()
        thread.join(timeout=20)
