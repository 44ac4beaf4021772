"""How MLflow tells a failure: ``{"error_code": …, "message": …}``, by which its clients know what to do.

They repeat what is answered 408, 429, 500, 502, 503 or 504 for minutes, so those are only what may go better.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pinset.compat.protocol import reasons, sentence

if TYPE_CHECKING:
    from collections.abc import Mapping

ENDPOINT: Final = "endpoint"
"""In the details of what is not found because there is no such route."""
_CODES: Final = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    408: "TEMPORARILY_UNAVAILABLE",
    429: "REQUEST_LIMIT_EXCEEDED",
    500: "INTERNAL_ERROR",
    503: "TEMPORARILY_UNAVAILABLE",
}
_STATES: Final = (409, 410, 412, 428)
"""Refusals by what is there, and no mistake of the request itself."""


def told(status: int, problem: Mapping[str, Any]) -> tuple[int, Any]:
    """A failure as its clients read it: they know 400 for all that the request, or what is there, is to blame for."""
    details = problem.get("details") or {}
    message = ". ".join([sentence(problem), *reasons(problem)])
    code = _CODES.get(status)
    if problem["code"] == "already_exists":
        code, status = "RESOURCE_ALREADY_EXISTS", 400
    elif problem["code"] in ("no_such_route", "method_not_allowed") or ENDPOINT in details:
        code, status = "ENDPOINT_NOT_FOUND", 404
    elif status in _STATES and problem["code"] != "checks_failed":
        code, status = "INVALID_STATE", 400
    elif code is None:
        code, status = "INVALID_PARAMETER_VALUE", 400
    return status, {"error_code": code, "message": message}
