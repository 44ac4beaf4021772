"""All flags at once: every bundle that who asks may read in production, from the answers that are ready anyway."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pinset.api import doors
from pinset.api.admissions import LOCAL
from pinset.api.context import json_of
from pinset.api.hot import posted_key
from pinset.compat.answering import prepare
from pinset.compat.ofrep.sets import Flags
from pinset.domain.access import Verb
from pinset.domain.exchange import ofrep
from pinset.domain.names import DEFAULT_ALIAS, bundle_name
from pinset.domain.references import parse_selector
from pinset.errors import NotFound, PermissionDenied, PinsetError, TooLarge, http_status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinset.api.context import Asked
    from pinset.api.prepared import Prepared
    from pinset.compat.answering import Called
    from pinset.compat.ofrep.sets import Sets
    from pinset.domain import answers
    from pinset.services.local import LocalRegistry

MOST: Final = 1000
"""Bundles of one answer."""
LARGEST: Final = 32 * 1024 * 1024
"""Bytes of one answer."""
FLAGS: Final = "/compat/ofrep/ofrep/v1/evaluate/flags/"
_PRODUCTION: Final = parse_selector(DEFAULT_ALIAS)
_UNAVAILABLE: Final = 503


def tell_as(key: str) -> Any:
    """How a release is told under a key."""

    def tell(_: LocalRegistry, document: answers.ReleaseAnswer, __: Called) -> Any:
        return ofrep.tell(document, key)

    return tell


def named(text: str | None) -> tuple[str, ...]:
    """The bundles that a list of names asks for; none: all. Raises InvalidName."""
    return tuple(sorted({bundle_name(name) for name in text.split(",")})) if text else ()


async def flags(asked: Asked, wanted: Sequence[str]) -> tuple[bytes, str]:
    """The answer and its entity tag. wanted: names of bundles; none: all. Raises TooLarge, and what reading raises."""
    sets: Sets = asked.request.app.state.flag_sets
    key = (tuple(wanted), asked.caller.grants)
    found = await sets.find(key, asked.registry.mark(), partial(_made, asked, wanted))
    streams = json_of(await _streams(asked, sets, wanted))
    seal = hashlib.sha256(found.seal.encode() + streams).hexdigest()
    return b'{"flags":%b,"eventStreams":%b}' % (found.text, streams), f'"{seal[:40]}-c1"'


def _made(asked: Asked, wanted: Sequence[str]) -> Flags:
    pieces, size, whole = [], 0, True
    for name in _bundles(asked.registry, wanted):
        piece = _flag(asked, name)
        if piece is None:
            continue
        whole = whole and not piece.failed
        size += len(piece.text)
        if size > LARGEST:
            raise _too_much(f"{LARGEST:,} bytes")
        pieces.append(piece.text)
    text = b"[%b]" % b",".join(pieces)
    return Flags(text, hashlib.sha256(text).hexdigest(), whole)


def _bundles(registry: LocalRegistry, wanted: Sequence[str]) -> list[str]:
    """Those that are wanted; of all, those that serve production. By name."""
    names = list(wanted) or registry.serving(DEFAULT_ALIAS, limit=MOST + 1)
    if len(names) > MOST:
        raise _too_much(f"{MOST:,} bundles")
    return names


class _Flag(NamedTuple):
    text: bytes
    failed: bool = False


def _flag(asked: Asked, name: str) -> _Flag | None:
    """One bundle's flag; None where it is none for who asks, or no longer one."""
    registry, selector = asked.registry, _PRODUCTION
    try:
        registry.permit(Verb.READ, name, selector.text)
        make = partial(prepare, registry, name, selector, tell_as(name), f"{FLAGS}{{key:path}}")
        found: Prepared = asked.request.app.state.ready.find(posted_key((FLAGS + name).encode(), b""), make)
    except (NotFound, PermissionDenied):
        return None
    except PinsetError as error:
        if http_status(type(error)) == _UNAVAILABLE:
            raise  # it cannot be told now: whoever has flags keeps them all
        return _Flag(json_of({"key": name, "errorCode": "GENERAL", "errorDetails": error.message}), failed=True)
    return _Flag(found.body)


def _too_much(what: str) -> TooLarge:
    return TooLarge(
        f"all flags of this credential are more than {what}",
        hint="ask for some, ?bundle=NAME,NAME, or with a token that may read fewer",
    )


async def _streams(asked: Asked, sets: Sets, wanted: Sequence[str]) -> list[dict[str, Any]]:
    """Where to follow; nowhere for who needs a credential and has none that could stand in an address."""
    via = asked.request.scope["pinset.identity"].via
    ticket = await sets.ticket(via, asked.registry.ticket_of)
    if ticket is None and via != LOCAL.via:
        return []
    query = [f"ticket={ticket}"] if ticket else []
    query += [f"bundle={','.join(wanted)}"] if wanted else []
    return [{"type": "sse", "endpoint": {"requestUri": doors.TICKETED + (f"?{'&'.join(query)}" if query else "")}}]
