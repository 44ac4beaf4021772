"""Comparing two releases part by part, and weighing each difference."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.diff.budget import CHANGES, VALUES, Budget
from pinset.domain.diff.files import Files, compare_files
from pinset.domain.diff.guardrails import compare_guardrail, whole_guardrail
from pinset.domain.diff.model import Change, Comparison, Impact
from pinset.domain.diff.models import compare_model
from pinset.domain.diff.paths import path_diff, same
from pinset.domain.diff.prompts import compare_prompt, whole_prompt
from pinset.domain.diff.retrieval import compare_retrieval
from pinset.domain.diff.tools import compare_tools
from pinset.domain.diff.weighed import Weight, behaviour, change, mapping, ordered, whole
from pinset.domain.diff.words import text_diff

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pinset.domain.costs import CostChange
    from pinset.domain.diff.model import Part, Shared
    from pinset.domain.diff.paths import Kind

_ORDER: Final = tuple(Impact)
_OWN: Final = frozenset({"prompts", "models", "retrieval", "tools", "guardrails", "configs", "components", "metadata"})
_KINDS: Final[Mapping[str, Part]] = {
    "prompts": "prompt",
    "models": "model",
    "indexes": "retrieval",
    "tools": "tool",
    "guardrails": "guardrail",
    "configs": "config",
}
_MODEL = (behaviour("a new model"), behaviour("the model is gone"))
_RETRIEVAL = (behaviour("passages are added to the prompt"), behaviour("no passages are added any more"))
_CONFIG = (behaviour("a new config"), behaviour("the config is gone"))
_UNSEEN = Weight(Impact.COSMETIC, "not seen by the model")


def compare(
    old_content: Mapping[str, Any],
    new_content: Mapping[str, Any],
    *,
    shared: Sequence[Shared] = (),
    costs: CostChange | None = None,
    files: tuple[Files, Files] = (Files(), Files()),
) -> Comparison:
    """What changes from one release to another.

    Takes the ``content`` of two release documents. Members it does not know are compared as configs, so that
    nothing changes unseen. All of it has one budget: what does not fit is told coarser, never left unsaid.
    shared, costs: what the comparison says beside the changes. files: what both are published with, where that is
    known; what of it the contents do not show is told too.
    """
    budget = Budget()
    found = list(_changes(_without_origin(old_content), _without_origin(new_content), budget))
    found += compare_files(*files, alone=not found)
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
    """The content without which components its parts come from: that is listed with the components."""
    shared = mapping(content.get("components"))
    models = {name: _bare(model, {"component"}) for name, model in mapping(content.get("models")).items()}
    guards = {
        name: _bare(one, {"name", "version", "digest"}) if f"guardrails/{_name(one)}" in shared else one
        for name, one in mapping(content.get("guardrails")).items()
    }
    own = {"models": models, "guardrails": guards}
    return {**content, **{key: own[key] for key in own if key in content}}


def _name(part: Any) -> Any:
    return mapping(part).get("name")


def _bare(part: Any, keys: set[str]) -> Any:
    return {key: value for key, value in part.items() if key not in keys} if isinstance(part, dict) else part


def _changes(old: Mapping[str, Any], new: Mapping[str, Any], budget: Budget) -> Iterator[Change]:
    moved = list(_components(mapping(old.get("components")), mapping(new.get("components"))))
    for part, found in _by_part(old, new, budget):
        yield from found
        yield from (c for c in moved if c.component == part)
    others = sorted((old.keys() | new.keys()) - _OWN)
    sides = [{key: side[key] for key in others if key in side} for side in (old, new)]
    yield from _configs(sides[0], sides[1], budget)
    for one in path_diff(mapping(old.get("metadata")), mapping(new.get("metadata")), "", budget):
        yield change("metadata", "", one, _UNSEEN)


def _by_part(old: Mapping[str, Any], new: Mapping[str, Any], budget: Budget) -> Iterator[tuple[Part, Iterator[Change]]]:
    """The kinds of parts in the order of reading."""

    def sides(key: str) -> tuple[dict[str, Any], dict[str, Any]]:
        return mapping(old.get(key)), mapping(new.get(key))

    yield "prompt", _prompts(*sides("prompts"), budget)
    yield "model", _parts("model", sides("models"), _MODEL, compare_model, budget)
    yield "retrieval", _parts("retrieval", sides("retrieval"), _RETRIEVAL, compare_retrieval, budget)
    yield "tool", compare_tools(*sides("tools"), budget)
    yield "guardrail", _guardrails(*sides("guardrails"), budget)
    yield "config", _configs(*sides("configs"), budget)


def _prompts(old: dict[str, Any], new: dict[str, Any], budget: Budget) -> Iterator[Change]:
    for name in ordered(old, new):
        before, after = old.get(name), new.get(name)
        if isinstance(before, dict) and isinstance(after, dict):
            yield from compare_prompt(name, before, after, budget)
        else:
            yield whole_prompt(
                name,
                before if isinstance(before, dict) else None,
                after if isinstance(after, dict) else None,
            )


def _parts(
    part: Part,
    sides: tuple[dict[str, Any], dict[str, Any]],
    weights: tuple[Weight, Weight],
    compared: Callable[[str, Any, Any, Budget], Iterator[Change]],
    budget: Budget,
) -> Iterator[Change]:
    """Parts by name. weights: of one that came, and of one that went."""
    old, new = sides
    for name in ordered(old, new):
        if name in old and name in new:
            yield from compared(name, old[name], new[name], budget)
        else:
            yield whole(part, name, old.get(name), new.get(name), weights[name in old], gone=name in old)


def _guardrails(old: dict[str, Any], new: dict[str, Any], budget: Budget) -> Iterator[Change]:
    for name in ordered(old, new):
        if name in old and name in new:
            yield from compare_guardrail(name, old[name], new[name], budget)
        else:
            yield whole_guardrail(name, old.get(name), new.get(name))


def _configs(old: dict[str, Any], new: dict[str, Any], budget: Budget) -> Iterator[Change]:
    return _parts("config", (old, new), _CONFIG, _config, budget)


def _config(name: str, old: Any, new: Any, budget: Budget) -> Iterator[Change]:
    for one in path_diff(old, new, "", budget):
        yield change("config", name, one, behaviour("part of the config"))


def _components(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    """Which shared component moved on. What that changes is listed with the part itself."""
    for key in ordered(old, new):
        before, after = _pin(old.get(key)), _pin(new.get(key))
        if same(before, after):
            continue
        kind, _, name = key.partition("/")
        state: Kind = "changed" if key in old and key in new else "added" if key in new else "removed"
        reason = "a shared component; what that changes is listed part by part"
        part = _KINDS.get(kind, "config")
        yield Change(part, name or key, "component", state, Impact.COSMETIC, reason, before, after)


def _pin(component: Any) -> Any:
    """The version of a shared component, or its digest where that is all there is."""
    if not isinstance(component, dict):
        return component
    version = component.get("version")
    return f"v{version}" if isinstance(version, int) else version or component.get("digest")
