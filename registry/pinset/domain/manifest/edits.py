"""A release from a release: its author's files with some values of the manifest, and some files, changed."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final

from pinset.domain import names
from pinset.domain.manifest import loading
from pinset.domain.sealed import COMPONENTS, MANIFEST
from pinset.domain.text import editing
from pinset.errors import InvalidInput, InvalidManifest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pinset.domain.edits import Edits
    from pinset.domain.text.spans import Path

EDITS_LIMIT: Final = 100
"""Values that are changed at once."""
_WORK_LIMIT: Final = 1_000_000
"""Characters of a manifest times its edits: each edit reads all of it."""
_PATH_LIMIT: Final = 512
_LABELS: Final = ("label", "version")
_SUGGESTED: Final = 500
"""Paths of a manifest among which the nearest is looked for; that takes a while."""


def author_files(files: Mapping[str, str]) -> dict[str, str]:
    """The files of a release that its author wrote, without those of shared components."""
    return {path: text for path, text in files.items() if path.split("/")[0] != COMPONENTS}


def apply(files: Mapping[str, str], edits: Edits, *, label: str | None = None) -> dict[str, str]:
    """The author's files with the edits made. label: of the release that is to be made of them.

    A label is of one release only. Where anything changes, that of the files is replaced by the new one, or taken out.
    Raises InvalidInput, InvalidName, InvalidManifest.
    """
    for path in edits.files:
        if names.file_path(path).split("/")[0] == COMPONENTS or path == MANIFEST:
            raise InvalidInput(
                f"{names.show(path)} is not the author's to write", hint="shared components: pinset component publish"
            )
    found = {**files, **edits.files}
    at = loading.manifest_name(found)
    if at is None:
        raise InvalidManifest(
            "there is no one manifest to change", hint=f"keep one of {', '.join(loading.MANIFEST_NAMES)}"
        )
    count = len(edits.set) + len(edits.add) + len(edits.unset)
    if count > EDITS_LIMIT or count * len(found[at]) > _WORK_LIMIT:
        raise InvalidInput(f"{count} edits of this manifest are too many at once", hint=f"send it whole, as {at}")
    found[at] = _edited(found[at], edits, is_json=at.endswith(".json"))
    if found == files:
        return found
    said = {*edits.set, *edits.add}
    if not said.intersection(_LABELS) and at not in edits.files:
        found[at] = _labelled(found[at], label, is_json=at.endswith(".json"))
    return found


def unlabelled(files: Mapping[str, str]) -> dict[str, str]:
    """The author's files without the label that they say: it is of the release that they were published as."""
    at = loading.manifest_name(files) or ""
    return {**files, at: _labelled(files[at], None, is_json=at.endswith(".json"))}


def resolved(value: Any, text: str, *, goes: bool = False) -> Path:
    """The path in a parsed manifest that a person means. Raises InvalidInput with the nearest that there is.

    It begins below ``release``; a key may hold dots, and an item of a list is its number, from 0. goes: it is to be
    taken out, so to add it is no way out.
    """
    ways = _ways_of(value, text)
    if len(ways) == 1:
        return ways[0]
    if ways:
        raise InvalidInput(f"{names.show(text)} names several places", hint="edit the file itself: pinset pull REF DIR")
    near = difflib.get_close_matches(text, _known(value), n=1, cutoff=0.5)
    hint = "see what there is: pinset get REF --file release.yaml" if goes else f"a new entry: --add {text[:80]}=…"
    if near:
        hint = f"did you mean {near[0]}? {hint[0].upper()}{hint[1:]}"
    raise InvalidInput(f"the manifest has no {names.show(text)}", hint=hint, details={"path": text, "near": near})


def new_path(value: Any, text: str) -> Path:
    """The path of an entry that is to be added to a mapping. Raises InvalidInput where it is there, or none can hold it."""
    if _ways_of(value, text):
        raise InvalidInput(f"the manifest has {names.show(text)} already", hint=f"change it: --set {text[:80]}=…")
    *above, key = _steps(text)
    parents = [path for path in _ways(_release(value), above) if isinstance(_at(_release(value), path), dict)]
    if len(parents) == 1:
        return ("release", *parents[0], key)
    parent = ".".join(above)
    hint = "edit the file itself: pinset pull REF DIR"
    if above and any(isinstance(_at(value, path), list) for path in _ways_of(value, parent)):
        hint = f"write that anew as a whole: --set '{parent[:80]}=…'"
    elif len(above) == 1:
        hint = f"add that whole: --add '{parent[:80]}={{{key[:80]}: …}}'"
    raise InvalidInput(f"the manifest has no mapping {names.show(parent)} to add {names.show(key)} to", hint=hint)


def _edited(text: str, edits: Edits, *, is_json: bool) -> str:
    for path, given in edits.set.items():
        text = editing.edited(text, resolved(_value(text, is_json), path), given, is_json=is_json)
    for path, given in edits.add.items():
        text = editing.added(text, new_path(_value(text, is_json), path), given, is_json=is_json)
    for path in edits.unset:
        text = editing.removed(text, resolved(_value(text, is_json), path, goes=True), is_json=is_json)
    return text


def _labelled(text: str, label: str | None, *, is_json: bool) -> str:
    for key in _LABELS:
        if key in _release(_value(text, is_json)):
            path = ("release", key)
            text = (
                editing.replaced(text, path, label, is_json=is_json)
                if label is not None
                else editing.removed(text, path, is_json=is_json)
            )
    return text


def _value(text: str, is_json: bool) -> Any:  # noqa: FBT001 - how the text is written
    return editing.placed(text, is_json=is_json).value


def _release(value: Any) -> Any:
    return value.get("release", {}) if isinstance(value, dict) else {}


def _steps(text: str) -> list[str]:
    if not 0 < len(text) <= _PATH_LIMIT or not all(text.split(".")):
        raise InvalidInput(
            f"{names.show(text)} is no path in a manifest", hint="write it with dots: model.pinned_version, tools.0"
        )
    return text.split(".")


def _ways_of(value: Any, text: str) -> list[Path]:
    """The paths in a parsed manifest that a text can mean: below ``release``, else from the top."""
    steps = _steps(text)
    below: list[Path] = [("release", *path) for path in _ways(_release(value), steps)]
    return below or [path for path in _ways(value, steps) if len(path) > 1]


def _ways(value: Any, steps: Sequence[str]) -> Iterator[Path]:
    """Every path of a value that some steps can mean; a key that holds dots is several steps."""
    if not steps:
        yield ()
    elif isinstance(value, dict):
        for end in range(1, len(steps) + 1):
            key = ".".join(steps[:end])
            if key in value:
                yield from ((key, *rest) for rest in _ways(value[key], steps[end:]))
    elif isinstance(value, list):
        first = steps[0]
        if first.isascii() and first.isdigit() and len(first) < 5 and int(first) < len(value):
            yield from ((int(first), *rest) for rest in _ways(value[int(first)], steps[1:]))


def _known(value: Any) -> list[str]:
    """The paths of a manifest, as people write them, the uppermost first."""
    found: list[str] = []
    pending: list[tuple[str, Any]] = [("", _release(value))]
    for prefix, held in pending:
        entries = held.items() if isinstance(held, dict) else enumerate(held) if isinstance(held, list) else ()
        for step, part in entries:
            path = f"{prefix}{step}"
            found.append(path)
            pending.append((f"{path}.", part))
            if len(found) >= _SUGGESTED:
                return found
    return found


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value
