"""With pinned keys a client takes nothing that they do not prove, wherever it comes from."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from client_fakes import ME, NAME, UNREACHABLE, Directory, files, until

from pinset import bootstrap
from pinset.client.cache import DiskCache
from pinset.client.trust import Trust
from pinset.domain import keys as k
from pinset.domain.commits import id_of, parse_raw, signed
from pinset.errors import InvalidInput, PinsetError, Purged, Unavailable, Untrusted
from pinset.services import maintenance
from pinset.signing import make_private

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pinset.client.client import Client

PRODUCTION = f"{NAME}@production"


def answer(source: Directory, reference: str = PRODUCTION) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(source.registry.sealed(reference)))
    return found


def allowed(source: Directory) -> str:
    return source.registry.keys.all()["allowed_signers"]


def trust(source: Directory) -> Trust:
    return Trust([allowed(source)])


def refused(source: Directory, given: dict[str, Any], why: str) -> None:
    with pytest.raises(Untrusted, match=why):
        trust(source).refuse_unproven(given)


def resigned(text: str, change: Callable[[str], str], key: Any = None) -> str:
    """A commit changed, and signed with a key of one's own, or as it was."""
    raw = parse_raw(text)
    payload = change(raw.unsigned).encode()
    assert payload != raw.payload or key is not None
    signature = key.sign(payload, k.COMMITS) if key is not None else raw.signature
    return signed(payload, signature).decode()


def test_what_the_registry_signed_is_taken_by_alias_version_and_from_the_disk(
    make: Callable[..., Client], source: Directory, tmp_path: Path
) -> None:
    pinned = tmp_path / "allowed_signers"
    pinned.write_text(allowed(source))
    public = source.registry.keys.all()["items"][0]["public"]
    for keys in ([public], public, pinned, [str(pinned)], [f"# ours\n{public} a comment\n"]):
        client = make(trusted_keys=keys)
        assert client.get(NAME).version == client.get(f"{NAME}@v1").version == 1
        client.close()
    source.fails = UNREACHABLE
    assert make(trusted_keys=[public]).get(NAME).source == "disk"


def test_a_release_without_a_proof_or_a_signature_is_refused(source: Directory) -> None:
    given = answer(source)
    for proof in (None, {}, {**given["proof"], "release": given["commit"]}):
        refused(source, {**given, "proof": proof}, r"without a proof|not signed")
    for part in ("move", "epoch"):
        refused(source, {**given, "proof": {**given["proof"], part: None}}, f"has a {part} that is not signed")
        bare = parse_raw(given["proof"][part]).unsigned
        refused(source, {**given, "proof": {**given["proof"], part: bare}}, f"has a {part} that is not signed")
    by_version = answer(source, f"{NAME}@v1")
    bare = parse_raw(by_version["proof"]["release"]).unsigned
    refused(source, {**by_version, "proof": {**by_version["proof"], "release": bare}}, "not signed with a key")


def test_a_signature_by_another_key_or_of_other_bytes_is_refused(source: Directory) -> None:
    given, mallory = answer(source), make_private()
    for part in ("move", "epoch"):
        forged = resigned(given["proof"][part], lambda text: text, mallory)
        refused(source, {**given, "proof": {**given["proof"], part: forged}}, "which is not trusted")
        changed = resigned(given["proof"][part], lambda text: text.replace("Serial: ", "Serial: 1"))
        refused(source, {**given, "proof": {**given["proof"], part: changed}}, "does not fit what it signs")
    changed = resigned(given["proof"]["release"], lambda text: text.replace("ada", "eve"), mallory)
    refused(source, {**given, "proof": {**given["proof"], "release": changed}}, "another release than its move")
    assert id_of(given["proof"]["release"]) == given["commit"]


