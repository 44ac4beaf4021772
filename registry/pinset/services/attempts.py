"""What was tried and refused is recorded before the refusal is told; what cannot be recorded is not told.

A stranger can be refused as often as he likes, and so can a program that polls what it may not read. What comes again
within a minute is counted, and one row tells of all of it.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pinset.domain.references import SelectorKind, parse
from pinset.errors import (
    Conflict,
    PermissionDenied,
    PinsetError,
    ReadOnly,
    Refused,
    Unauthenticated,
    Unavailable,
)
from pinset.ports.state import Attempt, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pinset.ports.registry import Caller
    from pinset.services.session import Context

REFUSALS: Final = (Unauthenticated, PermissionDenied, Refused, Conflict)
"""What is recorded. That something is not there, or written wrongly, is no refusal."""
ANONYMOUS: Final = "anonymous"
"""The actor of a request whose sender is not known."""
WINDOW: Final = 60_000_000
"""Microseconds in which the same refusals are one row."""
LOOK: Final = "read"
"""What a look at something is called."""
_MOST: Final = 1000
"""How many repeated refusals are counted apart; of strangers beyond that all of a kind together, from no address."""
_ACTIONS: Final[Mapping[str, str]] = {"publish-component": "component"}
_TOLD: Final = (
    "reference", "label", "number", "name", "to", "steps", "at", "expect", "again", "suite", "request", "spelled", "also",
)  # fmt: skip
"""What of a request may be told: never the files, which hold prompts."""


@contextmanager
def trying(context: Context, caller: Caller, verb: str, arguments: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Record what is refused within. Yields what is known of it, which may grow.

    What a dry run is refused was only asked, unless the credential does not allow it. Raises ReadOnly or Unavailable in
    the place of a refusal that cannot be recorded.
    """
    about = dict(arguments)
    try:
        yield about
    except REFUSALS as error:
        if caller.dry_run and not isinstance(error, PermissionDenied):
            error.recorded = True
        if not error.recorded:
            keep(context, error, attempt_of(context, caller, verb, about, error))
        raise


def attempt_of(
    context: Context, caller: Caller, verb: str, about: Mapping[str, Any], error: PinsetError | None = None
) -> Attempt:
    """The row of a change that somebody known tried; without an error, of one that is done."""
    via, _, address = caller.via.partition(" ")
    bundle, alias = _place(about)
    told = {name: about[name] for name in _TOLD if about.get(name) not in (None, False)}
    reason = about.get("reason") or about.get("message")
    if error is not None and bundle and alias:
        told |= _versions(context, bundle, alias, about.get("reference"))
    return Attempt(
        at=context.clock.now(),
        kind=Kind.DONE if error is None else Kind.REFUSED,
        actor=caller.actor,
        person=caller.recorded_person or "",
        via=via,
        address=address,
        action=about.get("decision") or _ACTIONS.get(verb, verb.partition(".")[0]),
        target="/".join(str(about[name]) for name in ("kind", "name") if about.get(name)),
        bundle=bundle,
        alias=alias,
        code=error.code if error else "",
        detail=error.message if error else "",
        details={**told, **({"reason": reason} if reason else {})},
    )


def keep(context: Context, error: PinsetError, attempt: Attempt) -> None:
    """Record a refusal. Raises ReadOnly or Unavailable where that cannot be: then the refusal is not told."""
    try:
        context.state.add_attempt(attempt)
    except PinsetError as failed:
        raise unrecorded(failed) from failed
    error.recorded = True


def unrecorded(failed: PinsetError) -> PinsetError:
    """The error for what is not done, or not told, because nobody would find it in the audit log."""
    kind = ReadOnly if isinstance(failed, ReadOnly) else Unavailable
    return kind(
        f"the audit log cannot be written: {failed.message}",
        hint=f"nothing was changed; reading goes on ({failed.hint})",
        details=failed.details,
    )


class _Key(NamedTuple):
    """What makes two refusals the same. target: of a credential that is known; a stranger may name anything."""

    actor: str
    via: str
    address: str
    code: str
    action: str
    target: str = ""


class _Seen(NamedTuple):
    """When a window began, the last refusal that is only counted, and how many are."""

    began: int
    last: Attempt | None
    times: int


class Repeats:
    """Refusals that may come without end: of strangers, and of looks that a credential does not allow.

    The first of each is a row at once; what comes again within a minute is a number in the next. What is not written yet
    when the process dies is lost: at most a minute of what came again.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._turn = threading.Lock()
        self._seen: dict[_Key, _Seen] = {}

    def add(self, error: PinsetError, attempt: Attempt) -> None:
        """Record a refusal, or count it. Raises ReadOnly or Unavailable where it cannot be recorded."""
        failed = self.flush(attempt.at)
        if failed is not None:
            raise unrecorded(failed) from failed
        known = attempt.kind is not Kind.ANONYMOUS
        key = _Key(attempt.actor, attempt.via, attempt.address, attempt.code, attempt.action)
        key = key._replace(target=attempt.target) if known else key
        with self._turn:
            if key not in self._seen and len(self._seen) >= _MOST and not known:
                key, attempt = key._replace(via="", address=""), replace(attempt, address="", via="")
            seen = self._seen.get(key)
            if seen is not None:
                self._seen[key] = _Seen(seen.began, attempt, seen.times + 1)
                error.recorded = True
                return
        keep(self._context, error, attempt)
        with self._turn:
            if len(self._seen) < _MOST or not known:
                self._seen.setdefault(key, _Seen(attempt.at, None, 0))

    def flush(self, now: int | None = None) -> PinsetError | None:
        """Write what was counted in windows that are over, None: in all. The error where it cannot be; then it stays."""
        with self._turn:
            # One that began after now is of a clock that was set back since.
            over = [key for key, seen in self._seen.items() if now is None or not now - WINDOW < seen.began <= now]
            for key in over:
                last, count = self._seen[key].last, self._seen[key].times
                try:
                    if last is not None:
                        self._context.state.add_attempt(replace(last, count=count))
                except PinsetError as failed:
                    return failed
                del self._seen[key]
        return None


def _versions(context: Context, bundle: str, alias: str, reference: Any) -> dict[str, Any]:
    """What the alias serves, and what it was to serve, as far as that is plain. Looking for it fails nothing."""
    found: dict[str, Any] = {}
    with suppress(PinsetError):
        selector = parse(str(reference), default=None).selector if reference else None
        if selector is not None and selector.kind is SelectorKind.VERSION:
            found["to_version"] = selector.version
    with suppress(PinsetError), context.catalog.reading() as reader:
        move = reader.alias(bundle, alias)
        if move is not None and move.record.to_version is not None:
            found["from_version"] = move.record.to_version
    return found


def _place(about: Mapping[str, Any]) -> tuple[str, str]:
    """The bundle and the alias that a change is about, each '' where none is named."""
    bundle, alias = about.get("bundle") or "", about.get("alias") or ""
    reference = about.get("reference")
    if not bundle and reference:
        with suppress(PinsetError):
            found = parse(str(reference), default=None)
            bundle = found.bundle
            if not alias and found.selector.kind is SelectorKind.ALIAS:
                alias = found.selector.text
    return str(bundle), str(alias)
