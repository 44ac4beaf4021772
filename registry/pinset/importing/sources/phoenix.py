"""Phoenix: every version of every prompt, from its server or from a file of its answers."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from pinset.domain.exchange import phoenix_taking
from pinset.domain.exchange.incoming import THERE, About, Incoming
from pinset.errors import InvalidInput
from pinset.importing.payloads import incoming, microseconds, objects, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pinset.importing.http import Remote

SYSTEM: Final = "phoenix"
_WHAT: Final = "Phoenix"
_PAGE: Final = 50
_NUMBERED: Final = re.compile(r".+@v([1-9][0-9]{0,8})", re.DOTALL)
"""An id of a registry of this kind, in which the number is."""


class PhoenixSource:
    """Implements `pinset.domain.exchange.incoming.Resumable` on a server. Phoenix has no numbers: a version's is its place."""

    system = SYSTEM

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self._known: Callable[[str, str], bool] = lambda _name, _origin: False

    def resume(self, known: Callable[[str, str], bool]) -> None:
        """Leave out what is here."""
        self._known = known

    def count(self) -> int | None:
        """It does not tell it."""
        return None

    def versions(self) -> Iterator[Incoming]:
        """Each version of each prompt, the oldest first; a page is held at a time."""
        for page in self._pages("/v1/prompts"):
            for prompt in objects(page, "data", _WHAT):
                yield from self._of(prompt)

    def _of(self, prompt: Mapping[str, Any]) -> Iterator[Incoming]:
        name = text(prompt, "name", _WHAT)
        path = f"/v1/prompts/{quote(name, safe='')}/versions"
        # They are told newest first, so the pages are gone through once to know where each begins, and then backwards.
        cursors: list[str | None] = [None]
        page: Any = None
        for page in self._pages(path):
            if page.get("next_cursor"):
                cursors.append(page["next_cursor"])
        number = 0
        for cursor in reversed(cursors):
            if page is None:
                page = self._remote.get(path, limit=_PAGE, cursor=cursor)
            for version in reversed(objects(page, "data", _WHAT)):
                number += 1
                yield self._incoming(prompt, name, version, number)
            page = None

    def _incoming(self, prompt: Mapping[str, Any], name: str, version: Mapping[str, Any], number: int) -> Incoming:
        identity = text(version, "id", _WHAT)
        tags: list[str] = []
        for page in self._pages(f"/v1/prompt_versions/{quote(identity, safe='')}/tags"):
            tags += [text(one, "name", _WHAT) for one in objects(page, "data", _WHAT)]
        origin = f"{SYSTEM}:{self._remote.host}/{name}/{identity}"
        known = self._known(name, origin)
        found = _told(prompt, name, version, number, tags, origin, read=not known)
        return replace(found, taken=THERE) if known else found

    def _pages(self, path: str) -> Iterator[Any]:
        return self._remote.pages(
            lambda cursor: self._remote.get(path, limit=_PAGE, cursor=cursor),
            lambda page: page.get("next_cursor") or None if isinstance(page, dict) else None,
        )


class PhoenixFile:
    """Implements `pinset.domain.exchange.incoming.Source` on the value in a file.

    It is a prompt, or a list of them: ``{name, description, versions}``, where versions are what Phoenix answers for each,
    the oldest first, each perhaps with ``tags``, a list of names. place: of the file. Raises InvalidInput for another one.
    """

    system = SYSTEM

    def __init__(self, value: Any, place: str) -> None:
        listed = value["prompts"] if isinstance(value, dict) and "prompts" in value else value
        self._prompts: list[Any] = listed if isinstance(listed, list) else [listed]
        self._place = place
        if not all(
            isinstance(one, dict) and isinstance(one.get("name"), str) and isinstance(one.get("versions"), list)
            for one in self._prompts
        ):
            raise InvalidInput(
                f"{place} holds no prompts of Phoenix",
                hint='write [{"name": …, "versions": [what it answers for each]}]',
            )

    def count(self) -> int | None:
        """All of them."""
        return sum(len(one["versions"]) for one in self._prompts)

    def versions(self) -> Iterator[Incoming]:
        """Each version, the oldest first."""
        for prompt in self._prompts:
            for number, version in enumerate(objects(prompt, "versions", _WHAT), start=1):
                identity = version.get("id") or number
                origin = f"{SYSTEM}:{self._place}/{prompt['name']}/{identity}"
                tags = version.get("tags")
                yield _told(prompt, prompt["name"], version, number, tags if isinstance(tags, list) else [], origin)


def _told(
    prompt: Mapping[str, Any],
    name: str,
    version: Mapping[str, Any],
    number: int,
    tags: list[Any],
    origin: str,
    *,
    read: bool = True,
) -> Incoming:
    said = _NUMBERED.fullmatch(str(version.get("id")))
    description = version.get("description")
    return incoming(
        partial(phoenix_taking.take, version, prompt) if read else lambda: THERE,
        tags,
        name=name,
        origin=origin,
        number=int(said[1]) if said else number,
        message=description if isinstance(description, str) else "",
        at=microseconds(version.get("created_at")),
        about=About(description=str(prompt.get("description") or "")),
    )
