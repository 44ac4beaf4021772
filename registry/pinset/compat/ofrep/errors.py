"""How OFREP tells a failure: ``{"key", "errorCode", "errorDetails"}``, with the few statuses that its providers know."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pinset.compat.ofrep.bodies import CONTEXT
from pinset.compat.protocol import sentence
from pinset.errors import TooLarge

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEY: Final = re.compile(r"\S+ /ofrep/v1/evaluate/flags/(.+)", re.DOTALL)
_GONE: Final = frozenset({404, 410})
_AS_THEY_ARE: Final = frozenset({401, 403, 405, 408, 429})
_OURS: Final = 500
"""From here on the request was good."""
_UNKNOWN: Final = "no_such_route"


def told(status: int, problem: Mapping[str, Any]) -> tuple[int, Any]:
    """A failure as its providers read it. What is wrong with a request is 400 there, whatever it is."""
    body = {"errorCode": "GENERAL", "errorDetails": sentence(problem)}
    key = _KEY.fullmatch(problem["asked"])
    if key is not None:
        body = {"key": key[1], **body}
    if problem["code"] == _UNKNOWN or status in _AS_THEY_ARE or status >= _OURS:
        return status, body
    if status in _GONE:
        return 404, body | {"errorCode": "FLAG_NOT_FOUND"}
    if problem["code"] == TooLarge.code:
        return 400, body
    of_context = (problem.get("details") or {}).get("where") == CONTEXT
    return 400, body | {"errorCode": "INVALID_CONTEXT" if of_context else "PARSE_ERROR"}
