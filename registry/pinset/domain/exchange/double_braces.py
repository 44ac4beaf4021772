"""Templates for tools that fill in ``{{name}}`` and nothing else: what is told to them, and what they send back.

What exactly a tool fills in is a pattern of its own, whose first group is the name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pinset.domain.exchange import pieces
from pinset.domain.text import templates

if TYPE_CHECKING:
    import re
    from collections.abc import Sequence

_LOGIC: Final = ("{%", "{#")
_JINJA: Final = "it is a Jinja template: fill it in with Jinja, for what fills in {{name}} alone leaves its logic in"
_F_STRING: Final = "it is an f-string whose braces nothing else can say: fill it in with str.format"
_TEXT: Final = "its double braces are text: do not fill it in"


class Styled(NamedTuple):
    """Texts of one prompt, all in one format. differs: a sentence where they are not filled as was meant; '' else."""

    style: str
    texts: list[str]
    differs: str = ""


def told(style: str, texts: Sequence[str], filled: re.Pattern[str]) -> Styled:
    """Templates of one of our formats. What cannot be said in double braces stays as it is, and says so."""
    if style == "mustache":
        return Styled(style, [pieces.plain_mustache(text) for text in texts])
    if style == "text":
        return Styled(style, list(texts), _TEXT if any(map(filled.search, texts)) else "")
    meant = [pieces.of(style, text) for text in texts]
    if style == "jinja2":
        alike = all(pieces.read(filled, text) == one for text, one in zip(texts, meant, strict=True))
        return Styled(style, list(texts), "" if alike else _JINJA)
    found = [pieces.mustache(one) if one is not None else "" for one in meant]
    if not all(pieces.read(filled, text) == one for text, one in zip(found, meant, strict=True)):
        return Styled(style, list(texts), _F_STRING)
    return Styled("mustache" if texts else style, found)


def style_of(texts: Sequence[str], before: str | None = None) -> str:
    """The format in which texts say as they stand what some other tool fills in. before: what they were in here.

    Mustache where all double braces are variables, else Jinja where there is logic; else text, for nothing here fills in
    ``{{user name}}``.
    """
    if before == "jinja2" and not any(templates.parse(before, text).problems for text in texts):
        return before  # what it includes came with it
    if before in ("f-string", "text") and fit(before, texts):
        return before
    if fit("mustache", texts):
        return "mustache"
    if any(sign in text for text in texts for sign in _LOGIC) and fit("jinja2", texts):
        return "jinja2"
    return "text"


def fit(style: str, texts: Sequence[str]) -> bool:
    """Whether texts are templates of a format which include nothing."""
    return not any(parsed.problems or parsed.includes for parsed in (templates.parse(style, text) for text in texts))
