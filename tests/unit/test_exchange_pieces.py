"""Templates as texts and variables: whoever fills one in, by its own rules, gets the same."""

from __future__ import annotations

import string
from typing import Any

import jinja2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pinset.domain.exchange import opik, phoenix, pieces
from pinset.domain.exchange.pieces import Variable
from pinset.domain.text import templates

VALUES = {"name": "<Ann> & {x}", "b": "}", "_c1": "{{ b }}\n"}
TEXT = st.lists(st.sampled_from([*"{}%#& \\\n\ra'", "{{", "}}", "{%", "{{ b }}", "{name}", "%}"]), max_size=8).map(
    "".join
)
PIECES = st.lists(st.one_of(TEXT, st.sampled_from(sorted(VALUES)).map(Variable)), max_size=6).map(pieces.joined)


def filled(found: Any) -> str:
    return "".join(one if isinstance(one, str) else VALUES[one.name] for one in found)


@settings(max_examples=150)
@given(PIECES)
def test_what_is_written_in_a_format_is_filled_in_alike(found: Any) -> None:
    for style in templates.FORMATS:
        text = pieces.written(style, found)
        if text is not None and "\r" not in text:
            assert templates.render(style, text, VALUES) == filled(found), style
    assert pieces.f_string(found).format(**VALUES) == filled(found)
    assert jinja2.Template(pieces.jinja(found), keep_trailing_newline=True).render(VALUES) == filled(found)


@pytest.mark.parametrize(
    ("style", "text", "found"),
    [
        ("mustache", "{{ a }}{{{b}}} {{&c}}", (Variable("a"), Variable("b"), " ", Variable("c"))),
        ("f-string", "{{{a}}} {{b}}", ("{", Variable("a"), "} {b}")),
        ("text", "{{a}}", ("{{a}}",)),
        ("jinja2", "{{ a }}{{ '{' }}b", (Variable("a"), "{b")),
        ("jinja2", "{{ a|upper }}", None),
        ("jinja2", "{# x #}", None),
        ("jinja2", "{{ true }}", None),
        ("jinja2", "a\r\n{{ b }}", None),
        ("mustache", "{{#a}}", None),
        ("text", "{{> other}}", None),
    ],
)
def test_what_a_template_says(style: str, text: str, found: Any) -> None:
    assert pieces.of(style, text) == found


def test_what_clients_fill_in() -> None:
    assert pieces.read(phoenix.MUSTACHE, r"\{{a}} {{ 1 }} {{b.c}}") == (r"\{{a}} ", Variable("1"), " {{b.c}}")
    assert pieces.read(opik.MUSTACHE, "{{{a}}} {{ b c }}") == ("{", Variable("a"), "} ", Variable("b c"))
    assert list(string.Formatter().parse(pieces.f_string(("{", Variable("a")))))[1][1] == "a"
