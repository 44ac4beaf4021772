from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinset.domain import names
from pinset.domain.references import (
    ComponentReference,
    Reference,
    Selector,
    SelectorKind,
    is_working_copy,
    parse,
    parse_component,
    parse_selector,
)
from pinset.errors import InvalidInput, InvalidName, InvalidReference

WHOLE = "sha256:" + "0f" * 32
KINDS = {
    "v1": SelectorKind.VERSION,
    "v7": SelectorKind.VERSION,
    "v999999999": SelectorKind.VERSION,
    "v1000000000": SelectorKind.LABEL,
    "v0": SelectorKind.LABEL,
    "v07": SelectorKind.LABEL,
    "v1.0": SelectorKind.LABEL,
    "v7-rc": SelectorKind.LABEL,
    "7": SelectorKind.LABEL,
    "2025-03-14": SelectorKind.LABEL,
    "2025-03-14-RC2": SelectorKind.LABEL,
    "1.4.0+build.5": SelectorKind.LABEL,
    "production": SelectorKind.ALIAS,
    "p": SelectorKind.ALIAS,
    "v": SelectorKind.ALIAS,
    "vip": SelectorKind.ALIAS,
    "eu-west.canary_2": SelectorKind.ALIAS,
    "sha256": SelectorKind.ALIAS,
    "latest": SelectorKind.LATEST,
    "sha256:0123abcd": SelectorKind.DIGEST,
    WHOLE: SelectorKind.DIGEST,
}
NO_SELECTORS = [
    "",
    " ",
    "V7",
    "Production",
    "LATEST",
    "none",
    "declared",
    "-x",
    ".x",
    "_x",
    "a b",
    "a/b",
    "a@b",
    "a:b",
    "a#b",
    "a..b",
    "1..2",
    "1.lock",
    "a.lock",
    "1.",
    "a.",
    "v7\n",
    "v7 ",
    "latest\n",
    "a\x00",
    "a\u202e",
    "a%2Fb",
    "\u0667",
    "v\u0667",
    "é",
    "#1",
    "sha256:",
    "sha256:0123abc",
    "sha256:0123ABCD",
    WHOLE + "0",
    "sha1:0123abcd",
    "sha256:0123abcg",
    "a" * 64,
    "1" * 65,
]

NAME_SEGMENT = st.from_regex(r"[a-z0-9]([a-z0-9_-]{0,6}[a-z0-9])?", fullmatch=True)
NAMES = st.lists(NAME_SEGMENT, min_size=1, max_size=3).map(".".join).filter(lambda name: not name.endswith(".lock"))
VERSIONS = st.integers(1, 999_999_999).map("v{}".format)
LABELS = st.from_regex(r"v?[0-9][A-Za-z0-9._+-]{0,20}", fullmatch=True).filter(names.is_label)
ALIASES = st.from_regex(r"[a-z][a-z0-9._-]{0,20}", fullmatch=True).filter(names.is_alias)
DIGESTS = st.text("0123456789abcdef", min_size=8, max_size=64).map("sha256:{}".format)
PINS = st.one_of(VERSIONS, LABELS, DIGESTS)
SELECTORS = st.one_of(PINS, ALIASES, st.just("latest"))

# -- selectors -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "kind"), KINDS.items())
def test_each_selector_is_of_one_kind(text: str, kind: SelectorKind) -> None:
    assert parse_selector(text) == Selector(kind, text)
    assert parse(f"support@{text}") == Reference("support", Selector(kind, text))


@pytest.mark.parametrize("text", NO_SELECTORS)
def test_what_is_no_selector_is_refused_with_what_selectors_look_like(text: str) -> None:
    for read in (
        parse_selector,
        lambda said: parse(f"support@{said}"),
        lambda said: parse_component(f"tools/x@{said}"),
    ):
        with pytest.raises(InvalidReference) as refused:
            read(text)
        assert "v7" in refused.value.hint
        assert refused.value.message.isprintable()


