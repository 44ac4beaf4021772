"""The sealed form: what is hashed, and that no byte of it can change unnoticed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from pinset.domain import sealed
from pinset.errors import Integrity, InvalidInput, UnknownFormat

FILES = {"release.yaml": "release:\n", "prompts/a.md": "Sei höflich.\n"}
HELLO = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"


def manifest(**more: Any) -> str:
    return sealed.canonical({"format": 1, "files": sealed.listing(FILES), **more})


FORM = sealed.Sealed(manifest(), FILES)


def test_hashes_are_sha256_of_utf8() -> None:
    assert sealed.sha256("hello") == HELLO
    assert sealed.digest_of("hello") == f"sha256:{HELLO}"
    assert sealed.sha256("ä") == "33e6d73fee82904c8d7afb78de1154d1e8dc2a0edb08120e63df5b9385c2d9cc"
    assert FORM.digest == sealed.digest_of(FORM.manifest)


def test_a_listing_says_hash_and_size_in_bytes() -> None:
    assert sealed.listing({"a": "hello", "b": "ä€"}) == {
        "a": {"sha256": HELLO, "size": 5},
        "b": {"sha256": sealed.sha256("ä€"), "size": 5},
    }


def test_canonical_text_is_one_for_one_value() -> None:
    assert sealed.canonical({"b": [1.0, "ü", None], "a": {}}) == '{"a":{},"b":[1,"ü",null]}'
    assert sealed.canonical({"b": 1, "a": 2}) == sealed.canonical({"a": 2, "b": 1})


@pytest.mark.parametrize("value", [2**53, -(2**53), float("nan"), float("inf"), "\ud800", {1, 2}])
def test_what_json_cannot_carry_exactly_is_refused_with_a_way_out(value: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        sealed.canonical({"a": value})
    assert caught.value.hint


def test_a_sound_form_is_proven() -> None:
    sealed.verify(FORM, FORM.digest)
    assert sealed.parse(FORM.manifest) == json.loads(FORM.manifest)


@pytest.mark.parametrize(
    ("form", "named"),
    [
        (replace(FORM, manifest=FORM.manifest + " "), ""),
        (replace(FORM, files={**FILES, "prompts/a.md": "Sei höflich."}), "prompts/a.md"),
        (replace(FORM, files={**FILES, "extra.md": ""}), "extra.md"),
        (replace(FORM, files={"release.yaml": FILES["release.yaml"]}), "prompts/a.md"),
        (replace(FORM, files={}), "release.yaml"),
    ],
)
def test_a_changed_byte_or_file_is_named(form: sealed.Sealed, named: str) -> None:
    with pytest.raises(Integrity) as caught:
        sealed.verify(form, FORM.digest)
    assert named in caught.value.message
    assert FORM.digest in caught.value.message
    assert caught.value.hint


def test_of_very_many_wrong_files_a_few_are_named() -> None:
    files = {**FILES, **{f"x{number:03}": "" for number in range(500)}}
    with pytest.raises(Integrity) as caught:
        sealed.verify(replace(FORM, files=files), FORM.digest)
    assert "x000" in caught.value.message
    assert "x099" not in caught.value.message


@pytest.mark.parametrize("found", [0, 2, "1", None, 1.5])
def test_a_manifest_of_another_format_is_told_from_damage(found: object) -> None:
    with pytest.raises(UnknownFormat) as caught:
        sealed.parse(json.dumps({"format": found, "files": {}}))
    assert str(found) in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "text",
    ["", "x", "[]", "1", '"format"', "null", "{}", '{"files":{}}', '{"format":1}', '{"format":1,"files":[]}',
     '{"format":1,"files":{"a":1}}', '{"format":1,"files":{"a":{}}}', '{"format":1,"files":{"a":{"sha256":"x"},"b":{}}}',
     "[" * 100_000],
)  # fmt: skip
def test_a_manifest_that_cannot_be_read_is_damage_and_no_crash(text: str) -> None:
    with pytest.raises(Integrity) as caught:
        sealed.parse(text)
    assert not isinstance(caught.value, UnknownFormat)
    assert caught.value.hint


def test_a_component_has_its_own_folder() -> None:
    assert sealed.component_folder("prompts/tone") == "components/prompts/tone"
