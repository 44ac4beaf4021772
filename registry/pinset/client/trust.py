"""Trust: what proves that a release is the one that the registry's alias serves, by keys that the application pins.

It takes an answer and gives a verdict; no network, no clock. An alias's answer must hold the move: a commit that a
trusted key signed, which names registry, bundle, alias, seq and version, and whose second parent is the release's
commit. By version the release's own commit must be signed. Where the bundle is asked for by a name that it was given
later, the commit that gave it must be there, and be signed. The epoch must be told by a signed commit too: else an old
move could be shown as one of an epoch to come.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pinset.domain.commits import id_of, parse_raw
from pinset.domain.keys import fingerprint, read_allowed
from pinset.errors import InvalidInput, PinsetError, Untrusted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pinset.domain.commits import RawCommit
    from pinset.domain.records import Record

    Refuse = Callable[[str], Untrusted]
    """Makes the error that says why."""

_HINT = "see what stands between this client and the registry; its keys are shown by: pinset keys show"


class Trust:
    """The keys that an application trusts.

    given: public keys as OpenSSH writes them, texts or paths of ``allowed_signers``. Raises InvalidInput.
    """

    def __init__(self, given: Iterable[str | Path] | str | Path) -> None:
        each = [given] if isinstance(given, str | Path) else list(given)
        if not each:
            raise InvalidInput("trusted_keys names no key", hint="leave it out to trust the registry's word")
        self._keys: frozenset[str] = frozenset().union(*(read_allowed(_text(one)) for one in each))
        _check_installed()

    def refuse_unproven(self, answer: Mapping[str, Any]) -> None:
        """Raises Untrusted for a sealed form that the keys do not prove. Its bytes are proven by its digest already."""
        named = f"{answer['ref']} as {answer['alias']['name']}" if answer["alias"] else str(answer["ref"])
        proof = answer.get("proof")
        refuse = partial(_refuse, named)
        if not isinstance(proof, dict):
            raise refuse("comes without a proof")
        release, signed_release = self._record(proof.get("release"), "release", refuse)
        self._check_release(answer, release, refuse)
        self._check_name(answer, release, proof.get("name"), refuse)
        if answer["alias"] is not None:
            move, raw = self._signed(proof.get("move"), "move", refuse)
            _check_move(answer, release, move, raw, str(proof["release"]), refuse)
        elif not signed_release:
            raise refuse("is not signed with a key that is trusted")
        self._check_epoch(answer, proof.get("epoch"), refuse)

    def refuse_unproven_purge(self, details: Mapping[str, Any]) -> None:
        """Raises Untrusted for what an answer says was purged, unless a tombstone that is signed names it.

        Else whoever stands between could take releases away, and so bring back those of before.
        """
        refuse = partial(_refuse, f"{details.get('digest')}, which is said to be purged,")
        proof = details.get("proof")
        if not isinstance(proof, dict):
            raise refuse("comes without a proof")
        tombstone, _ = self._signed(proof.get("purge"), "purge", refuse)
        release, _ = self._signed(proof.get("release"), "release", refuse)
        named = f"{getattr(release, 'bundle', '')}@v{getattr(release, 'version', '')}"
        if _kind(tombstone) != "purge" or named not in getattr(tombstone, "purged", ()):
            raise refuse("comes with a tombstone that does not name it")
        if _kind(release) != "release" or getattr(release, "digest", "") != details.get("digest"):
            raise refuse("comes with another release than it says")
        if release.stamp.registry != tombstone.stamp.registry:
            raise refuse("comes with the tombstone of another registry")

    def _check_release(self, answer: Mapping[str, Any], record: Record, refuse: Refuse) -> None:
        wanted = {name: answer[name] for name in ("version", "label", "digest")}
        found = {name: getattr(record, name, None) for name in wanted}
        named = f"{answer['bundle']}@v{answer['version']}"
        if found != wanted or answer["ref"] != named or _kind(record) != "release":
            raise refuse("is not what its own commit says")
        # A release from before the registry signed names no registry; then a move that is signed stands for it.
        if record.stamp.registry not in (None, answer["registry"]) or record.stamp.serial != answer["serial"]:
            raise refuse("was published elsewhere than it says")

    def _check_name(self, answer: Mapping[str, Any], release: Record, text: object, refuse: Refuse) -> None:
        """Commits name a bundle by its first name; that it has another one too must be told by a signed commit.

        No name is ever given to a second bundle, so such a commit stays true however old it is.
        """
        first = getattr(release, "bundle", None)
        if answer["bundle"] == first:
            return
        record, _ = self._signed(text, "name", refuse)
        told = (_kind(record), getattr(record, "bundle", None), getattr(record, "name", None), record.stamp.registry)
        if told != ("bundle", first, answer["bundle"], answer["registry"]):
            raise refuse("is of another bundle, and no key that is trusted says that it has this name")

    def _check_epoch(self, answer: Mapping[str, Any], text: object, refuse: Refuse) -> None:
        record, _ = self._signed(text, "epoch", refuse)
        registry = getattr(record, "registry_id", None) or record.stamp.registry
        if _kind(record) not in ("registry", "key") or registry != answer["registry"]:
            raise refuse("comes with the epoch of another registry")
        if getattr(record, "epoch", None) != answer["epoch"]:
            raise refuse(f"says that the epoch is {answer['epoch']}, and no key that is trusted says so")

    def _signed(self, text: object, what: str, refuse: Refuse) -> tuple[Record, RawCommit]:
        """A commit that a trusted key signed."""
        raw = _parsed(text, what, refuse)
        if raw.signature is None:
            raise refuse(f"has a {what} that is not signed")
        signer = _signer(raw, what, refuse)
        if signer not in self._keys:
            raise refuse(f"has a {what} signed with {fingerprint(signer)}, which is not trusted")
        return _decoded(raw, what, refuse), raw

    def _record(self, text: object, what: str, refuse: Refuse) -> tuple[Record, bool]:
        """A commit, and whether a trusted key signed it."""
        raw = _parsed(text, what, refuse)
        signed = raw.signature is not None and _signer(raw, what, refuse) in self._keys
        return _decoded(raw, what, refuse), signed


def _check_move(
    answer: Mapping[str, Any], kept: Record, move: Record, raw: RawCommit, release: str, refuse: Refuse
) -> None:
    wanted = {
        "bundle": getattr(kept, "bundle", None),
        "alias": answer["alias"]["name"],
        "seq": answer["alias"]["seq"],
        "to_version": answer["version"],
    }
    if _kind(move) != "move" or {name: getattr(move, name, None) for name in wanted} != wanted:
        raise refuse(f"comes with another move: {show_move(move)}")
    if move.stamp.registry != answer["registry"]:
        raise refuse(f"comes with a move of another registry, {move.stamp.registry}")
    if len(raw.parents) != 2 or raw.parents[1] != id_of(release):
        raise refuse("comes with another release than its move goes to")


def show_move(record: Record) -> str:
    """What a commit that stands for a move says it is."""
    found = record.ref.removeprefix("refs/heads/")
    version, seq = getattr(record, "to_version", None), getattr(record, "seq", None)
    return f"{found} seq {seq} to v{version}" if seq is not None else found


def _kind(record: Record) -> str:
    from pinset.domain.messages import kind_of  # noqa: PLC0415 - only who pins keys reads commits

    return kind_of(record)


def _parsed(text: object, what: str, refuse: Refuse) -> RawCommit:
    if not isinstance(text, str) or "\n" not in text:
        raise refuse(f"has a {what} that is not signed")
    try:
        text.encode()  # JSON carries what is no text
        return parse_raw(text)
    except (ValueError, UnicodeError) as error:
        raise refuse(f"has a {what} that is {error}") from error


def _decoded(raw: RawCommit, what: str, refuse: Refuse) -> Record:
    from pinset.domain.messages import decode  # noqa: PLC0415 - only who pins keys reads commits

    try:
        return decode(raw.message)
    except PinsetError as error:
        raise refuse(f"has a {what} that cannot be read: {error.message}") from error


def _signer(raw: RawCommit, what: str, refuse: Refuse) -> str:
    from pinset.signing import checks_commit  # noqa: PLC0415 - only who pins keys checks signatures

    try:
        return checks_commit(raw) or ""
    except (ValueError, UnicodeError) as error:
        raise refuse(f"has a {what} with {error}") from error


def _refuse(named: str, why: str) -> Untrusted:
    return Untrusted(f"{named} {why}", hint=_HINT)


def _check_installed() -> None:
    """Raises InvalidInput where signatures cannot be checked: now, and not with the first release."""
    from pinset.signing import need_installed  # noqa: PLC0415 - only who pins keys checks signatures

    need_installed()


def _text(given: str | Path) -> str:
    """A key or lines of ``allowed_signers``; of a path, what is in the file. Raises InvalidInput."""
    if not isinstance(given, str | Path):
        raise InvalidInput("trusted_keys holds texts and paths", hint='give ["ssh-ed25519 AAAA…"], or a path')
    if isinstance(given, str) and "ssh-ed25519" in given:
        return given
    path = Path(given).expanduser()
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise InvalidInput(
            f"the keys in {path} cannot be read: {why}", hint=f"make it: pinset keys show > {path}"
        ) from error
