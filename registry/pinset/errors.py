"""The one tree of errors.

Every failure a user can cause is one of these: a sentence that says what is wrong, a hint that says what to do
next, details for programs, and a stable code. The tables at the end map each family once, to HTTP, to an exit
status and back from a problem document; ``registry/docs/errors.md`` lists them for people, and a test holds the
four together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class PinsetError(Exception):
    """What went wrong, and the way out. Never raised itself: raise a family or one of its children.

    message: one sentence, no trailing hint. hint: what to type or change next. details: JSON values a program
    can act on. code: stable, ``snake_case``; scripts compare it.
    """

    code: ClassVar[str] = "internal"
    recorded: bool = False
    """Whether the audit log has it already, or need not have it. Known only where it was raised."""
    credential: str = ""
    """For the audit log: which credential it was that is good no longer. Never sent."""

    def __init__(self, message: str, *, hint: str = "", details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details: dict[str, Any] = dict(details or {})


# -- InvalidInput: the request can never succeed as it is ------------------------------------------------------


class InvalidInput(PinsetError):
    """What was sent is malformed; sending it again will fail again."""

    code = "invalid_input"


class InvalidName(InvalidInput):
    """A bundle, component, alias, label or path that breaks the allow-list of names."""

    code = "invalid_name"


class InvalidReference(InvalidInput):
    """Text that names no release: a bad selector, or a selector that this verb does not take."""

    code = "invalid_reference"


class InvalidManifest(InvalidInput):
    """The manifest or a file it names has errors; ``details["findings"]`` holds every one of them."""

    code = "invalid_manifest"


class InvalidPolicy(InvalidInput):
    """The policy has errors, or would lock everybody out; ``details["findings"]`` holds every one of them."""

    code = "invalid_policy"


class InvalidConfig(InvalidInput):
    """The registry's ``config.toml`` has mistakes; ``details["findings"]`` holds every one of them."""

    code = "invalid_config"


class TooLarge(InvalidInput):
    """A text, a release or a body over its limit. Refused before it is read whole."""

    code = "too_large"


# -- NotFound ---------------------------------------------------------------------------------------------------


class NotFound(PinsetError):
    """Nothing of that name exists. Said only when it is certain; otherwise `Unavailable`."""

    code = "not_found"


class NoRegistry(NotFound):
    """There is no registry at that place."""

    code = "no_registry"


class Purged(NotFound):
    """The release existed and its content was removed for good; its names stay taken."""

    code = "purged"


# -- Conflict ---------------------------------------------------------------------------------------------------


class Conflict(PinsetError):
    """The state is not what the caller expected; look again, then decide."""

    code = "conflict"


class AlreadyExists(Conflict):
    """The name is taken, by something else than what was sent."""

    code = "already_exists"


class AliasMoved(Conflict):
    """A compare-and-swap failed: the alias no longer serves what the caller said it does."""

    code = "alias_moved"


class RequestChanged(Conflict):
    """The request of this number is another one than the caller has seen."""

    code = "request_changed"


class PolicyMoved(Conflict):
    """A compare-and-swap failed: another policy is in force than the caller thinks."""

    code = "policy_moved"


class IdempotencyMismatch(Conflict):
    """The Idempotency-Key was used before for another request."""

    code = "idempotency_mismatch"


class PreconditionRequired(Conflict):
    """The change needs an expected state (If-Match, ``--expect``) and came without one."""

    code = "precondition_required"


# -- Refused: well-formed, up to date, and against a rule --------------------------------------------------------


class Refused(PinsetError):
    """A rule of the registry forbids this change."""

    code = "refused"


class ChecksFailed(Refused):
    """The release has findings that are errors; ``details["findings"]`` holds them."""

    code = "checks_failed"


class Yanked(Refused):
    """The release was yanked: readable by version and digest, refused to new moves."""

    code = "yanked"


class Barred(Refused):
    """A rollback left this release behind on this alias; ``promote --again`` with a reason lifts the bar."""

    code = "barred"


class Archived(Refused):
    """The bundle is archived: what its aliases serve they go on serving, and nothing is published or promoted."""

    code = "archived"


class StillServed(Refused):
    """An alias serves what is to be purged; ``details["served"]`` says which alias serves which release."""

    code = "still_served"


class ContentPurged(Refused):
    """The content was purged: nothing can serve it again, and it cannot be published again."""

    code = "content_purged"


class GatesOpen(Refused):
    """The policy wants more than was found; ``details["gates"]`` holds every gate, passed ones too."""

    code = "gates_open"


