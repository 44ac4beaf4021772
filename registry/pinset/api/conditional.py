"""Entity tags: who has a release already is told so, and who changes an alias says what they think it serves."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from starlette.responses import Response

from pinset.domain.moves import NONE
from pinset.domain.names import is_digest
from pinset.domain.references import Selector, SelectorKind
from pinset.errors import InvalidInput, PreconditionRequired

IMMUTABLE: Final = "private, max-age=31536000, immutable"
ASK_AGAIN: Final = "no-cache"
_SCHEMA: Final = 1
"""Counts the shapes that a form has had; part of every tag."""
_LETTERS: Final = {"document": "d", "sealed": "s"}


def tag_of(answer: Any, form: str, selector: Selector) -> str:
    """The entity tag of a release in one form: the move that serves it or its digest, and the shape of the answer.

    A summary says what else is going on, so its tag is made of all it says. A yank, a new epoch and, of ``latest``,
    a new version of the same content and another name change what is said but not the identity: they are added.
    """
    if form == "summary":
        return f'"{_sum(answer)}-m{_SCHEMA}"'
    version = answer["version"] if selector.kind is SelectorKind.LATEST else None
    beside = [answer["yanked"], answer["epoch"], version]
    if "renamed" in answer or "names" in answer:
        beside += [answer.get("renamed"), answer.get("names")]
    more = ""
    if beside != [None, 1, None]:
        more = "." + hashlib.sha256(json.dumps(beside).encode()).hexdigest()[:12]
    identity = answer["alias"]["revision"] if answer["alias"] else answer["digest"]
    return f'"{identity}-{_LETTERS[form]}{_SCHEMA}{more}"'


def past_tag(answer: Any) -> str:
    """The entity tag of a release as of a time: of all that is said, so that it never equals the tag of what is served now."""
    return f'"{_sum(answer)}-a{_SCHEMA}"'


def _sum(answer: Any) -> str:
    return hashlib.sha256(json.dumps(answer, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def move_tag(answer: Any) -> dict[str, str]:
    """The headers of a move's answer: the tag of the document that the alias now answers with."""
    return {"ETag": f'"{answer["revision"]}-d{_SCHEMA}"'} if answer["revision"] else {}


def cache_of(selector: Selector, *, fixed: bool = True) -> str:
    """How long an answer may be kept. fixed: nothing in it can change but by name."""
    moves = selector.kind in (SelectorKind.ALIAS, SelectorKind.LATEST)
    shortened = selector.kind is SelectorKind.DIGEST and not is_digest(selector.text, whole=True)
    return IMMUTABLE if fixed and not moves and not shortened else ASK_AGAIN


def unless_known(given: str | None, response: Response, tag: str, cache: str) -> Response:
    """The response with its tag, or 304 where the client has it already. given: If-None-Match."""
    headers = {"ETag": tag, "Cache-Control": cache}
    if given is not None and is_known(given, tag):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return response


def is_known(given: str, tag: str) -> bool:
    """Whether an If-None-Match names the tag that the client would get."""
    tags = [one.strip().removeprefix("W/") for one in given.split(",")]
    return tag in tags or tags == ["*"]


def expected(revision: str | None) -> str:
    """The revision that a move expects. Raises PreconditionRequired where the client expects nothing."""
    if revision is None:
        raise PreconditionRequired(
            "a move wants to know what the alias serves now",
            hint='send If-Match: "REVISION" as GET …/aliases says it, or If-None-Match: * for an alias that serves nothing',
        )
    return revision


def given_revision(if_match: str | None, if_none_match: str | None = None) -> str | None:
    """The revision that a change expects: that of If-Match, ``none`` for If-None-Match: *, None without either.

    Raises InvalidInput for both or for several.
    """
    given, absent = (if_match or "").strip(), (if_none_match or "").strip() == "*"
    if given and absent:
        raise InvalidInput("If-Match and If-None-Match contradict each other", hint="send one of them")
    if absent:
        return NONE
    if given in ("", "*"):
        return None
    if "," in given:
        raise InvalidInput("If-Match names several revisions", hint="send the one that you saw")
    return given.removeprefix("W/").strip('"').split("-")[0]
