"""A registry, or some of its bundles, as a tar: every version with its sealed bytes, written as it is read."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from pinset.domain import sealed
from pinset.domain.exchange import archive
from pinset.errors import Purged
from pinset.importing.tarring import Writer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pinset.ports.progress import Progress
    from pinset.ports.registry import Registry


@dataclass(slots=True)
class Exported:
    """What an export holds. purged: versions whose content is gone, so that it holds them not."""

    bundles: int = 0
    releases: int = 0
    components: int = 0
    purged: int = 0


def export(
    registry: Registry, stream: BinaryIO, bundles: Sequence[str] | None = None, *, progress: Progress | None = None
) -> Exported:
    """Write every release of some bundles, and the shared components that they may lean on; None: of all.

    The same content gives the same bytes. Raises NotFound, and what reading raises.
    """
    done, about = Exported(), registry.describe()
    chosen = sorted({registry.bundle(name)["name"] for name in bundles}) if bundles is not None else None
    tar = Writer(stream)
    tar.add(*archive.begin(about["id"], about["epoch"]))
    held = _held_by(registry, chosen) if chosen is not None else None
    for key, version in _components(registry):
        if held is None or key in held:
            _component(registry, tar, key, version, done)
    for name in chosen if chosen is not None else _bundles(registry):
        done.bundles += 1
        _bundle(registry, tar, name, done, progress)
    tar.add(*archive.end(done.components, done.releases))
    tar.close()
    return done


def _bundles(registry: Registry) -> Iterator[str]:
    cursor = None
    while True:
        page = registry.bundles(archived=True, cursor=cursor, limit=500)
        yield from (item["name"] for item in page["items"])
        cursor = page["next"]
        if cursor is None:
            return


def _bundle(registry: Registry, tar: Writer, name: str, done: Exported, progress: Progress | None) -> None:
    about, serving = registry.bundle(name), dict[int, list[str]]()
    bundle = {
        "names": [*about["formerly"], name],
        "spelled": about["names"],
        **{key: about[key] for key in ("owner", "description", "archived")},
    }
    for alias in registry.aliases(name)["items"]:
        if alias["version"] is not None:
            serving.setdefault(alias["version"], []).append(alias["alias"])
    for number in reversed(_numbers(registry, name)):
        reference = f"{name}@v{number}"
        try:
            answer: dict[str, Any] = {**registry.sealed(reference)}
        except Purged:
            done.purged += 1
            continue
        sealed.verify(sealed.Sealed(answer["manifest"], answer["files"]), answer["digest"])
        said = registry.summary(reference)
        claims = {**said, **bundle, "aliases": sorted(serving.get(number, []))}
        for entry in archive.entries(name, number, answer["manifest"], answer["files"], claims):
            tar.add(*entry)
        done.releases += 1
        if progress is not None:
            progress.step("releases", done.releases)


def _numbers(registry: Registry, name: str) -> array[int]:
    """The numbers of a bundle's releases, the newest first: four bytes each, for there may be very many."""
    found, cursor = array("L"), None
    while True:
        page = registry.releases(name, cursor=cursor, limit=500)
        found.extend(item["version"] for item in page["items"])
        cursor = page["next"]
        if cursor is None:
            return found


def _components(registry: Registry) -> list[tuple[str, int]]:
    """Every version of every shared component, in the order of publication: each after those that it leans on."""
    found: list[tuple[int, str, int]] = []
    cursor = None
    while True:
        page = registry.components(cursor=cursor, limit=500)
        for item in page["items"]:
            found += _versions(registry, item["kind"], item["name"])
        cursor = page["next"]
        if cursor is None:
            return [(key, version) for _, key, version in sorted(found)]


def _versions(registry: Registry, kind: str, name: str) -> Iterator[tuple[int, str, int]]:
    cursor = None
    while True:
        page = registry.component_versions(kind, name, cursor=cursor, limit=500)
        yield from ((item["serial"], f"{kind}/{name}", item["version"]) for item in page["items"])
        cursor = page["next"]
        if cursor is None:
            return


def _component(registry: Registry, tar: Writer, key: str, version: int, done: Exported) -> None:
    kind, _, name = key.partition("/")
    try:
        answer: dict[str, Any] = {**registry.component(kind, name, f"v{version}")}
    except Purged:
        done.purged += 1
        return
    sealed.verify(sealed.Sealed(answer["manifest"], answer["files"]), answer["digest"])
    for entry in archive.entries(key, version, answer["manifest"], answer["files"], answer):
        tar.add(*entry)
    done.components += 1


def _held_by(registry: Registry, bundles: Sequence[str]) -> set[str]:
    """The shared components that any release of some bundles holds, and those that these hold."""
    found: set[str] = set()
    for name in bundles:
        for number in _numbers(registry, name):
            try:
                manifest = registry.sealed(f"{name}@v{number}")["manifest"]
            except Purged:
                continue
            found |= sealed.parse(manifest).get("components", {}).keys()
    return found