@given(SELECTORS)
def test_a_selector_is_told_as_it_was_written(text: str) -> None:
    assert str(parse_selector(text)) == text


@given(VERSIONS, LABELS, ALIASES, DIGESTS)
def test_the_kinds_of_selectors_never_overlap(version: str, label: str, alias: str, digest: str) -> None:
    kinds = [parse_selector(text).kind for text in (version, label, alias, digest)]
    assert kinds == [SelectorKind.VERSION, SelectorKind.LABEL, SelectorKind.ALIAS, SelectorKind.DIGEST]


@given(st.integers(1, 999_999_999))
def test_a_version_has_a_number(number: int) -> None:
    assert parse_selector(f"v{number}").version == number


@pytest.mark.parametrize("text", ["2025", "v0", "production", "latest", WHOLE])
def test_only_versions_have_a_number(text: str) -> None:
    with pytest.raises(ValueError, match="is no version"):
        _ = parse_selector(text).version


# -- releases --------------------------------------------------------------------------------------------------


@given(NAMES, SELECTORS)
def test_a_reference_is_told_as_it_was_written(name: str, selector: str) -> None:
    text = f"{name}@{selector}"
    reference = parse(text)
    assert str(reference) == text
    assert (reference.bundle, reference.selector) == (name, parse_selector(selector))
    assert parse(str(reference)) == reference


@given(NAMES)
def test_a_reference_without_selector_is_production_for_reading(name: str) -> None:
    assert parse(name) == parse(f"{name}@production")


@pytest.mark.parametrize("default", ["latest", "staging", "v3", "2025-03-14"])
def test_another_default_can_be_asked_for(default: str) -> None:
    assert parse("support", default=default) == parse(f"support@{default}")
    assert parse("support@v1", default=default) == parse("support@v1")


def test_a_verb_that_changes_something_wants_a_selector() -> None:
    with pytest.raises(InvalidReference, match="does not say which release") as refused:
        parse("support", default=None)
    assert "support@v1" in refused.value.hint
    assert parse("support@latest", default=None).selector.kind is SelectorKind.LATEST


@pytest.mark.parametrize(
    "text",
    ["", "@v1", "@", "Support@v1", "a/b@v1", "prompts/x@v1", "../x@v1", "a%2Fb@v1", "a#b@v1", "a b@v1", " support@v1", "support @v1",
     "support\n@v1", "a\x00@v1", "a\u202eb@v1", "é@v1", ".a@v1", "a.@v1", "a..b@v1", "-a@v1", "a-@v1", "a.lock@v1", "a" * 65 + "@v1", "./dir"],
)  # fmt: skip
def test_a_bad_bundle_is_refused_as_a_name(text: str) -> None:
    for default in ("production", None):
        with pytest.raises(InvalidName) as refused:
            parse(text, default=default)
        assert refused.value.hint
        assert refused.value.message.isprintable()


@pytest.mark.parametrize(
    "text", ["support@v1@v2", "support@", "support@@v1", "support@v1#draft", "support@v1 ", "support@v1/x"]
)
def test_a_good_bundle_with_a_bad_selector_is_refused_as_a_reference(text: str) -> None:
    with pytest.raises(InvalidReference) as refused:
        parse(text)
    assert refused.value.hint


NEARLY = st.text(max_size=30) | st.text(alphabet="ab/.@#:-_v0129 \n", max_size=12)
"""Anything, and what is nearly a reference."""


@given(NEARLY)
def test_whatever_is_parsed_is_refused_with_a_hint_or_told_back(text: str) -> None:
    try:
        reference = parse(text, default=None)
    except (InvalidName, InvalidReference) as error:
        refused: InvalidInput | None = error
    else:
        refused = None
        assert str(reference) == text
    assert refused is None or refused.hint


# -- components ------------------------------------------------------------------------------------------------


