"""Branches that somebody moved behind the registry's back: found, told, and put aside.

The catalog knows where the registry left each of them. What is found there instead was pushed, or moved by git's own
commands: it is not served, and `put_aside` keeps it below ``refs/quarantine``.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final

from pinset import signing
from pinset.domain import keys as k
from pinset.domain.commits import parse_raw
from pinset.domain.names import show
from pinset.domain.records import MAIN_REF, ROOT, Purpose
from pinset.errors import Integrity, PinsetError, Unavailable
from pinset.services import keyrings, recovering

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pinset.domain.answers.keys import ForeignAnswer
    from pinset.ports.store import Store
    from pinset.services.session import Context

_LOG: Final = logging.getLogger("pinset.foreign")
LOOK_SECONDS: Final = 60.0
"""From one look of a server to the next, at least."""
_SHARE: Final = 100.0
"""A look takes at most such a part of the time."""
HINT: Final = "put them aside and go on: pinset repair"


def differences(store: Store, own: Mapping[str, str], found: Mapping[str, str]) -> list[ForeignAnswer]:
    """The branches that are not where the registry left them, by name. own, found: commits by branch."""
    return [
        {
            "ref": ref,
            "found": found.get(ref),
            "own": own.get(ref),
            "says": store.peek(found[ref]) if ref in found else "",
            "kept": None,
        }
        for ref in sorted({*own, *found})
        if own.get(ref) != found.get(ref)
    ]


def told(one: ForeignAnswer) -> str:
    """One of them as a sentence."""
    left = f"the registry left it at {one['own'][:12]}" if one["own"] else "the registry has no such branch"
    if one["found"] is None:
        return f"was deleted behind the registry's back: {left}"
    return f"was moved behind the registry's back, to {one['found'][:12]} by {show(one['says'], 120)}: {left}"


def look(context: Context) -> list[ForeignAnswer]:
    """What is not where the registry left it now. Empty where there is no catalog to compare with, or a write is half done.

    Without the lock: a write may come between, so what seems foreign is looked at again.
    """
    found: list[ForeignAnswer] = []
    for _ in range(2):
        if not context.catalog.usable():
            return []
        with context.catalog.reading() as reader:
            busy, before, own = reader.intent() is not None, reader.head().serial, dict(reader.refs())
        at = dict(context.store.refs(here=True))
        with context.catalog.reading() as reader:
            busy = busy or reader.intent() is not None or reader.head().serial != before
        if not busy and own == at:
            return []
        found = [] if busy else differences(context.store, own, at)
    return found


def put_aside(context: Context) -> list[ForeignAnswer]:
    """Put every branch back to the registry's last own commit, and keep what was there under ``refs/quarantine``.

    Under the writer's lock; where it is cut off the same again goes on. A catalog that is only behind is rebuilt: where
    every commit there is proves to be the registry's, nothing is foreign. Raises Integrity where it cannot be told what
    the registry's own commits are.
    """
    store = context.store
    with store.exclusive():
        own, signs = _own(context)
        found = differences(store, own, dict(store.refs()))
        if found and signs and _is_ahead(context):
            recovering.rebuild(context)
            return []
        # What was added first: its name may be in the way of one that was deleted.
        for one in sorted(found, key=lambda one: one["own"] is not None):
            one["kept"] = store.set_aside(one["ref"], one["found"], one["own"])
        if not context.catalog.usable():
            recovering.rebuild(context)
        return found


def _own(context: Context) -> tuple[dict[str, str], bool]:
    """The registry's own commit of every branch, and whether it signs."""
    if context.catalog.usable():
        with recovering.settled(context) as writer:
            return dict(writer.refs()), bool(keyrings.keys_of(writer))
    return _signed_ends(context.store), True


