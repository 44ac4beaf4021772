"""Opik: prompts by environment, by version, by commit."""

import re
from typing import Final

from pinset.compat.opik import bodies, errors, routes
from pinset.compat.protocol import Protocol

PROTOCOL: Final = Protocol(
    name="opik",
    router=routes.router,
    told=errors.told,
    reads=re.compile("POST /v1/private/prompts/versions/retrieve"),
    posted={"/v1/private/prompts/versions/retrieve": bodies.meaning},
)
