"""What changes in the tools: the model writes their calls, the application answers them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pinset.domain.diff.paths import PathChange, key_of, path_diff, same
from pinset.domain.diff.schemas import schema_diff
from pinset.domain.diff.schemas.nodes import meaning, members
from pinset.domain.diff.weighed import Weight, behaviour, breaking, change, mapping, ordered, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.domain.diff.budget import Budget
    from pinset.domain.diff.model import Change

_SCHEMAS: Final = frozenset({"parameters", "output"})
_PAIRS: Final = 2_500
"""Tools gone times tools come that are looked at for new names."""


def compare_tools(old: dict[str, Any], new: dict[str, Any], budget: Budget) -> Iterator[Change]:
    """Tools by name. One that goes while the like of it comes was renamed, and is compared with what it became."""
    gone = [name for name in ordered(old, {}) if name not in new]
    come = [name for name in ordered(new, {}) if name not in old]
    became = _renamed({n: mapping(old[n]) for n in gone}, {n: mapping(new[n]) for n in come})
    was = {after: before for before, after in became.items()}
    for name in ordered(old, new):
        if name in became:
            continue
        if name in was:
            yield _rename(was[name], name)
            yield from _tool(
                name, {**mapping(old[was[name]]), "name": mapping(new[name]).get("name")}, new[name], budget
            )
        elif name not in new:
            yield whole("tool", name, old[name], None, breaking("calls to it have no answer"))
        elif name not in old:
            reason = "the model may call it, the application must answer"
            yield whole("tool", name, None, new[name], behaviour(reason))
        else:
            yield from _tool(name, old[name], new[name], budget)


def _rename(old: str, new: str) -> Change:
    reason = f"renamed: calls come as {new}, and whoever answers {old} answers none"
    return change("tool", new, PathChange("name", "changed", old, new), breaking(reason))


def _tool(name: str, old: Any, new: Any, budget: Budget) -> Iterator[Change]:
    before, after = mapping(old), mapping(new)
    for found in schema_diff(before.get("parameters"), after.get("parameters"), "parameters", "parameters", budget):
        yield change("tool", name, found, Weight(found.impact, found.reason))
    for found in schema_diff(before.get("output"), after.get("output"), "result", "output", budget):
        yield change("tool", name, found, Weight(found.impact, found.reason))
    for one in path_diff(_without(before), _without(after), "", budget):
        yield change("tool", name, one, _weight(one))


def _weight(found: PathChange) -> Weight:
    match found.path.partition(".")[0].partition("[")[0]:
        case "name":
            return breaking("calls come under another name")
        case "strict":
            if found.old is True:
                return breaking(
                    "nothing holds the model to the parameters any more: calls may lack some, or add others"
                )
            return behaviour(
                "the provider holds the model to the parameters" if found.new else "no change of what holds"
            )
        case "type" | "format":
            return breaking("calls are written in another form")
        case "annotations":
            return behaviour("clients decide by it whether to ask a person first")
        case _:
            return behaviour("the model reads it")


def _renamed(gone: dict[str, dict[str, Any]], come: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Which tool became which: the same parameters, or the same description; one that fits two others became neither."""
    if len(gone) * len(come) > _PAIRS:
        return {}
    found: dict[str, str] = {}
    for before, old in gone.items():
        like = [after for after, new in come.items() if _alike(old, new)]
        if len(like) == 1 and sum(_alike(other, come[like[0]]) for other in gone.values()) == 1:
            found[before] = like[0]
    return found


def _alike(old: dict[str, Any], new: dict[str, Any]) -> bool:
    described = bool(old.get("description")) and same(old.get("description"), new.get("description"))
    before, after = old.get("parameters"), new.get("parameters")
    takes = bool(members(before, "properties"))
    return described or (takes and (same(before, after) or key_of(meaning(before)) == key_of(meaning(after))))


def _without(tool: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in tool.items() if key not in _SCHEMAS}
