"""Where the shared components of a working copy come from: the registry, else a folder ``components/``."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pinset.domain import findings
from pinset.domain.assembly import Found, apart, assemble_component
from pinset.domain.references import SelectorKind
from pinset.domain.sealed import COMPONENTS, Sealed, verify
from pinset.errors import InvalidInput, NotFound, PinsetError, Unavailable
from pinset.working import files

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pinset.domain.answers import ComponentAnswer
    from pinset.domain.references import ComponentReference

    Ask = Callable[[ComponentReference], ComponentAnswer]
    """What a registry says of one version of a component. Raises NotFound, and Unavailable and the like."""

_log = logging.getLogger("pinset.client")
UNNUMBERED: Final = 0
"""The version of a component from a folder that is asked for by label or digest: nobody has counted it."""


def folder_near(directory: Path) -> Path | None:
    """The folder ``components`` beside a working copy, else the nearest above it, within its git repository."""
    for above in directory.parents:
        if (above / COMPONENTS).is_dir():
            return above / COMPONENTS
        if (above / ".git").exists():
            return None
    return None


class Components:
    """Finds components for one working copy. What a registry gave is kept: a version never changes.

    ask: the registry; None where there is none. folder: None where there is none.
    """

    def __init__(self, ask: Ask | None, folder: Path | None) -> None:
        self._ask, self._folder = ask, folder
        self._known: dict[str, Found] = {}
        self._open: list[str] = []
        self.missing: list[str] = []
        """What was found nowhere since `begin`."""
        self.beside: dict[Path, str] = {}
        """What was found in the folder since `begin`, and its mark from before it was read."""
        self.down: PinsetError | None = None
        """Why the registry was of no help since `begin`."""

    def begin(self) -> None:
        """Forget what was missing: somebody may have published it."""
        self._open, self.missing, self.beside, self.down = [], [], {}, None

    def find(self, reference: ComponentReference) -> Found | None:
        """A component from the registry, else from the folder. Raises InvalidManifest, ChecksFailed for a broken file."""
        found = self._registered(reference) or self._beside(reference)
        if found is None and str(reference) not in self.missing:
            self.missing.append(str(reference))
        return found

    def _registered(self, reference: ComponentReference) -> Found | None:
        known = self._known.get(str(reference))
        if known is not None or self._ask is None or self.down is not None:
            return known
        try:
            answer = self._ask(reference)
            found = _found(answer)
        except NotFound:
            return None
        except PinsetError as error:
            self.down = error
            return None
        self._known[str(reference)] = found
        return found

    def _beside(self, reference: ComponentReference) -> Found | None:
        path = _path_in(self._folder, reference) if self._folder is not None else None
        if path is None or self._folder is None:
            return None
        if reference.key in self._open:
            circle = " → ".join([*self._open, reference.key])
            raise InvalidInput(f"components include each other: {circle}", hint="break the circle of includes")
        self._open.append(reference.key)
        self.beside[path] = files.mark_of(path)
        try:
            sealed = self._assembled(reference, path, f"{COMPONENTS}/{path.relative_to(self._folder).as_posix()}")
        finally:
            self._open.pop()
        kind = reference.selector.kind
        if kind is SelectorKind.DIGEST and not sealed.digest.startswith(reference.selector.text):
            return None
        number = reference.selector.version if kind is SelectorKind.VERSION else UNNUMBERED
        return Found(version=number, digest=sealed.digest, sealed=sealed)

    def _assembled(self, reference: ComponentReference, path: Path, shown: str) -> Sealed:
        """shown: the path as findings tell it."""
        result = assemble_component(reference.kind, reference.name, files.read_component(path), apart(self.find))
        whole = not path.is_dir()
        placed = [
            replace(one, file=shown if whole or not one.file else f"{shown}/{one.file}") for one in result.findings
        ]
        findings.refuse(findings.as_answers(placed), findings.JUDGEMENTS)
        if result.sealed is None:
            raise AssertionError("a component without errors is sealed")
        return result.sealed


def _found(answer: ComponentAnswer) -> Found:
    """Raises Unavailable for an answer of a registry that is too old to give manifests, Integrity for a damaged one."""
    if "manifest" not in answer:
        raise Unavailable("the registry does not give components whole", hint="upgrade it; or keep components/ beside")
    sealed = Sealed(answer["manifest"], answer["files"])
    verify(sealed, answer["digest"])
    return Found(version=answer["version"], digest=answer["digest"], sealed=sealed)


def _path_in(folder: Path, reference: ComponentReference) -> Path | None:
    """The file or directory that holds a component: below its kind, else at the top. Raises InvalidInput for several."""
    for place in (folder / reference.kind, folder):
        if not place.is_dir():
            continue
        near = [path for path in sorted(place.iterdir()) if _is_named(path, reference.name)]
        if len(near) > 1:
            raise InvalidInput(
                f"{place} has {len(near)} files for {reference.key}: {', '.join(path.name for path in near)}",
                hint="keep one of them",
            )
        if near:
            return near[0]
    return None


def _is_named(path: Path, name: str) -> bool:
    return path.name == name if path.is_dir() else name in (path.name, path.stem)


def missing_of(components: Components, ref: str) -> Mapping[str, str] | None:
    """Message and hint of the error where components were found nowhere; None where nothing is missing."""
    if not components.missing:
        return None
    lacking = ", ".join(components.missing)
    first = components.missing[0].partition("@")[0]
    registry = f"; the registry: {components.down.message}" if components.down else ""
    ways = f"name a registry that has them (PINSET_REGISTRY), or put components/{first}.… beside the working copy"
    return {"message": f"{ref} needs {lacking}, found nowhere{registry}", "hint": ways}
