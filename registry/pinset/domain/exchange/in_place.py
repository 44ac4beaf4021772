"""A manifest edited where it stands, value by value, so that its comments and its order stay."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.exchange.yaml_text import written
from pinset.domain.text import editing
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinset.domain.text.spans import Path

_EDITS: Final = 200
_WORK: Final = 4_000_000
"""Edits of a manifest, and characters of it times edits; what takes more is written whole."""
_AT_ONCE: Final = 20
"""Entries of a mapping that are changed one by one; where more differ it is written anew."""


class InPlace:
    """An author's files while their manifest is changed. at: which of them that is."""

    def __init__(self, files: dict[str, str], at: str) -> None:
        self.files, self._at, self._is_json = files, at, at.endswith(".json")
        self._left = _EDITS
        self._whole: Any = None

    @property
    def release(self) -> dict[str, Any]:
        """What the manifest says now. Raises InvalidInput for one that says no release."""
        value = self._value() if self._whole is None else self._whole
        found = value.get("release") if isinstance(value, dict) else None
        if not isinstance(found, dict):
            raise InvalidInput("the manifest has no release", hint="begin the manifest with the line: release:")
        return found

    def _value(self) -> Any:
        return editing.placed(self.files[self._at], is_json=self._is_json).value

    def finished(self) -> dict[str, str]:
        """All files."""
        if self._whole is not None:
            text = (
                json.dumps(self._whole, ensure_ascii=False, indent=2) + "\n" if self._is_json else written(self._whole)
            )
            self.files[self._at] = text
        return self.files

    def put(self, path: tuple[str, ...], value: Any) -> None:
        """Set, add or, with None, take out a value below ``release``; of one that is there only what differs is written."""
        here: Any = self.release
        for at, step in enumerate(path[:-1]):
            if not isinstance(here, dict) or step not in here:
                if value is not None:
                    self._write(path[:at], step, _nested(path[at + 1 :], value), is_new=True)
                return
            here = here[step]
        self._settle(path[:-1], path[-1], here, value)

    def _settle(self, above: tuple[str | int, ...], step: str | int, holder: Any, value: Any) -> None:
        entries: Any = holder
        there: Any = entries[step] if isinstance(holder, list) or step in holder else None
        if there is None and value is None:
            return
        if value is None or (isinstance(holder, dict) and step not in holder):
            self._write(above, step, value, is_new=value is not None)
        elif isinstance(there, dict) and isinstance(value, dict) and _is_near(there, value):
            for key in sorted(there.keys() - value.keys()):
                self._write((*above, step), key, None)
            for key, one in value.items():
                self._settle((*above, step), key, there, one)
        elif isinstance(there, list) and isinstance(value, list) and len(there) == len(value):
            for at, one in enumerate(value):
                self._settle((*above, step), at, there, one)
        elif not editing.same(there, value):
            self._write(above, step, value)

    def _write(self, above: tuple[str | int, ...], step: str | int, value: Any, *, is_new: bool = False) -> None:
        """One edit of the manifest, which reads all of it; None takes out what is there."""
        self._left -= 1
        text, path = self.files[self._at], ("release", *above, step)
        if self._whole is None and self._left >= 0 and len(text) * (_EDITS - self._left) <= _WORK:
            try:
                if value is None:
                    text = editing.removed(text, path, is_json=self._is_json)
                elif is_new:
                    text = self._added(text, path, value)
                else:
                    text = editing.replaced(text, path, value, is_json=self._is_json)
            except InvalidInput:
                pass  # it is written in a way that cannot be changed in one place
            else:
                self.files[self._at] = text
                return
        if self._whole is None:
            self._whole = self._value()
        here = self._whole
        for key in path[:-1]:
            here = here[key]
        if value is None:
            del here[step]
        else:
            here[step] = value

    def _added(self, text: str, path: Path, value: Any) -> str:
        try:
            return editing.added(text, path, editing.one_line(value), is_json=self._is_json)
        except InvalidInput:  # it is longer than what is written on a line
            text = editing.added(text, path, '""', is_json=self._is_json)
            return editing.replaced(text, path, value, is_json=self._is_json)


def _nested(path: Sequence[str], value: Any) -> Any:
    """A value below keys that are not there yet."""
    for step in reversed(path):
        value = {step: value}
    return value


def _is_near(there: Mapping[str, Any], value: Mapping[str, Any]) -> bool:
    """Whether a mapping becomes another one by few changes."""
    differ = sum(1 for key in {*there, *value} if key not in there or key not in value or there[key] != value[key])
    return bool(there.keys() & value.keys()) and differ <= _AT_ONCE
