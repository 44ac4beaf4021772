"""What LangSmith's clients read: a prompt by tag or hash, its commits, the prompts there are, and an agent's files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, TypeVar

from fastapi import APIRouter
from starlette.responses import Response  # noqa: TC002 - the framework reads the annotations

from pinset.compat.answering import Asks, Reads, alias_of, called, told, version_of
from pinset.domain.access import EVERYTHING, Verb
from pinset.domain.exchange import langsmith
from pinset.domain.names import is_version
from pinset.domain.references import parse_selector
from pinset.errors import InvalidInput, NotFound
from pinset.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pinset.api.context import Asked
    from pinset.compat.answering import Called
    from pinset.domain import answers
    from pinset.domain.references import Selector
    from pinset.services.local import LocalRegistry

    Route = TypeVar("Route", bound=Callable[..., Any])

PREFIX: Final = "/compat/langsmith"
HUBS: Final = (f"{PREFIX}/v1/platform/hub/repos", f"{PREFIX}/platform/hub/repos")
"""Where agents are; without ``/v1`` for clients whose address ends in it."""
PAGE: Final = 500
router = APIRouter(include_in_schema=False)


def slashed(add: Callable[[str], Callable[[Route], Route]], *paths: str) -> Callable[[Route], Route]:
    """Registers a route under paths, each with a slash at its end and without: clients send both."""

    def register(route: Route) -> Route:
        for path in paths:
            add(path)(route)
            add(f"{path}/")(route)
        return route

    return register


@slashed(router.get, f"{PREFIX}/commits/{{owner}}/{{name}}/{{commit}}")
def pull(asked: Reads, owner: str, name: str, commit: str, include_model: bool = False) -> Response:  # noqa: FBT001, FBT002
    """A prompt, by a tag, a version, the beginning of a hash, or ``latest``."""
    text = name_of(owner, name)
    return told(asked, text, selected(asked, text, commit), _tell_with_model if include_model else _tell)


@slashed(router.get, *(f"{hub}/{{owner}}/{{name}}/directories" for hub in HUBS))
def files(asked: Reads, owner: str, name: str, commit: str = "latest") -> Response:
    """A release as an agent's files."""
    text = name_of(owner, name)
    return told(asked, text, selected(asked, text, commit), _tell_files)


@slashed(router.get, f"{PREFIX}/repos/{{owner}}/{{name}}")
def prompt(asked: Reads, owner: str, name: str) -> Response:
    """A prompt without its content; also one that who asks has said is to be."""
    text = name_of(owner, name)
    meant = called_or_new(asked, text)
    if meant is None:
        return asked.answered({"repo": json.loads(awaited(asked, text) or "{}")})
    registry = asked.registry
    newest = next(standing(registry, meant.bundle), None)
    if meant.prompt is not None:
        document = registry.release(f"{meant.bundle}@latest")
        if meant.prompt not in document["content"]["prompts"]:
            raise NotFound(f"{document['ref']} has no prompt of that name", hint="see what it has: pinset show")
    about = registry.bundle(meant.bundle)
    repo = langsmith.repository(about, name, registry.describe()["id"], newest["commit"] if newest else None)
    return asked.answered({"repo": repo})


@slashed(router.get, f"{PREFIX}/settings")
def settings(asked: Asks) -> Response:
    """Whose prompts these are: nobody's, so that their names begin with no owner."""
    about = asked.registry.describe()
    told = {"id": about["id"], "display_name": "Pinset", "created_at": about["changed_at"], "tenant_handle": None}
    return asked.answered(told)


@slashed(router.get, f"{PREFIX}/info")
def info(asked: Asks) -> Response:
    """What the server is."""
    return asked.answered({"version": f"pinset {VERSION}"})


def name_of(owner: str, name: str) -> str:
    """What a client calls a prompt: an owner that is not ``-`` is a folder."""
    return name if owner == langsmith.OWN else f"{owner}/{name}"


def selected(asked: Asked, name: str, text: str) -> Selector:
    """Which release is meant. Of hashes that begin alike the oldest, so that a beginning never means another one later.

    Raises NotFound, PermissionDenied.
    """
    plain = text.lower()
    if is_version(plain):
        return version_of(plain[1:])
    beginning = langsmith.hash_of(text)
    if beginning is not None:
        registry, bundle = asked.registry, called(asked.registry, name).bundle
        found = 0
        for one in _releases(registry, bundle):
            found = one["version"] if langsmith.is_of(one, beginning) else found
        if found:
            return version_of(found)
    try:
        return alias_of(text)
    except NotFound:
        pass
    try:
        return parse_selector(text)
    except InvalidInput:
        raise NotFound(
            "there is no commit and no tag of that name", hint="name an alias, a version as v7, or a commit's hash"
        ) from None


def called_or_new(asked: Asked, name: str) -> Called | None:
    """What a name means; None for one that who asks has said is to be. Raises NotFound, PermissionDenied."""
    try:
        return called(asked.registry, name)
    except NotFound:
        if awaited(asked, name) is None:
            raise
        return None


def awaited(asked: Asked, name: str) -> str | None:
    """What was answered to who asks when they said that a prompt of a name is to be; None where they did not."""
    kept = asked.registry.kept_answer(awaited_key(name), asked.caller.actor)
    return kept.body if kept is not None and asked.registry.meaning(name) is None else None


def awaited_key(name: str) -> str:
    """By what that answer is kept. No client can send a key with a space."""
    return f"compat langsmith {name}"


def _tell(_: LocalRegistry, document: answers.ReleaseAnswer, meant: Called) -> Any:
    return langsmith.tell(document, meant.prompt)


def _tell_with_model(_: LocalRegistry, document: answers.ReleaseAnswer, meant: Called) -> Any:
    return langsmith.tell(document, meant.prompt, model=True)


def _tell_files(registry: LocalRegistry, document: answers.ReleaseAnswer, _: Called) -> Any:
    # Who may have the document, by whatever alias, may have the files that it is made of.
    sealed = registry.seen_by(EVERYTHING).sealed(f"{document['bundle']}@v{document['version']}")
    return langsmith.directory(document, sealed["files"])


def standing(registry: LocalRegistry, bundle: str) -> Iterator[answers.ReleaseSummary]:
    """The releases that something may follow, the newest first."""
    return (one for one in _releases(registry, bundle, first=100) if one["yanked"] is None and one["purged"] is None)


def _releases(registry: LocalRegistry, bundle: str, first: int = PAGE) -> Iterator[answers.ReleaseSummary]:
    """Every release, the newest first. Who asks may read all of the bundle, or PermissionDenied."""
    registry.permit(Verb.READ, bundle, "")
    cursor, limit = None, first
    while True:
        page = registry.releases(bundle, cursor=cursor, limit=limit)
        yield from page["items"]
        cursor, limit = page["next"], PAGE
        if cursor is None:
            return
