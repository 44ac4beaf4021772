"""The releases that every protocol is proven with. Each value in ``rich`` is nowhere else, so that it can be found again."""

from __future__ import annotations

import json
from typing import Any, Final

SPECIAL: Final = """\
<b>&"bold"</b> 'quoted' & {{customer}} says: «naïve 😀 日本語»
{"json": {"nested": [1, 2]}, "empty": {}} and {single} and \\n and 100 %
Line three\twith a tab; ends in spaces  """
"""Text that breaks what escapes, formats or trims it. It has one variable."""


def _release(bundle: str, **parts: Any) -> dict[str, str]:
    return {"release.json": json.dumps({"release": {"bundle": bundle, **parts}})}


def text(bundle: str, words: str) -> dict[str, str]:
    """A prompt of one text, with a model."""
    model = {"provider": "openai", "name": "gpt-4o", "pinned_version": "2024-08-06", "temperature": 0.25}
    return _release(bundle, model=model, prompt={"text": f"{words}: {{{{ticket}}}}"})


def chat(bundle: str, words: str = "You are brief") -> dict[str, str]:
    """A chat with examples and a place for messages."""
    messages = [
        {"role": "system", "text": f"{words}, {{{{tone}}}}."},
        {"examples": [{"input": "Hello?", "output": "Hello."}]},
        {"placeholder": "history"},
        {"role": "user", "text": "{{question}}"},
    ]
    model = {"provider": "anthropic", "name": "claude-sonnet", "pinned_version": "2025-02-01", "max_tokens": 600}
    return _release(bundle, model=model, prompt={"messages": messages})


def special(bundle: str) -> dict[str, str]:
    """`SPECIAL` as a text."""
    return _release(bundle, prompt={"text": SPECIAL})


def special_chat(bundle: str) -> dict[str, str]:
    """`SPECIAL` as both messages of a chat."""
    return _release(bundle, prompt={"messages": [{"role": one, "text": SPECIAL} for one in ("system", "user")]})


def rich(bundle: str) -> dict[str, str]:
    """A release with every kind of part."""
    parameters = {"type": "object", "properties": {"ticket_number": {"type": "integer", "minimum": 1013}}}
    output = {
        "type": "object",
        "properties": {"verdict": {"type": "string", "description": "verdict-words"}},
        "required": ["verdict"],
        "additionalProperties": False,
    }
    model = {
        "provider": "openai",
        "name": "gpt-4o-mini",
        "pinned_version": "2024-07-18",
        "temperature": 0.37,
        "max_tokens": 811,
        "top_p": 0.93,
        "seed": 4242,
        "stop": ["END-OF-ANSWER"],
    }
    return _release(
        bundle,
        version="2025-03-14-rich",
        model=model,
        prompt={
            "messages": [
                {"role": "system", "text": "Use only these passages: {{context}}"},
                {"role": "user", "text": "{{question}}"},
            ],
            "output": output,
            "tools": ["lookup_ticket"],
            "guardrails": ["length"],
            "model": "default",
        },
        retrieval={
            "index": {
                "uri": "s3://example-indexes/kb-7781",
                "digest": "sha256:6f1c1f0e4d1b7a0d",
                "embedding_model": "embed-v3",
                "dimensions": 1024,
            },
            "embedding_model": "embed-v3",
            "top_k": 17,
        },
        tools=[{"name": "lookup_ticket", "description": "Finds a ticket by its number.", "parameters": parameters}],
        guardrails={"length": {"kind": "max-length", "guards": "output", "config": {"characters": 877}}},
        configs={"graph": {"steps": 1213, "entry": "triage-node"}},
        metadata={"ticket": "ML-812", "owner": "answers-team"},
    )


PUBLISHED: Final[dict[str, tuple[dict[str, str], ...]]] = {
    "greeting": tuple(text("greeting", f"Summarise, form {number}") for number in (1, 2, 3)),
    "talk": (chat("talk"), chat("talk", "You are very brief")),
    "special": (special("special"),),
    "special-chat": (special_chat("special-chat"),),
    "team.support.reply": (text("team.support.reply", "Reply"),),
    "with-dash_and.dot": (text("with-dash_and.dot", "Dotted"),),
    "rich": (rich("rich"),),
}
"""What is published before the first test, by bundle: its releases, v1 first."""
ALIASES: Final = {"greeting": {"production": "v2", "staging": "v3"}, "talk": {"production": "v1", "staging": "v2"}}
"""What aliases serve, where that is not ``production`` alone at the newest."""
