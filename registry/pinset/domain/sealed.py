"""The sealed form: what is hashed, stored, served and checked.

A sealed manifest is canonical JSON that lists every file by SHA-256 and says every pin. Its own SHA-256 is the
digest: the identity of a release or of a component's version. Writing it needs a canonical encoder; checking it
needs nothing but a hash, so whoever holds the sealed form can prove every byte with the standard library.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.records import FORMAT
from pinset.errors import Integrity, InvalidInput, UnknownFormat

if TYPE_CHECKING:
    from collections.abc import Mapping

MANIFEST: Final = "manifest.json"
COMPONENT: Final = "component.json"
COMPONENTS: Final = "components"
"""The folder of a release that holds its shared components by value."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A manifest's exact text, and the text of every file it lists, by path."""

    manifest: str
    files: Mapping[str, str]

    @property
    def digest(self) -> str:
        """The identity: SHA-256 of the manifest's bytes."""
        return digest_of(self.manifest)


def sha256(text: str) -> str:
    """SHA-256 of a text's UTF-8 bytes, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def digest_of(manifest: str) -> str:
    """The digest of a sealed manifest's text: ``sha256:`` and 64 hex digits."""
    return f"sha256:{sha256(manifest)}"


def listing(files: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The ``files`` entry of a manifest: SHA-256 and size in bytes by path."""
    return {path: {"sha256": sha256(text), "size": len(text.encode())} for path, text in files.items()}


def canonical(value: Any) -> str:
    """A JSON value as RFC 8785 text. Raises InvalidInput for what JSON cannot carry exactly."""
    import rfc8785  # noqa: PLC0415 - only those who seal need the encoder; the SDK has it not

    try:
        return rfc8785.dumps(value).decode()
    except rfc8785.CanonicalizationError as error:
        raise InvalidInput(
            f"a value cannot be kept exactly: {error}", hint="write large or special numbers as text, in quotes"
        ) from error


def parse(manifest: str) -> dict[str, Any]:
    """A sealed manifest's content. Raises UnknownFormat for a newer format, Integrity for anything else."""
    try:
        content = json.loads(manifest)
        found = content["format"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise Integrity("a sealed manifest cannot be read", hint="run `pinset verify`") from error
    if found != FORMAT:
        raise UnknownFormat(
            f"a sealed manifest has format {found}, and this program knows {FORMAT}", hint="upgrade pinset"
        )
    files = content.get("files") if isinstance(content, dict) else None
    if (
        not isinstance(content, dict)
        or not isinstance(files, dict)
        or not all(isinstance(e, dict) and "sha256" in e for e in files.values())
    ):
        raise Integrity("a sealed manifest lists no files", hint="run `pinset verify`")
    return content


def verify(sealed: Sealed, digest: str) -> None:
    """Prove every byte of a sealed form against its digest. Raises Integrity naming what differs."""
    if sealed.digest != digest:
        raise Integrity(f"a manifest is not the one of {digest}", hint="run `pinset verify`")
    listed = parse(sealed.manifest)["files"]
    if set(listed) != set(sealed.files):
        wrong = ", ".join(sorted(set(listed) ^ set(sealed.files))[:5])
        raise Integrity(f"the files are not those the manifest of {digest} lists: {wrong}", hint="run `pinset verify`")
    for path, text in sealed.files.items():
        if sha256(text) != listed[path]["sha256"]:
            raise Integrity(f"the file {path} of {digest} is damaged", hint="run `pinset verify`")


def component_folder(key: str) -> str:
    """Where a release holds the component ``kind/name``."""
    return f"{COMPONENTS}/{key}"
