"""LangSmith's hub of prompts: pulls, lists, pushes with their parent, tags as promotions, agents as a release's files."""

import re
from typing import Final

from pinset.compat.langsmith import errors, listing, routes, writes
from pinset.compat.protocol import Protocol

for _others in (listing.router, writes.router):
    routes.router.routes += _others.routes

PROTOCOL: Final = Protocol(
    name="langsmith",
    router=routes.router,
    told=errors.told,
    reads=re.compile(r"POST /likes/[^/]+/[^/]+/?"),
    writes=re.compile(r"POST (?:/commits/[^/]+/[^/]+/?|(?:/v1)?/platform/hub/repos/[^/]+/[^/]+/directories/commits/?)"),
)
