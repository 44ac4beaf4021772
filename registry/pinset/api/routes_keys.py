"""Keys, and the signatures of releases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from pinset.api import parameters as p
from pinset.domain import answers as a
from pinset.domain.answers import keys as ka
from pinset.domain.names import bundle_name
from pinset.wire import keys as r  # noqa: TC001 - the framework reads the annotations

if TYPE_CHECKING:
    from starlette.responses import Response

router = APIRouter(prefix="/v1", responses=p.LOOKING, tags=["keys"])


@router.get("/keys", response_model=ka.KeysAnswer)
def list_keys(asked: p.Reads) -> Response:
    """Every public key that the registry knows, its own among them."""
    return asked.answered(asked.registry.keys.all())


@router.post("/keys", response_model=ka.KeyChange, responses=p.SENDING)
def add_key(asked: p.KeepsKeys, body: r.KeyRequest) -> Response:
    """Make an author's or an evaluation's public key known."""
    work = lambda: asked.registry.keys.add(  # noqa: E731 - one call, named
        asked.caller, body.name, body.key, purpose=body.purpose, person=body.person, reason=body.reason
    )
    return asked.changed(body.model_dump(), work)


@router.post("/keys/{name}/retire", response_model=ka.KeyChange, responses=p.SENDING)
def retire_key(asked: p.KeepsKeys, name: p.KeyName, body: r.RetireRequest) -> Response:
    """Let a key count no more."""
    work = lambda: asked.registry.keys.retire(  # noqa: E731 - one call, named
        asked.caller, name, compromised=body.compromised, reason=body.reason
    )
    return asked.changed(body.model_dump(), work)


@router.get("/bundles/{bundle}/releases/{selector}/signatures", response_model=a.Page[ka.SignatureAnswer])
def list_signatures(asked: p.Reads, bundle: p.Bundle, selector: p.Selector) -> Response:
    """The authors' signatures of a release, newest first."""
    return asked.page(asked.registry.keys.signatures(f"{bundle_name(bundle)}@{selector}"))


@router.post("/bundles/{bundle}/releases/{selector}/signatures", response_model=ka.SignedAnswer, responses=p.SENDING)
def add_signature(asked: p.Publishes, bundle: p.Bundle, selector: p.Selector, body: r.SignatureRequest) -> Response:
    """Record an author's signature of a release."""
    named = f"{bundle_name(bundle)}@{selector}"
    work = lambda: asked.registry.keys.sign(asked.caller, named, body.signature)  # noqa: E731 - one call, named
    return asked.changed(body.model_dump(), work)
