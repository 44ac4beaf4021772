"""Names: what bundles are called here, and what the store and the catalog know them by.

A bundle that was renamed keeps its first name in git and in the catalog: its commits name it, its branches, its
signatures. Everywhere else it is called by its name of now, and answers to every name that it ever had. This is the one
place where the two meet: `Named` reads the catalog in any name and gives rows in the name of now, and what is written
goes back to the first name by `keyed`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pinset.domain.access import may, may_anywhere
from pinset.domain.access import permit as permit_one
from pinset.domain.records import (
    BundleRecord,
    DecisionRecord,
    EvidenceRecord,
    MoveRecord,
    PurgeRecord,
    ReleaseRecord,
    RequestRecord,
    ResultRecord,
    SignatureRecord,
)
from pinset.errors import Purged
from pinset.ports.catalog import BundleRow, MoveRow, Naming, Passage, ReleaseRow, Use
from pinset.services.recovering import opened

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from pinset.domain.access import Grant, Verb
    from pinset.domain.references import Reference
    from pinset.ports.catalog import CatalogReader
    from pinset.ports.registry import Caller
    from pinset.services.session import Context

R = TypeVar("R")

_OF_BUNDLE: Final = frozenset(
    {
        "alias",
        "aliases",
        "bars",
        "bundle",
        "components_of",
        "latest",
        "listed",
        "move",
        "moves",
        "purged_versions",
        "release",
        "release_by_label",
        "release_count",
        "releases",
        "releases_by_digest",
        "said",
        "sealed_release",
        "served_before",
    }
)
"""Questions whose first argument is a bundle."""
_OF_ANY: Final = frozenset({"changed", "holding", "operation", "records", "search", "where_used"})
"""Questions whose answers name bundles."""
_ABOUT: Final = frozenset({"notes", "trail"})
"""Questions that may be limited to a bundle."""
_NAMED: Final = (BundleRecord, EvidenceRecord, MoveRecord, ReleaseRecord, ResultRecord, SignatureRecord)
_BOUND: Final = (DecisionRecord, RequestRecord)


class Named:
    """A reader of the catalog in which bundles are called what they are called now, and found by any of their names.

    All else is as the catalog has it. Where no bundle was ever renamed it costs one look.
    """

    def __init__(self, reader: CatalogReader) -> None:
        self._reader = reader
        self._renamed: bool | None = None
        self._known: dict[str, Naming | None] = {}

    def __getattr__(self, name: str) -> Any:
        ask = getattr(self._reader, name)
        if name in _OF_BUNDLE:
            return partial(self._of_bundle, ask)
        if name in _ABOUT:
            return partial(self._about, ask)
        return partial(self._of_any, ask) if name in _OF_ANY else ask

    def bundles(self, **asked: Any) -> Sequence[BundleRow]:
        """See `ports.catalog.CatalogReader.bundles`: these rows say both names."""
        return self._reader.bundles(**asked)

    def key(self, name: str) -> str:
        """What a bundle was first called; the name itself where none is called so."""
        found = self._find(name)
        return found.key if found else name

    def called(self, name: str) -> str:
        """What a bundle is called now."""
        found = self._find(name)
        return found.name if found else name

    def names(self, name: str) -> tuple[str, ...]:
        """Every name of a bundle, the oldest first."""
        found = self._find(name)
        return tuple(found.since) if found else (name,)

    def other_refs(self, ref: str) -> list[str]:
        """``bundle@v7`` by the other names of the bundle."""
        bundle, at, version = ref.partition("@")
        return [] if "/" in bundle else [f"{name}{at}{version}" for name in self.names(bundle) if name != bundle]

    def given(self, name: str) -> int | None:
        """The serial of the record that gave a bundle this name; None for its first."""
        found = self._find(name)
        return found.since[name] if found and name != found.key else None

    def learn(self, names: Iterable[str]) -> None:
        """Look up many names at once."""
        unknown = {name for name in names if name and name not in self._known}
        if not unknown or not self._any():
            return
        self._known |= dict.fromkeys(unknown)
        self._known |= self._reader.naming(unknown)

    def keyed(self, record: R) -> R:
        """A record as it is kept: of the bundle's first name."""
        return self._told(record, self.key)

    def shown(self, record: R) -> R:
        """A record as it is told: of the bundle's name of now."""
        return self._told(record, self.called)

    def _any(self) -> bool:
        if self._renamed is None:
            self._renamed = self._reader.renamed()
        return self._renamed

    def _find(self, name: str) -> Naming | None:
        if not self._any():
            return None
        if name not in self._known:
            self.learn([name])
        return self._known.get(name)

    def _of_bundle(self, ask: Callable[..., Any], bundle: str, *more: Any, **others: Any) -> Any:
        try:
            return self._out(ask(self.key(bundle), *more, **others))
        except Purged as error:
            raise self._purged(error) from None

    def _purged(self, error: Purged) -> Purged:
        """What is said of a release that is gone, by the name of now."""
        ref = str(error.details.get("ref", ""))
        told, first = _renamed_ref(ref, self.called), ref.partition("@")[0]
        if told == ref:
            return error
        hint = error.hint.replace(f" {first}", f" {self.called(first)}")
        return Purged(error.message.replace(ref, told, 1), hint=hint, details={**error.details, "ref": told})

    def _about(self, ask: Callable[..., Any], *more: Any, bundle: str | None = None, **others: Any) -> Any:
        return self._out(ask(*more, bundle=self.key(bundle) if bundle else bundle, **others))

    def _of_any(self, ask: Callable[..., Any], *more: Any, **others: Any) -> Any:
        return self._out(ask(*more, **others))

    def _out(self, found: Any) -> Any:
        """What the catalog answered, in the names of now."""
        if not self._any():
            return found
        if isinstance(found, list):
            self.learn(name for one in found for name in _bundles_in(one))
            return [self._one(one) for one in found]
        return self._one(found)

    def _one(self, found: Any) -> Any:
        match found:
            case ReleaseRow() | MoveRow():
                record: Any = self.shown(found.record)
                return found if record is found.record else replace(found, record=record)
            case Passage() if "/" not in found.key:
                return found._replace(key=self.called(found.key))
            case Use():
                return replace(found, bundle=self.called(found.bundle))
            case (str() as commit, record):
                return commit, self.shown(record)
            case (row, paths):
                return self._one(row), paths
            case _:
                return found

    def _told(self, record: R, name: Callable[[str], str]) -> R:
        anew: Any = record
        if isinstance(record, _NAMED):
            anew = _changed(record, bundle=name(record.bundle))
            if isinstance(anew, ReleaseRecord) and anew.made_from is not None:
                anew = _changed(anew, made_from=anew.made_from._replace(name=anew.bundle))
        elif isinstance(record, _BOUND) and record.binding.bundle:
            anew = _changed(record, binding=_changed(record.binding, bundle=name(record.binding.bundle)))
        elif isinstance(record, PurgeRecord):
            anew = _changed(record, purged=tuple(_renamed_ref(ref, name) for ref in record.purged))
        told: R = anew
        return told


