"""What LangSmith's clients change: a push publishes what follows its parent, a tag is a promotion."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter
from starlette.responses import Response  # noqa: TC002 - the framework reads the annotations

from pinset.api.context import Asked, asking
from pinset.compat.answering import Called, Promotes, Publishes, Reads, called, version_of
from pinset.compat.langsmith.bodies import Changed, Created, Directory, Pushed, Tagged  # noqa: TC001 - as above
from pinset.compat.langsmith.routes import HUBS, PREFIX, awaited, awaited_key, name_of, prompt, selected, slashed
from pinset.domain.access import EVERYTHING, Verb, may
from pinset.domain.exchange import from_langchain, langsmith, own
from pinset.domain.exchange.authored import Authored
from pinset.domain.exchange.spelling import bundle_for
from pinset.domain.names import alias_name
from pinset.errors import AlreadyExists, Conflict, InvalidInput, NotFound, PermissionDenied, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain import answers
    from pinset.domain.exchange.incoming import Lost
    from pinset.services.succeeding import Make

_SAID: Final = "as LangSmith's clients asked"
_NOT_PUBLIC: Final = "nothing is public here: who may read it is said by credentials"
Changes = Annotated[Asked, asking(Verb.BUNDLE, changes=False, strict=False)]
router = APIRouter(include_in_schema=False)


class _UnchangedError(Exception):
    """A push that says what is there. document: of the release that says it."""

    def __init__(self, document: answers.ReleaseAnswer) -> None:
        super().__init__()
        self.document = document


@slashed(router.post, f"{PREFIX}/commits/{{owner}}/{{name}}")
def push(asked: Publishes, owner: str, name: str, body: Pushed) -> Response:
    """Publish: the prompt as it is sent, and the rest of the release that it follows with it."""
    meant = _target(asked, name_of(owner, name))
    lost: list[Lost] = []

    def make(document: answers.ReleaseAnswer | None, files: Mapping[str, str]) -> Mapping[str, str]:
        _check_parent(document, body.parent_commit)
        taken = from_langchain.take(body.manifest, document, files, meant.prompt, strict=True)
        lost[:] = taken.lost
        if document is not None and taken.files == files:
            raise _UnchangedError(document)
        return taken.files if document is not None else own.of_bundle(taken.files, meant.bundle)

    try:
        told = _published(asked, meant, make, body.description or "")
    except _UnchangedError as same:
        told = langsmith.listed(same.document, None)
    more = {"lost": [{"what": one.what, "why": one.why} for one in lost]} if lost else {}
    return asked.answered({"commit": told, **more})


@slashed(router.post, *(f"{hub}/{{owner}}/{{name}}/directories/commits" for hub in HUBS))
def push_files(asked: Publishes, owner: str, name: str, body: Directory) -> Response:
    """Publish a release's files, those that are sent in place of what was there."""
    meant = _target(asked, name_of(owner, name))

    def make(document: answers.ReleaseAnswer | None, files: Mapping[str, str]) -> Mapping[str, str]:
        if body.parent_commit is not None:
            _check_parent(document, body.parent_commit)
        sent = {path: entry.content for path, entry in body.files.items() if entry is not None}
        merged = {**{path: text for path, text in files.items() if path not in body.files}, **sent}
        return Authored(own.of_bundle(merged, meant.bundle)).files()

    return asked.answered({"commit": _published(asked, meant, make, "")})


@slashed(router.post, f"{PREFIX}/repos")
def create(asked: Publishes, body: Created) -> Response:
    """A prompt that is to be: it is there with its first commit; until then who said so is told that it is."""
    name = body.repo_handle
    if body.is_public:
        raise InvalidInput(_NOT_PUBLIC, hint="push it with is_public=False")
    if asked.registry.meaning(name) is not None:
        called(asked.registry, name)
        raise AlreadyExists("there is a prompt of that name", hint="push a commit of it")
    bundle = _target(asked, name).bundle
    asked.registry.permit(Verb.PUBLISH, bundle, "")
    about = asked.registry.describe()
    empty = {
        "name": bundle,
        "description": body.description or "",
        "changed_at": about["changed_at"],
        "archived": False,
    }
    repo = langsmith.repository({**empty, "releases": 0}, name, about["id"])
    asked.registry.keep_answer(
        asked.caller,
        awaited_key(name),
        request=bundle,
        status=200,
        body=json.dumps(repo, ensure_ascii=False),
        lifetime=asked.request.app.state.settings.kept_answers,
        of_write=False,
    )
    return asked.answered({"repo": repo})


