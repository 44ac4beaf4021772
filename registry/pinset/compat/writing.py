"""What clients of other tools change: a release that follows the one before it, and aliases that serve another one.

One policy for all of them: what none of these tools has a field for is let pass and recorded, a move that waits for
approvals is told as a refusal, and whoever says nothing of why is said to have been that client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from pinset.api.doors import is_unsafe
from pinset.compat.answering import Called, known
from pinset.domain.access import Verb
from pinset.domain.exchange import own
from pinset.domain.exchange.spelling import bundle_for
from pinset.domain.names import alias_name, show
from pinset.errors import GatesOpen, InvalidName

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.api.context import Asked
    from pinset.domain import answers
    from pinset.services.succeeding import Make

UNPINNED: Final = ("model-unpinned", "model-floating")
"""What is let pass, and recorded with the release: none of these tools has a field for a model's version."""


def reason_of(tool: str) -> str:
    """Why something was done, where a client says nothing of it."""
    return f"asked for by a client of {tool}"


def target(asked: Asked, name: str) -> Called:
    """What a write to a name changes: what it means, or a bundle that is to be, and that no other name comes to.

    Raises PermissionDenied, and InvalidName for what nothing could be asked for by.
    """
    found = known(asked.registry, name)
    if found is not None:
        return found
    if is_unsafe(quote(name, safe="").encode("utf-8", "replace")):
        raise InvalidName(
            f"nothing could be asked for by the name {show(name)}", hint="write one line without \\, // and /../"
        )
    bundle = bundle_for(name)
    is_taken = bundle != name and asked.registry.meaning(bundle) is not None
    return Called(name, bundle_for(name, apart=True) if is_taken else bundle)


def may_publish(asked: Asked, bundle: str) -> None:
    """Raises PermissionDenied for who may not publish, or not be told what was published."""
    asked.registry.permit(Verb.READ, bundle, "")
    asked.registry.permit(Verb.PUBLISH, bundle, "")


def published(
    asked: Asked, meant: Called, make: Make, *, tool: str, message: str | None = None, alias: str | None = None
) -> answers.PublishAnswer:
    """The release that follows the newest one; see `services.succeeding`. meant: of `target`. make: as there.

    alias: it moves in the same write, so that where its gates are open nothing is published. Raises what
    `LocalRegistry.succeed` raises, and GatesOpen where the alias waits.
    """
    registry = asked.registry
    may_publish(asked, meant.bundle)

    def named(document: answers.ReleaseAnswer | None, files: Mapping[str, str]) -> Mapping[str, str]:
        made = make(document, files)
        return made if document is not None else own.of_bundle(made, meant.bundle)

    is_new = meant.text != meant.bundle and meant.prompt is None and registry.meaning(meant.text) is None
    done = registry.succeed(
        asked.caller,
        meant.bundle,
        named,
        message=message or reason_of(tool),
        alias=alias,
        allow=UNPINNED,
        spelled=meant.text if is_new else None,
    )
    _check_moved(done["move"], done["ref"], f"{done['ref']} is published, and " if done["created"] else "")
    return done


def promoted(asked: Asked, reference: str, alias: str, *, tool: str) -> None:
    """Let an alias serve a release, under the policy that holds for everybody. Raises GatesOpen where it waits."""
    _check_moved(asked.registry.promote(asked.caller, reference, alias, reason=reason_of(tool)), reference)


def alias_called(text: str) -> str:
    """The alias that a client writes to: letters count in small. Raises InvalidName."""
    return alias_name(text.lower())


def _check_moved(move: answers.MoveAnswer | None, reference: str, before: str = "") -> None:
    """Raises GatesOpen for a move that waits for approvals: the client must not take it for made."""
    if move is not None and move["action"] == "request":
        error = GatesOpen(
            f"{before}{move['bundle']}@{move['alias']} does not serve {reference} yet, as it waits for approvals:"
            f" request {move['request']}",
            hint=f"have it approved: pinset request approve {move['request']}",
            details={"ref": reference, "request": move["request"]},
        )
        error.recorded = True  # the request is
        raise error
