"""Langfuse: every version of every prompt of a project, from its server or from a file of its answers."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from pinset.domain.exchange import langfuse_taking
from pinset.domain.exchange.incoming import THERE, Incoming, Lost, Taken
from pinset.domain.exchange.langfuse import LATEST
from pinset.domain.names import HIGHEST_VERSION, is_alias
from pinset.domain.text import strict_json
from pinset.errors import Integrity, InvalidInput, NotFound, TooLarge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import BinaryIO

    from pinset.importing.http import Remote

SYSTEM: Final = "langfuse"
PAGE: Final = 50
"""Names of one page: no version of Langfuse refuses so many."""
LARGEST: Final = 256 * 1024 * 1024
"""Bytes of a file."""
_OTHERS: Final = re.compile(r"[^a-z0-9._-]+")
_NOBODY: Final = ("", "API")


class LangfuseSource:
    """A project on a server, as whoever's keys the remote has sees it."""

    system = SYSTEM

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self._knows: Callable[[str, str], bool] = lambda _name, _origin: False

    def count(self) -> int | None:
        """It tells how many prompts it has, and not how many versions."""
        return None

    def resume(self, known: Callable[[str, str], bool]) -> None:
        """See `incoming.Resumable`."""
        self._knows = known

    def versions(self) -> Iterator[Incoming]:
        """Every version, by name, rising. Raises what `Remote` raises, and Integrity for what is no answer of Langfuse."""
        for name, numbers, labels in self._names():
            origins = {number: f"{SYSTEM}:{self._remote.host}/{name}/{number}" for number in numbers}
            there = {number for number, origin in origins.items() if self._knows(name, origin)}
            # What is here already is not read again, so what it serves there is asked for by label.
            serving = self._serving(name, labels) if there else {}
            for number in numbers:
                if number in there:
                    aliases = tuple(alias for label in serving.get(number, ()) if (alias := alias_for(label)))
                    yield Incoming(name=name, taken=THERE, origin=origins[number], number=number, aliases=aliases)
                    continue
                payload = self._version(name, number)
                if payload is not None:
                    yield incoming(payload, name, number, origins[number])

    def _names(self) -> Iterator[tuple[str, list[int], list[str]]]:
        """Every prompt with its versions and labels. One that a page gives again, for others came meanwhile, is told once."""
        seen = ""
        for page in self._remote.pages(self._page, _following):
            for one in page["data"]:
                if (
                    not isinstance(one, dict)
                    or not isinstance(one.get("name"), str)
                    or not isinstance(one.get("versions"), list)
                ):
                    raise self._unknown()
                if one["name"] != seen:
                    seen = one["name"]
                    labels = [label for label in one.get("labels", []) if isinstance(label, str) and label != LATEST]
                    yield seen, sorted(number for number in one["versions"] if is_number(number)), labels

    def _page(self, page: str | int | None) -> dict[str, Any]:
        found = self._remote.get("/api/public/v2/prompts", page=page or 1, limit=PAGE)
        meta = found.get("meta") if isinstance(found, dict) and isinstance(found.get("data"), list) else None
        if not isinstance(meta, dict) or not all(isinstance(meta.get(key), int) for key in ("page", "totalPages")):
            raise self._unknown()
        told: dict[str, Any] = found
        return told

    def _serving(self, name: str, labels: list[str]) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        for label in labels:
            payload = self._asked(name, label=label)
            if payload is not None and is_number(payload.get("version")):
                found.setdefault(payload["version"], []).append(label)
        return found

    def _version(self, name: str, number: int) -> dict[str, Any] | None:
        return self._asked(name, version=number)

    def _asked(self, name: str, **which: str | int) -> dict[str, Any] | None:
        """One version; None where it was deleted since it was listed."""
        try:
            payload = self._remote.get(f"/api/public/v2/prompts/{quote(name, safe='')}", **which)
        except NotFound:
            return None
        if not isinstance(payload, dict) or "prompt" not in payload:
            raise self._unknown()
        return payload

    def _unknown(self) -> Integrity:
        return Integrity(
            f"{self._remote.host} does not answer as Langfuse does", hint="give the address that LANGFUSE_HOST has"
        )


