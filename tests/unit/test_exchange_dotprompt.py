"""Dotprompt: what a file means, and what no release can say."""

from __future__ import annotations

from typing import Any

import pytest

from pinset.domain.exchange import dotprompt, handlebars, handlebars_jinja, picoschema, to_handlebars
from pinset.domain.manifest import loading
from pinset.domain.text import templates
from pinset.errors import InvalidInput


def filled(source: str, values: dict[str, Any], **partials: str) -> str:
    """A template as it is filled in once it was taken."""
    made = handlebars_jinja.translate(handlebars.parse(source, partials.get))
    assert made.template is not None
    return (
        templates.render_jinja(made.template, {}, values)
        if made.style == "jinja2"
        else templates.render(made.style, made.template, values)
    )


def manifest(text: str, **beside: str) -> tuple[dict[str, Any], list[str]]:
    taken = dotprompt.take(text, beside=beside)
    return loading.load("release.yaml", taken.files["release.yaml"]).value["release"], [one.what for one in taken.lost]


@pytest.mark.parametrize(
    ("source", "values", "wanted"),
    [
        ("Hi {{name}} and {{{name}}}!", {"name": "<b>"}, "Hi <b> and <b>!"),
        ("A {{! a note }}B{{!-- }} --}}C", {}, "A BC"),
        ("{{#if x}}yes{{else}}no{{/if}}", {"x": ""}, "no"),
        ("{{#if x}}yes{{else}}no{{/if}}", {}, "no"),
        ("{{#if x.y}}yes{{/if}}.", {"x": {}}, "."),
        ("{{#unless x}}no{{/unless}}", {"x": 0}, "no"),
        ("{{#if a}}1{{else if b}}2{{else}}3{{/if}}", {"b": "x"}, "2"),
        ("{{#if a}}1{{else if b}}2{{else}}3{{/if}}", {}, "3"),
        ("{{#ifEquals a 'x'}}same{{else}}other{{/ifEquals}}", {"a": "x"}, "same"),
        ("{{#each xs}}{{@index}}{{this}}{{#unless @last}}, {{/unless}}{{/each}}", {"xs": ["a", "b"]}, "0a, 1b"),
        ("{{#each xs}}x{{else}}none{{/each}}", {}, "none"),
        ("{{#each xs}}{{name}}={{../sign}} {{/each}}", {"xs": [{"name": "n"}], "sign": "s"}, "n=s "),
        ("{{#each xs}}{{items}}{{/each}}", {"xs": [{"items": "own"}]}, "own"),
        ("{{#each xs}}{{this}}{{/each}}", {"xs": {"a": "1", "b": "2"}}, "12"),
        # What Jinja would take for something else: its own names, methods of values, names of its loops, true for 1.
        ("{{#if o.items}}yes{{else}}no{{/if}}", {"o": {}}, "no"),
        ("{{#if x.title}}yes{{else}}no{{/if}}", {"x": "text"}, "no"),
        ("{{#if xs.count}}yes{{else}}no{{/if}}", {"xs": ["a"]}, "no"),
        ("{{#each xs}}{{../item}}{{item}}{{/each}}", {"xs": [{"item": "in"}], "item": "out"}, "outin"),
        ("{{#each x}}{{this}}{{else}}none{{/each}}", {"x": "text"}, "none"),
        ("{{#each xs}}{{@first}} {{/each}}", {"xs": ["a", "b"]}, "true false "),
        ("{{#ifEquals x 1}}same{{else}}other{{/ifEquals}}", {"x": True}, "other"),
        ("{{#ifEquals x false}}same{{else}}other{{/ifEquals}}", {"x": 0}, "other"),
        ("{{#ifEquals x y}}same{{else}}other{{/ifEquals}}", {"x": 0, "y": False}, "other"),
        ("{{#unlessEquals x y}}other{{else}}same{{/unlessEquals}}", {"x": "a", "y": "a"}, "same"),
        ("a\n  {{#if x}}\nb\n  {{/if}}\nc", {"x": "1"}, "a\nb\nc"),
        ("a {{~x~}} b", {"x": "-"}, "a-b"),
        (r"\{{x}} {{x}}", {"x": "1"}, "{{x}} 1"),
        (r"\\{{x}}", {"x": "1"}, r"\1"),
        ("{% if %} {# no #} {{x}}", {"x": "1"}, "{% if %} {# no #} 1"),
        ("Top\n  {{> part}}\nEnd {{x}}", {"x": "1"}, "Top\n  one\n  two 1\nEnd 1"),
    ],
)
def test_a_template_says_what_handlebars_says(source: str, values: dict[str, Any], wanted: str) -> None:
    assert filled(source, values, part="one\ntwo {{x}}\n") == wanted


@pytest.mark.parametrize(
    "source",
    [
        "{{json x}}", "{{#custom x}}a{{/custom}}", "{{> gone}}", "{{> part a=b}}", "{{#if x}}open", "{{/if}}", "{{else}}",
        "{{#if x}}{{role \"user\"}}{{/if}}", "{{@state.x}}", "{{xs.length}}", "{{#each xs as |x|}}{{/each}}", "{{}}",
        "{{#if range}}a{{/if}}", "{{#if x}}{{None}}{{/if}}", "{{#each xs}}{{../loop}}{{/each}}",
        "{{role \"robot\"}}x", "{{{{raw}}}}x{{{{/raw}}}}", "{{#each xs}}{{@key}}{{/each}}", "{{this}}", "{{don't}}",
    ],
)  # fmt: skip
def test_what_no_template_here_can_say_is_refused_with_its_line(source: str) -> None:
    with pytest.raises(InvalidInput, match="line 2") as error:
        handlebars_jinja.translate(handlebars.parse("First.\n" + source, {"part": "x"}.get))
    assert error.value.hint


