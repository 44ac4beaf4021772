"""Opik's own package reads from Pinset."""

from __future__ import annotations

from matrix import Dialect, Matrix

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
