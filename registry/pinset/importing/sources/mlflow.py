"""Versions of prompts out of MLflow's registry: from a server, or from a file of the same objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pinset.domain.exchange import from_mlflow, mlflow
from pinset.domain.exchange.incoming import THERE, Incoming, Lost, Taken
from pinset.domain.names import show
from pinset.domain.text import strict_json
from pinset.errors import Integrity, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pinset.importing.http import Remote

SYSTEM: Final = "mlflow"
_API: Final = "/api/2.0/mlflow"
_PROMPTS: Final = f"tags.`{mlflow.IS_PROMPT}` = 'true'"
_NAMES, _VERSIONS = 100, 50
"""Of a page: versions hold their texts."""
_ARGUMENTS: Final = ("template", "model_config", "response_format", "tags", "commit_message")


class MlflowSource:
    """Implements `pinset.domain.exchange.incoming.Resumable` on a server: MLflow's, or what speaks like it."""

    system = SYSTEM

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self._known: Callable[[str, str], bool] = lambda _name, _origin: False

    def resume(self, known: Callable[[str, str], bool]) -> None:
        """Leave out what is here."""
        self._known = known

    def count(self) -> int | None:
        """A search does not tell it."""
        return None

    def versions(self) -> Iterator[Incoming]:
        """Each version of each prompt, as the server has them now."""
        for page in self._pages("registered-models/search", filter=_PROMPTS, max_results=_NAMES):
            for model in _list(page, "registered_models"):
                yield from self._of(_object(model))

    def _of(self, model: Mapping[str, Any]) -> Iterator[Incoming]:
        name = _text(model, "name")
        # A search may leave out the aliases.
        answer = self._remote.get(f"{_API}/registered-models/get", name=name)
        whole = _object(_object(answer).get("registered_model"))
        quote = '"' if "'" in name else "'"
        wanted = f"name = {quote}{name}{quote} AND {_PROMPTS}"
        first = True
        pages = self._pages(
            "model-versions/search", filter=wanted, max_results=_VERSIONS, order_by="version_number ASC"
        )
        for page in pages:
            for version in _list(page, "model_versions"):
                yield _incoming(self._remote.host, whole, _object(version), first=first, known=self._known)
                first = False

    def _pages(self, path: str, **query: str | int) -> Iterator[Mapping[str, Any]]:
        return self._remote.pages(
            lambda token: _object(self._remote.get(f"{_API}/{path}", **query, page_token=token)),
            lambda page: page.get("next_page_token") or None,
        )


class MlflowFile:
    """Implements `pinset.domain.exchange.incoming.Source` on a file.

    text: JSON of what the searches of a server answer, ``registered_models`` and ``model_versions`` in one object; or
    what ``pinset export --to mlflow`` writes, the arguments of ``register_prompt``, of one or in a list. name: of the
    file. Raises InvalidInput for another one.
    """

    system = SYSTEM

    def __init__(self, text: str, name: str) -> None:
        self._name = name
        try:
            found = strict_json.loads(text)
        except strict_json.StrictJsonError as error:
            raise InvalidInput(f"{name}: {error.message}", hint=error.hint) from error
        listed = found if isinstance(found, list) else [found]
        if isinstance(found, dict) and "model_versions" in found:
            self._found = list(_of_searches(name, found))
        elif listed and all(isinstance(one, dict) and {"name", "template"} <= set(one) for one in listed):
            self._found = [_of_arguments(name, one) for one in listed]
        else:
            raise InvalidInput(
                f"{name} is no export of MLflow's prompts",
                hint='write {"registered_models": […], "model_versions": […]}, as its searches answer them',
            )

    def count(self) -> int | None:
        """How many the file has."""
        return len(self._found)

    def versions(self) -> Iterator[Incoming]:
        """Each version, by name and number."""
        yield from self._found


def _of_searches(place: str, found: Mapping[str, Any]) -> Iterator[Incoming]:
    models = {_text(_object(one), "name"): _object(one) for one in _list(found, "registered_models")}
    versions = [_object(one) for one in _list(found, "model_versions")]
    before = ""
    for one in sorted(versions, key=lambda one: (_text(one, "name"), _number(one))):
        name = _text(one, "name")
        if mlflow.IS_PROMPT in _tags(one):
            yield _incoming(place, models.get(name, {"name": name}), one, first=name != before)
            before = name


