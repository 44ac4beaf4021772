"""Gates in front of a move: the policy in force, what is so now, and whether the move passes.

They bind every credential and every way in. What is judged is judged at the time of the writer's session, under its
lock; a reader's judgement ("can it be promoted?") is of the moment of its view.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from pinset.domain.policy import gates as judging
from pinset.domain.policy.model import Policy, parse
from pinset.domain.records import Aim, Binding, PolicyRecord, RequestRecord, ResultRecord
from pinset.errors import GatesOpen, InvalidInput, NotFound, PermissionDenied, Protected
from pinset.services import naming, reading, requests
from pinset.services.keyrings import keys_of
from pinset.services.keys import signers
from pinset.services.session import Session

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinset.domain import answers
    from pinset.domain.answers.policy import GateAnswer
    from pinset.domain.moves import Plan
    from pinset.domain.policy.gates import Gate
    from pinset.domain.policy.parts import Rule
    from pinset.domain.records import MoveRecord, ReleaseRecord
    from pinset.ports.catalog import CatalogReader

_PAGE: Final = 200
_MOST_RESULTS: Final = 1000
"""Results that are looked through for the newest of each suite: a judgement's cost is bounded."""
_WITHOUT_RELEASE: Final = {Aim.PROMOTE: "it", Aim.RETIRE: "its retirement", Aim.POLICY: "this edit"}
"""What does not pass the gates, where that is no release."""


class InForce(NamedTuple):
    """A policy and its number; 0 and no rules before there is one."""

    number: int
    policy: Policy


class Subject(NamedTuple):
    """What a release is judged by: its record, and the shared components it holds by ``kind/name``."""

    record: ReleaseRecord
    components: Mapping[str, int]


class Passage(NamedTuple):
    """How a move passed: the policy in force (None before there is one), the request it fulfils, glass that broke."""

    policy: int | None
    request: int | None = None
    glass: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """A move, judged. policy_number: of the policy in force, 0 before there is one. gates: all, passed ones too."""

    policy_number: int
    gates: Sequence[Gate]

    @property
    def open(self) -> list[Gate]:
        """The gates that are not passed."""
        return [gate for gate in self.gates if not gate.passed]

    @property
    def passed(self) -> bool:
        """Whether every gate is."""
        return not self.open

    @property
    def can_wait(self) -> bool:
        """Whether a request can wait for it: approvals are missing, and nothing is wrong that stays wrong."""
        return any(gate.waits_for_approval for gate in self.open) and all(gate.can_close for gate in self.open)


def in_force(reader: CatalogReader) -> InForce:
    """The policy in force."""
    found = reader.notes(["policy"], limit=1)
    if not found:
        return InForce(0, Policy())
    record = found[0][1]
    if not isinstance(record, PolicyRecord):
        raise AssertionError("a note of a policy is a policy")
    return InForce(record.number, _parsed(reader.text(record.digest)))


def judge(
    at_rest: Session | CatalogReader,
    *,
    at: int,
    binding: Binding,
    requester_person: str,
    request: RequestRecord | None = None,
    subject: Subject | None = None,
) -> Judgement:
    """What the policy in force says of a move.

    at: microseconds; of a session its own time. requester_person: who asks. request: whose approvals count. subject:
    the release, where it is only staged; None to look it up.
    """
    reader = at_rest.seen if isinstance(at_rest, Session) else at_rest
    number, policy = in_force(reader)
    rules = policy.binding(binding.bundle, binding.alias, _names(reader, binding.bundle))
    if binding.aim is not Aim.POLICY and not rules:
        return Judgement(number, ())
    approved = requests.approvals(reader, request) if request is not None else ()
    facts = facts_of(reader, rules, at, binding, requester_person, approved, subject)
    return Judgement(number, tuple(judging.judge(policy, facts)))


def admit(
    session: Session, binding: Binding, words: str, *, again: bool, break_glass: bool, subject: Subject | None = None
) -> Passage | answers.MoveAnswer:
    """Let a move of the caller's pass, or stage a request for it, whose answer is given then.

    Raises GatesOpen, and PermissionDenied for who may not break the glass.
    """
    if break_glass and not words:
        raise InvalidInput("breaking the glass wants a reason", hint="say it with -m TEXT; everybody will read it")
    who = session.caller.who
    judged = judge(session, at=session.now, binding=binding, requester_person=who, subject=subject)
    passage = Passage(judged.policy_number or None)
    if judged.passed:
        return passage
    approved = _approved(session.catalog, binding, session.now, again=again)
    if approved is not None:
        return passage._replace(request=approved.number)
    if break_glass:
        need_glass(session, binding, judged)
        return passage._replace(glass=True)
    if judged.can_wait:
        patience = in_force(session.catalog).policy.patience(
            binding.bundle, binding.alias, _names(session.catalog, binding.bundle)
        )
        return requests.ask(session, binding, patience, words, again=again)
    raise gates_open(binding, judged)


