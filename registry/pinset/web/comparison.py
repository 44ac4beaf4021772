"""A comparison as a page tells it: the verdict first, then a line for each part, then each part by itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pinset.domain import cost_words
from pinset.domain.costs import decimal_text, dollars
from pinset.domain.diff import show
from pinset.domain.diff.model import Impact
from pinset.web.lines import Room, text_view

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pinset.domain.costs import Call, CostChange, PromptCost
    from pinset.domain.diff.model import Change, Comparison, Shared
    from pinset.web.lines import TextView

PARTS: Final[Mapping[str, str]] = {
    "prompt": "Prompts",
    "model": "Model",
    "retrieval": "Index",
    "tool": "Tools",
    "guardrail": "Guardrails",
    "config": "Configs",
    "metadata": "Metadata",
    "file": "Files",
}
VERDICTS: Final[Mapping[str, str]] = {
    "breaking": "Code that calls this, or that answers its calls, has to change with it.",
    "behaviour": "The same code gets other answers.",
    "cosmetic": "Nothing that the model or the code can see.",
    "none": "Both sides are the same.",
}
NATURES: Final[Mapping[str, str]] = {
    "wording": "",
    "order": "The same lines in another order.",
    "reflow": "Only where lines break: the words are the same.",
    "whitespace": "Only white space: the words are the same.",
}
MOST_LINES: Final = 8
"""Lines of the summary about parts of one kind."""
FEW: Final = 3
"""Values of a part that its line in the summary tells one by one; more are counted."""
SHORT: Final = 400
"""Characters of a value that stand in a table as they are."""
SHORT_LINES: Final = 8
LONGEST: Final = 20_000
"""Characters of a value that are shown at all."""
_ANCHORED: Final = re.compile(r"[^A-Za-z0-9._]+")
_MESSAGE: Final = re.compile(r"messages\[(\d+)\](\.template)?")


@dataclass(frozen=True, slots=True)
class Value:
    """A value as it is shown. head: its first line, where it is too long for a table. skipped: characters left out."""

    text: str
    head: str = ""
    lines: int = 1
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One change. before, after: None on the side that lacks it; both None and ``abridged``: too long to be told."""

    anchor: str
    title: str
    path: str
    kind: str
    impact: str
    reason: str
    before: Value | None
    after: Value | None
    text: TextView | None
    abridged: bool


@dataclass(frozen=True, slots=True)
class Section:
    """One part, such as the prompt ``default``. rows: its values; texts: its longer texts, each shown by lines."""

    component: str
    name: str
    title: str
    anchor: str
    impact: str
    kind: str
    rows: tuple[Row, ...]
    texts: tuple[Row, ...]


