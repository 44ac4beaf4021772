"""Waiting until those who run a bundle hold what an alias was moved to."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pinset.domain.adoption import SILENT, Adopted, adopted, lacking
from pinset.errors import InvalidInput, RateLimited, Unavailable
from pinset_cli import output

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pinset.domain.answers import ClientsAnswer, MoveAnswer
    from pinset.ports.registry import Registry

SECONDS: Final = 60.0
"""How long is waited where nobody says: as long as a client that has stopped is remembered."""
_PAUSES: Final = (0.1, 0.5)
"""Seconds between the first two looks, and between any two later: each is twice the one before."""
_ROUNDED: Final = 0.1
"""Seconds by which an age may be rounded up, and a little."""
_SHOWN: Final = 3
"""Versions that a sentence names."""
_SILENCE: Final = "some clients said nothing since the move"


class Outcome(NamedTuple):
    """How the waiting ended. waited: seconds. others: a sentence on who lacks it; '' where nobody does."""

    adopted: Adopted
    waited: float
    others: str = ""

    def as_json(self) -> dict[str, Any]:
        """As ``--json`` has it."""
        return {**self.adopted._asdict(), "waited": round(self.waited, 1)}


def patience(timeout: float | None, *, wait: bool) -> float | None:
    """Seconds to wait; None for not at all. Raises InvalidInput for a time-out of nothing."""
    if timeout is not None and not wait:
        raise InvalidInput(
            "--timeout says how long to wait, and nothing is waited for",
            hint="add --wait, or to a promotion --when-approved",
        )
    return None if not wait else SECONDS if timeout is None else timeout


def until_adopted(
    registry: Registry,
    move: MoveAnswer,
    seconds: float,
    *,
    began: float,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Wait until every client that runs holds what the alias was moved to; each change is a line of talk.

    began: a moment before the move, as ``now`` has it, from which on it is waited for so many seconds.
    A server that cannot answer for a while is asked again. Raises what looking raises otherwise.
    """
    version, pause = move["to"] or 0, _PAUSES[0]
    said: Adopted | None = None
    while True:
        items, trouble = _look(registry, move)
        found, waited = adopted(items, move["alias"], version), now() - began
        if trouble is None and found.holding == found.clients and _is_news(items, move, waited):
            return Outcome(found, waited)
        if trouble is None and found != said:
            said = found
            output.talk(f"{found.holding} of {output.count(found.clients, 'client')} {_hold(found.holding)} v{version}")
        elsewhere = "" if trouble is not None else _moved_on(registry, move)
        if elsewhere or waited >= seconds:
            others = elsewhere or trouble or _lacking(items, move["alias"], version) or _SILENCE
            return Outcome(found if trouble is None else said or Adopted(0, 0), waited, others)
        sleep(min(pause, seconds - waited))
        pause = min(pause * 2, _PAUSES[1])


def sentence(items: Sequence[ClientsAnswer], alias: str, version: int | None) -> str:
    """Who runs an alias that serves a version: ``41 clients hold it, 2 on v6 (last seen 12 s ago)``."""
    mine = [item for item in items if item["alias"] == alias]
    holding = sum(item["clients"] for item in mine if item["version"] == version and version is not None)
    others = [_group(item, item["clients"]) for item in mine if version is None or item["version"] != version]
    if not mine:
        return "no clients"
    held = f"{output.count(holding, 'client')} {_hold(holding)} it" if holding else "nobody holds it"
    return ", ".join(([held] if version is not None else []) + _short(others))


def _look(registry: Registry, move: MoveAnswer) -> tuple[Sequence[ClientsAnswer], str | None]:
    """The clients, or why they cannot be told just now."""
    try:
        return registry.clients(move["bundle"])["items"], None
    except (Unavailable, RateLimited) as error:
        return (), f"the registry cannot say who holds it: {error.message}"


def _is_news(items: Sequence[ClientsAnswer], move: MoveAnswer, waited: float) -> bool:
    """Whether who holds it said so since the move: before it they may have held the same, and something else in between.

    Not where one of them has stopped: it will say nothing more.
    """
    mine = [item for item in items if item["alias"] == move["alias"] and item["version"] == move["to"]]
    oldest = max((item["oldest"] for item in mine), default=0.0)
    return move["action"] == "none" or oldest > SILENT or oldest <= waited + _ROUNDED


def _moved_on(registry: Registry, move: MoveAnswer) -> str:
    """A sentence where the alias serves something else by now, so that nobody will take up what it was moved to."""
    try:
        serves = registry.alias(move["bundle"], move["alias"])["version"]
    except (Unavailable, RateLimited):
        return ""
    if serves == move["to"]:
        return ""
    return f"it was moved again meanwhile and serves {f'v{serves}' if serves else 'nothing'}"


def _lacking(items: Sequence[ClientsAnswer], alias: str, version: int) -> str:
    """Who runs and holds something else."""
    return ", ".join(
        _short(
            [
                _group(item, lacking(item), noun=True)
                for item in items
                if item["alias"] == alias and item["version"] != version and lacking(item)
            ]
        )
    )


def _group(item: ClientsAnswer, number: int, *, noun: bool = False) -> str:
    where = f"on v{item['version']}" if item["version"] else "with none yet"
    who = output.count(number, "client") if noun else str(number)
    return f"{who} {where} (last seen {round(item['oldest'])} s ago)"


def _short(groups: list[str]) -> list[str]:
    more = len(groups) - _SHOWN
    return [*groups[:_SHOWN], f"and those on {output.count(more, 'other version')}"] if more > 0 else groups


def _hold(number: int) -> str:
    return "holds" if number == 1 else "hold"
