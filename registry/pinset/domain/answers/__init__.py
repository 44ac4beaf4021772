"""Answers: the JSON objects that every way into the registry gives alike.

The services build them, HTTP sends them, ``--json`` prints them, the remote client returns them: one shape each.
Times are ISO 8601 in UTC with six digits; versions, seqs and serials are numbers. The functional form is used
where a key is a Python keyword. ``at`` is the time an answer is of, where one was asked for: all in it is of then, but for
``yanked``, which is what is known now.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from typing_extensions import NotRequired, TypedDict  # noqa: UP035 - pydantic takes these on 3.11

from pinset.domain.answers.purging import PurgedAnswer  # noqa: TC001 - pydantic reads the annotations
from pinset.domain.answers.source import SourceAnswer  # noqa: TC001 - pydantic reads the annotations

T = TypeVar("T")


class FindingAnswer(TypedDict):
    """One result of the checks."""

    code: str
    severity: str
    file: str
    line: int | None
    message: str
    hint: str


class CheckAnswer(TypedDict):
    """What the checks say. ok: no finding refuses it. digest: what it would be published as, None where not ok.

    content: as the release document would have it, None where the parts cannot be read.
    """

    ok: bool
    bundle: str | None
    label: str | None
    digest: str | None
    findings: list[FindingAnswer]
    content: dict[str, Any] | None


MoveAnswer = TypedDict(
    "MoveAnswer",
    {
        "action": str,
        "bundle": str,
        "alias": str,
        "seq": int,
        "from": int | None,
        "to": int | None,
        "release_commit": str | None,
        "revision": str,
        "reason": str,
        "at": str,
        "actor": str,
        "serial": int,
        "warnings": list[str],
        "operation": str | None,
        "policy": int | None,
        "request": int | None,
        "glass": bool,
    },
)
MoveAnswer.__doc__ = """What a promotion, rollback or retirement did, or would do. from, to: versions. action ``none``: nothing had to change.

warnings: sentences for people (rollback_to not what is served; targets that were skipped). operation: None where
nothing was written. policy: number of the policy it was made under, None before there was one. request: the request that
it fulfils, or, of the action ``request``, that was made instead of the move. glass: its gates were broken.
"""


class PublishAnswer(TypedDict):
    """A release that exists now. created: False where the same content was there already."""

    ref: str
    bundle: str
    version: int
    label: str | None
    digest: str
    commit: str
    serial: int
    created: bool
    findings: list[FindingAnswer]
    operation: str | None
    move: MoveAnswer | None


class ComponentAnswer(TypedDict):
    """A version of a shared component. part: what it says, resolved. files: its texts by path. purged: as for a release.

    manifest: the sealed manifest's exact text, which ``digest`` is of; asked for one version alone, as part and files are.
    """

    ref: str
    kind: str
    name: str
    version: int
    label: str | None
    digest: str
    commit: str
    serial: int
    published_at: str
    published_by: str
    message: str
    purged: PurgedAnswer | None
    created: NotRequired[bool]
    findings: NotRequired[list[FindingAnswer]]
    operation: NotRequired[str | None]
    part: NotRequired[dict[str, Any]]
    files: NotRequired[dict[str, str]]
    manifest: NotRequired[str]


class AliasAnswer(TypedDict):
    """What an alias serves. version: None when it is retired. yanked: the reason, None while that release is not.

    policy, request, glass: as of its newest move.
    """

    bundle: str
    alias: str
    version: int | None
    label: str | None
    digest: str | None
    seq: int
    revision: str
    moved_at: str
    moved_by: str
    reason: str
    yanked: str | None
    split: None
    policy: int | None
    request: int | None
    glass: bool
    at: NotRequired[str]


class ClientsAnswer(TypedDict):
    """Clients of an alias that said they hold one version; None: none yet. Those not seen for 60 seconds are forgotten.

    silent: how many of them were not seen for 30 seconds, so that they have stopped. oldest: seconds since the least
    recent of them was seen.
    """

    bundle: str
    alias: str
    version: int | None
    clients: int
    silent: int
    oldest: float


class MadeFromAnswer(TypedDict):
    """The release that the registry made another one from, as it was then: its content may be purged by now."""

    ref: str
    version: int
    digest: str


class ReleaseSummary(TypedDict):
    """A release in a list. aliases: the names that serve it now. yanked: the reason, None while it is not.

    purged: that its content was removed for good; None while it is there. made_from: the release that it was made from by
    the registry itself, None where its author sent all of it. change: what it was published under, with others.
    first_name: what the bundle was first called, which commits and signatures say, where that is another name; told of one
    release alone.
    """

    ref: str
    bundle: str
    version: int
    label: str | None
    digest: str
    commit: str
    serial: int
    published_at: str
    published_by: str
    message: str
    source: SourceAnswer | str | None
    rollback_to: int | None
    yanked: str | None
    purged: PurgedAnswer | None
    allowed: list[str]
    allow_reason: str
    aliases: list[str]
    made_from: MadeFromAnswer | None
    change: str | None
    first_name: NotRequired[str]
    at: NotRequired[str]


class AliasInRelease(TypedDict):
    """The alias through which a release was asked for."""

    name: str
    seq: int
    revision: str
    moved_at: str
    split: None


class ReleaseHead(TypedDict):
    """What is said of a release that is fetched, in whichever form.

    bundle, ref: by the name that was asked for. renamed: what the bundle is called now, where that is another name.
    names: every name of the bundle, where it has several, the oldest first; its manifests may say any of them.
    """

    schema: int
    registry: str
    epoch: int
    ref: str
    bundle: str
    version: int
    label: str | None
    digest: str
    commit: str
    serial: int
    published_at: str
    published_by: str
    message: str
    source: SourceAnswer | str | None
    rollback_to: int | None
    yanked: str | None
    alias: AliasInRelease | None
    renamed: NotRequired[str]
    names: NotRequired[list[str]]
    at: NotRequired[str]


class ReleaseAnswer(ReleaseHead):
    """The release document: what an application gets. content: see the contracts page; files: SHA-256 by path."""

    content: dict[str, Any]
    files: dict[str, str]


class SealedAnswer(ReleaseHead):
    """A release in its sealed form: the manifest's exact text and every file, to be checked against the digest."""

    manifest: str
    files: dict[str, str]
    proof: dict[str, str | None]


