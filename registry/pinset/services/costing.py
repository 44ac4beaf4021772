"""Costing: what calls of a release cost, counted and priced by the port, and how a change alters it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final

from pinset.domain import costs as c
from pinset.domain import estimates as e
from pinset.domain.counted import counted_of, left_out
from pinset.domain.document import content_of
from pinset.domain.encodings import ModelName, approximate
from pinset.domain.references import parse
from pinset.services import moments, reading

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain.answers.costs import CostAnswer
    from pinset.domain.counted import Counted, Piece
    from pinset.domain.encodings import Encoding
    from pinset.ports.costs import Costs
    from pinset.services.session import Context

COUNTED: Final = 2 * 1024 * 1024
"""Characters of one release that are counted; more are approximated by their number. Counting a mebibyte of any text
takes 5 to 140 ms."""
LEAST: Final = 32
"""Characters that each text is taken for at least: very many short ones are work too."""
FRAME: Final = 3
"""Tokens around a message beside its role, as OpenAI has published for its chat models."""
PRIMING: Final = 3
"""Tokens that begin every answer there."""
_RELEVANT: Final = ("prompts", "models", "tools")
_MOST_NOTES: Final = 6
"""Notes about prices that are told."""
_NOBODY: Final = ModelName("", ("",))
_TOOLS: Final = (
    "Tools and output schemas are approximated as compact JSON: each provider has a form of its own for them."
)


def day_of(at: int) -> date:
    """The day (UTC) of a time in microseconds."""
    return datetime.fromtimestamp(at // 1_000_000, tz=UTC).date()


def cost(context: Context, reference: str, *, at: str | None = None) -> CostAnswer:
    """What 1,000 calls of each prompt of a release cost. at: the time that the reference is taken at; prices are of now."""
    wanted = parse(reference)
    reading.permit(context, wanted)
    with reading.view(context) as reader:
        then = moments.find(context, reader, at) if at is not None else None
        row, _ = moments.release_at(reader, wanted, then) if then else reading.find_release(reader, wanted)
        reading.refuse_purged(row)
        content = content_of(reader.sealed_release(row.record.bundle, row.record.version))
    found = estimate(context.costs, content, day_of(context.clock.now()))
    head = {"ref": str(row.record.which), "bundle": row.record.bundle, "version": row.record.version}
    answer: Any = {**head, **e.release_answer(found)}
    if then is not None:
        answer["at"] = then.text
    told: CostAnswer = answer
    return told


def change(costs: Costs, old: Mapping[str, Any], new: Mapping[str, Any], *, at: int) -> c.CostChange | None:
    """What a change does to the cost of a release, from both contents; None where it does nothing.

    at: the time in microseconds whose day's prices both sides get, so that what differs is the release.
    """
    if all(old.get(key) == new.get(key) for key in _RELEVANT):
        return None
    day = day_of(at)
    return e.changed(estimate(costs, old, day), estimate(costs, new, day))


def estimate(costs: Costs, content: Mapping[str, Any], day: date) -> e.Estimate:
    """What a release costs. Work is bounded by `COUNTED`, whatever the release holds."""
    work = _Work(costs, day)
    prompts = counted_of(content)
    calls = {counted.prompt: work.call(counted) for counted in prompts}
    notes = (*work.notes(prompts), *left_out(content))
    return e.Estimate(calls, frozenset(work.used), costs.basis(day), notes, tuple(work.asides()))


@dataclass(slots=True)
class _Work:
    """One release's turn: what was counted already, and how much room is left."""

    costs: Costs
    day: date
    left: int = COUNTED
    known: dict[tuple[str, str], int] = field(default_factory=dict)
    prices: dict[str, c.Price] = field(default_factory=dict)
    used: set[tuple[str, bool]] = field(default_factory=set)
    full: bool = False

    def call(self, counted: Counted) -> tuple[c.Call, tuple[e.Part, ...]]:
        encoding = self._encoding(counted.model)
        parts = [e.Part(piece.part, self._count(piece, encoding)) for piece in counted.pieces]
        parts.append(e.Part("framing", self._frame(counted, encoding)))
        total = c.TokenCount(
            sum(part.count.tokens for part in parts), all(part.count.exact for part in parts), encoding.name
        )
        return self._priced(counted, total), tuple(parts)

    def _encoding(self, model: ModelName | None) -> Encoding:
        found = self.costs.encoding(model or _NOBODY)
        self.used.add((found.name, found.exact))
        return found

    def _count(self, piece: Piece, encoding: Encoding) -> c.TokenCount:
        tokens, exact = 0, encoding.exact and piece.sent
        for text, times in Counter(piece.texts).items():
            found = self._tokens(text, encoding.name)
            exact = exact and found is not None
            tokens += times * (approximate(text) if found is None else found)
        return c.TokenCount(tokens, exact, encoding.name)

    def _tokens(self, text: str, encoding: str) -> int | None:
        """Tokens of a text; None where there is no room to count it. The same text is counted once."""
        if (text, encoding) not in self.known:
            room = max(len(text), LEAST)
            if room > self.left:
                self.full = True
                return None
            self.left -= room
            self.known[text, encoding] = self.costs.count([text], encoding)[0]
        return self.known[text, encoding]

    def _frame(self, counted: Counted, encoding: Encoding) -> c.TokenCount:
        """What is put around messages: three tokens and the role each, its name with one more, and three for the answer."""
        tokens = PRIMING
        for words in counted.frames:
            tokens += FRAME + len(words) - 1 + sum(self._tokens(word, encoding.name) or 0 for word in words)
        return c.TokenCount(tokens, encoding.framed and encoding.exact, encoding.name)

    def _priced(self, counted: Counted, total: c.TokenCount) -> c.Call:
        if counted.model is None:
            return c.Call("", total, max_tokens=counted.max_tokens, unpriced="the release pins no model for it")
        price = self.costs.price(counted.model, self.day)
        if isinstance(price, str):
            return c.Call(counted.called, total, max_tokens=counted.max_tokens, unpriced=price)
        self.prices[price.called] = price
        ceiling = None
        if counted.max_tokens is not None and price.output is not None:
            ceiling = c.per_1000(counted.max_tokens, price.output, total.tokens)
        spent = c.per_1000(total.tokens, price.input, total.tokens)
        return c.Call(counted.called, total, spent, counted.max_tokens, ceiling, priced_as=price.called)

    def notes(self, prompts: list[Counted]) -> list[str]:
        notes = [self.costs.lacks] if self.costs.lacks else []
        if any(not piece.sent for counted in prompts for piece in counted.pieces):
            notes.append(_TOOLS)
        if self.full:
            notes.append(f"Only {COUNTED:,} characters are counted; the rest is approximated by its length.")
        return notes + [note for price in self.prices.values() for note in price.notes][:_MOST_NOTES]

    def asides(self) -> list[str]:
        return [aside for price in self.prices.values() for aside in price.asides][:_MOST_NOTES]
