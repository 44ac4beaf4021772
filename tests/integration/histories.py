"""Is a long history of moves and reads explained by the one order that the registry says its moves have?

Every answer carries the seq and the revision of a move, and every move its serial, so no order has to be searched:
the registry's own history is the claim, and each answer is checked against it. What was never answered is found in the
history by its reason, which is unique. A move takes effect at one moment between its call and its answer; who
sees a move was answered after that moment, and was called before the moment of the next move of that alias.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

FOREVER = float("inf")
MADE, UNCHANGED, REFUSED, NOTHING, UNKNOWN = "made", "unchanged", "refused", "nothing", "unknown"
"""Outcomes: moved; was there already (or a read); the alias had moved; turned away unseen; nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Did:
    """One operation as its client saw it.

    name: unique; the reason of its move. kind: promote, rollback, read. called, answered: monotonic seconds. wanted:
    the version to serve. expected, condition: the version and the revision that the alias had to have. known: the
    revision that may be all that the client goes by: it may be refused where that was replaced, even by the same
    version. seq, revision, version, serial: what the answer said; of a refusal the revision that was there.
    """

    name: str
    kind: str
    alias: str
    called: float
    answered: float = FOREVER
    outcome: str = UNKNOWN
    via: str = ""
    wanted: int | None = None
    expected: int | None = None
    condition: str | None = None
    known: str | None = None
    seq: int | None = None
    revision: str | None = None
    version: int | None = None
    serial: int | None = None