class BundleAnswer(TypedDict):
    """A bundle: its newest version, how many releases, and what each alias serves.

    yanked: the reason by alias, of those aliases whose release was yanked. since: when each alias last moved. owner,
    description: '' where nobody said. archived: nothing is published or promoted any more. formerly: its other names,
    all of which answer on, the oldest first. names: what other tools call it, by which it answers them too.
    """

    name: str
    releases: int
    newest: int
    changed_at: str
    aliases: dict[str, int | None]
    since: dict[str, str]
    yanked: dict[str, str]
    owner: str
    description: str
    archived: bool
    names: list[str]
    formerly: list[str]
    at: NotRequired[str]


HistoryItem = TypedDict(
    "HistoryItem",
    {
        "bundle": str,
        "alias": str,
        "action": str,
        "seq": int,
        "from": int | None,
        "to": int | None,
        "back": int | None,
        "at": str,
        "actor": str,
        "reason": str,
        "again": bool,
        "authors": list[str],
        "revision": str,
        "serial": int,
        "policy": int | None,
        "request": int | None,
        "glass": bool,
        "purged": bool,
        "change": str | None,
    },
)
HistoryItem.__doc__ = """One move. back: the seq a rollback of it returns to. again: it lifted the bar that a rollback had left.

policy: number of the policy it was made under. request: the request it fulfilled. glass: its gates were broken.
authors: who wrote the release that it moved to, where its publisher said so.
purged: what it went to was purged since. change: what it was made under, together with other writes.
"""


class UseAnswer(TypedDict):
    """A release that holds a component, and the aliases that serve it now."""

    component: str
    bundle: str
    version: int
    aliases: list[str]


class Page(TypedDict, Generic[T]):
    """A part of a list. next: what to pass as ``cursor`` for the rest, None at the end."""

    items: list[T]
    next: str | None


class YankAnswer(TypedDict):
    """A release after yank or unyank. changed: False where it was so already."""

    ref: str
    bundle: str
    version: int
    yanked: str | None
    changed: bool
    operation: str | None


class OperationAnswer(TypedDict):
    """What became of a write: done or unknown (it never happened, or not yet), and the refs of what it wrote."""

    operation: str
    status: str
    commits: list[dict[str, Any]]


class RegistryAnswer(TypedDict):
    """Which registry this is and its newest write."""

    id: str
    epoch: int
    serial: int
    head: str
    changed_at: str
    format: int
    version: str


class TokenAnswer(TypedDict):
    """A credential. can: its grants. person: whose it is. token: the secret text, only in the answer that creates it."""

    id: str
    name: str
    can: str
    person: str
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None
    token: NotRequired[str]


class WhoAnswer(TypedDict):
    """Who asks. via: the credential, and from where. can: the grants; may: the same verb by verb. registry: its id."""

    actor: str
    person: str
    via: str
    can: str
    may: list[str]
    expires_at: str | None
    registry: str


class VerifyAnswer(TypedDict):
    """What verify found. signed: commits with a signature that counts. problems: where, what, hint."""

    ok: bool
    commits: int
    releases: int
    moves: int
    texts: int
    signed: int
    problems: list[dict[str, str]]


class ResolveItem(TypedDict):
    """One resolved reference; error: the problem's code and message where it names nothing."""

    reference: str
    ref: str | None
    bundle: str | None
    version: int | None
    label: str | None
    digest: str | None
    seq: int | None
    revision: str | None
    error: dict[str, str] | None


class ResolveAnswer(TypedDict):
    """Many references at one serial."""

    registry: str
    epoch: int
    serial: int
    items: list[ResolveItem]
    at: NotRequired[str]
