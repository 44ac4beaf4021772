"""Strict YAML under both of PyYAML's parsers, and its refusals wherever the fault is put."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pinset.domain.text import strict_json, strict_yaml

_PIECES = ["a", "b: ", "- ", "? ", ": ", "\n", "\n  ", "[", "]", "{", "}", ",", "'", '"', "|\n  ", "---\n", "...\n",
           "<<: ", "1", "~", "null", "#c", " ", "0x1f", ".nan", "&x ", "*x", "!!str "]  # fmt: skip


@pytest.fixture(params=["CSafeLoader", "SafeLoader"], autouse=True)
def _parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PyYAML was built without libyaml, its own parser must give and refuse the same."""
    if not hasattr(yaml, request.param):
        pytest.skip("PyYAML without libyaml")
    monkeypatch.setattr(strict_yaml, "_LOADER", getattr(yaml, request.param))


def refusal(text: str, **options: Any) -> strict_yaml.StrictYamlError:
    with pytest.raises(strict_yaml.StrictYamlError) as caught:
        strict_yaml.load_yaml(text, **options)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("text", "line"),
    [("---\n", 1), ("---", 1), ("--- # nothing\n", 1), ("# nothing\n---\n\n", 2), ("---\n...\n", 1), ("\n\n", 1)],
)
def test_an_empty_document_is_refused(text: str, line: int) -> None:
    error = refusal(text)
    assert error.line == line
    assert "empty" in error.message


@pytest.mark.parametrize(("text", "expected"), [("null", None), ("--- ~\n", None), ('--- ""', ""), ("--- |\n", "")])
def test_a_document_that_says_nothing_in_words_is_not_empty(text: str, expected: object) -> None:
    assert strict_yaml.load_yaml(text).value == expected


def test_one_document_may_have_its_marks() -> None:
    assert strict_yaml.load_yaml("%YAML 1.2\n---\na: 1\n...\n# end\n").value == {"a": 1}


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("a: 1\n---\n", 2, "several"),
        ("---\n---\na: 1", 2, "several"),
        ('"a": 1\na: 2', 2, "twice"),
        ("a:\n  b: 1\n  'b': 2", 3, "twice"),
        ("- a: 1\n- a: &x 2", 2, "anchors"),
        ("{<<: {a: 1}}", 1, "merge"),
        ("a: -9007199254740992", 1, "exactly"),
        ("a: 0x20000000000000", 1, "exactly"),
        ("a: +.INF", 1, "number"),
        ("1.5: x", 1, "no text"),
        ("a:\r\n\r\n  b: *x", 3, "anchors"),
    ],
)
def test_both_parsers_refuse_with_the_same_words_and_line(text: str, line: int, word: str) -> None:
    error = refusal(text)
    assert error.line == line
    assert word in error.message


@pytest.mark.parametrize("key", ["1", "-7", "1.5", "0x1F", "true", "False", "null", "~"])
def test_a_key_that_is_no_text_becomes_text_as_the_hint_says(key: str) -> None:
    quoted = refusal(f"{key}: x").hint.removeprefix("put it in quotes: ")
    assert strict_yaml.load_yaml(f"{quoted} x").value == {key: "x"}


@pytest.mark.parametrize("key", ["no", "yes", "on", "2025-03-14", "1_000", "1:30", "v7"])
def test_a_key_that_only_yaml_1_1_would_convert_is_text(key: str) -> None:
    assert strict_yaml.load_yaml(f"{key}: x").value == {key: "x"}


def test_the_limit_of_nesting_is_exact() -> None:
    for levels in range(1, 12):
        nested = "".join("  " * level + f"k{level}:\n" for level in range(levels))
        assert strict_yaml.load_yaml(nested, depth=levels).lines[tuple(f"k{at}" for at in range(levels))] == levels
        error = refusal(nested, depth=levels - 1)
        assert "deeper" in error.message
        assert error.line == levels


def test_lines_follow_block_texts_comments_and_items() -> None:
    text = "# top\n- |\n  one\n  two\n# between\n- {a: 1,\n   b: [x,\n       y]}\n-\n- last\n"
    lines = strict_yaml.load_yaml(text).lines
    assert lines[()] == 2
    assert [lines[(1,)], lines[(1, "a")], lines[(1, "b")], lines[(1, "b", 1)], lines[(3,)]] == [6, 6, 7, 8, 10]


def test_json_errors_pass_through_as_they_are() -> None:
    for text in ('{"a": 1,\n"a": 2}', "[1,\nNaN]", "[" * 33 + "]" * 33):
        with pytest.raises(strict_json.StrictJsonError) as direct:
            strict_json.loads(text)
        with pytest.raises(strict_json.StrictJsonError) as passed:
            strict_yaml.load_located_json(text)
        assert (passed.value.message, passed.value.line) == (direct.value.message, direct.value.line)


def test_json_that_yaml_cannot_hold_still_has_its_lines() -> None:
    key = "k" * 2000  # longer than YAML lets a key be
    found = strict_yaml.load_located_json(f'{{\n"{key}": "\\ud83d\\ude00",\n\t"b\\/c": "\u2028"\n}}')
    assert found.lines == {(): 1, (key,): 2, ("b/c",): 3}


@pytest.mark.skipif(not hasattr(yaml, "CSafeLoader"), reason="PyYAML without libyaml")
class TestAgreement:
    """Here both parsers read the same text, whichever the fixture chose."""

    @given(st.lists(st.sampled_from(_PIECES), max_size=10).map("".join))
    def test_both_parsers_give_the_same_value_and_lines(self, text: str) -> None:
        found = [_read(text, loader) for loader in (yaml.CSafeLoader, yaml.SafeLoader)]
        if None not in found:  # each knows some slips of syntax that the other lets pass
            assert found[0] == found[1]


def _read(text: str, loader: Any) -> tuple[str, Any] | None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strict_yaml, "_LOADER", loader)
        try:
            found = strict_yaml.load_yaml(text)
        except strict_yaml.StrictYamlError:
            return None
    return repr(found.value), found.lines
