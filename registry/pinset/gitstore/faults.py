"""The one place where failures of libgit2 and of the system become errors of ours."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any, Final

from pinset import durable
from pinset.domain.names import show
from pinset.errors import Conflict, Integrity, NotFound, PinsetError, ReadOnly, Unavailable, all_errors
from pinset.gitstore.scanning import VERIFY_HINT

if TYPE_CHECKING:
    from collections.abc import Mapping

_HINTS: Final[Mapping[int, str]] = {
    **durable.NO_ROOM,
    errno.EFBIG: "raise the limit on file sizes (ulimit -f), then try again",
    errno.EROFS: "mount the registry's file system for writing",
    errno.EACCES: "give the registry's directory to the user who runs this: chown -R",
    errno.EPERM: "give the registry's directory to the user who runs this: chown -R",
    errno.EIO: "check the disk and the system's log, then open the registry anew",
}


def system_error(error: OSError, what: str) -> ReadOnly | Unavailable:
    """The error for a system call that failed while ``what`` (a clause) was being done."""
    number = error.errno or number_in(str(error))
    reason = os.strerror(number) if number else str(error)
    name = errno.errorcode.get(number or 0)
    if number and number in _HINTS:
        return ReadOnly(f"{what}: {reason}", hint=_HINTS[number], details={"errno": name})
    return Unavailable(f"{what}: {reason}", hint="try again", details={"errno": name} if name else {})


def number_in(text: str) -> int | None:
    """The number of the system error that libgit2 quotes in words at the end of its messages, and git somewhere."""
    if "Out of diskspace" in text:  # what the git program says instead
        return errno.ENOSPC
    return next((number for number in _HINTS if os.strerror(number) in text), None)


def translate(error: Exception, *, writing: bool) -> PinsetError:
    """The error to answer with when an operation of the child ended with ``error``."""
    if isinstance(error, PinsetError):
        return error
    number = (error.errno if isinstance(error, OSError) else None) or number_in(str(error))
    if writing or number in {errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE}:
        what = "the store could not be written" if writing else "the store could not be read"
        return system_error(OSError(number, str(error)) if number else OSError(str(error)), what)
    if isinstance(error, (TypeError, AttributeError)):
        return Unavailable(f"the store failed: {type(error).__name__}: {error}", hint="report this as a bug")
    return Integrity(f"the store could not be read: {error}", hint=VERIFY_HINT)


def to_wire(error: PinsetError) -> dict[str, Any]:
    """The error as JSON for the pipe."""
    return {"code": error.code, "message": error.message, "hint": error.hint, "details": error.details}


def from_wire(data: Mapping[str, Any]) -> PinsetError:
    """The inverse of `to_wire`."""
    kind = next((k for k in all_errors() if k.code == data["code"]), Unavailable)
    return kind(data["message"], hint=data["hint"], details=data["details"])


def moved_meanwhile(ref: str, expected: str | None, found: str | None) -> Conflict:
    """The error for a ref that is not where a move expects it."""
    return Conflict(
        f"{ref} is at {found or 'nothing'}, not at {expected or 'nothing'} as expected",
        hint="read it again, then decide",
        details={"ref": ref, "expected": expected, "found": found},
    )


def name_in_the_way(ref: str) -> Conflict:
    """The error for a new ref whose name another ref needs as a folder, or the other way round."""
    return Conflict(f"{ref} cannot be made: another ref is in the way of its name", hint="choose another name")


def no_such_commit(wanted: str) -> NotFound:
    """The error for a parent, a tree's commit or a ref's target that was never written."""
    return NotFound(
        f"the store has no commit {show(wanted)}", hint="write the commit first", details={"commit": wanted}
    )
