"""Gates: what a policy wants of a move, and whether it is so. Facts in, gates out; all of them, passed ones too."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from pinset.domain.policy.freezing import frozen_until
from pinset.domain.records import Aim
from pinset.domain.times import show_age, show_span, show_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pinset.domain.policy.parts import Approvals, Evidence, Policy, Rule
    from pinset.domain.records import ResultRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is so when a move is judged.

    now: microseconds, of the session, never of the clock alone. from_version, to_version: None for nothing. publishers:
    the persons who published the release's content, none where there is no release. requester: the person who asks.
    served: since when (microseconds) each alias that a rule names has served the release without a break, None where
    it serves another.
    results: of this digest, newest first. approvals: persons whose approval of exactly this move is alive. signers:
    the keys that signed the release. result_signers: the keys that signed a result, by its serial. components: the
    shared components that the release holds, by ``kind/name``. formerly: other names of the bundle.
    """

    now: int
    aim: Aim
    bundle: str = ""
    formerly: Sequence[str] = ()
    alias: str = ""
    from_version: int | None = None
    to_version: int | None = None
    publishers: frozenset[str] = frozenset()
    requester: str = ""
    served: Mapping[str, int | None] = field(default_factory=dict)
    results: Sequence[ResultRecord] = ()
    approvals: Sequence[str] = ()
    signers: frozenset[str] = frozenset()
    result_signers: Mapping[int, frozenset[str]] = field(default_factory=dict)
    components: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gate:
    """One thing that is wanted of a move, and what was found.

    can_close: what is open may pass later, by time or by what others do. at: when time alone passes it
    (microseconds), None where it does not. rule: the rule of the policy, from 1; 0 is the policy's own.
    """

    name: str
    wants: str
    found: str
    passed: bool
    can_close: bool = True
    at: int | None = None
    rule: int = 0

    @property
    def waits_for_approval(self) -> bool:
        """Whether persons can still pass it by approving."""
        return self.name == APPROVALS and not self.passed


APPROVALS = "approvals"


def judge(policy: Policy, facts: Facts) -> list[Gate]:
    """Every gate of every rule that binds the move.

    A retirement passes the gates of approvals and freezes alone: there is no release to judge. A change of the policy
    passes those of the policy's own rule.
    """
    if facts.aim is Aim.POLICY:
        return list(_of_policy(policy, facts))
    return [
        gate for rule in policy.binding(facts.bundle, facts.alias, facts.formerly) for gate in _of_rule(rule, facts)
    ]


def may_break(policy: Policy, gates: Sequence[Gate], person: str) -> bool:
    """Whether a person may pass the gates that are open: named as such by every rule that has one."""
    rules = {rule.number: rule.break_glass for rule in policy.rules}
    rules[0] = policy.own.break_glass
    return all(person in rules[gate.rule] for gate in gates if not gate.passed)


def apart(persons: Iterable[str], *others: str) -> tuple[str, ...]:
    """Of some persons those who are none of the others, each once.

    Names that differ in small and capital letters alone are one person's: many issuers let everybody choose these.
    """
    known = {other.casefold() for other in others}
    first = {person.casefold(): person for person in reversed(tuple(persons))}
    return tuple(person for folded, person in reversed(first.items()) if folded not in known)


def _of_rule(rule: Rule, facts: Facts) -> Iterator[Gate]:
    if facts.aim is Aim.PROMOTE:
        if rule.after is not None:
            yield _after(rule, rule.after.alias, rule.after.span, facts)
        yield from (_evidence(rule, wanted, facts) for wanted in rule.evidence)
        if rule.signed:
            yield _signed(rule, facts)
        yield from _components(rule, facts)
    if rule.freeze:
        yield _freeze(rule, facts)
    if rule.approvals is not None:
        yield _approvals(rule.number, rule.approvals, apart(facts.approvals, *facts.publishers, facts.requester))


def _of_policy(policy: Policy, facts: Facts) -> Iterator[Gate]:
    own = policy.own
    if own.editors is not None:
        may = facts.requester in own.editors
        yield Gate("editors", "one of " + ", ".join(own.editors), facts.requester, may, can_close=False)
    if own.approvals is not None:
        editors = own.editors or ()
        yield _approvals(0, own.approvals, apart([p for p in facts.approvals if p in editors], facts.requester))


