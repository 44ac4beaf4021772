"""What MLflow's clients change: a registration publishes, an alias is a promotion, and releases are never deleted."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter
from starlette.responses import Response  # noqa: TC002 - the framework reads the annotations

from pinset.api.context import Asked, asking
from pinset.compat.answering import Called, Promotes, Publishes, Reads, version_of
from pinset.compat.mlflow.bodies import Aliased, Created, Moved, Named, Tagged  # noqa: TC001 - as above
from pinset.compat.mlflow.passing import Sent, elsewhere, has_upstream
from pinset.compat.mlflow.routes import PREFIX, found, version_told
from pinset.domain.access import Verb
from pinset.domain.exchange import from_mlflow, mlflow
from pinset.domain.exchange.spelling import bundle_for
from pinset.domain.names import alias_name
from pinset.errors import AlreadyExists, InvalidInput, NotFound, PermissionDenied, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain import answers
    from pinset.domain.exchange.incoming import Lost

LOST: Final = f"{mlflow.OWN}lost"
"""The tag, in the answer to a registration alone, that says what of it has no place in a release."""
_SAID: Final = "as MLflow's clients asked"
Retires = Annotated[Asked, asking(Verb.RETIRE, changes=False, strict=False)]
router = APIRouter(include_in_schema=False)


@router.post(f"{PREFIX}/registered-models/create")
def create(asked: Publishes, sent: Sent, body: Created) -> Response:
    """A prompt that is to be: it is there with its first version, and nothing is kept of it before."""
    if not _is_prompt(asked, body):
        return elsewhere(asked, sent, body.name)
    if found(asked, body.name) is not None:
        raise AlreadyExists(f"Prompt (name={body.name}) already exists.", hint="register a version of it")
    asked.registry.permit(Verb.PUBLISH, _bundle_for(asked, body.name), "")
    tags = {key: value for key, value in body.plain.items() if not mlflow.is_reserved(key)}
    model = mlflow.registered(body.name, {}, int(time.time() * 1000), tags)
    return asked.answered({"registered_model": {**model, "description": body.description}})


@router.post(f"{PREFIX}/model-versions/create")
def create_version(asked: Publishes, sent: Sent, body: Created) -> Response:
    """Publish: the prompt as it is sent, and the rest of the newest release with it."""
    if not _is_prompt(asked, body):
        return elsewhere(asked, sent, body.name)
    meant = found(asked, body.name)
    bundle = meant.bundle if meant else _bundle_for(asked, body.name)
    lost: list[Lost] = []

    def make(document: answers.ReleaseAnswer | None, files: Mapping[str, str]) -> Mapping[str, str]:
        taken = from_mlflow.take(body.plain, document, files, meant.prompt if meant else None)
        lost[:] = taken.lost
        return taken.files if document is not None else _named(taken.files, bundle)

    spelled = body.name if meant is None and bundle != body.name else None
    made = asked.registry.succeed(asked.caller, bundle, make, message=body.description, spelled=spelled)
    document = asked.registry.release(f"{bundle}@v{made['version']}")
    told = version_told(asked.registry, document, Called(body.name, bundle, meant.prompt if meant else None))
    if lost:
        told["tags"] += mlflow.pairs({LOST: json.dumps([{"what": one.what, "why": one.why} for one in lost])})
    return asked.answered({"model_version": told})


@router.post(f"{PREFIX}/registered-models/alias")
def set_alias(asked: Promotes, sent: Sent, body: Moved) -> Response:
    """A promotion, under the policy that holds for everybody."""
    meant = found(asked, body.name)
    if meant is None:
        return elsewhere(asked, sent, body.name)
    alias, version = alias_name(body.alias.lower()), version_of(body.version)
    move = asked.registry.promote(asked.caller, f"{meant.bundle}@{version.text}", alias, reason=_SAID)
    if move["action"] == "request":
        error = Refused(
            f"{meant.bundle}@{alias} does not serve {version.text} yet: the policy wants approvals",
            hint=f"it is the request {move['request']}, which moves it once it has them: pinset request show {move['request']}",
        )
        error.recorded = True  # the request is
        raise error
    return asked.answered({})


@router.delete(f"{PREFIX}/registered-models/alias")
def delete_alias(asked: Retires, sent: Sent, body: Aliased) -> Response:
    """The alias serves nothing from now on; one that does already, or never was, is no mistake."""
    meant = found(asked, body.name)
    if meant is None:
        return elsewhere(asked, sent, body.name)
    alias = alias_name(body.alias.lower())
    try:
        serves = asked.registry.alias(meant.bundle, alias)["version"]
    except NotFound:
        serves = None
    asked.registry.permit(Verb.RETIRE, meant.bundle, alias)
    if serves is not None:
        asked.registry.retire(asked.caller, meant.bundle, alias, reason=_SAID)
    return asked.answered({})


@router.post(f"{PREFIX}/registered-models/set-tag")
@router.delete(f"{PREFIX}/registered-models/delete-tag")
def tag_prompt(asked: Reads, sent: Sent, body: Tagged) -> Response:
    """Accepted, and not kept: loads note the experiment, and registrations say the tags of their version here before."""
    if found(asked, body.name) is None:
        return elsewhere(asked, sent, body.name)
    return asked.answered({})


@router.post(f"{PREFIX}/model-versions/set-tag")
@router.delete(f"{PREFIX}/model-versions/delete-tag")
def tag_version(asked: Reads, sent: Sent, body: Tagged) -> Response:
    """MLflow's own notes, of runs and experiments, are accepted and not kept. A release is never changed."""
    if found(asked, body.name) is None:
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
    if found(asked, body.name) is not None:
        raise _stays("a prompt stays", "put it out of use: pinset bundle archive NAME")
    return elsewhere(asked, sent, body.name) if has_upstream(asked) else asked.answered({})


@router.delete(f"{PREFIX}/model-versions/delete")
def delete_version(asked: Publishes, sent: Sent, body: Named) -> Response:
    """Releases are never deleted."""
    if found(asked, body.name) is None:
        return elsewhere(asked, sent, body.name)
    raise _stays("a version stays", "refuse it to new moves: pinset yank NAME@vN -m TEXT")


@router.post(f"{PREFIX}/model-versions/transition-stage")
def to_stage(asked: Promotes, sent: Sent, body: Named) -> Response:
    """Stages are no aliases."""
    if found(asked, body.name) is None:
        return elsewhere(asked, sent, body.name)
    raise _stays("prompts have no stages", "set an alias: set_prompt_alias(name, alias, version)")


@router.post(f"{PREFIX}/registered-models/rename")
@router.patch(f"{PREFIX}/registered-models/update")
@router.patch(f"{PREFIX}/model-versions/update")
def change(asked: Publishes, sent: Sent, body: Named) -> Response:
    """A prompt's name and description are not MLflow's clients' to change."""
    if found(asked, body.name) is None:
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


def _bundle_for(asked: Asked, name: str) -> str:
    """The bundle that a new name gets: one that there is not yet."""
    bundle = bundle_for(name)
    try:
        asked.registry.spelled(bundle)
    except NotFound:
        return bundle
    except PermissionDenied:
        pass
    return bundle if bundle == name else bundle_for(name, apart=True)


def _named(files: Mapping[str, str], bundle: str) -> Mapping[str, str]:
    from pinset.domain.exchange import own  # noqa: PLC0415 - a first version alone wants it

    return own.of_bundle(files, bundle)


def _stays(message: str, hint: str) -> InvalidInput:
    return InvalidInput(message, hint=hint)
