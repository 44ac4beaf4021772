"""What is not for a registry of prompts: passed on to the MLflow server behind this one, or refused with the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import quote

from anyio import from_thread
from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response  # noqa: TC002 - the framework reads the annotations

from pinset.api import doors
from pinset.compat.answering import Asks  # noqa: TC001 - as above
from pinset.compat.mlflow.errors import ENDPOINT
from pinset.compat.upstream import Manner, upstream_of
from pinset.domain.access import Verb, may, permit
from pinset.domain.names import is_bundle_name, show
from pinset.errors import NotFound, PermissionDenied

if TYPE_CHECKING:
    from pinset.api.context import Asked
    from pinset.compat.upstream import Upstream

TOOL: Final = "MLflow"
# Its clients repeat for minutes what is answered 503.
MANNER: Final = Manner(seconds=20.0, longest=16 * 1024 * 1024, denied=PermissionDenied)
_BEGINNING: Final = "/compat/mlflow"
_GO: Final = ("accept", "content-type")
"""Headers that go on to the upstream."""
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
    if not path.startswith(_MODELS) or not has_upstream(asked):
        raise NotFound(
            f"{_HERE}, and does not serve {show(path[:200])}",
            hint="runs, traces and artifacts have an address of their own: MLFLOW_TRACKING_URI",
            details={ENDPOINT: True},
        )
    return await run_in_threadpool(elsewhere, asked, sent, "")


def elsewhere(asked: Asked, sent: bytes, name: str) -> Response:
    """The answer about a name that is no prompt of this registry: of the server behind it, where one is configured.

    Its credential there is this registry's, so that who asks must be allowed the like here: to read, or to publish, that
    name, or all. It is called on a thread of the pool. Raises NotFound, PermissionDenied, Unavailable.
    """
    upstream, request = _upstream(asked), asked.request
    if not upstream.url:
        raise NotFound(
            f"there is no prompt {show(name)}: {_HERE}",
            hint="see what there is: pinset list; models are in [compat.mlflow] upstream",
        )
    verb = Verb.READ if request.method == "GET" or request.scope.get(doors.READS) else Verb.PUBLISH
    grants = asked.caller.grants
    if not (is_bundle_name(name) and may(grants, verb, name, "")):
        permit(grants, verb)
    path = quote(request.url.path.removeprefix(_BEGINNING))
    query = f"?{request.url.query}" if request.url.query else ""
    return from_thread.run(upstream.passed, asked, path + query, sent, _GO.__contains__)


def has_upstream(asked: Asked) -> bool:
    """Whether there is a server behind this one."""
    return bool(_upstream(asked).url)


def _upstream(asked: Asked) -> Upstream:
    return upstream_of(asked, TOOL, MANNER)
