from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinset.domain.text import templates
from pinset.domain.text.jinja import OUTPUT_LIMIT
from pinset.domain.text.templates import Include, render_jinja
from pinset.errors import InvalidInput

IDENTIFIERS = st.text(string.ascii_letters + "_", min_size=1, max_size=8)
PLAIN = st.text(st.characters(exclude_characters="{}", exclude_categories=("Cs",)), max_size=20)


@pytest.mark.parametrize(
    ("path", "style"),
    [("a.j2", "jinja2"), ("a/b.JINJA", "jinja2"), ("x.md.jinja2", "jinja2"), ("a.txt", "text"), ("a.md", "mustache"),
     ("a.mustache", "mustache"), ("j2", "jinja2"), ("noending", "mustache")],
)  # fmt: skip
def test_format_is_guessed_from_the_ending(path: str, style: str) -> None:
    assert templates.guess_format(path) == style


def test_mustache_variables_in_all_three_spellings_are_found_once_and_sorted() -> None:
    parsed = templates.parse("mustache", "{{ b }} {{{a}}} {{&c}} {{b}} {{{ a }}} {{& c }}")
    assert parsed.variables == ("a", "b", "c")
    assert parsed.problems == ()
    assert parsed.includes == ()


def test_mustache_includes_keep_order_and_line() -> None:
    parsed = templates.parse("mustache", "x\n{{> prompts/a@v1 }}\n\n{{>b@v2}}")
    assert parsed.includes == (Include("prompts/a@v1", 2), Include("b@v2", 4))


@pytest.mark.parametrize("tag", ["{{#a}}", "{{^a}}", "{{/a}}", "{{! note }}", "{{=<% %>=}}"])
def test_mustache_logic_is_refused_with_a_hint_to_jinja(tag: str) -> None:
    (problem,) = templates.parse("mustache", f"one\ntwo {tag}").problems
    assert problem.line == 2
    assert "jinja2" in problem.hint


@pytest.mark.parametrize("tag", ["{{", "{{a", "{{a}", "{{{a}}", "{{}}", "{{a.b}}", "{{a b}}", "{{1a}}", "{{é}}"])
def test_mustache_tags_that_are_no_variable_are_problems(tag: str) -> None:
    parsed = templates.parse("mustache", f"\n{tag}\n{{{{fine}}}}")
    assert parsed.problems
    assert {problem.line for problem in parsed.problems} == {2}
    assert parsed.variables == ("fine",)


def test_single_braces_are_text_in_mustache() -> None:
    source = '{"a": "{{a}}", "b": {"c": [1]}} {'
    assert templates.parse("mustache", source).problems == ()
    assert templates.render("mustache", source, {"a": "x"}) == '{"a": "x", "b": {"c": [1]}} {'


def test_f_string_takes_plain_names_and_doubled_braces() -> None:
    parsed = templates.parse("f-string", "{{literal}} {a}\n{b}{a}")
    assert (parsed.variables, parsed.problems) == (("a", "b"), ())
    assert templates.render("f-string", "{{x}} {a}", {"a": "{b}"}) == "{x} {b}"


@pytest.mark.parametrize("field", ["{}", "{0}", "{a.b}", "{a[0]}", "{a!r}", "{a:>10}", "{a:}", "{ a }", "{a:{b}}"])
def test_f_string_refuses_all_but_plain_names_and_says_where(field: str) -> None:
    parsed = templates.parse("f-string", f"{{{{\n{{a}}\n{field} {{after}}")
    assert {problem.line for problem in parsed.problems} == {3}
    assert "after" in parsed.variables


@pytest.mark.parametrize("source", ["a\n{{}}\n{", "a\n{{\n}", "a\n{b}\n{c"])
def test_f_string_braces_that_do_not_match_are_a_problem_with_their_line(source: str) -> None:
    (problem,) = templates.parse("f-string", source).problems
    assert problem.line == 3


def test_text_knows_only_includes() -> None:
    parsed = templates.parse("text", "{{a}} {{#x}}\n{{> prompts/a@v1}} {{")
    assert (parsed.variables, parsed.problems) == ((), ())
    assert parsed.includes == (Include("prompts/a@v1", 2),)
    assert templates.render("text", "{{a}} {b}", {"a": "x"}) == "{{a}} {b}"


