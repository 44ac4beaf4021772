"""Where two schemas differ, told place by place; what each difference does is what the provers could not rule out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from pinset.domain.diff.model import Impact
from pinset.domain.diff.paths import join, path_diff, same
from pinset.domain.diff.schemas import objects
from pinset.domain.diff.schemas.branches import pair_branches
from pinset.domain.diff.schemas.nodes import BRANCHES, NOTES, Root, listed, members, strings
from pinset.domain.diff.schemas.proving import Facts, Prover, Reading
from pinset.domain.diff.schemas.sides import Side, as_branch, is_plain, mappings, renamed, side_of, takes_null, words_of
from pinset.domain.diff.schemas.telling import (
    MUST,
    NOUN,
    OTHERWISE,
    UNDECIDED,
    Effect,
    SchemaChange,
    closing,
    impact_of,
    tail,
    told,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain.diff.budget import Budget
    from pinset.domain.diff.paths import Kind
    from pinset.domain.diff.schemas.telling import Place

_DEFINITIONS: Final = ("$defs", "definitions")
_INNER: Final = ("items", "propertyNames")
_CONSTRAINTS: Final = frozenset(
    {
        "type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
        "maxLength", "pattern", "format", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties",
        "dependentRequired", "dependentSchemas", "unevaluatedItems", "unevaluatedProperties", "contains", "not", "if",
        "additionalProperties", "items", "propertyNames", "patternProperties", "prefixItems", "anyOf", "oneOf", "$ref",
        "dependencies", "additionalItems", "$dynamicRef",
    }
)  # fmt: skip
_WITH: Final = {"then": "if", "else": "if", "minContains": "contains", "maxContains": "contains"}
_UNSURE: Final = frozenset(
    {
        "not",
        "if",
        "contains",
        "propertyNames",
        "unevaluatedItems",
        "unevaluatedProperties",
        "oneOf",
        "$ref",
        "$dynamicRef",
    }
) | {"dependencies", "additionalItems", "dependentSchemas"}
_DRAFTS: Final = frozenset(
    {
        "prefixItems",
        "dependentRequired",
        "dependentSchemas",
        "unevaluatedItems",
        "unevaluatedProperties",
        "dependencies",
    }
) | {"additionalItems", "$ref", "minContains", "maxContains", "$dynamicRef", "exclusiveMinimum", "exclusiveMaximum"}
"""Keywords that drafts of JSON Schema read differently."""
_DEPTH: Final = 24
"""Schemas inside schemas whose differences are told one by one."""
_OPTIONAL: Final[Mapping[Place, str]] = {
    "inputs": "",
    "parameters": ": the model may pass it",
    "output": ": readers need not know it",
    "result": ": the model may read it",
}
_ALL: Final = Effect(lost=True, gained=True)


class Walker:
    """Collects what differs. ``found`` is in the order of reading."""

    def __init__(self, place: Place, old: Any, new: Any, budget: Budget) -> None:
        self.place: Place = place
        self.old, self.new = Root(old), Root(new)
        self.budget = budget
        self.found: list[SchemaChange] = []
        self._alike = same(old, new)
        self._lost = Prover(self.old, self.new, Reading.REFUSES, budget)
        self._gained = Prover(self.new, self.old, Reading.READS, budget)
        self._seen: set[tuple[int, int, Effect]] = set()
        self._met: set[str] = set()
        self._root_path = ""
        self._depth = 0

    def run(self, path: str) -> list[SchemaChange]:
        """Everything that differs below ``path``."""
        self._root_path = path
        self.walk(self.old.schema, self.new.schema, path, _ALL)
        self._definitions(path)
        if not self.found:
            self._say(SchemaChange(path, "changed", self.old.schema, self.new.schema, Impact.COSMETIC, OTHERWISE))
        return self.found

    def effect(self, old: Any, new: Any) -> Effect:
        """What becomes of the values when one schema takes the place of another."""
        return Effect(not self._lost.within(old, new), not self._gained.within(new, old))

    def walk(self, old: Any, new: Any, path: str, gate: Effect) -> Effect:
        """Says what differs between two schemas, and which effects are told by that. gate: what may matter here."""
        if self._unchanged(old, new):
            return Effect()
        effect = gate & self.effect(old, new)
        key = (id(old), id(new), effect)
        if key in self._seen:  # a definition that is used again was told where it was met first
            return effect
        self._seen.add(key)
        path = self._named(old, new, path)
        if not isinstance(old, dict) or not isinstance(new, dict):
            return self._change(path, "changed", old, new, effect, tail(self.place, effect))
        if self._depth >= _DEPTH or not self.budget.prove():
            return self._change(path, "changed", old, new, effect, UNDECIDED if effect else OTHERWISE)
        before, after = self._sides(old, new)
        self._depth += 1
        told_here = self._keywords(before, after, path, effect)
        self._depth -= 1
        open_still = Effect(effect.lost and not told_here.lost, effect.gained and not told_here.gained)
        if open_still:
            return told_here | self._change(path, "changed", old, new, open_still, UNDECIDED)
        return told_here

    def _unchanged(self, old: Any, new: Any) -> bool:
        if not same(old, new):
            return False
        return self._alike or not (self.old.refers(old) or self.new.refers(new))

    def _named(self, old: Any, new: Any, path: str) -> str:
        """The path of a definition where both sides refer to it by one name, and else alike: it is told once, and there."""
        texts = [one.get("$ref") if isinstance(one, dict) else None for one in (old, new)]
        if texts[0] != texts[1] or not isinstance(texts[0], str) or not texts[0].startswith("#/") or not same(old, new):
            return path
        where, reference = self._root_path, unquote(texts[0])
        self._met.add(reference)
        for step in reference.split("/")[1:]:
            where = join(where, step.replace("~1", "/").replace("~0", "~"))
        return where

    def _sides(self, old: dict[str, Any], new: dict[str, Any]) -> tuple[Side, Side]:
        """Both sides, a plain schema beside one with branches as the only branch of its own."""
        before, after = side_of(self.old, old), side_of(self.new, new)
        for key in BRANCHES:
            if key in before.view and is_plain(after.view) and NOTES.issuperset(before.view.keys() - {key}):
                return before, as_branch(after, new, key)
            if key in after.view and is_plain(before.view) and NOTES.issuperset(after.view.keys() - {key}):
                return as_branch(before, old, key), after
        return before, after

    def _keywords(self, before: Side, after: Side, path: str, gate: Effect) -> Effect:
        a, b = before.view, after.view
        done = self._properties(before, after, path, gate)
        for key in ("type", "const", "enum", *sorted((a.keys() | b.keys()) - {"type", "const", "enum"})):
            if key in ("properties", "required", "allOf", *_DEFINITIONS) or (
                (key in a) == (key in b) and self._unchanged(a.get(key), b.get(key))
            ):
                continue
            done |= self._keyword(key, before, after, path, gate)
        return done

    def _keyword(self, key: str, before: Side, after: Side, path: str, gate: Effect) -> Effect:
        old, new = before.view.get(key), after.view.get(key)
        where = join(path, key)
        if key in NOTES:
            return self._note(key, before, after, where)
        if key == "nullable":
            effect = Effect(lost=bool(old) and not takes_null(after), gained=bool(new) and not takes_null(before))
            return self._keyed(key, before, after, path, effect)
        if key not in _CONSTRAINTS and key not in _WITH:
            return self._unknown(old, new, where, key in before.view, key in after.view)
        return self._constraint(key, before, after, path, gate)

    def _constraint(self, key: str, before: Side, after: Side, path: str, gate: Effect) -> Effect:
        """A keyword that says which values are allowed: looked into where both sides have the like of it."""
        old, new = before.view.get(key), after.view.get(key)
        where = join(path, key)
        effect = gate & self._of_keyword(_WITH.get(key, key), before, after)
        mapped = isinstance(old, dict) and isinstance(new, dict)
        both_listed = isinstance(old, list) and isinstance(new, list)
        if mapped and (key in _INNER or key == "additionalProperties"):
            return self.walk(old, new, where, effect)
        if mapped and key == "patternProperties":
            return self._by_name(members(before.view, key), members(after.view, key), where, effect)
        if both_listed and key == "prefixItems":
            return self._positions(listed(before.view, key), listed(after.view, key), where, effect)
        if both_listed and key in BRANCHES:
            return self._branches(key, before, after, where, gate)
        return self._keyed(key, before, after, path, effect)

    def _of_keyword(self, key: str, before: Side, after: Side) -> Effect:
        """What one keyword does, everything else being known."""
        lost = any(key in part and not self._lost.keyword(before.facts, key, part) for part in mappings(after))
        gained = any(key in part and not self._gained.keyword(after.facts, key, part) for part in mappings(before))
        if key == "$ref":
            return _ALL
        return Effect(lost, gained)

    def _keyed(self, key: str, before: Side, after: Side, path: str, effect: Effect) -> Effect:
        """A keyword whose change is told as a whole."""
        old, new = before.view.get(key), after.view.get(key)
        kind: Kind = (
            "changed" if key in before.view and key in after.view else "added" if key in after.view else "removed"
        )
        if key == "nullable" and effect:
            reason = "null for those who know this keyword, which JSON Schema does not: taken as breaking"
        elif key == "additionalProperties" and not isinstance(old, dict) and not isinstance(new, dict):
            reason = closing(self.place, closed=new is False)
        elif _WITH.get(key, key) in _UNSURE and effect:
            reason = f"{key}: {UNDECIDED}"
        else:
            reason = told(self.place, key, old, new, effect)
        return self._change(join(path, key), kind, old, new, effect, reason)

    def _note(self, key: str, before: Side, after: Side, where: str) -> Effect:
        old, new = before.view.get(key), after.view.get(key)
        if key == "$schema" and not _DRAFTS.isdisjoint(words_of(self.old.schema) | words_of(self.new.schema)):
            reason = f"another draft may read it otherwise: {UNDECIDED}"
            return self._change(where, "changed", old, new, _ALL, reason)
        seen = self.place != "inputs" or key == "default"
        reason = "the model reads it" if self.place != "inputs" else "what is meant where nothing is passed"
        impact = Impact.BEHAVIOUR if seen else Impact.COSMETIC
        self._paths(old, new, where, impact, reason if seen else "neither the model nor the code reads it")
        return Effect()

    def _unknown(self, old: Any, new: Any, where: str, was: bool, now: bool) -> Effect:  # noqa: FBT001 - both sides
        """A keyword that says nothing of values in JSON Schema."""
        if was and now:
            self._paths(old, new, where, Impact.BEHAVIOUR, "no keyword of JSON Schema: whoever knows it reads it")
        else:
            kind: Kind = "added" if now else "removed"
            reason = "no keyword of JSON Schema: whoever knows it reads it"
            self._say(SchemaChange(where, kind, old, new, Impact.BEHAVIOUR, reason))
        return Effect()

    def _paths(self, old: Any, new: Any, where: str, impact: Impact, reason: str) -> None:
        if old is None or new is None:
            self._say(SchemaChange(where, "added" if old is None else "removed", old, new, impact, reason))
            return
        for one in path_diff(old, new, where, self.budget):
            self._say(SchemaChange(one.path, one.kind, one.old, one.new, impact, reason))

    def _properties(self, before: Side, after: Side, path: str, gate: Effect) -> Effect:
        a, b = members(before.view, "properties"), members(after.view, "properties")
        needed = strings(before.view.get("required")), strings(after.view.get("required"))
        names = [*a, *(n for n in b if n not in a)]
        names += sorted((needed[0] | needed[1]) - set(names))
        known = [(name in a or name in needed[0], name in b or name in needed[1]) for name in names]
        gone = {n: a.get(n, {}) for n, there in zip(names, known, strict=True) if not there[1]}
        come = {n: b.get(n, {}) for n, there in zip(names, known, strict=True) if not there[0]}
        twins = renamed(gone, come)
        done = Effect()
        for name in names:
            where, need = join(path, name), (name in needed[0], name in needed[1])
            if name in gone or name in come:
                done |= self._one_sided(name, before, after, where, gate, need, twins)
                continue
            if need[0] != need[1]:
                effect = gate & Effect(lost=need[1], gained=need[0])
                reason = MUST[self.place].format(name) if need[1] else self._optional(name)
                done |= self._change(join(where, "required"), "changed", need[0], need[1], effect, reason)
            done |= self.walk(a.get(name, True), b.get(name, True), where, gate)
        return done

    def _optional(self, name: str) -> str:
        return f"{name} may be missing now; {tail(self.place, Effect(gained=True))}"

    def _one_sided(
        self,
        name: str,
        before: Side,
        after: Side,
        path: str,
        gate: Effect,
        need: tuple[bool, bool],
        twins: dict[str, str],
    ) -> Effect:
        """A property that only one side describes."""
        fits = (
            all(objects.member(self._lost, before.facts, name, part) for part in mappings(after)),
            all(objects.member(self._gained, after.facts, name, part) for part in mappings(before)),
        )
        effect = gate & Effect(lost=need[1] or not fits[0], gained=need[0] or not fits[1])
        old, new = (members(side.view, "properties").get(name, {}) for side in (before, after))
        like = f"; looks renamed {{}} {twins[name]}" if name in twins else ""
        if name in members(before.view, "properties") or need[0]:
            reason = self._gone(name, effect, need=need[0])
            return self._change(path, "removed", old, None, effect, reason + like.format("to"), seen=True)
        if need[1]:
            reason = MUST[self.place].format(name)
        else:
            reason = f"a new optional {NOUN[self.place]}" + (
                f"; {tail(self.place, effect)}" if effect else _OPTIONAL[self.place]
            )
        return self._change(path, "added", None, new, effect, reason + like.format("from"), seen=True)

    def _gone(self, name: str, effect: Effect, *, need: bool) -> str:
        if self.place == "output":
            return f"readers rely on {name}" if effect.gained and need else f"the {NOUN[self.place]} {name} is gone"
        if effect.lost:
            return f"{name} is refused now"
        if self.place in ("inputs", "result"):
            return f"{name} is not used any more" if self.place == "inputs" else f"the model no longer reads {name}"
        return f"the application relies on {name}" if effect.gained else f"the {NOUN[self.place]} {name} is gone"

    def _by_name(self, old: dict[str, Any], new: dict[str, Any], path: str, gate: Effect) -> Effect:
        done = Effect()
        for name in sorted(old.keys() | new.keys()):
            where = join(path, name)
            if name in old and name in new:
                done |= self.walk(old[name], new[name], where, gate)
            else:
                kind: Kind = "added" if name in new else "removed"
                reason = told(self.place, "a pattern of names", None, None, gate)
                done |= self._change(where, kind, old.get(name), new.get(name), gate, reason)
        return done

    def _positions(self, old: list[Any], new: list[Any], path: str, gate: Effect) -> Effect:
        done = Effect()
        for n in range(max(len(old), len(new))):
            where = f"{path}[{n}]"
            if n < len(old) and n < len(new):
                done |= self.walk(old[n], new[n], where, gate)
            else:
                kind: Kind = "added" if n < len(new) else "removed"
                reason = told(self.place, "prefixItems", None, None, gate)
                before, after = (side[n] if n < len(side) else None for side in (old, new))
                done |= self._change(where, kind, before, after, gate, reason)
        return done

    def _branches(self, key: str, before: Side, after: Side, path: str, gate: Effect) -> Effect:
        """Branches, each told by itself; what a branch loses matters only where no other branch allows it."""
        old, new = listed(before.view, key), listed(after.view, key)
        paired = pair_branches(old, new, (self.old, self.new))
        count, done = len(self.found), Effect()
        for i in paired.gone:
            effect = Effect(gate.lost and not self._all_fit(self._lost, self.old, old[i], key, after))
            reason = f"a branch is gone; {tail(self.place, effect)}"
            done |= self._change(f"{path}[{i}]", "removed", old[i], None, effect, reason)
        for i, j in paired.pairs:
            lost = gate.lost and not self._all_fit(self._lost, self.old, old[i], key, after)
            gained = gate.gained and not self._all_fit(self._gained, self.new, new[j], key, before)
            done |= self.walk(old[i], new[j], f"{path}[{j}]", Effect(lost, gained))
        for j in paired.come:
            effect = Effect(gained=gate.gained and not self._all_fit(self._gained, self.new, new[j], key, before))
            reason = f"a branch more; {tail(self.place, effect)}"
            done |= self._change(f"{path}[{j}]", "added", None, new[j], effect, reason)
        if len(self.found) == count and [i for i, _ in paired.pairs] != sorted(i for i, _ in paired.pairs):
            reason = f"the same branches in another order; {tail(self.place, Effect())}"
            self._change(path, "changed", old, new, Effect(), reason)
        return done

    def _all_fit(self, prover: Prover, root: Root, branch: Any, key: str, side: Side) -> bool:
        """Whether a branch fits what the other side's branches allow."""
        facts = Facts(root.parts(branch))
        holders = [part for part in mappings(side) if key in part] or [side.view]
        return all(prover.keyword(facts, key, part) for part in holders)

    def _definitions(self, path: str) -> None:
        """Definitions that were not met on the way: what they do was told where they are used."""
        for key in _DEFINITIONS:
            old, new = members(self.old.schema, key), members(self.new.schema, key)
            for name in sorted(old.keys() & new.keys()):
                if f"#/{key}/{name}" not in self._met and not self._unchanged(old[name], new[name]):
                    where, reason = join(join(path, key), name), "a definition; what it does is told where it is used"
                    self._say(SchemaChange(where, "changed", old[name], new[name], Impact.COSMETIC, reason))

    def _change(
        self, path: str, kind: Kind, old: Any, new: Any, effect: Effect, reason: str, *, seen: bool = False
    ) -> Effect:
        """One change. seen: more than wording, even where the same values are allowed."""
        impact = impact_of(self.place, effect)
        if seen and impact is Impact.COSMETIC:
            impact = Impact.BEHAVIOUR
        self._say(SchemaChange(path, kind, old, new, impact, reason))
        return effect

    def _say(self, change: SchemaChange) -> None:
        self.found.append(change)