def _after(rule: Rule, alias: str, span: int, facts: Facts) -> Gate:
    since = facts.served.get(alias)
    wants = f"served by {alias} now, and for at least {show_span(span)}" if span else f"served by {alias} now"
    if since is None:
        return Gate("after", wants, f"{alias} does not serve it now", passed=False, rule=rule.number)
    passed = facts.now - since >= span
    found = f"served by {alias} for {show_age(max(facts.now - since, 0))}, since {show_time(since)}"
    return Gate("after", wants, found, passed, at=None if passed else since + span, rule=rule.number)


def _evidence(rule: Rule, wanted: Evidence, facts: Facts) -> Gate:
    name = f"evidence {wanted.suite}"
    asked = [
        str(wanted.score) if wanted.score else "",
        {True: "passed", False: "not passed", None: ""}[wanted.passed],
        f"at most {show_span(wanted.within)} old" if wanted.within else "",
        f"by {' or '.join(wanted.by)}" if wanted.by else "",
        f"signed by {wanted.signed_by}" if wanted.signed_by else "",
    ]
    wants = ", ".join(part for part in asked if part) or "a result"
    of_suite = (r for r in facts.results if r.suite == wanted.suite and (not wanted.by or r.stamp.who in wanted.by))
    newest = max(of_suite, key=lambda r: r.stamp.serial, default=None)
    if newest is None:
        return Gate(name, wants, "there is no result of it", passed=False, rule=rule.number)
    age = facts.now - newest.stamp.at
    signers = facts.result_signers.get(newest.stamp.serial, frozenset())
    score = _decimal(newest.score)
    passed = (
        (wanted.score is None or (score is not None and wanted.score.holds(score)))
        and (wanted.passed is None or newest.passed is wanted.passed)
        and (wanted.within is None or age <= wanted.within)
        and (wanted.signed_by is None or wanted.signed_by in signers)
    )
    told = [
        newest.score or ("no score" if wanted.score else ""),
        {True: "passed", False: "failed", None: ""}[newest.passed],
        f"{show_age(max(age, 0))} old",
        (f"signed by {', '.join(sorted(signers))}" if signers else "not signed") if wanted.signed_by else "",
    ]
    return Gate(name, wants, ", ".join(part for part in told if part), passed, rule=rule.number)


def _decimal(text: str | None) -> Decimal | None:
    try:
        number = Decimal(text) if text is not None else None
    except InvalidOperation:
        return None
    return number if number is not None and number.is_finite() else None


def _signed(rule: Rule, facts: Facts) -> Gate:
    wants = "signed by " + " or ".join(rule.signed)
    passed = bool(facts.signers) if "author" in rule.signed else not facts.signers.isdisjoint(rule.signed)
    found = "signed by " + ", ".join(sorted(facts.signers)) if facts.signers else "not signed"
    return Gate("signed", wants, found, passed, rule=rule.number)


def _components(rule: Rule, facts: Facts) -> Iterator[Gate]:
    for wanted in rule.forbid:
        held = [f"{key}@v{version}" for key, version in sorted(facts.components.items()) if wanted.fits(key, version)]
        found = "it holds " + ", ".join(held) if held else "it holds none"
        yield Gate(f"forbid {wanted}", f"no {wanted}", found, not held, can_close=False, rule=rule.number)
    for wanted in rule.require:
        held = [f"{key}@v{version}" for key, version in sorted(facts.components.items()) if wanted.fits(key, version)]
        same = [f"{key}@v{version}" for key, version in facts.components.items() if key == wanted.key]
        found = "it holds " + ", ".join(held or same) if held or same else "it holds none"
        yield Gate(f"require {wanted}", str(wanted), found, bool(held), can_close=False, rule=rule.number)


def _freeze(rule: Rule, facts: Facts) -> Gate:
    frozen = frozen_until(rule.freeze, facts.now)
    wants = "outside " + "; ".join(str(window) for window in rule.freeze)
    if frozen is None:
        return Gate("freeze", wants, "no freeze now", passed=True, rule=rule.number)
    end, window = frozen
    found = f"frozen ({window}) until {show_time(end)}"
    return Gate("freeze", wants, found, passed=False, at=end, rule=rule.number)


def _approvals(rule: int, wanted: Approvals, counted: Sequence[str]) -> Gate:
    who = sorted(counted)
    others = "other editors than who asks" if rule == 0 else "others than who published it and who asks"
    found = f"{len(who)} of {wanted.count}" + (f": {', '.join(who)}" if who else "")
    return Gate(APPROVALS, f"{wanted.count} by {others}", found, len(who) >= wanted.count, rule=rule)