def test_jinja_variables_are_those_that_the_template_does_not_set() -> None:
    source = "{% set x = a %}{% for i in items %}{{ i }}{{ loop.index }}{{ range(n) }}{% endfor %}{{ x|upper }}"
    parsed = templates.parse("jinja2", source)
    assert parsed.variables == ("a", "items", "n")
    assert parsed.problems == ()


def test_jinja_includes_are_literal_names_and_the_others_are_empty() -> None:
    source = "{% extends 'base' %}\n{% include 'a.j2' %}\n{% import 'm' as m %}\n{% from 'f' import g %}"
    source += "\n{% include x %}\n{% include ['p', 'q'] %}"
    assert templates.parse("jinja2", source).includes == (
        Include("base", 1), Include("a.j2", 2), Include("m", 3), Include("f", 4), Include("", 5), Include("p", 6),
        Include("q", 6),
    )  # fmt: skip


@pytest.mark.parametrize(
    "source", ["a\n{% if %}", "a\n{{ x|nosuch }}", "a\n{% nosuch %}", "a\n{% if x is nosuch %}{% endif %}"]
)
def test_jinja_syntax_errors_are_problems_with_their_line(source: str) -> None:
    (problem,) = templates.parse("jinja2", source).problems
    assert problem.line == 2


def test_jinja_nested_too_deep_is_a_problem_and_no_crash() -> None:
    assert templates.parse("jinja2", "{{" + "(" * 50_000 + "1" + ")" * 50_000 + "}}").problems


@pytest.mark.parametrize(
    "source",
    ["{{ 9**999999999 }}", "{{ 'x'|center(99999999999) }}", "{{ 'a' * 99999999999 }}",
     "{% autoescape 'x'|center(99999999999) %}{% endautoescape %}", "{% autoescape 9**999999999 %}{% endautoescape %}"],
)  # fmt: skip
def test_jinja_parsing_computes_no_constants(source: str) -> None:
    assert templates.parse("jinja2", source).problems == ()


def test_undeclared_follows_includes_and_survives_cycles() -> None:
    sources = {"a": ("mustache", "{{one}}{{> b}}"), "b": ("mustache", "{{two}}{{> a}}{{> gone}}")}
    assert templates.undeclared("mustache", "{{zero}}{{> a}}", sources.get) == ("one", "two", "zero")


def test_undeclared_skips_jinja_includes_that_resolve_to_nothing() -> None:
    assert templates.undeclared("jinja2", "{{ a }}{% include 'x' %}{% include y %}", lambda _: None) == ("a", "y")


def test_expand_replaces_every_include_once_and_reads_nothing_again() -> None:
    assert (
        templates.expand("{{> a }} {{>b}} {{c}}", lambda ref: f"[{ref} {{{{> a}}}}]") == "[a {{> a}}] [b {{> a}}] {{c}}"
    )


@given(st.lists(PLAIN, min_size=1, max_size=5), st.text(max_size=20))
def test_expand_leaves_everything_else_as_it_is(texts: list[str], inserted: str) -> None:
    assert templates.expand("{{> r}}".join(texts), lambda _: inserted) == inserted.join(texts)


@given(
    st.lists(st.tuples(PLAIN, IDENTIFIERS, st.sampled_from(["{{%s}}", "{{ %s }}", "{{{%s}}}", "{{&%s}}"]))), st.data()
)
def test_mustache_values_come_out_as_they_went_in(pieces: list[tuple[str, str, str]], data: st.DataObject) -> None:
    values = {name: data.draw(st.one_of(st.text(), st.just("{{a}}"), st.just("\\1{{> b}}"))) for _, name, _ in pieces}
    source = "".join(text + tag % name for text, name, tag in pieces)
    assert templates.parse("mustache", source).variables == tuple(sorted(values))
    assert templates.render("mustache", source, values) == "".join(text + values[name] for text, name, _ in pieces)


