"""What Phoenix's clients ask: a prompt by a tag, by a version's id, and the newest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.responses import Response  # noqa: TC002 - the framework reads the annotations

from pinset.compat.answering import Reads, alias_of, told, version_of
from pinset.domain.exchange import phoenix
from pinset.errors import NotFound

if TYPE_CHECKING:
    from pinset.compat.answering import Called
    from pinset.domain import answers
    from pinset.services.local import LocalRegistry

router = APIRouter(prefix="/compat/phoenix/v1", include_in_schema=False)


@router.get("/prompts/{name:path}/tags/{tag}")
def by_tag(asked: Reads, name: str, tag: str) -> Response:
    """The prompt that a tag, which is an alias, serves."""
    return told(asked, name, alias_of(tag), _tell)


@router.get("/prompts/{name:path}/latest")
def newest(asked: Reads, name: str) -> Response:
    """The newest version of a prompt."""
    return told(asked, name, alias_of("latest"), _tell)


@router.get("/prompt_versions/{version:path}")
def by_version(asked: Reads, version: str) -> Response:
    """A version of a prompt by its id."""
    name, at, number = version.rpartition("@v")
    if not at:
        raise NotFound("there is no prompt version of that id", hint="ids are NAME@v7, as an answer's id says")
    return told(asked, name, version_of(number), _tell)


def _tell(_: LocalRegistry, document: answers.ReleaseAnswer, meant: Called) -> Any:
    return phoenix.tell(document, meant.text, meant.prompt)
