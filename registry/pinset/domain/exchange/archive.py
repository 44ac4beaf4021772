"""An export of a registry, entry by entry: what each is called, and what is claimed beside the sealed bytes.

``export.json``, then versions of shared components in the order of their publication, then releases by bundle and
number, then ``end.json``. A version is a folder: ``version.json`` has the claims, ``manifest.json`` or
``component.json`` the sealed manifest, and each text is called by its SHA-256, which is how the manifest names it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pinset.domain import names, sealed
from pinset.domain.exchange.incoming import About, Incoming, Lost, Taken
from pinset.domain.messages.text import parse_time
from pinset.domain.text import strict_json
from pinset.errors import Integrity, PinsetError, UnknownFormat

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FORMAT: Final = 1
BEGIN: Final = "export.json"
END: Final = "end.json"
CLAIMS: Final = "version.json"
FILES: Final = 1024
"""Texts of one version, those of its shared components among them."""
TEXTS: Final = 24 * 1024 * 1024
"""Bytes of them."""
_HASH: Final = re.compile("[0-9a-f]{64}", re.ASCII)
_FOLDER: Final = re.compile(
    r"(?:components/(?P<kind>[a-z]+)/(?P<component>[^/]+)|releases/(?P<bundle>[^/]+))/v(?P<number>[1-9][0-9]{0,8})",
    re.ASCII,
)
_CLAIMS: Final[Mapping[str, type | tuple[type, ...]]] = {
    "label": (str, type(None)),
    "digest": str,
    "message": str,
    "published_at": str,
    "published_by": str,
    "source": (str, dict, type(None)),
    "aliases": list,
    "yanked": (str, type(None)),
    "allowed": list,
    "allow_reason": str,
    "names": list,
    "spelled": list,
    "owner": str,
    "description": str,
    "archived": bool,
}
_AGAIN: Final = "export it again where it comes from (export --all --to tar)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """How an export begins: of which registry it is."""

    registry: str
    epoch: int


def begin(registry: str, epoch: int) -> tuple[str, bytes]:
    """The first entry."""
    return BEGIN, _json({"format": FORMAT, "registry": registry, "epoch": epoch})


def end(components: int, releases: int) -> tuple[str, bytes]:
    """The last entry: an export without it is cut off."""
    return END, _json({"components": components, "releases": releases})


def entries(
    name: str, number: int, manifest: str, files: Mapping[str, str], claims: Mapping[str, Any]
) -> Iterator[tuple[str, bytes]]:
    """The entries of one version. name: a bundle, or ``kind/name``. claims: what is said of it, see `_CLAIMS`."""
    folder = f"{'components' if '/' in name else 'releases'}/{name}/v{number}"
    yield f"{folder}/{CLAIMS}", _json({key: claims.get(key, _none(kind)) for key, kind in _CLAIMS.items()})
    yield f"{folder}/{sealed.COMPONENT if '/' in name else sealed.MANIFEST}", manifest.encode()
    for sha256, text in sorted({sealed.sha256(text): text for text in files.values()}.items()):
        yield f"{folder}/{sha256}", text.encode()


def begun(data: bytes) -> Begun:
    """What the first entry says. Raises UnknownFormat, Integrity."""
    said = _object(BEGIN, data)
    if said.get("format") != FORMAT:
        raise UnknownFormat(
            f"the export has format {str(said.get('format'))[:20]!r}, and this program knows {FORMAT}",
            hint="upgrade pinset; a newer one wrote it",
        )
    registry, epoch = said.get("registry"), said.get("epoch")
    if not isinstance(registry, str) or not isinstance(epoch, int):
        raise wrong(BEGIN, "it does not say of which registry it is")
    return Begun(registry=registry[:100], epoch=epoch)


def check_end(data: bytes, components: int, releases: int) -> None:
    """Raises Integrity where an export does not hold as many versions as it says."""
    said = _object(END, data)
    if (said.get("components"), said.get("releases")) != (components, releases):
        raise wrong(END, f"it wants other versions than the {components} and {releases} that are there")


class Folder:
    """One version, while its entries come. Raises Integrity for a folder that is none."""

    def __init__(self, path: str) -> None:
        match = _FOLDER.fullmatch(path)
        if match is None:
            raise wrong(path, "its place is none of an export's")
        self.path, self.number = path, int(match["number"])
        try:
            if match["bundle"] is not None:
                self.name = names.bundle_name(match["bundle"])
            else:
                self.name = f"{names.component_kind(match['kind'])}/{names.component_name(match['component'])}"
        except PinsetError as error:
            raise wrong(path, error.message) from error
        self._held: dict[str, bytes] = {}
        self._size = 0

    def add(self, name: str, data: bytes) -> None:
        """One of its entries. Raises Integrity for one that is there twice, is none of a version's, or is too much."""
        if name in self._held:
            raise wrong(f"{self.path}/{name}", "it is there twice")
        if name not in (CLAIMS, self._manifest) and not _HASH.fullmatch(name):
            raise wrong(f"{self.path}/{name}", "no version has such an entry")
        self._held[name] = data
        self._size += len(data)
        if len(self._held) > FILES + 2 or self._size > TEXTS:
            raise wrong(f"{self.path}/{name}", "no version has that many texts")

    def incoming(self, of: Begun) -> Incoming:
        """The version, every byte of it proven. Raises Integrity."""
        claims = self._claims()
        files = self._sealed(claims["digest"])
        said, lost = claims["source"], []
        source: dict[str, Any] = {**said} if isinstance(said, dict) else {"text": said} if said else {}
        source.setdefault("by", claims["published_by"][:200])
        if "/" in self.name:
            lost.append(Lost(what="publisher and time", why="of a shared component they are not kept"))
        return Incoming(
            name=self.name,
            taken=Taken(files=files, lost=tuple(lost)),
            origin=f"pinset:{of.registry}/{self.name}@v{self.number}",
            number=self.number,
            label=claims["label"],
            message=claims["message"],
            at=self._time(claims["published_at"]),
            aliases=tuple(str(alias) for alias in claims["aliases"]),
            source=source,
            digest=claims["digest"],
            about=None if "/" in self.name else _about(claims),
            yanked=claims["yanked"],
        )

    @property
    def _manifest(self) -> str:
        return sealed.COMPONENT if "/" in self.name else sealed.MANIFEST

    def _claims(self) -> dict[str, Any]:
        at = f"{self.path}/{CLAIMS}"
        if CLAIMS not in self._held:
            raise wrong(at, "it is missing")
        said = _object(at, self._held[CLAIMS])
        for key, kind in _CLAIMS.items():
            if not isinstance(said.get(key), kind):
                raise wrong(at, f"it says no {key}, or not as an export says it")
        return said

    def _time(self, text: str) -> int:
        try:
            return parse_time(text)
        except (ValueError, OverflowError) as error:
            raise wrong(f"{self.path}/{CLAIMS}", "its time is none") from error

    def _sealed(self, digest: str) -> dict[str, str]:
        """The sealed form, proven against the digest."""
        at = f"{self.path}/{self._manifest}"
        manifest = self._text(self._manifest)
        if sealed.digest_of(manifest) != digest:
            raise wrong(at, f"its digest is not {digest[:80]}")
        try:
            listed = {path: str(one["sha256"]) for path, one in sealed.parse(manifest)["files"].items()}
        except (Integrity, KeyError, TypeError, AttributeError) as error:
            raise wrong(at, "it lists no files") from error
        texts = {name: self._text(name) for name in self._held if _HASH.fullmatch(name)}
        for name, text in texts.items():
            if sealed.sha256(text) != name:
                raise wrong(f"{self.path}/{name}", "its bytes are not those of its name")
        if set(listed.values()) != set(texts):
            some = min(set(listed.values()) ^ set(texts))[:80]
            raise wrong(f"{self.path}/{some}", "it is missing, or the manifest does not list it")
        return {self._manifest: manifest, **{path: texts[sha256] for path, sha256 in listed.items()}}

    def _text(self, name: str) -> str:
        try:
            return self._held[name].decode()
        except (KeyError, UnicodeDecodeError) as error:
            raise wrong(f"{self.path}/{name}", "it is missing, or no text") from error


