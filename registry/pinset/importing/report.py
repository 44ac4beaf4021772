"""What came of an import: counted, and told for each version that there is anything to say of."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pinset.errors import Refused, exit_status

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TOLD: Final = 100
"""Items that a report holds itself."""
NAMED: Final = 3
"""Names that are kept of what is said of many."""
_REFUSALS: Final = ("refused", "conflict")


@dataclass(slots=True)
class Said:
    """One sentence, and how often it was told of how many names; the first `NAMED` of them."""

    item: Mapping[str, Any]
    times: int = 0
    names: list[str] = field(default_factory=list)
    more: bool = False

    def count(self, name: str) -> None:
        """It is told once more, of this name."""
        self.times += 1
        if name in self.names:
            return
        if len(self.names) < NAMED:
            self.names.append(name)
        else:
            self.more = True


@dataclass(slots=True)
class Report:
    """What became of the versions, of what they held, and of the aliases; `TOLD` items are kept, and all go to ``keep``.

    said: the first `TOLD` different sentences, each counted.
    versions: how many were ``created``, ``already`` there, ``refused``, in ``conflict``, and ``left`` out by choice.
    lost: what had no place. aliases: how many were moved (``promote``), served it (``none``), wait for approvals
    (``request``), were ``left`` because somebody moved them here, or ``refused``.
    """

    system: str
    dry_run: bool
    keep: Callable[[Mapping[str, Any]], None]
    versions: Counter[str] = field(default_factory=Counter)
    aliases: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    names: int = 0
    told: int = 0
    items: list[Mapping[str, Any]] = field(default_factory=list)
    said: dict[tuple[Any, ...], Said] = field(default_factory=dict)

    def tell(self, kind: str, name: str, why: str, **more: Any) -> None:
        """One thing to say. kind: ``lost``, ``refused``, ``conflict``, ``alias`` or ``warning``."""
        item = {"kind": kind, "name": name, "why": why, **{key: one for key, one in more.items() if one is not None}}
        self.lost += kind == "lost"
        self.told += 1
        if len(self.items) < TOLD:
            self.items.append(item)
        sentence = (kind, item.get("what"), item.get("alias"), why)
        if sentence in self.said or len(self.said) < TOLD:
            self.said.setdefault(sentence, Said(item)).count(name)
        self.keep(item)

    @property
    def status(self) -> int:
        """The exit status: 0 where all is in, else that of what is refused."""
        refused = any(self.versions[one] for one in _REFUSALS) or bool(self.aliases["refused"])
        return exit_status(Refused) if refused else 0

    def as_json(self) -> dict[str, Any]:
        """All of it as one object."""
        return {
            "system": self.system,
            "dry_run": self.dry_run,
            "names": self.names,
            "versions": {one: self.versions[one] for one in ("created", "already", *_REFUSALS, "left")},
            "aliases": {one: self.aliases[one] for one in ("promote", "none", "request", "left", "refused")},
            "lost": self.lost,
            "items": self.items,
            "more": self.told - len(self.items),
        }
