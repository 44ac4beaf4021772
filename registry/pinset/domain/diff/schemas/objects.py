"""Objects: whether the members that one schema allows fit another."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.diff.schemas.nodes import fixed, members, strings, trivial
from pinset.domain.diff.schemas.plain import always

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pinset.domain.diff.schemas.nodes import Part, Parts
    from pinset.domain.diff.schemas.proving import Facts, Prover

_LITERAL: Final = re.compile(r"\^?[A-Za-z0-9_ /:@-]*\$?", re.ASCII)


def implied(prover: Prover, facts: Facts, key: str, part: Part) -> bool:
    """Whether what is known of an object satisfies one of the keywords about its members."""
    match key:
        case "properties":
            return all(member(prover, facts, name, part) for name in part[key])
        case "patternProperties":
            return all(_pattern(prover, facts, pattern, inner) for pattern, inner in members(part, key).items())
        case "additionalProperties":
            return _others(prover, facts, part)
        case "propertyNames":
            return _names(prover, facts, part[key])
        case "dependentRequired":
            wanted = members(part, key).items()
            return all(_together(prover, facts, name, strings(names)) for name, names in wanted)
        case _:
            return all(
                _dependent(prover, facts, name, inner) for name, inner in members(part, "dependentSchemas").items()
            )


def member(prover: Prover, facts: Facts, name: str, part: Part) -> bool:
    """Whether the values that ``facts`` allow for one member fit a part, whether it describes it or not."""
    known = value_of(prover, facts, name)
    if known is None:
        return True
    described = members(part, "properties")
    if name not in described:
        return _unnamed(prover, facts, name, known, part)
    if not known and not prover.describes(facts, name) and not exact(prover):
        return True
    return _fits(prover, known, described[name])


def _unnamed(prover: Prover, facts: Facts, name: str, known: Parts, part: Part) -> bool:
    """The same for a member that the part does not name. Its patterns are judged by themselves."""
    others = part.get("additionalProperties", True)
    if trivial(others) or any(matches(pattern, name) for pattern in members(part, "patternProperties")):
        return True
    if others is False:
        return _reads(prover)
    if not known and not prover.describes(facts, name) and not exact(prover):
        return True
    return _fits(prover, known, others)


def value_of(prover: Prover, facts: Facts, name: str) -> Parts | None:
    """What holds for one member; None where there can be no such member, empty where nothing is said of it."""
    found: list[Any] = []
    for part in facts.parts:
        if not isinstance(part, dict):
            continue
        values = fixed(part)
        if values is not None:
            there = [value[name] for value in values if isinstance(value, dict) and name in value]
            found += [False] if not there else [prover.made("const", there[0])] if len(values) == 1 else []
        described, patterns = members(part, "properties"), members(part, "patternProperties")
        hits = [matches(pattern, name) for pattern in patterns]
        found += [inner for inner, hit in zip(patterns.values(), hits, strict=True) if hit]
        if name in described:
            found.append(described[name])
        elif all(hit is False for hit in hits) and "additionalProperties" in part:
            found.append(part["additionalProperties"])
    return None if False in found else prover.a.all_parts(found)


def matches(pattern: str, name: str) -> bool | None:
    """Whether a name matches a plain pattern; None for any other, which is never run: some take for ever."""
    if pattern in ("", ".*", "^.*$", ".+"):
        return True if name or pattern != ".+" else None
    if not _LITERAL.fullmatch(pattern):
        return None
    text, begins, ends = pattern.strip("^$"), pattern.startswith("^"), pattern.endswith("$")
    if begins and ends:
        return name == text
    if begins:
        return name.startswith(text)
    return name.endswith(text) if ends else text in name


def _pattern(prover: Prover, facts: Facts, pattern: str, inner: Any) -> bool:
    for name in sorted(prover.a.said(facts.parts).names):
        known = value_of(prover, facts, name)
        if known is not None and matches(pattern, name) is not False and not _fits(prover, known, inner):
            return False
    for part in _mappings(facts):
        if pattern in members(part, "patternProperties"):
            if _fits(prover, prover.a.parts(part["patternProperties"][pattern]), inner):
                return True
        elif "additionalProperties" in part and not members(part, "patternProperties"):
            others = part["additionalProperties"]
            if others is False or _fits(prover, prover.a.parts(others), inner):
                return True
    return False


def _others(prover: Prover, facts: Facts, part: Part) -> bool:
    """``additionalProperties``: first the members that the other side describes, then all the rest."""
    others = part["additionalProperties"]
    if trivial(others) or (others is False and _reads(prover)):
        return True
    named = prover.a.said(facts.parts).names - members(part, "properties").keys()
    if not all(member(prover, facts, name, part) for name in sorted(named)):
        return False
    return any(_rest_fits(prover, one, part, others) for one in _mappings(facts))


def _rest_fits(prover: Prover, one: Part, part: Part, others: Any) -> bool:
    """Whether the members that one part of what is known leaves unnamed fit."""
    patterns = members(part, "patternProperties")
    for pattern, inner in members(one, "patternProperties").items():
        if pattern not in patterns and (others is False or not _fits(prover, prover.a.parts(inner), others)):
            return False
    rest = False if fixed(one) is not None else one.get("additionalProperties", True)
    return rest is False or (others is not False and _fits(prover, prover.a.parts(rest), others))


def _names(prover: Prover, facts: Facts, rule: Any) -> bool:
    for part in _mappings(facts):
        if "propertyNames" in part and _fits(prover, prover.a.parts(part["propertyNames"]), rule):
            return True
        closed = part.get("additionalProperties") is False and not members(part, "patternProperties")
        if closed and all(prover.fits_value(name, rule) for name in members(part, "properties")):
            return True
    return False


def _together(prover: Prover, facts: Facts, name: str, wanted: Iterable[str]) -> bool:
    """``dependentRequired`` of one member."""
    known = [strings(members(part, "dependentRequired").get(name)) for part in facts.parts]
    return _never(prover, facts, name) or always(facts.parts).union(*known) >= set(wanted)


def _dependent(prover: Prover, facts: Facts, name: str, inner: Any) -> bool:
    """``dependentSchemas`` of one member."""
    if _never(prover, facts, name) or prover.fits(facts, inner):
        return True
    held = [
        members(part, "dependentSchemas")[name] for part in facts.parts if name in members(part, "dependentSchemas")
    ]
    return bool(held) and prover.fits(facts.with_branch(held[0], name, prover.a.all_parts(held)), inner)


def _never(prover: Prover, facts: Facts, name: str) -> bool:
    """Whether nobody sends a member: it cannot be there, or was never described."""
    if value_of(prover, facts, name) is None:
        return True
    return not exact(prover) and not prover.describes(facts, name) and name not in always(facts.parts)


def _fits(prover: Prover, known: Parts, inner: Any) -> bool:
    return prover.fits(prover.facts(known), inner, inside=True)


def _mappings(facts: Facts) -> list[dict[str, Any]]:
    return [part for part in facts.parts if isinstance(part, dict)]


def exact(prover: Prover) -> bool:
    """Whether what is not described counts too."""
    return prover.reading.value == "exactly"


def _reads(prover: Prover) -> bool:
    return prover.reading.value == "reads"
