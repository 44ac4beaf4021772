"""A name that was asked for, and what it means now."""

from __future__ import annotations

import logging
import threading
from collections import deque
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Final

from pinset.domain.references import SelectorKind, is_working_copy, parse_selector
from pinset.errors import Refused, Untrusted

if TYPE_CHECKING:
    from pinset.client.release import Release
    from pinset.errors import PinsetError

Key = tuple[str, str, "Needs"]
"""Bundle, selector as it was asked for, and what the code needs: one slot each."""
MOST_HEARD: Final = 20
"""How often at most what is heard of a name makes it due, within `HEARD_SECONDS`: what is heard may be wrong."""
HEARD_SECONDS: Final = 10.0
_log = logging.getLogger("pinset.client")


@dataclass(frozen=True, slots=True)
class Needs:
    """What this code supplies and implements: None leaves that open."""

    variables: frozenset[str] | None = None
    tools: frozenset[str] | None = None

    def missing(self, release: Release) -> str | None:
        """Why this code cannot use a release; None where it can."""
        wanted = release.variables - self.variables if self.variables is not None else frozenset[str]()
        if wanted:
            return f"{release.ref} wants the variables {', '.join(sorted(wanted))}, which this code does not give"
        foreign = set(release.tools) - self.tools if self.tools is not None else set[str]()
        if foreign:
            return f"{release.ref} has the tools {', '.join(sorted(foreign))}, which this code does not implement"
        return None


@dataclass(slots=True)
class Slot:
    """One name that was asked for. Only the keeper's thread changes what it means; anybody may fill it while it is empty.

    asked: the selector of the caller. pin: the selector, or a working copy's directory, that a pin puts in its place.
    """

    bundle: str
    asked: str
    needs: Needs = Needs()
    pin: str | None = None
    release: Release | None = None
    tag: str | None = None
    due: float = 0.0
    error: PinsetError | None = None
    """Why the last answer was none, or was not taken."""
    refused: str | None = None
    """The digest of the newest release that was not taken."""
    moves: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    """The newest move that was taken of each alias it meant: registry, epoch, seq."""
    renamed: str | None = None
    """What its bundle is called now, as it was said."""
    turned: bool = False
    """Whether it means something else than what is held, by a pin, and nobody has given that yet."""
    soon: float = inf
    """When to ask for it because of what was heard since the registry was asked."""
    looked: float = 0.0
    """When the registry was last asked for it."""
    heard: deque[float] = field(default_factory=lambda: deque(maxlen=MOST_HEARD))
    """When it was last asked for because of what was heard."""
    moved: bool = False
    """Whether it was heard that it moved, and no answer came since."""
    tried: threading.Event = field(default_factory=threading.Event)
    """Set when a first try has ended, well or not."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def meant(self) -> str:
        """The selector that the registry is asked for."""
        return self.pin or self.asked

    @property
    def name(self) -> str:
        """What it means as a reference."""
        return f"{self.bundle}@{self.meant}"

    @property
    def fixed(self) -> bool:
        """Whether what it means is always the same release."""
        return is_fixed(self.meant)

    @property
    def directory(self) -> str | None:
        """The working copy that it means; None where it means a release."""
        return self.pin if self.pin is not None and is_working_copy(self.pin) else None

    def hear(self, at: float) -> None:
        """Be due by then because of what was heard; later, where that made it due very often."""
        if len(self.heard) == MOST_HEARD:
            at = max(at, self.heard[0] + HEARD_SECONDS)
        self.soon, self.due = min(self.soon, at), min(self.due, at)

    def ask(self, now: float) -> None:
        """Note that the registry is asked for it."""
        if self.soon <= now:
            self.heard.append(now)
        self.soon, self.looked = inf, now

    def hold(self, release: Release, tag: str | None) -> Release | None:
        """Take a release in the place of the one before, which is returned."""
        with self._lock:
            before, self.release, self.tag, self.turned = self.release, release, tag, False
        if release.seq is not None:
            self.moves[self.meant] = (release.registry, release.epoch, release.seq)
        return before

    def remember(self, move: tuple[str, int, int] | None) -> None:
        """Note what an earlier process took as the newest move of what it means, where none is known here."""
        if move is not None:
            self.moves.setdefault(self.meant, move)

    def offer(self, release: Release, tag: str | None, meant: str) -> Release | None:
        """Take a release that was found as ``meant`` while there is none; what is held then."""
        with self._lock:
            if self.release is None and self.meant == meant:
                self.release, self.tag = release, tag
            return self.release

    def empty(self) -> None:
        """Hold nothing any more."""
        with self._lock:
            self.release, self.tag = None, None

    def pinned(self, pin: str | None) -> None:
        """Mean something else from now on; the release stays until there is another one."""
        with self._lock:
            self.pin, self.tag, self.error, self.refused = pin, None, None, None
            self.due, self.turned = 0.0, self.release is not None

    def forked(self) -> None:
        """In a copy of the process: who held a lock is not here."""
        self._lock, self.tried = threading.Lock(), threading.Event()
        if self.release is not None:
            self.tried.set()


def is_fixed(selector: str) -> bool:
    """Whether a selector always means the same release. A working copy does not."""
    return not is_working_copy(selector) and parse_selector(selector).kind not in (
        SelectorKind.ALIAS,
        SelectorKind.LATEST,
    )


def refuse_unusable(slot: Slot, release: Release) -> None:
    """Raises Refused for an answer to another question, an earlier move, and what the code cannot use."""
    refuse_foreign(slot, release)
    _refuse_older(slot, release)
    why = slot.needs.missing(release)
    if why is not None:
        raise Refused(why, hint="promote a release that this code can use")


def refuse_other_registry(slot: Slot, release: Release) -> None:
    """Raises Untrusted where another registry than before answers: its moves say nothing about what this one serves."""
    held = slot.moves.get(slot.meant)
    if held is not None and held[0] != release.registry:
        raise Untrusted(
            f"{slot.name} is answered by another registry now: {release.registry}, before {held[0]}",
            hint="where that is meant, start with an empty cache",
        )


def refuse_foreign(slot: Slot, release: Release) -> None:
    """Raises Refused for an answer to another question."""
    if release.bundle != slot.bundle or (slot.directory is None and not _is_what(slot.meant, release)):
        answered = f"{release.ref} as {release.alias}" if release.alias else release.ref
        raise Refused(
            f"{slot.name} was asked for, and {answered} answered",
            hint="see what stands between this client and the registry",
        )


def _is_what(meant: str, release: Release) -> bool:
    """Whether a release can be what a selector means."""
    wanted = parse_selector(meant)
    if wanted.kind is SelectorKind.VERSION:
        return release.version == wanted.version
    if wanted.kind is SelectorKind.DIGEST:
        return release.digest.startswith(wanted.text)
    if wanted.kind is SelectorKind.LABEL:
        return (release.label or "").lower() == wanted.text.lower()
    return wanted.kind is SelectorKind.LATEST or release.alias == wanted.text


def _refuse_older(slot: Slot, release: Release) -> None:
    """Says aloud where another registry answers, whose moves are not comparable."""
    held = slot.moves.get(slot.meant)
    if held is None or release.seq is None:
        return
    registry, *move = held
    if release.registry != registry:
        _log.warning("%s is answered by another registry now: %s, before %s", slot.name, release.registry, registry)
    elif [release.epoch, release.seq] < move:
        raise Refused(
            f"{release.ref} is an earlier move ({release.epoch}, {release.seq}) than the one held ({move[0]}, {move[1]})",
            hint="the registry answers what it served before: see what it was restored from",
        )
