"""Keys: which the registry signs with, which authors it knows, and the releases that they signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinset import signing
from pinset.domain import keys as k
from pinset.domain import messages
from pinset.domain.access import Verb, permit_anywhere
from pinset.domain.names import show
from pinset.domain.records import KEYS_FILE, MAIN_REF, KeyAction, KeyRecord, Purpose, SignatureRecord, Stamp
from pinset.domain.references import parse
from pinset.errors import AlreadyExists, InvalidInput, NotFound, Refused, Untrusted
from pinset.ports.store import Files
from pinset.services import naming, reading
from pinset.services.keyrings import keys_of
from pinset.services.session import only, writing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pinset.domain import answers
    from pinset.domain.answers.keys import KeyAnswer, KeyChange, KeysAnswer, SignatureAnswer, SignedAnswer
    from pinset.ports.catalog import CatalogReader
    from pinset.ports.registry import Caller
    from pinset.services.session import Context, Session

_PERSON = 200
"""Characters of a person's name."""


class LocalKeys:
    """Implements `pinset.ports.keys.Keys` on ports of this process, and what only works near."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def all(self) -> KeysAnswer:
        """Every key."""
        permit_anywhere(self._context.grants, Verb.READ)
        with reading.view(self._context) as reader:
            keys = keys_of(reader)
        return {
            "items": [_answer(key) for key in keys.values()],
            "next": None,
            "allowed_signers": k.allowed_signers(keys),
            "unsigned": k.signing(keys) is None,
        }

    def add(self, caller: Caller, name: str, public: str, *, purpose: str, person: str, reason: str = "") -> KeyChange:
        """Make a key known."""
        caller.need(Verb.KEYS)
        wanted, given, whose = k.key_name(name), k.public_key(public), _person(person)
        words = messages.clean_words(reason)
        if purpose not in (Purpose.AUTHOR, Purpose.EVIDENCE):
            raise InvalidInput(
                f"{show(purpose)} is no purpose of a key that is added",
                hint="author (signs releases) or evidence (signs results); the registry's own: pinset keys rotate",
            )
        asked = {"name": wanted, "key": given, "purpose": purpose, "person": whose}
        with writing(self._context, caller, "keys.add", asked) as session:
            before = session.done_before()
            if before:
                return _changed(session, only(KeyRecord, before).record.name)
            keys = keys_of(session.catalog)
            known = keys.get(wanted)
            if known is not None and known.active and (known.public, known.person) == (given, whose):
                return {"key": _answer(known), "changed": False, "operation": None}
            if known is not None:
                raise AlreadyExists(
                    f"there is a key {wanted}, {known.state}", hint="names of keys are never used again: choose another"
                )
            same = next((key for key in keys.values() if key.public == given), None)
            if same is not None:
                raise AlreadyExists(
                    f"that key is known as {same.name}, {same.state}",
                    hint="make another one: ssh-keygen -t ed25519 -f KEYFILE",
                )

            def record_of(stamp: Stamp) -> KeyRecord:
                return KeyRecord(
                    stamp=stamp,
                    name=wanted,
                    purpose=Purpose(purpose),
                    public=given,
                    action=KeyAction.ADD,
                    key_person=whose,
                    reason=words,
                )

            return self._written(session, keys, record_of)

    def retire(self, caller: Caller, name: str, *, compromised: bool = False, reason: str = "") -> KeyChange:
        """Let a key count no more."""
        caller.need(Verb.KEYS)
        words = messages.clean_words(reason)
        with writing(self._context, caller, "keys.retire", {"name": name, "compromised": compromised}) as session:
            before = session.done_before()
            if before:
                return _changed(session, only(KeyRecord, before).record.name)
            keys = keys_of(session.catalog)
            known = keys.get(name)
            if known is None:
                there = ", ".join(keys) or "none"
                raise NotFound(f"there is no key {show(name)}", hint=f"the keys are {there}")
            if not known.active:
                if known.compromised == compromised:
                    return {"key": _answer(known), "changed": False, "operation": None}
                raise Refused(f"the key {name} is {known.state} already", hint="see them: pinset keys")
            if known is k.signing(keys):
                raise Refused(f"the registry signs with {name}", hint="give it another one first: pinset keys rotate")
            own = known.purpose is Purpose.REGISTRY
            epoch = session.catalog.head().epoch if own else None

            def record_of(stamp: Stamp) -> KeyRecord:
                return KeyRecord(
                    stamp=stamp,
                    name=known.name,
                    purpose=known.purpose,
                    public=known.public,
                    action=KeyAction.RETIRE,
                    key_person=known.person,
                    epoch=epoch,
                    compromised=compromised,
                    reason=words,
                )

            return self._written(session, keys, record_of)

    def create(self, caller: Caller) -> KeyChange:
        """Let a registry that signs nothing yet sign from now on; nothing where it does. Only near."""
        return self._own(caller, "keys.create", first=True)

    def rotate(self, caller: Caller, *, reason: str = "") -> KeyChange:
        """Let the registry sign with a new key, which the old one announces. The old one counts on until it is retired.

        A key that `prepare` made is taken. Only near. Raises Refused for a registry that signs nothing yet.
        """
        return self._own(caller, "keys.rotate", first=False, reason=reason)

    def prepare(self, caller: Caller) -> str:
        """The public half of the key that the next `rotate` takes, made where there is none. Only near."""
        caller.need(Verb.KEYS)
        with writing(self._context, caller, "keys.prepare", {}) as session:
            if caller.dry_run:
                return ""
            return self._next(keys_of(session.catalog))

    def sign(self, caller: Caller, reference: str, signature: str) -> SignedAnswer:
        """Record an author's signature."""
        wanted = parse(reference, default=None)
        naming.need(self._context, caller, Verb.PUBLISH, wanted.bundle)
        try:
            given = signing.decode(signature)
        except ValueError as error:
            raise InvalidInput(str(error), hint="sign with: pinset sign REF --key KEYFILE") from error
        line = signing.to_line(signature)
        asked = {"reference": reference, "signature": line}
        with writing(self._context, caller, "sign", asked) as session:
            keys = keys_of(session.catalog)
            before = session.done_before()
            if before:
                done = only(SignatureRecord, before).record
                return {**_signature(done, keys), "changed": True, "operation": session.operation_id}
            row, _ = reading.find_release(session.catalog, wanted)
            reading.refuse_purged(row)
            key = _signed_by(keys, given.public)
            bundle, version, digest = row.record.bundle, row.record.version, row.record.digest

            def record_of(stamp: Stamp) -> SignatureRecord:
                return SignatureRecord(
                    stamp=stamp, bundle=bundle, version=version, digest=digest, key=key.name, signature=line
                )

            tried = session.keyed(record_of(Stamp(serial=1, prev=None, at=0, actor="", operation="")))
            if not signing.vouches(key, session.catalog.head().registry_id, tried):
                raise Untrusted(
                    f"that signature by {key.name} is not of {bundle}@v{version}",
                    hint=f"sign it anew: pinset sign {bundle}@v{version} --key KEYFILE",
                )
            known = next((one for one in _signed(session.catalog, bundle, version) if one.key == key.name), None)
            if known is not None:
                return {**_signature(known, keys), "changed": False, "operation": None}
            written = session.stage(record_of, Files(), lambda at: (at,) if at else ())
            session.commit()
            return {**_signature(written.record, keys), "changed": True, "operation": session.operation_id}

    def signatures(self, reference: str) -> answers.Page[SignatureAnswer]:
        """The signatures of a release."""
        wanted = parse(reference)
        reading.permit(self._context, wanted)
        with reading.view(self._context) as reader:
            row, _ = reading.find_release(reader, wanted)
            keys = keys_of(reader)
            found = _signed(reader, row.record.bundle, row.record.version)
            return {"items": [_signature(record, keys) for record in found], "next": None}

    def _own(self, caller: Caller, verb: str, *, first: bool, reason: str = "") -> KeyChange:
        """Begin to sign with a new key of the registry's own."""
        caller.need(Verb.KEYS)
        words = messages.clean_words(reason)
        with writing(self._context, caller, verb, {}) as session:
            before = session.done_before()
            if before:
                return _changed(session, only(KeyRecord, before).record.name)
            keys = keys_of(session.catalog)
            now = k.signing(keys)
            if first and now is not None:
                return {"key": _answer(now), "changed": False, "operation": None}
            if not first and now is None:
                raise Refused("the registry signs nothing yet", hint="let it begin: pinset keys create")
            name, epoch = k.next_name(keys), session.catalog.head().epoch
            public = k.public_of(bytes(32)) if caller.dry_run else self._next(keys)

            def record_of(stamp: Stamp) -> KeyRecord:
                return KeyRecord(
                    stamp=stamp,
                    name=name,
                    purpose=Purpose.REGISTRY,
                    public=public,
                    action=KeyAction.ADD,
                    epoch=epoch,
                    reason=words,
                )

            return self._written(session, keys, record_of)

    def _next(self, keys: Mapping[str, k.Key]) -> str:
        """A key that can sign here and that nobody knows yet: one that was made and not announced, else a new one."""
        known = {key.public for key in keys.values()}
        spare = [public for public in self._context.store.signing_keys() if public not in known]
        return spare[0] if spare else self._context.store.create_key()

    def _written(self, session: Session, keys: Mapping[str, k.Key], make: Callable[[Stamp], KeyRecord]) -> KeyChange:
        """One commit on `main`: the record, and the file that tells it."""
        at = session.catalog.ref(MAIN_REF)
        if at is None:
            raise NotFound("the registry has no branch main", hint="see what is wrong: pinset verify")
        # The file says when; the record's stamp is made by the session, so that the file is made of what it will be.
        stamp = session.next_stamp()
        known = k.after(keys, make(stamp))
        tree = Files({**self._context.store.read(MAIN_REF, at).files, KEYS_FILE: k.allowed_signers(known)})
        written = session.stage(lambda _: make(stamp), tree, lambda tip: (tip,) if tip else ())
        session.commit()
        return {
            "key": _answer(known[written.record.name]),
            "changed": True,
            "operation": session.operation_id,
        }


