"""Checks of pins: a model that can change under a release makes the release a rumour."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pinset.domain import names
from pinset.domain.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.domain.manifest.draft import Draft

_WORDS: Final = re.compile(r"[^A-Za-z0-9*^~<>]+")
_FLOATING: Final = frozenset({"latest", "newest", "current", "stable", "auto", "default", "*"})
_RANGE: Final = re.compile(r"[\^~<>*]|\.x\b")
_SNAPSHOT: Final = re.compile(r"(?:19|20)\d{2}-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])|[-@:]\d{3,4}$")


def check_models(draft: Draft) -> Iterator[Finding]:
    """Models of the release's own; a shared one was judged when it was published."""
    for name, part in draft.parts.get("models", {}).items():
        if "component" not in part:
            yield from _check_pin(draft, name, part)


def _check_pin(draft: Draft, name: str, part: dict[str, Any]) -> Iterator[Finding]:
    line = draft.lines.get(("models", name))
    pin: str = part.get("pinned_version") or ""
    called: list[str] = [text for text in (part.get("id"), part.get("name")) if text]
    for text in [*called, *([pin] if pin else [])]:
        floating = _FLOATING & {word.lower() for word in _WORDS.split(text)}
        if (floating and text is not pin and "latest" in floating) or (
            text is pin and (floating or _RANGE.search(text))
        ):
            message = f"the model {name} is pinned to {names.show(text)}, which moves"
            hint = "name a dated snapshot; if there is none: --allow model-floating -m TEXT"
            yield Finding("model-floating", message, hint, draft.at, line)
            return
    if not pin and not any(_SNAPSHOT.search(text) for text in called):
        message = f"the model {name} has no pin: its provider can change it under this release"
        hint = 'add pinned_version: "2025-02-01"; if the provider has none: --allow model-unpinned -m TEXT'
        yield Finding("model-unpinned", message, hint, draft.at, line)
