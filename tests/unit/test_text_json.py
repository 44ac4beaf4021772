"""Strict JSON, its refusals made by machine: wherever the fault is put, the text is refused and its line is said."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinset.domain.text import strict_json, strict_yaml

_KEYS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=6)
_UNFIT = ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9007199254740992", "-9007199254740992", "7" * 5000]


def refusal(text: str, **options: Any) -> strict_json.StrictJsonError:
    with pytest.raises(strict_json.StrictJsonError) as caught:
        strict_json.loads(text, **options)
    assert caught.value.hint
    assert caught.value.message == str(caught.value)
    return caught.value


def wrapped(text: str, steps: list[str | None]) -> str:
    """A JSON text inside arrays (None) and objects (their key), each on a line of its own."""
    for step in steps:
        text = f"[\n{text}\n]" if step is None else f"{{\n{json.dumps(step)}: {text}\n}}"
    return text


_STEPS = st.lists(st.none() | _KEYS, max_size=8)


@given(st.sampled_from(_UNFIT), _STEPS)
def test_a_number_that_cannot_be_kept_is_refused_at_its_line(literal: str, steps: list[str | None]) -> None:
    assert refusal(wrapped(literal, steps)).line == len(steps) + 1


@given(st.sampled_from(_UNFIT), _STEPS)
def test_the_same_number_in_quotes_is_text(literal: str, steps: list[str | None]) -> None:
    text = wrapped(json.dumps(literal), steps)
    assert strict_json.loads(text) == json.loads(text)


@given(_KEYS, _STEPS)
def test_a_key_said_twice_is_refused_in_any_depth_and_spelling(key: str, steps: list[str | None]) -> None:
    escaped = '"' + "".join(f"\\u{unit:04x}" for unit in _utf16(key)) + '"'
    error = refusal(wrapped(f"{{{json.dumps(key)}: 1,\n{escaped}: 2}}", steps))
    assert error.line == len(steps) + 2
    assert ascii(key) in error.message


def _utf16(text: str) -> list[int]:
    data = text.encode("utf-16-be")
    return [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]


@given(st.sampled_from([r"\ud800", r"\uDFFF", r"\u0000", r"\ude00\ud83d", r"\ud83d\u0041"]), _STEPS, st.booleans())
def test_half_a_pair_and_nul_are_refused_in_keys_and_texts(escape: str, steps: list[str | None], in_key: bool) -> None:
    inner = f'{{"a{escape}": 1}}' if in_key else f'"a{escape}"'
    assert refusal(wrapped(inner, steps)).line == len(steps) + 1


@given(st.integers(0, 40), st.integers(0, 40))
def test_the_limit_of_nesting_is_exact(levels: int, depth: int) -> None:
    text = wrapped("1", [None if level % 2 else "[{" for level in range(levels)])
    if levels <= depth:
        assert strict_json.loads(text, depth=depth) == json.loads(text)
    else:
        assert "deeper" in refusal(text, depth=depth).message


def test_the_key_and_the_line_of_a_refusal_are_of_one_repetition() -> None:
    error = refusal('{"x": {"b": 1},\n"x": {"b": 1,\n"b": 2}}')
    assert (error.message, error.line) == ("the key 'x' is there twice", 2)


def test_a_long_key_is_shown_short() -> None:
    key = "k" * 5000
    assert len(refusal(f'{{"{key}": 1, "{key}": 2}}').message) < 120


@pytest.mark.parametrize("text", ['{"a": 1e999}', '{"a": "\\u0000"}', '{"a": 1, "a": 2}', "[" * 33 + "]" * 33])
def test_bytes_are_refused_as_text_is(text: str) -> None:
    with pytest.raises(strict_json.StrictJsonError) as caught:
        strict_json.loads_bytes(text.encode())
    assert (caught.value.message, caught.value.line) == (refusal(text).message, refusal(text).line)


def test_bytes_have_the_limit_of_nesting_they_are_given() -> None:
    assert strict_json.loads_bytes(b"[[1]]", depth=2) == [[1]]
    with pytest.raises(strict_json.StrictJsonError):
        strict_json.loads_bytes(b"[[1]]", depth=1)


def test_windows_line_ends_count_once() -> None:
    assert refusal('{"a": 1,\r\n\r\n"a": 2}').line == 3
    assert strict_yaml.load_located_json('\r\n{"a": 1,\r\n"b": 2}').lines == {(): 2, ("a",): 2, ("b",): 3}
