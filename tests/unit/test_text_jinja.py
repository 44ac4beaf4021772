"""Jinja: reading a template computes nothing, filling one has limits, and what a template sets is no variable."""

from __future__ import annotations

import pytest

from pinset.domain.text import jinja
from pinset.errors import InvalidInput


class Trap:
    """A filter that must not run while a template is read."""

    def __init__(self) -> None:
        self.called = 0

    def __call__(self, value: object) -> object:
        self.called += 1
        return value


@pytest.mark.parametrize(
    "source",
    [
        "{{ 'a' | trap }}",
        "{% autoescape true %}{{ 'a' | trap }}{% endautoescape %}",
        "{% autoescape 'a' | trap %}{% endautoescape %}",
        "{% if 'a' | trap %}{% endif %}",
        "{% set x = 'a' | trap %}",
        "{% filter trap %}a{% endfilter %}",
        "{% for x in 'a' | trap %}{% endfor %}",
    ],
)
def test_no_filter_runs_while_a_template_is_read(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trap = Trap()
    monkeypatch.setitem(jinja._reader().filters, "trap", trap)
    jinja.parse(source)
    assert trap.called == 0


@pytest.mark.parametrize(
    "source",
    [
        "{{ 2 ** 1025 }}",
        "{{ n ** 100000000 }}",
        "{{ 'ab' * 4194305 }}",
        "{{ 100000000000 * 'a' }}",
        "{{ [1] * 100000000000 }}",
        "{{ a.__class__ }}",
        "{{ items.append(1) }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ '%0100000000d' | format(1) }}",
        "{{ '%0100000000d' % 1 }}",
        "{{ '%*d' | format(100000000, 1) }}",
        "{{ '{:100000000}'.format(1) }}",
        "{{ 'a'.center(100000000) }}",
        "{{ 'a'.ljust(100000000) }}",
        "{{ 'a'.zfill(width) }}",
        "{{ 'a' | center(width=100000000) }}",
        "{{ '\t'.expandtabs(100000000) }}",
        "{{ ('a' * 8000).replace('a', 'b' * 8000) }}",
        "{{ ('a' * 8000) | replace('a', 'b' * 8000) }}",
        "{{ ('b' * 8000).join(range(8000)) }}",
        "{{ range(8000) | join('b' * 8000) }}",
        "{{ (['b' * 8000] * 8000) | join }}",
        "{{ ('a\n' * 8000) | indent(8000) }}",
        "{% set n = namespace(x='ab') %}{% for i in range(40) %}{% set n.x = n.x + n.x %}{% endfor %}",
        "{% set n = namespace(x='ab') %}{% for i in range(40) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
    ],
)
def test_a_template_that_makes_much_of_little_or_reaches_out_is_refused(source: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        jinja.render(source, {}, {"n": 10, "a": "x", "items": [], "width": 10**8})
    assert caught.value.hint
    assert "None" not in caught.value.message


@pytest.mark.parametrize(
    ("source", "filled"),
    [
        ("{{ 2 ** 10 }}", "1024"),
        ("{{ n ** 2 }}", "100"),
        ("{{ n * 3 }}", "30"),
        ("{{ 2.0 ** 3 }}", "8.0"),
        ("{{ 'ab' * 3 }}", "ababab"),
        ("{{ 7 % 4 }}", "3"),
        ("{{ '%s!' % a }}", "x!"),
        ("{{ ('ab' * 4194304) | length }}", "8388608"),
        ("{{ '%5d|%-5s|%.2f' % (n, a, 1.5) }}", "   10|x    |1.50"),
        ("{{ '%s of %s' | format(n, a) }}", "10 of x"),
        ("{{ '{:>5}|{:05.1f}'.format(a, 2) }}", "    x|002.0"),
        ("{{ a.center(5) }}|{{ a | center(5) }}|{{ '7'.zfill(3) }}", "  x  |  x  |007"),
        (
            "{{ ['b', 'c'] | map('upper') | join(', ') }} {{ '-'.join(['b', 'c']) }} {{ range(3) | join }}",
            "B, C b-c 012",
        ),
        ("{{ 'aba' | replace('a', 'xy') }} {{ 'aba'.replace('a', '') }}", "xybxy b"),
        ("{{ 'b\nc' | indent(2) }}|{{ 'b c' | wordwrap(1) }}", "b\n  c|b\nc"),
        ("{{ a ~ n ~ true ~ [1] }} {{ a + a }} {{ [1] + [2] }} {{ 1 + 2 }}", "x10True[1] xx [1, 2] 3"),
        ("{{ 5 * n * n * n * n * n * n * n * n }}", "500000000"),
    ],
)
def test_plain_sums_are_filled(source: str, filled: str) -> None:
    assert jinja.render(source, {}, {"n": 10, "a": "x"}) == filled


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("{{ missing }}", "missing"),
        ("{% include 'other' %}", "other"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{{ 'x' + 1 }}", "TypeError"),
        ("\n{% if %}", "line 2"),
    ],
)
def test_what_went_wrong_is_named_with_a_way_out(source: str, named: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        jinja.render(source, {}, {})
    assert named in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("source", "assigned"),
    [
        ("{% set a = 1 %}", {"a"}),
        ("{% for a, b in x %}{% endfor %}", {"a", "b"}),
        ("{% macro a(b) %}{% endmacro %}", {"a", "b"}),
        ("{% import 'm' as a %}", {"a"}),
        ("{% from 'm' import a, b as c %}", {"a", "c"}),
        ("{% set x = 1 %}{% from 'm' import a %}{% from 'n' import b %}", {"x", "a", "b"}),
        ("{% with a = 1 %}{% endwith %}", {"a"}),
        ("{{ a }}", set()),
    ],
)
def test_what_a_template_sets_itself_is_known(source: str, assigned: set[str]) -> None:
    assert jinja.parse(source).assigned == assigned


@pytest.mark.parametrize(
    "source", ["{{ a | nonsense }}", "{% if a is nonsense %}{% endif %}", "{% if 0 %}{{ a | nonsense }}{% endif %}"]
)
def test_an_unknown_filter_or_test_is_a_problem_with_its_name(source: str) -> None:
    (problem,) = jinja.parse("\n" + source).problems
    assert "nonsense" in problem.message
    assert ("filter" if "|" in source else "test") in problem.message
    assert problem.line == 2
    assert problem.hint


@pytest.mark.parametrize("depth", [10_000, 50_000])
def test_a_template_nested_too_deep_has_one_problem_with_a_way_out(depth: int) -> None:
    (problem,) = jinja.parse("{{" + "(" * depth + "1" + ")" * depth + "}}").problems
    assert problem.line == 1
    assert problem.message
    assert problem.hint


def test_a_filled_template_may_be_as_long_as_the_limit_in_bytes() -> None:
    assert len(jinja.render("{{ a }}b", {}, {"a": "x" * (jinja.OUTPUT_LIMIT - 1)})) == jinja.OUTPUT_LIMIT
    for values in ({"a": "x" * jinja.OUTPUT_LIMIT}, {"a": "ü" * (jinja.OUTPUT_LIMIT // 2)}):
        with pytest.raises(InvalidInput):
            jinja.render("{{ a }}b", {}, values)
