"""Keys: which there are, since when, and which of them a commit of the registry must be signed with.

All keys are Ed25519, written as OpenSSH writes public keys: ``ssh-ed25519 AAAA…``. What is known of them is in the
records on the branch ``main``; nothing here signs or checks a signature itself.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from pinset.domain.names import show
from pinset.domain.records import FoundingRecord, KeyAction, KeyRecord, Purpose
from pinset.errors import InvalidInput, InvalidName

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KIND: Final = "ssh-ed25519"
COMMITS: Final = "git"
"""The namespace of signatures of commits: git's own."""
STATEMENTS: Final = "pinset"
"""The namespace of signatures of statements about releases."""
COMMITTER: Final = "registry@pinset.invalid"
"""The address that every commit of a registry is committed by."""
_PREFIX: Final = b"\0\0\0\x0bssh-ed25519\0\0\0\x20"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A public key that the registry knows. person: whose it is; None for the registry's own.

    since, retired_at: microseconds since 1970. compromised: nothing that it signed counts any more.
    """

    name: str
    purpose: Purpose
    public: str
    person: str | None
    since: int
    retired_at: int | None = None
    compromised: bool = False

    @property
    def active(self) -> bool:
        """Whether what it signs now counts."""
        return self.retired_at is None

    @property
    def state(self) -> str:
        """``active``, ``retired`` or ``compromised``."""
        return "active" if self.active else "compromised" if self.compromised else "retired"


def public_key(text: str) -> str:
    """A public key as it is kept, without its comment. Raises InvalidInput for what is no Ed25519 public key."""
    fields = text.split()
    hint = "give the .pub file that this makes: ssh-keygen -t ed25519 -f KEYFILE"
    if "PRIVATE KEY" in text:
        raise InvalidInput("that is a private key, which nobody else may have", hint="give the .pub file beside it")
    if len(fields) < 2 or fields[0] != KIND or len(text.strip().splitlines()) != 1:
        raise InvalidInput("that is no Ed25519 public key as OpenSSH writes it", hint=hint)
    try:
        blob = base64.b64decode(fields[1], validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput("that public key is damaged", hint=hint) from error
    if not blob.startswith(_PREFIX) or len(blob) != len(_PREFIX) + 32:
        raise InvalidInput("that public key is damaged", hint=hint)
    return public_of(blob[len(_PREFIX) :])


def public_of(raw: bytes) -> str:
    """A public key as it is kept, from its 32 bytes."""
    return f"{KIND} {base64.b64encode(_PREFIX + raw).decode('ascii')}"


def raw_of(public: str) -> bytes:
    """The 32 bytes of a public key as it is kept."""
    return base64.b64decode(public.split()[1])[len(_PREFIX) :]


def fingerprint(public: str) -> str:
    """What a key is told apart by, as OpenSSH shows it: ``SHA256:…``."""
    digest = hashlib.sha256(base64.b64decode(public.split()[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode("ascii").rstrip("=")


def key_name(text: str) -> str:
    """The text, if it can name a key. Raises InvalidName."""
    if _NAME.fullmatch(text) is None:
        raise InvalidName(
            f"{show(text)} cannot be the name of a key", hint="use lower-case letters, digits and . _ -, at most 64"
        )
    return text


def after(keys: Mapping[str, Key], record: FoundingRecord | KeyRecord) -> dict[str, Key]:
    """The keys there are after a record. A registry's founding with a key of its own ends those of the one before."""
    at = record.stamp.at
    if isinstance(record, FoundingRecord):
        if record.key is None or record.key_name is None:
            return dict(keys)
        ended = {
            name: replace(key, retired_at=at) if key.active and key.purpose is Purpose.REGISTRY else key
            for name, key in keys.items()
        }
        made = Key(name=record.key_name, purpose=Purpose.REGISTRY, public=record.key, person=None, since=at)
        return {**ended, record.key_name: made}
    if record.action is KeyAction.ADD:
        made = Key(name=record.name, purpose=record.purpose, public=record.public, person=record.key_person, since=at)
        return {**keys, record.name: made}
    known = keys.get(record.name)
    if known is None:
        return dict(keys)
    return {**keys, record.name: replace(known, retired_at=at, compromised=record.compromised)}


def folded(records: Iterable[object]) -> dict[str, Key]:
    """The keys there are after records, oldest first; those of other kinds are passed over."""
    keys: dict[str, Key] = {}
    for record in records:
        if isinstance(record, FoundingRecord | KeyRecord):
            keys = after(keys, record)
    return keys


def signing(keys: Mapping[str, Key]) -> Key | None:
    """The key that the registry signs with: the newest of its own. None where it signs nothing yet."""
    own = [key for key in keys.values() if key.purpose is Purpose.REGISTRY and key.active]
    return max(own, key=lambda key: key.since, default=None)


def next_name(keys: Mapping[str, Key]) -> str:
    """What the next key of the registry is called."""
    number = 1 + sum(key.purpose is Purpose.REGISTRY for key in keys.values())
    while f"registry-{number}" in keys:
        number += 1
    return f"registry-{number}"


def allowed_signers(keys: Mapping[str, Key]) -> str:
    """The keys as OpenSSH reads them, for ``git verify-commit`` and ``ssh-keygen -Y verify``.

    Who signed is named by the address of the committer line, or by the person. What a retired key signed before
    counts on; a compromised one is left out.
    """
    lines = []
    for key in keys.values():
        if key.compromised:
            continue
        own = key.purpose is Purpose.REGISTRY
        options = f'namespaces="{COMMITS if own else STATEMENTS}"'
        if key.retired_at is not None:
            ended = datetime.fromtimestamp(key.retired_at // 1_000_000, UTC)
            options += f',valid-before="{ended:%Y%m%d%H%M%S}Z"'
        lines.append(f"{COMMITTER if own else key.person or key.name} {options} {key.public} {key.name}\n")
    return "".join(lines)


def read_allowed(text: str) -> frozenset[str]:
    """The public keys for signatures of commits that a text names: one a line, or lines of ``allowed_signers``.

    Raises InvalidInput for a line that is neither, and where there is none.
    """
    found = set()
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        before, kind, rest = line.partition(f"{KIND} ")
        if not kind:
            raise InvalidInput(
                f"{show(line, 60)} names no Ed25519 public key", hint="see what the registry has: pinset keys show"
            )
        namespaces = re.search(r'namespaces="([^"]*)"', before)
        if namespaces is None or COMMITS in namespaces[1].split(","):
            found.add(public_key(kind + rest))
    if not found:
        raise InvalidInput("that names no key of a registry", hint="give what this prints: pinset keys show")
    return frozenset(found)
