"""Versions out of an export of a registry: read as a stream, one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from pinset.domain.exchange import archive
from pinset.importing import tarring

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.domain.exchange.incoming import Incoming


class TarSource:
    """Implements `pinset.domain.exchange.incoming.Source`. stream: is read once, to its end."""

    system = "pinset"

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def count(self) -> int | None:
        """Not known before it is read."""
        return None

    def versions(self) -> Iterator[Incoming]:
        """Each version, proven. Raises Integrity with the entry's name, also for a tar that is cut off."""
        found = tarring.read(self._stream)
        first = next(found, None)
        if first is None or first.name != archive.BEGIN:
            raise archive.wrong(first.name if first else archive.BEGIN, f"an export begins with {archive.BEGIN}")
        of = archive.begun(first.data)
        folder: archive.Folder | None = None
        components: set[str] = set()
        releases, last = 0, (0, "", 0)
        for entry in found:
            path, _, name = entry.name.rpartition("/")
            if folder is not None and path != folder.path:
                yield folder.incoming(of)
                folder = None
            if entry.name == archive.END:
                archive.check_end(entry.data, len(components), releases)
                for more in found:
                    raise archive.wrong(more.name, f"nothing follows {archive.END}")
                return
            if folder is None:
                folder = archive.Folder(path)
                place = archive.order(folder)
                if path in components or place < last or (place[0] and place == last):
                    raise archive.wrong(path, "it is there twice, or out of order")
                last = place
                if place[0]:
                    releases += 1
                else:
                    components.add(path)
            folder.add(name, entry.data)
        raise archive.wrong(archive.END, "the export is cut off")
