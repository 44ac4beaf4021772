"""What changes in one prompt: its messages or template, its contract, its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rapidfuzz.distance import Indel

from pinset.domain.diff.assigned import ASSIGNED, compare_assigned
from pinset.domain.diff.model import Change, Impact
from pinset.domain.diff.pairing import ALIKE, best_pairs
from pinset.domain.diff.paths import join, key_of, path_diff, same
from pinset.domain.diff.readings import text_impact
from pinset.domain.diff.schemas import schema_diff
from pinset.domain.diff.words import long_texts, pending, tokens
from pinset.domain.text import templates

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pinset.domain.diff.budget import Budget
    from pinset.domain.diff.pairing import Gains
    from pinset.domain.diff.paths import Kind, PathChange

_MESSAGES: Final = ("template", "messages")
_SCHEMAS: Final = ("inputs", "output")
_SAMPLE: Final = 2_000
"""Tokens of a message that are looked at to find what became of it."""
_PAIRS: Final = 10_000
"""Old messages times new ones paired by likeness; above it they are paired by position."""
_MOVED: Final = 0.75
"""Share of common words from which a message in another place is the same one."""
_REASONS: Final[Mapping[str, str]] = {
    "format": "the template is read in another way",
    "model": "another model answers",
    "tools": "the model may call other tools",
    "guardrails": "other guardrails watch this prompt",
}


def whole_prompt(name: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> Change:
    """A prompt that only one side has, with its text."""
    texts = pending(_as_text(old or {}), _as_text(new or {}))
    if new is None:
        why = "callers ask for it by name"
        return Change("prompt", name, "", "removed", Impact.BREAKING, why, old, None, pending=texts)
    return Change("prompt", name, "", "added", Impact.BEHAVIOUR, "a new prompt", None, new, pending=texts)


def compare_prompt(name: str, old: dict[str, Any], new: dict[str, Any], budget: Budget) -> Iterator[Change]:
    """Everything that differs: what the caller must pass first, then the texts, then the rest.

    The texts are only asked for: they are compared when all of them are known.
    """
    for place in ("inputs", "output"):
        for c in schema_diff(
            old.get(place), new.get(place), "inputs" if place == "inputs" else "output", place, budget
        ):
            yield Change("prompt", name, c.path, c.kind, c.impact, c.reason, c.old, c.new)
    yield from _variables(name, old, new, budget)
    yield from _texts(name, old, new, budget)
    yield from _partials(name, old.get("partials") or {}, new.get("partials") or {}, budget)
    # Which component a text comes from is listed with the components.
    for key in sorted((old.keys() | new.keys()) - {*_MESSAGES, *_SCHEMAS, "partials", "component", "inputs_inferred"}):
        yield from _rest(name, key, old, new, budget)


def text_change(name: str, path: str, old: str, new: str, budget: Budget) -> Change:
    """A prompt text that was edited."""
    texts = pending(old, new)
    impact, reason = text_impact(old, new, texts.nature, budget)
    return Change("prompt", name, path, "changed", impact, reason, old, new, pending=texts)


def _rest(name: str, key: str, old: dict[str, Any], new: dict[str, Any], budget: Budget) -> Iterator[Change]:
    reason = _REASONS.get(key, "part of the prompt")
    assigned = compare_assigned(name, key, old.get(key), new.get(key)) if key in ASSIGNED else None
    if assigned is not None:
        yield from assigned
        return
    for c in path_diff({key: old.get(key)}, {key: new.get(key)}, "", budget):
        kind: Kind = "added" if c.old is None else "removed" if c.new is None else c.kind
        yield Change("prompt", name, c.path, kind, Impact.BEHAVIOUR, reason, c.old, c.new)


def _variables(name: str, old: dict[str, Any], new: dict[str, Any], budget: Budget) -> Iterator[Change]:
    """Variables that a text begins or ceases to use while what callers pass stays the same."""
    sides = [_message_texts(prompt) for prompt in (old, new)]
    if not same(old.get("inputs"), new.get("inputs")) or sides[0] == sides[1]:
        return  # the schema says it
    if not budget.read(sum(len(text) for side in sides for text in side)):
        return
    before, after = (_used(str(p.get("format", "")), side) for p, side in zip((old, new), sides, strict=True))
    if before is None or after is None:
        return
    for variable in sorted(before ^ after):
        path = join("variables", variable)
        if variable in after:
            yield Change("prompt", name, path, "added", Impact.BEHAVIOUR, "the text now uses it", None, variable)
        else:
            reason = "the text no longer uses it, whoever passes it"
            yield Change("prompt", name, path, "removed", Impact.BEHAVIOUR, reason, variable, None)


def _used(style: str, texts: list[str]) -> set[str] | None:
    """The variables of some templates; None where the format is not known or cannot be read here."""
    if style not in ("mustache", "f-string", "text"):  # Jinja's grammar is an extra, and compiling it is dear
        return None
    return {variable for text in texts for variable in templates.parse(style, text).variables}


def _partials(name: str, old: dict[str, Any], new: dict[str, Any], budget: Budget) -> Iterator[Change]:
    for key in sorted(old.keys() | new.keys()):
        before, after = str(old.get(key, "")), str(new.get(key, ""))
        path = join("partials", key)
        if key in old and key in new:
            if before != after:
                yield text_change(name, path, before, after, budget)
            continue
        kind: Kind = "added" if key in new else "removed"
        texts = pending(before, after)
        reason = "shared text"
        yield Change("prompt", name, path, kind, Impact.BEHAVIOUR, reason, old.get(key), new.get(key), pending=texts)


def _texts(name: str, old: dict[str, Any], new: dict[str, Any], budget: Budget) -> Iterator[Change]:
    before, after = _messages(old), _messages(new)
    if same(before, after):
        return
    if ("messages" in old) != ("messages" in new):
        shape = ["one template" if "messages" not in p else "messages" for p in (old, new)]
        impact, reason = Impact.BEHAVIOUR, "the text is sent in other roles"
        if "messages" in new and len(after) > 1:
            impact, reason = (
                Impact.BREAKING,
                "one text became several messages: whoever renders it as one text gets none",
            )
        yield Change("prompt", name, "messages", "changed", impact, reason, shape[0], shape[1])
    pairs = _align(before, after, budget)
    moved = _moved(before, after, pairs, budget)
    i = j = 0
    for x, y in [*pairs, (len(before), len(after))]:
        for n in range(i, x):
            if n not in moved.values():
                yield _one_sided(name, _path(old, n), "removed", before[n])
        for n in range(j, y):
            if n in moved:
                reason = "the same message in another place"
                path = f"{_path(new, n)}.position"
                yield Change("prompt", name, path, "changed", Impact.BEHAVIOUR, reason, moved[n], n)
                yield from _message(name, _path(new, n), before[moved[n]], after[n], budget)
            else:
                yield _one_sided(name, _path(new, n), "added", after[n])
        if x < len(before):
            yield from _message(name, _path(new, y), before[x], after[y], budget)
        i, j = x + 1, y + 1


def _message(name: str, path: str, old: dict[str, Any], new: dict[str, Any], budget: Budget) -> Iterator[Change]:
    if isinstance(old.get("template"), str) and isinstance(new.get("template"), str):
        if old["template"] != new["template"]:
            where = path if path == "template" else f"{path}.template"
            yield text_change(name, where, old["template"], new["template"], budget)
        old, new = _without(old, "template"), _without(new, "template")
    if old.get("role") is None or new.get("role") is None:  # one side is a bare template, said already
        old, new = _without(old, "role"), _without(new, "role")
    for c in path_diff(old, new, path, budget):
        impact, reason = _why(c, c.path.removeprefix(path))
        texts = long_texts(c.old, c.new)
        yield Change("prompt", name, c.path, c.kind, impact, reason, c.old, c.new, pending=texts)


def _why(found: PathChange, place: str) -> tuple[Impact, str]:
    """What follows from a change in one place of a message."""
    if place == ".placeholder" and found.kind == "changed":  # nothing refuses the old name, and nothing comes of it
        return Impact.BREAKING, f"callers must pass the messages as {found.new}: what they pass as {found.old} is lost"
    if place == ".role":
        return Impact.BEHAVIOUR, "another role speaks"
    return Impact.BEHAVIOUR, f"the model reads other {'examples' if place.startswith('.examples') else 'messages'}"


def _one_sided(name: str, path: str, kind: Kind, message: dict[str, Any]) -> Change:
    text = message.get("template")
    gone = kind == "removed"
    texts = pending(text if gone else "", "" if gone else text) if isinstance(text, str) else None
    what = next((f"a {k}" for k in ("placeholder", "examples") if k in message), "a message")
    reason = f"{what.replace('a examples', 'examples')} the model {'no longer reads' if gone else 'now reads'}"
    old, new = (message, None) if gone else (None, message)
    return Change("prompt", name, path, kind, Impact.BEHAVIOUR, reason, old, new, pending=texts)


def _align(old: list[dict[str, Any]], new: list[dict[str, Any]], budget: Budget) -> list[tuple[int, int]]:
    """Which message became which, in rising order; the same from both sides."""
    if not old or not new:
        return []
    if len(old) == len(new) == 1 and _alike_in_place(old[0], new[0]):
        return [(0, 0)]  # as most prompts are, and nothing to weigh
    if len(old) * len(new) <= _PAIRS:
        letters: dict[str, str] = {}
        rows, columns = [_sample(m, letters) for m in old], [_sample(m, letters) for m in new]
        if budget.align(rows, columns):
            if max(len(old), len(new)) > 1 and list(map(key_of, new)) < list(map(key_of, old)):
                return [(x, y) for y, x in _best(new, columns, old, rows)]
            return _best(old, rows, new, columns)
    return [(n, n) for n in range(min(len(old), len(new)))]


def _best(
    old: list[dict[str, Any]], rows: list[str], new: list[dict[str, Any]], columns: list[str]
) -> list[tuple[int, int]]:
    return best_pairs([_gains(i, a, x, new, columns) for i, (a, x) in enumerate(zip(old, rows, strict=True))])


def _moved(
    old: list[dict[str, Any]], new: list[dict[str, Any]], pairs: list[tuple[int, int]], budget: Budget
) -> dict[int, int]:
    """Messages that stand in another place, by their new place: where they stood."""
    gone = sorted(set(range(len(old))) - {x for x, _ in pairs})
    came = sorted(set(range(len(new))) - {y for _, y in pairs})
    letters: dict[str, str] = {}
    rows, columns = {x: _sample(old[x], letters) for x in gone}, {y: _sample(new[y], letters) for y in came}
    if len(gone) * len(came) > _PAIRS or not budget.align(list(rows.values()), list(columns.values())):
        return {}
    likely = [
        (-Indel.normalized_similarity(rows[x], columns[y]), abs(x - y), min(x, y), x, y)
        for x in gone
        for y in came
        if _shape(old[x]) == _shape(new[y]) and old[x].get("role") == new[y].get("role") and rows[x]
    ]
    found: dict[int, int] = {}
    for unlike, *_, x, y in sorted(likely):
        if -unlike >= _MOVED and y not in found and x not in found.values():
            found[y] = x
    return found


def _gains(i: int, a: dict[str, Any], x: str, new: list[dict[str, Any]], columns: list[str]) -> Gains:
    found = ((j, _gain(a, b, x, y, near=i == j)) for j, (b, y) in enumerate(zip(new, columns, strict=True)))
    return {j: gain for j, gain in found if gain}


def _gain(a: dict[str, Any], b: dict[str, Any], x: str, y: str, *, near: bool) -> float:
    """Likeness of two messages; the same role at the same position is enough, another role wants likeness."""
    if _shape(a) != _shape(b):
        return 0.0
    alike = Indel.normalized_similarity(x, y)
    role = _one_role(a, b)
    if not (role and near) and alike < ALIKE:
        return 0.0
    return 2 * alike + (0.5 if role else 0.0) + (0.1 if near else 0.0)


def _alike_in_place(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Whether two messages at the same position are one, whatever they say."""
    return _shape(a) == _shape(b) and _one_role(a, b)


