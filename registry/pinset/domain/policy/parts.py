"""What a policy says, as its text was read. Spans of time are in microseconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pinset.domain.globs import fits
from pinset.domain.times import DAY

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from pinset.domain.policy.freezing import Window

PATIENCE: Final = 7 * DAY
"""How long a request waits for its approvals where the policy says nothing else."""
COMPARISONS: Final = {
    ">=": lambda found, wanted: found >= wanted,
    "<=": lambda found, wanted: found <= wanted,
    ">": lambda found, wanted: found > wanted,
    "<": lambda found, wanted: found < wanted,
    "=": lambda found, wanted: found == wanted,
}


def fits_any(patterns: Sequence[str], name: str) -> bool:
    """Whether a name is one of any pattern's."""
    return any(fits(pattern, name) for pattern in patterns)


@dataclass(frozen=True, slots=True)
class After:
    """The release must be what another alias serves, and have been so without a break for at least a span."""

    alias: str
    span: int


@dataclass(frozen=True, slots=True)
class Bound:
    """A comparison with a number: ``>= 0.85``."""

    sign: str
    number: Decimal

    def holds(self, found: Decimal) -> bool:
        """Whether a number is within it."""
        return bool(COMPARISONS[self.sign](found, self.number))

    def __str__(self) -> str:
        return f"{self.sign} {self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The newest result of a suite must say this.

    within: how old it may be. by: persons, one of whom recorded it; others' results do not count. signed_by: the key
    that signed it.
    """

    suite: str
    score: Bound | None = None
    passed: bool | None = None
    within: int | None = None
    by: tuple[str, ...] = ()
    signed_by: str | None = None


@dataclass(frozen=True, slots=True)
class Approvals:
    """So many persons must approve, others than who publishes and who asks; a request waits for them so long."""

    count: int
    within: int = PATIENCE


@dataclass(frozen=True, slots=True)
class Wanted:
    """A shared component, and which versions of it: ``guardrails/pii-redact >= v4``, or any."""

    key: str
    sign: str = ""
    version: int = 0

    def fits(self, key: str, version: int) -> bool:
        """Whether a component in a version is meant."""
        return fits(self.key, key) and (not self.sign or bool(COMPARISONS[self.sign](version, self.version)))

    def __str__(self) -> str:
        if self.sign == "=":
            return f"{self.key}@v{self.version}"
        return f"{self.key} {self.sign} v{self.version}" if self.sign else self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What binds the aliases of some bundles. number: its place in the policy, from 1.

    signed: names of keys, one of which must have signed the release; ``author`` is any of its author's.
    break_glass: persons who may pass what is not passed.
    """

    number: int
    bundles: tuple[str, ...]
    aliases: tuple[str, ...]
    after: After | None = None
    evidence: tuple[Evidence, ...] = ()
    approvals: Approvals | None = None
    freeze: tuple[Window, ...] = ()
    forbid: tuple[Wanted, ...] = ()
    require: tuple[Wanted, ...] = ()
    signed: tuple[str, ...] = ()
    break_glass: tuple[str, ...] = ()

    def binds(self, bundle: str, alias: str, formerly: Sequence[str] = ()) -> bool:
        """Whether it is about an alias. formerly: other names of the bundle, each of which counts as much."""
        return fits_any(self.aliases, alias) and any(fits_any(self.bundles, name) for name in (bundle, *formerly))


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """The policy's own rule: who may change it, and how many other editors must approve.

    editors: None where whoever has the verb ``policy`` may.
    """

    editors: tuple[str, ...] | None = None
    approvals: Approvals | None = None
    break_glass: tuple[str, ...] = ()

    @property
    def patience(self) -> int:
        """How long a request to change the policy waits for its approvals."""
        return self.approvals.within if self.approvals else PATIENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy as a whole."""

    rules: tuple[Rule, ...] = ()
    own: Own = Own()

    def binding(self, bundle: str, alias: str, formerly: Sequence[str] = ()) -> tuple[Rule, ...]:
        """The rules about an alias; several may bind it, and then all do.

        formerly: the other names of its bundle. A new name may add rules, and never takes one away.
        """
        return tuple(rule for rule in self.rules if rule.binds(bundle, alias, formerly))

    def patience(self, bundle: str, alias: str, formerly: Sequence[str] = ()) -> int:
        """How long a request to move an alias waits for its approvals: the shortest of what its rules say."""
        asked = [rule.approvals.within for rule in self.binding(bundle, alias, formerly) if rule.approvals]
        return min(asked, default=PATIENCE)
