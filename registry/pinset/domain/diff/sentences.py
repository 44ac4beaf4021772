"""The words that every rendering of a comparison has in common; plain text, with nothing made visible or escaped yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pinset.domain import cost_words
from pinset.domain.costs import dollars
from pinset.domain.diff.model import Impact

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pinset.domain.costs import Call, CostChange, PromptCost, TokenCount
    from pinset.domain.diff.lines import Line, Move, TextDiff
    from pinset.domain.diff.model import Change, Comparison, Shared

WORST: Final = 10
"""Breaking changes that are named ahead of all others."""
SHARED: Final = "shared components"
COSTS: Final = "cost"
_FIRST: Final = {
    Impact.BREAKING: "{} breaking change{}",
    Impact.BEHAVIOUR: "{} change{} of behaviour",
    Impact.COSMETIC: "{} cosmetic change{}",
}
_THEN: Final = {Impact.BEHAVIOUR: "{} of behaviour", Impact.COSMETIC: "{} cosmetic"}


def verdict(comparison: Comparison) -> str:
    """What stands after the verdict: ``1 breaking change, 4 of behaviour, 1 cosmetic``."""
    counts = [(impact, count) for impact in Impact if (count := comparison.count(impact))]
    if not counts:
        return "nothing changes"
    (worst, count), *rest = counts
    return ", ".join([_FIRST[worst].format(count, _s(count)), *(_THEN[impact].format(n) for impact, n in rest)])


def worst(comparison: Comparison) -> list[Change]:
    """The breaking changes, where they stand among others and have to be named ahead of them; at most `WORST`."""
    breaking = [change for change in comparison.changes if change.impact is Impact.BREAKING]
    alone = len(comparison.changes) <= max(len(breaking), 2)
    return [] if alone else breaking[:WORST]


def part(change: Change) -> str:
    """The part that a change is in: ``prompt default``, ``metadata``."""
    return f"{change.component} {change.name}".strip()


def edit(change: Change, diff: TextDiff) -> str:
    """What became of a text, in few words: ``+14 -1 words``, ``reflowed``, ``2 blocks moved``."""
    if diff.nature in ("reflow", "whitespace") and change.kind == "changed":
        return "reflowed" if diff.nature == "reflow" else "white space only"
    if diff.added_words is None or diff.removed_words is None:
        return change.kind
    if change.kind != "changed":
        words = diff.added_words or diff.removed_words
        return f"{change.kind}, {words:,} word{_s(words)}"
    told = [f"+{diff.added_words:,} -{diff.removed_words:,} words"] if diff.added_words or diff.removed_words else []
    blocks = len({line.move for line in diff.lines if line.move is not None})
    told += [f"{blocks} block{_s(blocks)} moved"] if blocks else []
    return ", ".join(told) or ("lines reordered" if diff.nature == "order" else "the same words, other characters")


def left(move: Move) -> str:
    """What stands where a block left."""
    count = move.old_last - move.old_first + 1
    return f"{count} line{_s(count)} moved to line {move.new_first}" + (", edited" if move.edited else "")


def arrived(move: Move) -> str:
    """What stands where a block arrived."""
    count = move.new_last - move.new_first + 1
    return f"{count} line{_s(count)} moved from line {move.old_first}" + (", edited" if move.edited else "")


def ends_differ(diff: TextDiff) -> bool:
    """Whether one of the texts ends with a line feed, and the other does not."""
    open_ended = {line.kind for line in diff.lines if not line.newline}
    return open_ended in ({"-"}, {"+"})


def counterparts(diff: TextDiff) -> dict[int, Line]:
    """For each line that moved, by its number in the new text, the line that it was."""
    gone: dict[int, list[Line]] = {}
    came: dict[int, list[Line]] = {}
    for line in diff.lines:
        if line.move is not None:
            (gone if line.kind == "-" else came).setdefault(line.move, []).append(line)
    pairs = ((old, new) for n in gone.keys() & came.keys() for old, new in zip(gone[n], came[n], strict=False))
    return {new.new_no: old for old, new in pairs if new.new_no is not None}


def is_edited(line: Line) -> bool:
    """Whether a line that moved is no longer what it was."""
    return any(segment.changed for segment in line.segments)


def concerned(comparison: Comparison) -> list[Shared]:
    """The shared components that others use too; that the others moved on is among the changes."""
    return [component for component in comparison.shared if component.used_by or component.more]


def versions(component: Shared) -> str:
    """``v2 → v3``, ``added v3``, ``removed v2``."""
    if component.old is None:
        return f"added {component.new}"
    return f"removed {component.old}" if component.new is None else f"{component.old} → {component.new}"


def users(component: Shared) -> str:
    """``also used by billing-bot, triage and 3 more``; '' where nobody else does."""
    named = list(component.used_by)
    if component.more:
        named.append(f"{component.more} more")
    if not named:
        return ""
    *first, last = named
    return "also used by " + (f"{', '.join(first)} and {last}" if first else last)


class CostRow(NamedTuple):
    """One row of the table of costs. level: 0 a prompt, 1 a part of the prompt above."""

    level: int
    name: str
    tokens: str
    delta: str
    price: str


def cost_rows(costs: CostChange) -> list[CostRow]:
    """Prompts, each with the parts that differ where they are several."""
    return [row for prompt in costs.prompts for row in _prompt_rows(prompt)]


def cost_notes(costs: CostChange) -> list[str]:
    """What stands below the table: what is not listed or not known, what was counted with, and what was not."""
    more = [f"{costs.more} more prompt{_s(costs.more)}, not listed"] if costs.more else []
    return [*more, *cost_words.why_unpriced(costs), costs.basis, *costs.notes]


def _prompt_rows(prompt: PromptCost) -> Iterable[CostRow]:
    old, new = prompt.before, prompt.after
    models = list(dict.fromkeys(call.model for call in (old, new) if call and call.model))
    name = f"prompt {prompt.prompt}" + (f", {' → '.join(models)}" if models else "")
    counts = [call.tokens if call else None for call in (old, new)]
    yield CostRow(0, name, *_tokens(*counts), _arrow(_price(old), _price(new)))
    if len(prompt.parts) > 1:
        for row in prompt.parts:
            yield CostRow(1, row.part, *_tokens(row.before, row.after), "")


def _tokens(before: TokenCount | None, after: TokenCount | None) -> tuple[str, str]:
    delta = (after.tokens if after else 0) - (before.tokens if before else 0)
    return _arrow(before.text if before else "none", after.text if after else "none"), f"{delta:+,}" if delta else ""


def _price(call: Call | None) -> str:
    if call is None:
        return "none"
    return "not known" if call.per_1000 is None else dollars(call.per_1000)


def _arrow(before: str, after: str) -> str:
    return before if before == after else f"{before} → {after}"


def _s(count: int) -> str:
    return "" if count == 1 else "s"
