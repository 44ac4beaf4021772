"""Search: names, and what prompts and every other text say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pinset.domain import searching
from pinset.domain.access import Verb, bundles_of, permit_anywhere
from pinset.domain.globs import fits
from pinset.domain.records import Version
from pinset.errors import InvalidInput
from pinset.services import reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pinset.domain.answers.searching import SearchAnswer, SearchItem
    from pinset.ports.catalog import CatalogReader, Passage
    from pinset.services.session import Context

MOST: Final = 50
"""Items of one answer."""
_NAMES: Final = 5
"""Bundles, and components, that are found by their names alone."""
_WINDOW: Final = 500
_WINDOWS: Final = 8
"""Passages looked at for one answer: a word that every prompt holds must not cost more than a rare one."""


def search(context: Context, text: str, *, cursor: str | None = None, limit: int = 20) -> SearchAnswer:
    """What holds all that was searched: names first, then texts, newest first."""
    permit_anywhere(context.grants, Verb.READ)
    if not 1 <= limit <= MOST:
        raise InvalidInput(f"a search gives 1 to {MOST} at once", hint="pass `next` as the cursor for more")
    query = searching.parse(text)
    before = reading.number(cursor)
    with reading.view(context) as reader:
        look = _Look(reader, query, bundles_of(context.grants, Verb.READ))
        items = list(look.names(text.strip().lower())) if cursor is None else []
        items += look.texts(before, limit)
    return {"query": text, "items": items, "next": look.next, "partial": look.partial}


class _Look:
    """One search in one view of the catalog. patterns: of the bundles that may be read, None for all."""

    def __init__(self, reader: CatalogReader, query: searching.Query, patterns: Sequence[str] | None) -> None:
        self._reader, self._query, self._patterns = reader, query, patterns
        self._served: dict[str, dict[int, list[str]]] = {}
        self._listed: dict[tuple[str, int], frozenset[str]] = {}
        self.next: str | None = None
        self.partial = False

    def names(self, text: str) -> Iterator[SearchItem]:
        """Bundles and components whose names hold the text."""
        for bundle in self._reader.bundles(query=text, fits=self._patterns, limit=_NAMES):
            served = sorted(alias for found in self._aliases(bundle.name).values() for alias in found)
            yield _named("bundle", bundle.name, text, served)
        for row in self._reader.components(query=text, limit=_NAMES):
            yield _named("component", f"{row.record.kind}/{row.record.name}", text, [])

    def texts(self, before: int | None, limit: int) -> list[SearchItem]:
        """The newest text of each place that was found, and older ones that an alias serves; the rest is counted."""
        items: list[SearchItem] = []
        newest: dict[tuple[str, str | None], SearchItem] = {}
        for _ in range(_WINDOWS):
            passages = self._reader.search(self._query, before=before, limit=_WINDOW)
            for passage in passages:
                place = passage.key, passage.path
                if place in newest and not self._serving(passage):
                    newest[place]["earlier"] += 1
                elif self._may_read(passage.key):
                    if len(items) == limit:
                        self.next = str(before)
                        return items
                    item = self._item(passage)
                    if item is not None:
                        items.append(item)
                        newest.setdefault(place, item)
                before = passage.number
            if len(passages) < _WINDOW:
                return items
        self.next, self.partial = str(before), True
        return items

    def _may_read(self, key: str) -> bool:
        return "/" in key or self._patterns is None or any(fits(pattern, key) for pattern in self._patterns)

    def _item(self, passage: Passage) -> SearchItem | None:
        """What is shown of a passage; None where its text does not hold what was searched after all."""
        which = Version(passage.key, passage.version)
        text = self._text(passage)
        shown = searching.find(text, self._query)
        if shown is None:
            return None
        return {
            "what": "release" if passage.path is None else "text",
            "name": passage.key,
            "ref": str(which),
            "path": passage.path,
            "line": shown.line if passage.path is not None else None,
            "pieces": [{"text": piece.text, "hit": piece.hit} for piece in shown.pieces],
            "aliases": self._serving(passage),
            "earlier": 0,
        }

    def _text(self, passage: Passage) -> str:
        if passage.path is not None:
            return self._reader.text(f"sha256:{passage.sha256}")
        if "/" in passage.key:
            kind, _, name = passage.key.partition("/")
            component = self._reader.component(kind, name, passage.version)
            return searching.said(component.record.label, component.record.message) if component else ""
        release = self._reader.release(passage.key, passage.version)
        return searching.said(release.record.label, release.record.message) if release else ""

    def _serving(self, passage: Passage) -> list[str]:
        """The aliases whose release holds this text, or is the version that something was said of."""
        found: list[str] = []
        if "/" in passage.key:
            return found
        for version, aliases in self._aliases(passage.key).items():
            holds = passage.sha256 in self._texts(passage.key, version) if passage.path else version == passage.version
            found += aliases if holds else []
        return sorted(found)

    def _texts(self, bundle: str, version: int) -> frozenset[str]:
        if (bundle, version) not in self._listed:
            self._listed[bundle, version] = frozenset(self._reader.listed(bundle, version).values())
        return self._listed[bundle, version]

    def _aliases(self, bundle: str) -> dict[int, list[str]]:
        if bundle not in self._served:
            self._served[bundle] = reading.serving(self._reader, bundle)
        return self._served[bundle]


def _named(what: str, name: str, text: str, aliases: list[str]) -> SearchItem:
    at = name.find(text)
    cut = [(name[:at], False), (name[at : at + len(text)], True), (name[at + len(text) :], False)]
    return {
        "what": what,
        "name": name,
        "ref": None,
        "path": None,
        "line": None,
        "pieces": [{"text": piece, "hit": hit} for piece, hit in cut if piece],
        "aliases": aliases,
        "earlier": 0,
    }
