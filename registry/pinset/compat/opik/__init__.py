"""Opik: prompts by environment, by version, by commit; and what there is."""

import re
from typing import Final

from pinset.compat.opik import bodies, errors, routes
from pinset.compat.protocol import Protocol

PROTOCOL: Final = Protocol(
    name="opik",
    router=routes.router,
    told=errors.told,
    reads=re.compile("POST /v1/private/(?:prompts/versions|projects)/retrieve"),
    writes=re.compile("GET /v1/private/prompts(?:/.*)?"),
    posted={"/v1/private/prompts/versions/retrieve": bodies.meaning},
)