class Protected(Refused):
    """The policy protects the alias, and this way around its gates is not taken."""

    code = "protected"


class RequestClosed(Refused):
    """The request was decided, has expired, or is about what is no longer so; ``details["state"]`` says which."""

    code = "request_closed"


class OwnApproval(Refused):
    """Nobody approves what they asked for or published themselves."""

    code = "own_approval"


class NothingBehind(Refused):
    """There is nothing to roll back to."""

    code = "nothing_behind"


# -- Who is asking ----------------------------------------------------------------------------------------------


class Unauthenticated(PinsetError):
    """No valid credential came with the request."""

    code = "unauthenticated"


class PermissionDenied(PinsetError):
    """The credential is valid and does not allow this."""

    code = "permission_denied"


class ForeignOrigin(PermissionDenied):
    """A request without credential that a web page of another site could have sent."""

    code = "foreign_origin"


# -- Integrity --------------------------------------------------------------------------------------------------


class Integrity(PinsetError):
    """Stored bytes are not what was stored. Never served; ``pinset verify`` says what is damaged."""

    code = "integrity"


class Untrusted(Integrity):
    """A signature is missing, or is not by a key that is trusted, or not of what it stands beside."""

    code = "untrusted"


class UnknownFormat(Integrity):
    """The registry was written in a format this program does not know, most likely by a newer one."""

    code = "unknown_format"


# -- Try later --------------------------------------------------------------------------------------------------


class Unavailable(PinsetError):
    """It did not happen, or it is not known whether it did; ``details["operation"]`` tells later."""

    code = "unavailable"


class Busy(Unavailable):
    """Others work on it, and did for the whole time this one was willing to wait."""

    code = "busy"


class ReadOnly(Unavailable):
    """The registry cannot be written now: permissions, a full disk, or a failed sync."""

    code = "read_only"


class RateLimited(PinsetError):
    """Too many requests; ``details["retry_after"]`` is in seconds."""

    code = "rate_limited"


# -- The tables -------------------------------------------------------------------------------------------------

HTTP_STATUS: Final[Mapping[type[PinsetError], int]] = {
    InvalidInput: 422,
    TooLarge: 413,
    NotFound: 404,
    Purged: 410,
    Conflict: 409,
    PreconditionRequired: 428,
    Refused: 409,
    Unauthenticated: 401,
    PermissionDenied: 403,
    Integrity: 500,
    RateLimited: 429,
    Unavailable: 503,
}

EXIT_STATUS: Final[Mapping[type[PinsetError], int]] = {
    InvalidInput: 2,
    NotFound: 3,
    Conflict: 4,
    Refused: 5,
    Unauthenticated: 6,
    PermissionDenied: 6,
    Integrity: 7,
    RateLimited: 8,
    Unavailable: 8,
}

EXIT_ANSWER_IS_NO: Final = 1
EXIT_BUG: Final = 70
EXIT_INTERRUPTED: Final = 130


def all_errors() -> Iterator[type[PinsetError]]:
    """Every class of the tree but its root, parents before children."""
    queue = list(PinsetError.__subclasses__())
    while queue:
        kind = queue.pop(0)
        yield kind
        queue.extend(kind.__subclasses__())


def http_status(error: type[PinsetError]) -> int:
    """The HTTP status of an error class: its own, else its nearest ancestor's; 500 for the root."""
    return next((HTTP_STATUS[k] for k in error.__mro__ if k in HTTP_STATUS), 500)


def exit_status(error: type[PinsetError]) -> int:
    """The exit status of an error class: its own, else its nearest ancestor's; 70 for the root."""
    return next((EXIT_STATUS[k] for k in error.__mro__ if k in EXIT_STATUS), EXIT_BUG)


def from_problem(problem: Mapping[str, Any]) -> PinsetError:
    """The error that a problem document describes, so that a client raises what the server raised.

    problem: the members of an RFC 9457 document. An unknown code falls back to the status's family, and an
    unknown status to `Unavailable`.
    """
    code, status = problem.get("code"), problem.get("status")
    by_code = {kind.code: kind for kind in all_errors()}
    by_status = {value: kind for kind, value in reversed(list(HTTP_STATUS.items()))}
    kind = by_code.get(str(code)) or by_status.get(status if isinstance(status, int) else 0, Unavailable)
    details = problem.get("details")
    return kind(
        str(problem.get("detail") or problem.get("title") or "the registry refused"),
        hint=str(problem.get("hint") or ""),
        details=details if isinstance(details, dict) else {},
    )