def test_a_key_that_is_missing_puts_in_no_method_of_its_name() -> None:
    assert filled("{{#if x}}{{o.items}}{{/if}}", {"x": "1", "o": {"items": "own"}}) == "own"
    with pytest.raises(InvalidInput, match="wants a value"):
        filled("{{#if x}}{{o.items}}{{/if}}", {"x": "1", "o": {}})


def test_a_partial_that_includes_itself_is_refused() -> None:
    with pytest.raises(InvalidInput, match="includes itself"):
        handlebars.parse("{{> part}}", {"part": "{{> part}}"}.get)
    widening = {f"p{at}": f"{{{{> p{at + 1}}}}}" * 40 + "x" * 9000 for at in range(20)} | {"p20": "end"}
    with pytest.raises(InvalidInput, match="more than a template may hold"):
        handlebars.parse("{{> p0}}", widening.get)


def test_messages_follow_roles_and_history() -> None:
    text = 'Before {{role "system"}}S\n{{media url=u}}{{role "tool"}}  {{history}}And so {{role "user"}}{{q}}'
    release, lost = manifest(text)
    roles = [item.get("role", item.get("placeholder")) for item in release["prompt"]["messages"]]
    assert roles == ["user", "system", "history", "assistant", "user"]
    assert lost == ["model", "template, line 2: {{media …}}"]


def test_front_matter_becomes_model_inputs_output_tools_and_metadata() -> None:
    release, lost = manifest(
        "# Licence\n\n---\nmodel: googleai/gemini-2.0-flash\nvariant: formal\nacme.key: 1\nconfig: {version: '001', topK: 4}\n"
        "input: {schema: {name: 'string, who', age?: integer}, default: {name: Ada}}\n"
        "output: {format: json, schema: {items(array): string}}\n"
        "tools: [clock, find]\ntoolDefs: [{name: find, inputSchema: {type: object}}]\nmetadata: {team: a}\n---\n{{name}}{{more}}"
    )
    assert release["model"] == {
        "provider": "googleai", "name": "gemini-2.0-flash", "pinned_version": "001", "params": {"topK": 4},
    }  # fmt: skip
    assert release["prompt"]["inputs"]["properties"] == {
        "name": {"type": "string", "description": "who", "default": "Ada"},
        "age": {"type": ["integer", "null"]},
        "more": {},
    }
    assert release["prompt"]["output"]["properties"] == {"items": {"type": "array", "items": {"type": "string"}}}
    assert release["prompt"]["tools"] == ["clock", "find"]
    assert release["metadata"]["dotprompt"] == {"variant": "formal", "acme.key": 1, "output": {"format": "json"}}
    assert lost == ["input.default", "input.schema", "tools.clock"]


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("number,the text, all", {"type": "number", "description": "the text, all"}),
        ("any", {}),
        ({"type": "string", "x": 1}, {"type": "string", "x": 1}),
        ({"properties": {}}, {"type": "object", "properties": {}}),
        (
            {"kind?(enum, which)": ["A"], "(*)": "any"},
            {"type": "object", "properties": {"kind": {"enum": ["A", None], "description": "which"}}, "additionalProperties": {}},
        ),
        (
            {"in(object, more)": {"a?": "string"}},
            {
                "type": "object", "additionalProperties": False, "required": ["in"],
                "properties": {
                    "in": {
                        "type": "object", "properties": {"a": {"type": ["string", "null"]}}, "additionalProperties": False,
                        "description": "more",
                    }
                },
            },
        ),
    ],
)  # fmt: skip
def test_picoschema_is_read_as_json_schema(said: Any, wanted: Any) -> None:
    assert picoschema.read(said) == wanted


@pytest.mark.parametrize("said", [{"a": 1}, {"a(set)": "string"}, {"a(enum)": "x"}, {"a": {"b": [1]}}])
def test_what_is_no_picoschema_is_refused(said: Any) -> None:
    with pytest.raises(InvalidInput):
        picoschema.read(said)


@pytest.mark.parametrize(
    ("front", "said"),
    [("a: &x 1\nb: *x", "line 2: anchors"), ("- a", "no mapping"), ("model: [a]", "no text"), ("a: 1\na: 2", "twice")],
)
def test_front_matter_that_cannot_be_read_says_where(front: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        dotprompt.take(f"---\n{front}\n---\nx", what="a.prompt")


@pytest.mark.parametrize(
    ("style", "text", "wanted"),
    [
        ("mustache", "{{x}} {{ role }}", "{{x}} {{this.role}}"),
        ("f-string", "{x} {{y}}", "{{x}} {y}"),
        ("text", "{{x}}", r"\{{x}}"),
        ("jinja2", "{{ x }}", "{{x}}"),
        ("jinja2", "{% if x %}{% endif %}", None),
        ("jinja2", "{{ x | upper }}", None),
        ("text", "{{{x", None),
        ("mustache", "\\{{x}}", r"\\{{x}}"),
    ],
)
def test_templates_are_told_where_handlebars_can_say_them(style: str, text: str, wanted: str | None) -> None:
    assert to_handlebars.told(style, text) == wanted
