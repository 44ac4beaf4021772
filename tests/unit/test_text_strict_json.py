"""Strict JSON: what it takes it reads as `json` does; what it refuses it refuses with a line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinset.domain.text import strict_json
from pinset.domain.text.located import json_lines

_TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-strict_json.SAFE_INTEGER, strict_json.SAFE_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=20,
)


def refusal(text: str, **options: Any) -> strict_json.StrictJsonError:
    with pytest.raises(strict_json.StrictJsonError) as caught:
        strict_json.loads(text, **options)
    assert caught.value.hint
    return caught.value


@given(VALUES, st.booleans(), st.sampled_from([None, 2]))
def test_what_json_writes_is_read_back(value: Any, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert strict_json.loads(text, depth=99) == value
    assert strict_json.loads_bytes(text.encode(), depth=99) == value


@given(VALUES)
def test_every_part_of_a_text_has_a_line(value: Any) -> None:
    text = json.dumps(value, indent=1)
    expected: dict[tuple[str | int, ...], Any] = {}
    pending: list[tuple[tuple[str | int, ...], Any]] = [((), value)]
    while pending:
        path, one = pending.pop()
        expected[path] = one
        steps = one.items() if isinstance(one, dict) else enumerate(one) if isinstance(one, list) else ()
        pending += [((*path, step), inner) for step, inner in steps]
    lines = json_lines(text)
    assert set(lines) == set(expected)
    for path, line in lines.items():
        if path and isinstance(path[-1], str):
            assert text.split("\n")[line - 1].lstrip().startswith(json.dumps(path[-1]) + ":")


@given(st.text(alphabet='[]{}",:\\u0d8 1eE.-+naNItf\n\t'))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        value = strict_json.loads(text)
    except strict_json.StrictJsonError:
        return
    assert json.loads(text) == value


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"a": 1,\n "a": 2}', 2),
        ('{"a": {"b": 1,\n "c": 2,\n "b": 3}}', 3),
        ('[{"a": 1}, {"a": 1,\n"\\u0061": 2}]', 2),
        ("[1,\nNaN]", 2),
        ("[\nInfinity]", 2),
        ("[\n\n-Infinity]", 3),
        ("[1e999]", 1),
        ("[0,\n-1e999]", 2),
        ('["a",\n"\\ud800"]', 2),
        ('{\n"\\udfff": 1}', 2),
        ('["\\ud83d\\u0041"]', 1),
        ('["\\u0000"]', 1),
        ('["a\x00"]', 1),
        ('["\ud800"]', 1),
        ("[\n9007199254740992]", 2),
        ("-9007199254740992", 1),
        ("1" * 5000, 1),
        ("", 1),
        ("[1,\n]", 2),
        ("{'a': 1}", 1),
        ("[1] // one", 1),
        ("[1] [2]", 1),
        ('["a\nb"]', 1),
        ("\ufeff[]", 1),
        ("[01]", 1),
        ("{} {}", 1),
    ],
)
def test_a_refusal_says_its_line(text: str, line: int) -> None:
    assert refusal(text).line == line


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("[1,\n]", "comma"),
        ("{'a': 1}", "double quotes"),
        ("// hello\n{}", "comments"),
        ("  ", "empty"),
        ("[] []", "one value"),
        ('["\t"]', "\\t"),
    ],
)
def test_a_usual_slip_is_told_its_way_out(text: str, hint: str) -> None:
    assert hint in refusal(text).hint


def test_nesting_is_counted_outside_of_texts() -> None:
    assert strict_json.loads("[" * 32 + "]" * 32)
    assert strict_json.loads('["' + "[" * 100 + '", ' + '"\\"[{", ' * 30 + "1]")
    assert refusal("[\n" * 33 + "]" * 33).line == 33
    assert refusal('[{"a": 1}]', depth=1)


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 100_000, '["' + "\\" * 200_000, '"' * 200_000])
def test_hostile_nesting_is_refused_without_recursion(text: str) -> None:
    assert refusal(text)


def test_a_duplicate_key_names_the_key_in_ascii() -> None:
    assert "'\\u202e'" in refusal('{"\u202e": 1, "\u202e": 2}').message


def test_the_largest_exact_integers_are_kept() -> None:
    assert strict_json.loads("[9007199254740991, -9007199254740991, -0]") == [2**53 - 1, 1 - 2**53, 0]


def test_an_escaped_backslash_is_no_surrogate() -> None:
    assert strict_json.loads(r'["\\ud800", "\\u0000"]') == [r"\ud800", r"\u0000"]


@pytest.mark.parametrize(("data", "line"), [(b'["a",\n"\xff"]', 2), (b"\xef\xbb\xbf[]", 1), (b'"\xed\xa0\x80"', 1)])
def test_bytes_that_are_not_plain_utf8_are_refused(data: bytes, line: int) -> None:
    with pytest.raises(strict_json.StrictJsonError) as caught:
        strict_json.loads_bytes(data)
    assert caught.value.line == line
    assert "UTF-8" in caught.value.hint
