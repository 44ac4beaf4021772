"""What Opik's clients ask: a version of a prompt, by the environment, the number, the commit or its id; and what there is."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response  # noqa: TC002 - the framework reads the annotations

from pinset.compat.answering import Reads, alias_of, key_of, serving, told, version_of
from pinset.compat.opik import listing
from pinset.compat.opik.bodies import Looked, Project, Retrieve
from pinset.domain.exchange import opik
from pinset.domain.references import parse_selector
from pinset.errors import InvalidInput, NotFound, PermissionDenied

if TYPE_CHECKING:
    from pinset.compat.answering import Called
    from pinset.domain import answers
    from pinset.domain.references import Selector
    from pinset.services.local import LocalRegistry

Wanted = Annotated[Looked, Query()]
router = APIRouter(prefix="/compat/opik/v1/private", include_in_schema=False)


@router.post("/prompts/versions/retrieve")
def retrieve(asked: Reads, body: Retrieve) -> Response:
    """A version of a prompt; where none is named, what production serves."""
    body.check()
    return told(asked, body.name, _selector(body), _tell, key_of(asked, body.key))


@router.post("/projects/retrieve")
def project(asked: Reads, body: Project) -> Response:
    """The project of any name: all prompts are in each."""
    known = uuid.uuid5(uuid.NAMESPACE_URL, f"{asked.registry.describe()['id']}/projects/{body.name}")
    return asked.answered({"id": str(known), "name": body.name})


@router.get("/prompts")
def prompts(asked: Reads, wanted: Wanted) -> Response:
    """The prompts that there are."""
    wanted.check()
    return asked.answered(listing.prompts(asked.registry, wanted))


@router.get("/prompts/versions/{version}")
def by_id(asked: Reads, version: str) -> Response:
    """A version by its id."""
    about, name = listing.meant_by(asked.registry, version)
    number = opik.version_in(version)
    if number is None:
        raise NotFound("there is no version of that id", hint="that is the id of a prompt")
    return asked.answered(listing.version(asked.registry, about["name"], name, number))


@router.get("/prompts/{prompt}")
def by_prompt(asked: Reads, prompt: str) -> Response:
    """A prompt by its id, with its newest version."""
    return asked.answered(listing.prompt(asked.registry, *listing.meant_by(asked.registry, prompt)))


@router.get("/prompts/{prompt}/versions")
def versions(asked: Reads, prompt: str, wanted: Wanted) -> Response:
    """The versions of a prompt, newest first."""
    wanted.check()
    return asked.answered(listing.versions(asked.registry, *listing.meant_by(asked.registry, prompt), wanted))


@router.get("/prompts/{prompt}/versions/by-number/{number}")
def by_number(asked: Reads, prompt: str, number: str) -> Response:
    """A version of a prompt by its number."""
    about, name = listing.meant_by(asked.registry, prompt)
    wanted = version_of(number.removeprefix("v"))
    return asked.answered(listing.version(asked.registry, about["name"], name, int(wanted.text.removeprefix("v"))))


@router.api_route("/prompts", methods=["POST"])
@router.api_route("/prompts/{path:path}", methods=["DELETE", "PATCH", "POST", "PUT"])
def write(asked: Reads, path: str = "") -> Response:  # noqa: ARG001 - what is refused
    """Say that nothing is written here."""
    raise PermissionDenied(
        "prompts are not written through Opik's protocol",
        hint="publish a release: pinset publish DIR; move an alias: pinset promote NAME@v2 production",
    )


def _selector(body: Retrieve) -> Selector:
    if body.version_number:
        return version_of(body.version_number.removeprefix("v"))
    if not body.commit:
        return alias_of(body.environment)
    try:
        return parse_selector(opik.digest_of(body.commit))
    except InvalidInput:
        raise NotFound("there is no such commit", hint="a commit is the first digits of a release's digest") from None


def _tell(registry: LocalRegistry, document: answers.ReleaseAnswer, meant: Called) -> Any:
    served = serving(registry, document)
    return opik.tell(document, meant.text, served, meant.prompt)
