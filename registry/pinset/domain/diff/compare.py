"""Comparing two releases part by part, and weighing each difference."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.diff.budget import CHANGES, VALUES, Budget
from pinset.domain.diff.model import Change, Comparison, Impact
from pinset.domain.diff.paths import PathChange, path_diff, same
from pinset.domain.diff.prompts import compare_prompt, whole_prompt
from pinset.domain.diff.schemas import schema_diff
from pinset.domain.diff.words import pending, text_diff

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pinset.domain.costs import CostChange
    from pinset.domain.diff.model import Part, Shared
    from pinset.domain.diff.paths import Kind
    from pinset.domain.diff.schemas import SchemaChange

_ORDER: Final = tuple(Impact)
LONG_TEXT: Final = 60
"""Characters from which an edited text is shown as one, with its words marked, and not as old → new."""

_PLAIN_PARTS: Final[tuple[tuple[str, Part], ...]] = (("models", "model"), ("retrieval", "retrieval"))
_LATER_PARTS: Final[tuple[tuple[str, Part], ...]] = (("guardrails", "guardrail"), ("configs", "config"))
_OWN: Final = frozenset({"prompts", "models", "retrieval", "tools", "guardrails", "configs", "components", "metadata"})
_KINDS: Final[Mapping[str, Part]] = {
    "prompts": "prompt",
    "models": "model",
    "indexes": "retrieval",
    "tools": "tool",
    "guardrails": "guardrail",
    "configs": "config",
}
_WHY: Final[Mapping[str, Mapping[str, str]]] = {
    "model": {
        "id": "another model answers",
        "provider": "another provider answers",
        "name": "another model answers",
        "pinned_version": "another snapshot of the model answers",
        "params": "the model is called with other parameters",
    },
    "retrieval": {
        "index": "other passages are found",
        "embedding_model": "queries are embedded by another model",
        "top_k": "another number of passages",
        "variable": "the passages go to another variable",
    },
}
_WHOLE: Final[Mapping[str, tuple[str, str]]] = {
    "model": ("a new model", "the model is gone"),
    "retrieval": ("passages are added to the prompt", "no passages are added any more"),
    "tool": ("the model may call it, the application must answer", "calls to it have no answer"),
    "guardrail": ("a new guardrail watches", "nothing watches in its place"),
    "config": ("a new config", "the config is gone"),
    "metadata": ("not seen by the model", "not seen by the model"),
}


def compare(
    old_content: Mapping[str, Any],
    new_content: Mapping[str, Any],
    *,
    shared: Sequence[Shared] = (),
    costs: CostChange | None = None,
) -> Comparison:
    """What changes from one release to another.

    Takes the ``content`` of two release documents. Members it does not know are compared as configs, so that
    nothing changes unseen. All of it has one budget: what does not fit is told coarser, never left unsaid.
    shared, costs: what the comparison says beside the changes.
    """
    budget = Budget()
    found = list(_changes(_without_origin(old_content), _without_origin(new_content), budget))
    worst = sorted(range(len(found)), key=lambda n: (_ORDER.index(found[n].impact), n))
    left_out: dict[Impact, int] = {}
    for n in worst[CHANGES:]:
        left_out[found[n].impact] = left_out.get(found[n].impact, 0) + 1
    listed = tuple(_filled([found[n] for n in sorted(worst[:CHANGES])], budget))
    return Comparison(listed, left_out, tuple(shared), costs)


def _filled(changes: list[Change], budget: Budget) -> list[Change]:
    """The changes with their texts compared, and without the values that are too long: the smallest first."""
    sizes = [len(c.pending.old) + len(c.pending.new) if c.pending else 0 for c in changes]
    for n in sorted(range(len(changes)), key=lambda n: (sizes[n], n)):
        texts = changes[n].pending
        if texts is not None:
            changes[n] = replace(changes[n], text=text_diff(texts.old, texts.new, budget, texts.nature), pending=None)
    lengths = [_length((c.old, c.new), VALUES) for c in changes]
    for n in sorted(range(len(changes)), key=lambda n: (lengths[n], n)):
        if not budget.show_values(lengths[n]):
            changes[n] = replace(changes[n], old=None, new=None, abridged=True)
    return changes


def _length(thing: Any, most: int) -> int:
    """Characters of a value as JSON, counted until they are more than ``most``."""
    total, stack = 0, [thing]
    while stack and total <= most:
        thing = stack.pop()
        if isinstance(thing, str):
            total += len(thing) if len(thing) > most else len(json.dumps(thing, ensure_ascii=False))
        elif isinstance(thing, dict):
            total += 6 * len(thing)
            stack += [*thing.keys(), *thing.values()]
        elif isinstance(thing, list | tuple):
            total += 2 * len(thing)
            stack += thing
        else:
            total += len(json.dumps(thing, default=str))
    return total


def _without_origin(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content without which component a model comes from: that is listed with the components."""
    models = {name: _bare(model) for name, model in _dict(content.get("models")).items()}
    return {**content, "models": models} if "models" in content else dict(content)


def _bare(part: Any) -> Any:
    return {key: value for key, value in part.items() if key != "component"} if isinstance(part, dict) else part


