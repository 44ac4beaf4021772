"""Which tools and guardrails a prompt has: lists of names, of which the order is one thing and the members another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pinset.domain.diff.model import Change, Impact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pinset.domain.diff.paths import Kind

ASSIGNED: Final = ("tools", "guardrails")
"""Members of a prompt that are lists of names."""
_WHY: Final[Mapping[str, tuple[str, str, str]]] = {
    "tools": (
        "this prompt's model may call it",
        "this prompt's model cannot call it any more",
        "the model reads its tools in another order",
    ),
    "guardrails": (
        "it watches this prompt, too",
        "UNGUARDED: it no longer watches this prompt",
        "the same guardrails in another order",
    ),
}


def compare_assigned(prompt: str, key: str, old: Any, new: Any) -> Iterator[Change] | None:
    """What a prompt has been given or lost; None where a side is no list of names, which says more than that."""
    before, after = _names(old), _names(new)
    return None if before is None or after is None else _changes(prompt, key, before, after)


def _changes(prompt: str, key: str, before: list[str], after: list[str]) -> Iterator[Change]:
    came, went, order = _WHY[key]
    found = False
    for name in [*before, *(one for one in after if one not in before)]:
        if (name in before) == (name in after):
            continue
        found = True
        kind: Kind = "added" if name in after else "removed"
        sides = (None, name) if kind == "added" else (name, None)
        why = came if kind == "added" else went
        yield Change("prompt", prompt, f"{key}[{name}]", kind, Impact.BEHAVIOUR, why, *sides)
    if not found and before != after:
        yield Change("prompt", prompt, key, "changed", Impact.BEHAVIOUR, order, before, after)


def _names(value: Any) -> list[str] | None:
    return value if isinstance(value, list) and all(isinstance(one, str) for one in value) else None