def signers(reader: CatalogReader, bundle: str, version: int) -> frozenset[str]:
    """The names of the authors' keys that signed a release, without those that are compromised."""
    keys = keys_of(reader)
    return frozenset(one.key for one in _signed(reader, bundle, version) if not keys[one.key].compromised)


def _signed(reader: CatalogReader, bundle: str, version: int) -> list[SignatureRecord]:
    found = reader.notes(("signature",), bundle=bundle, version=version, limit=100)
    return [record for _, record in found if isinstance(record, SignatureRecord)]


def _signed_by(keys: Mapping[str, k.Key], public: str) -> k.Key:
    """The author's key that it is. Raises Untrusted."""
    key = next((one for one in keys.values() if one.public == public), None)
    if key is None:
        raise Untrusted(
            f"nobody knows the key {k.fingerprint(public)}",
            hint="whoever keeps the registry adds it: pinset keys add NAME KEYFILE.pub --purpose author --person YOU",
        )
    if key.purpose is not Purpose.AUTHOR:
        raise Untrusted(
            f"the key {key.name} is not an author's, but for {key.purpose}", hint="sign with an author's key"
        )
    if not key.active:
        raise Untrusted(f"the key {key.name} is {key.state}", hint="sign with a key that counts: pinset keys")
    return key


