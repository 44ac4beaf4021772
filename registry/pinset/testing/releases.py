"""Releases for tests: assembled from author's files, checked as a registry checks them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pinset.client.release import Release, Standing
from pinset.domain.references import is_working_copy
from pinset.working import files
from pinset.working.components import Components, folder_near
from pinset.working.copy import ORIGIN, assemble, sealed_answer

if TYPE_CHECKING:
    from pinset.domain.sealed import Sealed

Files = str | Path | Mapping[str, str]
"""A directory with ``release.yaml``, or texts by path with ``release.yaml`` among them."""


def working_copy(directory: str | Path, *, components: str | Path | None = None) -> Release:
    """The release that a directory makes now; its version is 0, and its source ``working copy``.

    components: the folder of the shared components it refers to; by default the folder ``components`` beside it, or
    above it. Raises InvalidManifest, ChecksFailed with findings in the details.
    """
    shown = str(directory)
    return _release(directory, components, shown if is_working_copy(shown) else f"./{shown}")


def release_of(texts: Mapping[str, str], *, components: str | Path | None = None) -> Release:
    """The release that texts by path make, ``release.yaml`` among them. Raises as `working_copy`."""
    return _release(texts, components, "./")


def _release(what: Files, components: str | Path | None, shown: str) -> Release:
    bundle, sealed = assembled(what, components)
    return Release(sealed_answer(sealed, bundle=bundle, ref=f"{bundle}@{shown}"), Standing(ORIGIN))


def assembled(what: Files, components: str | Path | None, bundle: str | None = None) -> tuple[str, Sealed]:
    """The bundle and sealed form of author's files. bundle: what the manifest must say."""
    if isinstance(what, Mapping):
        texts, folder, shown = what, None, "./"
    else:
        place = Path(what).expanduser().absolute()
        texts, folder, shown = files.read_bundle(place), folder_near(place), str(what)
    given = Path(components).expanduser().absolute() if components is not None else folder
    return assemble(texts, Components(None, given), bundle=bundle, ref=shown)