def _is_ahead(context: Context) -> bool:
    """Whether the catalog is only behind: all that git holds is signed as it must be, without a gap, and is more."""
    if not context.catalog.usable():
        return False
    with context.catalog.reading() as reader:
        shown = reader.head().serial
    keyring, last = keyrings.keyring_of(context.store), None
    serial = 0
    try:
        for stored in context.store.scan():
            entry = recovering.entry_of(stored)
            if keyring.add(entry.record, stored.raw) or entry.record.stamp.prev != last:
                return False
            last, serial = stored.commit, entry.record.stamp.serial
    except PinsetError:
        return False
    return serial > shown and keyring.foreign_end() is None and not keyring.finish()


def _signed_ends(store: Store) -> dict[str, str]:
    """The newest commit of each branch that the registry signed, from git alone."""
    refs = store.refs()
    trusted = frozenset(store.signing_keys())
    if not trusted or MAIN_REF not in refs:
        raise Integrity(
            "without catalog and keys nobody can tell which commits are the registry's",
            hint="restore a backup (pinset restore)",
        )
    main = _end(store, MAIN_REF, refs[MAIN_REF], trusted)
    if main is None:
        raise Integrity("the branch main holds no commit of this registry", hint="restore a backup (pinset restore)")
    records = [recovering.entry_of(stored).record for stored in store.scan(refs={MAIN_REF: main})]
    known = k.folded(records)
    trusted |= {key.public for key in known.values() if key.purpose is Purpose.REGISTRY}
    first = min(key.since for key in known.values() if key.purpose is Purpose.REGISTRY)
    ends = {ref: _end(store, ref, at, trusted, unsigned_before=first) for ref, at in refs.items()}
    return {ref: end for ref, end in ends.items() if end is not None}


def _end(store: Store, ref: str, tip: str, trusted: frozenset[str], *, unsigned_before: int = 0) -> str | None:
    """The newest commit of a branch that one of the keys signed, or that is from before there were any."""
    at: str | None = tip
    while at is not None and at != ROOT:
        parents = store.parents(at)
        try:
            stored = store.read(ref, at)
            record = recovering.entry_of(stored).record
            signer = signing.checks_commit(parse_raw(stored.raw))
        except (PinsetError, ValueError):
            signer = record = None
        if signer in trusted or (record is not None and signer is None and record.stamp.at < unsigned_before):
            return at
        at = parents[0] if parents else None
    return None


class Watcher:
    """Looks now and then whether somebody moved a branch, in a thread of its own, and says so in the log.

    count: how many branches are not where the registry left them, by the last look; None before the first. refs: those.
    """

    def __init__(self, look: Callable[[], list[ForeignAnswer]], every: float = LOOK_SECONDS) -> None:
        self._look, self._every = look, every
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._said: frozenset[tuple[str, str | None]] = frozenset()
        self.count: int | None = None
        self.refs: frozenset[str] = frozenset()

    def look(self) -> float:
        """Look once; seconds until the next look is due."""
        began = time.monotonic()
        try:
            found = self._look()
        except (Unavailable, Integrity) as error:
            _LOG.warning("the branches could not be looked at: %s; %s", error.message, error.hint)
            return self._every
        except Exception as error:  # noqa: BLE001 - the server goes on whatever it is
            _LOG.warning("the branches could not be looked at: %s", type(error).__name__)
            return self._every
        self.count, self.refs = len(found), frozenset(one["ref"] for one in found)
        for one in found:
            if (one["ref"], one["found"]) not in self._said:
                _LOG.error("%s %s; it is not served; %s", one["ref"], told(one), HINT)
        self._said = frozenset((one["ref"], one["found"]) for one in found)
        return max(self._every, (time.monotonic() - began) * _SHARE)

    def start(self) -> None:
        """Look until `stop`."""
        self._thread = threading.Thread(target=self._run, name="pinset-foreign", daemon=True)
        self._thread.start()

    def stop(self, wait_seconds: float = 5.0) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(wait_seconds)

    def _run(self) -> None:
        pause = min(1.0, self._every)
        while not self._stop.wait(pause):
            pause = self.look()
