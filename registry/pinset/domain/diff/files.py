"""What changes in the files that two releases are published with, where their parts do not show it.

Whatever a release is published with is part of its digest. What no part names is read by neither the model nor the code,
and what is only written otherwise leaves every part as it is: both are told, so that two digests never look like one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pinset.domain import sealed as sealed_form
from pinset.domain.diff.model import Impact
from pinset.domain.diff.paths import PathChange
from pinset.domain.diff.weighed import Weight, change

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pinset.domain.diff.model import Change
    from pinset.domain.diff.paths import Kind
    from pinset.domain.sealed import Sealed

_MANIFESTS: Final = frozenset({"release.yaml", "release.yml", "release.json"})
_ASIDE: Final = Weight(Impact.COSMETIC, "a file that no part names")
_WRITTEN: Final = Weight(Impact.COSMETIC, "written otherwise, every part is the same")


class Files(NamedTuple):
    """The files of an author by path, and which of them no part names."""

    texts: Mapping[str, str] = {}
    aside: frozenset[str] = frozenset()

    @classmethod
    def of(cls, sealed: Sealed) -> Files:
        """Those of a sealed release. The manifest is no file of its author's, nor is what shared components brought."""
        texts = {
            path: text
            for path, text in sealed.files.items()
            if path != sealed_form.MANIFEST and path.partition("/")[0] != sealed_form.COMPONENTS
        }
        named = _named(sealed_form.parse(sealed.manifest)["parts"])
        return cls(texts, frozenset(texts.keys() - named - _MANIFESTS))


def compare_files(old: Files, new: Files, *, alone: bool) -> Iterator[Change]:
    """The files that differ. alone: nothing else differs, so that what parts are made of is told too."""
    for path in sorted(old.texts.keys() | new.texts.keys()):
        before, after = old.texts.get(path), new.texts.get(path)
        aside = all(path in side.aside for side in (old, new) if path in side.texts)
        if before == after or not (aside or alone):
            continue
        weight = _ASIDE if aside else _WRITTEN
        kind: Kind = "added" if before is None else "removed" if after is None else "changed"
        yield change("file", path, PathChange("", kind, before, after), weight)


def _named(parts: Any) -> frozenset[str]:
    """Every path that stands where a file stands in the parts of a sealed manifest."""
    found: set[str] = set()
    stack = [parts]
    while stack:
        here = stack.pop()
        values: Iterable[Any] = here.values() if isinstance(here, dict) else here if isinstance(here, list) else ()
        stack += values
        if isinstance(here, dict) and isinstance(here.get("file"), str):
            found.add(here["file"])
    return frozenset(found)
