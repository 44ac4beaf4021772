"""A working copy as a source of releases: assembled as a registry would, read again when its files change."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from pinset.domain import findings
from pinset.domain.assembly import apart, assemble_release
from pinset.domain.document import SCHEMA
from pinset.domain.messages import format_time
from pinset.errors import ChecksFailed, InvalidInput, PinsetError
from pinset.working import files
from pinset.working.components import missing_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pinset.domain.sealed import Sealed
    from pinset.working.components import Components

ORIGIN: Final = "working copy"
"""What its releases say of who published them and which registry they are of."""
SETTLED_SECONDS: Final = 0.2
"""How long files must have stayed as they are before a change counts: who saves several is not met half way."""
AGAIN_SECONDS: Final = 5.0
"""Until what was missing from the registry is asked for again, though no file has changed."""


def sealed_answer(sealed: Sealed, *, bundle: str, ref: str, at: int = 0) -> dict[str, Any]:
    """A sealed form that no registry has numbered, in the shape in which registries give theirs.

    It has version 0, which no published release has, and no label, alias or commit; its digest is real. at: microseconds.
    """
    return {
        "schema": SCHEMA,
        "registry": ORIGIN,
        "epoch": 0,
        "ref": ref,
        "bundle": bundle,
        "version": 0,
        "label": None,
        "digest": sealed.digest,
        "commit": "",
        "serial": 0,
        "published_at": format_time(at),
        "published_by": ORIGIN,
        "message": "",
        "source": None,
        "rollback_to": None,
        "yanked": None,
        "alias": None,
        "manifest": sealed.manifest,
        "files": dict(sealed.files),
        "proof": {"release": "", "move": None},
    }


def assemble(texts: Mapping[str, str], components: Components, *, bundle: str | None, ref: str) -> tuple[str, Sealed]:
    """The bundle that author's files are of, and its sealed form. What a person could allow is allowed here.

    Raises InvalidManifest, ChecksFailed with all findings; ChecksFailed too where components are nowhere.
    """
    components.begin()
    result = assemble_release(texts, apart(components.find), bundle=bundle)
    found = findings.as_answers(result.findings)
    lacking = missing_of(components, ref)
    if lacking is not None:
        raise ChecksFailed(lacking["message"], hint=lacking["hint"], details={"findings": found})
    findings.refuse(found, findings.JUDGEMENTS)
    if result.sealed is None or result.draft.bundle is None:
        raise AssertionError("a release without errors is sealed and has a bundle")
    return result.draft.bundle, result.sealed


class WorkingCopy:
    """Implements `pinset.client.source.Source` for one bundle. shown: the directory as its user wrote it."""

    def __init__(
        self,
        bundle: str,
        directory: Path,
        components: Components,
        shown: str,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.address = directory.as_uri()
        self._bundle, self._directory, self._components = bundle, directory, components
        self._ref, self._clock = f"{bundle}@{shown}", clock
        self._mark: str | None = None
        """Of the files when they were last looked at; a change counts once it has settled."""
        self._settled = 0.0
        self._read: tuple[str, dict[str, Any] | PinsetError] | None = None
        """What the files made when they were last read, and their mark then."""
        self._again = 0.0

    def fetch(
        self,
        bundle: str,  # noqa: ARG002 - it has one
        selector: str,  # noqa: ARG002 - and is what it is
        tag: str | None,
        seconds: float,  # noqa: ARG002 - nothing is waited for
        holds: str | None = None,  # noqa: ARG002 - nobody counts
    ) -> tuple[dict[str, Any] | None, str | None]:
        """The release that the files make; None where that is what ``tag`` stands for.

        Raises as `assemble`, and what reading raises; the same error again while nothing has changed.
        """
        try:
            mark, found = self._looked()
        except OSError as error:
            why = f"{self._ref} cannot be read: {error.strerror or error}"
            raise InvalidInput(why, hint="see its path, and the permissions of what is in it and beside it") from error
        if isinstance(found, PinsetError):
            raise found
        return (None if mark == tag else found), mark

    def _looked(self) -> tuple[str, dict[str, Any] | PinsetError]:
        """What the files make, read again where they changed and nobody is writing any more."""
        now, own = self._clock(), files.mark_of(self._directory)
        mark = _joined(own, {path: files.mark_of(path) for path in self._components.beside})
        if mark != self._mark:
            self._mark, self._settled = mark, now + SETTLED_SECONDS
        if self._read is not None and (now < self._settled or (self._read[0] == mark and now < self._again)):
            return self._read
        self._again = float("inf")
        try:
            sealed = self._sealed()
        except PinsetError as error:
            found: dict[str, Any] | PinsetError = error
            if self._components.missing:
                self._again = now + AGAIN_SECONDS
        else:
            found = sealed_answer(sealed, bundle=self._bundle, ref=self._ref, at=time.time_ns() // 1000)
        self._mark = _joined(own, self._components.beside)
        self._read = (self._mark, found)
        return self._read

    def _sealed(self) -> Sealed:
        texts = files.read_bundle(self._directory)
        return assemble(texts, self._components, bundle=self._bundle, ref=self._ref)[1]

    def forked(self) -> None:
        """Nothing to do: nothing is held open."""

    def close(self) -> None:
        """Nothing to release."""


def _joined(own: str, beside: Mapping[Path, str]) -> str:
    """The mark of a working copy's files and of the components that were read beside them."""
    return " ".join([own, *(mark for _, mark in sorted(beside.items()))])
