"""Langfuse: prompts by label and by number, made, relabelled and listed; traces are passed on."""

import re
from typing import Final

from pinset.compat.langfuse import errors, routes
from pinset.compat.protocol import Protocol

_ANY: Final = r"(?:/parameters)?/api/public"

PROTOCOL: Final = Protocol(
    name="langfuse",
    router=routes.router,
    told=errors.told,
    reads=re.compile(rf"POST {_ANY}/(?:ingestion|otel/v1/traces)/?"),
    writes=re.compile(rf"(?:POST|GET) {_ANY}/v2/prompts/?"),
    raw=re.compile(rf"POST {_ANY}/(?:ingestion|otel/v1/traces)/?"),
    opened=re.compile(rf"GET {_ANY}/health/?"),
)
