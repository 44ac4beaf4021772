"""Constraints of numbers, texts and sizes: whether parts that hold imply one more."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.diff.schemas.nodes import TYPES, Span, fixed, listed, members, number, strings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pinset.domain.diff.schemas.nodes import Part, Parts

APPLIES: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(
        ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), frozenset({"integer", "fraction"})
    ),
    **dict.fromkeys(("minLength", "maxLength", "pattern", "format"), frozenset({"string"})),
    **dict.fromkeys(
        ("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains", "unevaluatedItems"),
        frozenset({"array"}),
    ),
    **dict.fromkeys(
        (
            "properties", "patternProperties", "additionalProperties", "required", "minProperties", "maxProperties",
            "propertyNames", "dependentRequired", "dependentSchemas", "unevaluatedProperties",
        ),
        frozenset({"object"}),
    ),
}  # fmt: skip
"""The types that a keyword says something of; of the others it allows every value."""
_TEXT_FORMATS: Final = frozenset(
    {
        "date-time", "date", "time", "duration", "email", "idn-email", "hostname", "idn-hostname", "ipv4", "ipv6", "uuid",
        "uri", "uri-reference", "iri", "iri-reference", "uri-template", "json-pointer", "relative-json-pointer", "regex",
    }
)  # fmt: skip
"""Formats of texts. Any other, such as ``int32``, may be one of numbers for those who know it."""


def applies(key: str, value: Any) -> frozenset[str]:
    """The types that a keyword with this value says something of."""
    if key == "format" and not (isinstance(value, str) and value in _TEXT_FORMATS):
        return TYPES
    return APPLIES.get(key, TYPES)


def implied(a: Parts, key: str, part: Part, kinds: frozenset[str]) -> bool:
    """Whether values that ``a`` allows, of these types, satisfy one keyword of a part."""
    check = _CHECKS.get(key)
    return check(a, part[key], kinds) if check else any(_equal(one, key, part[key]) for one in a)


def longest(a: Parts, key: str) -> float:
    """The least of an upper bound of sizes: ``maxLength``, ``maxItems``, ``maxProperties``."""
    return min((bound for one in a if (bound := number(one, key)) is not None), default=math.inf)


def _equal(part: Part, key: str, value: Any) -> bool:
    return isinstance(part, dict) and key in part and type(part[key]) is type(value) and bool(part[key] == value)


def _lower(a: Parts, kinds: frozenset[str]) -> Span:
    found = [Span(-math.inf, open=False)]
    for one in a:
        for key, is_open in (("minimum", False), ("exclusiveMinimum", True)):
            bound = number(one, key)
            if bound is not None and "fraction" not in kinds:
                found.append(Span(math.floor(bound) + 1 if is_open else math.ceil(bound), open=False))
            elif bound is not None:
                found.append(Span(bound, is_open))
        found += [Span(value, open=False) for value in _numbers(one, min)]
    return max(found)


def _upper(a: Parts, kinds: frozenset[str]) -> Span:
    found = [Span(math.inf, open=False)]
    for one in a:
        for key, is_open in (("maximum", False), ("exclusiveMaximum", True)):
            bound = number(one, key)
            if bound is not None and "fraction" not in kinds:
                found.append(Span(math.ceil(bound) - 1 if is_open else math.floor(bound), open=False))
            elif bound is not None:
                found.append(Span(bound, is_open))
        found += [Span(value, open=False) for value in _numbers(one, max)]
    return min(found, key=lambda span: (span.at, not span.open))


def _numbers(part: Part, pick: Callable[..., float]) -> list[float]:
    values = [v for v in fixed(part) or () if isinstance(v, int | float) and not isinstance(v, bool)]
    return [pick(values)] if values else []


def _lengths(part: Part) -> list[int]:
    return [len(v) for v in fixed(part) or () if isinstance(v, str)]


def _minimum(a: Parts, bound: Any, kinds: frozenset[str]) -> bool:
    return _is_number(bound) and _lower(a, kinds).at >= bound


def _exclusive_minimum(a: Parts, bound: Any, kinds: frozenset[str]) -> bool:
    return _is_number(bound) and _lower(a, kinds) > Span(bound, open=False)


def _maximum(a: Parts, bound: Any, kinds: frozenset[str]) -> bool:
    return _is_number(bound) and _upper(a, kinds).at <= bound


def _exclusive_maximum(a: Parts, bound: Any, kinds: frozenset[str]) -> bool:
    if not _is_number(bound):
        return False
    found = _upper(a, kinds)
    return found.at < bound or (found.at == bound and found.open)


def _multiple_of(a: Parts, step: Any, kinds: frozenset[str]) -> bool:
    if not _is_number(step) or not step:
        return False
    try:
        wanted = Fraction(str(step))
        steps = [Fraction(str(known)) for one in a if (known := number(one, "multipleOf"))]
    except (ValueError, OverflowError):  # NaN and infinity are no JSON, but Python reads them
        return False
    if "fraction" not in kinds:
        steps.append(Fraction(1))
    return any((known / wanted).denominator == 1 for known in steps)


def _min_length(a: Parts, bound: Any, _: frozenset[str]) -> bool:
    known = [size for one in a if (size := number(one, "minLength")) is not None]
    known += [min(sizes) for one in a if (sizes := _lengths(one))]
    return _is_number(bound) and max(known, default=0) >= bound


def _max_length(a: Parts, bound: Any, _: frozenset[str]) -> bool:
    known = [longest(a, "maxLength"), *(max(sizes) for one in a if (sizes := _lengths(one)))]
    return _is_number(bound) and min(known) <= bound


def _min_items(a: Parts, bound: Any, _: frozenset[str]) -> bool:
    known = [size for one in a if (size := number(one, "minItems")) is not None]
    return _is_number(bound) and max(known, default=0) >= bound


def most_items(a: Parts) -> float:
    """How many items there can be."""
    closed = [len(listed(one, "prefixItems")) for one in a if isinstance(one, dict) and one.get("items") is False]
    return min([longest(a, "maxItems"), *closed])


def _max_items(a: Parts, bound: Any, _: frozenset[str]) -> bool:
    return _is_number(bound) and most_items(a) <= bound


def _unique(a: Parts, wanted: Any, _: frozenset[str]) -> bool:
    return not wanted or most_items(a) <= 1 or any(_equal(one, "uniqueItems", value=True) for one in a)


def always(a: Parts) -> frozenset[str]:
    """The properties that are always there."""
    return (
        frozenset().union(*(strings(one.get("required")) for one in a if isinstance(one, dict))) if a else frozenset()
    )


def _required(a: Parts, names: Any, _: frozenset[str]) -> bool:
    return strings(names) <= always(a)


def _min_properties(a: Parts, bound: Any, _: frozenset[str]) -> bool:
    known = [size for one in a if (size := number(one, "minProperties")) is not None]
    return _is_number(bound) and max([len(always(a)), *known]) >= bound


def _max_properties(a: Parts, bound: Any, _: frozenset[str]) -> bool:
    closed = [
        len(members(one, "properties"))
        for one in a
        if isinstance(one, dict) and one.get("additionalProperties") is False and not members(one, "patternProperties")
    ]
    return _is_number(bound) and min([longest(a, "maxProperties"), *closed]) <= bound


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_CHECKS: Final[Mapping[str, Callable[[Parts, Any, frozenset[str]], bool]]] = {
    "minimum": _minimum,
    "maximum": _maximum,
    "exclusiveMinimum": _exclusive_minimum,
    "exclusiveMaximum": _exclusive_maximum,
    "multipleOf": _multiple_of,
    "minLength": _min_length,
    "maxLength": _max_length,
    "minItems": _min_items,
    "maxItems": _max_items,
    "uniqueItems": _unique,
    "required": _required,
    "minProperties": _min_properties,
    "maxProperties": _max_properties,
}
