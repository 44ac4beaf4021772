"""What Langfuse's clients change: a release that follows the one before it, and aliases that serve another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote

from pinset.api.doors import is_unsafe
from pinset.compat.answering import Called, called
from pinset.domain.access import Verb
from pinset.domain.edits import Edits
from pinset.domain.exchange import authoring, langfuse, langfuse_taking, own, rewriting
from pinset.domain.exchange.spelling import bundle_for
from pinset.domain.manifest.edits import author_files, unlabelled
from pinset.domain.names import DEFAULT_ALIAS, alias_name, is_bundle_name, show
from pinset.errors import AlreadyExists, GatesOpen, InvalidInput, InvalidName, NotFound, PinsetError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinset.api.context import Asked
    from pinset.compat.langfuse.bodies import Create
    from pinset.domain import answers

UNPINNED: Final = ("model-unpinned", "model-floating")
"""What is let pass, and recorded with the release: a client of Langfuse has no field for a model's version."""
_WHY: Final = "created by a client of Langfuse"


class Made(NamedTuple):
    """A release that was made. reference: it, by its number."""

    reference: str
    called: Called


def create(asked: Asked, body: Create) -> Made:
    """Publish what a client sends, and let its labels serve it.

    One label moves in the same write, so that where its gates are open nothing is published; further ones move after it.
    The release follows the newest one, as Langfuse's versions do: what the client says nothing of is as it was there.
    Raises what `Registry.publish` raises, and InvalidInput for what has no place in a release.
    """
    labels = _labels([*(body.labels or []), *([DEFAULT_ALIAS] if body.is_active else [])])
    first = DEFAULT_ALIAS if DEFAULT_ALIAS in labels else next(iter(labels), None)
    meant, new = _meant(asked, body.name)
    asked.registry.permit(Verb.READ, meant.bundle, "")  # it is told what it made
    asked.registry.permit(Verb.PUBLISH, meant.bundle, "")
    for label in labels:
        asked.registry.permit(Verb.PROMOTE, meant.bundle, label)
    payload = {"prompt": body.prompt, "config": body.config, "tags": body.tags}
    message = body.commit_message or ""
    given: dict[str, Any] = {"message": message or _WHY, "alias": first, "allow": UNPINNED}
    base = None if new else _newest(asked, meant.bundle)
    if base is None:
        taken = langfuse_taking.content_of(payload)
        _refuse_lost(taken[1].lost)
        files = own.of_bundle(authoring.files_of(taken[0])[0], meant.bundle)
        spelled = body.name if new and body.name != meant.bundle else None
        done: answers.PublishAnswer = asked.registry.publish(
            asked.caller, files, bundle=meant.bundle, spelled=spelled, **given
        )
    else:
        content, said = langfuse_taking.content_of(payload, base, meant.prompt)
        _refuse_lost(said.lost)
        files = author_files(asked.registry.sealed(base["ref"])["files"])
        changed = rewriting.changed(files, base["content"], content)
        done = _follow(asked, base, files, changed, given)
    _check_moved(done["move"], done["ref"])
    rest = [label for label in labels if label != first]
    promote(asked, done["ref"], rest, published=True)
    return Made(done["ref"], meant)


def promote(asked: Asked, reference: str, labels: Sequence[str], *, published: bool = False) -> None:
    """Let aliases serve a release, each by a move of its own; the first that cannot is what is told.

    published: the release was made by the same request, and stays. Raises what `Registry.promote` raises.
    """
    bundle = reference.partition("@")[0]
    wanted = _labels(labels)
    for label in wanted:
        asked.registry.permit(Verb.PROMOTE, bundle, label)
    done: list[str] = []
    for label in wanted:
        try:
            _check_moved(asked.registry.promote(asked.caller, reference, label), reference)
        except PinsetError as error:
            before = [f"{reference} is published"] if published else []
            before += [f"{', '.join(done)} serve it" if len(done) > 1 else f"{done[0]} serves it"] if done else []
            if before:
                error.message = f"{'; '.join(before)}; {label}: {error.message}"
            raise
        done.append(label)


def _follow(
    asked: Asked,
    base: answers.ReleaseAnswer,
    files: Mapping[str, str],
    changed: Mapping[str, str],
    given: dict[str, Any],
) -> Any:
    """The release that follows another one; where nothing is different it is that one, and only its labels move."""
    if changed == files:
        if given["alias"] is not None:
            move = asked.registry.promote(asked.caller, base["ref"], given["alias"], reason=given["message"])
            return {"ref": base["ref"], "move": move}
        return {"ref": base["ref"], "move": None}
    texts = {path: text for path, text in unlabelled(changed).items() if files.get(path) != text}
    return asked.registry.changesets.derive(asked.caller, base["ref"], Edits(files=texts), **given)


def _meant(asked: Asked, name: str) -> tuple[Called, bool]:
    """The bundle, or the prompt of its releases, that a name means; and whether there is no such bundle yet."""
    try:
        found = called(asked.registry, name)
        newest = _newest(asked, found.bundle) if found.prompt is not None else None
        if found.prompt is None or (newest is not None and found.prompt in newest["content"]["prompts"]):
            return found, False
    except NotFound:
        pass
    if is_unsafe(quote(name, safe="").encode("utf-8", "replace")):
        raise InvalidName(
            f"nothing could be asked for by the name {show(name)}", hint="write one line without \\, // and /../"
        )
    bundle = name if is_bundle_name(name) else bundle_for(name)
    try:
        asked.registry.shelved(bundle)
    except NotFound:
        return Called(name, bundle), True
    raise AlreadyExists(
        f"the name would be that of the bundle {bundle}, which is called otherwise",
        hint=f"write {bundle}, or give it this name too: pinset bundle set {bundle} --also TEXT",
    )


def _newest(asked: Asked, bundle: str) -> answers.ReleaseAnswer | None:
    """The newest release that is neither yanked nor purged."""
    try:
        return asked.registry.release(f"{bundle}@{langfuse.LATEST}")
    except NotFound:
        return None


def _labels(labels: Sequence[str]) -> list[str]:
    """The aliases that labels are, each once; the newest version is ``latest`` without being told. Raises InvalidName."""
    given = dict.fromkeys(label.lower() for label in labels)
    return [alias_name(label) for label in given if label != langfuse.LATEST]


def _check_moved(move: answers.MoveAnswer | None, reference: str) -> None:
    """Raises GatesOpen for a move that waits for approvals: the client must not take it for made."""
    if move is not None and move["action"] == "request":
        raise GatesOpen(
            f"{reference} is published, and {move['alias']} waits for approvals: request {move['request']}",
            hint=f"have it approved: pinset request approve {move['request']}",
            details={"ref": reference, "request": move["request"]},
        )


def _refuse_lost(lost: Sequence[Any]) -> None:
    if lost:
        told = "; ".join(f"{one.what}: {one.why}" for one in lost[:10])
        raise InvalidInput(
            f"what was sent has no place in a release: {told}", hint="leave it out, or write it otherwise"
        )
