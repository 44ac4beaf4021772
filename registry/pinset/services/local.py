"""The registry as a directory of this machine: every use case behind the one interface.

Every use case but looking is imported when it is asked for: fetching a release needs no other.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from pinset.errors import Busy, Integrity, PinsetError, ReadOnly, Refused, Unavailable
from pinset.ports.state import Answer, Attempt, Kind
from pinset.services import queries, recovering, session
from pinset.services.attempts import ANONYMOUS, LOOK, Repeats, keep

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pinset.auth.identity import Identity
    from pinset.domain import answers
    from pinset.domain.access import Grant, Verb
    from pinset.domain.adoption import Table
    from pinset.domain.answers.blame import BlameAnswer
    from pinset.domain.answers.costs import CostAnswer
    from pinset.domain.answers.events import EventAnswer
    from pinset.domain.answers.keys import ForeignAnswer
    from pinset.domain.answers.searching import SearchAnswer
    from pinset.ports.audit import Audit
    from pinset.ports.catalog import Mark
    from pinset.ports.progress import Progress
    from pinset.ports.registry import Caller
    from pinset.services.approving import LocalRequests
    from pinset.services.bundle_changes import LocalBundleChanges
    from pinset.services.changes import Changes
    from pinset.services.changesets import LocalChangesets
    from pinset.services.events import Batch
    from pinset.services.evidence import LocalEvidence
    from pinset.services.keys import LocalKeys
    from pinset.services.past import Past
    from pinset.services.policies import LocalPolicies
    from pinset.services.purging import LocalPurging
    from pinset.services.reviewing import LocalReviews
    from pinset.services.session import Context
    from pinset.services.settling import Settler


class LocalRegistry:
    """Implements `pinset.ports.registry.Registry` on ports of this process, and what only works near."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._repeats = Repeats(context)

    @property
    def audit(self) -> Audit:
        """The audit log."""
        from pinset.services import auditing

        return auditing.Auditing(self._context, self._repeats)

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

    @property
    def keys(self) -> LocalKeys:
        from pinset.services.keys import LocalKeys

        return LocalKeys(self._context)

    def describe(self) -> answers.RegistryAnswer:
        return queries.describe(self._context)

    def whoami(self, caller: Caller) -> answers.WhoAnswer:
        return queries.whoami(self._context, caller)

    def check(self, files: Mapping[str, str], *, label: str | None = None) -> answers.CheckAnswer:
        from pinset.services import publish

        return publish.check(self._context, files, label=label)

    def publish(
        self,
        caller: Caller,
        files: Mapping[str, str],
        *,
        bundle: str | None = None,
        message: str = "",
        label: str | None = None,
        alias: str | None = None,
        source: Mapping[str, Any] | str | None = None,
        number: int | None = None,
        allow: Sequence[str] = (),
    ) -> answers.PublishAnswer:
        from pinset.services import publish

        return publish.publish(
            self._context,
            caller,
            files,
            bundle=bundle,
            message=message,
            label=label,
            alias=alias,
            source=source,
            number=number,
            allow=allow,
        )

    def publish_component(
        self,
        caller: Caller,
        kind: str,
        name: str,
        files: Mapping[str, str],
        *,
        message: str = "",
        label: str | None = None,
        number: int | None = None,
        allow: Sequence[str] = (),
    ) -> answers.ComponentAnswer:
        from pinset.services import components

        return components.publish_component(
            self._context, caller, kind, name, files, message=message, label=label, number=number, allow=allow
        )

    def promote(
        self,
        caller: Caller,
        reference: str,
        alias: str,
        *,
        expect: str | None = None,
        revision: str | None = None,
        reason: str = "",
        again: bool = False,
        break_glass: bool = False,
    ) -> answers.MoveAnswer:
        from pinset.services import moving

        return moving.promote(
            self._context,
            caller,
            reference,
            alias,
            expect=expect,
            revision=revision,
            reason=reason,
            again=again,
            break_glass=break_glass,
        )

    def rollback(
        self,
        caller: Caller,
        bundle: str,
        alias: str,
        *,
        serving: str | None = None,
        to: str | None = None,
        steps: int | None = None,
        at: str | None = None,
        revision: str | None = None,
        reason: str = "",
    ) -> answers.MoveAnswer:
        from pinset.services import moving

        return moving.rollback(
            self._context,
            caller,
            bundle,
            alias,
            serving=serving,
            to=to,
            steps=steps,
            at=at,
            revision=revision,
            reason=reason,
        )

    def retire(
        self,
        caller: Caller,
        bundle: str,
        alias: str,
        *,
        revision: str | None = None,
        reason: str = "",
        break_glass: bool = False,
    ) -> answers.MoveAnswer:
        from pinset.services import moving

        return moving.retire(
            self._context, caller, bundle, alias, revision=revision, reason=reason, break_glass=break_glass
        )

    def yank(self, caller: Caller, reference: str, *, reason: str) -> answers.YankAnswer:
        from pinset.services import yanking

        return yanking.yank(self._context, caller, reference, reason=reason)

    def unyank(self, caller: Caller, reference: str, *, reason: str = "") -> answers.YankAnswer:
        from pinset.services import yanking

        return yanking.unyank(self._context, caller, reference, reason=reason)

    @property
    def purges(self) -> LocalPurging:
        """Removing content for good."""
        from pinset.services.purging import LocalPurging

        return LocalPurging(self._context)

    def release(self, reference: str) -> answers.ReleaseAnswer:
        return queries.release(self._context, reference)

    def sealed(self, reference: str) -> answers.SealedAnswer:
        return queries.sealed(self._context, reference)

    def summary(self, reference: str) -> answers.ReleaseSummary:
        return queries.summary(self._context, reference)

    def file(self, reference: str, path: str) -> str:
        return queries.file(self._context, reference, path)

    def bundles(
        self,
        *,
        query: str = "",
        uses: str | None = None,
        alias: str | None = None,
        owner: str | None = None,
        archived: bool = False,
        cursor: str | None = None,
        limit: int = 100,
    ) -> answers.Page[answers.BundleAnswer]:
        from pinset.services import bundles

        return bundles.bundles(
            self._context,
            query=query,
            uses=uses,
            alias=alias,
            owner=owner,
            archived=archived,
            cursor=cursor,
            limit=limit,
        )

    def bundle(self, name: str) -> answers.BundleAnswer:
        from pinset.services import bundles

        return bundles.bundle(self._context, name)

    @property
    def bundle_changes(self) -> LocalBundleChanges:
        """Changes of bundles themselves."""
        from pinset.services.bundle_changes import LocalBundleChanges

        return LocalBundleChanges(self._context)

    def names_of(self, bundle: str) -> tuple[str, ...]:
        """Every name of a bundle, the oldest first; where there is none of that name, the name alone."""
        from pinset.services import naming

        return naming.names_of(self._context, bundle)

    def permit(self, verb: Verb, bundle: str, alias: str) -> None:
        """Raises PermissionDenied where who reads may not do this to a bundle under any of its names."""
        from pinset.services import naming

        naming.permit(self._context, verb, bundle, alias)

    def releases(
        self, bundle: str, *, cursor: str | None = None, limit: int = 100
    ) -> answers.Page[answers.ReleaseSummary]:
        return queries.releases(self._context, bundle, cursor=cursor, limit=limit)

    def aliases(self, bundle: str) -> answers.Page[answers.AliasAnswer]:
        return queries.aliases(self._context, bundle)

    def alias(self, bundle: str, alias: str) -> answers.AliasAnswer:
        return queries.alias(self._context, bundle, alias)

    def clients(self, bundle: str) -> answers.Page[answers.ClientsAnswer]:
        from pinset.services import adoption

        return adoption.clients(self._context, bundle)

    def all_clients(self) -> list[answers.ClientsAnswer]:
        """Who runs what, of all bundles."""
        from pinset.services import adoption

        return adoption.all_clients(self._context)

    def keep_sights(self, table: Table) -> None:
        """Tell all processes of this registry which clients this one saw. Never fails."""
        self._context.sights.keep(table)

    def history(
        self, bundle: str, alias: str | None = None, *, cursor: str | None = None, limit: int = 100
    ) -> answers.Page[answers.HistoryItem]:
        return queries.history(self._context, bundle, alias, cursor=cursor, limit=limit)

    def diff(
        self,
        old: str | Mapping[str, str],
        new: str | Mapping[str, str],
        *,
        old_at: str | None = None,
        new_at: str | None = None,
    ) -> dict[str, Any]:
        from pinset.services import comparing

        return comparing.diff(self._context, old, new, old_at=old_at, new_at=new_at)

    def component(self, kind: str, name: str, selector: str = "latest") -> answers.ComponentAnswer:
        from pinset.services import components

        return components.component(self._context, kind, name, selector)

    def component_versions(
        self, kind: str, name: str, *, cursor: str | None = None, limit: int = 100
    ) -> answers.Page[answers.ComponentAnswer]:
        from pinset.services import components

        return components.component_versions(self._context, kind, name, cursor=cursor, limit=limit)

    def components(
        self, *, kind: str | None = None, cursor: str | None = None, limit: int = 100
    ) -> answers.Page[answers.ComponentAnswer]:
        from pinset.services import components

        return components.components(self._context, kind=kind, cursor=cursor, limit=limit)

    def where_used(
        self, reference: str, *, cursor: str | None = None, limit: int = 100
    ) -> answers.Page[answers.UseAnswer]:
        from pinset.services import components

        return components.where_used(self._context, reference, cursor=cursor, limit=limit)

    def search(self, text: str, *, cursor: str | None = None, limit: int = 20) -> SearchAnswer:
        from pinset.services import searching

        return searching.search(self._context, text, cursor=cursor, limit=limit)

    def resolve(self, references: Sequence[str]) -> answers.ResolveAnswer:
        return queries.resolve(self._context, references)

    def cost(self, reference: str) -> CostAnswer:
        from pinset.services import costing

        return costing.cost(self._context, reference)

    def blame(self, reference: str, path: str) -> BlameAnswer:
        from pinset.services import blaming

        return blaming.blame(self._context, reference, path)

    def past(self, at: str) -> Past:
        from pinset.services.past import Past

        return Past(self._context, at)

    def operation(self, operation: str) -> answers.OperationAnswer:
        return queries.operation(self._context, operation)

    def events(
        self,
        *,
        after: int | None = None,
        bundles: Sequence[str] = (),
        aliases: Sequence[str] = (),
        wait: float | None = None,
    ) -> Iterator[EventAnswer]:
        from pinset.services import events

        return events.follow(self._context, after=after, bundles=bundles, aliases=aliases, wait=wait)

    def events_since(self, after: int | None) -> Batch:
        """A page of the events after a serial; None: none, but where the registry stands."""
        from pinset.services import events

        return events.since(self._context, after)

    def create_token(
        self,
        caller: Caller,
        name: str,
        *,
        can: str,
        person: str | None = None,
        lifetime: int | None = 90 * 86_400,
    ) -> answers.TokenAnswer:
        from pinset.services import tokens

        return tokens.create_token(self._context, caller, name, can=can, person=person, lifetime=lifetime)

    def tokens(self) -> answers.Page[answers.TokenAnswer]:
        from pinset.services import tokens

        return tokens.tokens(self._context)

    def revoke_token(self, caller: Caller, name: str) -> answers.TokenAnswer:
        from pinset.services import tokens

        return tokens.revoke_token(self._context, caller, name)

    @property
    def evidence(self) -> LocalEvidence:
        from pinset.services.evidence import LocalEvidence

        return LocalEvidence(self._context)

    @property
    def requests(self) -> LocalRequests:
        from pinset.services.approving import LocalRequests

        return LocalRequests(self._context)

    def settler(self, every: float) -> Settler:
        """What makes approved moves once time has passed their last gate. every: seconds between two looks."""
        from pinset.services.settling import Settler

        return Settler(self._context, every=every)

    @property
    def changesets(self) -> LocalChangesets:
        from pinset.services.changesets import LocalChangesets

        return LocalChangesets(self._context)

    @property
    def reviews(self) -> LocalReviews:
        from pinset.services.reviewing import LocalReviews

        return LocalReviews(self._context)

    @property
    def policies(self) -> LocalPolicies:
        from pinset.services.policies import LocalPolicies

        return LocalPolicies(self._context)

    def verify(
        self, bundle: str | None = None, *, progress: Progress | None = None, gently: bool = False
    ) -> answers.VerifyAnswer:
        from pinset.services import verifying

        return verifying.verify(self._context, bundle, progress, gently=gently)

    def has_tokens(self) -> bool:
        """Whether there is any token that nobody revoked; without one only loopback is served."""
        from pinset.services import tokens

        return tokens.has_tokens(self._context)

    def authenticate(self, token: str) -> Identity:
        """Whose token a text is. Raises Unauthenticated."""
        from pinset.services import tokens

        return tokens.authenticate(self._context, token)

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
        context = self._context
        self._repeats.flush()
        if context.catalog.wants_checkpoint:
            with suppress(PinsetError), context.store.exclusive(wait=False):
                context.catalog.checkpoint()
        context.sights.close()
        context.store.close()
        context.catalog.close()
        context.state.close()
