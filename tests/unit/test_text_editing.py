"""Editing a manifest: one value changes, every other character stays, and what cannot be done so is refused."""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pinset.domain.text import editing, spans, strict_yaml
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

MANIFEST: Final = """\
# of the team
release:
  feature: s   # the name
  model:
    pinned_version: "2025-02-01"  # pin
    quoted: 'it'
    t: 0.2
  tools:   # ours
    - a.json  # first
    - b.json
  # after
  prompt: {template: a.md, x: 'q', n: }
  empty:
  text: |
    hello
    you

  last: [1, 2,
     3]
"""
MODEL: Final = ("release", "model", "pinned_version")
CASES: Final = [
    (MODEL, "2025-06-01", '    pinned_version: "2025-06-01"  # pin'),
    (("release", "model", "quoted"), "was", "    quoted: 'was'"),
    (("release", "model", "quoted"), "it's", '    quoted: "it\'s"'),
    (("release", "model", "t"), "1e-1", "    t: 1e-1"),
    (("release", "feature"), '"yes"', '  feature: "yes"   # the name'),
    (("release", "tools", 1), "c.json", "    - c.json"),
    (("release", "tools"), "[c.json]", "  tools: [c.json]   # ours"),
    (("release", "prompt", "template"), '"a, b"', """  prompt: {template: "a, b", x: 'q', n: }"""),
    (("release", "empty"), "5", "  empty: 5"),
    (("release", "text"), '"a: b"', '  text: "a: b"'),
    (("release", "last", 2), "{a: b}", "     {a: b}]"),
]


def lines_changed(old: str, new: str) -> list[str]:
    return [line for line in new.splitlines() if line not in old.splitlines()]


@pytest.mark.parametrize(("path", "value", "line"), CASES)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_value_is_changed_where_it_stands(path: Any, value: str, line: str, end: str) -> None:
    text = MANIFEST.replace("\n", end)
    new = editing.edited(text, path, value)
    assert lines_changed(text, new) == [line]
    assert ("\r" in new) == (end == "\r\n")
    assert set(re.findall(r"#[^\r\n]*", text)) - set(re.findall(r"#[^\r\n]*", new)) <= {"# first"}, (
        "a replaced list takes its own"
    )


