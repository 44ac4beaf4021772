"""A successor of what a bundle has: who says only a part of it anew gets the rest of the newest release with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pinset.domain.access import Verb
from pinset.domain.manifest import edits as editing
from pinset.errors import Busy
from pinset.services import naming, publish, reading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pinset.domain import answers
    from pinset.ports.catalog import CatalogReader, ReleaseRow
    from pinset.ports.registry import Caller
    from pinset.services.session import Context

    Make = Callable[[answers.ReleaseAnswer | None, Mapping[str, str]], Mapping[str, str]]
    """Of the newest release and its author's files, the author's files of the one after it; of None and {} the first."""

_TRIES: Final = 10
"""Times that somebody else may publish meanwhile."""


class _MovedOnError(Exception):
    """There is a newer release than the one that was looked at."""


def succeed(
    context: Context,
    caller: Caller,
    bundle: str,
    make: Make,
    *,
    message: str = "",
    alias: str | None = None,
    source: Mapping[str, Any] | str | None = None,
    spelled: str | None = None,
) -> answers.PublishAnswer:
    """Publish what follows the newest release of a bundle, which need not be there yet; see `publish.publish`.

    Of two at once each follows the other: what one of them said anew is not lost to the other. Releases that were purged
    or yanked are not followed. Raises Busy where others publish all the time, and what ``make`` raises.
    """
    naming.need(context, caller, Verb.PUBLISH, bundle)
    for _ in range(_TRIES):
        with reading.view(context) as reader:
            base = reader.latest(bundle)
            if base is not None:
                naming.permit(context, Verb.READ, bundle, reader=reader)
            form = reader.sealed_release(base.record.bundle, base.record.version) if base else None
            document = reading.release_answer(reader, base, None, bundle) if base else None
        files = make(document, editing.author_files(form.files) if form else {})
        asked = {"succeeds": str(base.record.which) if base else None, "to": dict(files)}
        follows = None
        if base is not None:
            follows = publish.Succession(base.record.which, base.record.digest, asked, _confirming(bundle, base))
        try:
            return publish.published(
                context,
                caller,
                files,
                follows,
                bundle=bundle,
                message=message,
                alias=alias,
                source=source,
                spelled=spelled,
            ).answer
        except _MovedOnError:
            continue
    raise Busy(f"others publish releases of {bundle} all the time", hint="send it again in a second")


def _confirming(bundle: str, base: ReleaseRow) -> Callable[[CatalogReader], None]:
    def confirm(reader: CatalogReader) -> None:
        now = reader.latest(bundle)
        if now is None or now.record.version != base.record.version:
            raise _MovedOnError

    return confirm
