"""Signatures as OpenSSH and git make them: Ed25519 keys in OpenSSH's files, the SSHSIG format.

What is known of keys is in `pinset.domain.keys`; here they sign, and signatures are checked. The package
``cryptography`` is loaded when the first signature is made or checked.
"""

from pinset.signing.ed25519 import PrivateKey, check, checks_commit, load_private, make_private, need_installed, vouches
from pinset.signing.sshsig import Signature, decode, from_line, to_line
from pinset.signing.statement import result_statement, statement

__all__ = [
    "PrivateKey",
    "Signature",
    "check",
    "checks_commit",
    "decode",
    "from_line",
    "load_private",
    "make_private",
    "need_installed",
    "result_statement",
    "statement",
    "to_line",
    "vouches",
]
