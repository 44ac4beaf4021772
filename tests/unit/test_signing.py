"""Signatures and keys are OpenSSH's: the same bytes where ssh-keygen is there, and nothing else passes."""

from __future__ import annotations

import base64
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from pinset import signing
from pinset.domain import keys as k
from pinset.domain.commits import id_of, is_signed, parse_raw, signed
from pinset.domain.records import Purpose
from pinset.errors import InvalidInput, InvalidName
from pinset.signing import sshsig

if TYPE_CHECKING:
    from pathlib import Path

COMMIT = (
    "tree "
    + "1" * 40
    + "\nparent "
    + "2" * 40
    + "\nauthor Ana <ana@x> 1 +0000\ncommitter pinset <p@x> 1 +0000\n\nm\n\nx\n"
)
MESSAGE = b"what is said\n"


@pytest.fixture
def keygen() -> str:
    found = shutil.which("ssh-keygen")
    if found is None:
        pytest.skip("ssh-keygen is not installed: apt-get install openssh-client")
    return found


def test_ssh_keygen_verifies_what_is_signed_here_and_the_other_way_round(keygen: str, tmp_path: Path) -> None:
    subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    key = signing.load_private((tmp_path / "key").read_text())
    assert key.public == k.public_key((tmp_path / "key.pub").read_text())
    told = subprocess.run([keygen, "-l", "-f", tmp_path / "key.pub"], check=True, capture_output=True, text=True)
    assert k.fingerprint(key.public) in told.stdout
    (tmp_path / "allowed").write_text(f'ana namespaces="pinset" {key.public} laptop\n')
    (tmp_path / "sig").write_text(key.sign(MESSAGE, "pinset"))
    verify = [keygen, "-Y", "verify", "-f", tmp_path / "allowed", "-I", "ana", "-n", "pinset", "-s", tmp_path / "sig"]
    assert subprocess.run(verify, input=MESSAGE, check=False, capture_output=True).returncode == 0
    assert subprocess.run(verify, input=MESSAGE + b".", check=False, capture_output=True).returncode != 0
    sign = [keygen, "-q", "-Y", "sign", "-f", tmp_path / "key", "-n", "pinset"]
    theirs = subprocess.run(sign, input=MESSAGE, check=True, capture_output=True).stdout.decode()
    assert theirs == key.sign(MESSAGE, "pinset")
    subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "secret", "-f", tmp_path / "locked"], check=True)
    with pytest.raises(InvalidInput, match="passphrase") as caught:
        signing.load_private((tmp_path / "locked").read_text())
    assert "ssh-keygen -Y sign" in caught.value.hint
    made = signing.make_private()
    (tmp_path / "made").write_text(made.text())
    (tmp_path / "made").chmod(0o600)
    told = subprocess.run([keygen, "-y", "-f", tmp_path / "made"], check=True, capture_output=True, text=True)
    assert k.public_key(told.stdout) == made.public


def test_a_signature_is_of_one_key_one_namespace_and_these_bytes() -> None:
    key, other = signing.make_private(), signing.make_private()
    found = signing.decode(key.sign(MESSAGE, "pinset"))
    assert signing.check(key.public, MESSAGE, found, "pinset")
    assert not signing.check(other.public, MESSAGE, found, "pinset")
    assert not signing.check(key.public, MESSAGE + b".", found, "pinset")
    assert not signing.check(key.public, MESSAGE, found, "git")
    flipped = sshsig.Signature(found.public, "pinset", bytes([found.raw[0] ^ 1, *found.raw[1:]]))
    assert not signing.check(key.public, MESSAGE, flipped, "pinset")
    assert signing.from_line(signing.to_line(key.sign(MESSAGE, "pinset"))) == key.sign(MESSAGE, "pinset")


def test_text_that_is_no_such_signature_is_refused() -> None:
    armored = signing.make_private().sign(MESSAGE, "git")
    blob = base64.b64decode(signing.to_line(armored))
    others = [
        b"",
        blob[:-1],
        blob + b"x",
        blob.replace(b"sha512", b"sha256"),
        blob.replace(b"SSHSIG", b"SSHSIH"),
        blob.replace(b"ssh-ed25519", b"ssh-ed25518"),
        blob[:9] + b"\2" + blob[10:],
        blob[:10] + b"\xff" + blob[11:],
    ]
    for each in others:
        with pytest.raises(ValueError, match="signature"):
            signing.decode(signing.from_line(base64.b64encode(each).decode()))
    for text in ("", "-----BEGIN PGP SIGNATURE-----\n", armored.replace("\n", "\n!", 1), armored[:-30]):
        with pytest.raises(ValueError, match="signature"):
            signing.decode(text)


