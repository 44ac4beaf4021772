"""What is not for a registry of prompts: passed on to the MLflow server behind this one, or refused with the way out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import quote

import httpx
from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from pinset.compat.answering import Asks  # noqa: TC001 - the framework reads the annotations
from pinset.compat.mlflow.errors import ENDPOINT
from pinset.domain.access import EVERYTHING, Verb, may, permit
from pinset.domain.names import is_bundle_name, show
from pinset.errors import InvalidInput, NotFound, PermissionDenied, Unavailable

if TYPE_CHECKING:
    from pinset.api.context import Asked
    from pinset.config.compat import Spoken

ALL: Final = EVERYTHING
LONGEST: Final = 16 * 1024 * 1024
"""Bytes of an answer that is passed on."""
_BEGINNING: Final = "/compat/mlflow"
_SECONDS: Final = httpx.Timeout(20.0, connect=5.0)
_PASSED: Final = "x-pinset-passed-on"
"""Tells a server that is its own upstream that it is."""
_MODELS: Final = ("/api/2.0/mlflow/registered-models/", "/api/2.0/mlflow/model-versions/")
_HERE: Final = "this is a registry of prompts"
router = APIRouter(include_in_schema=False)


async def _body(request: Request) -> bytes:
    return await request.body()


Sent = Annotated[bytes, Depends(_body)]
"""The body as it was sent."""


@router.api_route("/compat/mlflow/{rest:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
async def anything(asked: Asks, sent: Sent) -> Response:
    """Whatever else is asked of MLflow's registry of models."""
    path = asked.request.url.path.removeprefix(_BEGINNING)
    if not path.startswith(_MODELS) or not _upstream(asked).upstream:
        raise NotFound(
            f"{_HERE}, and does not serve {show(path[:200])}",
            hint="runs, traces and artifacts have an address of their own: MLFLOW_TRACKING_URI",
            details={ENDPOINT: True},
        )
    return await run_in_threadpool(elsewhere, asked, sent, "")


def elsewhere(asked: Asked, sent: bytes, name: str) -> Response:
    """The answer about a name that is no prompt of this registry: of the server behind it, where one is configured.

    Its credential there is this registry's, so that who asks must be allowed the like here: to read, or to publish, that
    name, or all. Raises NotFound, PermissionDenied, Unavailable.
    """
    spoken, request = _upstream(asked), asked.request
    if not spoken.upstream:
        raise NotFound(
            f"there is no prompt {show(name)}: {_HERE}",
            hint="see what there is: pinset list; models are in [compat.mlflow] upstream",
        )
    verb = Verb.READ if request.method == "GET" or request.scope.get("pinset.reads") else Verb.PUBLISH
    grants = asked.caller.grants
    if not (is_bundle_name(name) and may(grants, verb, name, "")):
        permit(grants, verb)
    if _PASSED in request.headers:
        raise InvalidInput("[compat.mlflow] upstream is this server itself", hint="name the MLflow server there")
    path = quote(request.url.path.removeprefix(_BEGINNING))
    query = f"?{request.url.query}" if request.url.query else ""
    return _passed(spoken, request.method, f"{spoken.upstream}{path}{query}", sent)


def _passed(spoken: Spoken, method: str, address: str, sent: bytes) -> Response:
    headers = {_PASSED: "1", "accept": "application/json"}
    if sent:
        headers["content-type"] = "application/json"
    try:
        if spoken.authorization_file:
            headers["authorization"] = Path(spoken.authorization_file).read_text("utf-8").strip()
        with (
            httpx.Client(timeout=_SECONDS, follow_redirects=False, trust_env=False) as client,
            client.stream(method, address, content=sent, headers=headers) as found,
        ):
            body = bytearray()
            for piece in found.iter_bytes():
                body += piece
                if len(body) > LONGEST:
                    raise Unavailable("the MLflow server behind this one answers with too much", hint="ask for less")
    except (OSError, ValueError) as error:
        raise Unavailable(
            "the authorization for the MLflow server behind this one cannot be read", hint="see authorization_file"
        ) from error
    except httpx.HTTPError as error:
        raise Unavailable(
            "the MLflow server behind this one does not answer", hint="see [compat.mlflow] upstream"
        ) from error
    if found.status_code in (401, 403):
        raise PermissionDenied(
            "the MLflow server behind this one does not let it in", hint="see [compat.mlflow] authorization_file"
        )
    return Response(bytes(body), status_code=found.status_code, media_type="application/json")


def has_upstream(asked: Asked) -> bool:
    """Whether there is a server behind this one."""
    return bool(_upstream(asked).upstream)


def _upstream(asked: Asked) -> Spoken:
    spoken: Spoken = asked.request.app.state.compat.protocols["mlflow"]
    return spoken
