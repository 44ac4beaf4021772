"""Whether every value that one schema allows is fit for another: proven, or not.

A yes is a proof; a no is only that none was found. Three ways to read "fit for" (`Reading`): as a validator does, as code
does that takes the members it knows by name, and exactly.

What a schema that is open does not describe, nobody relies on: a property described by one side alone is as good as
absent from the other, unless that one says what its other members are. That is what makes an optional property that
is added no change to those who do not know it.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.diff.paths import key_of, same
from pinset.domain.diff.schemas import arrays, objects
from pinset.domain.diff.schemas.nodes import (
    BRANCHES,
    NOTES,
    TYPES,
    Root,
    fixed,
    keyed,
    listed,
    meaning,
    members,
    names_types,
    trivial,
    type_of,
    types_of,
)
from pinset.domain.diff.schemas.plain import APPLIES, always, applies, implied

if TYPE_CHECKING:
    from pinset.domain.diff.budget import Budget
    from pinset.domain.diff.schemas.nodes import Part, Parts

_DEPTH: Final = 32
"""Schemas inside schemas that a proof goes down, branches and references counted."""
_VALUES: Final = 300
"""Values of an enum that are looked at one by one."""
_HANDLED: Final = frozenset({"$ref", "allOf", "then", "else", "minContains", "maxContains", *NOTES})
"""Keywords of a part that are judged elsewhere: as parts of their own, or with the keyword they belong to."""
_OBJECTS: Final = frozenset({"properties", "patternProperties", "additionalProperties", "propertyNames"})
_ARRAYS: Final = frozenset({"items", "prefixItems", "contains"})
_DEPENDENT: Final = frozenset({"dependentRequired", "dependentSchemas"})
_WHOLE: Final = frozenset({"unevaluatedItems", "unevaluatedProperties"})
_UNKNOWN: Final = frozenset({"dependencies", "additionalItems", "$dynamicRef", "$recursiveRef"})
"""Keywords that other drafts know; here they are proven only where the same words stand."""
_JUDGED: Final = frozenset(APPLIES) | _UNKNOWN | {"type", "enum", "const", "anyOf", "oneOf", "not", "if"}


class Reading(Enum):
    """Who meets the values: REFUSES checks them, READS takes the members it knows, EXACTLY is the schema's own word."""

    REFUSES = "refuses"
    READS = "reads"
    EXACTLY = "exactly"


class Facts:
    """What is known of a value: parts that hold, whose branches were taken already, and the types that are left."""

    __slots__ = ("parts", "types", "used")

    def __init__(
        self, parts: Parts, used: frozenset[tuple[int, str]] = frozenset(), types: frozenset[str] | None = None
    ) -> None:
        self.parts, self.used = parts, used
        self.types = TYPES.intersection(*map(types_of, parts)) if types is None else types

    def with_branch(self, part: Part, key: str, more: Parts) -> Facts:
        """The same with one branch taken."""
        return self.and_also(more, self.used | {(id(part), key)})

    def and_also(self, more: Parts, used: frozenset[tuple[int, str]] | None = None) -> Facts:
        """The same with more parts that hold."""
        parts = tuple({id(one): one for one in (*self.parts, *more)}.values())
        return Facts(parts, self.used if used is None else used, self.types.intersection(*map(types_of, more)))

    @property
    def values(self) -> list[Any] | None:
        """The values that are left, where they are named."""
        found = [values for part in self.parts if (values := fixed(part)) is not None]
        if found:
            return [value for value in min(found, key=len) if type_of(value) in self.types]
        if self.types <= {"boolean", "null"}:
            return [value for value in (None, False, True) if type_of(value) in self.types]
        return None


