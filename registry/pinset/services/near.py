"""What only whoever has the registry's directory can ask of it: what a server needs to know, and the upkeep.

Every use case is imported when it is asked for: fetching a release needs none of these.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from pinset.errors import Busy, Integrity, PinsetError, ReadOnly, Refused, Unavailable
from pinset.ports.state import Answer, Attempt, Kind
from pinset.services import queries, recovering, session
from pinset.services.attempts import ANONYMOUS, LOOK, Repeats, keep

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pinset.auth.identity import Identity
    from pinset.domain import answers
    from pinset.domain.access import Grant, Verb
    from pinset.domain.adoption import Table
    from pinset.domain.answers.keys import ForeignAnswer
    from pinset.ports.catalog import Mark
    from pinset.ports.progress import Progress
    from pinset.ports.registry import Caller
    from pinset.services.changes import Changes
    from pinset.services.events import Batch
    from pinset.services.session import Context
    from pinset.services.settling import Settler
    from pinset.services.shelves import Shelved
    from pinset.services.succeeding import Make


class Near:
    """The part of `services.local.LocalRegistry` that no registry elsewhere has."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._repeats = Repeats(context)

    def seen_by(self, grants: tuple[Grant, ...]) -> Self:
        """The same registry for who may read no more than this. What it changes is for its caller to be allowed."""
        if grants == self._context.grants:
            return self
        seen = copy(self)
        seen._context = replace(self._context, grants=grants)  # noqa: SLF001 - of one of its own kind
        return seen

    def open(self, progress: Progress | None = None) -> None:
        """Make the catalog usable and settle a write that was cut off. Raises Busy, ReadOnly, Integrity."""
        context = self._context
        usable = context.catalog.usable()
        if usable:
            with context.catalog.reading() as reader:
                if reader.intent() is None and not context.store.unswept:
                    return
        try:
            with context.store.exclusive():
                recovering.settle(context, progress)
        except (Busy, Unavailable):
            # Nobody was told that this write is done. Reading goes on with what was before; the next writer settles it.
            if not usable:
                raise

    def prepare(self) -> None:
        """Make ready what only the first write would make. Where that cannot be written there will be no writes."""
        with suppress(ReadOnly, Unavailable, Integrity):
            self._context.state.prepare()

    def shelf(self, *, alias: str | None = None, skip: int = 0, limit: int = 50) -> tuple[int, list[Shelved]]:
        """How many bundles may be read, and a page of them, by name: see `services.shelves`."""
        from pinset.services import shelves

        return shelves.shelf(self._context, alias=alias, skip=skip, limit=limit)

    def shelved(self, name: str) -> Shelved:
        """One bundle as it stands on a page of them. Raises NotFound, PermissionDenied."""
        from pinset.services import shelves

        return shelves.one(self._context, name)

    def mark(self) -> Mark | None:
        """What is visible now, told in microseconds: see `ports.catalog.Catalog.mark`."""
        return self._context.catalog.mark()

    def tokens_mark(self) -> Mark | None:
        """Which tokens there are, told in microseconds: see `ports.state.State.mark`."""
        return self._context.state.mark()

    def changes(self, after: int) -> Changes:
        """What became visible after a serial."""
        from pinset.services import changes

        return changes.changes(self._context, after)

    def all_clients(self) -> list[answers.ClientsAnswer]:
        """Who runs what, of all bundles."""
        from pinset.services import adoption

        return adoption.all_clients(self._context)

    def keep_sights(self, table: Table) -> None:
        """Tell all processes of this registry which clients this one saw. Never fails."""
        self._context.sights.keep(table)

    def names_of(self, bundle: str) -> tuple[str, ...]:
        """Every name of a bundle, the oldest first; where there is none of that name, the name alone."""
        from pinset.services import naming

        return naming.names_of(self._context, bundle)

    def succeed(
        self,
        caller: Caller,
        bundle: str,
        make: Make,
        *,
        message: str = "",
        alias: str | None = None,
        spelled: str | None = None,
    ) -> answers.PublishAnswer:
        """Publish what follows the newest release of a bundle: see `services.succeeding.succeed`."""
        from pinset.services import succeeding

        return succeeding.succeed(self._context, caller, bundle, make, message=message, alias=alias, spelled=spelled)

    def meaning(self, name: str) -> str | None:
        """The bundle, by its name of now, that a name means, whoever asks; None where it means none.

        What may be told of it is another question: see `sees`.
        """
        from pinset.services import spelling

        return spelling.meaning(self._context, name)

    def sees(self, bundle: str) -> bool:
        """Whether who reads may read anything of a bundle, be it one alias."""
        from pinset.services import spelling

        return spelling.sees(self._context, bundle)

    def serving(self, alias: str, *, limit: int) -> list[str]:
        """The bundles of which an alias serves something that who reads may read, by name."""
        from pinset.services import bundles

        return bundles.serving(self._context, alias, limit=limit)

    def permit(self, verb: Verb, bundle: str, alias: str) -> None:
        """Raises PermissionDenied where who reads may not do this to a bundle under any of its names."""
        from pinset.services import naming

        naming.permit(self._context, verb, bundle, alias)

    def events_since(self, after: int | None) -> Batch:
        """A page of the events after a serial; None: none, but where the registry stands."""
        from pinset.services import events

        return events.since(self._context, after)

    def settler(self, every: float) -> Settler:
        """What makes approved moves once time has passed their last gate. every: seconds between two looks."""
        from pinset.services.settling import Settler

        return Settler(self._context, every=every)

    def has_tokens(self) -> bool:
        """Whether there is any token that nobody revoked; without one only loopback is served."""
        from pinset.services import tokens

        return tokens.has_tokens(self._context)

    def authenticate(self, token: str) -> Identity:
        """Whose token a text is. Raises Unauthenticated."""
        from pinset.services import tokens

        return tokens.authenticate(self._context, token)

    def ticket_of(self, via: str) -> str | None:
        """What lets who came by a token follow a stream where no header can be sent; None for who came otherwise."""
        from pinset.services import tokens

        return tokens.ticket_of(self._context, via)

    def admit_ticket(self, text: str) -> Identity:
        """Whose ticket a text is. Raises Unauthenticated."""
        from pinset.services import tokens

        return tokens.admit_ticket(self._context, text)

    def record_attempt(
        self,
        *,
        actor: str,
        action: str,
        target: str,
        code: str,
        detail: str,
        error: PinsetError | None = None,
        **more: str,
    ) -> None:
        """Keep what was refused, before the refusal is told. error: the refusal. more: as `ports.state.Attempt` has it.

        Raises ReadOnly and Unavailable where it cannot be kept.
        """
        attempt = Attempt(
            at=self._context.clock.now(),
            kind=Kind.ANONYMOUS if actor == ANONYMOUS else Kind.REFUSED,
            actor=actor,
            action=action,
            target=target,
            code=code,
            detail=detail,
            **more,  # type: ignore[arg-type]  # texts by their names
        )
        error = error or Refused(detail)
        if attempt.kind is Kind.ANONYMOUS or action == LOOK:
            self._repeats.add(error, attempt)
        else:
            keep(self._context, error, attempt)

    def kept_answer(self, key: str, actor: str) -> Answer | None:
        """What the first request with an Idempotency-Key was answered, while it is kept."""
        return self._context.state.answer(key, actor)

    def is_written(self, caller: Caller) -> bool:
        """Whether the write that the caller's Idempotency-Key makes is in git."""
        return queries.operation(self._context, session.operation_of(caller, "", {}).id)["status"] == "done"

    def keep_answer(
        self,
        caller: Caller,
        key: str,
        *,
        request: str,
        status: int,
        body: str,
        lifetime: int,
        of_write: bool = True,
    ) -> None:
        """Keep the first answer to a key. request: fingerprint of what was asked. lifetime: microseconds.

        of_write: it is of the write that the key makes, and takes the place of one that is not.
        """
        now = self._context.clock.now()
        answer = Answer(
            key=key,
            principal=caller.actor,
            request=request,
            operation=session.operation_of(caller, "", {}).id if of_write else "",
            status=status,
            body=body,
            at=now,
        )
        self._context.state.keep_answer(answer, forget_before=now - lifetime)

    def reindex(self, progress: Progress | None = None) -> int:
        """Rebuild the catalog from git alone; how many commits it has."""
        from pinset.services import maintenance

        return maintenance.reindex(self._context, progress)

    def repair(self) -> list[ForeignAnswer]:
        """Put aside what others moved in the repository; what that was."""
        from pinset.services import foreign

        return foreign.put_aside(self._context)

    def foreign(self) -> list[ForeignAnswer]:
        """What others moved in the repository, and is still so."""
        from pinset.services import foreign

        return foreign.look(self._context)

    def gc(self, progress: Progress | None = None) -> None:
        """Repack the repository."""
        from pinset.services import maintenance

        maintenance.gc(self._context, progress)

    def backup_state(self, target: Path) -> None:
        """A consistent copy of the state. Raises Integrity where it is damaged."""
        from pinset.services import verifying

        verifying.prove_state(self._context.state)
        self._context.state.backup(target)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """The writer's lock, for who copies the directory. A write that was cut off is settled first."""
        context = self._context
        with context.store.exclusive():
            recovering.settle(context)
            yield

    def close(self) -> None:
        """Release what the ports hold; who was the last to write leaves no log behind. Idempotent."""
        context = self._context
        self._repeats.flush()
        if context.catalog.wants_checkpoint:
            with suppress(PinsetError), context.store.exclusive(wait=False):
                context.catalog.checkpoint()
        context.sights.close()
        context.store.close()
        context.catalog.close()
        context.state.close()
