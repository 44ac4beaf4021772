"""Opik's own package reads from Pinset."""

from __future__ import annotations

from typing import TYPE_CHECKING

import filling
import pages
import pytest
from matrix import Dialect, Matrix
from sessions import ClientError

if TYPE_CHECKING:
    from matrix import Opener, Reader

    from conftest import Served

OPENING = """
import opik
from opik.api_objects.prompt.types import PromptType

client = opik.Opik(host=address, api_key=key, workspace="default", _use_batching=False)
"""
READING = """
import json

def read(name, alias, version):
    which = {"environment": alias} if alias else {"version": f"v{version}"} if version else {}
    try:
        got = client.get_prompt(name=name, **which)
    except opik.exceptions.PromptTemplateStructureMismatch:
        got = client.get_chat_prompt(name=name, **which)
    if got is None:
        return None
    told = {"version": int(got.version.removeprefix("v")), "payload": {"metadata": got.metadata}}
    if hasattr(got, "prompt"):
        return told | {"text": got.prompt}
    slots = {"{{%s}}" % one: one for one in got.metadata.get("placeholders", [])}
    messages = [{"placeholder": slots[m["content"]]} if m["content"] in slots else m for m in got.template]
    return told | {"messages": messages}

read(name, alias, version)
"""


class TestOpik(Matrix):
    dialects = (
        Dialect(
            client="opik-2.2",
            protocol="opik",
            opening=OPENING,
            reading=READING,
            missing=None,
            denied="40[13]",
            keeps=True,
            fresh=1.0,
            env={
                "OPIK_PROMPT_CACHE_TTL_SECONDS": "1",
                "OPIK_TRACK_DISABLE": "true",
                "OPIK_CHECK_TLS_CERTIFICATE": "false",
            },
        ),
    )


FILTER = 'name contains "greet"'
FORMATTING = """
one = client.get_prompt(name=f"{name}.one", environment="production").format(**values)
chat = client.get_chat_prompt(name=name, environment="production").format(values)
{"one": one, "chat": chat}
"""


@pytest.fixture
def opik(opened: Opener) -> Reader:
    """The package, opened."""
    return opened(TestOpik.dialects[0])


def test_what_format_makes_is_what_this_registry_makes(opik: Reader, served: Served) -> None:
    for number, (style, texts) in enumerate(filling.TEXTS.items()):
        for at, text in enumerate(texts):
            name = f"opik-{number}-{at}"
            filling.publish(served, filling.release(name, style, text))
            got = opik.session.run(FORMATTING, name=name, values=filling.used(served, f"{name}@v1"))
            assert got["chat"] == filling.filled(served, f"{name}@v1"), (style, text)
            assert [{"role": "user", "content": got["one"]}] == filling.filled(served, f"{name}@v1", "one"), (
                style,
                text,
            )


def test_what_there_is(opik: Reader) -> None:
    found = opik.session.run("[[one.version, one.prompt] for one in client.get_prompt_history('greeting')]")
    assert [version for version, _ in found] == ["v3", "v2", "v1"]
    assert opik.session.run("[one.version for one in client.get_prompt_history('greeting', search='FORM 2')]") == ["v2"]
    assert opik.session.run("len(client.get_chat_prompt_history('talk'))") == 2
    names = opik.session.run("[[one.name, type(one).__name__] for one in client.search_prompts()]")
    assert {("greeting", "Prompt"), ("talk", "ChatPrompt")} <= {tuple(one) for one in names}
    found = opik.session.run(f"[one.name for one in client.search_prompts({FILTER!r})]")
    assert found == ["greeting"]
    assert (
        opik.session.run("client.get_prompt('greeting', commit=client.get_prompt('greeting').commit).version") == "v2"
    )


@pytest.mark.parametrize(
    "write",
    [
        "client.create_prompt('greeting', 'else')",
        "client.create_prompt('new', 'else')",
        "client.set_prompt_environments('greeting', ['x'])",
    ],
)
def test_writes_are_refused_openly(opik: Reader, write: str) -> None:
    with pytest.raises(ClientError) as caught:
        opik.session.run(write)
    assert "not written through Opik" in caught.value.says


def test_the_page_is_what_happens(opik: Reader, served: Served) -> None:
    (shown,) = pages.blocks("opik", "python", served.address)
    code = (
        shown.replace("pst_…", served.key)
        + "\n[text, model, temperature, staged.version, first.version, newest.version]"
    )
    found = opik.session.run(code)
    assert found == ["Summarise, form 2: The lid is loose.", "gpt-4o", 0.25, "v3", "v1", "v3"]
    assert opik.session.run("messages[-1]") == {"role": "user", "content": "Why?"}
