"""A prompt of the document with its variables filled in: what an application sends to a model."""

from __future__ import annotations

from typing import Any

import pytest

from pinset.domain.rendering import messages_of
from pinset.errors import InvalidInput


def user(content: str) -> dict[str, str]:
    return {"role": "user", "content": content}


def test_a_prompt_of_one_template_is_one_message_of_the_user() -> None:
    prompt = {"format": "mustache", "template": "Summarize {{ticket}} for {{who}}."}
    assert messages_of(prompt, {"ticket": "T-1", "who": "Ann"}) == ([user("Summarize T-1 for Ann.")], ())


def test_the_values_that_nothing_takes_are_named_in_order() -> None:
    prompt = {"format": "mustache", "template": "Hello {{who}}."}
    assert messages_of(prompt, {"z": "1", "who": "Ann", "a": "2"}) == ([user("Hello Ann.")], ("a", "z"))


@pytest.mark.parametrize("style", ["mustache", "jinja2", "f-string"])
def test_a_missing_value_is_refused_and_named(style: str) -> None:
    template = {"mustache": "Hello {{who}}.", "jinja2": "Hello {{ who }}.", "f-string": "Hello {who}."}[style]
    with pytest.raises(InvalidInput, match="who"):
        messages_of({"format": style, "template": template}, {"other": "x"})


def test_messages_come_in_order_with_placed_ones_and_examples_between() -> None:
    prompt = {
        "format": "mustache",
        "messages": [
            {"role": "system", "template": "You help {{team}}."},
            {
                "examples": [
                    {"input": "1", "output": "2"},
                    {"messages": [user("3"), {"role": "assistant", "content": "4"}]},
                ]
            },
            {"examples": [user("5")]},
            {"placeholder": "history"},
            {"role": "user", "template": "{{question}}"},
        ],
    }
    history = [user("before"), {"role": "assistant", "content": "yes"}]
    filled, left = messages_of(prompt, {"team": "sales", "history": history, "question": "Why?", "more": 1})
    assert filled == [
        {"role": "system", "content": "You help sales."},
        user("1"),
        {"role": "assistant", "content": "2"},
        user("3"),
        {"role": "assistant", "content": "4"},
        user("5"),
        *history,
        user("Why?"),
    ]
    assert left == ("more",)


def test_a_place_for_messages_may_stay_empty() -> None:
    prompt = {"format": "mustache", "messages": [{"placeholder": "history"}, {"role": "user", "template": "Hi"}]}
    assert messages_of(prompt, {}) == ([user("Hi")], ())
    assert messages_of(prompt, {"history": []}) == ([user("Hi")], ())


@pytest.mark.parametrize("given", ["text", {"role": "user"}, ["text"], [user("x"), "text"], None, 7])
def test_a_place_for_messages_takes_nothing_else(given: Any) -> None:
    prompt = {"format": "mustache", "messages": [{"placeholder": "history"}]}
    with pytest.raises(InvalidInput, match="history") as caught:
        messages_of(prompt, {"history": given})
    assert caught.value.hint


def test_placed_messages_are_the_callers_own_and_stay_as_they_are() -> None:
    history = [user("{{not_filled}}")]
    filled, _ = messages_of({"format": "mustache", "messages": [{"placeholder": "h"}]}, {"h": history})
    assert filled == history
    filled.append(user("more"))
    assert history == [user("{{not_filled}}")]


def test_a_jinja_prompt_takes_the_variables_of_what_it_includes() -> None:
    prompt = {
        "format": "jinja2",
        "template": "{% include 'tone' %} {{ question }}",
        "partials": {"tone": "Be {{ mood }}."},
    }
    assert messages_of(prompt, {"question": "Why?", "mood": "kind", "x": 1}) == ([user("Be kind. Why?")], ("x",))


def test_an_example_with_only_one_half_is_a_message_as_it_is() -> None:
    prompt = {"format": "mustache", "messages": [{"examples": [{"input": "1"}, {"output": "2"}]}]}
    assert messages_of(prompt, {}) == ([{"input": "1"}, {"output": "2"}], ())


def test_an_f_string_is_filled_and_a_plain_text_stays() -> None:
    assert messages_of({"format": "f-string", "template": "Hi {who}"}, {"who": "Ann"})[0] == [user("Hi Ann")]
    assert messages_of({"format": "text", "template": "Hi {who}"}, {})[0] == [user("Hi {who}")]
