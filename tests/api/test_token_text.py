"""Tokens as text."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pinset.auth.tokens import matches, mint, parse
from pinset.domain.access import Grant
from pinset.ports.state import TokenRow

MINTED = mint(id_bytes=bytes(range(9)), secret_bytes=bytes(range(32)))
ROW = TokenRow(
    id=MINTED.id, name="ci", grants=(Grant("read"),), secret_sha256=MINTED.sha256, created_at=0, expires_at=100
)


def test_a_token_is_read_back_and_its_text_is_not_kept() -> None:
    assert parse(MINTED.text) == (MINTED.id, MINTED.sha256)
    assert MINTED.text.startswith(f"pst_{MINTED.id}_")


def test_a_token_of_an_older_pinset_stays_good() -> None:
    issued = "pst_005McJmDgrvc_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf4Mp0NZ"
    kept = bytes.fromhex("b0bd65ed3119037a4dcbf6b8138eb2f09de18490e98a773a68f9353f0c0331cd")
    assert parse(issued) == ("005McJmDgrvc", kept)
    assert MINTED.text == issued


def test_two_secrets_never_share_a_text() -> None:
    secrets = [number.to_bytes(32, "big") for number in (0, 1, 10, 61, 62, 62**2, 62**41, 62**42)]
    assert len({mint(id_bytes=bytes(9), secret_bytes=secret).text for secret in secrets}) == len(secrets)


@pytest.mark.parametrize("at", range(len(MINTED.text)))
def test_a_mistyped_token_is_none(at: int) -> None:
    typo = "1" if MINTED.text[at] != "1" else "2"
    assert parse(MINTED.text[:at] + typo + MINTED.text[at + 1 :]) is None


@pytest.mark.parametrize("length", [0, 5, len(MINTED.text) - 1])
def test_a_token_cut_off_is_none(length: int) -> None:
    assert parse(MINTED.text[:length]) is None
    assert parse(MINTED.text + "\n") is None


@pytest.mark.parametrize("secret", [bytes(32), b"\xff" * 32, b"\x00" * 31 + b"\x01"])
def test_every_secret_has_one_length_and_its_own_text(secret: bytes) -> None:
    made = mint(id_bytes=b"\xff" * 9, secret_bytes=secret)
    assert len(made.text) == len(MINTED.text)
    assert parse(made.text) == (made.id, made.sha256)


def test_only_the_living_match() -> None:
    parsed = parse(MINTED.text)
    assert parsed is not None
    assert matches(ROW, parsed, 99)
    assert matches(replace(ROW, expires_at=None), parsed, 10**18)
    assert not matches(ROW, parsed, 100)
    assert not matches(replace(ROW, revoked_at=5), parsed, 6)
    assert not matches(replace(ROW, secret_sha256=bytes(32)), parsed, 6)
    assert not matches(replace(ROW, id="x" * 12), parsed, 6)
