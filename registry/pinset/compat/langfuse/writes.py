"""What Langfuse's clients change: a release that follows the one before it, and aliases that serve another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pinset.compat import writing
from pinset.domain.access import Verb
from pinset.domain.exchange import langfuse, langfuse_taking
from pinset.domain.names import DEFAULT_ALIAS
from pinset.errors import InvalidInput, PinsetError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinset.api.context import Asked
    from pinset.compat.answering import Called
    from pinset.compat.langfuse.bodies import Create
    from pinset.domain import answers
    from pinset.domain.exchange.incoming import Lost

TOOL: Final = "Langfuse"


class Made(NamedTuple):
    """A release that was made. reference: it, by its number."""

    reference: str
    called: Called


def create(asked: Asked, body: Create) -> Made:
    """Publish what a client sends, and let its labels serve it.

    One label moves in the same write, so that where its gates are open nothing is published; further ones move after it.
    The release follows the newest one, as Langfuse's versions do: what the client says nothing of is as it was there.
    Raises what `writing.published` raises, and InvalidInput for what has no place in a release.
    """
    labels = _labels([*(body.labels or []), *([DEFAULT_ALIAS] if body.is_active else [])])
    first = DEFAULT_ALIAS if DEFAULT_ALIAS in labels else next(iter(labels), None)
    meant = writing.target(asked, body.name)
    for label in labels:
        asked.registry.permit(Verb.PROMOTE, meant.bundle, label)
    payload = {"prompt": body.prompt, "config": body.config, "tags": body.tags}

    def make(document: answers.ReleaseAnswer | None, files: Mapping[str, str]) -> Mapping[str, str]:
        made, lost = langfuse_taking.following(payload, document, files, meant.prompt)
        _refuse_lost(lost)
        return made

    done = writing.published(asked, meant, make, tool=TOOL, message=body.commit_message, alias=first)
    rest = [label for label in labels if label != first]
    promote(asked, done["ref"], rest, published=True)
    return Made(done["ref"], meant)


def promote(asked: Asked, reference: str, labels: Sequence[str], *, published: bool = False) -> None:
    """Let aliases serve a release, each by a move of its own; the first that cannot is what is told.

    published: the release was made by the same request, and stays. Raises what `writing.promoted` raises.
    """
    bundle = reference.partition("@")[0]
    wanted = _labels(labels)
    for label in wanted:
        asked.registry.permit(Verb.PROMOTE, bundle, label)
    done: list[str] = []
    for label in wanted:
        try:
            writing.promoted(asked, reference, label, tool=TOOL)
        except PinsetError as error:
            before = [f"{reference} is published"] if published else []
            before += [f"{', '.join(done)} serve it" if len(done) > 1 else f"{done[0]} serves it"] if done else []
            if before:
                error.message = f"{'; '.join(before)}; {label}: {error.message}"
            raise
        done.append(label)


def _labels(labels: Sequence[str]) -> list[str]:
    """The aliases that labels are, each once; the newest version is ``latest`` without being told. Raises InvalidName."""
    given = dict.fromkeys(label.lower() for label in labels)
    return [writing.alias_called(label) for label in given if label != langfuse.LATEST]


def _refuse_lost(lost: Sequence[Lost]) -> None:
    if lost:
        told = "; ".join(f"{one.what}: {one.why}" for one in lost[:10])
        raise InvalidInput(
            f"what was sent has no place in a release: {told}", hint="leave it out, or write it otherwise"
        )
