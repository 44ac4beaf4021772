"""Strict YAML: the scalars of YAML 1.2, nothing from elsewhere, and a line for every part."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pinset.domain.text import strict_json, strict_yaml


def value(text: str) -> Any:
    return strict_yaml.load_yaml(text).value


def refusal(text: str) -> strict_yaml.StrictYamlError:
    with pytest.raises(strict_yaml.StrictYamlError) as caught:
        strict_yaml.load_yaml(text)
    assert caught.value.hint
    assert caught.value.message == str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [("true", True), ("True", True), ("TRUE", True), ("false", False), ("False", False), ("FALSE", False)],
)
def test_a_boolean_is_a_boolean(text: str, expected: object) -> None:
    assert value(f"a: {text}") == {"a": expected}


@pytest.mark.parametrize("text", ["", "~", "null", "Null", "NULL"])
def test_null_is_none(text: str) -> None:
    assert value(f"a: {text}") == {"a": None}


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", 0), ("-7", -7), ("+7", 7), ("0o17", 15), ("0x1F", 31), (".5", 0.5), ("1e3", 1000.0), ("-1.5E-2", -0.015),
     ("1.", 1.0), ("0.80", 0.8), ("9007199254740991", 2**53 - 1)],
)  # fmt: skip
def test_a_number_is_a_number_of_its_kind(text: str, expected: float) -> None:
    found = value(f"a: {text}")["a"]
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    "text",
    ["no", "yes", "on", "off", "y", "n", "No", "tRue", "nULL", "2025-03-14", "2025-03-14T10:00:00Z", "1_000", "1:20",
     "190:20:30", "0b101", "v7", "1.2.3", "1e", "+", ".", "e5", "0o8", "0xg", "0X1F", "=", "12e03x", "१२"],
)  # fmt: skip
def test_everything_else_is_text(text: str) -> None:
    assert value(f"a: {text}") == {"a": text}


@pytest.mark.parametrize("text", ["no", "1", "true", "null", "~", ".nan", "007", "1e999", "2025-03-14", "", "&a", "!b"])
@pytest.mark.parametrize("quote", ["'", '"'])
def test_what_is_in_quotes_is_text(text: str, quote: str) -> None:
    assert value(f"a: {quote}{text}{quote}") == {"a": text}


def test_block_texts_are_text() -> None:
    assert value("a: |\n  1\nb: >-\n  true\n") == {"a": "1\n", "b": "true"}


_TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\u2028\u2029\ufeff\ufffe\uffff"))
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=15,
)


@given(_VALUES)
def test_what_pyyaml_writes_is_read_back(expected: Any) -> None:
    text = yaml.safe_dump(expected, allow_unicode=True, default_flow_style=None)
    assert value(text) == expected


@given(_VALUES)
def test_json_is_yaml_with_the_same_lines(expected: Any) -> None:
    text = json.dumps(expected, ensure_ascii=False, indent=1)
    found = strict_yaml.load_located_json(text)
    assert found.value == expected
    assert set(strict_yaml.load_yaml(text).lines) == set(found.lines)


@given(st.text(alphabet="ab:-?[]{},&*!|>'\"%@` \n#~<1.\t"))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = strict_yaml.load_yaml(text)
    except strict_yaml.StrictYamlError as error:
        refused_at = error.line
    else:
        refused_at = None
        assert json.dumps(found.value) is not None
        assert all(1 <= line <= text.count("\n") + 1 for line in found.lines.values())
    assert refused_at is None or 1 <= refused_at <= text.count("\n") + 1


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("a: 1\nb: &x 2", 2, "anchors"),
        ("a: *x", 1, "anchors"),
        ("&x a: 1", 1, "anchors"),
        ("a:\n  - !!python/object:os.system x", 2, "tag"),
        ("a: !!str 1", 1, "tag"),
        ("a: ! b", 1, "tag"),
        ("!x a: 1", 1, "tag"),
        ("a: 1\nb: 2\na: 3", 3, "twice"),
        ("a: {b: 1,\n b: 2}", 2, "twice"),
        ("a: 1\n1: 2", 2, "no text"),
        ("true: 2", 1, "no text"),
        ("~: 2", 1, "no text"),
        ("? [a]\n: b", 1, "key"),
        ("a: {{name}}", 1, "key"),
        ("a: 1\n<<: {b: 1}", 2, "merge"),
        ("a: 1\n---\nb: 2", 2, "several"),
        ("", 1, "empty"),
        ("# nothing\n", 1, "empty"),
        ("a: .nan", 1, "number"),
        ("a: -.inf", 1, "number"),
        ("a: 1e999", 1, "large"),
        ("a: 9007199254740992", 1, "exactly"),
        ("a: 0x" + "f" * 5000, 1, "exactly"),
        ("a: 007", 1, "zeros"),
        ('a: "\\0"', 1, "NUL"),
        ("a: 1\nb: \x00", 2, "U+0000"),
        ("a: x\u2028y", 1, "U+2028"),
        ("\ufeffa: 1", 1, "byte order"),
        ("%YAML 1.1\n---\na: 1", 1, "directives"),
        ("%TAG ! x\n---\na: 1", 1, "directives"),
        ("a: b: c", 1, "YAML"),
        ("a: [1,\n 2", 2, "YAML"),
        ("a:\n\tb: 1", 2, "YAML"),
        ("[" * 33 + "]" * 33, 1, "deeper"),
    ],
)
def test_a_refusal_says_its_line_and_why(text: str, line: int, word: str) -> None:
    error = refusal(text)
    assert error.line == line
    assert word in error.message


def test_a_key_that_is_no_text_is_shown_in_quotes() -> None:
    assert refusal("1: x").hint == 'put it in quotes: "1":'


def test_a_quoted_key_may_look_like_anything() -> None:
    assert value('"1": a\n"<<": b\n"true": c\n"": d') == {"1": "a", "<<": "b", "true": "c", "": "d"}


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 50_000, "- " * 100_000])
def test_hostile_nesting_is_refused_without_recursion(text: str) -> None:
    assert "deeper" in refusal(text).message


def test_breadth_is_no_depth() -> None:
    assert len(value("a: [" + "[1]," * 50_000 + "]")["a"]) == 50_000


def test_thirty_two_levels_are_taken() -> None:
    assert value("[" * 32 + "]" * 32)


def test_a_bomb_of_aliases_is_refused_at_its_first_anchor() -> None:
    text = "a: &a [x, x]\n" + "\n".join(f"{b}: &{b} [*{a}, *{a}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    assert refusal(text).line == 1


def test_lines_are_those_of_the_keys() -> None:
    text = "release:\n  feature: x\n\n  tools:\n  - a\n  - b: 1\n    c: |\n      text\n  last: 1\n"
    assert strict_yaml.load_yaml(text).lines == {
        (): 1,
        ("release",): 1,
        ("release", "feature"): 2,
        ("release", "tools"): 4,
        ("release", "tools", 0): 5,
        ("release", "tools", 1): 6,
        ("release", "tools", 1, "b"): 6,
        ("release", "tools", 1, "c"): 7,
        ("release", "last"): 9,
    }


def test_json_with_tabs_has_its_lines() -> None:
    found = strict_yaml.load_located_json('{\n\t"a": [1,\n\t\t{"b": "\\ud83d\\ude00"}]\n}')
    assert found.value == {"a": [1, {"b": "\U0001f600"}]}
    assert found.lines == {(): 1, ("a",): 2, ("a", 0): 2, ("a", 1): 3, ("a", 1, "b"): 3}


def test_json_is_refused_as_json() -> None:
    with pytest.raises(strict_json.StrictJsonError):
        strict_yaml.load_located_json("a: 1")
