"""Whether a version that comes in is new, is there, or may not be: each is judged with those before it in sight."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pinset.domain import findings, messages, names, provenance
from pinset.domain.records import ComponentRecord, ReleaseRecord
from pinset.domain.records import Version as Which
from pinset.domain.references import Selector, SelectorKind
from pinset.errors import Conflict, PinsetError
from pinset.services import naming, reading, resealing, spelling, versions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pinset.domain.access import Grant
    from pinset.domain.answers import FindingAnswer
    from pinset.domain.answers.imports import ImportedAnswer
    from pinset.domain.assembly import Assembled, Surroundings
    from pinset.domain.sealed import Sealed
    from pinset.ports.catalog import BundleRow, CatalogReader, ComponentRow, ReleaseRow
    from pinset.ports.imports import Version
    from pinset.services.session import Session


UNPINNED: Final = frozenset({"model-unpinned", "model-floating"})
"""Judgements of pins that were missing elsewhere as well: what was served there comes in as it was, and that is kept with it."""


class Due(NamedTuple):
    """A version that is to be written. waived: codes of judgements that were found and are overridden."""

    name: str
    version: int
    label: str | None
    form: Sealed
    message: str
    source: str | None
    rollback_to: int | None
    waived: tuple[str, ...]
    findings: list[FindingAnswer]

    @property
    def files(self) -> dict[str, str]:
        """Every text by path, the sealed manifest among them."""
        return {resealing.manifest_of(self.name): self.form.manifest, **self.form.files}


class _Ahead(NamedTuple):
    """A version that the same write makes. Nobody sees it yet."""

    number: int
    label: str | None
    digest: str

    @classmethod
    def of(cls, due: Due) -> _Ahead:
        """A version that is to be written."""
        return cls(due.version, due.label.lower() if due.label is not None else None, due.form.digest)


@dataclass(slots=True)
class _Assembly:
    """What assembling came to, and what it asked the registry."""

    result: Assembled
    asked: list[versions.Asked]


@dataclass(slots=True)
class Judge:
    """Judges the versions of one write in their order: in a view, and once more under the lock, where little is done again.

    allow: codes of judgements that a person overrides.
    """

    grants: tuple[Grant, ...]
    allow: Sequence[str]
    _assemblies: dict[int, _Assembly] = field(default_factory=dict)
    _ahead: dict[str, list[_Ahead]] = field(default_factory=lambda: defaultdict(list))
    _spelled: set[tuple[str, str]] = field(default_factory=set)
    _reader: CatalogReader | None = None
    _serial: int | None = None
    _judged: dict[int, Due | ImportedAnswer] = field(default_factory=dict)
    """What was found at `_serial`: as long as nothing was written since, it is so."""

    def begin(self, reader: CatalogReader) -> None:
        """Go through the versions from the first on, with what a reader says."""
        serial = reader.head().serial
        if serial != self._serial:
            self._judged.clear()
        self._reader, self._serial = reader, serial
        self._ahead.clear()

    def judged(self, at: int, one: Version) -> Due | ImportedAnswer:
        """What is to be done about the version at a place. Raises what refuses it."""
        if at not in self._judged:
            self._judged[at] = self._judge(at, one)
            return self._judged[at]
        found = self._judged[at]
        if isinstance(found, Due):
            self._ahead[found.name].append(_Ahead.of(found))
        return found

    def _judge(self, at: int, one: Version) -> Due | ImportedAnswer:
        reader = self._reader
        if reader is None:
            raise AssertionError("a judge is asked only after it has begun")
        place = _place(reader, one)
        source = provenance.recorded(one.source)
        origin = (provenance.fields_of(source) or {}).get("origin")
        versions.check_number(one.number)
        if one.label is not None:
            names.label_name(one.label)
        holder = place.holder(one)
        ahead = self._ahead[place.name]
        if holder is not None and origin is not None and _origin(holder) == origin:
            return answer_of(one, "already", holder.record, holder.commit, [])
        result = self._assembled(at, one, place)
        form = result.sealed
        if form is None:
            raise AssertionError("what was accepted is sealed")
        told = findings.as_answers(result.findings)
        label = one.label or result.draft.label
        if holder is None and label is not None:
            holder = place.by_label(label)
        if holder is None and one.number is None and label is None:
            holder = next(iter(place.same(form.digest)), None)
        if holder is not None:
            if holder.record.digest == form.digest and (one.number or holder.record.version) == holder.record.version:
                reading.refuse_purged(holder)
                return answer_of(one, "already", holder.record, holder.commit, told)
            return _conflict(one, holder, told)
        folded = label.lower() if label is not None else None
        for other in ahead:
            if other.number == one.number or (folded is not None and other.label == folded):
                raise Conflict(
                    "another version of the same write has this number or label", hint="send each version once"
                )
        if "/" not in place.name and not ahead:
            reading.refuse_archived(reader, place.name)
        versions.refuse_purged_texts(reader, form)
        number = versions.next_number(ahead[-1].number if ahead else place.newest(), one.number)
        waived = tuple(sorted({f.code for f in result.findings if f.judgement}.intersection(self._allowed(one))))
        words = messages.clean_words(one.message)
        due = Due(place.name, number, label, form, words, source, result.rollback_to, waived, told)
        ahead.append(_Ahead.of(due))
        return due

    def dropped(self, due: Due) -> None:
        """A version is not to be written after all: it was the last that was judged."""
        self._ahead[due.name].pop()
        self._judged.clear()  # others were judged with it in sight

    def spelled(self, session: Session, one: Version, due: Due) -> BundleRow | None:
        """The bundle as it is to be where this version gives it a spelling. Raises what `services.spelling.asked` does."""
        key = (due.name, one.spelled or "")
        if one.spelled is None or key in self._spelled:
            return None
        found = spelling.asked(session, due.name, spelling.given(one.spelled))
        self._spelled.add(key)
        return found

    def _assembled(self, at: int, one: Version, place: _Place) -> Assembled:
        """A version, made and checked; not again where the registry would say the same to it. Raises what refuses it."""
        reader: Any = self._reader
        around = self._with_ahead(versions.surroundings(reader, self.grants), place.name)
        kept = self._assemblies.get(at)
        if kept is None or any(getattr(around, what)(*about) != answer for what, about, answer in kept.asked):
            asked: list[versions.Asked] = []
            noted = versions.noting(around, asked)
            made = (
                resealing.resealed(one, place.name, noted)
                if one.digest is not None
                else resealing.assembled(one, place.name, noted)
            )
            kept = self._assemblies[at] = _Assembly(made, asked)
            findings.refuse(findings.as_answers(kept.result.findings), self._allowed(one))
        return kept.result

    def _allowed(self, one: Version) -> frozenset[str]:
        """The judgements that are overridden for a version: what was published elsewhere need not have had pins."""
        return frozenset(self.allow) | (UNPINNED if one.source.get("origin") else frozenset())

    def _with_ahead(self, around: Surroundings, name: str) -> Surroundings:
        """The surroundings, with the versions of the bundle that the same write makes."""

        def version(bundle: str, selector: Selector) -> int | None:
            found = around.version(bundle, selector)
            ahead = self._ahead[name] if found is None else ()
            return next((one.number for one in ahead if _is_named(one, selector)), found)

        return replace(around, version=version)


class _Place(NamedTuple):
    """Where a version belongs, and what is there. name: of now."""

    name: str
    by_number: Callable[[int], ReleaseRow | ComponentRow | None]
    by_label: Callable[[str], ReleaseRow | ComponentRow | None]
    same: Callable[[str], Sequence[ReleaseRow | ComponentRow]]
    newest: Callable[[], int]

    def holder(self, one: Version) -> ReleaseRow | ComponentRow | None:
        """What has the number, else the label, of a version."""
        found = self.by_number(one.number) if one.number is not None else None
        return found or (self.by_label(one.label) if one.label is not None else None)


def _place(reader: CatalogReader, one: Version) -> _Place:
    kind, slash, name = one.name.partition("/")
    if slash:
        names.component_kind(kind)
        names.component_name(name)

        def newest_component() -> int:
            rows = reader.component_versions(kind, name, limit=1)
            return rows[0].record.version if rows else 0

        def numbered(number: int) -> ComponentRow | None:
            rows = reader.component_versions(kind, name, before=number + 1, limit=1)
            return rows[0] if rows and rows[0].record.version == number else None

        return _Place(
            one.name,
            numbered,
            lambda label: reader.component_by_label(kind, name, label),
            lambda digest: reader.components_by_digest(kind, name, digest),
            newest_component,
        )
    bundle = naming.named(reader).called(names.bundle_name(one.name))

    def newest() -> int:
        row = reader.bundle(bundle)
        return row.newest if row else 0

    return _Place(
        bundle,
        lambda number: reader.release(bundle, number),
        lambda label: reader.release_by_label(bundle, label),
        lambda digest: reader.releases_by_digest(bundle, digest),
        newest,
    )


def answer_of(
    one: Version,
    outcome: str,
    record: ReleaseRecord | ComponentRecord,
    commit: str,
    found: list[FindingAnswer],
) -> ImportedAnswer:
    """What became of a version that is there now."""
    return {
        "name": record.bundle if isinstance(record, ReleaseRecord) else f"{record.kind}/{record.name}",
        "origin": one.source.get("origin"),
        "outcome": outcome,
        "version": record.version,
        "label": record.label,
        "digest": record.digest,
        "commit": commit,
        "findings": found,
        "problem": None,
    }


def refusal_of(one: Version, error: PinsetError) -> ImportedAnswer:
    """What became of a version that may not be."""
    return {
        "name": one.name,
        "origin": one.source.get("origin"),
        "outcome": "conflict" if isinstance(error, Conflict) else "refused",
        "version": one.number,
        "label": one.label,
        "digest": None,
        "commit": None,
        "findings": error.details.get("findings", []),
        "problem": {"code": error.code, "message": error.message, "hint": error.hint},
    }


def which(item: ImportedAnswer) -> Which:
    """The version that an answer names."""
    return Which(item["name"], item["version"] or 0)


def _conflict(one: Version, holder: ReleaseRow | ComponentRow, found: list[FindingAnswer]) -> ImportedAnswer:
    """The answer for a version whose number or label another one has."""
    record = holder.record
    by = f"v{record.version}" if one.number == record.version else f"the label {record.label}, of v{record.version},"
    error = Conflict(
        f"{by} is there, and has other content",
        hint="take it in as another bundle (--into), or leave it as it is",
        details={"findings": found},
    )
    return {**refusal_of(one, error), "digest": record.digest, "commit": holder.commit}


def _origin(row: ReleaseRow | ComponentRow) -> str | None:
    """What a version was elsewhere, as far as it is recorded."""
    record = row.record
    fields = provenance.fields_of(record.source) if isinstance(record, ReleaseRecord) else None
    return (fields or {}).get("origin")


def _is_named(one: _Ahead, selector: Selector) -> bool:
    match selector.kind:
        case SelectorKind.VERSION:
            return one.number == selector.version
        case SelectorKind.LABEL:
            return one.label == selector.text.lower()
        case SelectorKind.DIGEST:
            return one.digest.startswith(selector.text)
        case _:
            return False
