"""What Phoenix's clients ask: a prompt by a tag, by a version's id, the newest; and what there is."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response  # noqa: TC002 - the framework reads the annotations

from pinset.compat import shelves
from pinset.compat.answering import Reads, alias_of, called, told, version_of
from pinset.domain.access import Verb
from pinset.domain.exchange import phoenix
from pinset.domain.names import is_bundle_name
from pinset.errors import InvalidInput, NotFound, PermissionDenied

if TYPE_CHECKING:
    from pinset.compat.answering import Called
    from pinset.domain import answers
    from pinset.services.local import LocalRegistry

Limit = Annotated[int, Query(ge=1, le=shelves.MOST)]
Cursor = Annotated[str | None, Query(max_length=200)]
router = APIRouter(prefix="/compat/phoenix/v1", include_in_schema=False)


@router.get("/prompts")
def prompts(asked: Reads, cursor: Cursor = None, limit: Limit = 100) -> Response:
    """The prompts that there are, by name."""
    if cursor is not None and not is_bundle_name(cursor):
        raise InvalidInput("the cursor is none of this registry's", hint="begin anew, without one")
    found = list(islice(shelves.bundles(asked.registry, after=cursor), limit + 1))
    page = [_prompt(one) for one in found[:limit]]
    return asked.answered({"data": page, "next_cursor": found[limit - 1]["name"] if len(found) > limit else None})


@router.get("/prompts/{name:path}/tags/{tag}")
def by_tag(asked: Reads, name: str, tag: str) -> Response:
    """The prompt that a tag, which is an alias, serves."""
    return told(asked, name, alias_of(tag), _tell)


@router.get("/prompts/{name:path}/latest")
def newest(asked: Reads, name: str) -> Response:
    """The newest version of a prompt."""
    return told(asked, name, alias_of("latest"), _tell)


@router.get("/prompts/{name:path}/versions")
def versions(asked: Reads, name: str, cursor: Cursor = None, limit: Limit = 100) -> Response:
    """The versions of a prompt, newest first."""
    meant = called(asked.registry, name)
    if cursor is not None and not cursor.isdecimal():
        raise InvalidInput("the cursor is none of this registry's", hint="begin anew, without one")
    found = list(islice(shelves.releases(asked.registry, meant.bundle, cursor), limit + 1))
    documents = [asked.registry.release(f"{meant.bundle}@v{one['version']}") for one in found[:limit]]
    page = [phoenix.tell(one, meant.text, meant.prompt) for one in documents if _has(one, meant)]
    following = str(found[limit - 1]["version"]) if len(found) > limit else None
    return asked.answered({"data": page, "next_cursor": following})


@router.get("/prompt_versions/{version:path}/tags")
def tags(asked: Reads, version: str) -> Response:
    """The tags of a version, which are the aliases that serve it."""
    name, number = _parted(version)
    meant = called(asked.registry, name)
    asked.registry.permit(Verb.READ, meant.bundle, "")
    found = asked.registry.summary(f"{meant.bundle}@{version_of(number).text}")
    served = shelves.serving(asked.registry, meant.bundle, found["version"])
    page = [{"id": f"{meant.text}@{alias}", "name": alias, "description": ""} for alias in served]
    return asked.answered({"data": page, "next_cursor": None})


@router.get("/prompt_versions/{version:path}")
def by_version(asked: Reads, version: str) -> Response:
    """A version of a prompt by its id."""
    name, number = _parted(version)
    return told(asked, name, version_of(number), _tell)


@router.api_route("/prompts", methods=["POST"])
@router.api_route("/prompts/{name:path}", methods=["DELETE", "PATCH", "POST", "PUT"])
@router.api_route("/prompt_versions/{name:path}", methods=["DELETE", "PATCH", "POST", "PUT"])
def write(asked: Reads, name: str = "") -> Response:  # noqa: ARG001 - what is refused
    """Say that nothing is written here."""
    raise PermissionDenied(
        "prompts are not written through Phoenix's protocol",
        hint="publish a release: pinset publish DIR; move an alias: pinset promote NAME@v2 production",
    )


def _parted(version: str) -> tuple[str, str]:
    name, at, number = version.rpartition("@v")
    if not at:
        raise NotFound("there is no prompt version of that id", hint="ids are NAME@v7, as an answer's id says")
    return name, number


def _prompt(about: answers.BundleAnswer) -> dict[str, Any]:
    name = shelves.called_there(about)
    return {"id": name, "name": name, "description": about["description"], "source_prompt_id": None, "metadata": {}}


def _has(document: answers.ReleaseAnswer, meant: Called) -> bool:
    return meant.prompt is None or meant.prompt in document["content"]["prompts"]


def _tell(_: LocalRegistry, document: answers.ReleaseAnswer, meant: Called) -> Any:
    return {"data": phoenix.tell(document, meant.text, meant.prompt)}