def _changed(session: Session, name: str) -> KeyChange:
    return {"key": _answer(keys_of(session.catalog)[name]), "changed": True, "operation": session.operation_id}


def _person(text: str) -> str:
    person = text.strip()
    if not person or len(person) > _PERSON or not person.isprintable() or any(c in ' ,"' for c in person):
        raise InvalidInput(
            "a key of an author or an evaluation wants the name of a person: one word",
            hint="say whose it is: --person ana",
        )
    return person


def _answer(key: k.Key) -> KeyAnswer:
    return {
        "name": key.name,
        "purpose": key.purpose.value,
        "fingerprint": k.fingerprint(key.public),
        "public": key.public,
        "person": key.person,
        "since": reading.time(key.since),
        "retired_at": None if key.retired_at is None else reading.time(key.retired_at),
        "state": key.state,
    }


def _signature(record: SignatureRecord, keys: Mapping[str, k.Key]) -> SignatureAnswer:
    key = keys[record.key]
    return {
        "ref": f"{record.bundle}@v{record.version}",
        "bundle": record.bundle,
        "version": record.version,
        "digest": record.digest,
        "key": record.key,
        "person": key.person,
        "fingerprint": k.fingerprint(key.public),
        "state": key.state,
        "signed_at": reading.time(record.stamp.at),
        "signature": signing.from_line(record.signature),
    }
