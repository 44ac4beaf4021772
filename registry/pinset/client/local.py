"""Working copies in the place of releases: opened by what ``pinset[cli]`` installs, kept open by bundle."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from pinset.client.source import ENTRY_POINTS, Source
from pinset.errors import InvalidInput, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.client.source import Fetched
    from pinset.errors import PinsetError

ENTRY_POINT: Final = "working-copy"
_log = logging.getLogger("pinset.client")


class WorkingCopies:
    """The working copies of one client. registry: where shared components are asked for, and with which token."""

    def __init__(self, registry: str, token: str | None = None) -> None:
        self._registry, self._token = registry, token
        self._opened: dict[tuple[str, str], Source] = {}

    def at(self, bundle: str, directory: str) -> Source:
        """The working copy in a directory. Raises InvalidInput where what reads them is not installed."""
        found = self._opened.get((bundle, directory))
        if found is None:
            found = self._opened[bundle, directory] = opener()(
                bundle, directory, registry=self._registry, token=self._token
            )
            _log.warning("%s is the working copy in %s, and no release of the registry", bundle, directory)
        return found


def opener() -> Callable[..., Source]:
    """What opens a working copy. Raises InvalidInput where it is not installed."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - only who has working copies loads it

    try:
        made: Callable[..., Source] = next(iter(entry_points(group=ENTRY_POINTS, name=ENTRY_POINT))).load()
    except (ImportError, StopIteration) as error:
        raise InvalidInput(
            "a working copy is read by what pinset[cli] installs",
            hint="pip install 'pinset[cli]', or take it out of PINSET_PIN",
        ) from error
    return made


class Nowhere:
    """Stands for the registry where none is named, and a snapshot or working copies are."""

    address = "nowhere:"

    def fetch(self, bundle: str, selector: str, *_: Any) -> Fetched:
        """Raises Unavailable, always."""
        raise Unavailable(
            f"no registry is named that could have {bundle}@{selector}",
            hint="give its address, or set PINSET_REGISTRY",
            details={"unnamed": True},
        )

    def forked(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to release."""


def sentences(error: PinsetError) -> list[str]:
    """An error with each finding that refuses the release, with file and line."""
    findings = [one for one in error.details.get("findings", ()) if one["severity"] == "error"]
    places = [":".join(str(part) for part in (one["file"], one["line"]) if part) for one in findings]
    told = [
        f"{at or 'the manifest'}: {one['message']} ({one['hint']})" for at, one in zip(places, findings, strict=True)
    ]
    return [f"{error.message} ({error.hint})", *told]
