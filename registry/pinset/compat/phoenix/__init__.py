"""Phoenix: prompts by tag, by version, and the newest."""

from typing import Final

from pinset.compat.phoenix import errors, routes
from pinset.compat.protocol import Protocol

PROTOCOL: Final = Protocol(name="phoenix", router=routes.router, told=errors.told)
