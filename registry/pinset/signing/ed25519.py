"""Ed25519: keys in OpenSSH's files, signing and checking. The only importer of ``cryptography``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinset.domain.keys import COMMITS, STATEMENTS, public_key, raw_of
from pinset.domain.records import SignatureRecord
from pinset.errors import InvalidInput
from pinset.signing import sshsig
from pinset.signing.sshsig import Signature
from pinset.signing.statement import result_statement, statement

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from pinset.domain.commits import RawCommit
    from pinset.domain.keys import Key
    from pinset.domain.records import ResultRecord


class PrivateKey:
    """A key that signs. public: its other half, as OpenSSH writes it."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        serialization = _serialization()
        written = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        self.public = public_key(written.decode("ascii"))

    def sign(self, payload: bytes, namespace: str) -> str:
        """A signature with its armor; of the same payload always the same."""
        raw = self._key.sign(sshsig.signed_bytes(payload, namespace))
        return sshsig.encode(Signature(self.public, namespace, raw))

    def text(self) -> str:
        """The file that OpenSSH keeps it in, without a passphrase."""
        serialization = _serialization()
        written: bytes = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
        return written.decode("ascii")


def make_private() -> PrivateKey:
    """A new key."""
    return PrivateKey(_ed25519().Ed25519PrivateKey.generate())


def load_private(text: str) -> PrivateKey:
    """A key from OpenSSH's file, without a passphrase. Raises InvalidInput for what is none, or of another kind."""
    hint = "make one: ssh-keygen -t ed25519 -f KEYFILE"
    if text.startswith("ssh-"):
        raise InvalidInput("that is a public key; signing needs the private one", hint="give the file without .pub")
    ed25519, serialization = _ed25519(), _serialization()
    try:
        key = serialization.load_ssh_private_key(text.encode(), None)
    except Exception as error:
        # Which exception says that there is a passphrase depends on what else is installed.
        if any(word in str(error).lower() for word in ("password", "passphrase", "bcrypt", "encrypted")):
            raise InvalidInput(
                "the key has a passphrase, which only OpenSSH is asked for",
                hint="pinset sign REF --statement | ssh-keygen -Y sign -n pinset -f KEYFILE | pinset sign REF --signature -",
            ) from error
        raise InvalidInput("that is no private key as OpenSSH writes it", hint=hint) from error
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise InvalidInput("that is no Ed25519 key", hint=hint)
    return PrivateKey(key)


def check(public: str, payload: bytes, signature: Signature, namespace: str) -> bool:
    """Whether a signature is by this key, for this namespace, of exactly this payload."""
    if signature.public != public or signature.namespace != namespace:
        return False
    try:
        _ed25519().Ed25519PublicKey.from_public_bytes(raw_of(public)).verify(
            signature.raw, sshsig.signed_bytes(payload, namespace)
        )
    except _invalid():
        return False
    return True


def vouches(key: Key, registry: str, record: SignatureRecord | ResultRecord) -> bool:
    """Whether a signature is by that key, and of that release, or result, of the registry with that id."""
    if isinstance(record, SignatureRecord):
        said = statement(registry=registry, bundle=record.bundle, digest=record.digest)
    else:
        said = result_statement(registry, record)
    try:
        signature = sshsig.decode(sshsig.from_line(record.signature or ""))
    except ValueError:
        return False
    return check(key.public, said, signature, STATEMENTS)


def checks_commit(raw: RawCommit) -> str | None:
    """The public key by which a commit is signed; None for one that is not signed.

    ValueError for a signature that does not fit the commit, or that is none.
    """
    if raw.signature is None:
        return None
    signature = sshsig.decode(raw.signature)
    if sshsig.encode(signature) != raw.signature:
        raise ValueError("a signature that is spelt in another way than the registry's")
    if not check(signature.public, raw.payload, signature, COMMITS):
        raise ValueError("a signature that does not fit what it signs")
    return signature.public


def need_installed() -> None:
    """Raises InvalidInput where the package that signs and checks is not installed."""
    _ed25519()


def _ed25519() -> Any:
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415 - most never sign or check
    except ImportError as error:
        raise InvalidInput(
            "signatures need a package that is not installed", hint="pip install 'pinset[signatures]'"
        ) from error
    return ed25519


def _serialization() -> Any:
    _ed25519()
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - most never sign or check

    return serialization


def _invalid() -> type[Exception]:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - most never sign or check

    return InvalidSignature
