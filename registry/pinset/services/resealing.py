"""Versions that come sealed are made again of their author's files, so that every check sees what is published."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pinset.domain import sealed
from pinset.domain.assembly import assemble_component, assemble_release
from pinset.domain.manifest.edits import author_files
from pinset.domain.references import ComponentReference, Selector, SelectorKind
from pinset.errors import Integrity, InvalidInput, PinsetError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain.assembly import Assembled, Found, Surroundings
    from pinset.domain.sealed import Sealed
    from pinset.ports.imports import Version


def assembled(one: Version, name: str, around: Surroundings) -> Assembled:
    """A version made of its author's files. name: of its bundle as it is called now, or ``kind/name``."""
    kind, slash, alone = name.partition("/")
    if slash:
        return assemble_component(kind, alone, one.files, around)
    return assemble_release(one.files, around, bundle=name)


def resealed(one: Version, name: str, around: Surroundings) -> Assembled:
    """A version that comes sealed, made again of its author's files. Raises InvalidInput for one that is not what it says.

    What it leans on is what it was sealed with: a reference that meant another version then means that one.
    """
    form, pins = _proven(one.files, manifest_of(name), one.digest or "")

    def component(reference: ComponentReference) -> Found | None:
        pin = pins.get(reference.key)
        number = pin.get("version") if isinstance(pin, dict) else None
        if not isinstance(number, int):
            return None
        wanted = Selector(SelectorKind.VERSION, f"v{number}")
        return around.component(ComponentReference(reference.kind, reference.name, wanted))

    def version(bundle: str, selector: Selector) -> int | None:
        # What it named may be gone there too: that is said, and refuses nothing.
        return None if selector.kind is SelectorKind.LATEST else around.version(bundle, selector)

    pinned = replace(around, component=component, version=version)
    made = assembled(replace(one, files=author_files(form.files)), name, pinned)
    if made.sealed is not None and made.sealed.digest != one.digest:
        raise InvalidInput(
            f"of its author's files this registry makes {made.sealed.digest[:19]}, and it says it is {(one.digest or '')[:19]}",
            hint="publish the author's files as a new release instead: pinset pull, then pinset publish",
        )
    return made


def _proven(files: Mapping[str, str], manifest: str, digest: str) -> tuple[Sealed, Mapping[str, Any]]:
    """A sealed form, every byte proven against its digest, and its pins. Raises InvalidInput."""
    texts = dict(files)
    form = sealed.Sealed(texts.pop(manifest, ""), texts)
    try:
        sealed.verify(form, digest)
        pins = sealed.parse(form.manifest).get("components", {})
    except (Integrity, AttributeError, KeyError, TypeError) as error:
        why = error.message if isinstance(error, PinsetError) else "its manifest is none"
        raise InvalidInput(f"this is not the sealed form of {digest}: {why}", hint="export it again") from error
    return form, pins if isinstance(pins, dict) else {}


def manifest_of(name: str) -> str:
    """Where the sealed manifest of a bundle's release, or of a component, lies."""
    return sealed.COMPONENT if "/" in name else sealed.MANIFEST
