"""What MLflow's clients change: a registration publishes, an alias is a promotion, and releases are never deleted."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter
from starlette.responses import Response  # noqa: TC002 - the framework reads the annotations

from pinset.api.context import Asked, asking
from pinset.compat import writing
from pinset.compat.answering import Promotes, Publishes, Reads, known, version_of
from pinset.compat.mlflow.bodies import Aliased, Created, Moved, Named, Tagged  # noqa: TC001 - as above
from pinset.compat.mlflow.passing import TOOL, Sent, elsewhere, has_upstream
from pinset.compat.mlflow.routes import PREFIX, version_told
from pinset.domain.access import Verb
from pinset.domain.exchange import from_mlflow, mlflow
from pinset.errors import AlreadyExists, InvalidInput, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain import answers
    from pinset.domain.exchange.incoming import Lost

LOST: Final = f"{mlflow.OWN}lost"
"""The tag, in the answer to a registration alone, that says what of it has no place in a release."""
Retires = Annotated[Asked, asking(Verb.RETIRE, changes=False, strict=False)]
router = APIRouter(include_in_schema=False)


@router.post(f"{PREFIX}/registered-models/create")
def create(asked: Publishes, sent: Sent, body: Created) -> Response:
    """A prompt that is to be: it is there with its first version, and nothing is kept of it before."""
    if not _is_prompt(asked, body):
        return elsewhere(asked, sent, body.name)
    if known(asked.registry, body.name) is not None:
        raise AlreadyExists(f"Prompt (name={body.name}) already exists.", hint="register a version of it")
    writing.may_publish(asked, writing.target(asked, body.name).bundle)
    tags = {key: value for key, value in body.plain.items() if not mlflow.is_reserved(key)}
    model = mlflow.registered(body.name, {}, int(time.time() * 1000), tags)
    return asked.answered({"registered_model": {**model, "description": body.description}})


@router.post(f"{PREFIX}/model-versions/create")
def create_version(asked: Publishes, sent: Sent, body: Created) -> Response:
    """Publish: the prompt as it is sent, and the rest of the newest release with it."""
    if not _is_prompt(asked, body):
        return elsewhere(asked, sent, body.name)
    meant = writing.target(asked, body.name)
    lost: list[Lost] = []

    def make(document: answers.ReleaseAnswer | None, files: Mapping[str, str]) -> Mapping[str, str]:
        taken = from_mlflow.take(body.plain, document, files, meant.prompt)
        lost[:] = taken.lost
        return taken.files

    made = writing.published(asked, meant, make, tool=TOOL, message=body.description)
    told = version_told(asked.registry, asked.registry.release(made["ref"]), meant)
    if lost:
        told["tags"] += mlflow.pairs({LOST: json.dumps([{"what": one.what, "why": one.why} for one in lost])})
    return asked.answered({"model_version": told})


@router.post(f"{PREFIX}/registered-models/alias")
def set_alias(asked: Promotes, sent: Sent, body: Moved) -> Response:
    """A promotion, under the policy that holds for everybody."""
    meant = known(asked.registry, body.name)
    if meant is None:
        return elsewhere(asked, sent, body.name)
    alias, version = writing.alias_called(body.alias), version_of(body.version)
    writing.promoted(asked, f"{meant.bundle}@{version.text}", alias, tool=TOOL)
    return asked.answered({})


@router.delete(f"{PREFIX}/registered-models/alias")
def delete_alias(asked: Retires, sent: Sent, body: Aliased) -> Response:
    """The alias serves nothing from now on; one that does already, or never was, is no mistake."""
    meant = known(asked.registry, body.name)
    if meant is None:
        return elsewhere(asked, sent, body.name)
    alias = writing.alias_called(body.alias)
    try:
        serves = asked.registry.alias(meant.bundle, alias)["version"]
    except NotFound:
        serves = None
    asked.registry.permit(Verb.RETIRE, meant.bundle, alias)
    if serves is not None:
        asked.registry.retire(asked.caller, meant.bundle, alias, reason=writing.reason_of(TOOL))
    return asked.answered({})


@router.post(f"{PREFIX}/registered-models/set-tag")
@router.delete(f"{PREFIX}/registered-models/delete-tag")
def tag_prompt(asked: Reads, sent: Sent, body: Tagged) -> Response:
    """Accepted, and not kept: loads note the experiment, and registrations say the tags of their version here before."""
    if known(asked.registry, body.name) is None:
        return elsewhere(asked, sent, body.name)
    return asked.answered({})


@router.post(f"{PREFIX}/model-versions/set-tag")
@router.delete(f"{PREFIX}/model-versions/delete-tag")
def tag_version(asked: Reads, sent: Sent, body: Tagged) -> Response:
    """MLflow's own notes, of runs and experiments, are accepted and not kept. A release is never changed."""
    if known(asked.registry, body.name) is None:
        return elsewhere(asked, sent, body.name)
    if not mlflow.is_reserved(body.key):
        raise InvalidInput(
            "the tags of a version are fixed with it",
            hint="register a version with other tags: register_prompt(tags=…)",
        )
    return asked.answered({})


@router.delete(f"{PREFIX}/registered-models/delete")
def delete(asked: Publishes, sent: Sent, body: Named) -> Response:
    """Nothing is deleted. One that is not there is not: a client says so where its first registration was refused."""
    if known(asked.registry, body.name) is not None:
        raise _stays("a prompt stays", "put it out of use: pinset bundle archive NAME")
    return elsewhere(asked, sent, body.name) if has_upstream(asked) else asked.answered({})


@router.delete(f"{PREFIX}/model-versions/delete")
def delete_version(asked: Publishes, sent: Sent, body: Named) -> Response:
    """Releases are never deleted."""
    if known(asked.registry, body.name) is None:
        return elsewhere(asked, sent, body.name)
    raise _stays("a version stays", "refuse it to new moves: pinset yank NAME@vN -m TEXT")


@router.post(f"{PREFIX}/model-versions/transition-stage")
def to_stage(asked: Promotes, sent: Sent, body: Named) -> Response:
    """Stages are no aliases."""
    if known(asked.registry, body.name) is None:
        return elsewhere(asked, sent, body.name)
    raise _stays("prompts have no stages", "set an alias: set_prompt_alias(name, alias, version)")


@router.post(f"{PREFIX}/registered-models/rename")
@router.patch(f"{PREFIX}/registered-models/update")
@router.patch(f"{PREFIX}/model-versions/update")
def change(asked: Publishes, sent: Sent, body: Named) -> Response:
    """A prompt's name and description are not MLflow's clients' to change."""
    if known(asked.registry, body.name) is None:
        return elsewhere(asked, sent, body.name)
    raise _stays("a version's description is fixed with it", "of a bundle: pinset bundle set, pinset bundle rename")


def _is_prompt(asked: Asked, body: Created) -> bool:
    """Whether a body is about a prompt. Raises InvalidInput for a model that has nowhere to go."""
    if body.plain.get(mlflow.IS_PROMPT) == "true":
        return True
    if not has_upstream(asked):
        raise InvalidInput(
            "this is a registry of prompts, and that is a model",
            hint="register it where models are kept: [compat.mlflow] upstream names that server",
        )
    return False


def _stays(message: str, hint: str) -> InvalidInput:
    return InvalidInput(message, hint=hint)
