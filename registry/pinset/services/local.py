"""The registry as a directory of this machine: every use case behind the one interface.

Every use case but looking is imported when it is asked for: fetching a release needs no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinset.services import queries
from pinset.services.near import Near

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pinset.domain import answers
    from pinset.domain.answers.blame import BlameAnswer
    from pinset.domain.answers.costs import CostAnswer
    from pinset.domain.answers.events import EventAnswer
    from pinset.domain.answers.searching import SearchAnswer
    from pinset.ports.audit import Audit
    from pinset.ports.progress import Progress
    from pinset.ports.registry import Caller
    from pinset.services.approving import LocalRequests
    from pinset.services.bundle_changes import LocalBundleChanges
    from pinset.services.changesets import LocalChangesets
    from pinset.services.evidence import LocalEvidence
    from pinset.services.importing import LocalImports
    from pinset.services.keys import LocalKeys
    from pinset.services.past import Past
    from pinset.services.policies import LocalPolicies
    from pinset.services.purging import LocalPurging
    from pinset.services.reviewing import LocalReviews


class LocalRegistry(Near):
    """Implements `pinset.ports.registry.Registry` on ports of this process."""

    @property
    def audit(self) -> Audit:
        """The audit log."""
        from pinset.services import auditing

        return auditing.Auditing(self._context, self._repeats)

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
        spelled: str | None = None,
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
            spelled=spelled,
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

    def spelled(self, name: str) -> str:
        from pinset.services import spelling

        return spelling.spelled(self._context, name)

    @property
    def bundle_changes(self) -> LocalBundleChanges:
        """Changes of bundles themselves."""
        from pinset.services.bundle_changes import LocalBundleChanges

        return LocalBundleChanges(self._context)

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

    @property
    def changesets(self) -> LocalChangesets:
        from pinset.services.changesets import LocalChangesets

        return LocalChangesets(self._context)

    @property
    def imports(self) -> LocalImports:
        from pinset.services.importing import LocalImports

        return LocalImports(self._context)

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
