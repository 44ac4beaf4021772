"""What a format can hold comes back as it was: released content told, and taken again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pinset.domain.assembly import apart, assemble_release
from pinset.domain.exchange import dotprompt, openai, prompty
from pinset.domain.exchange.drafting import DEFAULT, Drafted, Prompt
from pinset.domain.exchange.yaml_text import written
from pinset.domain.text import strict_yaml

if TYPE_CHECKING:
    from types import ModuleType

    from pinset.domain.exchange.incoming import Taken

WORDS = st.text(alphabet="aé{}%#\\\n :\"'<~-!|&", max_size=20)
NAMES = st.sampled_from(["name", "history", "x_1", "this"])
TAGS = NAMES.map(lambda name: "{{" + name + "}}")
MUSTACHE = st.lists(st.one_of(WORDS, TAGS), max_size=5).map("".join)
ANY = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-99, 99), st.floats(-9, 9), ANY),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(ANY, inner, max_size=3)),
    max_leaves=8,
)
PARAMS = st.dictionaries(st.sampled_from(["temperature", "topK", "stop", "seed"]), st.integers(0, 9), max_size=2)
TOOL = {
    "name": "look",
    "description": "Looks.",
    "parameters": {"type": "object", "properties": {"n": {"type": "integer"}}},
}
SCHEMA = {"type": "object", "properties": {"answer": {"type": "string"}}}


def content_of(taken: Taken) -> dict[str, Any] | None:
    files = dict(taken.files)
    files["release.yaml"] = files["release.yaml"].replace("release:\n", "release:\n  bundle: support\n", 1)
    return assemble_release(files, apart(lambda _: None)).content


def released(style: str, said: Any, *, params: dict[str, Any], pin: str | None, more: bool) -> dict[str, Any] | None:
    """A release document of one prompt; None where it could not be published."""
    drafted = Drafted()
    prompt = Prompt(style=style, template=said) if isinstance(said, str) else Prompt(style=style, messages=said)
    prompt.output = SCHEMA if more else None
    drafted.models[DEFAULT] = {"provider": "openai", "name": "gpt-x", "params": params} | (
        {"pinned_version": pin} if pin else {}
    )
    drafted.tools = [TOOL] if more else []
    drafted.metadata = {"team": "a"} if more else {}
    drafted.prompts[DEFAULT] = prompt
    content = content_of(drafted.taken())
    return content and {"content": content, "bundle": "support", "ref": "support@v1"}


def messages(texts: list[str], *, history: str | None) -> list[dict[str, Any]]:
    roles = ("system", "user", "assistant")
    found: list[dict[str, Any]] = [{"role": roles[at % 3], "text": text} for at, text in enumerate(texts)]
    return [*found[:1], {"placeholder": history}, *found[1:]] if history else found


def check(form: ModuleType, document: dict[str, Any]) -> bool:
    """Whether it could be told; what was told without a loss comes back."""
    try:
        told = form.tell(document)
    except form.InvalidInput:
        return False
    real = [lost for lost in told.lost if "HTML" not in lost.why]
    if not real:
        back = content_of(form.take(told.files["support" + form.ENDING]))
        assert back == document["content"], told.files
    return not real


BODIES = st.one_of(MUSTACHE, st.lists(MUSTACHE, min_size=1, max_size=3))


@settings(max_examples=60, deadline=None)
@given(BODIES, PARAMS, st.sampled_from([None, "2025-01-01"]), st.booleans(), st.booleans())
def test_what_dotprompt_holds_comes_back(said: Any, params: Any, pin: str | None, more: bool, history: bool) -> None:
    body = said if isinstance(said, str) else messages(said, history="history" if history else None)
    document = released("mustache", body, params=params, pin=pin, more=more)
    if document is not None:
        check(dotprompt, document)


@settings(max_examples=60, deadline=None)
@given(BODIES, PARAMS, st.sampled_from([None, "2025-01-01"]), st.booleans(), st.sampled_from(["jinja2", "mustache"]))
def test_what_prompty_holds_comes_back(said: Any, params: Any, pin: str | None, more: bool, style: str) -> None:
    body = said if isinstance(said, str) else messages(said, history="thread" if more else None)
    document = released(style, body, params=params, pin=pin, more=more)
    if document is not None:
        check(prompty, document)


@settings(max_examples=60, deadline=None)
@given(st.lists(MUSTACHE, min_size=1, max_size=3), PARAMS, st.booleans())
def test_what_a_request_holds_comes_back(texts: list[str], params: Any, more: bool) -> None:
    document = released("mustache", messages(texts, history=None), params=params, pin=None, more=more)
    if document is not None:
        document["content"]["models"]["default"]["provider"] = None
        document["content"]["metadata"] = {}
        check(openai, document)


@pytest.mark.parametrize("form", [dotprompt, prompty])
def test_an_ordinary_release_is_held_whole(form: ModuleType) -> None:
    said = messages(["You help {{name}}.\n", "Q: {{q}}", "A"], history="thread" if form is prompty else "history")
    document = released(
        "jinja2" if form is prompty else "mustache", said, params={"temperature": 0.2}, pin="1", more=True
    )
    assert document is not None
    assert check(form, document)


@settings(max_examples=60, deadline=None)
@given(JSON)
def test_what_is_written_as_yaml_is_read_as_it_was(value: Any) -> None:
    document = {"a": value}
    assert strict_yaml.load_yaml(written(document)).value == json.loads(json.dumps(document))
