"""Sets of flags that are ready: after a move every web provider asks for the same one, all at once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from pinset.ports.catalog import Mark

ROOM: Final = 64 * 1024 * 1024
"""Bytes of sets that are kept."""


class Flags(NamedTuple):
    """The flags of one set as JSON, without what is around them. seal: a hash of them. whole: none of them is a failure."""

    text: bytes
    seal: str
    whole: bool = True


class Sets:
    """Sets by who may read what of them, each for as long as nothing became visible. Threads may share it."""

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._turn = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[Mark, Flags]] = OrderedDict()
        self._size = 0

    def find(self, key: Hashable, mark: Callable[[], Mark | None], make: Callable[[], Flags]) -> Flags:
        """A set, made where it is not ready; of many who ask one makes it. mark: what is visible now. Raises what ``make`` raises."""
        now = mark()
        found = self._kept.get(key)
        if found is not None and now is not None and found[0] == now:
            return found[1]
        with self._turn:
            now = mark()  # before what is read: that may be newer than its mark, and then the mark has moved
            found = self._kept.get(key)
            if found is not None and now is not None and found[0] == now:
                return found[1]
            made = make()
            self._drop(key)
            if now is not None and made.whole:
                self._kept[key] = (now, made)
                self._size += len(made.text)
            while self._size > self._room:
                self._drop(next(iter(self._kept)))
            return made

    def _drop(self, key: Hashable) -> None:
        gone = self._kept.pop(key, None)
        self._size -= 0 if gone is None else len(gone[1].text)
