"""Every error as a problem document (RFC 9457). Nothing that a client sent is echoed by the framework's own errors."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from pinset.api.pages import is_page
from pinset.api.tries import tried
from pinset.errors import PermissionDenied, PinsetError, Unauthenticated, http_status
from pinset.services.attempts import REFUSALS

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.types import Scope

    from pinset.auth.identity import Identity
    from pinset.services.local import LocalRegistry

MEDIA_TYPE: Final = "application/problem+json"
RETRY_SECONDS: Final = 1
_CODES: Final = {404: "no_such_route", 405: "method_not_allowed"}
_MOVED: Final = ("alias_moved", "policy_moved", "request_changed")
_LOG: Final = logging.getLogger("pinset.api")
_LOOKING: Final = frozenset({"GET", "OPTIONS"})
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_WHO: Final = (Unauthenticated, PermissionDenied)


class RefusedRequest(Exception):  # noqa: N818 - HTTP's own refusals, outside the tree of errors
    """A request that is refused before it means anything to the registry: its path, its body, its media type."""

    def __init__(self, status: int, code: str, detail: str, hint: str) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.hint = status, code, detail, hint

    def problem(self, request_id: str) -> Response:
        """The problem document."""
        return problem(self.status, self.code, self.detail, hint=self.hint, request_id=request_id)


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    hint: str = "",
    details: dict[str, Any] | None = None,
    request_id: str = "",
    headers: dict[str, str] | None = None,
) -> Response:
    """One problem document as a response."""
    body = {
        "type": f"https://pinset.invalid/problems/{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "hint": hint,
        "details": details or {},
        "request_id": request_id,
    }
    found = {"Cache-Control": "no-store"} | dict(headers or {})
    if status in (429, 503):
        found.setdefault("Retry-After", str((details or {}).get("retry_after") or RETRY_SECONDS))
    if status == HTTPStatus.UNAUTHORIZED:
        found["WWW-Authenticate"] = "Bearer"
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), default=str)
    # Details may quote text that no UTF-8 holds; escaped, it still arrives.
    content = text.encode("utf-8", "backslashreplace")
    return Response(content, status_code=status, media_type=MEDIA_TYPE, headers=found)


def of_error(error: PinsetError, request_id: str, *, conditional: bool = False) -> Response:
    """The problem document of one of our errors. conditional: a failed If-Match is 412, not 409."""
    status = 412 if conditional and error.code in _MOVED else http_status(type(error))
    hint, details = error.hint, error.details
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        _LOG.error("the request %s met %s: %s; %s", request_id, error.code, error.message, hint)
    return problem(status, error.code, error.message, hint=hint, details=details, request_id=request_id)


def of_request(error: PinsetError, request: Request) -> Response:
    """The problem document of an error that a request met; what was refused is recorded."""
    if is_attempt(request.scope, error):
        error = keep_attempt(request.app.state.registry, request.scope, error)
    return of_error(error, _id(request), conditional=_is_conditional(request))


def _is_conditional(request: Request) -> bool:
    return "if-match" in request.headers or "if-none-match" in request.headers


def is_attempt(scope: Scope, error: PinsetError) -> bool:
    """Whether a refusal is to be recorded: of a change, by what is there, or of anything, by who asks."""
    if error.recorded or _is_to_sign_in(scope, error):
        return False
    return isinstance(error, _WHO) or (scope["method"] not in _LOOKING and isinstance(error, REFUSALS))


def _is_to_sign_in(scope: Scope, error: PinsetError) -> bool:
    """Whether somebody without a credential asked for a page: they are sent to sign in, and have tried nothing yet."""
    if not is_page(scope) or not isinstance(error, Unauthenticated) or scope["method"] not in _LOOKING:
        return False
    return not any(name == b"authorization" for name, _ in scope["headers"])


def keep_attempt(registry: LocalRegistry, scope: Scope, error: PinsetError) -> PinsetError:
    """Record a refusal. What to answer: the refusal, or where it cannot be recorded, that."""
    identity: Identity | None = scope.get("pinset.identity")
    try:
        registry.record_attempt(
            actor=scope["pinset.actor"],
            person=identity.person if identity else "",
            via=identity.via if identity else error.credential,
            target=scope["path"],
            code=error.code,
            detail=error.message,
            error=error,
            **tried(scope),
        )
    except PinsetError as failed:
        return failed
    return error


def install(app: FastAPI) -> None:
    """Make an application answer every failure with a problem document."""

    @app.exception_handler(PinsetError)
    async def _ours(request: Request, error: PinsetError) -> Response:
        # Only a record wants a thread: what is wrong with a server is said even where none is free.
        if is_attempt(request.scope, error):
            return await run_in_threadpool(of_request, error, request)
        return of_request(error, request)

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        mistakes = _mistakes(request, error)
        shown = "; ".join(f"{one['where']}: {one['what']}" for one in mistakes)
        count = len(mistakes)
        detail = f"the request has {count} mistakes" if count > 1 else "the request has a mistake"
        details = {"mistakes": mistakes}
        return problem(422, "invalid_request", detail, hint=shown, details=details, request_id=_id(request))

    @app.exception_handler(HTTPException)
    async def _framework(request: Request, error: HTTPException) -> Response:
        code = _CODES.get(error.status_code, "invalid_request")
        headers = dict(error.headers or {})
        detail = HTTPStatus(error.status_code).phrase.lower()
        hint = "the routes are in /openapi.json"
        if is_page(request.scope) and error.status_code == HTTPStatus.NOT_FOUND:
            detail, hint = "there is no page at this address", "look for it from the list of bundles"
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers = {"Allow": _allowed(request)}
        return problem(error.status_code, code, detail, hint=hint, request_id=_id(request), headers=headers)

    @app.exception_handler(Exception)
    async def _bug(request: Request, error: Exception) -> Response:
        _LOG.error("the request %s met a bug", _id(request), exc_info=error)
        hint = "report it with the request id; the server's log has the rest"
        # The framework answers this one outside the guard, which adds the id to all others.
        headers = {"X-Request-Id": _id(request), "X-Content-Type-Options": "nosniff"}
        return problem(500, "internal", "this is a bug in pinset", hint=hint, request_id=_id(request), headers=headers)


def _mistakes(request: Request, error: RequestValidationError) -> list[dict[str, str]]:
    """Where a request is wrong and why. Only names that we gave are said; the client's own are not echoed."""
    model = getattr(getattr(request.scope.get("route"), "body_field", None), "field_info", None)
    fields = getattr(getattr(model, "annotation", None), "model_fields", {})
    known = {field.alias or name for name, field in fields.items()}
    mistakes = []
    for one in error.errors()[:20]:
        place, *steps = (str(step) for step in one["loc"])
        in_body = place == "body"
        shown = [step if not in_body or step in known or step.isdigit() else "…" for step in steps]
        what = str(one["msg"])
        if one["type"] == "extra_forbidden" and known:
            what = "unknown field; there are " + ", ".join(sorted(known))
        mistakes.append({"where": ".".join([place, *shown]), "what": what})
    return mistakes


def _allowed(request: Request) -> str:
    """Every method that some route takes for this path; the guard turns HEAD into GET."""
    scope, routes = request.scope, request.app.routes
    found = [
        method
        for method in _METHODS
        if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in routes)
    ]
    return ", ".join(found).replace("GET", "GET, HEAD")


def _id(request: Request) -> str:
    return str(request.scope.get("pinset.request_id", ""))
