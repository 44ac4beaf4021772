"""References: text that names a release or a shared component.

A reference is a name and a selector, ``support-summarizer@production``. Exactly one kind of selector fits any
text, so nobody has to know what exists to read one: ``v7`` is a version, ``2025-03-14`` a label, ``staging`` an
alias, ``sha256:…`` a digest, ``latest`` the newest release that is not yanked.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pinset.domain import names
from pinset.errors import InvalidReference

WORKING_COPY: Final = ("./", "../", "/", "~/")


class SelectorKind(StrEnum):
    """What a selector selects by."""

    VERSION = "version"
    LABEL = "label"
    ALIAS = "alias"
    DIGEST = "digest"
    LATEST = "latest"


@dataclass(frozen=True, slots=True)
class Selector:
    """One selector, already told apart. ``text`` is as written, labels keep their case."""

    kind: SelectorKind
    text: str

    @property
    def version(self) -> int:
        """The number of a version selector; ValueError for the other kinds."""
        if self.kind is not SelectorKind.VERSION:
            raise ValueError(f"{self.text} is no version")
        return int(self.text[1:])

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Reference:
    """A bundle and which of its releases."""

    bundle: str
    selector: Selector

    @property
    def fixed(self) -> bool:
        """Whether it always names the same release."""
        return self.selector.kind not in (SelectorKind.ALIAS, SelectorKind.LATEST)

    def __str__(self) -> str:
        return f"{self.bundle}@{self.selector}"


@dataclass(frozen=True, slots=True)
class ComponentReference:
    """A shared component and which of its versions (a version, a label or a digest)."""

    kind: str
    name: str
    selector: Selector

    @property
    def key(self) -> str:
        """The component without its selector: ``prompts/summarizer``."""
        return f"{self.kind}/{self.name}"

    def __str__(self) -> str:
        return f"{self.key}@{self.selector}"


def parse_selector(text: str) -> Selector:
    """The selector a text is. Raises InvalidReference with what selectors look like."""
    if names.is_version(text):
        return Selector(SelectorKind.VERSION, text)
    if text == "latest":
        return Selector(SelectorKind.LATEST, text)
    if names.is_digest(text):
        return Selector(SelectorKind.DIGEST, text)
    if names.is_label(text):
        return Selector(SelectorKind.LABEL, text)
    if names.is_alias(text):
        return Selector(SelectorKind.ALIAS, text)
    raise InvalidReference(
        f"{names.show(text)} selects no release",
        hint="a selector is a version (v7), a label (2025-03-14), an alias (production), a digest (sha256:…) or latest",
    )


def parse(text: str, *, default: str | None = names.DEFAULT_ALIAS) -> Reference:
    """The release reference a text is.

    default: the selector of a text without one; None where the caller's verb changes something and so wants one
    said. Raises InvalidReference or InvalidName.
    """
    name, at, selector = text.partition("@")
    bundle = names.bundle_name(name)
    if at:
        return Reference(bundle, parse_selector(selector))
    if default is None:
        raise InvalidReference(
            f"{names.show(text)} does not say which release",
            hint=f"add a selector: {bundle}@v1, {bundle}@staging, {bundle}@2025-03-14",
        )
    return Reference(bundle, parse_selector(default))


def parse_component(text: str, *, kind: str | None = None) -> ComponentReference:
    """The component reference a text is: ``kind/name@selector``.

    kind: the kind where the place in the manifest makes it plain; then it may be left out, and another one is
    refused. Raises InvalidReference or InvalidName.
    """
    path, at, selector_text = text.partition("@")
    given, slash, name = path.rpartition("/")
    if slash:
        names.component_kind(given)
        if kind is not None and given != kind:
            raise InvalidReference(
                f"{names.show(text)} is one of {given}, and this place takes {kind}",
                hint=f"name it under {given}, or name one of {kind} here: {kind}/NAME@v1",
            )
    elif kind is None:
        raise InvalidReference(
            f"{names.show(text)} does not say its kind", hint=f"write prompts/{name}@v1, tools/{name}@v1, …"
        )
    found = given if slash else str(kind)
    names.component_name(name)
    if not at:
        raise InvalidReference(f"{names.show(text)} does not say which version", hint=f"pin one: {found}/{name}@v1")
    selector = parse_selector(selector_text)
    if selector.kind in (SelectorKind.ALIAS, SelectorKind.LATEST):
        raise InvalidReference(
            f"{names.show(text)} is not pinned: {selector} moves, and a release may not change with it",
            hint=f"name a version or a label: {found}/{name}@v1 (`pinset component show {found}/{name}` lists them)",
        )
    return ComponentReference(found, name, selector)


def is_working_copy(text: str) -> bool:
    """Whether the text names a directory instead of a release: ``.``, ``./dir``, ``../dir``, ``/dir``, ``~/dir``."""
    return text in (".", "..", "~") or text.startswith(WORKING_COPY)


def is_component(text: str) -> bool:
    """Whether the text names a shared component: ``kind/name`` with one of our kinds."""
    kind, slash, _ = text.partition("/")
    return bool(slash) and kind in names.KINDS


def comparable(text: str) -> str:
    """One side of a comparison as it is asked for: a release's reference, or a component's, which the registry reads.

    Raises InvalidReference or InvalidName.
    """
    return text if is_component(text) else str(parse(text, default=None))
