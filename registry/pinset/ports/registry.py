"""The registry as its users see it: one interface, whether it is a directory here or a server elsewhere.

The API and the command line speak to nothing else. Answers are the objects of `pinset.domain.answers`; errors
are those of `pinset.errors`. Arguments are the texts users write; whoever implements this checks them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pinset.domain.access import EVERYTHING, permit
from pinset.domain.names import change_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pinset.domain import answers
    from pinset.domain.access import Grant, Verb
    from pinset.domain.answers.blame import BlameAnswer
    from pinset.domain.answers.costs import CostAnswer
    from pinset.domain.answers.events import EventAnswer
    from pinset.domain.answers.searching import SearchAnswer
    from pinset.ports.audit import Audit
    from pinset.ports.bundle_changes import BundleChanges
    from pinset.ports.changesets import Changesets
    from pinset.ports.evidence import Evidence
    from pinset.ports.imports import Imports
    from pinset.ports.keys import Keys
    from pinset.ports.past import Readings
    from pinset.ports.policies import Policies
    from pinset.ports.purging import Purging
    from pinset.ports.requests import Requests
    from pinset.ports.reviews import Reviews


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks.

    actor: as it is recorded. key: the Idempotency-Key, or None. dry_run: say what would happen, write nothing.
    person: whose credential it is, '' where that is the actor; approvals are counted by person. via: which credential
    and from where (``token:ID ADDRESS``), recorded with what is written. grants: what it may do; who opens the
    registry's directory may do everything that its policy allows. expires_at: of the credential, in microseconds
    since 1970; None for never. valid: raises Unauthenticated where the credential
    has ended since; a write asks it once it has its turn. change: what the writes of several calls are called together.
    """

    actor: str
    key: str | None = None
    dry_run: bool = False
    person: str = ""
    via: str = ""
    grants: tuple[Grant, ...] = EVERYTHING
    expires_at: int | None = None
    valid: Callable[[], None] | None = None
    change: str | None = None

    def __post_init__(self) -> None:
        """Raises InvalidName for a change that cannot be called so: it becomes part of a message and an address."""
        if self.change is not None:
            change_id(self.change)

    @property
    def who(self) -> str:
        """The person: of two credentials of one person it is the same."""
        return self.person or self.actor

    @property
    def recorded_person(self) -> str | None:
        """The person as a record's stamp says it: None where that is the actor."""
        return self.person if self.person and self.person != self.actor else None

    def need(self, verb: Verb, bundle: str = "", alias: str = "") -> None:
        """Raises PermissionDenied where what it may do does not include this: see `domain.access.permit`."""
        permit(self.grants, verb, bundle, alias)

    def confirm(self) -> None:
        """Raises Unauthenticated where the credential no longer counts: it may have ended while its write waited."""
        if self.valid is not None:
            self.valid()


