"""A release from a release: some values and files of one are changed, and all other texts are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinset.domain import names
from pinset.domain.access import Verb
from pinset.domain.diff import as_json, compare
from pinset.domain.document import content_of
from pinset.domain.manifest import edits as editing
from pinset.domain.moves import alias_moved
from pinset.domain.references import SelectorKind, parse
from pinset.services import naming, publish, reading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinset.domain.answers.changes import DerivedAnswer
    from pinset.domain.edits import Edits
    from pinset.domain.references import Reference
    from pinset.domain.sealed import Sealed
    from pinset.ports.catalog import CatalogReader, ReleaseRow
    from pinset.ports.registry import Caller
    from pinset.services.session import Context

TO_BE = "to be published"


def derive(
    context: Context,
    caller: Caller,
    reference: str,
    edits: Edits,
    *,
    message: str = "",
    label: str | None = None,
    alias: str | None = None,
    source: Mapping[str, Any] | str | None = None,
    number: int | None = None,
    allow: Sequence[str] = (),
) -> DerivedAnswer:
    """Publish a release that is another one with some values and files changed."""
    wanted = parse(reference, default=None)
    naming.need(context, caller, Verb.PUBLISH, wanted.bundle)
    if alias is not None:
        naming.need(context, caller, Verb.PROMOTE, wanted.bundle, names.alias_name(alias))
    if label is not None:
        names.label_name(label)
    reading.permit(context, wanted)
    with reading.view(context) as reader:
        base, _ = reading.find_release(reader, wanted)
        reading.refuse_purged(base)
        form = reader.sealed_release(base.record.bundle, base.record.version)
    before = editing.author_files(form.files)
    files = editing.apply(before, edits, label=label)
    made = publish.published(
        context,
        caller,
        files,
        publish.Succession(
            base.record.which,
            base.record.digest,
            {"from": str(wanted), **edits.as_json()},
            lambda seen: _confirm(seen, wanted, base, alias),
        ),
        bundle=wanted.bundle,
        message=message,
        label=label,
        alias=alias,
        source=source,
        number=number,
        allow=allow,
    )
    return {
        **made.answer,
        "made_from": str(base.record.which),
        "changed": sorted(path for path in {*before, *files} if before.get(path) != files.get(path)),
        "diff": _diff(base, form, made, files != before) if caller.dry_run else None,
    }


def _confirm(reader: CatalogReader, wanted: Reference, base: ReleaseRow, alias: str | None) -> None:
    """Raises AliasMoved where the alias to be moved is the one the release was named by, and serves another one by now."""
    if wanted.selector.kind is not SelectorKind.ALIAS or wanted.selector.text != alias:
        return
    move = reader.alias(wanted.bundle, wanted.selector.text)
    now, revision = (move.record.to_version, move.commit) if move else (None, None)
    if now != base.record.version:
        expected = f"v{base.record.version}"
        raise alias_moved(wanted.bundle, wanted.selector.text, serves=now, expected=expected, revision=revision)


def _diff(base: ReleaseRow, form: Sealed, made: publish.Published, changed: bool) -> dict[str, Any] | None:  # noqa: FBT001 - of the files
    if not changed:
        return None
    compared = compare(content_of(form), dict(made.content))
    return as_json(compared, old=str(base.record.which), new=f"{base.record.bundle} ({TO_BE})")
