"""Phoenix: prompts by tag, by version, and the newest; and what there is."""

import re
from typing import Final

from pinset.compat.phoenix import errors, routes
from pinset.compat.protocol import Protocol

PROTOCOL: Final = Protocol(
    name="phoenix", router=routes.router, told=errors.told, writes=re.compile("GET /v1/prompts(?:/.*/versions)?")
)
