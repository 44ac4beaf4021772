"""Hostile text made visible, and text fitted to a terminal's width. Every rendering goes through here."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any, Final

# Controls (Cc), formats such as bidi marks, zero-width and tag characters (Cf), surrogates, private use, unassigned,
# line and paragraph separators.
_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Letters, marks and signs that have no shape of their own: fillers, joiners, blank Braille, variation selectors.
_SHAPELESS: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
# Letters that look like Latin ones in most fonts, and those.
_TWINS: Final = str.maketrans(
    "\u0430\u0441\u0435\u043e\u0440\u0445\u0443\u0456\u0458\u0455\u0501\u04bb\u051b\u051d\u0410\u0412\u0415\u041a"
    "\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0423\u0406\u0408\u0405\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c"
    "\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf\u03bd\u03c1\u03f2",
    "aceopxyijsdhqwABEKMHOPCTXYIJSABEZHIKMNOPTYXovpc",
)
_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_LATIN: Final = re.compile("[A-Za-z]")
COARSE: Final = "a block is too large to mark single words"
"""What is said where a difference is coarse."""
LONG: Final = "too long to be shown here"
"""What is said for a value that is abridged."""
_SHORT_LIST: Final = 60
_KNOWN: Final = 20_000
"""Characters whose shown form is kept at hand."""


class _Shown(dict[int, str]):
    """How each character is shown, by its number; ``str.translate`` asks."""

    def __missing__(self, number: int) -> str:
        shown = _shown(chr(number))
        if len(self) < _KNOWN:
            self[number] = shown
        return shown


_TABLE: Final = _Shown()


def visible(text: str) -> str:
    r"""The text with everything that cannot be seen as ``\u{202E}``; a backslash that fakes this is shown so itself."""
    if "\\u{" in text:
        text = text.replace("\\u{", code_point("\\") + "u{")
    return text if text.isascii() and text.isprintable() else text.translate(_TABLE)


def skeleton(text: str) -> str:
    """The text with letters that look like Latin ones as those: texts that look alike have one skeleton."""
    return text if text.isascii() else text.translate(_TWINS)


def mixed_words(text: str) -> list[str]:
    """The words in which Latin letters stand beside letters of other scripts that look like Latin ones."""
    if text.isascii() or skeleton(text) == text:
        return []
    return [word for word in _WORD.findall(text) if _LATIN.search(word) and skeleton(word) != word]


def telling(text: str) -> str:
    r"""The text visible, and in words that mix scripts the letters that only look Latin as ``\u{0430}`` too."""
    mixed = dict.fromkeys(mixed_words(text))
    shown = visible(text)
    for word in mixed:
        shown = shown.replace(word, "".join(c if skeleton(c) == c else code_point(c) for c in word))
    return shown


def ending(text: str) -> str:
    r"""Visible text with a blank at its very end as ``\u{0020}``: there it could not be seen."""
    return text[:-1] + code_point(" ") if text.endswith(" ") else text


def outline(thing: Any) -> list[str]:
    """A JSON value over several lines, visible: members indented, texts line by line, nothing cut."""
    if isinstance(thing, str):
        return [visible(line) for line in thing.split("\n")]
    if isinstance(thing, dict) and thing:
        return [line for key in sorted(thing, key=str) for line in _member(f"{value(str(key))}:", thing[key])]
    if isinstance(thing, list) and thing:
        return [line for item in thing for line in _member("-", item)]
    return [value(thing)]


def code_point(char: str) -> str:
    r"""The character as ``\u{XXXX}``."""
    return f"\\u{{{ord(char):04X}}}"


def value(thing: Any) -> str:
    """A JSON value on one line, visible. Texts stand without quotes where they can be nothing else."""
    if isinstance(thing, str) and thing and thing == thing.strip() and not _needs_quotes(thing):
        return visible(thing)
    return visible(json.dumps(thing, ensure_ascii=False, sort_keys=True, default=str))


def cut(text: str, limit: int) -> str:
    """The text, with … for what does not fit."""
    if width(text) <= limit:
        return text
    taken, used = [], 0
    for char in text:
        used += _columns(char)
        if used > max(limit, 1) - 1:
            break
        taken.append(char)
    return "".join(taken) + "…"


def width(text: str) -> int:
    """Columns that visible text takes in a terminal."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def pad(text: str, columns: int) -> str:
    """The text with spaces up to a column."""
    return text + " " * (columns - width(text))


def _member(head: str, thing: Any) -> list[str]:
    plain = not isinstance(thing, dict | list) or not thing
    short = isinstance(thing, list) and not any(isinstance(x, dict | list) for x in thing)
    if isinstance(thing, str) and "\n" in thing:
        head, plain = f"{head} |", False
    if plain or (short and len(value(thing)) <= _SHORT_LIST):
        return [f"{head} {value(thing)}"]
    if head == "-":  # a member of a list: its first line stands beside the sign
        first, *rest = outline(thing)
        return [f"- {first}", *(f"  {line}" for line in rest)]
    return [head, *(f"  {line}" for line in outline(thing))]


def _shown(char: str) -> str:
    if char == " ":
        return char
    if _SHAPELESS.match(char) or unicodedata.category(char) in _HIDDEN_CATEGORIES:
        return code_point(char)
    if unicodedata.category(char) == "Zs":
        return code_point(char)
    return char


def _columns(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _needs_quotes(text: str) -> bool:
    """Whether a string has lines, or would be taken for another JSON value without its quotes."""
    return (
        "\n" in text
        or text in {"true", "false", "null"}
        or re.fullmatch(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?|[\[{\"].*", text) is not None
    )


def became(abridged: tuple[int, int]) -> str:
    """What a stretch of lines that is not shown says instead."""
    old, new = (f"{count} line{'' if count == 1 else 's'}" for count in abridged)
    return f"{old} became {new}, too many to be shown here"