def test_a_commit_that_was_signed_has_one_id() -> None:
    key = signing.make_private()
    head = f"tree {'0' * 40}\nauthor a <a@x> 1 +0000\ncommitter a <a@x> 1 +0000\n\nwords\n".encode()
    text = signed(head, key.sign(head, k.COMMITS)).decode()
    assert signing.checks_commit(parse_raw(text)) == key.public
    at = text.index("BEGIN SSH SIGNATURE-----\n ") + 40
    with pytest.raises(ValueError, match="spelt"):
        signing.checks_commit(parse_raw(f"{text[:at]}\n {text[at:]}"))


def test_a_commit_is_signed_as_git_signs_and_read_back() -> None:
    key = signing.make_private()
    text = signed(COMMIT.encode(), key.sign(COMMIT.encode(), k.COMMITS)).decode()
    raw = parse_raw(text)
    assert (raw.tree, raw.parents, raw.author, raw.message) == ("1" * 40, ("2" * 40,), "Ana <ana@x>", "m\n\nx\n")
    assert raw.payload.decode() == COMMIT
    assert is_signed(text)
    assert not is_signed(COMMIT)
    assert signing.checks_commit(raw) == key.public
    assert signing.checks_commit(parse_raw(COMMIT)) is None
    assert id_of(COMMIT) != id_of(text)
    for wrong in (
        text.replace("gpgsig -----BEGIN SSH", "gpgsig -----BEGIN PGP"),
        text.replace("\ngpgsig ", "\nencoding x\ngpgsig "),
        text.replace("gpgsig ", "gpgsig  "),
        text.replace(" -----END", "-----END"),
        text.replace("\n\nm", "\nmergetag x\n\nm", 1),
        COMMIT.replace("tree", "tre"),
        COMMIT.split("\n\n", maxsplit=1)[0],
    ):
        with pytest.raises(ValueError, match="commit"):
            parse_raw(wrong)
    with pytest.raises(ValueError, match="does not fit"):
        signing.checks_commit(parse_raw(text.replace("\n\nm", "\n\nn", 1)))


def test_keys_of_other_kinds_and_damaged_ones_are_refused_with_a_way_out() -> None:
    plain = serialization.NoEncryption()
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH)
    foreign = rsa.generate_private_key(65537, 2048).private_bytes(*form, plain).decode()
    public = signing.make_private().public
    for text in ("", "nothing", public, foreign, signing.make_private().text()[:-60]):
        with pytest.raises(InvalidInput) as caught:
            signing.load_private(text)
        assert caught.value.hint
    for text in (
        "",
        "ssh-rsa AAAA",
        "ssh-ed25519",
        "ssh-ed25519 !!!!",
        public[:-4],
        public + "\n" + public,
        key_text(),
    ):
        with pytest.raises(InvalidInput) as caught:
            k.public_key(text)
        assert caught.value.hint
    assert k.public_key(f"  {public} ana@laptop \n") == public
    for name in ("", "A", "a b", "-a", "a" * 65, "a/b"):
        with pytest.raises(InvalidName):
            k.key_name(name)


def key_text() -> str:
    return signing.make_private().text()


def test_allowed_signers_say_who_for_what_and_until_when() -> None:
    own, author, lost = (signing.make_private().public for _ in range(3))
    at = 1_700_000_000_500_000
    keys = {
        "registry-1": k.Key(
            name="registry-1", purpose=Purpose.REGISTRY, public=own, person=None, since=1, retired_at=at
        ),
        "ana": k.Key(name="ana", purpose=Purpose.AUTHOR, public=author, person="ana@x", since=2),
        "lost": k.Key(
            name="lost", purpose=Purpose.AUTHOR, public=lost, person="ben", since=3, retired_at=4, compromised=True
        ),
    }
    text = k.allowed_signers(keys)
    assert text == (
        f'registry@pinset.invalid namespaces="git",valid-before="20231114221320Z" {own} registry-1\n'
        f'ana@x namespaces="pinset" {author} ana\n'
    )
    assert k.read_allowed(text) == {own}
    assert [key.state for key in keys.values()] == ["retired", "active", "compromised"]
    assert k.signing(keys) is None
    assert k.next_name(keys) == "registry-2"