def refuse_early(session: Session, binding: Binding, subject: Subject) -> None:
    """Raises GatesOpen where a move of the caller's cannot pass, and no request can wait for it."""
    judged = judge(session, at=session.now, binding=binding, requester_person=session.caller.who, subject=subject)
    if not judged.passed and not judged.can_wait:
        raise gates_open(binding, judged)


def need_glass(session: Session, binding: Binding, judged: Judgement) -> None:
    """Raises PermissionDenied where the caller may not pass what is judged by breaking the glass."""
    who = session.caller.who
    if not judging.may_break(in_force(session.catalog).policy, judged.gates, who):
        raise PermissionDenied(
            f"{who} may not break the glass of {_where(binding)}",
            hint="the policy names who may, under break_glass: pinset policy show",
            details={"gates": as_answers(judged.gates)},
        )


def as_asked(reader: CatalogReader, binding: Binding, who: str, at: int) -> Judgement:
    """What a promotion by a person would meet: where a request for the same is open its approvals count."""
    found = requests.open_for(reader, binding, at, again=False)
    if found is None:
        return judge(reader, at=at, binding=binding, requester_person=who)
    return judge_request(reader, found.record, at)


def judge_request(at_rest: Session | CatalogReader, request: RequestRecord, at: int) -> Judgement:
    """What the policy in force says of what a request asks for, with its approvals. at: microseconds."""
    return judge(at_rest, at=at, binding=request.binding, requester_person=request.stamp.who, request=request)


def _approved(reader: CatalogReader, binding: Binding, at: int, *, again: bool) -> RequestRecord | None:
    """The open request for exactly this, where every gate lets it pass by now."""
    found = requests.open_for(reader, binding, at, again=again)
    return found.record if found is not None and judge_request(reader, found.record, at).passed else None


def undo(reader: CatalogReader, bundle: str, alias: str, plan: Plan) -> Passage:
    """Let a rollback pass: at once along the Back chain.

    Raises Protected for one to what is no undoing, on an alias with gates: that is a promotion.
    """
    number, policy = in_force(reader)
    if not plan.on_chain and policy.binding(bundle, alias, _names(reader, bundle)):
        raise Protected(
            f"v{plan.to_version} is not what an undo of {bundle}@{alias} leads to, and the policy protects this alias",
            hint=f"promote it, so that its gates are asked: pinset promote {bundle}@v{plan.to_version} {alias}",
            details={"policy": number},
        )
    return Passage(number or None)


def gates_open(binding: Binding, judged: Judgement) -> GatesOpen:
    """The error that tells every gate of a move, or of an edit of the policy."""
    still, where = judged.open, _where(binding)
    what = f"v{binding.to_version}" if binding.to_version else _WITHOUT_RELEASE[binding.aim]
    times = [gate.at for gate in still]
    hint = "see what they want; pass them and try again"
    if all(at is not None for at in times):
        hint = f"time alone passes them: try again after {reading.time(max(at or 0 for at in times))}"
    elif not all(gate.can_close for gate in still):
        hint = "this release cannot pass as it is: publish another one, or change the policy (pinset policy edit)"
    counted = "1 gate" if len(still) == 1 else f"{len(still)} gates"
    return GatesOpen(
        f"{counted} of {len(judged.gates)} in front of {where} {'is' if len(still) == 1 else 'are'} not passed by {what}",
        hint=hint,
        details={"policy": judged.policy_number, "gates": as_answers(judged.gates)},
    )


def as_answers(gates: Sequence[Gate]) -> list[GateAnswer]:
    """Gates as answers carry them, open ones first."""
    return [
        {
            "name": gate.name,
            "rule": gate.rule,
            "wants": gate.wants,
            "found": gate.found,
            "passed": gate.passed,
            "can_close": gate.can_close,
            "at": reading.time(gate.at) if gate.at is not None else None,
        }
        for gate in sorted(gates, key=lambda gate: gate.passed)
    ]


def binding_of(
    reader: CatalogReader,
    bundle: str,
    alias: str,
    plan: Plan,
    current: MoveRecord | None,
    release: ReleaseRecord | None,
) -> Binding:
    """What a move is about, as a request for it would say. release: None for a retirement."""
    return Binding(
        aim=Aim.PROMOTE if release else Aim.RETIRE,
        bundle=bundle,
        alias=alias,
        from_version=plan.from_version,
        from_seq=current.seq if current else 0,
        to_version=plan.to_version,
        digest=release.digest if release else None,
        policy=in_force(reader).number,
    )