class Prover:
    """Proofs about the values of one schema under another, each made once. The budget bounds all of them together."""

    def __init__(self, old: Root, new: Root, reading: Reading, budget: Budget, *, back: Prover | None = None) -> None:
        self.a, self.b = old, new
        self.reading = reading
        self._budget = budget
        self._known: dict[tuple[Any, ...], bool] = {}
        self._trail: list[tuple[Any, ...]] = []
        self._open: dict[tuple[Any, ...], int] = {}
        self._assumed: set[tuple[Any, ...]] = set()
        self._depth = self._descents = 0
        self._made: dict[str, Any] = {}
        self._alike_roots = same(old.schema, new.schema)
        self._other = back
        self._next: dict[int, int] = {}
        self._apart: dict[int, tuple[list[Any], bool]] = {}  # with the list, so that it stays the one of this id

    def within(self, a: Any, b: Any, *, depth: int = 0) -> bool:
        """Whether what schema ``a`` allows fits schema ``b``. depth: how far down whoever asks is already."""
        before, self._depth = self._depth, max(self._depth, depth)
        found = self.fits(Facts(self.a.parts(a)), b)
        self._depth = before
        return found

    def fits(self, facts: Facts, b: Any, *, inside: bool = False) -> bool:
        """The same for what is known. inside: of a member or an item of the value in question."""
        if trivial(b):
            return True
        key = (frozenset(map(id, facts.parts)), facts.used, id(b))
        known = self._known.get(key)
        if known is not None:
            return known
        if key in self._open:  # a value is finite: a circle that goes into it ends, one that does not proves nothing
            self._assumed.add(key)
            return self._descents + inside > self._open[key]
        if self._depth >= _DEPTH or not self._budget.prove(1 + len(facts.parts)):
            return False
        self._open[key] = self._descents + inside
        self._depth, self._descents = self._depth + 1, self._descents + inside
        mark = len(self._trail)
        found = self._prove(facts, b)
        self._depth, self._descents = self._depth - 1, self._descents - inside
        del self._open[key]
        if not found and key in self._assumed:  # what was built on it falls with it
            for built in self._trail[mark:]:
                self._known.pop(built, None)
            del self._trail[mark:]
        self._assumed.discard(key)
        if found:
            self._trail.append(key)
            self._known[key] = True
        else:
            self._known[key] = False
        return found

    def keyword(self, facts: Facts, key: str, part: Part) -> bool:  # noqa: PLR0911 - one for each kind of keyword
        """Whether what is known satisfies one keyword of a part."""
        if key not in _JUDGED or key in _HANDLED:
            return True
        kinds = facts.types
        value = part[key]
        if not kinds & applies(key, value):
            return True
        if key == "type":
            if not names_types(value):  # as another dialect has it
                return any(isinstance(one, dict) and same(one.get(key), value) for one in facts.parts)
            return kinds <= types_of({key: value})
        if key in ("enum", "const"):
            return self._is_one_of(facts, fixed({key: value}) or [])
        if key in _OBJECTS or key in _DEPENDENT:
            return objects.implied(self, facts, key, part)
        if key == "items" and isinstance(value, list):  # as drafts before 2020-12 had it
            return any(isinstance(one, dict) and self.same_schema(one.get(key), value) for one in facts.parts)
        if key in _ARRAYS:
            return arrays.implied(self, facts, key, part)
        if key in BRANCHES:
            return self._branches(facts, key, part)
        if key in ("not", "if"):
            return self._refuses(facts, value) if key == "not" else self._condition(facts, part)
        if key in _UNKNOWN or key in _WHOLE:
            return (key in _WHOLE and trivial(value)) or any(self._same_words(one, part) for one in facts.parts)
        return implied(facts.parts, key, part, kinds)

    def facts(self, parts: Parts) -> Facts:
        """What parts say, before any case is looked at."""
        return Facts(parts)

    def fits_value(self, value: Any, b: Any) -> bool:
        """Whether one value fits."""
        return self.fits(Facts((self.made("const", value),)), b)

    def describes(self, facts: Facts, name: str) -> bool:
        """Whether anything that is known says something of a property."""
        said = self.a.said(facts.parts)
        return name in said.names or said.maps or any(objects.matches(one, name) is not False for one in said.patterns)

    def _prove(self, facts: Facts, b: Any) -> bool:
        if any(part is False for part in facts.parts) or not facts.types:
            return True
        if any(part is b for part in facts.parts) and self._alike_roots:
            return True
        targets = self.b.parts(b)
        failed = [part for part in targets if not self._part(facts, part)]
        return not failed or self._apart_by_case(facts, b, failed)

    def _part(self, facts: Facts, part: Part) -> bool:
        if not isinstance(part, dict):
            return False
        if "$ref" in part and self.b.target(part) is None and not self._leads_alike(facts, part["$ref"]):
            return False
        return all(self.keyword(facts, key, part) for key in part)

    def _leads_alike(self, facts: Facts, reference: Any) -> bool:
        """Whether a reference that cannot be followed is one that holds already."""
        away = isinstance(reference, str) and not reference.startswith("#")
        return (away or self._alike_roots) and any(
            isinstance(one, dict) and one.get("$ref") == reference for one in facts.parts
        )

    def _apart_by_case(self, facts: Facts, b: Any, failed: list[Part]) -> bool:
        """Whether it holds in each case that is left: of the known branches, then types, then values."""
        for part in facts.parts:
            for key in BRANCHES:
                branches = listed(part, key)
                if branches and (id(part), key) not in facts.used:
                    cases = (facts.with_branch(part, key, self.a.parts(one)) for one in branches)
                    return all(self.fits(case, b) for case in cases)
        values = facts.values
        if values is not None and len(values) <= _VALUES:
            alone = [self.made("const", value) for value in values]
            if not any(part is one for part in facts.parts for one in alone):
                return all(self.fits(facts.and_also((one,)), b) for one in alone)
        kinds = sorted(facts.types)
        chosen = any(key in part for part in failed if isinstance(part, dict) for key in (*BRANCHES, "if", "not"))
        if len(kinds) == 1 or not chosen:
            return False
        return all(self.fits(facts.and_also((self.made("type", kind),)), b) for kind in kinds)

    def made(self, key: str, value: Any) -> Part:
        """A part of one keyword, the same one each time."""
        if key == "type":
            made: Any = {"type": "number", "x-fraction": True} if value == "fraction" else {"type": value}
        else:
            made = {key: value}
        return self._made.setdefault(key_of(made), made)

    def _is_one_of(self, facts: Facts, allowed: list[Any]) -> bool:
        values = facts.values
        return values is not None and keyed(values).keys() <= keyed(allowed).keys()

    def _branches(self, facts: Facts, key: str, part: Part) -> bool:
        branches = listed(part, key)
        if key == "oneOf" and not self._all_apart(branches):
            wanted = sorted(map(meaning, branches))
            inner = not any(map(self.b.refers, branches)) or self._alike_roots
            return inner and any(sorted(map(meaning, listed(one, key))) == wanted for one in facts.parts)
        if any(map(trivial, branches)):
            return True
        start = self._next.get(id(part), 0)  # branches mostly come in the order of those they fit
        for n in range(len(branches)):
            at = (start + n) % len(branches)
            if self._fits_branch(facts, branches[at], part):
                self._next[id(part)] = at + 1
                return True
        return False

    def _fits_branch(self, facts: Facts, branch: Any, part: Part) -> bool:
        """Whether a value is of one branch; one that has members of a sibling too may be taken for that."""
        if not self.fits(facts, branch):
            return False
        if self.reading is not Reading.READS:
            return True
        own = self.b.parts(branch)
        if not any(isinstance(one, dict) and one.get("additionalProperties") is False for one in own):
            return True
        foreign = self.b.said((part,)).names - self.b.said(own).names
        return not foreign & self.a.said(facts.parts).names

    def _all_apart(self, branches: list[Any]) -> bool:
        """Whether no value can be of two branches, so that "exactly one" means "one"."""
        known = self._apart.get(id(branches))
        if known is None:
            parts = [self.b.parts(one) for one in branches]
            known = self._apart[id(branches)] = (branches, _told_apart(parts) or self._pairs_apart(parts))
        return known[1]

    def _pairs_apart(self, branches: list[Parts]) -> bool:
        pairs = ((one, two) for n, one in enumerate(branches) for two in branches[:n])
        return all(self._budget.prove() and _apart(one, two) for one, two in pairs)

    def _refuses(self, facts: Facts, refused: Any) -> bool:
        if _apart(facts.parts, self.b.parts(refused)):
            return True
        known = [part["not"] for part in facts.parts if isinstance(part, dict) and "not" in part]
        return any(self._backwards(refused, one) for one in known)

    def _backwards(self, b: Any, a: Any) -> bool:
        """Whether what the other side's schema allows fits one of this side, exactly."""
        if self._other is None:
            back = self if self.reading is Reading.EXACTLY else None
            self._other = Prover(self.b, self.a, Reading.EXACTLY, self._budget, back=back)
        return self._other.within(b, a, depth=self._depth + 1)

    def _condition(self, facts: Facts, part: Part) -> bool:
        results = [part.get("then", True), part.get("else", True)]
        if all(self.fits(facts, one) for one in results):
            return True
        for one in facts.parts:
            if isinstance(one, dict) and "if" in one and (id(one), "if") not in facts.used:
                both = self.same_schema(one["if"], part["if"])
                cases = [facts.with_branch(one, "if", self.a.parts(one.get(key, True))) for key in ("then", "else")]
                if both and all(self.fits(case, result) for case, result in zip(cases, results, strict=True)):
                    return True
        return False

    def same_schema(self, one: Any, two: Any) -> bool:
        """Whether two schemas say the same, but for their notes."""
        return meaning(one) == meaning(two) and (self._alike_roots or not (self.a.refers(one) or self.b.refers(two)))

    def _same_words(self, one: Part, part: Part) -> bool:
        return isinstance(one, dict) and self.same_schema(one, part)


def _told_apart(branches: list[Parts]) -> bool:
    """Whether all are told apart by the fixed value of one property that each of them requires."""
    for name in always(branches[0]) if branches else ():
        values = [Facts(_member(one, name)).values if name in always(one) else None for one in branches]
        listed_all = [key for found in values if found is not None for key in keyed(found)]
        if None not in values and len(set(listed_all)) == len(listed_all):
            return True
    return False


def _apart(one: Parts, two: Parts) -> bool:
    """Whether visibly no value is valid under both."""
    if False in one or False in two:
        return True
    a, b = Facts(one), Facts(two)
    if not a.types & b.types or _disjoint(a, b):
        return True
    if a.types != {"object"} or b.types != {"object"}:
        return False
    return any(_disjoint(Facts(_member(one, name)), Facts(_member(two, name))) for name in always(one) | always(two))


def _disjoint(a: Facts, b: Facts) -> bool:
    x, y = a.values, b.values
    if x is not None and y is not None:
        return not keyed(x).keys() & keyed(y).keys()
    return not a.types & b.types


def _member(parts: Parts, name: str) -> Parts:
    found = (members(part, "properties").get(name) for part in parts)
    return tuple(one for one in found if isinstance(one, dict))
