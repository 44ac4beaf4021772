"""Moves: what a promotion, a rollback and a retirement do to an alias. Decided here, written elsewhere.

Every move records ``back``, the seq it would undo to: a promotion's is the current seq, a rollback to move *m*
takes *m*'s. So promoting 7, 8, 9 and rolling back goes to 8, promoting 10 and rolling back goes to 8 again, and
once more to 7: it never ping-pongs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pinset.domain.records import Action, MoveRecord
from pinset.domain.references import Selector, SelectorKind, parse_selector
from pinset.errors import AliasMoved, Barred, ContentPurged, InvalidInput, InvalidReference, NothingBehind, Yanked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NONE: Final = "none"
"""What an alias that serves nothing is expected to serve, and its revision."""
PURGED: Final = "purged"
"""Why a version may never be served again; any other reason can be taken back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A move that may be made. skipped: versions that a rollback passed over, with the reason.

    on_chain: a rollback along the Back chain, which undoes; one that was named may lead elsewhere.
    """

    action: Action
    seq: int
    from_version: int | None
    to_version: int | None
    back: int | None
    bars: int | None = None
    again: bool = False
    skipped: tuple[tuple[int, str], ...] = ()
    on_chain: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """How a rollback's target was named: at most one of the three; none of them is the default."""

    version: int | None = None
    steps: int | None = None
    at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What a rollback looks at. Moves are asked for one by one, so that its cost does not grow with the history.

    move: by seq. served: the newest move before a seq that served a version. current_at: the move that was current
    at a time (microseconds). unfit: why a version may not be served again (yanked, barred, purged), None where it may.
    declared: the version that the served release declares as ``rollback_to``.
    """

    move: Callable[[int], MoveRecord | None]
    served: Callable[[int, int], MoveRecord | None]
    current_at: Callable[[int], MoveRecord | None]
    unfit: Callable[[int], str | None]
    declared: int | None


def expected_release(text: str) -> Selector | None:
    """What a caller expects an alias to serve; None for ``none``. Raises InvalidReference where it is not fixed."""
    if text == NONE:
        return None
    selector = parse_selector(text)
    if selector.kind is SelectorKind.ALIAS:
        raise InvalidReference(
            f"{text} is an alias, and what is expected must be fixed", hint="say a version, a label or none"
        )
    return selector


def alias_moved(bundle: str, alias: str, *, serves: int | None, expected: str, revision: str | None) -> AliasMoved:
    """The error where an alias does not serve what a caller thinks it does."""
    return AliasMoved(
        f"{bundle}@{alias} serves {f'v{serves}' if serves else 'nothing'}, not {expected}",
        hint=f"look at what changed (pinset history {bundle}@{alias}) and decide again",
        details={"serves": serves, "revision": revision},
    )


def plan_promotion(current: MoveRecord | None, version: int, *, again: bool) -> Plan | None:
    """The move that makes an alias serve a version; None where it does already."""
    if current is not None and current.to_version == version:
        return None
    return Plan(
        action=Action.PROMOTE,
        seq=current.seq + 1 if current else 1,
        from_version=current.to_version if current else None,
        to_version=version,
        back=current.seq if current else None,
        again=again,
    )


def plan_retirement(current: MoveRecord) -> Plan | None:
    """The move that makes an alias serve nothing; None where it does already."""
    if current.to_version is None:
        return None
    return Plan(
        action=Action.RETIRE,
        seq=current.seq + 1,
        from_version=current.to_version,
        to_version=None,
        back=current.seq,
    )


def plan_rollback(current: MoveRecord, target: Target, history: History) -> Plan | None:
    """The move that undoes; None where the named target is served already.

    Raises NothingBehind where no move is left to return to, Yanked or Barred for a named target that may not serve.
    """
    named = target.version is not None or target.at is not None
    if target.version is not None and target.version == current.to_version:
        return None
    chosen, skipped = _named(current, target, history) if named else _default(current, target, history)
    if chosen is None:
        tried = "; ".join(f"v{version} is {why}" for version, why in skipped)
        raise NothingBehind(
            f"there is nothing behind {current.bundle}@{current.alias} to roll back to"
            + (f" ({tried})" if tried else ""),
            hint=f"look at its moves: pinset history {current.bundle}@{current.alias}; "
            f"or promote a release: pinset promote {current.bundle}@v1 {current.alias}",
        )
    if chosen.to_version == current.to_version:
        return None
    return Plan(
        action=Action.ROLLBACK,
        seq=current.seq + 1,
        from_version=current.to_version,
        to_version=chosen.to_version,
        back=chosen.back,
        bars=current.to_version,
        skipped=tuple(skipped),
        on_chain=not named or any(move.seq == chosen.seq for move in back_chain(current, history.move)),
    )


def back_chain(current: MoveRecord, move: Callable[[int], MoveRecord | None]) -> Iterator[MoveRecord]:
    """The moves that a rollback returns to, nearest first; moves that served nothing are passed through."""
    seq = current.back
    while seq is not None:
        found = move(seq)
        if found is None:
            return
        if found.to_version is not None:
            yield found
        seq = found.back if found.back is not None and found.back < seq else None


def _named(current: MoveRecord, target: Target, history: History) -> tuple[MoveRecord | None, list[tuple[int, str]]]:
    """The target that was named by version or time: refused where it may not serve."""
    if target.at is not None:
        chosen = history.current_at(target.at)
    else:
        version = target.version or 0
        on_chain = (move for move in back_chain(current, history.move) if move.to_version == version)
        chosen = next(on_chain, None) or history.served(version, current.seq)
    if chosen is None or chosen.to_version is None:
        return None, []
    why = history.unfit(chosen.to_version)
    if why is not None and chosen.to_version != current.to_version:
        where = f"{current.bundle}@v{chosen.to_version}"
        if why == PURGED:
            hint = f"its content is gone for good: look what else it served (pinset history {current.bundle}@{current.alias})"
            raise ContentPurged(f"{where} was purged, so {current.alias} cannot return to it", hint=hint)
        kind = Barred if why == "barred" else Yanked
        hint = (
            f"pinset promote {where} {current.alias} --again -m TEXT"
            if why == "barred"
            else f"take it back first: pinset unyank {where}"
        )
        raise kind(f"{where} is {why}, so {current.alias} cannot return to it", hint=hint)
    return chosen, []


def _default(current: MoveRecord, target: Target, history: History) -> tuple[MoveRecord | None, list[tuple[int, str]]]:
    """The declared target where it is on the chain, else the chain itself; unfit versions are skipped aloud."""
    if target.steps is not None and target.steps < 1:
        raise InvalidInput("steps must be a whole number from 1", hint="say --steps 1 for the move before")
    skipped: list[tuple[int, str]] = []
    if target.steps is None and history.declared is not None and history.declared != current.to_version:
        for move in back_chain(current, history.move):
            if move.to_version == history.declared:
                why = history.unfit(history.declared)
                if why is None:
                    return move, skipped
                skipped.append((history.declared, why))
                break
    for position, move in enumerate(back_chain(current, history.move), start=1):
        if position < (target.steps or 1) or move.to_version == current.to_version:
            continue
        why = history.unfit(move.to_version or 0)
        if why is None:
            return move, skipped
        if (move.to_version or 0, why) not in skipped:
            skipped.append((move.to_version or 0, why))
    return None, skipped
