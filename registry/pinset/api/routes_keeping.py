"""The registry itself: what it is, how it is, credentials, and what became of a write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Query
from starlette.responses import PlainTextResponse, Response

from pinset.api import exposition
from pinset.api import parameters as p
from pinset.domain import answers as a
from pinset.errors import InvalidInput
from pinset.wire import requests as r  # noqa: TC001 - the framework reads the annotations

if TYPE_CHECKING:
    from pinset.api.context import Asked

router = APIRouter(prefix="/v1", responses=p.LOOKING, tags=["registry"])
open_router = APIRouter(responses=p.LOOKING, tags=["health"])


@router.get("/registry", response_model=a.RegistryAnswer)
def get_registry(asked: p.Asks) -> Response:
    """Which registry this is."""
    return asked.answered(asked.registry.describe())


@router.get("/whoami", response_model=a.WhoAnswer)
def whoami(asked: p.Asks) -> Response:
    """Who asks, and what they may do."""
    return asked.answered(asked.registry.whoami(asked.caller))


@router.get("/operations/{operation}", response_model=a.OperationAnswer)
def get_operation(asked: p.Reads, operation: p.Operation) -> Response:
    """What became of a write."""
    if not p.OPERATION.fullmatch(operation):
        raise InvalidInput("this is no operation's id", hint="it is op_ and 24 hexadecimal digits")
    return asked.answered(asked.registry.operation(operation))


@router.post("/verify", response_model=a.VerifyAnswer, responses=p.SENDING)
def verify(
    asked: p.Verifies,
    bundle: Annotated[str | None, Query(max_length=64, description="Only this one; else all.")] = None,
) -> Response:
    """Prove every digest and chain against git."""
    return asked.answered(asked.registry.verify(bundle))


@router.get("/tokens", response_model=a.Page[a.TokenAnswer])
def list_tokens(asked: p.Looks) -> Response:
    """All credentials, without secrets."""
    return asked.page(asked.registry.tokens())


@router.post("/tokens", response_model=a.TokenAnswer, responses=p.SENDING)
def create_token(asked: p.Credentials, body: r.TokenRequest) -> Response:
    """Make a credential. The answer holds a secret, so it is never kept: a retry is told that the name is taken."""
    made = asked.registry.create_token(
        asked.caller, body.name, can=body.grants, person=body.person, lifetime=body.lifetime
    )
    return asked.answered(made)


@router.delete("/tokens/{name}", response_model=a.TokenAnswer, responses=p.SENDING)
def revoke_token(asked: p.Credentials, name: p.TokenName) -> Response:
    """End a credential."""
    return asked.answered(asked.registry.revoke_token(asked.caller, name))


@open_router.get("/healthz")
async def healthz(asked: p.Asks) -> dict[str, str]:  # noqa: ARG001 - the guard lets everybody in, the table must know it
    """Whether the process answers."""
    return {"status": "ok"}


@open_router.get("/readyz")
async def readyz(asked: p.Asks) -> dict[str, Any]:
    """Whether the registry can be read, and up to which write."""
    # A thread of its own: those of the other requests may all be at work.
    found = await to_thread.run_sync(asked.registry.describe, limiter=asked.request.app.state.probe)
    return {"status": "ready", "serial": found["serial"]}


@open_router.get("/metrics", response_class=PlainTextResponse)
async def get_metrics(asked: p.ReadsAll) -> Response:
    """The server's figures for Prometheus."""
    text = await to_thread.run_sync(_figures, asked, limiter=asked.request.app.state.counting)
    return Response(text, media_type=exposition.MEDIA_TYPE)


def _figures(asked: Asked) -> str:
    state = asked.request.app.state
    scrub = state.scrubs.last() if state.scrubs is not None else None
    state.adoption.tell()
    return exposition.text(
        asked.registry.describe(),
        scrub,
        answers=state.requests.now(),
        fetches=state.fetches.now(),
        clients=asked.registry.all_clients(),
        foreign=state.foreign.count,
        limited=state.limiter.counts.copy(),
        connections=state.connections.here,
        forwarded=state.forwarded.copy(),
    )


@open_router.get("/openapi.json", include_in_schema=False)
def openapi(asked: p.Asks) -> Response:
    """The description of all this."""
    return asked.answered(asked.request.app.openapi())
