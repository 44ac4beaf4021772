"""Parameters that several routes share, and the problems that each kind of route can answer.

Patterns are written down for whoever reads the description and not enforced here: the registry refuses a bad name
with a sentence that helps.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

from fastapi import Header, Path, Query

from pinset.api import problems
from pinset.api.context import Asked, asking
from pinset.domain.access import Verb
from pinset.domain.adoption import CLIENT, HOLDS
from pinset.domain.names import KINDS
from pinset.domain.references import SelectorKind
from pinset.domain.times import LONGEST

_SEGMENT: Final = "[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?"
_NAME: Final = rf"^{_SEGMENT}(?:\.{_SEGMENT})*$"
_ALIAS: Final = "^[a-z][a-z0-9._-]{0,62}$"
_VERSION: Final = "v[1-9][0-9]{0,8}"
_LABEL: Final = "v?[0-9][A-Za-z0-9._+-]{0,63}"
_DIGEST: Final = "sha256:[0-9a-f]{8,64}"
_FILE: Final = r"^[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)*$"
_REFERENCE: Final = 600
"""Characters of a reference: far more than any has."""


def _text(pattern: str, what: str, longest: int = 64) -> Any:
    return Path(description=what, json_schema_extra={"pattern": pattern, "minLength": 1, "maxLength": longest})


Bundle = Annotated[str, _text(_NAME, "A bundle's name.")]
Name = Annotated[str, _text(_NAME, "A shared component's name.")]
Kind = Annotated[str, Path(description="A kind of component.", json_schema_extra={"enum": list(KINDS)})]
Alias = Annotated[str, _text(_ALIAS, "An alias.", 63)]
Selector = Annotated[
    str,
    _text(
        rf"^(?:{_VERSION}|{_LABEL}|{_DIGEST}|[a-z][a-z0-9._-]{{0,62}})$",
        "One of: " + ", ".join(SelectorKind) + ".",
        71,
    ),
]
File = Annotated[str, _text(_FILE, "A file's path in a release.", 512)]
OPERATION: Final = re.compile("op_[0-9a-f]{24}")
Operation = Annotated[str, _text(f"^{OPERATION.pattern}$", "An operation's id.", 27)]
KeyName = Annotated[str, _text("^[a-z0-9][a-z0-9._-]{0,63}$", "A key's name.")]
TokenName = Annotated[str, _text("^[a-z0-9][a-z0-9._@-]{0,62}$", "A token's name.", 63)]
Suite = Annotated[str, _text("^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$", "A suite of evaluations.")]
Suites = Annotated[str | None, Query(max_length=64, description="Only results of this suite.")]
Request = Annotated[int, Path(ge=1, le=999_999_999, description="A request's number.")]
Form = Annotated[Literal["document", "sealed", "summary"], Query(description="Which shape to answer in.")]
Limit = Annotated[int, Query(ge=1, le=500, description="How many items at most.")]
Cursor = Annotated[str | None, Query(max_length=200, description="What `next` of the page before said.")]
At = Annotated[
    str | None,
    Query(max_length=LONGEST, description="As of then: ISO 8601 with a zone, a day (UTC), or how long ago: 2h, 3d."),
]
Reference = Annotated[str, Query(max_length=_REFERENCE)]

IfMatch = Annotated[
    str | None, Header(alias="If-Match", description='The revision the alias is at, as `"REVISION"` or an ETag.')
]
Absent = Annotated[
    str | None, Header(alias="If-None-Match", description="`*`: the alias serves nothing yet, or no longer.")
]
Known = Annotated[str | None, Header(alias="If-None-Match", description="ETags that the client has.")]

Asks = Annotated[Asked, asking(None, changes=False)]
Reads = Annotated[Asked, asking(Verb.READ, changes=False)]
ReadsAll = Annotated[Asked, asking(Verb.READ, whole=True, changes=False)]
Describes = Annotated[Asked, asking(Verb.BUNDLE)]
Renames = Annotated[Asked, asking(Verb.RENAME)]
Publishes = Annotated[Asked, asking(Verb.PUBLISH)]
PublishesParts = Annotated[Asked, asking(Verb.COMPONENT)]
Promotes = Annotated[Asked, asking(Verb.PROMOTE)]
RollsBack = Annotated[Asked, asking(Verb.ROLLBACK)]
Retires = Annotated[Asked, asking(Verb.RETIRE)]
Yanks = Annotated[Asked, asking(Verb.YANK)]
Purges = Annotated[Asked, asking(Verb.PURGE)]
Evidences = Annotated[Asked, asking(Verb.EVIDENCE)]
Decides = Annotated[Asked, asking(None)]
"""What it takes depends on what is decided about: see `services.approving`."""
Settles = Annotated[Asked, asking(Verb.PROMOTE, whole=True)]
KeepsKeys = Annotated[Asked, asking(Verb.KEYS)]
Policies = Annotated[Asked, asking(Verb.POLICY)]
Verifies = Annotated[Asked, asking(Verb.VERIFY, changes=False)]
Audits = Annotated[Asked, asking(Verb.AUDIT, changes=False)]
Looks = Annotated[Asked, asking(Verb.TOKENS, changes=False)]
Credentials = Annotated[Asked, asking(Verb.TOKENS, keeps=False)]

ADOPTING: Final = [
    {
        "name": name,
        "in": "header",
        "required": False,
        "description": what,
        "schema": {"type": "string", "pattern": f"^{pattern.pattern}$"},
    }
    for name, pattern, what in (
        ("Pinset-Client", CLIENT, "Who asks: random, the same for as long as it runs. Anything else is ignored."),
        ("Pinset-Holds", HOLDS, "The version it holds of this alias. Anything else is ignored."),
    )
]
"""Headers that say who runs what. They are read of every answer that is sent, so no route takes them."""


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    content = {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": "A problem document.", "content": content} for status in statuses}


LOOKING: Final = _problems(401, 403, 404, 410, 422, 429, 500, 503)
"""What a route that reads can answer beside its answer."""
SENDING: Final = _problems(408, 409, 413, 415)
"""What a route with a body can answer too."""
MATCHING: Final = _problems(412)
"""What a route that takes a precondition can answer too."""
EXPECTING: Final = _problems(412, 428)
"""What a route that wants a precondition can answer too."""
KNOWN: Final[dict[int | str, dict[str, Any]]] = {304: {"description": "The client has it."}}
"""What a route with an entity tag can answer too."""