def _changes(old: Mapping[str, Any], new: Mapping[str, Any], budget: Budget) -> Iterator[Change]:
    moved = list(_components(_dict(old.get("components")), _dict(new.get("components"))))
    yield from _prompts(_dict(old.get("prompts")), _dict(new.get("prompts")), budget)
    yield from (c for c in moved if c.component == "prompt")
    for key, part in _PLAIN_PARTS:
        yield from _parts(part, _dict(old.get(key)), _dict(new.get(key)), budget)
        yield from (c for c in moved if c.component == part)
    yield from _tools(_dict(old.get("tools")), _dict(new.get("tools")), budget)
    yield from (c for c in moved if c.component == "tool")
    for key, part in _LATER_PARTS:
        yield from _parts(part, _dict(old.get(key)), _dict(new.get(key)), budget)
        yield from (c for c in moved if c.component == part)
    others = sorted((old.keys() | new.keys()) - _OWN)
    yield from _parts(
        "config", {k: old[k] for k in others if k in old}, {k: new[k] for k in others if k in new}, budget
    )
    for c in path_diff(_dict(old.get("metadata")), _dict(new.get("metadata")), "", budget):
        yield _change("metadata", "", c, Impact.COSMETIC, "not seen by the model")


def _prompts(old: dict[str, Any], new: dict[str, Any], budget: Budget) -> Iterator[Change]:
    for name in _names(old, new):
        before, after = old.get(name), new.get(name)
        if isinstance(before, dict) and isinstance(after, dict):
            yield from compare_prompt(name, before, after, budget)
        else:
            yield whole_prompt(
                name,
                before if isinstance(before, dict) else None,
                after if isinstance(after, dict) else None,
            )


def _parts(part: Part, old: dict[str, Any], new: dict[str, Any], budget: Budget) -> Iterator[Change]:
    """Models, retrieval, guardrails, configs: values without a contract towards the application."""
    for name in _names(old, new):
        if name not in old or name not in new:
            yield _whole(part, name, old.get(name), new.get(name), added=name in new)
            continue
        for c in path_diff(old[name], new[name], "", budget):
            reason = _reason(part, c.path)
            yield _change(part, name, c, Impact.BEHAVIOUR, reason)


def _tools(old: dict[str, Any], new: dict[str, Any], budget: Budget) -> Iterator[Change]:
    for name in _names(old, new):
        if name not in old or name not in new:
            yield _whole("tool", name, old.get(name), new.get(name), added=name in new)
            continue
        before, after = _dict(old[name]), _dict(new[name])
        for s in schema_diff(before.get("parameters"), after.get("parameters"), "parameters", "parameters", budget):
            yield _change("tool", name, s, s.impact, s.reason)
        for c in path_diff(_without_parameters(before), _without_parameters(after), "", budget):
            renamed = c.path == "name"
            impact = Impact.BREAKING if renamed else Impact.BEHAVIOUR
            reason = "calls come under another name" if renamed else "the model reads it"
            yield _change("tool", name, c, impact, reason)


def _components(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    """Which shared component moved on. What that changes is listed with the part itself."""
    for key in _names(old, new):
        kind, _, name = key.partition("/")
        before, after = _pin(old.get(key)), _pin(new.get(key))
        if same(before, after):
            continue
        state: Kind = "changed" if key in old and key in new else "added" if key in new else "removed"
        reason = "a shared component; what it changes is listed by itself"
        part = _KINDS.get(kind, "config")
        yield Change(part, name or key, "component", state, Impact.COSMETIC, reason, before, after)


def _pin(component: Any) -> Any:
    """The version of a shared component, or its digest where that is all there is."""
    if not isinstance(component, dict):
        return component
    version = component.get("version")
    return f"v{version}" if isinstance(version, int) else version or component.get("digest")


def _whole(part: Part, name: str, old: Any, new: Any, *, added: bool) -> Change:
    reason = _WHOLE[part][0 if added else 1]
    impact = Impact.BREAKING if part == "tool" and not added else Impact.BEHAVIOUR
    kind: Kind = "added" if added else "removed"
    return _change(part, name, PathChange("", kind, old, new), impact, reason)


def _change(part: Part, name: str, found: PathChange | SchemaChange, impact: Impact, reason: str) -> Change:
    old, new = found.old, found.new
    texts = pending(old, new) if _is_text(old) and _is_text(new) and _long(old, new) else None
    return Change(part, name, found.path, found.kind, impact, reason, old, new, pending=texts)


def _reason(part: Part, path: str) -> str:
    """Why a plain part matters, by the first word of the path."""
    if part == "retrieval" and path == "index.dimensions":
        return "vectors of another size"
    head = re.split(r"[.\[]", path, maxsplit=1)[0]
    default = "the guardrail works otherwise" if part == "guardrail" else f"part of the {part}"
    return _WHY.get(part, {}).get(head, default)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _long(old: str, new: str) -> bool:
    return max(len(old), len(new)) >= LONG_TEXT or "\n" in old or "\n" in new


def _without_parameters(tool: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in tool.items() if k != "parameters"}


def _names(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """All names, ``default`` first, then in order of the alphabet."""
    return sorted(old.keys() | new.keys(), key=lambda n: (n != "default", n))


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
