"""MLflow's templates and ours say the same of each other, brace by brace."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pinset.domain.exchange import mlflow_templates as both
from pinset.domain.text import templates

PIECES = (
    "{{x}}",
    "{{ name }}",
    "{{{x}}}",
    "{",
    "}",
    "{{",
    "}}",
    "{{> prompts/a@v1}}",
    "{{&x}}",
    "{{#x}}",
    "{%",
    "%}",
    "{{a.b}}",
    " ",
    "é",
    "\n",
)
MLFLOW = re.compile(r"\{\{\s*([a-zA-Z_][a-zA-Z0-9_]*(?:\.[a-zA-Z_][a-zA-Z0-9_]*)*)\s*\}\}")


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("Hi {{ name }}", "mustache"),
        ('{"json": {"a": 1}} and {single}', "mustache"),
        ("{{{x}}}", "f-string"),
        ("{{> prompts/house-tone@v1}} {{x}}", "f-string"),
        ("{{#section}}", "f-string"),
        ("{% if x %}{{ x.y }}{% endif %}", "jinja2"),
        ("{% if x %}{{ x", "f-string"),
        ("{{ user.name }}", "jinja2"),
        ("{{ user.name }} {{", "text"),
    ],
)
def test_the_plainest_format_that_says_the_same_is_taken(text: str, style: str) -> None:
    found = both.taken([text])
    assert found.style == style
    parsed = templates.parse(found.style, found.texts[0])
    assert not parsed.problems
    assert not parsed.includes


def test_a_format_stays_where_it_says_the_same() -> None:
    assert both.taken(["{{ x | upper }}"], "jinja2").style == "jinja2"
    assert both.taken(["no variables"], "text").style == "text"
    assert both.taken(["a {{variable}}"], "text").style == "mustache"


@settings(max_examples=60)
@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_what_is_filled_there_is_the_same_after_it_was_here(text: str) -> None:
    found = both.taken([text])
    back = both.told(found.style, found.texts)
    if found.differs or back.differs or found.style == "jinja2":
        return
    fill = {"x": "\x01", "name": "\x02"}
    filled = [MLFLOW.sub(lambda match: fill.get(match[1], match[0]), one) for one in (text, back.texts[0])]
    assert filled[0] == filled[1]
    if found.style in ("mustache", "f-string"):
        assert templates.render(found.style, found.texts[0], fill) == filled[0]


@pytest.mark.parametrize(
    ("style", "text", "told", "differs"),
    [
        ("mustache", "{{{x}}} {{&y}} {{ z }}", "{{x}} {{y}} {{ z }}", False),
        ("f-string", "{x} {{literal}} {{}}", "{{x}} {literal} {}", False),
        ("f-string", "{{{{x}}}} {x}", "{{{{x}}}} {x}", True),
        ("f-string", "{{{x}}}", "{{{x}}}", False),
        ("text", "{{x}}", "{{x}}", True),
        ("text", "plain", "plain", False),
        ("jinja2", "{% if x %}{% endif %}", "{% if x %}{% endif %}", True),
        ("jinja2", "{{ x }}", "{{ x }}", False),
        ("jinja2", "{{ x | upper }}", "{{ x | upper }}", True),
    ],
)  # fmt: skip
def test_what_mlflow_cannot_fill_is_told(style: str, text: str, told: str, *, differs: bool) -> None:
    found = both.told(style, [text])
    assert (found.texts, bool(found.differs)) == ([told], differs)
