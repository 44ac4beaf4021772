"""What Opik's clients ask: a version of a prompt, by the environment, the number or the commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.responses import Response  # noqa: TC002 - the framework reads the annotations

from pinset.compat.answering import Reads, alias_of, key_of, serving, told, version_of
from pinset.compat.opik.bodies import Retrieve  # noqa: TC001 - the framework reads the annotations
from pinset.domain.exchange import opik
from pinset.domain.references import parse_selector
from pinset.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from pinset.compat.answering import Called
    from pinset.domain import answers
    from pinset.domain.references import Selector
    from pinset.services.local import LocalRegistry

router = APIRouter(prefix="/compat/opik/v1/private", include_in_schema=False)


@router.post("/prompts/versions/retrieve")
def retrieve(asked: Reads, body: Retrieve) -> Response:
    """A version of a prompt; where none is named, what production serves."""
    body.check()
    return told(asked, body.name, _selector(body), _tell, key_of(asked, body.key))


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
    served = serving(registry, document["bundle"], document["version"])
    return opik.tell(document, meant.text, served, meant.prompt)