def test_what_it_is_already_leaves_the_text_as_it_is() -> None:
    assert editing.edited(MANIFEST, MODEL, '"2025-02-01"') == MANIFEST
    assert editing.edited(MANIFEST, MODEL, "2025-02-01") == MANIFEST, "a date is text"
    assert editing.edited("a: 1\n", ("a",), "1.0") == "a: 1.0\n", "and 1 is not 1.0"
    assert editing.edited("a: 1\n", ("a",), "true") == "a: true\n"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("a\nb", "several lines"),
        ("see #12 # now", "comment"),
        ("&a 1", "anchors"),
        ("*a", "anchors"),
        ("!!str 1", "tag"),
        ("a: b", "block"),
        ("- a", "block"),
        ("|", "block"),
        ("[1", "not YAML"),
        ("{a: 1, a: 2}", "twice"),
        ("007", "zeros"),
        ("'\x00'", "U\\+0000"),
        ("a" * 100_001, "too long"),
        ("--- 1", "block"),
    ],
)
def test_a_value_that_is_none_is_refused(value: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        editing.edited(MANIFEST, MODEL, value)


@pytest.mark.parametrize(
    "text", ["a: &x 1\nb: 2\n", "a: 1\nb: *x\n", "a: 1\n<<: {b: 2}\n", "a: 1\na: 2\n", "b: !t 1\n"]
)
def test_a_text_with_anchors_tags_or_doubled_keys_is_refused(text: str) -> None:
    for change in (lambda: editing.edited(text, ("a",), "3"), lambda: editing.removed(text, ("b",))):
        with pytest.raises(InvalidInput):
            change()


@pytest.mark.parametrize(
    ("path", "gone"),
    [
        (("release", "tools", 0), ["    - a.json  # first"]),
        (("release", "tools"), ["  tools:   # ours", "    - a.json  # first", "    - b.json"]),
        (("release", "text"), ["  text: |", "    hello", "    you"]),
        (("release", "feature"), ["  feature: s   # the name"]),
        (("release", "empty"), ["  empty:"]),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_an_entry_goes_with_its_lines_and_no_other(path: Any, gone: list[str], end: str) -> None:
    text = MANIFEST.replace("\n", end)
    new = editing.removed(text, path)
    assert new.splitlines() == [line for line in text.splitlines() if line not in gone]
    assert new.count("\r") == (0 if end == "\n" else new.count("\n"))


def test_parts_of_a_line_go_alone() -> None:
    assert "  last: [1, 2]\n" in editing.removed(MANIFEST, ("release", "last", 2))
    assert "{template: a.md, n: }" in editing.removed(MANIFEST, ("release", "prompt", "x"))
    assert editing.removed("a: {b: 1}\n", ("a", "b")) == "a: {}\n"
    assert editing.removed("a:\n  b: 1\n", ("a", "b")) == "a: {}\n"
    assert editing.removed("a:\n- b: 1\n  c: 2\n", ("a", 0, "b")) == "a:\n- c: 2\n"
    assert editing.removed("a:\n- 1\n", ("a", 0)) == "a: []\n"
    assert editing.removed("a: 1\nb: 2", ("b",)) == "a: 1\n"


def test_an_entry_is_added_after_the_last_as_they_are_written() -> None:
    assert "    t: 0.2\n    top_p: 0.9\n" in editing.added(MANIFEST, ("release", "model", "top_p"), "0.9")
    assert editing.added("a:\r\n  b: 1\r\nc: 2", ("a", "d"), "x") == "a:\r\n  b: 1\r\n  d: x\r\nc: 2"
    assert editing.added("a: {}\n", ("a", "b.c"), "no") == "a: {b.c: no}\n"
    assert editing.added("a: {b: 1}\n", ("a", "yes: x"), "2") == 'a: {b: 1, "yes: x": 2}\n'
    assert editing.added("a:\n- b: 1\n", ("a", 0, "c"), "2") == "a:\n- b: 1\n  c: 2\n"
    assert editing.added('{\n  "a": 1\n}\n', ("b",), "[x]", is_json=True) == '{\n  "a": 1,\n  "b": ["x"]\n}\n'


def test_json_stays_json() -> None:
    text = '{\n  "a": {"b": "caf\\u00e9", "c": [1, 2]},\n  "d": "\\\\\\""\n}\n'
    assert editing.edited(text, ("a", "c", 1), "no", is_json=True) == text.replace("2", '"no"')
    assert editing.edited(text, ("a", "b"), "{x: 'é'}", is_json=True) == text.replace('"caf\\u00e9"', '{"x": "é"}')
    assert editing.removed(text, ("a", "b"), is_json=True) == text.replace('"b": "caf\\u00e9", ', "")
    with pytest.raises(InvalidInput, match="twice"):
        editing.edited('{"a": 1, "a": 2}', ("a",), "3", is_json=True)


def test_a_reference_keeps_its_quotes_and_its_lines() -> None:
    text = "a: 'x@v1'  # pin\nt: |\n  Hi {{> x@v1}}\n  you\n"

    def change(part: str) -> str:
        return part.replace("@v1", "@v2")

    assert editing.rewritten(text, ("a",), change) == text.replace("'x@v1'", "'x@v2'")
    assert editing.rewritten(text, ("t",), change) == text.replace("{{> x@v1", "{{> x@v2")
    folded = 'a: "x@\\x76\\x31"\n'  # written so that its text does not stand there
    assert strict_yaml.load_yaml(editing.rewritten(folded, ("a",), change)).value == {"a": "x@v2"}


def test_what_cannot_be_changed_alone_is_refused() -> None:
    with pytest.raises(InvalidInput, match="without changing other lines"):
        editing.removed("a:\n-  # x-y\n  1\n- 2\n", ("a", 0))


KEYS: Final = st.sampled_from(["a", "b.c", "d-e", "f", "y: z", "no"])
SCALARS: Final = (
    st.none()
    | st.booleans()
    | st.integers(-5, 1000)
    | st.floats(-1e6, 1e6, allow_nan=False)
    | st.sampled_from(
        ["", "no", "2025-01-01", "it's", 'a "b"', "x: y", "# c", "a,b", "{x}", "é\u2028", "- z", "1.0", "a\nb\n"]
    )
)
VALUES: Final = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
)


def written(value: Any, indent: str, draw: Any) -> str:
    """A value as YAML, in one of the ways people write it: begins after its key or dash."""
    block = isinstance(value, dict | list) and value and draw(st.booleans())
    if not block:
        if isinstance(value, str) and "\n" not in value and value.isalpha() and value != "no":
            return f" {draw(st.sampled_from([value, repr(value)]))}"
        return " " + re.sub("\u2028", "\\\\u2028", json.dumps(value, ensure_ascii=False))
    comment = draw(st.sampled_from(["", "  # why"]))
    inner = indent + "  "
    if isinstance(value, dict):
        rows = [f"{inner}{key_of(key)}:{written(one, inner, draw)}" for key, one in value.items()]
    else:
        rows = [f"{inner}-{written(one, inner, draw)}" for one in value]
    return comment + "\n" + "\n".join(rows)


def key_of(key: str) -> str:
    return key if re.fullmatch("[a-z.-]+", key) and key != "no" else json.dumps(key)


def places(value: Any, path: tuple[Any, ...] = ()) -> Sequence[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for step, one in inner for place in places(one, (*path, step)))]


@settings(max_examples=120, deadline=None)
@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=4), VALUES, st.data())
@example({"a": {"b.c": [1, {"f": None}]}}, "x", None)
def test_an_edited_text_says_what_it_said_but_in_one_place(value: Any, other: Any, data: Any) -> None:
    is_json = data is None or data.draw(st.booleans())
    if is_json:
        text = json.dumps(value, indent=2)
    else:
        rows = [f"{key_of(key)}:{written(one, '', data.draw)}" for key, one in value.items()]
        text = "\n# top\n".join(rows) + "\n"
    text = text.replace("\n", "\r\n") if data is None or data.draw(st.booleans()) else text
    was = (spans.placed_json if is_json else spans.placed_yaml)(text)
    assert editing.same(was.value, value)
    paths = [path for path in places(value) if path]
    path = paths[-1] if data is None else data.draw(st.sampled_from(paths))
    for new, wanted in (
        (editing.replaced(text, path, other, is_json=is_json), with_other(value, path, other)),
        (editing.edited(text, path, json.dumps(other), is_json=is_json), with_other(value, path, other)),
        (editing.removed(text, path, is_json=is_json) if len(path) > 1 or len(value) > 1 else text,
         without(value, path) if len(path) > 1 or len(value) > 1 else value),
    ):  # fmt: skip
        now = (spans.placed_json if is_json else spans.placed_yaml)(new).value
        assert editing.same(now, wanted)


def with_other(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    found = copy.deepcopy(value)
    holder = found
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = other
    return found


def without(value: Any, path: tuple[Any, ...]) -> Any:
    found = copy.deepcopy(value)
    holder = found
    for step in path[:-1]:
        holder = holder[step]
    del holder[path[-1]]
    return found
