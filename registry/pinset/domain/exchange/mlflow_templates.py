"""MLflow's templates: every ``{{ name }}`` is filled, and all other braces are text.

There nothing can be escaped, nothing is included, a name may have dots, and three braces are a brace around a variable.
What has blocks of Jinja is Jinja, to its newer clients. Each text has a form here that says the same.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pinset.domain.exchange import double_braces, pieces
from pinset.domain.exchange.double_braces import Styled, fit

if TYPE_CHECKING:
    from collections.abc import Sequence

FILLED: Final = re.compile(r"\{\{\s*+([a-zA-Z_][a-zA-Z0-9_]*+(?:\.[a-zA-Z_][a-zA-Z0-9_]*+)*+)\s*+\}\}")
"""What MLflow fills in."""
_UNPLAIN: Final = re.compile(r"\{\{\{|\{\{&")
"""What means something else in mustache."""


def told(style: str, texts: Sequence[str]) -> Styled:
    """Templates of ours as MLflow fills them: see `double_braces.told`."""
    return double_braces.told(style, texts, FILLED)


def taken(texts: Sequence[str], before: str | None = None) -> Styled:
    """Texts of MLflow's in a format of ours. before: the one of what they follow; it stays where that says the same.

    Mustache where that says the same, Jinja for what has its blocks, else f-string, in which every brace can be said.
    """
    jinja = any("{%" in text and "%}" in text for text in texts)  # as MLflow tells it
    if (jinja or before == "jinja2") and fit("jinja2", texts):
        return Styled("jinja2", list(texts))
    names = {name for text in texts for name in FILLED.findall(text)}
    if before == "text" and not names and fit("text", texts):
        return Styled("text", list(texts))
    if not any(map(_UNPLAIN.search, texts)) and fit("mustache", texts):
        return Styled("mustache", list(texts))
    differs = "it looks like Jinja and does not parse as that: its blocks are text here" if jinja else ""
    dotted = ", ".join(sorted(name for name in names if "." in name))
    if not dotted:
        return Styled("f-string", [pieces.f_string(pieces.read(FILLED, text)) for text in texts], differs)
    if fit("jinja2", texts):
        return Styled("jinja2", list(texts), f"it is Jinja here, where {dotted} is a value inside another one")
    return Styled(
        "text",
        [text.replace("{{>", "{{ >") for text in texts],
        f"names with dots ({dotted}) are none here, so it is text, which MLflow's clients alone fill in",
    )
