"""Opik: every version of every prompt, from its server or from files that ``opik export`` writes."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from pinset.domain.exchange import opik_taking
from pinset.domain.exchange.incoming import THERE, About, Incoming
from pinset.errors import InvalidInput
from pinset.importing.payloads import incoming, microseconds, objects, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pinset.importing.http import Remote

SYSTEM: Final = "opik"
_WHAT: Final = "Opik"
_API: Final = "/v1/private/prompts"
_NAMES, _PAGE = 100, 50
_NUMBER: Final = re.compile(r"v([1-9][0-9]{0,8})")


class OpikSource:
    """Implements `pinset.domain.exchange.incoming.Resumable` on a workspace of a server."""

    system = SYSTEM

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self._known: Callable[[str, str], bool] = lambda _name, _origin: False

    def resume(self, known: Callable[[str, str], bool]) -> None:
        """Leave out what is here."""
        self._known = known

    def count(self) -> int | None:
        """It does not tell it for all prompts at once."""
        return None

    def versions(self) -> Iterator[Incoming]:
        """Each version of each prompt, rising; a page is held at a time. Masks are none."""
        seen: set[str] = set()
        number = 1
        while True:
            page = objects(self._remote.get(_API, page=number, size=_NAMES), "content", _WHAT)
            for prompt in page:
                identity = text(prompt, "id", _WHAT)
                if identity not in seen:  # one may be told again, where others came meanwhile
                    seen.add(identity)
                    yield from self._of(prompt, f"{_API}/{quote(identity, safe='')}/versions")
            if len(page) < _NAMES:
                return
            number += 1

    def _of(self, prompt: Mapping[str, Any], path: str) -> Iterator[Incoming]:
        last = 0
        for page in self._rising(path):
            for version in sorted(page, key=lambda one: (_number(one) or 0, str(one.get("created_at")))):
                number = _number(version) or last + 1
                if number > last and version.get("version_type") != "mask":
                    last = number
                    yield self._incoming(prompt, version, number)

    def _rising(self, path: str) -> Iterator[list[dict[str, Any]]]:
        """The pages of versions from the oldest to the newest; some may come twice, where others were made meanwhile."""
        first = self._remote.get(path, page=1, size=_PAGE)
        found = objects(first, "content", _WHAT)
        total = _total(first)
        if total <= _PAGE or any(_number(one) == 1 for one in found):  # it is all, or the oldest are told first
            yield found
            for at in range(2, -(-total // _PAGE) + 1):
                yield objects(self._remote.get(path, page=at, size=_PAGE), "content", _WHAT)
            return
        at = -(-total // _PAGE)
        while at > 0:
            page = self._remote.get(path, page=at, size=_PAGE)
            if _total(page) != total:  # pages are counted from the newest, so what is on one is another now
                total = _total(page)
                at = -(-total // _PAGE)
                continue
            yield objects(page, "content", _WHAT)
            at -= 1

    def _incoming(self, prompt: Mapping[str, Any], version: Mapping[str, Any], number: int) -> Incoming:
        name = text(prompt, "name", _WHAT)
        origin = f"{SYSTEM}:{self._remote.host}/{name}/{version.get('id') or number}"
        known = self._known(name, origin)
        found = _told(prompt, name, version, number, origin, read=not known)
        return replace(found, taken=THERE) if known else found


class OpikFile:
    """Implements `pinset.domain.exchange.incoming.Source` on the values in files of ``opik export``.

    Such a file has neither numbers nor environments: a version's number is its place. Raises InvalidInput for another one.
    """

    system = SYSTEM

    def __init__(self, values: Sequence[tuple[Any, str]]) -> None:
        self._prompts = [(_name(value, place), _history(value, place)) for value, place in values]

    def count(self) -> int | None:
        """All of them."""
        return sum(len(history) for _, history in self._prompts)

    def versions(self) -> Iterator[Incoming]:
        """Each version, the oldest first."""
        for name, history in sorted(self._prompts, key=lambda one: one[0]):
            for number, version in enumerate(history, start=1):
                origin = f"{SYSTEM}:export/{name}/{version.get('commit') or number}"
                yield _told({}, name, version, number, origin)


def _told(
    prompt: Mapping[str, Any], name: str, version: Mapping[str, Any], number: int, origin: str, *, read: bool = True
) -> Incoming:
    said, author = version.get("change_description"), version.get("created_by")
    environments = version.get("environments") or []
    return incoming(
        partial(opik_taking.take, version, prompt.get("tags")) if read else lambda: THERE,
        environments if isinstance(environments, list) else [],
        name=name,
        origin=origin,
        number=number,
        message=said if isinstance(said, str) else "",
        at=microseconds(version.get("created_at")),
        authors=(author,) if isinstance(author, str) and author else (),
        about=About(description=str(prompt.get("description") or "")),
    )


def _total(page: Any) -> int:
    total = page.get("total") if isinstance(page, dict) else None
    return total if isinstance(total, int) else len(objects(page, "content", _WHAT))


def _number(version: Mapping[str, Any]) -> int | None:
    said = _NUMBER.fullmatch(str(version.get("version_number")))
    return int(said[1]) if said else None


def _name(value: Any, place: str) -> str:
    inner = value.get("prompt") if isinstance(value, dict) else None
    name = (
        (value.get("name") or (inner.get("name") if isinstance(inner, dict) else None))
        if isinstance(value, dict)
        else None
    )
    if not isinstance(name, str) or not name.strip():
        raise InvalidInput(
            f"{place} is no prompt that Opik exported", hint="write it with: opik export WORKSPACE prompt NAME"
        )
    return name.strip()


def _history(value: Mapping[str, Any], place: str) -> list[dict[str, Any]]:
    """The versions, the oldest first, the current one among them."""
    history, current = value.get("history") or [], value.get("current_version")
    if (
        not isinstance(history, list)
        or not isinstance(current, dict)
        or not all(isinstance(one, dict) for one in history)
    ):
        raise InvalidInput(
            f"{place} is no prompt that Opik exported", hint="write it with: opik export WORKSPACE prompt NAME"
        )
    commits = [one.get("commit") for one in history]
    found = list(reversed(history))
    if current.get("commit") is None or current["commit"] not in commits:
        found.append(current)
    return found