def _about(claims: Mapping[str, Any]) -> About:
    return About(
        names=tuple(map(str, claims["names"])),
        spelled=tuple(map(str, claims["spelled"])),
        owner=claims["owner"],
        description=claims["description"],
        archived=claims["archived"],
    )


def order(folder: Folder) -> tuple[int, str, int]:
    """Where a version stands among the others: components first, in any order; releases by bundle and number."""
    return (0, "", 0) if "/" in folder.name else (1, folder.name, folder.number)


def wrong(entry: str, why: str) -> Integrity:
    """The error for an entry that no export has."""
    shown = entry.encode("ascii", "backslashreplace").decode()[:200]
    return Integrity(f"the export is damaged: {shown}: {why}", hint=_AGAIN, details={"entry": shown})


def _object(entry: str, data: bytes) -> dict[str, Any]:
    try:
        found = strict_json.loads_bytes(data)
    except strict_json.StrictJsonError as error:
        raise wrong(entry, f"it is no JSON of an export: {error.message}") from error
    if not isinstance(found, dict):
        raise wrong(entry, "it is no JSON object")
    return found


def _none(kind: type | tuple[type, ...]) -> Any:
    """What is claimed where nothing is known."""
    if isinstance(kind, tuple):
        return None
    return kind()


def _json(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False, sort_keys=True, indent=2) + "\n").encode()
