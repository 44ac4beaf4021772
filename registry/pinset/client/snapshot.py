"""Snapshots: releases shipped with an application, for when neither registry nor cache has them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FORMAT: Final = 1
Snapshot = dict[tuple[str, str], "Mapping[str, Any]"]
"""Sealed forms by bundle and each of its names: alias, version, label, digest."""


def load(path: Path) -> Snapshot:
    """What a file holds: ``{"format": 1, "releases": [sealed forms]}``. Raises InvalidInput."""
    try:
        found = json.loads(path.read_bytes())
        if found["format"] != FORMAT:
            raise InvalidInput(
                f"{path} is a snapshot of format {found['format']}, and this program reads {FORMAT}",
                hint="export it again, or update pinset",
            )
        answers: list[dict[str, Any]] = found["releases"]
        return {(str(answer["bundle"]), name): answer for answer in answers for name in _names(answer)}
    except OSError as error:
        raise InvalidInput(
            f"the snapshot {path} cannot be read: {error.strerror}", hint=f"make it: pinset export NAME -o {path}"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidInput(
            f"{path} is no snapshot: {error}", hint="it holds format 1 and releases, each as Release.sealed() gives it"
        ) from error


def _names(answer: Mapping[str, Any]) -> list[str]:
    alias = (answer.get("alias") or {}).get("name")
    return [str(name) for name in (alias, f"v{answer['version']}", answer["label"], answer["digest"]) if name]