class LangfuseFile:
    """Versions in a file: a list of what Langfuse answers for each, whole or one a line."""

    system = SYSTEM

    def __init__(self, stream: BinaryIO, what: str) -> None:
        self._payloads = _read(stream, what)

    def count(self) -> int | None:
        """All of them."""
        return len(self._payloads)

    def versions(self) -> Iterator[Incoming]:
        """Every version, by name, rising."""
        for payload in sorted(self._payloads, key=lambda one: (one["name"], _number(one) or 0)):
            number = _number(payload)
            origin = f"{SYSTEM}:{payload.get('projectId') or ''}/{payload['name']}/{number or _gist(payload)}"
            yield incoming(payload, payload["name"], number, origin)


def _following(page: Any) -> int | None:
    """The number of the page after one."""
    meta = page["meta"]
    return meta["page"] + 1 if meta["page"] < meta["totalPages"] else None


def incoming(payload: Mapping[str, Any], name: str, number: int | None, origin: str) -> Incoming:
    """A version as Langfuse tells it."""
    labels = [one for one in payload.get("labels") or [] if isinstance(one, str) and one != LATEST]
    renamed = [(label, alias) for label in labels if (alias := alias_for(label)) != label]
    lost = [
        Lost(what=f"label {label}", why=f"it becomes the alias {alias}" if alias else "no alias can be called so")
        for label, alias in renamed
    ]
    if payload.get("resolutionGraph"):
        lost.append(Lost(what="prompt", why="the prompts that were put in it there are part of its text here"))
    try:
        taken = langfuse_taking.take(payload)
    except InvalidInput as error:
        # It cannot be filled in, and is there for who looks at it.
        text = json.dumps(payload.get("prompt"), ensure_ascii=False)
        taken = langfuse_taking.take({**payload, "prompt": text})
        lost.append(Lost(what="prompt", why=f"{error.message}: it is kept as the text of its JSON"))
    author, message = payload.get("createdBy"), payload.get("commitMessage")
    return Incoming(
        name=name,
        taken=Taken(files=taken.files, lost=(*lost, *taken.lost)),
        origin=origin,
        number=number,
        message=message if isinstance(message, str) else "",
        at=_time(payload.get("createdAt")),
        authors=(author,) if isinstance(author, str) and author not in _NOBODY else (),
        aliases=tuple(dict.fromkeys(alias for label in labels if (alias := alias_for(label)))),
    )


def alias_for(label: str) -> str | None:
    """The alias that a label becomes; None where none can be made of it."""
    plain = _OTHERS.sub("-", label.lower()).strip("-.")
    return plain if is_alias(plain) else None


def is_number(value: Any) -> bool:
    """Whether a value is the number of a version."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= HIGHEST_VERSION


def _number(payload: Mapping[str, Any]) -> int | None:
    value = payload.get("version")
    return value if is_number(value) else None


def _gist(payload: Mapping[str, Any]) -> str:
    """What tells versions without a number apart."""
    import hashlib  # noqa: PLC0415 - of files alone that were written by hand

    said = json.dumps([payload.get("prompt"), payload.get("config")], sort_keys=True)
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:16]


def _time(value: Any) -> int | None:
    """ISO 8601 in microseconds since 1970; None for what is none."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    since = found - datetime(1970, 1, 1, tzinfo=UTC)
    return since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds


def _read(stream: BinaryIO, what: str) -> list[dict[str, Any]]:
    """The versions in a file. Raises InvalidInput, TooLarge."""
    data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise TooLarge(f"{what} has more than {LARGEST:,} bytes", hint="take it in in parts")
    try:
        text = data.decode()
        whole = text.lstrip()[:1] == "[" or "\n{" not in text.strip()
        value = (
            strict_json.loads(text)
            if whole
            else [strict_json.loads(line) for line in text.splitlines() if line.strip()]
        )
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{what} is not UTF-8", hint="write it anew as UTF-8") from error
    except strict_json.StrictJsonError as error:
        raise InvalidInput(f"{what}: {error.message}", hint=error.hint) from error
    if isinstance(value, dict):
        value = value["data"] if isinstance(value.get("data"), list) else [value]
    for at, one in enumerate(value if isinstance(value, list) else [value]):
        if not isinstance(one, dict) or not isinstance(one.get("name"), str) or "prompt" not in one:
            hint = "write what Langfuse answers for each version: [{name, version, prompt, config, labels, …}]"
            raise InvalidInput(f"{what}: item {at + 1} is no version of a prompt", hint=hint)
    return list(value)