def named(reader: CatalogReader) -> Named:
    """The names of a reader that `reading.view` or a session gave."""
    if not isinstance(reader, Named):
        raise TypeError("only a reader in the names of now knows what they were")
    return reader


def canonical(reader: CatalogReader, reference: Reference) -> Reference:
    """A reference by the name that its bundle has now."""
    bundle = named(reader).called(reference.bundle)
    return reference if bundle == reference.bundle else replace(reference, bundle=bundle)


def called_ref(reader: CatalogReader, ref: str) -> str:
    """``bundle@v7`` by the name that the bundle has now; ``kind/name@v3`` is as it is."""
    return _renamed_ref(ref, named(reader).called)


def names_of(context: Context, bundle: str) -> tuple[str, ...]:
    """Every name of a bundle, the oldest first; where there is none, what was asked. Not within a view."""
    with opened(context) as reader:
        return Named(reader).names(bundle)


def permit(
    context: Context, verb: Verb, bundle: str = "", alias: str = "", *, reader: CatalogReader | None = None
) -> None:
    """Raises PermissionDenied where who reads may not do this to a bundle under any of its names.

    reader: of the view that is open; None where none is.
    """
    _permit(context, context.grants, verb, bundle, alias, reader)


def need(
    context: Context, caller: Caller, verb: Verb, bundle: str, alias: str = "", *, reader: CatalogReader | None = None
) -> None:
    """Raises PermissionDenied where a caller may not do this to a bundle under any of its names. reader: as for `permit`."""
    _permit(context, caller.grants, verb, bundle, alias, reader)


def may_any(grants: tuple[Grant, ...], verb: Verb, reader: CatalogReader, bundle: str, alias: str = "") -> bool:
    """Whether any of the grants allows a verb on a bundle under any of its names."""
    if may(grants, verb, bundle, alias):
        return True
    return bool(bundle) and any(may(grants, verb, name, alias) for name in named(reader).names(bundle))


def _permit(
    context: Context, grants: tuple[Grant, ...], verb: Verb, bundle: str, alias: str, reader: CatalogReader | None
) -> None:
    # Only who would be refused costs a look.
    if may(grants, verb, bundle, alias):
        return
    if bundle and may_anywhere(grants, verb):
        names = named(reader).names(bundle) if reader is not None else names_of(context, bundle)
        if any(may(grants, verb, name, alias) for name in names):
            return
    permit_one(grants, verb, bundle, alias)


def _changed(record: Any, **values: Any) -> Any:
    """The same where the values are those that it has."""
    same = all(getattr(record, name) == value for name, value in values.items())
    return record if same else replace(record, **values)


def _renamed_ref(ref: str, name: Callable[[str], str]) -> str:
    bundle, at, version = ref.partition("@")
    return ref if "/" in bundle else f"{name(bundle)}{at}{version}"


def _bundles_in(found: Any) -> Collection[str]:
    """The bundles that an answer names."""
    if isinstance(found, Passage):
        return [] if "/" in found.key else [found.key]
    if isinstance(found, tuple):
        found = found[1] if isinstance(found[0], str) else found[0]
    record = getattr(found, "record", found)
    if isinstance(record, PurgeRecord):
        return [ref.partition("@")[0] for ref in record.purged if "/" not in ref]
    bundle = getattr(getattr(record, "binding", record), "bundle", "")
    return (bundle,) if bundle else ()