def test_another_aliass_bundles_or_registrys_move_is_refused(source: Directory) -> None:
    registry = source.registry
    registry.promote(ME, f"{NAME}@v1", "staging")
    other = {**files("Two {{ticket}}.")}
    other["release.yaml"] = other["release.yaml"].replace(NAME, "other")
    registry.publish(ME, other, alias="production")
    given = answer(source)
    for reference in (f"{NAME}@staging", "other@production"):
        moved = {**given["proof"], "move": answer(source, reference)["proof"]["move"]}
        refused(source, {**given, "proof": moved}, "comes with another move")
    refused(source, {**given, "proof": {**given["proof"], "move": given["proof"]["release"]}}, "another move")
    far = bootstrap.memory_registry()
    far.publish(ME, files("Summarize {{ticket}}."), alias="production")
    theirs: dict[str, Any] = json.loads(json.dumps(far.sealed(PRODUCTION)))
    refused(source, theirs, "which is not trusted")
    both = Trust([allowed(source), far.keys.all()["allowed_signers"]])
    both.refuse_unproven(theirs)
    with pytest.raises(Untrusted, match=r"another registry|elsewhere"):
        both.refuse_unproven({**given, "proof": theirs["proof"]})
    with pytest.raises(Untrusted, match=r"another registry|elsewhere"):
        both.refuse_unproven({**theirs, "registry": given["registry"]})
    far.close()


def test_what_the_answer_says_beside_its_move_is_what_the_move_says(source: Directory) -> None:
    source.registry.publish(ME, files("Two {{ticket}}."))
    given, second = answer(source), answer(source, f"{NAME}@v2")
    for change in (
        {"alias": {**given["alias"], "seq": 7}},
        {"alias": {**given["alias"], "name": "staging"}},
        {"alias": None, "version": 2},
        {"label": "2026-Q1"},
        {"ref": f"{NAME}@v2"},
        {"serial": 99},
        {"epoch": 2},
        {"registry": "another"},
        {**second, "alias": given["alias"], "proof": {**given["proof"], "release": second["proof"]["release"]}},
    ):
        refused(source, {**given, **change}, NAME)
    trust(source).refuse_unproven(given)


def test_an_older_move_is_refused_also_after_a_restart_and_with_an_epoch_that_nobody_signed(
    make: Callable[..., Client], source: Directory
) -> None:
    old = answer(source)
    source.registry.publish(ME, files("Two {{ticket}}."), alias="production")
    first = make(trusted_keys=[allowed(source)])
    assert first.get(NAME).version == 2
    for replayed in (old, {**old, "epoch": 2}):
        source.answer = replayed
        before = first.counts["refused"]
        until(lambda before=before: first.counts["refused"] > before)
        assert first.get(NAME).version == 2
    first.close()
    # Its cache tells the next process what was taken; what it has on the disk is given meanwhile.
    second = make(trusted_keys=[allowed(source)])
    source.answer = old
    assert (second.get(NAME).version, second.get(NAME).source) == (2, "disk")
    assert second.counts["refused"] >= 1


def test_after_a_move_to_a_new_epoch_the_old_move_is_the_one_that_is_served(source: Directory) -> None:
    maintenance.move_house(source.registry._context, "restored")
    now = answer(source)
    assert now["epoch"] == 2
    trust(source).refuse_unproven(now)


def test_another_registry_in_the_place_of_the_one_before_is_refused(
    make: Callable[..., Client], source: Directory
) -> None:
    far = bootstrap.memory_registry()
    far.publish(ME, files("Theirs {{ticket}}."), alias="production")
    theirs = json.loads(json.dumps(far.sealed(PRODUCTION)))
    client = make(trusted_keys=[allowed(source), far.keys.all()["allowed_signers"]])
    assert client.get(NAME).registry != theirs["registry"]
    refusals: list[PinsetError] = []
    client.on_refused(lambda _, error: refusals.append(error))
    source.answer = theirs
    until(lambda: refusals)
    assert isinstance(refusals[0], Untrusted)
    assert refusals[0].code == "untrusted"
    assert client.get(NAME).registry != theirs["registry"]
    far.close()


def test_a_snapshot_and_a_cache_without_proof_are_passed_over(
    make: Callable[..., Client], source: Directory, tmp_path: Path
) -> None:
    shipped = answer(source)
    bare = {**shipped, "proof": {"release": shipped["commit"], "move": None}}
    source.fails = UNREACHABLE
    for given, taken in ((bare, False), (shipped, True)):
        path = tmp_path / "snapshot.json"
        path.write_text(json.dumps({"format": 1, "releases": [given]}))
        client = make(trusted_keys=[allowed(source)], snapshot=path, cache=None)
        if taken:
            assert client.get(NAME).source == "snapshot"
        else:
            with pytest.raises(PinsetError):
                client.get(NAME)
        assert make(snapshot=path, cache=None).get(NAME).source == "snapshot"
        client.close()


