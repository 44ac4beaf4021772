"""The stream that says when to ask again: what `/v1/events` tells, as the one message that web providers know."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final

from pinset.api.streams import EventStream

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

_REFETCH: Final = b'data: {"type":"refetchEvaluation"}\n'
_EVENT: Final = re.compile(rb"^event: (\w+)$", re.MULTILINE)
_KEPT: Final = re.compile(rb"^(?:retry|id): \d+\n", re.MULTILINE)
_NOTHING_SERVED: Final = frozenset({b"release", b"result", b"request", b"decision"})
"""Events after which every alias serves what it served."""


class Refetches(EventStream):
    """Live events, told as OFREP does. The greeting is told so too: something may have moved since the flags were asked for."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The answer."""
        await super().__call__(scope, receive, partial(_as_message, send))


async def _as_message(send: Send, message: Message) -> None:
    text: bytes = message.get("body", b"")
    if text:
        message = {**message, "body": spelled(text)}
    await send(message)


def spelled(text: bytes) -> bytes:
    """Whole events as one message, whatever happened and how often; beats, and what changes nothing served, as beats."""
    happened = set(_EVENT.findall(text))
    if not happened:
        return text
    said = dict.fromkeys(_KEPT.findall(text))
    retries = [line for line in said if line.startswith(b"retry")][-1:]
    ids = [line for line in said if line.startswith(b"id")][-1:]
    told = [] if happened <= _NOTHING_SERVED else [_REFETCH]
    return b"".join([*retries, *ids, *told]) + b"\n"
