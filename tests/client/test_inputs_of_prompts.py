"""A prompt's declared inputs are checked where it is filled in, and their absence costs nothing."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from pinset.client import prompts
from pinset.client.release import Release, Standing
from pinset.domain.rendering import ROLES
from pinset.errors import InvalidInput
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from pinset.services.local import LocalRegistry

DECLARED = """\
release:
  feature: support
  prompt:
    text: "Answer {{ticket}}."
    inputs:
      type: object
      properties: {ticket: {type: string, maxLength: 20}, unused: {type: integer}}
      required: [ticket]
"""
HISTORY = """\
release:
  feature: support
  prompt:
    messages: [{placeholder: history}, {role: user, text: "{{ticket}}"}]
"""


def release(registry: LocalRegistry, manifest: str) -> Release:
    registry.publish(Caller(actor="ada"), {"release.yaml": manifest}, alias="production")
    return Release(registry.sealed("support"), Standing("fresh"))


def test_a_value_that_the_author_did_not_declare_is_refused(memory: LocalRegistry) -> None:
    found = release(memory, DECLARED)
    assert found.render(ticket="It crashes") == "Answer It crashes."
    for fill in (found.render, found.prompt().messages):
        with pytest.raises(InvalidInput, match=r"ticket is .* at most 20 characters are wanted"):
            fill(ticket="x" * 21)
    with pytest.raises(InvalidInput, match='unused is "1", and integer is wanted'):
        found.render(ticket="x", unused="1")


def test_the_inputs_of_a_prompt_are_compiled_once(memory: LocalRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = []
    real = prompts.check_of
    monkeypatch.setattr(prompts, "check_of", lambda schema: compiled.append(schema) or real(schema))
    found = release(memory, DECLARED)
    for _ in range(3):
        found.render(ticket="x")
    assert len(compiled) == 1


def test_without_jsonschema_the_log_says_once_that_inputs_are_not_checked(
    memory: LocalRegistry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    monkeypatch.setattr(prompts, "_said", threading.Event())
    found, again = release(memory, DECLARED), release(memory, DECLARED)
    with caplog.at_level(logging.WARNING, "pinset.client"):
        assert found.render(ticket="x" * 30)
        assert again.render(ticket="x" * 30)
    assert [record.getMessage() for record in caplog.records] == [
        "a prompt's inputs are not checked: pip install 'pinset[checks]'"
    ]


def test_generated_inputs_load_no_validator(memory: LocalRegistry) -> None:
    release(memory, HISTORY)
    answer = json.dumps(memory.sealed("support"))
    program = (
        "import json, sys; from pinset.client.release import Release, Standing\n"
        "Release(json.load(sys.stdin), Standing('fresh')).prompt().messages(ticket='x')\n"
        "assert not {'jsonschema', 'referencing', 'opentelemetry'}.intersection(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], input=answer, text=True, check=True)


@pytest.mark.parametrize("role", ROLES)
def test_a_placeholder_takes_messages_of_every_role(memory: LocalRegistry, role: str) -> None:
    said = {"role": role, "content": "Hi."}
    filled = release(memory, HISTORY).prompt().messages(ticket="x", history=[said])
    assert filled == [said, {"role": "user", "content": "x"}]


def test_a_placeholder_takes_parts_and_calls_of_tools(memory: LocalRegistry) -> None:
    history = [
        {"role": "user", "content": [{"type": "text", "text": "Hi."}]},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
    ]
    assert release(memory, HISTORY).prompt().messages(ticket="x", history=history)[:2] == history


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"role": "robot", "content": "x"}, r"history\[1\] has the role 'robot'"),
        ({"content": "x"}, r"history\[1\] has no role"),
        ({"role": 5, "content": "x"}, r"history\[1\] has no role"),
        ({"role": "user"}, r"history\[1\] has no content"),
        ({"role": "assistant", "content": None}, r"history\[1\] has no content"),
    ],
)
def test_a_placeholder_refuses_what_no_model_takes(
    memory: LocalRegistry, message: dict[str, object], said: str
) -> None:
    history = [{"role": "user", "content": "x"}, message]
    with pytest.raises(InvalidInput, match=said):
        release(memory, HISTORY).prompt().messages(ticket="x", history=history)