def _one_role(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return None in (a.get("role"), b.get("role")) or a.get("role") == b.get("role")


def _shape(message: dict[str, Any]) -> str:
    return next((key for key in ("template", "placeholder", "examples") if key in message), "")


def _sample(message: dict[str, Any], letters: dict[str, str]) -> str:
    text = message.get("template")
    source = text if isinstance(text, str) else str(message.get("placeholder", message.get("examples", "")))
    words = [t for t in tokens(source[: 8 * _SAMPLE]) if not t.isspace()][:_SAMPLE]
    return "".join([letters.setdefault(t, chr(len(letters))) for t in words])


def _messages(prompt: dict[str, Any]) -> list[dict[str, Any]]:
    messages = prompt.get("messages")
    if isinstance(messages, list):
        return [m if isinstance(m, dict) else {"template": str(m)} for m in messages]
    return [{"template": prompt["template"]}] if isinstance(prompt.get("template"), str) else []


def _message_texts(prompt: dict[str, Any]) -> list[str]:
    """The templates of a prompt, and the texts they include by name."""
    texts = [m["template"] for m in _messages(prompt) if isinstance(m.get("template"), str)]
    return texts + [text for text in (prompt.get("partials") or {}).values() if isinstance(text, str)]


def _path(prompt: dict[str, Any], n: int) -> str:
    return f"messages[{n}]" if isinstance(prompt.get("messages"), list) else "template"


def _as_text(prompt: dict[str, Any]) -> str:
    if isinstance(prompt.get("template"), str):
        return str(prompt["template"])
    blocks = []
    for message in _messages(prompt):
        head = message.get("role") or _shape(message)
        body = message.get("template", message.get("placeholder", message.get("examples", "")))
        blocks.append(f"[{head}]\n{body}")
    return "\n".join(blocks)


def _without(message: dict[str, Any], key: str) -> dict[str, Any]:
    return {k: v for k, v in message.items() if k != key}