def _of_arguments(place: str, said: Mapping[str, Any]) -> Incoming:
    """What `register_prompt` would make of its arguments."""
    name, template = _text(said, "name"), said["template"]
    tags = {key: str(value) for key, value in _object(said.get("tags") or {}).items()}
    tags[mlflow.TYPE] = "chat" if isinstance(template, list) else "text"
    tags[mlflow.TEXT] = mlflow.json_of(template) if isinstance(template, list) else str(template)
    for argument, key in (("model_config", mlflow.MODEL_CONFIG), ("response_format", mlflow.RESPONSE_FORMAT)):
        if said.get(argument) is not None:
            tags[key] = mlflow.json_of(said[argument])
    taken = from_mlflow.take(tags, strict=False)
    more = [
        Lost(what=key, why="register_prompt has no such argument") for key in said if key not in (*_ARGUMENTS, "name")
    ]
    release = _release(tags)
    number = release.get("version") if isinstance(release.get("version"), int) else None
    alias = release.get("alias")
    return Incoming(
        name=name,
        taken=Taken(files=taken.files, lost=(*taken.lost, *more)),
        origin=f"{SYSTEM}:{release.get('registry') or place}/{name}/{number or ''}",
        number=number,
        message=str(said.get("commit_message") or ""),
        aliases=(alias,) if isinstance(alias, str) else (),
    )


def _release(tags: Mapping[str, str]) -> Mapping[str, Any]:
    """What an export of ours says of the release that it was."""
    try:
        found = strict_json.loads(tags.get(f"{mlflow.OWN}release", "{}"))
    except strict_json.StrictJsonError:
        return {}
    return found if isinstance(found, dict) else {}


def _incoming(
    place: str,
    model: Mapping[str, Any],
    version: Mapping[str, Any],
    *,
    first: bool,
    known: Callable[[str, str], bool] = lambda _name, _origin: False,
) -> Incoming:
    """A model version, of its registered model. first: whether what is of the prompt as a whole is told with it."""
    name, number = _text(model, "name"), _number(version)
    origin = f"{SYSTEM}:{place}/{name}/{number}"
    at, user = version.get("creation_timestamp"), version.get("user_id")
    try:
        at = int(at) * 1000 if at is not None else None
    except (TypeError, ValueError):
        at = None
    if known(name, origin):
        taken = THERE
    else:
        tags = _tags(version)
        taken = from_mlflow.take(tags, strict=False)
        if first:
            taken = Taken(files=taken.files, lost=(*taken.lost, *_of_prompt(model, version, tags)))
    return Incoming(
        name=name,
        taken=taken,
        origin=origin,
        number=number,
        message=str(version.get("description") or ""),
        at=at,
        authors=(user,) if isinstance(user, str) and user else (),
        aliases=tuple(_aliases(model, number)),
    )


def _of_prompt(model: Mapping[str, Any], version: Mapping[str, Any], tags: Mapping[str, str]) -> Iterator[Lost]:
    """What is said of a prompt as a whole, and of none of its versions."""
    for key in sorted(set(_tags(model)) - set(tags)):
        if not mlflow.is_reserved(key):
            yield Lost(
                what=f"prompt.tags.{key}", why="a tag of all versions has no place: those of one are its metadata"
            )
    description = model.get("description")
    if description and description != version.get("description"):
        yield Lost(what="prompt.description", why="say it of the bundle: pinset bundle set NAME --description TEXT")


def _aliases(model: Mapping[str, Any], number: int) -> Iterator[str]:
    """What serves a version; letters count in small here."""
    listed = model.get("aliases")
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, dict) and str(one.get("version")) == str(number) and isinstance(one.get("alias"), str):
            yield one["alias"].lower()


def _tags(value: Mapping[str, Any]) -> dict[str, str]:
    """Tags, as a list of ``key`` and ``value`` or as a mapping."""
    said = value.get("tags") or []
    if isinstance(said, dict):
        return {str(key): str(one) for key, one in said.items()}
    pairs: Iterable[Any] = said if isinstance(said, list) else []
    return {str(one["key"]): str(one.get("value", "")) for one in pairs if isinstance(one, dict) and "key" in one}


def _number(version: Mapping[str, Any]) -> int:
    try:
        return int(version["version"])
    except (KeyError, TypeError, ValueError):
        raise Integrity(
            "a version of MLflow's has no number", hint="see whether the address is that of MLflow"
        ) from None


def _text(value: Mapping[str, Any], key: str) -> str:
    found = value.get(key)
    if not isinstance(found, str) or not found:
        raise Integrity(f"what MLflow answers has no {show(key)}", hint="see whether the address is that of MLflow")
    return found


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Integrity("what MLflow answers is no object", hint="see whether the address is that of MLflow")
    return value


def _list(value: Mapping[str, Any], key: str) -> list[Any]:
    """A list of an answer; MLflow leaves out what is empty."""
    found = value.get(key, [])
    return found if isinstance(found, list) else []
