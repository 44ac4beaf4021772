"""Phoenix's and Opik's shapes of a release: told and read again, and read from what others have written there."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pinset.domain.exchange import opik, opik_taking, own, phoenix, phoenix_taking
from pinset.domain.rendering import example_messages

sys.path.insert(0, str(Path(__file__).parents[1] / "compat"))
from speaking import ANA, rich

if TYPE_CHECKING:
    from pinset.services.local import LocalRegistry

CALLS: Any = {
    "messages": [
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "lookup_ticket", "arguments": '{"id": "{{7}}"}'}}
        ]},
        {"role": "tool", "tool_call_id": "c1", "content": "It says {{hello}} {x}\n"},
    ]
}  # fmt: skip
HARD: Any = {
    "bundle": "hard",
    "models": {
        "default": {"provider": "anthropic", "name": "c", "pinned_version": "1", "params": {
            "stop": "END", "max_tokens": 7, "top_k": 3, "tool_choice": {"type": "any"}, "metadata": {"user": "x"}}},
    },
    "prompts": {
        "default": {
            "messages": [
                {"role": "system", "name": "rules", "text": 'As JSON: {{"a": "{b}"}} \\{c} {{{{x}}}}\r\n'},
                {"placeholder": "history"},
                {"examples": [CALLS, {"input": "{{b}}", "output": "{}"}]},
                {"role": "user", "text": "{b}"},
            ],
            "format": "f-string",
            "inputs": {"type": "object", "properties": {"b": {}, "c": {}, "history": {}}},
        },
        "logic": {"text": "{% for x in y %}{{ x }}{% endfor %}\n", "format": "jinja2", "tools": ["b"]},
        "plain": {"text": "{{ a }} {{b}}\n"},
        "none": {"text": "{{ not a variable }}", "format": "text"},
    },
    "tools": [{"name": "a", "parameters": {"type": "object"}, "output": {"type": "object"}}, {"name": "b", "strict": True}],
    "configs": {"x": {"a": "text"}, "y": [1]},
    "metadata": {"tags": ["t"], "deep": {"a": [None, 1.5]}},
}  # fmt: skip


def content(registry: LocalRegistry, files: Any, bundle: str) -> Any:
    """The content of a release of these files."""
    found = registry.publish(ANA, own.of_bundle(files, bundle))
    return plain(registry.release(f"{bundle}@v{found['version']}")["content"])


def plain(found: Any) -> Any:
    """Content whose examples are the messages that they stand for."""
    for prompt in found["prompts"].values():
        for item in prompt.get("messages", []):
            if "examples" in item:
                item["examples"] = [one for example in item["examples"] for one in example_messages(example)]
    return found


@pytest.mark.parametrize("files", [rich(), {"release.json": json.dumps({"release": HARD})}], ids=["rich", "hard"])
def test_all_of_a_release_comes_again(memory: LocalRegistry, files: Any) -> None:
    before = content(memory, files, "first")
    document = memory.release("first@v1")
    for name in before["prompts"]:
        for told, taken in (
            (phoenix.tell(document, "x", name), phoenix_taking.take),
            (opik.tell(document, "x", (), name), opik_taking.take),
        ):
            found = taken(json.loads(json.dumps(told)))
            assert found.lost == (), (name, taken)
            again = content(memory, found.files, "again")
            for kind in before:
                assert again[kind] == before[kind], (name, taken)
