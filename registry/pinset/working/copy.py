"""A working copy as a source of releases: assembled as a registry would, read again when its files change."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from pinset.domain import findings
from pinset.domain.assembly import apart, assemble_release
from pinset.domain.document import SCHEMA
from pinset.domain.messages import format_time
from pinset.errors import ChecksFailed, PinsetError
from pinset.working import files
from pinset.working.components import missing_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pinset.domain.sealed import Sealed
    from pinset.working.components import Components

ORIGIN: Final = "working copy"
"""What its releases say of who published them and which registry they are of."""
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

    def __init__(self, bundle: str, directory: Path, components: Components, shown: str) -> None:
        self.address = directory.as_uri()
        self._bundle, self._directory, self._components = bundle, directory, components
        self._ref = f"{bundle}@{shown}"
        self._failed: tuple[str, float, PinsetError] | None = None

    def fetch(
        self,
        bundle: str,  # noqa: ARG002 - it has one
        selector: str,  # noqa: ARG002 - and is what it is
        tag: str | None,
        seconds: float,  # noqa: ARG002 - nothing is waited for
        holds: str | None = None,  # noqa: ARG002 - nobody counts
    ) -> tuple[dict[str, Any] | None, str | None]:
        """The release that the files make now; None where none of them changed since ``tag``.

        Raises as `assemble`, and what reading raises; the same error again while nothing has changed.
        """
        folder = self._components.folder
        mark = files.mark_of(self._directory, *([folder] if folder is not None else []))
        if mark == tag:
            return None, tag
        if self._failed is not None and self._failed[0] == mark and time.monotonic() < self._failed[1]:
            raise self._failed[2]
        try:
            sealed = self._sealed()
        except PinsetError as error:
            again = time.monotonic() + AGAIN_SECONDS if self._components.missing else float("inf")
            self._failed = (mark, again, error)
            raise
        return sealed_answer(sealed, bundle=self._bundle, ref=self._ref, at=time.time_ns() // 1000), mark

    def _sealed(self) -> Sealed:
        texts = files.read_bundle(self._directory)
        return assemble(texts, self._components, bundle=self._bundle, ref=self._ref)[1]

    def forked(self) -> None:
        """Nothing to do: nothing is held open."""

    def close(self) -> None:
        """Nothing to release."""