def facts_of(
    reader: CatalogReader,
    rules: Sequence[Rule],
    at: int,
    binding: Binding,
    requester: str,
    approvals: Sequence[str] = (),
    subject: Subject | None = None,
) -> judging.Facts:
    """What is so, as far as the rules ask for it. The number of rows that are read does not grow with the registry."""
    facts = judging.Facts(
        now=at,
        aim=binding.aim,
        bundle=binding.bundle,
        formerly=_names(reader, binding.bundle),
        alias=binding.alias,
        from_version=binding.from_version,
        to_version=binding.to_version,
        requester=requester,
        approvals=tuple(approvals),
    )
    if binding.to_version is None:
        return facts
    known = subject or _look_up(reader, binding.bundle, binding.to_version)
    wanted = {(one.suite, one.by) for rule in rules for one in rule.evidence}
    results = () if subject else _results(reader, known.record, wanted)
    is_signed = any(rule.signed for rule in rules)
    return replace(
        facts,
        publishers=requests.publishers(reader, known.record),
        components=known.components,
        served={
            rule.after.alias: _since(reader, binding.bundle, rule.after.alias, binding.to_version)
            for rule in rules
            if rule.after
        },
        results=results,
        result_signers=_result_signers(reader, results),
        signers=signers(reader, binding.bundle, binding.to_version) if is_signed else frozenset(),
    )


def _result_signers(reader: CatalogReader, results: Sequence[ResultRecord]) -> dict[int, frozenset[str]]:
    """The keys that signed results, by their serials, without those that are compromised."""
    if not any(result.signer for result in results):
        return {}
    keys = keys_of(reader)
    return {
        result.stamp.serial: frozenset({result.signer})
        for result in results
        if result.signer is not None and not keys[result.signer].compromised
    }


def _names(reader: CatalogReader, bundle: str) -> tuple[str, ...]:
    """Every name of a bundle; none for the policy itself."""
    return naming.named(reader).names(bundle) if bundle else ()


def _where(binding: Binding) -> str:
    return f"{binding.bundle}@{binding.alias}" if binding.bundle else "the policy"


@lru_cache(maxsize=16)
def _parsed(text: str) -> Policy:
    return parse(text)


def _look_up(reader: CatalogReader, bundle: str, version: int) -> Subject:
    row = reader.release(bundle, version)
    if row is None:
        raise NotFound(f"{bundle}@v{version} is not in the catalog", hint="run `pinset reindex`")
    return Subject(row.record, reader.components_of(bundle, version))


def _since(reader: CatalogReader, bundle: str, alias: str, version: int) -> int | None:
    """Since when an alias serves a version without a break: each of its moves is to another one than before."""
    now = reader.alias(bundle, alias)
    return now.record.stamp.at if now is not None and now.record.to_version == version else None


def _results(
    reader: CatalogReader, release: ReleaseRecord, wanted: set[tuple[str, tuple[str, ...]]]
) -> Sequence[ResultRecord]:
    """The newest results for exactly the release's digest, whichever of its versions they were told of.

    wanted: suites, each with the persons whose results count; none for anybody's. What is older than what was not
    looked at counts for nothing: nobody hides a bad result behind many others.
    """
    found: list[ResultRecord] = []
    unseen: dict[tuple[str, tuple[str, ...]], int] = {}
    for row in reader.releases_by_digest(release.bundle, release.digest) if wanted else ():
        missing, before, seen = set(wanted), None, 0
        while missing and seen < _MOST_RESULTS:
            page = reader.notes(
                ["result"], bundle=release.bundle, version=row.record.version, before=before, limit=_PAGE
            )
            for _, record in page:
                if isinstance(record, ResultRecord) and record.digest == release.digest:
                    met = {want for want in missing if _is_wanted(record, want)}
                    found += [record] if met else []
                    missing -= met
            seen += len(page)
            if len(page) < _PAGE:
                break
            before = page[-1][1].stamp.serial
        else:
            unseen |= {want: max(unseen.get(want, 0), before or 0) for want in missing}
    return tuple(
        record
        for record in found
        if not any(record.stamp.serial < until and _is_wanted(record, want) for want, until in unseen.items())
    )


def _is_wanted(record: ResultRecord, want: tuple[str, tuple[str, ...]]) -> bool:
    suite, by = want
    return record.suite == suite and (not by or record.stamp.who in by)
