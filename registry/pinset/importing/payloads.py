"""Answers of servers and files of them, taken apart with a word for each that is not as it should be."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.exchange.incoming import Incoming, Lost, Taken
from pinset.domain.names import is_alias
from pinset.domain.text import strict_json
from pinset.errors import Integrity, InvalidInput, NotFound, PermissionDenied, PinsetError, TooLarge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path
    from typing import BinaryIO

    from pinset.importing.http import Remote

LARGEST: Final = 256 * 1024 * 1024
"""Bytes of a file."""
_NOTHING: Final = Taken(files={})
_OTHERS: Final = re.compile(r"[^a-z0-9._-]+")


class OfServer:
    """What sources on a server share: they are read as whoever's credential the remote has, and go on where they were."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self._known: Callable[[str, str], bool] = lambda _name, _origin: False

    def resume(self, known: Callable[[str, str], bool]) -> None:
        """See `incoming.Resumable`."""
        self._known = known

    def count(self) -> int | None:
        """No server tells how many versions it has."""
        return None


def opened(file: Path, what: str) -> BinaryIO:
    """A file's bytes. what: such a file is of. Raises NotFound, PermissionDenied."""
    try:
        return file.open("rb")
    except PermissionError as error:
        raise PermissionDenied(f"{file} cannot be read", hint="run as its owner, or let this user read it") from error
    except OSError as error:
        raise NotFound(f"{file} cannot be read: {error.strerror}", hint=f"name a file of {what}") from error


def read_text(file: Path) -> str:
    """The text of a file of JSON. Raises NotFound, PermissionDenied, InvalidInput."""
    with opened(file, "JSON") as stream:
        try:
            return stream.read().decode()
        except UnicodeDecodeError as error:
            raise InvalidInput(f"{file} is no UTF-8", hint="name a file of JSON") from error
        except OSError as error:  # a directory, or a disk that fails
            raise NotFound(f"{file} cannot be read: {error.strerror}", hint="name a file of JSON") from error


def read_json(file: Path) -> Any:
    """The value in a file. Raises NotFound, PermissionDenied, InvalidInput."""
    try:
        return strict_json.loads(read_text(file))
    except strict_json.StrictJsonError as error:
        raise InvalidInput(f"{file}: {error.message}", hint=error.hint) from error


def objects(value: Any, key: str, what: str) -> list[dict[str, Any]]:
    """A list of objects in an answer. Raises Integrity, with what answers it."""
    found = value.get(key) if isinstance(value, dict) else None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise unknown(what)
    return found


def text(value: Mapping[str, Any], key: str, what: str) -> str:
    """A text that is never empty. Raises Integrity."""
    found = value.get(key)
    if not isinstance(found, str) or not found:
        raise unknown(what)
    return found


def unknown(what: str) -> Integrity:
    """What answers is another thing than was asked."""
    return Integrity(f"what is there does not answer as {what} does", hint="see whether the address is that of its API")


def alias_for(name: str) -> str | None:
    """The alias that becomes of what serves a version elsewhere; None where none can be made of it."""
    plain = _OTHERS.sub("-", name.lower()).strip("-.")
    return plain if is_alias(plain) else None


def decoded(stream: BinaryIO, what: str, hint: str) -> str:
    """The text of a file of a bounded size. Raises InvalidInput, TooLarge."""
    data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise TooLarge(f"{what} has more than {LARGEST:,} bytes", hint="take it in in parts")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{what} is no UTF-8", hint=hint) from error


def microseconds(value: Any) -> int | None:
    """A time of ISO 8601 since 1970; None for what is none."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    since = (found if found.tzinfo else found.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    return since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds


def incoming(take: Callable[[], Taken], serving: Iterable[Any], **given: Any) -> Incoming:
    """A version as it comes in. take: reads it; why it cannot be read is its problem. serving: what serves it there."""
    names = [one for one in serving if isinstance(one, str)]
    aliases = {name: alias_for(name) for name in names}
    lost = [
        Lost(what=f"alias {name}", why=f"it becomes the alias {alias}" if alias else "no alias can be called so here")
        for name, alias in aliases.items()
        if alias != name
    ]
    served = tuple(dict.fromkeys(alias for alias in aliases.values() if alias))
    try:
        taken = take()
    except PinsetError as error:
        return Incoming(taken=_NOTHING, problem=error, aliases=served, **given)
    return Incoming(taken=Taken(files=taken.files, lost=(*lost, *taken.lost)), aliases=served, **given)
