"""Inputs: what a prompt's JSON Schema says of its variables, checked when the prompt is filled in.

The schemas that publishing writes itself say only which variables there must be: those cost nothing here. An author's
schema that says more is checked by jsonschema, which is an extra for who only fetches.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Check = Callable[[Mapping[str, Any]], None]
    """Raises InvalidInput for values that a schema refuses."""

SHOWN: Final = 80
"""Characters of a value or a rule that an error quotes."""
_TOLD: Final = 3
_NOTES: Final = frozenset({"title", "description", "examples", "default", "deprecated", "$comment"})
_PLAIN: Final = _NOTES | {"type", "properties", "required", "additionalProperties", "$schema", "$id"}
_WANTED: Final[Mapping[str, str]] = {
    "minLength": "at least {} characters are",
    "maxLength": "at most {} characters are",
    "minItems": "at least {} items are",
    "maxItems": "at most {} items are",
    "minimum": "at least {} is",
    "maximum": "at most {} is",
    "exclusiveMinimum": "more than {} is",
    "exclusiveMaximum": "less than {} is",
    "multipleOf": "a multiple of {} is",
    "pattern": "text like {} is",
    "const": "{} is",
}


def declares_more(schema: Any) -> bool:
    """Whether a schema says more of the variables than which there must be."""
    if not isinstance(schema, dict):
        return schema is False
    if not _PLAIN.issuperset(schema) or isinstance(schema.get("additionalProperties"), dict):
        return True
    return any(not isinstance(one, dict) or not _NOTES.issuperset(one) for one in schema.get("properties", {}).values())


def check_of(schema: Any) -> Check:
    """The check of an author's schema, compiled once. Raises ImportError where it needs jsonschema, which is not there.

    Values that the schema does not declare are not looked at: whether a prompt takes them is told elsewhere, and newer
    code may well pass one more after a rollback.
    """
    try:
        return _compiled(schema)
    except ImportError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever the compiler raises for what is no schema
        why = _reason(error)

    def refuse(_: Mapping[str, Any]) -> None:
        raise _unusable(why)

    return refuse


def _compiled(schema: Any) -> Check:
    if not declares_more(schema):
        required = tuple(schema.get("required", ())) if isinstance(schema, dict) else ()
        return lambda values: _refuse_missing(required, values)
    from jsonschema import Draft202012Validator, validators  # noqa: PLC0415 - a tenth of a second, and an extra
    from referencing import Registry  # noqa: PLC0415 - comes with it

    types = Draft202012Validator.TYPE_CHECKER.redefine("array", lambda _, value: isinstance(value, (list, tuple)))
    extended: Any = validators.extend  # it has no types
    validator = extended(Draft202012Validator, type_checker=types)(schema, registry=Registry())
    declared = None if _open(schema) else frozenset(schema.get("properties", ()))

    def check(values: Mapping[str, Any]) -> None:
        seen = {name: value for name, value in values.items() if declared is None or name in declared}
        try:
            errors = sorted(validator.iter_errors(seen), key=lambda error: [str(step) for step in error.absolute_path])
        except Exception as error:  # a pattern that Python has not, a circle, values too deep
            raise _unusable(_reason(error)) from error
        if errors:
            _refuse(errors, values)

    return check


def _reason(error: Exception) -> str:
    return f"{type(error).__name__} {_cut(str(error))}".rstrip()


def _unusable(why: str) -> InvalidInput:
    return InvalidInput(
        f"what is given cannot be checked against the prompt's inputs: {why}",
        hint="see the prompt's inputs: its patterns are Python's, its $refs lead to its own $defs and in no circle",
    )


def _open(schema: Any) -> bool:
    """Whether a schema has something to say of variables that it does not name."""
    return not isinstance(schema, dict) or bool(schema.get("additionalProperties")) or not _PLAIN.issuperset(schema)


def _refuse(errors: Iterable[Any], values: Mapping[str, Any]) -> None:
    told = []
    for error in errors:
        if error.validator == "required" and not error.absolute_path:
            _refuse_missing(error.validator_value, values)
        told.append(_sentence(error))
    more = f"; and {len(told) - _TOLD} more" if len(told) > _TOLD else ""
    raise InvalidInput(
        "; ".join(told[:_TOLD]) + more,
        hint="give what the prompt's inputs declare",
        details={"problems": told[:_TOLD]},
    )


def _refuse_missing(required: Iterable[str], values: Mapping[str, Any]) -> None:
    missing = sorted(name for name in required if name not in values)
    if missing:
        given = ", ".join(sorted(map(str, values))) or "none"
        hint = f"give each a value (given: {given})"
        raise InvalidInput(f"the prompt wants {', '.join(missing)}", hint=hint, details={"missing": missing})


def _sentence(error: Any) -> str:
    """Which variable, what it is, and what is wanted."""
    where = _place(error.absolute_path) or "what is given"
    if error.validator == "required":
        lacking = [name for name in error.validator_value if name not in error.instance]
        return f"{where} lacks {_cut(', '.join(lacking))}"
    return f"{where} is {_shown(error.instance)}, and {_wanted(error)} wanted"


def _wanted(error: Any) -> str:
    rule, value = str(error.validator), error.validator_value
    if error.validator is None:  # the schema `false`
        return "nothing is"
    if rule == "type":
        return f"{' or '.join([value] if isinstance(value, str) else value)} is"
    if rule == "enum":
        return f"one of {_cut(', '.join(map(_shown, value)))} is"
    if rule in _WANTED:
        return _WANTED[rule].format(_shown(value))
    return f"what {rule} {_shown(value)} allows is"


def _place(path: Iterable[str | int]) -> str:
    found = ""
    for step in path:
        found += f"[{step}]" if isinstance(step, int) else f".{step}" if found else str(step)
    return found


def _shown(value: Any) -> str:
    """A value as JSON, cut; of anything else the type alone."""
    if isinstance(value, str):  # before it is encoded: it may be long
        return _cut(json.dumps(value[: SHOWN + 1], ensure_ascii=False))
    try:
        return _cut(json.dumps(value, ensure_ascii=False))
    except (TypeError, ValueError, RecursionError):
        return f"of type {type(value).__name__}"


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
