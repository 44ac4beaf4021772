"""JSON as it should be: no duplicate keys, no NaN, no depth without end, nothing that cannot be kept exactly.

The C scanner does the work; its hooks refuse. Only a refusal pays for finding its line.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final, NoReturn

from pinset.domain.text.located import doubled_key, json_tokens

SAFE_INTEGER: Final = 2**53 - 1
"""The largest integer that every JSON reader, and RFC 8785, can carry."""
DEPTH: Final = 32
"""Containers inside each other that a text may have."""
_STRUCTURE: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]', re.DOTALL)
_UNFIT_ESCAPE: Final = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_UNFIT: Final = re.compile("[\ud800-\udfff\x00]")
_DIGITS: Final = len(str(SAFE_INTEGER)) + 1


class StrictJsonError(ValueError):
    """Why a text is refused. line: from 1, None where it is not known."""

    def __init__(self, message: str, *, line: int | None = None, hint: str = "correct the JSON") -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.hint = hint


class _DoubledKey(Exception):  # noqa: N818 - a signal from a hook to `loads`, which knows the text
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class _UnfitNumber(Exception):  # noqa: N818 - as above
    def __init__(self, literal: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.literal, self.message, self.hint = literal, message, hint


def loads(text: str, *, depth: int = DEPTH) -> Any:
    """The value of a JSON text. depth: containers inside each other. Raises StrictJsonError."""
    if text.startswith("\ufeff"):
        raise StrictJsonError("it begins with a byte order mark", line=1, hint="save it as UTF-8 without one")
    _check_depth(text, depth)
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float, parse_int=_int
        )
    except json.JSONDecodeError as error:
        raise StrictJsonError(f"it is not JSON: {error.msg}", line=error.lineno, hint=_advice(error)) from error
    except _DoubledKey as error:
        # The scanner meets the innermost repetition first; a reader meets the uppermost.
        key, line = doubled_key(text) or (error.key, None)
        raise StrictJsonError(f"the key {key[:80]!a} is there twice", line=line, hint="remove one of them") from None
    except _UnfitNumber as error:
        line = next((line for line, token in json_tokens(text) if token == error.literal), None)
        raise StrictJsonError(error.message, line=line, hint=error.hint) from None
    _check_characters(text)
    return value


def loads_bytes(data: bytes, *, depth: int = DEPTH) -> Any:
    """The value of UTF-8 JSON bytes. Raises StrictJsonError, for a byte order mark too."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise StrictJsonError(f"it is not UTF-8 (byte {error.start})", line=line, hint="save it as UTF-8") from error
    return loads(text, depth=depth)


def _check_depth(text: str, limit: int) -> None:
    """Refuse deep nesting before a recursive parser meets it."""
    if text.count("[") + text.count("{") <= limit:
        return
    now = 0
    for match in _STRUCTURE.finditer(text):
        token = match[0]
        if token in ("[", "{"):
            now += 1
            if now > limit:
                line = text.count("\n", 0, match.start()) + 1
                raise StrictJsonError(f"it is nested deeper than {limit}", line=line, hint="flatten it")
        elif token in ("]", "}"):
            now -= 1


def _check_characters(text: str) -> None:
    """Refuse what UTF-8 or a database cannot hold in the strings of a valid text: lone surrogates and NUL."""
    raw = _UNFIT.search(text)
    if raw is None and not _UNFIT_ESCAPE.search(text):
        return
    for line, token in json_tokens(text):
        if token.startswith('"') and _UNFIT.search(json.loads(token)):
            message = "a text holds NUL or half of a surrogate pair"
            raise StrictJsonError(message, line=line, hint="remove it, or write the whole pair")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _DoubledKey(key)
            seen.add(key)
    return found


def _constant(text: str) -> NoReturn:
    raise _UnfitNumber(text, f"{text} is no JSON number", "write null, or text in quotes")


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise _UnfitNumber(text, f"{_short(text)} is too large a number", "write it as text, in quotes")
    return value


def _int(text: str) -> int:
    # Length first: int() of a huge literal is slow, and refused by Python with words of its own.
    if len(text) > _DIGITS or abs(value := int(text)) > SAFE_INTEGER:
        message = f"{_short(text)} is too large to be kept exactly"
        raise _UnfitNumber(text, message, "write it as text, in quotes")
    return value


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "…"


def _advice(error: json.JSONDecodeError) -> str:
    """What to do about the usual slips, by the character at which the parser stopped."""
    at, before = error.doc[error.pos : error.pos + 1], error.doc[max(error.pos - 200, 0) : error.pos].rstrip()
    after_comma = before.endswith(",") and at in ("]", "}")
    slips = (
        (not error.doc.strip(), "the file is empty"),
        (at == "'", "write text in double quotes"),
        (at in ("/", "#"), "JSON has no comments: remove it"),
        (after_comma, "remove the comma before the bracket"),
        ("control character" in error.msg, r"write line breaks and tabs in text as \n and \t"),
        ("Extra data" in error.msg, "a JSON file holds one value: remove what follows it"),
    )
    return next((advice for fits, advice in slips if fits), f"look at column {error.colno} of that line")
