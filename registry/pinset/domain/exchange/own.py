"""What comes in from elsewhere becomes what an author here would send."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, Final

from pinset.domain import provenance
from pinset.domain.manifest.loading import manifest_name
from pinset.domain.messages.text import WORDS_LIMIT, format_time
from pinset.domain.names import show
from pinset.domain.text import editing
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain.exchange.incoming import Incoming

_BLOCK: Final = re.compile(r"release:\n(?P<indent> +)(?=[A-Za-z])")
_KEYS: Final = ("bundle", "feature")
_MORE: Final = " […]"
_LAST: Final = 253_402_300_799_999_999
"""The last microsecond of the year 9999."""


def of_bundle(files: Mapping[str, str], bundle: str) -> dict[str, str]:
    """An author's files, whose manifest says which bundle they are of. Raises InvalidInput for one that cannot be read."""
    at = manifest_name(files)
    if at is None:
        raise InvalidInput("there is no one manifest among the files", hint="release.yaml is wanted")
    text = files[at]
    block = _BLOCK.match(text)
    # Most manifests are written by a program of ours, and are made so without being read: publishing reads them.
    if block and not re.search(rf"^{block['indent']}[\"']?(?:bundle|feature)[\"']? *:", text, re.MULTILINE):
        return {**files, at: f"release:\n{block['indent']}bundle: {bundle}\n{text[len('release:') + 1 :]}"}
    is_json = at.endswith(".json")
    release = editing.placed(text, is_json=is_json).value
    said = release.get("release") if isinstance(release, dict) else None
    if not isinstance(said, dict):
        raise InvalidInput("the manifest has no release", hint="begin the manifest with the line: release:")
    for key in _KEYS:
        if key in said:
            return {**files, at: editing.replaced(text, ("release", key), bundle, is_json=is_json)}
    return {**files, at: editing.added(text, ("release", "bundle"), bundle, is_json=is_json)}


def check_texts(*texts: str | None) -> None:
    """Raises InvalidInput for a text that is none in UTF-8: JSON can say half of a surrogate pair."""
    for text in texts:
        try:
            (text or "").encode()
        except UnicodeEncodeError as error:
            raise InvalidInput(
                f"{show(error.object, 40)} holds half of a surrogate pair", hint="correct it where it comes from"
            ) from error


def source_of(system: str, one: Incoming) -> dict[str, Any]:
    """What is recorded of where a version comes from, shortened to what a record holds; secrets are out of it."""
    limits = provenance.LIMITS
    said: dict[str, Any] = {"system": system, "origin": origin_of(one.origin)}
    if one.number is not None or one.label is not None:
        said["version"] = str(one.number if one.number is not None else one.label)[: limits["version"]]
    if one.at is not None and 0 <= one.at <= _LAST:
        said["at"] = format_time(one.at)
    if one.authors:
        said["authors"] = [author[: provenance.AUTHOR] for author in one.authors[: provenance.AUTHORS]]
    return provenance.checked({**said, **one.source})


def origin_of(origin: str) -> str:
    """What a version is elsewhere, as it is recorded; of a very long text the end is a hash."""
    longest = provenance.LIMITS["origin"]
    if len(origin) > longest:
        origin = f"{origin[: longest - 34]}…#{hashlib.sha256(origin.encode()).hexdigest()[:32]}"
    return provenance.without_secrets(origin)


def message_of(text: str) -> tuple[str, bool]:
    """A message that may be kept, and whether it was cut. What half a surrogate pair stood for is not to be known."""
    text = text.encode("utf-8", "replace").decode()
    if len(text) <= WORDS_LIMIT:
        return text, False
    return text[: WORDS_LIMIT - len(_MORE)] + _MORE, True