class Line(NamedTuple):
    """What changed in one part, in a few words."""

    words: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Told:
    """A part in the summary. impact: the worst of its changes. lines: what changed, each with where that is told."""

    label: str
    anchor: str
    impact: str
    lines: tuple[Line, ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class CostRow:
    """One line of the table of costs; a change in per cent is '' where it cannot be said."""

    label: str
    before: str
    after: str
    change: str
    detail: bool = False


@dataclass(frozen=True, slots=True)
class Costs:
    """What a change does to the cost: of a call of each prompt together, by prompt and part, and on what that rests."""

    totals: tuple[CostRow, ...]
    rows: tuple[CostRow, ...]
    basis: str
    notes: tuple[str, ...]
    words: str


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """Everything the page says about two sides. folded: some unchanged lines are a link away."""

    verdict: str
    sentence: str
    counts: Mapping[str, int]
    breaking: tuple[Row, ...]
    summary: tuple[Told, ...]
    sections: tuple[Section, ...]
    shared: tuple[Shared, ...]
    costs: Costs | None
    more: str
    folded: bool


def comparison_view(comparison: Comparison, *, everything: bool = False) -> ComparisonView:
    """The view of a comparison. everything: unchanged lines are shown and not folded, as far as there is room."""
    room, taken = Room(everything=everything), set[str]()
    sections = tuple(
        _section(component, name, list(group), room, taken)
        for (component, name), group in groupby(comparison.changes, key=lambda change: (change.component, change.name))
    )
    costs = _costs(comparison.costs) if comparison.costs is not None else None
    verdict = comparison.verdict
    rows = [row for section in sections for row in (*section.rows, *section.texts)]
    return ComparisonView(
        verdict=verdict,
        sentence=VERDICTS[verdict],
        counts={impact.value: comparison.count(impact) for impact in Impact},
        breaking=tuple(row for row in rows if row.impact == "breaking"),
        summary=tuple(_summary(sections, comparison.shared, costs)),
        sections=sections,
        shared=comparison.shared,
        costs=costs,
        more=comparison.more,
        folded=any(row.text is not None and row.text.folded for row in rows),
    )


def _section(component: str, name: str, changes: list[Change], room: Room, taken: set[str]) -> Section:
    anchor = _anchor(f"{_called(component)}-{name}", taken)
    rows = [_row(change, room, taken) for change in changes]
    whole = [change.kind for change in changes if not change.path]
    return Section(
        component=component,
        name=name,
        title=f"{_called(component)} {name}".strip(),
        anchor=anchor,
        impact=_worst(row.impact for row in rows),
        kind=whole[0] if whole else "changed",
        rows=tuple(row for row in rows if row.text is None),
        texts=tuple(row for row in rows if row.text is not None),
    )


def _row(change: Change, room: Room, taken: set[str]) -> Row:
    anchor = _anchor(_place(change), taken)
    text = text_view(change, anchor, room)
    sides: tuple[Value | None, Value | None] = None, None
    if text is None and not change.abridged:
        sides = (
            None if change.kind == "added" else value_shown(change.old, room),
            None if change.kind == "removed" else value_shown(change.new, room),
        )
    path = change.path or f"the whole {_called(change.component)}"
    return Row(
        anchor=anchor,
        title=" ".join(word for word in (_called(change.component), change.name, change.path) if word),
        path=show.visible(path),
        kind=change.kind,
        impact=change.impact.value,
        reason=change.reason,
        before=sides[0],
        after=sides[1],
        text=text,
        abridged=change.abridged and text is None,
    )


def value_shown(thing: Any, room: Room) -> Value:
    """A value for a table: whole where it is short, else with its first line ahead; bounded whatever it is."""
    lines = show.outline(thing)
    text = "\n".join(lines)
    skipped = max(len(text) - LONGEST, 0)
    text = text[:LONGEST]
    if not room.show(len(text)):
        return Value("", head=show.LONG, lines=len(lines), skipped=len(text) + skipped)
    if len(text) <= SHORT and len(lines) <= SHORT_LINES:
        return Value(text)
    head = next((line for line in lines if line.strip()), "")
    return Value(text, head=show.cut(head, 60), lines=len(lines), skipped=skipped)


def _place(change: Change) -> str:
    """What an id says of a change: its part, its name, its path, shortened where nothing is lost by it."""
    letter = "p" if change.component == "prompt" else _called(change.component)
    path = _MESSAGE.sub(r"\1", change.path)
    return "-".join(word for word in (letter, change.name, "" if path == "template" else path) if word)


def _anchor(text: str, taken: set[str]) -> str:
    """An id that no other place on the page has. The same two sides give the same ids, whichever view is asked for."""
    wished = _ANCHORED.sub("-", text).strip("-")[:80]
    found, n = wished, 1
    while found in taken:
        n += 1
        found = f"{wished}-x{n}"
    taken.add(found)
    return found


def _called(component: str) -> str:
    """What a component is called on pages."""
    return "index" if component == "retrieval" else component


def _worst(impacts: Iterable[str]) -> str:
    found = set(impacts)
    return next((impact.value for impact in Impact if impact.value in found), "none")


def _summary(sections: Sequence[Section], shared: Sequence[Shared], costs: Costs | None) -> Iterable[Told]:
    for component, label in PARTS.items():
        own = [section for section in sections if section.component == component]
        if own:
            alone = len(own) == 1 and own[0].name in {"", "default"}
            lines = tuple(Line(_words(section, alone=alone), section.anchor) for section in own[:MOST_LINES])
            yield Told(label, own[0].anchor, _worst(s.impact for s in own), lines, len(own) - len(lines))
    if shared:
        lines = tuple(Line(f"{one.key} {one.old or 'none'} → {one.new or 'none'}", "shared") for one in shared)
        yield Told("Shared", "shared", "", lines[:MOST_LINES], len(lines[MOST_LINES:]))
    if costs is not None:
        yield Told("Cost", "costs", "", (Line(costs.words, "costs"),))


def _words(section: Section, *, alone: bool) -> str:
    """What changed in a part, in a line. alone: nothing is called like it, so that its name says nothing."""
    name = show.visible(section.name or _called(section.component))
    if section.kind != "changed":
        return f"{name} {section.kind}"
    texts = [row.text for row in section.texts if row.text is not None]
    values = [row for row in section.rows if row.impact != "cosmetic"] or section.rows
    said = [_text_words(texts)] if texts else []
    said += [_one(row) for row in values] if len(values) <= FEW else [_count(values)]
    return ", ".join(said) if alone else f"{name}: {', '.join(said)}"


def _text_words(texts: Sequence[TextView]) -> str:
    added, removed = [text.added_words for text in texts], [text.removed_words for text in texts]
    natures = {text.nature for text in texts}
    head = "1 text" if len(texts) == 1 else f"{len(texts)} texts"
    if natures <= {"whitespace", "reflow"}:
        return f"{head}: {'line breaks' if natures == {'reflow'} else 'white space'} only"
    if natures == {"order"}:
        return f"{head}: other order"
    if None in added or None in removed:
        return f"{head} edited"
    return f"{head} edited, +{sum(n or 0 for n in added):,} −{sum(n or 0 for n in removed):,} words"  # noqa: RUF001 - a minus


def _one(row: Row) -> str:
    if row.kind != "changed" or row.before is None or row.after is None:
        return f"{row.path} {row.kind}"
    if row.before.head or row.after.head or len(row.before.text) + len(row.after.text) > 48:
        return f"{row.path} changed"
    return f"{row.path} {row.before.text} → {row.after.text}"


def _count(rows: Sequence[Row]) -> str:
    counts = [(kind, sum(row.kind == kind for row in rows)) for kind in ("added", "removed", "changed")]
    return ", ".join(f"{count} {kind}" for kind, count in counts if count)


def _costs(change: CostChange) -> Costs:
    before, after = change.before, change.after
    totals = (
        CostRow("Tokens of a call", before.text, after.text, _percent(change.percent_tokens)),
        CostRow("1,000 calls", dollars(before.per_1000), dollars(after.per_1000), _percent(change.percent)),
    )
    unpriced = tuple(f"{why}." for why in cost_words.why_unpriced(change))
    more = (f"{change.more} more prompts change too.",) if change.more else ()
    words = f"{before.text} → {after.text} tokens a call"
    if before.per_1000 is not None and after.per_1000 is not None:
        words += f", {dollars(before.per_1000)} → {dollars(after.per_1000)} for 1,000 calls"
    rows = tuple(row for prompt in change.prompts for row in _cost_rows(prompt))
    return Costs(totals, rows, change.basis, (*change.notes, *unpriced, *more), words)


def _cost_rows(prompt: PromptCost) -> Iterable[CostRow]:
    """A prompt with the parts of it that cost more or less."""
    told = [_call_words(side) if side else "" for side in (prompt.before, prompt.after)]
    yield CostRow(f"prompt {prompt.prompt}", told[0], told[1], "")
    for part in prompt.parts:
        counts = [count.text if count else "" for count in (part.before, part.after)]
        yield CostRow(part.part, counts[0], counts[1], f"{part.delta:+,}".replace("-", "−"), detail=True)  # noqa: RUF001 - a minus


def _call_words(call: Call) -> str:
    price = f", {dollars(call.per_1000)}" if call.per_1000 is not None else ""
    return f"{call.tokens.text} tokens{price}, {call.model or 'no model'}"


def _percent(amount: Any) -> str:
    if amount is None:
        return ""
    text = decimal_text(abs(amount)) or "0"
    return f"{'+' if amount > 0 else '−' if amount < 0 else ''}{text} %"  # noqa: RUF001 - a minus