@slashed(router.patch, f"{PREFIX}/repos/{{owner}}/{{name}}")
def change(asked: Changes, owner: str, name: str, body: Changed) -> Response:
    """What a bundle is for, and whether it is in use. A readme and tags of it are accepted, and not kept."""
    bundle = called(asked.registry, name_of(owner, name)).bundle
    now, changes = asked.registry.bundle(bundle), asked.registry.bundle_changes
    if body.is_public:
        raise InvalidInput(_NOT_PUBLIC, hint="leave is_public out")
    if body.description is not None and body.description != now["description"]:
        changes.set(asked.caller, bundle, description=body.description, reason=_SAID)
    if body.is_archived is not None and body.is_archived != now["archived"]:
        (changes.archive if body.is_archived else changes.unarchive)(asked.caller, bundle, reason=_SAID)
    return prompt(asked, owner, name)


@slashed(
    router.delete, f"{PREFIX}/repos/{{owner}}/{{name}}", *(f"{hub}/{{owner}}/{{name}}/directories" for hub in HUBS)
)
def delete(asked: Changes, owner: str, name: str) -> Response:
    """Nothing is deleted."""
    bundle = called(asked.registry, name_of(owner, name)).bundle
    raise InvalidInput(
        "a prompt stays, with all that was ever pushed",
        hint=f"put it out of use: pinset bundle archive {bundle} -m TEXT",
    )


@slashed(router.post, f"{PREFIX}/repos/{{owner}}/{{name}}/tags")
def tag(asked: Promotes, owner: str, name: str, body: Tagged) -> Response:
    """A promotion, under the policy that holds for everybody."""
    text = name_of(owner, name)
    bundle, alias = called(asked.registry, text).bundle, alias_name(body.tag_name.lower())
    if langsmith.hash_of(body.commit_id) is None:
        raise NotFound("there is no commit of that id", hint="send the id or the hash that a push was answered")
    version = selected(asked, text, body.commit_id)
    move = asked.registry.promote(asked.caller, f"{bundle}@{version.text}", alias, reason=_SAID)
    if move["action"] == "request":
        error = Refused(
            f"{bundle}@{alias} does not serve {version.text} yet: the policy wants approvals",
            hint=f"it is the request {move['request']}, which moves it once it has them",
        )
        error.recorded = True  # the request is
        raise error
    return asked.answered({"tag_name": alias, "commit_id": body.commit_id})


@slashed(router.post, f"{PREFIX}/likes/{{owner}}/{{name}}")
def like(asked: Reads, owner: str, name: str) -> Response:
    """Accepted, and not counted."""
    called(asked.registry, name_of(owner, name))
    return asked.answered({"likes": 0})


def _target(asked: Asked, name: str) -> Called:
    """What a push to a name changes: a prompt that there is, or a bundle that is to be."""
    registry = asked.registry
    try:
        meant = called(registry, name)
    except NotFound:
        meant = None
    if meant is not None and meant.prompt is None:
        return meant
    if meant is not None:
        try:
            if meant.prompt in registry.release(f"{meant.bundle}@latest")["content"]["prompts"]:
                return meant
        except (NotFound, PermissionDenied):
            pass
    bundle = bundle_for(name)
    if bundle != name and registry.meaning(bundle) is not None:
        bundle = bundle_for(name, apart=True)
    return Called(name, bundle)


def _published(asked: Asked, meant: Called, make: Make, message: str) -> object:
    """Publish, and tell the commit. What was said of a prompt that was to be is said of its bundle then."""
    registry = asked.registry
    is_new = registry.meaning(meant.text) is None and meant.prompt is None
    said = awaited(asked, meant.text)
    spelled = meant.text if is_new and meant.text != meant.bundle else None
    made = registry.succeed(asked.caller, meant.bundle, make, message=message, spelled=spelled)
    description = json.loads(said)["description"] if said is not None else ""
    if description and may(asked.caller.grants, Verb.BUNDLE, meant.bundle):
        registry.bundle_changes.set(asked.caller, meant.bundle, description=description, reason=_SAID)
    # Of what was just published the header may be told, also to who may read nothing of the bundle.
    everything = registry.seen_by(EVERYTHING)
    release = everything.summary(f"{meant.bundle}@{version_of(made['version']).text}")
    return langsmith.listed(release, None)


def _check_parent(newest: Mapping[str, object] | None, parent: str | None) -> None:
    """Raises Conflict where something else is the newest than a push was made from."""
    if newest is None and parent is None:
        return
    beginning = langsmith.hash_of(parent) if parent is not None else None
    if newest is not None and beginning is not None and langsmith.is_of(newest, beginning):
        return
    now = f"{newest['ref']}, commit {str(newest['commit'])[:8]}" if newest is not None else "nothing"
    raise Conflict(
        f"the newest is {now}, and this push was made from {parent[:8] if parent else 'none'}",
        hint="pull it, make the change there, and push again",
    )
