"""YAML as every reader takes it alike: block style, text in double quotes wherever it could be taken for something else."""

from __future__ import annotations

import json
import re
from typing import Any, Final

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*")
_WORDS: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
"""What YAML 1.1 or 1.2 takes for something else than text."""
_UNFIT: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def written(value: Any) -> str:
    """A value of JSON as YAML, with a newline at the end."""
    return "\n".join(_lines(value)) + "\n"


def _lines(value: Any) -> list[str]:
    if isinstance(value, dict) and value:
        found: list[str] = []
        for key, inner in value.items():
            if isinstance(inner, dict | list) and inner:
                found += [f"{_scalar(key)}:", *(f"  {line}" for line in _lines(inner))]
            else:
                found.append(f"{_scalar(key)}: {_scalar(inner)}")
        return found
    if isinstance(value, list) and value:
        return [f"{'  ' if at else '- '}{line}" for inner in value for at, line in enumerate(_lines(inner))]
    return [_scalar(value)]


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
            return value
        quoted = json.dumps(value, ensure_ascii=False)
        return _UNFIT.sub(lambda match: f"\\u{ord(match[0]):04X}", quoted)
    if isinstance(value, float):
        text = repr(value)
        return text.replace("e", ".0e") if "e" in text and "." not in text else text
    return json.dumps(value)