def problems(done: Iterable[Did], histories: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    """What contradicts the promise; nothing where all is well. histories: the moves of each alias, any order."""
    done = list(done)
    found: list[str] = []
    moves = {alias: sorted(items, key=lambda item: item["seq"]) for alias, items in histories.items()}
    for alias, items in moves.items():
        found += _chain(alias, items)
    if found:
        return found  # without a chain there is no order to speak of
    there = {(alias, item["revision"]): item for alias, items in moves.items() for item in items}
    first: dict[str, dict[Any, int]] = {}
    """When each alias served a version first."""
    for alias, items in moves.items():
        first[alias] = {item["to"]: item["seq"] for item in reversed(items)}
    made = defaultdict(list)
    for alias, items in moves.items():
        for item in items:
            made[item["reason"]].append((alias, item))
    names = {did.name for did in done}
    found += [f"{name}: nobody asked for this move" for name in made if name not in names]
    if len(names) != len(done):
        found.append("a name is there twice")
    for did in done:
        about = _effect(did, made.get(did.name, []), moves.get(did.alias, []), first.get(did.alias, {}))
        about = [*about, *_seen(did, there.get((did.alias, did.revision)))]
        found += [f"{did.name}: {what}" for what in about]
    return found or _order(done, moves)


def _chain(alias: str, items: Sequence[Mapping[str, Any]]) -> list[str]:
    """Seqs without gaps, rising serials, each move from where the one before went."""
    found = []
    if [item["seq"] for item in items] != list(range(1, len(items) + 1)):
        found.append(f"{alias}: the seqs have gaps")
    before: Mapping[str, Any] = {"serial": 0, "to": None}
    for item in items:
        if item["serial"] <= before["serial"]:
            found.append(f"{alias}: the serial of seq {item['seq']} does not rise")
        if item["from"] != before["to"]:
            found.append(f"{alias}: seq {item['seq']} is from {item['from']} and not from {before['to']}")
        before = item
    if len({item["revision"] for item in items}) != len(items):
        found.append(f"{alias}: a revision is there twice")
    return found


def _effect(
    did: Did,
    made: Sequence[tuple[str, Mapping[str, Any]]],
    items: Sequence[Mapping[str, Any]],
    first: Mapping[Any, int],
) -> Iterable[str]:
    """Exactly the effect that was answered, on what was expected."""
    if did.answered < did.called:
        yield "answered before it was called"
    if len(made) > 1:
        yield f"it happened {len(made)} times"
    if made and (did.kind == "read" or did.outcome not in (MADE, UNKNOWN)):
        yield f"it was answered that it did not happen ({did.outcome}), and it did"
    if not made and did.outcome == MADE:
        yield "it was acknowledged, and is missing"
    for alias, item in made[:1]:
        seq = item["seq"]
        before = items[seq - 2]["revision"] if 1 < seq <= len(items) else None
        if alias != did.alias or item["action"] != did.kind:
            yield f"it was a {did.kind} of {did.alias}, and is a {item['action']} of {alias}"
        if did.outcome == MADE and any(
            item[key] != value
            for key, value in (
                ("seq", did.seq),
                ("revision", did.revision),
                ("to", did.version),
                ("serial", did.serial),
            )
        ):
            yield "it is not as it was answered"
        if did.wanted is not None and item["to"] != did.wanted:
            yield f"it wanted v{did.wanted} and got v{item['to']}"
        if did.expected is not None and item["from"] != did.expected:
            yield f"lost update: it expected v{did.expected} and replaced v{item['from']}"
        if did.condition is not None and before != did.condition:
            yield f"lost update: it expected {did.condition} and replaced {before}"
        if did.kind == "rollback" and first.get(item["to"], seq) >= seq:
            yield f"it went back to v{item['to']}, which was never served"


def _seen(did: Did, item: Mapping[str, Any] | None) -> Iterable[str]:
    """What a read or a refusal says of the move that it saw."""
    if did.outcome not in (UNCHANGED, REFUSED) or did.revision is None:
        return
    if item is None:
        yield f"it saw {did.revision}, which is no move"
        return
    if did.version != item["to"] or did.seq not in (None, item["seq"]):
        yield f"it saw seq {did.seq} with v{did.version}, and seq {item['seq']} has v{item['to']}"
    if did.outcome == UNCHANGED and did.wanted not in (None, item["to"]):
        yield f"it wanted v{did.wanted}, and v{item['to']} was called the same"
    fits = did.expected in (None, item["to"]) and did.condition in (None, item["revision"])
    replaced = did.known not in (None, item["revision"])
    if fits != (did.outcome == UNCHANGED) and not (did.outcome == REFUSED and replaced):
        yield f"it was {did.outcome} by {item['revision']} with v{item['to']}"


def _order(done: Sequence[Did], moves: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    """Whether moments can be given to the moves, in the order of their serials, that fit every call and answer."""
    serials = sorted(item["serial"] for items in moves.values() for item in items)
    place = {serial: number for number, serial in enumerate(serials)}
    if len(place) != len(serials):
        return ["a serial is there twice"]
    places = {alias: [place[item["serial"]] for item in items] for alias, items in moves.items()}
    seqs = {item["revision"]: item["seq"] for items in moves.values() for item in items}
    reasons = {item["reason"]: place[item["serial"]] for items in moves.values() for item in items}
    earliest: list[tuple[float, str]] = [(-FOREVER, "")] * len(serials)
    latest: list[tuple[float, str]] = [(FOREVER, "")] * len(serials)

    def not_before(number: int, did: Did) -> None:
        earliest[number] = max(earliest[number], (did.called, did.name))

    def not_after(number: int, did: Did) -> None:
        latest[number] = min(latest[number], (did.answered, did.name))

    for did in done:
        if did.name in reasons:
            not_before(reasons[did.name], did)
            not_after(reasons[did.name], did)
        elif did.outcome in (UNCHANGED, REFUSED) and (did.revision is not None or did.seq == 0):
            seq = 0 if did.revision is None else seqs[did.revision]
            own = places[did.alias]
            if seq:
                not_after(own[seq - 1], did)
            if seq < len(own):
                not_before(own[seq], did)
    found, begun = [], (-FOREVER, "")
    ends = list(latest)
    for number in range(len(ends) - 2, -1, -1):
        ends[number] = min(ends[number], ends[number + 1])
    for number, serial in enumerate(serials):
        begun = max(begun, earliest[number])
        if begun[0] > ends[number][0]:
            found.append(
                f"serial {serial}: {begun[1]} says it is not made yet, and {ends[number][1]} before says it is"
            )
    return found
