"""Trying a policy on the registry as it is: what it would refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pinset.domain.access import Verb
from pinset.domain.policy import gates as judging
from pinset.domain.policy.parts import fits_any
from pinset.domain.records import Aim, Binding
from pinset.services import gates, naming

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pinset.domain.access import Grant
    from pinset.domain.answers.policy import PolicyCheckAnswer, WouldAnswer
    from pinset.domain.policy.parts import Policy, Rule
    from pinset.ports.catalog import CatalogReader, MoveRow

_MOST: Final = 1000
"""Judgements in one answer."""
_PAGE: Final = 500
_OF_THE_RELEASE: Final = ("evidence", "forbid", "require", "signed")
"""Gates that a release passes or not by what it is; the others ask for a time, a place or people."""
_OF_THE_MOMENT: Final = (judging.APPROVALS, "freeze")


def tried(reader: CatalogReader, grants: tuple[Grant, ...], who: str, policy: Policy, at: int) -> PolicyCheckAnswer:
    """What a policy says of what the protected aliases serve, and of what would come next on them.

    grants: what of it may be read. who: the person who would promote.
    """
    would: list[WouldAnswer] = []
    bound: set[int] = set()
    more = False
    for move in _protected(reader, grants, policy):
        if len(would) >= _MOST:
            more = True
            break
        rules = policy.binding(move.record.bundle, move.record.alias, naming.named(reader).names(move.record.bundle))
        bound.update(rule.number for rule in rules)
        if move.record.to_version is not None:
            would.append(_served(reader, who, policy, rules, move, at))
        would.extend(_next(reader, grants, who, policy, rules, move, at))
    idle = [rule for rule in policy.rules if rule.number not in bound] if not more else []
    warnings = [
        f"rule {rule.number} binds no alias there is: {', '.join(rule.bundles)} @ {', '.join(rule.aliases)}"
        for rule in idle
    ]
    warnings += [hint for rule in policy.rules for window in rule.freeze if (hint := window.hint)]
    return {
        "ok": all(one["passed"] for one in would if one["what"] == "serves"),
        "would": would,
        "warnings": warnings,
        "more": more,
    }


def _protected(reader: CatalogReader, grants: tuple[Grant, ...], policy: Policy) -> Iterator[MoveRow]:
    """The newest moves of all aliases that some rule binds, and that may be read."""
    patterns = [pattern for rule in policy.rules for pattern in rule.bundles]
    after = ""
    while page := reader.bundles(after=after, limit=_PAGE):
        for bundle in page:
            names = naming.named(reader).names(bundle.name)
            if any(fits_any(patterns, name) for name in names):
                for move in reader.aliases(bundle.name):
                    alias = move.record.alias
                    if policy.binding(bundle.name, alias, names) and naming.may_any(
                        grants, Verb.READ, reader, bundle.name, alias
                    ):
                        yield move
        after = page[-1].name


def _served(
    reader: CatalogReader, who: str, policy: Policy, rules: Sequence[Rule], move: MoveRow, at: int
) -> WouldAnswer:
    """Whether what an alias serves now is what the policy wants of a release."""
    found = _judged(reader, who, policy, rules, move, move.record.to_version or 0, at)
    about = [gate for gate in found if gate.name.split(" ")[0] in _OF_THE_RELEASE]
    return _answer(move, "serves", None, move.record.to_version or 0, about, about)


def _next(
    reader: CatalogReader,
    grants: tuple[Grant, ...],
    who: str,
    policy: Policy,
    rules: Sequence[Rule],
    move: MoveRow,
    at: int,
) -> Iterator[WouldAnswer]:
    """Whether what the aliases before it serve now could follow; approvals and freezes have their time then."""
    for source in dict.fromkeys(rule.after.alias for rule in rules if rule.after):
        if not naming.may_any(grants, Verb.READ, reader, move.record.bundle, source):
            continue
        there = reader.alias(move.record.bundle, source)
        version = there.record.to_version if there else None
        if version is None or version == move.record.to_version:
            continue
        found = _judged(reader, who, policy, rules, move, version, at)
        about = [gate for gate in found if gate.name not in _OF_THE_MOMENT]
        yield _answer(move, "next", source, version, found, about)


def _judged(
    reader: CatalogReader,
    who: str,
    policy: Policy,
    rules: Sequence[Rule],
    move: MoveRow,
    version: int,
    at: int,
) -> Sequence[judging.Gate]:
    record = move.record
    binding = Binding(
        aim=Aim.PROMOTE,
        bundle=record.bundle,
        alias=record.alias,
        from_version=record.to_version,
        from_seq=record.seq,
        to_version=version,
        digest=None,
        policy=0,
    )
    return judging.judge(policy, gates.facts_of(reader, rules, at, binding, who))


def _answer(
    move: MoveRow,
    what: str,
    source: str | None,
    version: int,
    shown: Sequence[judging.Gate],
    about: Sequence[judging.Gate],
) -> WouldAnswer:
    return {
        "bundle": move.record.bundle,
        "alias": move.record.alias,
        "what": what,
        "version": version,
        "source": source,
        "passed": all(gate.passed for gate in about),
        "gates": gates.as_answers(shown),
    }
