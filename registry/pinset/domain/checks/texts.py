"""Checks of the texts themselves: names, sizes, secrets, characters that do not show."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pinset.domain import names
from pinset.domain.findings import Finding
from pinset.domain.sealed import COMPONENT, COMPONENTS, MANIFEST
from pinset.domain.text import detectors, suspicious
from pinset.errors import InvalidName

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

TEXT_LIMIT: Final = 1024 * 1024
"""Bytes of one text."""
RELEASE_LIMIT: Final = 8 * 1024 * 1024
"""Bytes of all texts of a release."""
FILES_LIMIT: Final = 256
"""Files of a release."""
_SHOWN: Final = 5
"""Findings of one kind in one file; more would hide the others."""


def check_paths(files: Mapping[str, str]) -> Iterator[Finding]:
    """Paths that are not allowed, are ours, or are equal but for case."""
    folded: dict[str, str] = {}
    for path in sorted(files):
        try:
            names.file_path(path)
        except InvalidName as error:
            yield Finding("file-path", error.message, error.hint, path)
            continue
        if path in (MANIFEST, COMPONENT) or path.split("/")[0].lower() == COMPONENTS:
            hint = f"rename it; {MANIFEST}, {COMPONENT} and {COMPONENTS}/ are written by the registry"
            yield Finding("file-path", f"the name {path} is the registry's own", hint, path)
        other = folded.setdefault(path.lower(), path)
        if other != path:
            message = f"{other} and {path} are the same file on some systems"
            yield Finding("file-collision", message, "rename one of them", path)
    folders: dict[str, str] = {}
    for path in sorted(files):
        for at, character in enumerate(path):
            folder = path[:at]
            if character == "/" and folders.setdefault(folder.lower(), folder) != folder:
                message = f"{folders[folder.lower()]}/ and {folder}/ are the same folder on some systems"
                yield Finding("file-collision", message, "rename one of them", path)
                break
    for path in sorted(files):
        if path.lower() in folders:
            yield Finding("file-collision", f"{path} is a file and a folder", "rename one of them", path)


def check_sizes(files: Mapping[str, str]) -> Iterator[Finding]:
    """Texts, the release and the number of files against their limits."""
    total = 0
    for path, text in files.items():
        size = len(text.encode(errors="surrogatepass"))
        total += size
        if size > TEXT_LIMIT:
            message = f"{path} has {size:,} bytes, and a text may have {TEXT_LIMIT:,}"
            yield Finding("too-large", message, "keep data that large elsewhere and pin it by digest", path)
    if total > RELEASE_LIMIT:
        message = f"the texts have {total:,} bytes together, and a release may have {RELEASE_LIMIT:,}"
        yield Finding("too-large", message, "keep large data elsewhere and pin it by digest")
    if len(files) > FILES_LIMIT:
        message = f"there are {len(files)} files, and a release may have {FILES_LIMIT}"
        yield Finding("too-large", message, "publish only what the manifest names")


def check_characters(files: Mapping[str, str]) -> Iterator[Finding]:
    """Bytes that are no text, and characters that a reviewer cannot see or would mistake."""
    for path, text in sorted(files.items()):
        if "\x00" in text or (not text.isascii() and any(0xD800 <= ord(c) <= 0xDFFF for c in text)):
            yield Finding(
                "not-text", f"{path} is not UTF-8 text", "only text belongs in a release; pin data by digest", path
            )
            continue
        if text.isascii() and text.isprintable():
            continue
        for hidden in suspicious.invisible(text)[:_SHOWN]:
            message = f"{path} holds U+{hidden.codepoint:04X} ({hidden.name}), which does not show"
            yield Finding("invisible-character", message, "remove it unless it is meant", path, hidden.line)
        for line, word in suspicious.lookalikes(text)[:_SHOWN]:
            message = f"{names.show(word)} mixes letters of several scripts that look alike"
            yield Finding("lookalike-character", message, "retype the word in one script", path, line)


def masked(findings: Sequence[Finding]) -> list[Finding]:
    """The findings, none of them repeating a secret that another one is about: they end in logs of CI."""
    if not any(finding.code in ("secret", "secret-suspected") for finding in findings):
        return list(findings)
    return [
        replace(finding, message=detectors.masked(finding.message), hint=detectors.masked(finding.hint))
        for finding in findings
    ]


def check_secrets(files: Mapping[str, str]) -> Iterator[Finding]:
    """Secrets: once committed they are there for ever."""
    for path, text in sorted(files.items()):
        for hit in suspicious.secrets(text)[:_SHOWN]:
            if hit.certain:
                hint = "remove it and revoke it where it was issued; if it is none: --allow secret -m TEXT"
                yield Finding("secret", f"{path} holds what looks like a secret ({hit.kind})", hint, path, hit.line)
            else:
                hint = "make sure that it is none; secrets belong in the application's environment"
                yield Finding(
                    "secret-suspected", f"{path} may hold a password or key ({hit.kind})", hint, path, hit.line
                )
