"""Versions: what publishing a release and publishing a shared component have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from pinset.domain import findings, names, sealed
from pinset.domain.access import EVERYTHING, Verb, permit
from pinset.domain.assembly import Found, Surroundings
from pinset.errors import AlreadyExists, Conflict, ContentPurged, InvalidInput
from pinset.services import naming, reading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pinset.domain.access import Grant
    from pinset.domain.assembly import Assembled
    from pinset.domain.references import ComponentReference, Selector
    from pinset.domain.sealed import Sealed
    from pinset.ports.catalog import CatalogReader, ComponentRow, ReleaseRow
    from pinset.ports.registry import Caller
    from pinset.services.session import Context, Session

Row = TypeVar("Row", "ReleaseRow", "ComponentRow")
Asked: TypeAlias = tuple[str, tuple[Any, ...], Any]
"""A question of `Surroundings` by name, what it was about, and its answer."""


class Checked:
    """What assembling and checking came to, before the lock was taken, and how to make sure of it under the lock.

    The checks take most of the time of a publish and need no lock; only what they asked the registry is asked again.
    Raises what the findings amount to.
    """

    def __init__(
        self, context: Context, caller: Caller, assemble: Callable[[Surroundings], Assembled], allow: Sequence[str]
    ) -> None:
        self._assemble = assemble
        self._grants = caller.grants
        self._allow = allow
        self._asked: list[Asked] = []
        with reading.view(context) as reader:
            self.result = self._accepted(noting(surroundings(reader, self._grants), self._asked))

    def confirm(self, session: Session) -> Assembled:
        """The result as it is under the lock."""
        around = surroundings(session.catalog, self._grants)
        if any(getattr(around, what)(*about) != answer for what, about, answer in self._asked):
            self.result = self._accepted(around)
        return self.result

    def waived(self) -> tuple[str, ...]:
        """The codes that were found and that a person allowed."""
        return tuple(sorted({f.code for f in self.result.findings if f.judgement}.intersection(self._allow)))

    def _accepted(self, around: Surroundings) -> Assembled:
        result = self._assemble(around)
        findings.refuse(findings.as_answers(result.findings), self._allow)
        return result


def surroundings(reader: CatalogReader, grants: tuple[Grant, ...] = EVERYTHING) -> Surroundings:
    """What one view of the registry knows. grants: nothing is said of a bundle that may be neither read nor published."""

    def need(bundle: str) -> None:
        if not may_be_told(bundle):
            permit(grants, Verb.READ, bundle)

    def may_be_told(bundle: str) -> bool:
        return any(naming.may_any(grants, verb, reader, bundle) for verb in (Verb.PUBLISH, Verb.READ))

    def called(bundle: str) -> tuple[str, ...]:
        known = naming.named(reader)
        others = (name for name in known.names(bundle) if name != known.called(bundle))
        return (known.called(bundle), *others) if may_be_told(bundle) else (bundle,)

    def component(reference: ComponentReference) -> Found | None:
        row = reading.find_component(reader, reference)
        if row is None:
            return None
        reading.refuse_purged(row)
        form = reader.sealed_component(reference.kind, reference.name, row.record.version)
        return Found(version=row.record.version, digest=row.record.digest, sealed=form)

    def version(bundle: str, selector: Selector) -> int | None:
        need(bundle)
        row = reading.select(reader, bundle, selector)
        return row.record.version if row else None

    def serving(bundle: str) -> int | None:
        need(bundle)
        move = reader.alias(bundle, names.DEFAULT_ALIAS)
        return move.record.to_version if move else None

    return Surroundings(component=component, version=version, serving=serving, called=called)


def existing(same: Sequence[Row], label: str | None, by_label: Callable[[str], Row | None], digest: str) -> Row | None:
    """What is published already and answers for this content: None where a new version is due.

    Raises AlreadyExists where the label is held by other content.
    """
    for row in same:
        reading.refuse_purged(row)
    holder = by_label(label) if label is not None else None
    if holder is not None and holder.record.digest != digest:
        raise AlreadyExists(
            f"the label {label} is taken by v{holder.record.version}, which has other content",
            hint="labels are never moved: choose another one",
            details={"version": holder.record.version, "digest": holder.record.digest},
        )
    if holder is not None:
        return holder
    return same[0] if same and label is None else None


def refuse_purged_texts(reader: CatalogReader, form: Sealed) -> None:
    """Raises ContentPurged for content that was purged: somebody still has it, and publishes it again."""
    named = {sealed.sha256(text): path for path, text in form.files.items()}
    found = sorted(named[one] for one in reader.purged_texts(named))
    if found:
        raise ContentPurged(
            f"{', '.join(found[:5])} has exactly the text that was purged from this registry",
            hint="remove from it what had to go, and publish it then",
            details={"files": found},
        )


def check_number(wanted: int | None) -> None:
    """Raises InvalidInput for a number that no version can have."""
    if wanted is not None and not 1 <= wanted <= names.HIGHEST_VERSION:
        raise InvalidInput(
            f"{wanted} cannot be the number of a version", hint=f"use one from 1 to {names.HIGHEST_VERSION}"
        )


def next_number(newest: int, wanted: int | None) -> int:
    """The number of a new version; a wanted one must be above all that exist. Raises Conflict."""
    if newest == names.HIGHEST_VERSION:
        raise Conflict(f"v{newest} is the highest number there is", hint="publish under another name from here on")
    if wanted is None:
        return newest + 1
    if wanted <= newest:
        raise Conflict(
            f"the number {wanted} is not free: the newest is v{newest}", hint=f"use a number from {newest + 1}"
        )
    return wanted


def noting(around: Surroundings, asked: list[Asked]) -> Surroundings:
    """The same surroundings, which write down what they were asked."""

    def noted(what: str) -> Callable[..., Any]:
        def ask(*about: Any) -> Any:
            answer = getattr(around, what)(*about)
            asked.append((what, about, answer))
            return answer

        return ask

    return Surroundings(
        component=noted("component"), version=noted("version"), serving=noted("serving"), called=noted("called")
    )
