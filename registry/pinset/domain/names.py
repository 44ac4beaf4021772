"""The allow-list of names: bundles, components, aliases, labels, digests and paths.

Everything a user names is checked here, once, before it becomes part of a git ref, a URL or a file path. The
patterns are those of the contracts page; whoever holds a name that passed may use it without looking again.
"""

from __future__ import annotations

import re
from typing import Final

from pinset.errors import InvalidName

KINDS: Final = ("prompts", "indexes", "tools", "guardrails", "models", "configs")
RESERVED_ALIASES: Final = frozenset({"latest", "none", "declared"})
DEFAULT_ALIAS: Final = "production"
HIGHEST_VERSION: Final = 999_999_999
NAME_LIMIT: Final = 64
"""Characters in a bundle's or component's name."""
PATH_LIMIT: Final = 512
"""Characters in a file's path inside a release."""

_SEGMENT = r"[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?"
_NAME = re.compile(rf"{_SEGMENT}(?:\.{_SEGMENT})*", re.ASCII)
_ALIAS = re.compile(r"[a-z][a-z0-9._-]{0,62}", re.ASCII)
_LABEL = re.compile(r"v?[0-9][A-Za-z0-9._+-]{0,63}", re.ASCII)
_VERSION = re.compile(r"v[1-9][0-9]{0,8}", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{8,64}", re.ASCII)
_PATH_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*", re.ASCII)
_CHANGE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_PART = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?", re.ASCII)


def show(text: object, limit: int = 80) -> str:
    """Text as it may stand in a message: quoted, control and non-ASCII characters as code points, shortened."""
    plain = str(text)
    short = plain if len(plain) <= limit else plain[:limit] + "…"
    return (
        "'"
        + "".join(
            c if c.isprintable() and (c.isascii() or c.isalnum() or c == "…") else f"\\u{{{ord(c):04X}}}" for c in short
        )
        + "'"
    )


def is_version(text: str) -> bool:
    """Whether the text is a release's or component's number, such as ``v7``."""
    return _VERSION.fullmatch(text) is not None


def is_label(text: str) -> bool:
    """Whether the text can be a label. Versions are not labels."""
    return _LABEL.fullmatch(text) is not None and not is_version(text) and _fits_git(text)


def is_alias(text: str) -> bool:
    """Whether the text can be an alias: lower case, not version-like, not reserved, a legal git ref segment."""
    return (
        _ALIAS.fullmatch(text) is not None
        and re.match(r"v[0-9]", text) is None
        and text not in RESERVED_ALIASES
        and _fits_git(text)
    )


def is_digest(text: str, *, whole: bool = False) -> bool:
    """Whether the text is a digest; ``whole`` refuses the shortened form that is for people."""
    return _DIGEST.fullmatch(text) is not None and (not whole or len(text) == len("sha256:") + 64)


def is_identifier(text: str) -> bool:
    """Whether the text can be a template variable."""
    return _IDENTIFIER.fullmatch(text) is not None


def is_bundle_name(text: str) -> bool:
    """Whether a text can name a bundle."""
    try:
        bundle_name(text)
    except InvalidName:
        return False
    return True


def is_part_name(text: str) -> bool:
    """Whether the text can name a prompt, model, tool, guardrail or config inside one release."""
    return len(text) <= NAME_LIMIT and _PART.fullmatch(text) is not None


def bundle_name(text: str) -> str:
    """The text, if it is a legal bundle name. Raises InvalidName."""
    return _dotted(text, "bundle")


def component_name(text: str) -> str:
    """The text, if it is a legal name of a shared component. Raises InvalidName."""
    return _dotted(text, "component")


def component_kind(text: str) -> str:
    """The text, if it is one of the kinds. Raises InvalidName naming them all."""
    if text not in KINDS:
        singular = text + "es" if text == "index" else text + "s"
        hint = f"write {singular}" if singular in KINDS else "the kinds are " + ", ".join(KINDS)
        raise InvalidName(f"{show(text)} is no kind of component", hint=hint)
    return text


def alias_name(text: str) -> str:
    """The text, if it is a legal alias. Raises InvalidName."""
    if is_alias(text):
        return text
    if is_version(text) or is_label(text) or re.match(r"v[0-9]", text):
        why = "it would be read as a version or a label"
    elif text in RESERVED_ALIASES:
        why = "the word is reserved"
    else:
        why = "aliases are lower-case letters, digits and . _ - (at most 63, beginning with a letter, no '..', no '.lock')"
    raise InvalidName(f"{show(text)} cannot be an alias: {why}", hint="choose a name such as staging or production")


def label_name(text: str) -> str:
    """The text, if it is a legal label. Raises InvalidName."""
    if is_label(text):
        return text
    if is_version(text):
        raise InvalidName(
            f"{show(text)} cannot be a label: it is a version number, and those are counted by the registry",
            hint="choose a label such as 2025-03-14 or 1.4.0",
        )
    raise InvalidName(
        f"{show(text)} cannot be a label: labels begin with a digit (or v and a digit) and hold letters, digits and . _ + - (at most 64)",
        hint="choose a label such as 2025-03-14-rc2 or 1.4.0",
    )


def change_id(text: str) -> str:
    """The text, if it can be what several writes that belong together are called. Raises InvalidName."""
    if _CHANGE.fullmatch(text):
        return text
    raise InvalidName(
        f"{show(text)} cannot name a change",
        hint="use lower-case letters, digits and . _ - (at most 64, beginning with a letter or digit): ml-812",
    )


def file_path(text: str) -> str:
    """The text, if it is a legal path inside a release: relative, forward slashes, plain segments.

    Raises InvalidName for anything else: absolute paths, ``..``, hidden files, spaces, other separators.
    """
    if len(text) <= PATH_LIMIT and all(_PATH_SEGMENT.fullmatch(s) and _fits_git(s) for s in text.split("/")):
        return text
    raise InvalidName(
        f"{show(text)} cannot be a file's path in a release",
        hint="use relative paths of letters, digits and . _ - with forward slashes, no segment beginning with a dot",
    )


def _dotted(text: str, what: str) -> str:
    if len(text) <= NAME_LIMIT and _NAME.fullmatch(text) and _fits_git(text):
        return text
    folded, (alone, at, _) = text.lower(), text.partition("@")
    if at and _NAME.fullmatch(alone):
        hint = f"the name alone is wanted here: {alone}"
    elif folded != text and len(text) <= NAME_LIMIT and _NAME.fullmatch(folded) and text.isascii():
        hint = f"names are lower-case: write {folded}"
    else:
        hint = "use lower-case letters, digits, _ and -, grouped by dots, at most 64 characters: payments.support-bot"
    raise InvalidName(f"{show(text)} cannot be the name of a {what}", hint=hint)


def _fits_git(text: str) -> bool:
    """Whether git takes the text as one segment of a ref or tree; the patterns above allow only these misfits."""
    return ".." not in text and not text.endswith((".", ".lock"))