@given(st.lists(st.tuples(PLAIN, IDENTIFIERS)), st.data())
def test_f_string_renders_as_python_does(pieces: list[tuple[str, str]], data: st.DataObject) -> None:
    values = {name: data.draw(st.text()) for _, name in pieces}
    source = "".join(f"{text}{{{{{{{name}}}}}}}" for text, name in pieces)
    assert templates.render("f-string", source, values) == source.format(**values)


@given(st.sampled_from(["mustache", "f-string", "text", "jinja2"]), st.text("{}>#%ab \n!:'.[]&=-", max_size=40))
def test_any_text_can_be_parsed_and_what_parses_renders(style: str, source: str) -> None:
    parsed = templates.parse(style, source)
    if style != "jinja2" and not parsed.problems and not parsed.includes:
        rendered = templates.render(style, source, dict.fromkeys(parsed.variables, "v"))
        assert isinstance(rendered, str)


@pytest.mark.parametrize("style", ["mustache", "f-string"])
def test_render_names_the_missing_variable(style: str) -> None:
    source = {"mustache": "{{a}}{{b}}", "f-string": "{a}{b}"}[style]
    with pytest.raises(InvalidInput) as caught:
        templates.render(style, source, {"a": "x"})
    assert "b" in caught.value.message
    assert caught.value.details == {"missing": ["b"]}
    assert caught.value.hint


@pytest.mark.parametrize("value", [1, None, ["x"], {"a": 1}, b"x"])
def test_render_takes_texts_only(value: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        templates.render("mustache", "{{a}}", {"a": value})  # type: ignore[dict-item]
    assert "a" in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("source", ["{{#a}}{{/a}}", "{{a", "{{> prompts/x@v1}}"])
def test_render_refuses_templates_with_problems_or_open_includes(source: str) -> None:
    with pytest.raises(InvalidInput):
        templates.render("mustache", source, {"a": "x"})


def test_render_hands_jinja_to_the_sandbox() -> None:
    assert templates.render("jinja2", "{% if a %}{{ a }}{% endif %}", {"a": "x"}) == "x"


def test_surplus_names_the_values_that_nothing_takes() -> None:
    assert templates.surplus(templates.parse("mustache", "{{a}}{{b}}"), {"b": "", "d": "", "c": ""}) == ("c", "d")


def test_jinja_renders_with_partials_and_keeps_the_last_newline() -> None:
    source = "{% include 'p.j2' %}{% for i in items %}<{{ i }}>{% endfor %}\n"
    assert render_jinja(source, {"p.j2": "hi {{ name }}\n"}, {"name": "&Ada", "items": [1, 2]}) == "hi &Ada\n<1><2>\n"


def test_jinja_values_may_have_any_name_and_are_not_read_as_template() -> None:
    assert render_jinja("{{ self_ }}{{ source }}", {}, {"self_": "{{ 1 }}", "source": "s", "self": "x"}) == "{{ 1 }}s"


@pytest.mark.parametrize(
    "source",
    ["{{ missing }}", "{{ a.b.c }}", "{% include 'gone' %}", "{% include 'again' %}", "{{ 1 / 0 }}", "{{ 'a' + 1 }}",
     "{% if %}", "{{ ''.__class__.__mro__ }}", "{{ items.append(1) }}", "{{ 'a' * 99999999999 }}", "{{ 9**999999999 }}",
     "{{ [0] * 99999999999 }}", "{% for i in range(9999999) %}x{% endfor %}", "{{ '{0.__class__}'.format(a) }}",
     "{% for a in [1] %}" * 30 + "{% endfor %}" * 30, "{{ a[99] }}", "{{ a|nosuch }}"],
)  # fmt: skip
def test_jinja_failures_are_invalid_input_with_a_hint(source: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        render_jinja(source, {"again": "{% include 'again' %}"}, {"a": "x", "items": []})
    assert caught.value.hint


def test_jinja_output_is_limited() -> None:
    with pytest.raises(InvalidInput, match="longer"):
        render_jinja("{% for i in range(9000) %}{{ a }}{% endfor %}", {}, {"a": "x" * (OUTPUT_LIMIT // 8000)})
