"""Who runs what: which version each client said that it holds, and how that is counted.

A client says it with each fetch of an alias. What is told is a claim: it steers nothing but what people are shown.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pinset.domain.answers import ClientsAnswer

FORGOTTEN: Final = 60.0
"""Seconds after which a client that was not seen again is no longer counted."""
SILENT: Final = 30.0
"""Seconds after which a client that was not seen has stopped: one that runs asks every 7.5 to 22.5 seconds."""
CLIENT: Final = re.compile(r"[0-9a-f]{16}")
"""What a client calls itself."""
HOLDS: Final = re.compile(r"v[1-9][0-9]{0,8}")
"""What a client says that it holds."""

VERSIONS: Final = 100
"""Versions of an alias that clients are counted by: what they say they hold is theirs to invent."""

Who: TypeAlias = tuple[str, str, str]
"""A client, a bundle, an alias."""
Held: TypeAlias = "tuple[int | None, float]"
"""The version held, None for none yet, and when that was told: seconds on a clock of this machine that never jumps."""
Table: TypeAlias = "Mapping[Who, Held]"


class Adopted(NamedTuple):
    """How far a move of an alias has come: clients that run, and how many of them hold the version it moved to."""

    clients: int
    holding: int


def newest(tables: Iterable[Table], now: float) -> dict[Who, Held]:
    """Of each client what it told last, unless that is forgotten. What was told in the future is another clock's."""
    found: dict[Who, Held] = {}
    for table in tables:
        for who, held in table.items():
            if now - FORGOTTEN <= held[1] <= now and (who not in found or found[who][1] <= held[1]):
                found[who] = held
    return found


def counted(table: Table, now: float, bundle: str | None = None) -> list[ClientsAnswer]:
    """Clients by bundle, alias and version, the newest version first, those that hold none last.

    Of very many versions those count that most clients hold; who holds another is among those that hold none.
    """
    groups: dict[tuple[str, str], dict[int, list[float]]] = {}
    for (_, name, alias), (version, at) in table.items():
        if bundle in (None, name):
            groups.setdefault((name, alias), {}).setdefault(version or 0, []).append(now - at)
    return [
        {
            "bundle": name,
            "alias": alias,
            "version": version or None,
            "clients": len(ages),
            "silent": sum(age > SILENT for age in ages),
            "oldest": round(max(ages), 1),
        }
        for (name, alias), held in sorted(groups.items())
        for version, ages in sorted(_most(held).items(), reverse=True)
    ]


def _most(held: dict[int, list[float]]) -> dict[int, list[float]]:
    """Ages by version, 0 for none, with what is beyond `VERSIONS` put to none."""
    if len(held) <= VERSIONS:
        return held
    by_clients = sorted(held, key=lambda version: (version != 0, -len(held[version])))
    rest = [age for version in by_clients[VERSIONS:] for age in held[version]]
    return {version: held[version] for version in by_clients[:VERSIONS]} | {0: held.get(0, []) + rest}


def adopted(items: Sequence[ClientsAnswer], alias: str, version: int) -> Adopted:
    """How many clients of an alias run, and hold a version. One that has stopped counts only where it holds it."""
    mine = [item for item in items if item["alias"] == alias]
    holding = sum(item["clients"] for item in mine if item["version"] == version)
    return Adopted(holding + sum(lacking(item) for item in mine if item["version"] != version), holding)


def lacking(item: ClientsAnswer) -> int:
    """How many of these clients still run."""
    return item["clients"] - item["silent"]
