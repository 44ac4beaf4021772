"""What MLflow's clients read to load a prompt: the registered model, the version of an alias, a version, the newest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.responses import Response  # noqa: TC002 - the framework reads the annotations

from pinset.api.hot import posted_key
from pinset.compat.answering import Called, Reads, alias_of, called, key_of, serving, told, version_of
from pinset.compat.mlflow.bodies import Latest
from pinset.compat.mlflow.passing import ALL, Sent, elsewhere
from pinset.domain.access import Verb
from pinset.domain.exchange import mlflow
from pinset.domain.text import strict_json
from pinset.errors import ContentPurged, InvalidInput, NotFound, PermissionDenied, Purged

if TYPE_CHECKING:
    from pinset.api.context import Asked
    from pinset.domain import answers
    from pinset.services.local import LocalRegistry

PREFIX: Final = "/compat/mlflow/api/2.0/mlflow"
STAGE: Final = "None"
"""The stage of every version: prompts have none."""
router = APIRouter(include_in_schema=False)


@router.get(f"{PREFIX}/registered-models/get")
def registered_model(asked: Reads, sent: Sent, name: str) -> Response:
    """A prompt: its tags, and what its aliases serve."""
    meant = found(asked, name)
    if meant is None:
        return elsewhere(asked, sent, name)
    if not _may_all(asked, meant.bundle):
        aliases = dict(seen_aliases(asked, meant.bundle))
        return asked.answered({"registered_model": mlflow.registered(name, aliases, 0, {})})
    try:
        return told(asked, name, alias_of("latest"), _tell_model)
    except NotFound:  # of a bundle whose releases are all yanked or purged there is no newest one
        about = asked.registry.bundle(meant.bundle)
        at = mlflow.milliseconds(about["changed_at"])
        return asked.answered({"registered_model": mlflow.registered(name, _numbers(about), at, {})})


@router.get(f"{PREFIX}/registered-models/alias")
def by_alias(asked: Reads, sent: Sent, name: str, alias: str) -> Response:
    """The version that an alias serves."""
    meant = found(asked, name)
    if meant is None:
        return elsewhere(asked, sent, name)
    try:
        return told(asked, name, alias_of(alias), _tell)
    except NotFound:
        if _serves(asked.registry, meant, alias):
            raise  # what is missing is another thing: a prompt of the release
        raise InvalidInput(
            f"Registered model alias {alias[:100]} not found.",
            hint=f"see what there is: pinset alias list {meant.bundle}",
        ) from None


@router.get(f"{PREFIX}/model-versions/get")
def by_version(asked: Reads, sent: Sent, name: str, version: str) -> Response:
    """A version by its number."""
    meant = found(asked, name)
    if meant is None:
        return elsewhere(asked, sent, name)
    wanted = version_of(version)
    if _may_all(asked, meant.bundle):
        return told(asked, name, wanted, _tell)
    # Who may read an alias may read what it serves; the clients ask for that by its number.
    for alias, number in seen_aliases(asked, meant.bundle):
        if f"v{number}" == wanted.text:
            return told(asked, name, alias_of(alias), _telling(number), _key(asked, alias.encode()))
    asked.registry.permit(Verb.READ, meant.bundle, "")
    raise AssertionError("who may not read a bundle is refused")


@router.get(f"{PREFIX}/registered-models/get-latest-versions")
def newest(asked: Reads, sent: Sent, name: str) -> Response:
    """The newest version of a prompt, as a list."""
    stages = asked.request.query_params.getlist("stages")
    return _newest(asked, sent, name, stages, None)


@router.post(f"{PREFIX}/registered-models/get-latest-versions")
def newest_posted(asked: Reads, sent: Sent, body: Latest) -> Response:
    """The same, as clients before 3 ask."""
    return _newest(asked, sent, body.name, body.stages or [], key_of(asked, latest_key(sent)))


def latest_key(body: bytes) -> bytes | None:
    """What a body asks for the newest version of; None for one that the ordinary way is to judge."""
    try:
        said = Latest.model_validate(strict_json.loads_bytes(body))
    except (strict_json.StrictJsonError, ValidationError):
        return None
    return said.name.encode() if not said.stages or STAGE in said.stages else None


def found(asked: Asked, name: str) -> Called | None:
    """What a name means; None where it is nothing here. Raises PermissionDenied.

    ``team.new`` is no prompt of the bundle ``team`` while neither its newest release nor a served one has it.
    """
    try:
        meant = called(asked.registry, name)
    except NotFound:
        return None
    if meant.prompt is None:
        return meant
    for selector in ("latest", *(alias for alias, _ in seen_aliases(asked, meant.bundle))):
        try:
            if meant.prompt in asked.registry.release(f"{meant.bundle}@{selector}")["content"]["prompts"]:
                return meant
        except (NotFound, PermissionDenied, ContentPurged, Purged):
            continue
    return None


def seen_aliases(asked: Asked, bundle: str) -> list[tuple[str, int]]:
    """The aliases that who asks may read, and what they serve; of a credential for some aliases of a bundle."""
    everything = asked.registry.seen_by(ALL)
    seen: list[tuple[str, int]] = []
    for one in everything.aliases(bundle)["items"]:
        try:
            asked.registry.permit(Verb.READ, bundle, one["alias"])
        except PermissionDenied:
            continue
        if one["version"] is not None:
            seen.append((one["alias"], one["version"]))
    return seen


def model_of(registry: LocalRegistry, document: answers.ReleaseAnswer, name: str) -> dict[str, Any]:
    """A bundle as a registered model. document: its newest release."""
    return mlflow.tell_model(document, name, _numbers(registry.bundle(document["bundle"])))


def version_told(registry: LocalRegistry, document: answers.ReleaseAnswer, meant: Called) -> dict[str, Any]:
    """A release as a model version."""
    return mlflow.tell(document, meant.text, serving(registry, document), meant.prompt)


def _newest(asked: Asked, sent: bytes, name: str, stages: list[str], key: bytes | None) -> Response:
    if found(asked, name) is None:
        return elsewhere(asked, sent, name)
    if stages and STAGE not in stages:
        return asked.answered({"model_versions": []})
    return told(asked, name, alias_of("latest"), _tell_list, key)


def _may_all(asked: Asked, bundle: str) -> bool:
    try:
        asked.registry.permit(Verb.READ, bundle, "")
    except PermissionDenied:
        return False
    return True


def _serves(registry: LocalRegistry, meant: Called, alias: str) -> bool:
    try:
        registry.summary(f"{meant.bundle}@{alias_of(alias).text}")
    except NotFound:
        return False
    return True


def _numbers(about: answers.BundleAnswer) -> dict[str, int]:
    return {alias: number for alias, number in about["aliases"].items() if number is not None}


def _key(asked: Asked, means: bytes) -> bytes:
    scope = asked.request.scope
    return posted_key(scope["raw_path"] + b"?" + scope["query_string"], means)


def _tell(registry: LocalRegistry, document: answers.ReleaseAnswer, meant: Called) -> Any:
    if document["alias"] is None:
        return {"model_version": version_told(registry, document, meant)}
    # Who may read an alias alone is told of no other.
    return {"model_version": mlflow.tell(document, meant.text, [document["alias"]["name"]], meant.prompt)}


def _tell_list(registry: LocalRegistry, document: answers.ReleaseAnswer, meant: Called) -> Any:
    return {"model_versions": [version_told(registry, document, meant)]}


def _tell_model(registry: LocalRegistry, document: answers.ReleaseAnswer, meant: Called) -> Any:
    return {"registered_model": model_of(registry, document, meant.text)}


def _telling(number: int) -> Any:
    """Tells what an alias serves while that is one version."""

    def tell(registry: LocalRegistry, document: answers.ReleaseAnswer, meant: Called) -> Any:
        if document["version"] != number:
            raise PermissionDenied("the alias serves another version by now", hint="load it by the alias")
        return _tell(registry, document, meant)

    return tell
