"""What providers send with an evaluation: the context of who asks. It decides nothing here, and must be one all the same."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import Depends, Request

from pinset.domain.text import strict_json
from pinset.errors import InvalidInput

CONTEXT: Final = "context"
"""In the details of a refusal: it is of the context, not of the body that has it."""
_SAME: Final = b""
"""Everybody gets the same: all bodies that are good mean the same."""


def means(body: bytes) -> bytes | None:
    """The text that stands for all bodies that mean the same; None for one that is to be refused."""
    try:
        check(body)
    except InvalidInput:
        return None
    return _SAME


def check(body: bytes) -> None:
    """Raises InvalidInput for what is no request of an evaluation."""
    try:
        given: Any = strict_json.loads_bytes(body) if body else {}
    except ValueError:
        raise InvalidInput("the body is no JSON", hint='send {"context": {}}') from None
    if not isinstance(given, dict):
        raise InvalidInput("the body is no object", hint='send {"context": {}}')
    context = given.get("context")
    if context is not None and not isinstance(context, dict):
        hint = 'send {"context": {"targetingKey": "…"}}, or {}'
        raise InvalidInput("the context is no object", hint=hint, details={"where": CONTEXT})
    if not isinstance((context or {}).get("targetingKey", ""), str):
        raise InvalidInput("the targetingKey is no text", hint="send a text, or none", details={"where": CONTEXT})


async def _checked(request: Request) -> bytes:
    body = await request.body()
    check(body)
    return _SAME


Means = Annotated[bytes, Depends(_checked)]
