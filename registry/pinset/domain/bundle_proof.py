"""What records of bundles must be like: each follows from those before it, and no name is ever that of two bundles.

Nor is a spelling at the same time; one that was taken from a bundle may be given to another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pinset.domain.exchange.spelling import is_spelling
from pinset.domain.names import show
from pinset.domain.records import BUNDLE_FILE, BundleAction, BundleRecord

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ARCHIVED: Final = {BundleAction.ARCHIVE: True, BundleAction.UNARCHIVE: False}


@dataclass(slots=True)
class Bundles:
    """The bundles that were seen so far. Records in, problems out, in the order of their serials."""

    _names: dict[str, str] = field(default_factory=dict)
    """What every name of a bundle, of now or of before, was first."""
    _said: dict[str, BundleRecord] = field(default_factory=dict)
    """What was said last of a bundle, by its first name."""
    _spelled: dict[str, str] = field(default_factory=dict)
    """Whose each spelling is now, by its first name."""

    def has(self, bundle: str, name: object) -> bool:
        """Whether a bundle (its first name) has or had a name."""
        return isinstance(name, str) and self._names.get(name, name if name == bundle else None) == bundle

    def released(self, bundle: str) -> Iterator[str]:
        """A release is published: what is wrong with the name of its bundle."""
        first = self._names.setdefault(bundle, bundle)
        if first != bundle:
            yield f"is published under a name of {first}"

    def add(self, record: BundleRecord, files: Mapping[str, str]) -> Iterator[str]:
        """Something is said of a bundle: what is wrong with it. files: what its commit holds."""
        if dict(files) != record.files:
            yield f"holds another {BUNDLE_FILE} than it says"
        if self._names.get(record.bundle) != record.bundle:
            yield f"is about the bundle {record.bundle}, which does not exist"
        before = self._said.get(record.bundle)
        name, archived = (before.name, before.archived) if before else (record.bundle, False)
        if record.action is not BundleAction.RENAME and record.name != name:
            yield f"calls the bundle {record.name}, and it is called {name}"
        elif self._names.setdefault(record.name, record.bundle) != record.bundle:
            yield f"takes the name {record.name} of another bundle"
        if record.archived != _ARCHIVED.get(record.action, archived):
            yield "does not say of the bundle whether it is archived as its action does"
        yield from self._respelled(record, before.names if before else ())
        self._said[record.bundle] = record

    def _respelled(self, record: BundleRecord, before: tuple[str, ...]) -> Iterator[str]:
        if record.action is not BundleAction.SET and record.names != before:
            yield "gives the bundle other spellings, which its action does not"
        for spelling in before:
            if spelling not in record.names and self._spelled.get(spelling) == record.bundle:
                del self._spelled[spelling]
        if len(set(record.names)) != len(record.names):
            yield "names a spelling twice"
        for spelling in record.names:
            owner = self._spelled.setdefault(spelling, record.bundle)
            if owner != record.bundle:
                yield f"takes the spelling {show(spelling)} of {owner}"
            if not is_spelling(spelling):
                yield f"has the spelling {show(spelling)}, which is none"
