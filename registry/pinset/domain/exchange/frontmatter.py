"""Files that begin with YAML between two lines of dashes: split, and the YAML read strictly."""

from __future__ import annotations

import re
from typing import Any, Final

from pinset.domain.exchange.yaml_text import written
from pinset.domain.text import strict_yaml
from pinset.errors import InvalidInput

_HEAD: Final = re.compile(r"(?:(?:#[^\n]*|[ \t]*)\n)*---[ \t]*\r?\n")
"""Blank lines and a licence in comments may stand before the first dashes."""
_END: Final = re.compile(r"^---[ \t]*(?:\r?\n|\Z)", re.MULTILINE)


def split(text: str, what: str) -> tuple[dict[str, Any], str | None]:
    """The front matter and the body after it; the body is None where the text has no front matter.

    what: what an error calls the file. Raises InvalidInput.
    """
    text = text.removeprefix("\ufeff")
    head = _HEAD.match(text)
    end = _END.search(text, head.end()) if head else None
    if head is None or end is None:
        return {}, None
    return _read(text[head.end() : end.start()], what, text.count("\n", 0, head.end())), text[end.end() :]


def joined(front: dict[str, Any], body: str) -> str:
    """The inverse: a file of front matter and body."""
    return f"---\n{written(front) if front else ''}---\n{body}"


def mapping(value: Any, where: str) -> dict[str, Any]:
    """The value, if it is a mapping or missing. Raises InvalidInput."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    raise InvalidInput(f"{where} is no mapping", hint="write its keys, one a line: key: value")


def _read(text: str, what: str, before: int) -> dict[str, Any]:
    if not re.search(r"^[ \t]*[^\s#]", text, re.MULTILINE):
        return {}
    try:
        value = strict_yaml.load_yaml(text).value
    except strict_yaml.StrictYamlError as error:
        at = f", line {error.line + before}" if error.line else ""
        raise InvalidInput(f"the front matter of {what}{at}: {error.message}", hint=error.hint) from error
    return mapping(value, f"the front matter of {what}")