@pytest.mark.parametrize("reference", [f"{NAME}@staging", f"{NAME}@v2"])
@pytest.mark.parametrize("pinned", [True, False])
def test_what_the_disk_has_of_another_name_is_passed_over(
    make: Callable[..., Client], source: Directory, tmp_path: Path, reference: str, *, pinned: bool
) -> None:
    source.registry.publish(ME, files("Two {{ticket}}."))
    source.registry.promote(ME, f"{NAME}@v2", "staging")
    DiskCache(tmp_path / "cache", source.address).keep(NAME, "production", answer(source, reference), None)
    DiskCache(tmp_path / "cache", source.address).keep(NAME, "v1", answer(source, reference), None)
    source.fails = UNREACHABLE
    client = make(trusted_keys=[allowed(source)] if pinned else None)
    for name in (NAME, f"{NAME}@v1"):
        with pytest.raises(Unavailable):
            client.get(name)


def test_a_proof_that_is_no_text_is_refused(source: Directory) -> None:
    given = answer(source)
    bare = parse_raw(given["proof"]["release"]).unsigned.replace("ada", "a\ud800a")
    refused(source, {**given, "proof": {**given["proof"], "release": bare}}, "surrogates")


def test_what_is_said_to_be_purged_is_let_go_of_where_a_signed_tombstone_names_it(
    make: Callable[..., Client], source: Directory, tmp_path: Path
) -> None:
    registry = source.registry
    for words in ("Two {{ticket}}.", "Three {{ticket}}."):
        registry.publish(ME, files(words), alias="production")
    client = make(trusted_keys=[allowed(source)])
    assert [client.get(name).version for name in (f"{NAME}@v2", NAME)] == [2, 3]
    registry.purges.purge(ME, f"{NAME}@v2", all_files=True, reason="a password")
    with pytest.raises(Purged) as caught:
        registry.sealed(f"{NAME}@v2")
    told, third = caught.value.details, answer(source, f"{NAME}@v3")
    far = {**told["proof"], "purge": resigned(told["proof"]["purge"], str, make_private())}
    for details in (
        {"digest": third["digest"]},
        {"digest": third["digest"], "proof": told["proof"]},
        {"digest": third["digest"], "proof": {**told["proof"], "release": third["proof"]["release"]}},
        {"digest": third["digest"], "proof": third["proof"]},
        {"digest": told["digest"], "proof": far},
    ):
        before = client.counts["refused"]
        source.fails = Purged("gone", hint="-", details=details)
        client._keeper.hurry(NAME, None, 0.0)
        until(lambda before=before: client.counts["refused"] > before)
        assert [client.get(name).version for name in (f"{NAME}@v2", NAME)] == [2, 3]
    source.fails = None
    client._keeper.hurry(NAME, None, 0.0)
    until(lambda: client.held(f"{NAME}@v2") is None)
    assert client.get(NAME).version == 3


def test_a_rotated_key_is_taken_once_it_is_pinned(source: Directory) -> None:
    before = trust(source)
    source.registry.keys.rotate(ME)
    source.registry.publish(ME, files("Two {{ticket}}."), alias="production")
    now = answer(source)
    with pytest.raises(Untrusted, match="which is not trusted"):
        before.refuse_unproven(now)
    trust(source).refuse_unproven(now)
    source.registry.keys.retire(ME, "registry-1")
    newest = Trust(source.registry.keys.all()["items"][-1]["public"])
    newest.refuse_unproven(answer(source))


def test_keys_that_are_none_are_refused_with_a_way_out(make: Callable[..., Client], tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("# none\n")
    author = 'ana namespaces="pinset" ' + make_private().public
    for given in ([], tmp_path / "missing", tmp_path / "empty", ["ssh-rsa AAAA"], [5], author, "ssh-ed25519 AAAA"):
        with pytest.raises(InvalidInput) as caught:
            make(trusted_keys=given)
        assert caught.value.hint


def test_without_the_package_the_client_says_what_to_install(
    make: Callable[..., Client], source: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [allowed(source)]
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric", None)
    with pytest.raises(InvalidInput, match="not installed") as caught:
        make(trusted_keys=keys)
    assert "pinset[signatures]" in caught.value.hint