@given(st.sampled_from(names.KINDS), NAMES, PINS)
def test_a_component_reference_is_told_as_it_was_written(kind: str, name: str, selector: str) -> None:
    text = f"{kind}/{name}@{selector}"
    reference = parse_component(text)
    assert reference == ComponentReference(kind, name, parse_selector(selector))
    assert (str(reference), reference.key) == (text, f"{kind}/{name}")
    assert parse_component(text, kind=kind) == reference
    assert parse_component(f"{name}@{selector}", kind=kind) == reference


@pytest.mark.parametrize("selector", ["production", "staging", "latest"])
def test_a_component_that_is_not_pinned_is_refused(selector: str) -> None:
    with pytest.raises(InvalidReference, match="is not pinned") as refused:
        parse_component(f"prompts/tone@{selector}")
    assert "prompts/tone@v1" in refused.value.hint


@pytest.mark.parametrize(("text", "kind"), [("prompts/tone", None), ("prompts/tone", "prompts"), ("tone", "prompts")])
def test_a_component_without_version_is_refused(text: str, kind: str | None) -> None:
    with pytest.raises(InvalidReference, match="does not say which version") as refused:
        parse_component(text, kind=kind)
    assert "prompts/tone@v1" in refused.value.hint


def test_a_component_without_kind_is_refused_where_the_place_does_not_say_it() -> None:
    with pytest.raises(InvalidReference, match="does not say its kind") as refused:
        parse_component("tone@v1")
    assert "prompts/tone@v1" in refused.value.hint


def test_a_component_of_another_kind_than_the_place_takes_is_refused() -> None:
    with pytest.raises(InvalidReference, match="is one of tools, and this place takes prompts") as refused:
        parse_component("tools/search@v1", kind="prompts")
    assert "prompts/NAME@v1" in refused.value.hint


@pytest.mark.parametrize(
    ("text", "hint"),
    [("prompt/tone@v1", "write prompts"), ("index/kb@v1", "write indexes"), ("Prompts/tone@v1", "prompts, indexes"),
     ("/tone@v1", "prompts, indexes"), ("prompts//tone@v1", "prompts, indexes"), ("a/prompts/tone@v1", "prompts, indexes"),
     ("../tone@v1", "prompts, indexes"), ("things/tone@v1", "prompts, indexes")],
)  # fmt: skip
def test_an_unknown_kind_is_refused_with_those_there_are(text: str, hint: str) -> None:
    for kind in (None, "prompts"):
        with pytest.raises(InvalidName) as refused:
            parse_component(text, kind=kind)
        assert hint in refused.value.hint


@pytest.mark.parametrize("name", ["", "Tone", "..", "a..b", "a.lock", "a b", "a\x00", "a%2Fb", "-a", "é", "a" * 65])
def test_a_bad_name_of_a_component_is_refused_as_a_name(name: str) -> None:
    with pytest.raises(InvalidName) as refused:
        parse_component(f"prompts/{name}@v1")
    assert refused.value.hint


@given(NEARLY)
def test_whatever_component_is_parsed_is_refused_or_told_back(text: str) -> None:
    try:
        reference = parse_component(text)
    except (InvalidName, InvalidReference) as error:
        refused: InvalidInput | None = error
    else:
        refused = None
        assert str(reference) == text
    assert refused is None or refused.hint


# -- working copies --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [".", "..", "~", "./", "./dir", "../dir", "/dir", "~/dir", "./a@v1"])
def test_directories_are_told_from_references(text: str) -> None:
    assert is_working_copy(text)
    with pytest.raises(InvalidName):
        parse(text)


@given(NAMES, SELECTORS)
def test_no_reference_is_taken_for_a_directory(name: str, selector: str) -> None:
    assert not is_working_copy(name)
    assert not is_working_copy(f"{name}@{selector}")


@given(st.from_regex(r"v[a-z0-9._-]{0,9}", fullmatch=True).filter(names.is_alias))
def test_an_alias_is_never_a_version_or_reserved(alias: str) -> None:
    assert not alias[1:2].isdigit()
    assert alias not in names.RESERVED_ALIASES
