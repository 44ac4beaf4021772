"""Commits as git keeps them: a head, perhaps with a signature at its end, and a message.

Reading is strict: only what the registry writes passes. It is read so by the stores, by who proves the registry, and
by clients that check what they were given.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

_HEAD: Final = re.compile(
    r"tree (?P<tree>[0-9a-f]{40})\n(?P<parents>(?:parent [0-9a-f]{40}\n)*)author (?P<author>[^\n]*)\n"
    r"committer (?P<committer>[^\n]*)\n(?P<signature>gpgsig [^\n]*\n(?: [^\n]*\n)*)?",
    re.ASCII,
)
_SIGNATURE: Final = re.compile(
    r"gpgsig -----BEGIN SSH SIGNATURE-----\n(?: [A-Za-z0-9+/=]{1,70}\n){1,8} -----END SSH SIGNATURE-----\n", re.ASCII
)


@dataclass(frozen=True, slots=True)
class RawCommit:
    """What the bytes of a commit say. author: name and address. signature: armored, None where there is none.

    unsigned: the commit without it.
    """

    tree: str
    parents: tuple[str, ...]
    author: str
    message: str
    signature: str | None
    unsigned: str

    @property
    def payload(self) -> bytes:
        """The bytes that a signature is made of."""
        return self.unsigned.encode()


def parse_raw(text: str) -> RawCommit:
    """What a commit says. ValueError where it is not one that the registry would write."""
    head, blank, message = text.partition("\n\n")
    match = _HEAD.fullmatch(head + "\n")
    if match is None or not blank:
        raise ValueError("a commit without the usual header")
    field = match["signature"]
    if field is not None and _SIGNATURE.fullmatch(field) is None:
        raise ValueError("a commit with another signature than those of the registry")
    unsigned = text if field is None else f"{head[: match.start('signature')]}\n{message}"
    author, _, _ = match["author"].rpartition("> ")
    return RawCommit(
        tree=match["tree"],
        parents=tuple(line[7:] for line in match["parents"].splitlines()),
        author=author + ">",
        message=message,
        signature=None if field is None else field.removeprefix("gpgsig ").replace("\n ", "\n"),
        unsigned=unsigned,
    )


def is_signed(text: str) -> bool:
    """Whether a commit has a signature, whatever it is worth."""
    return "\ngpgsig " in text.partition("\n\n")[0]


def signed(payload: bytes, signature: str) -> bytes:
    """The bytes of a commit with a signature (armored) that was made of it."""
    head, blank, message = payload.partition(b"\n\n")
    field = "gpgsig " + signature.removesuffix("\n").replace("\n", "\n ")
    return head + b"\n" + field.encode("ascii") + blank + message


def id_of(text: str) -> str:
    """The id of a commit: git's SHA-1 of it."""
    data = text.encode()
    # Git's choice of hash, not ours; what a release is worth rests on the SHA-256 in its manifest.
    return hashlib.sha1(b"commit %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
