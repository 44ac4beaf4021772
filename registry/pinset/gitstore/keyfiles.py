"""The private keys of a registry: files in ``keys/`` beside the repository, for its owner alone. Never in git."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pinset.domain.keys import COMMITS, fingerprint, public_key
from pinset.durable import sync
from pinset.errors import InvalidInput, ReadOnly
from pinset.gitstore.faults import system_error
from pinset.ports.store import Damage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pinset.signing import PrivateKey

FOLDER: Final = "keys"
"""Beside the repository."""
_OTHERS: Final = 0o077
"""What nobody but the owner may do with a private key."""


class KeyFiles:
    """The folder ``keys/`` of one registry: for each key a file ``NAME`` with the private half, and ``NAME.pub``."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._loaded: dict[str, PrivateKey] = {}

    @classmethod
    def beside(cls, repository: Path) -> KeyFiles:
        """Those of a repository."""
        return cls(repository.parent / FOLDER)

    def create(self) -> str:
        """Make a key, durable; its public half. Raises ReadOnly."""
        from pinset.signing import make_private  # noqa: PLC0415 - few make keys

        made = make_private()
        try:
            self._directory.mkdir(mode=0o700, exist_ok=True)
            self._directory.chmod(0o700)
            sync(self._directory.parent)
            name = _file_name(made.public)
            # The public half last: a private one alone is found by nobody.
            self._write(name, made.text())
            self._write(f"{name}.pub", f"{made.public}\n")
        except OSError as error:
            raise system_error(error, f"no key can be kept in {self._directory}") from error
        self._loaded[made.public] = made
        return made.public

    def publics(self) -> Sequence[str]:
        """The public halves, the oldest first. Raises ReadOnly."""
        try:
            found = sorted(self._directory.glob("*.pub"), key=lambda path: (path.stat().st_mtime_ns, path.name))
            texts = [path.read_text("ascii", "replace") for path in found if path.with_suffix("").exists()]
        except OSError as error:
            raise system_error(error, f"the keys in {self._directory} cannot be read") from error
        publics = []
        for text in texts:
            with suppress(InvalidInput):  # a file that is damaged signs nothing
                publics.append(public_key(text))
        return publics

    def problems(self) -> list[Damage]:
        """What is wrong with the private halves that are here: damaged, another's, or open to other users.

        A key that is not here is no problem: who verifies a copy has none.
        """
        found = []
        for public in self.publics():
            path = self._directory / _file_name(public)
            where = f"{FOLDER}/{path.name} "
            try:
                if path.stat().st_mode & _OTHERS:
                    found.append(Damage(where, "can be read by other users of this machine", f"chmod 600 {path}"))
                self._load(public)
            except (OSError, ReadOnly) as error:
                found.append(Damage(where, str(error), _BACK))
        return found

    def signer(self, public: str | None) -> Callable[[bytes], str] | None:
        """What signs commits with the private half of a key; None for None. Raises ReadOnly where that is not here."""
        if public is None:
            return None
        key = self._loaded.get(public) or self._load(public)
        return lambda data: key.sign(data, COMMITS)

    def _load(self, public: str) -> PrivateKey:
        from pinset.signing import load_private  # noqa: PLC0415 - a registry without keys signs nothing

        path = self._directory / _file_name(public)
        try:
            key = load_private(path.read_text("ascii", "replace"))
        except FileNotFoundError as error:
            raise no_such_key(public, str(self._directory)) from error
        except OSError as error:
            raise ReadOnly(
                f"{path} cannot be read: {error.strerror}", hint=f"let this user alone read it; or {_BACK}"
            ) from error
        except InvalidInput as error:
            raise ReadOnly(f"the key in {path} is damaged: {error.message}", hint=_BACK) from error
        if key.public != public:
            raise ReadOnly(f"the key in {path} is another one than its name says", hint=_BACK)
        self._loaded[public] = key
        return key

    def _write(self, name: str, text: str) -> None:
        descriptor, path = tempfile.mkstemp(dir=self._directory, prefix=".tmp-")
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:  # mkstemp: for its owner alone
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(path).replace(self._directory / name)
        finally:
            Path(path).unlink(missing_ok=True)
        sync(self._directory)


_BACK: Final = (
    "put the folder keys/ back from a backup; without one, make the registry anew from a clone: "
    "pinset init DIR --from CLONE"
)


def no_such_key(public: str, where: str) -> ReadOnly:
    """The error for a key whose private half is not here."""
    return ReadOnly(
        f"the registry signs with {fingerprint(public)}, and the private half of that is not in {where}",
        hint=_BACK,
        details={"key": fingerprint(public)},
    )


def _file_name(public: str) -> str:
    """What a key's file is called: its fingerprint, as far as a file's name may hold that."""
    plain = fingerprint(public).removeprefix("SHA256:")
    return "ed25519-" + "".join(c if c.isalnum() else "_" for c in plain[:22])
