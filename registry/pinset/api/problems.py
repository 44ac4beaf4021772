"""Every error as a problem document (RFC 9457). Nothing that a client sent is echoed by the framework's own errors."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from pinset.errors import PinsetError, http_status

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request

MEDIA_TYPE: Final = "application/problem+json"
_CODES: Final = {404: "no_such_route", 405: "method_not_allowed", 415: "unsupported_media_type"}
RETRY_SECONDS: Final = 1


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
    found = dict(headers or {})
    if status in (429, 503):
        found.setdefault("Retry-After", str(RETRY_SECONDS))
    if status == HTTPStatus.UNAUTHORIZED:
        found["WWW-Authenticate"] = "Bearer"
    text = json.dumps(body, ensure_ascii=True)
    return Response(text, status_code=status, media_type=MEDIA_TYPE, headers=found)


def of_error(error: PinsetError, request_id: str, *, conditional: bool = False) -> Response:
    """The problem document of one of our errors. conditional: a failed If-Match is 412, not 409."""
    status = 412 if conditional and error.code == "alias_moved" else http_status(type(error))
    hint, details = error.hint, error.details
    return problem(status, error.code, error.message, hint=hint, details=details, request_id=request_id)


def install(app: FastAPI) -> None:
    """Make an application answer every failure with a problem document."""

    @app.exception_handler(PinsetError)
    def _ours(request: Request, error: PinsetError) -> Response:
        return of_error(
            error, _id(request), conditional="if-match" in request.headers or "if-none-match" in request.headers
        )

    @app.exception_handler(RequestValidationError)
    def _invalid(request: Request, error: RequestValidationError) -> Response:
        places = [
            {"where": ".".join(str(step) for step in one["loc"] if step != "body"), "what": one["type"]}
            for one in error.errors()[:20]
        ]
        shown = "; ".join(f"{place['where'] or 'the body'}: {place['what']}" for place in places)
        return problem(
            422,
            "invalid_request",
            f"the request has {len(places)} mistakes" if len(places) > 1 else "the request has a mistake",
            hint=shown,
            details={"mistakes": places},
            request_id=_id(request),
        )

    @app.exception_handler(HTTPException)
    def _framework(request: Request, error: HTTPException) -> Response:
        code = _CODES.get(error.status_code, "invalid_request")
        headers = dict(error.headers or {})
        detail = HTTPStatus(error.status_code).phrase.lower()
        hint = "the routes are in /openapi.json"
        return problem(error.status_code, code, detail, hint=hint, request_id=_id(request), headers=headers)

    @app.exception_handler(Exception)
    def _bug(request: Request, _error: Exception) -> Response:
        hint = "report it with the request id; the server's log has the rest"
        return problem(500, "internal", "this is a bug in pinset", hint=hint, request_id=_id(request))


def _id(request: Request) -> str:
    return str(request.scope.get("pinset.request_id", ""))