class Registry(Protocol):
    """Every use case of a registry that works near and far. Mutations are acknowledged only when durable."""

    @property
    def audit(self) -> Audit:
        """Everything that was done, tried and refused."""

    @property
    def keys(self) -> Keys:
        """Its keys, and what authors signed with theirs."""

    def describe(self) -> answers.RegistryAnswer:
        """Which registry this is."""

    def whoami(self, caller: Caller) -> answers.WhoAnswer:
        """Who asks, as the registry knows them: a server by the credential, a directory by who opened it."""

    def check(self, files: Mapping[str, str], *, label: str | None = None) -> answers.CheckAnswer:
        """What the checks say of a bundle directory's files (text by path, ``release.yaml`` among them)."""

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
        """Publish a release, and with ``alias`` promote it in the same write.

        bundle: must be the manifest's, where given. label: overrides the manifest's version. source: where the files
        come from, see `domain.provenance`; or a text. allow: codes of judgements that ``message`` gives the reason for.
        spelled: what other tools call the bundle, which it is given in the same write where it has it not: with its first
        release by who publishes, later by who may describe it. Raises ChecksFailed, AlreadyExists for a taken label or
        spelling.
        """

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
        """Publish a version of a shared component: one file, or ``component.yaml`` and the files it names."""

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
        """Make an alias serve a release; where the policy wants approvals that are missing, a request for it is made.

        expect: a selector the alias must serve now, or ``none`` for an alias that serves nothing. revision: the
        alias's revision must be this one (``none``: it never moved or is retired). break_glass: pass the policy's gates,
        for whom it names, with a reason. Raises AliasMoved, Yanked, Barred, GatesOpen.
        """

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
        """Undo: make an alias serve what it served before. At most one of to, steps, at.

        serving: the version (``v8``) the alias must serve now. revision: the move it must be at. Raises AliasMoved, NothingBehind, Yanked, Barred.
        """

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
        """Make an alias serve nothing. Its history stays, and promoting again continues it. Raises GatesOpen."""

    def yank(self, caller: Caller, reference: str, *, reason: str) -> answers.YankAnswer:
        """Refuse a release to new moves. Raises InvalidInput without a reason."""

    def unyank(self, caller: Caller, reference: str, *, reason: str = "") -> answers.YankAnswer:
        """Take a yank back."""

    @property
    def purges(self) -> Purging:
        """Removing content for good."""

    def release(self, reference: str) -> answers.ReleaseAnswer:
        """The release document of a reference."""

    def sealed(self, reference: str) -> answers.SealedAnswer:
        """The sealed form of a reference."""

    def summary(self, reference: str) -> answers.ReleaseSummary:
        """A release without its content: what `show` heads with."""

    def file(self, reference: str, path: str) -> str:
        """One file of a release as it is."""

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
        """Bundles by what they are called: of which a name, of now or of before, holds ``query``.

        uses: a component that one of the served releases holds (``guardrails/pii-redact@v2``, or without selector: any
        version). alias: only those that serve it. owner: only theirs, '' for nobody's. archived: archived ones too.
        """

    def bundle(self, name: str) -> answers.BundleAnswer:
        """One bundle."""

    def spelled(self, name: str) -> str:
        """What the bundle is called now that a name means: any name of it, a spelling of it, or ``team/x`` for ``team.x``.

        Raises NotFound, naming bundles of a similar name.
        """

    def releases(
        self, bundle: str, *, cursor: str | None = None, limit: int = 100
    ) -> answers.Page[answers.ReleaseSummary]:
        """Releases of a bundle, newest first."""

    def aliases(self, bundle: str) -> answers.Page[answers.AliasAnswer]:
        """Every alias of a bundle, retired ones included."""

    def alias(self, bundle: str, alias: str) -> answers.AliasAnswer:
        """One alias. Raises NotFound where it never moved; a retired one answers with version None."""

    def clients(self, bundle: str) -> answers.Page[answers.ClientsAnswer]:
        """Who runs what: the clients that fetched an alias of a bundle lately, by the version they hold."""

    def history(
        self, bundle: str, alias: str | None = None, *, cursor: str | None = None, limit: int = 100
    ) -> answers.Page[answers.HistoryItem]:
        """Moves, newest first."""

    def diff(
        self,
        old: str | Mapping[str, str],
        new: str | Mapping[str, str],
        *,
        old_at: str | None = None,
        new_at: str | None = None,
    ) -> dict[str, Any]:
        """What changes from one release to another; a side may be the files of a working copy.

        old_at, new_at: the time at which a side's reference is taken, None for now; see `pinset.ports.past.Readings`.

        Or from one version of a shared component to another (``guardrails/pii@v2``, ``guardrails/pii@latest``), with
        the bundles that serve the older one. As `pinset.domain.diff.as_json` says.
        """

    def component(self, kind: str, name: str, selector: str = "latest") -> answers.ComponentAnswer:
        """One version of a component with its part and files."""

    def component_versions(
        self, kind: str, name: str, *, cursor: str | None = None, limit: int = 100
    ) -> answers.Page[answers.ComponentAnswer]:
        """Versions of a component, newest first."""

    def components(
        self, *, kind: str | None = None, cursor: str | None = None, limit: int = 100
    ) -> answers.Page[answers.ComponentAnswer]:
        """The newest version of every component."""

    def where_used(
        self, reference: str, *, cursor: str | None = None, limit: int = 100
    ) -> answers.Page[answers.UseAnswer]:
        """The releases that hold a component (``guardrails/pii-redact@v2``, or without selector: any version).

        Served ones come first, then the newest.
        """

    def search(self, text: str, *, cursor: str | None = None, limit: int = 20) -> SearchAnswer:
        """Names, and what prompts and every other text say: all words of ``text``, ``"words in a row"``.

        Of bundles that may be read whole. limit: at most 50.
        """

    def resolve(self, references: Sequence[str]) -> answers.ResolveAnswer:
        """Many references at one serial."""

    def cost(self, reference: str) -> CostAnswer:
        """Tokens of the calls of each prompt of a release, and what 1,000 of them cost by today's prices.

        Raises ContentPurged for a release whose content is gone.
        """

    def blame(self, reference: str, path: str) -> BlameAnswer:
        """For each line of a file, what brought it: see `ports.past.Readings`."""

    def past(self, at: str) -> Readings:
        """The registry as it was at a time: ISO 8601 with a zone, a day (UTC), or how long ago (``2h``, ``3d``).

        The text is judged when something is asked.
        """

    def operation(self, operation: str) -> answers.OperationAnswer:
        """What became of a write."""

    def events(
        self,
        *,
        after: int | None = None,
        bundles: Sequence[str] = (),
        aliases: Sequence[str] = (),
        wait: float | None = None,
    ) -> Iterator[EventAnswer]:
        """What happens, as it happens, by serial: each event once, none left out; first a ``ready``.

        after: go on after this serial; None: from now on. A serial that the registry does not know, or that is too far
        back, gives a ``reset``. bundles: only of these. aliases: only moves, of these. wait: end once so many seconds
        have passed without an event; None: never. A far one that loses the connection yields ``lost``, goes on where it
        was, and says ``ready`` when it is back. Raises Unavailable where it cannot even begin.
        """

    def create_token(
        self,
        caller: Caller,
        name: str,
        *,
        can: str,
        person: str | None = None,
        lifetime: int | None = 90 * 86_400,
    ) -> answers.TokenAnswer:
        """Make a credential; the answer holds the secret, this once.

        can: grants, apart by commas or spaces; no more than the caller may. person: whose it is, by default the name's;
        who is no admin makes them for themselves alone. lifetime: seconds, at most 3650 days; None for ever.
        """

    def tokens(self) -> answers.Page[answers.TokenAnswer]:
        """All credentials, without secrets."""

    def revoke_token(self, caller: Caller, name: str) -> answers.TokenAnswer:
        """End a credential."""

    @property
    def evidence(self) -> Evidence:
        """What evaluations say of releases."""

    @property
    def requests(self) -> Requests:
        """What waits for the approval of others, and what is decided about it."""

    @property
    def changesets(self) -> Changesets:
        """A release from a release, a component's new version in every bundle, and what was done under one name."""

    @property
    def bundle_changes(self) -> BundleChanges:
        """Who owns a bundle, what it is called, and whether it is in use."""

    @property
    def imports(self) -> Imports:
        """Taking in what was published elsewhere."""

    @property
    def reviews(self) -> Reviews:
        """What a promotion, or a working copy, would change."""

    @property
    def policies(self) -> Policies:
        """Who may make an alias serve what, and when."""

    def verify(self, bundle: str | None = None) -> answers.VerifyAnswer:
        """Prove every digest and chain against git."""

    def close(self) -> None:
        """Release what is held. Idempotent."""
