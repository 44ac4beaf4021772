"""What a page's handler answers with: a template that is filled in, or the way to another page."""

from __future__ import annotations

import gzip
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from fastapi import Depends, Request
from starlette.responses import Response

from pinset.api.prepared import encoding_of
from pinset.domain.access import Verb, may_anywhere
from pinset.errors import InvalidInput, PermissionDenied
from pinset.web.rendering import render
from pinset.web.visits import KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from starlette.types import Scope

    from pinset.api.context import Asked
    from pinset.auth.identity import Identity
    from pinset.web.visits import Visit

HTML: Final = "text/html; charset=utf-8"
_WORTH: Final = 1024
"""Bytes from which on a page is compressed."""
_FIELDS: Final = 100
_SECTIONS: Final = ("requests", "components", "changes", "audit", "search", "sign-in")


@dataclass(frozen=True, slots=True)
class Here:
    """What every page knows of its request: templates call it ``here``.

    path: of the page, without its query. target: with it. section: the entry of the navigation that it is under. actor:
    who is signed in, '' for nobody. signed_in: by a session, which can be ended. now: microseconds since 1970. serial: of the newest write when it was
    rendered, None for a page that does not follow what happens. note: what the change before it has done.
    """

    path: str
    target: str
    section: str
    actor: str
    signed_in: bool
    audits: bool
    theme: str
    now: int
    serial: int | None
    note: str
    request_id: str
    token: Callable[[], str]

    @classmethod
    def of(cls, scope: Scope, *, serial: int | None = None) -> Here:
        """What a scope says."""
        visit: Visit = scope[KEY]
        identity: Identity | None = scope.get("pinset.identity")
        path, query = scope["path"], scope["query_string"].decode("latin-1")
        known = identity is not None and identity.actor != "anonymous"
        first = path.split("/")[1]
        return cls(
            path=path,
            target=f"{path}?{query}" if query else path,
            section=first if first in _SECTIONS else "bundles",
            actor=identity.actor if identity is not None and known else "",
            signed_in=visit.session is not None,
            audits=identity is not None and known and may_anywhere(identity.grants, Verb.AUDIT),
            theme=visit.theme,
            now=time.time_ns() // 1000,
            serial=serial,
            note=visit.take_note(),
            request_id=scope.get("pinset.request_id", ""),
            token=visit.token,
        )

    def with_query(self, **changes: Any) -> str:
        """The address of this page with other parameters; None takes one away."""
        given = dict(parse_qsl(urlsplit(self.target).query))
        kept = {**given, **changes}
        query = urlencode({key: value for key, value in kept.items() if value not in (None, "")})
        return f"{self.path}?{query}" if query else self.path


def page(asked: Asked, template: str, *, status: int = 200, live: bool = True, **values: Any) -> Response:
    """A page. live: it is fetched anew when something happens. values: what the template uses, beside ``here``."""
    serial = asked.registry.describe()["serial"] if live else None
    here = Here.of(asked.request.scope, serial=serial)
    return packed(asked.request, render(template, {"here": here, **values}), status=status)


def packed(
    request: Request,
    text: str,
    *,
    status: int = 200,
    media_type: str = HTML,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A text as an answer, with gzip where that is taken and worth it."""
    body = text.encode("utf-8", "replace")
    said = {"Cache-Control": "private, no-store", "Vary": "Accept-Encoding, Cookie", **(headers or {})}
    if len(body) >= _WORTH and encoding_of(request.headers.get("accept-encoding", "").replace("zstd", "")) == "gzip":
        body = gzip.compress(body, 5, mtime=0)
        said["Content-Encoding"] = "gzip"
    return Response(body, status_code=status, media_type=media_type, headers=said)


def allowed(look: Callable[[], Iterable[Any]]) -> list[Any]:
    """What may be looked at; nothing where it may not: who reads one alias may not read all of a bundle."""
    try:
        return list(look())
    except PermissionDenied:
        return []


def go(request: Request, target: str, *, note: str = "") -> Response:
    """The way to another page of ours, by GET. note: a sentence that it tells once."""
    if note:
        visit: Visit = request.scope[KEY]
        visit.tell(note)
    return Response(status_code=303, headers={"Location": safe_target(target), "Cache-Control": "no-store"})


def safe_target(target: str) -> str:
    """An address of this site: a path with perhaps a query. Anything else is the first page."""
    if not target.startswith("/") or target.startswith(("//", "/\\")) or len(target) > 2000:
        return "/"
    if not target.isascii() or not target.isprintable() or "\\" in target:
        return "/"
    parts = urlsplit(target)
    return target if not parts.scheme and not parts.netloc else "/"


def sign_in_for(target: str) -> str:
    """Where to sign in, and then go on to a page of ours."""
    wanted = safe_target(target)
    return "/sign-in" if wanted == "/" else f"/sign-in?next={quote(wanted, safe='/')}"


class Fields(dict[str, str]):
    """The fields of a form that was sent from one of our pages."""

    def text(self, name: str, *, longest: int = 10_000) -> str:
        """A field; '' where it is not there. Raises InvalidInput for one that is too long."""
        found = self.get(name, "").replace("\r\n", "\n").strip()
        if len(found) > longest:
            raise InvalidInput(f"the field {name} has more than {longest:,} characters", hint="say it shorter")
        return found


async def posted(request: Request) -> Fields:
    """The fields of a form. Raises ForeignOrigin for one that is not from a page of ours."""
    body = await request.body()
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_FIELDS, errors="strict")
    except ValueError:
        raise InvalidInput("the form cannot be read", hint="load the page again") from None
    fields = Fields(pairs)
    if len(fields) != len(pairs):
        raise InvalidInput("the form has a field twice", hint="load the page again")
    visit: Visit = request.scope[KEY]
    headers = request.headers
    visit.check(fields.pop("token", ""), headers.get("origin"), headers.get("sec-fetch-site"), headers.get("host", ""))
    return fields


Posted = Annotated[Fields, Depends(posted)]
"""As `posted` reads it."""

__all__ = [
    "HTML",
    "Fields",
    "Here",
    "Posted",
    "allowed",
    "go",
    "packed",
    "page",
    "posted",
    "safe_target",
    "sign_in_for",
]
