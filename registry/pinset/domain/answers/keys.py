"""Answers about keys and signatures."""

from __future__ import annotations

from typing_extensions import TypedDict


class KeyAnswer(TypedDict):
    """A public key that the registry knows. state: active, retired or compromised. person: None for its own."""

    name: str
    purpose: str
    fingerprint: str
    public: str
    person: str | None
    since: str
    retired_at: str | None
    state: str


class KeysAnswer(TypedDict):
    """Every key. allowed_signers: the same as OpenSSH reads them. unsigned: whether the registry signs nothing yet."""

    items: list[KeyAnswer]
    next: None
    allowed_signers: str
    unsigned: bool


class KeyChange(TypedDict):
    """What became of a key. changed: False where it was so already. operation: None where nothing was written."""

    key: KeyAnswer
    changed: bool
    operation: str | None


class SignatureAnswer(TypedDict):
    """A release that an author signed. person: whose key it is. state: the key's, now."""

    ref: str
    bundle: str
    version: int
    digest: str
    key: str
    person: str | None
    fingerprint: str
    state: str
    signed_at: str
    signature: str


class SignedAnswer(SignatureAnswer):
    """A release that was signed just now. changed: False where that key had signed it before."""

    changed: bool
    operation: str | None


class ForeignAnswer(TypedDict):
    """A branch that somebody else moved. found, own: commits, None for none. says: who the commit says it is by.

    kept: where it is kept; None where nothing was found, or nothing was put aside yet.
    """

    ref: str
    found: str | None
    own: str | None
    says: str
    kept: str | None
