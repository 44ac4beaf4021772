"""Pins set by hand: what a bundle means whatever the registry says."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pinset.domain.names import bundle_name, show
from pinset.domain.references import is_working_copy, parse
from pinset.errors import InvalidInput, PinsetError

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE: Final = "PINSET_PIN"
_log = logging.getLogger("pinset.client")


class Pins:
    """What ``PINSET_PIN`` pins: ``name@v8``, ``name=./dir``, several with commas, or ``@FILE`` with one a line and ``#`` comments.

    Raises InvalidInput for what is no pin, and for a file that cannot be read. A file is watched: see `look`.
    """

    def __init__(self, text: str) -> None:
        self._file = Path(text[1:]).expanduser() if text.startswith("@") else None
        self._mark, self._settled = self._look(), True
        self._pins: Mapping[str, str] = parse_pins(self._text() if self._file else text, self._where)
        for bundle, selector in self._pins.items():
            _log.warning("%s is pinned to %s by %s", bundle, selector, self._where)

    def of(self, bundle: str) -> str | None:
        """The selector that a bundle is pinned to; None where it is not."""
        return self._pins.get(bundle)

    @property
    def working(self) -> bool:
        """Whether a working copy is among them."""
        return any(map(is_working_copy, self._pins.values()))

    @property
    def watched(self) -> bool:
        """Whether they may change."""
        return self._file is not None

    def look(self) -> frozenset[str]:
        """Look at the file again: the bundles whose pin is another one. A broken file is said, and changes nothing.

        A change is taken by the second look that finds it, when whoever writes is done.
        """
        mark = self._look()
        if mark != self._mark:
            self._mark, self._settled = mark, False
            return frozenset()
        if self._settled:
            return frozenset()
        self._settled = True
        try:
            pins = parse_pins(self._text(), self._where)
        except InvalidInput as error:
            _log.error("%s; the pins before it stay (%s)", error.message, error.hint)
            return frozenset()
        before, self._pins = self._pins, pins
        changed = frozenset(name for name in {**before, **pins} if before.get(name) != pins.get(name))
        for bundle in sorted(changed):
            _log.warning("%s is pinned to %s now (before: %s) by %s", bundle, *self._two(bundle, before), self._where)
        return changed

    def _two(self, bundle: str, before: Mapping[str, str]) -> tuple[str, str]:
        return self._pins.get(bundle, "nothing"), before.get(bundle, "nothing")

    def _look(self) -> tuple[int, int, int] | None:
        try:
            found = self._file.stat() if self._file is not None else None
        except OSError:
            return None
        return (found.st_mtime_ns, found.st_size, found.st_ino) if found else None

    @property
    def _where(self) -> str:
        return f"{VARIABLE} (the file {self._file})" if self._file else VARIABLE

    def _text(self) -> str:
        assert self._file is not None  # noqa: S101 - every caller has looked
        try:
            return self._file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
            raise InvalidInput(
                f"{self._where} cannot be read: {why}", hint="see its path; an empty file pins nothing"
            ) from error


def parse_pins(text: str, where: str = VARIABLE) -> dict[str, str]:
    """Selectors, or directories of working copies, by bundle. where: what to call the text in an error. Raises InvalidInput."""
    pins: dict[str, str] = {}
    for line in text.splitlines():
        for pin in filter(None, map(str.strip, line.partition("#")[0].split(","))):
            try:
                bundle, selector = _pin(pin)
            except PinsetError as error:
                raise InvalidInput(
                    f"{where} has a pin that is none: {error.message}", hint=error.hint or "write NAME@v8"
                ) from error
            if pins.setdefault(bundle, selector) != selector:
                raise InvalidInput(
                    f"{where} pins {bundle} twice: to {pins[bundle]} and to {selector}", hint="leave one of them"
                )
    return pins


def _pin(text: str) -> tuple[str, str]:
    name, equals, directory = text.partition("=")
    if not equals:
        wanted = parse(text, default=None)
        return wanted.bundle, wanted.selector.text
    if not is_working_copy(directory):
        raise InvalidInput(f"{show(directory)} is no directory", hint=f"write {name}=./DIR, or {name}@v8")
    return bundle_name(name), directory
