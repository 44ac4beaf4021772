"""MLflow's own package loads, registers, aliases and searches prompts of a registry, with MLFLOW_REGISTRY_URI alone."""

from __future__ import annotations

from typing import Any

from matrix import Dialect, Matrix

OPENING = """\
import json, os
os.environ["MLFLOW_REGISTRY_URI"], os.environ["MLFLOW_TRACKING_TOKEN"] = address, key
if NOWHERE:
    os.environ["MLFLOW_TRACKING_URI"] = address
import mlflow
prompts = mlflow if mlflow.__version__.startswith("2.") else mlflow.genai
def told(got):
    template, tags = got.template, got._tags
    if isinstance(template, str) and tags.get("_mlflow_prompt_type") == "chat":
        template = json.loads(template)
    named = {"text": template}
    if not isinstance(template, str):
        placeholders = json.loads(tags["pinset.prompt"]).get("placeholders", [])
        named = {"messages": [
            {"placeholder": one["content"][2:-2]} if at in placeholders else one for at, one in enumerate(template)
        ]}
    return {"version": int(got.version), "payload": {"tags": tags, "aliases": list(got.aliases or [])}, **named}
"""
READING = """\
told(prompts.load_prompt(f"prompts:/{name}/{version}" if version else f"prompts:/{name}@{alias or 'production'}"))
"""
SHORT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_ALIAS_PROMPT_CACHE_TTL_SECONDS": "1",
    "MLFLOW_VERSION_PROMPT_CACHE_TTL_SECONDS": "1",
}
"""Their retries take minutes, and their cache a minute."""


def dialect(version: str, *, nowhere: bool = False, **more: Any) -> Dialect:
    """nowhere: without a tracking server it wants a database, which the small package has not."""
    return Dialect(
        client=f"mlflow-{version}",
        protocol="mlflow",
        opening=f"NOWHERE = {nowhere}\n{OPENING}",
        reading=READING,
        missing="RESOURCE_DOES_NOT_EXIST|not found|does not exist|there is no|Not a proper|Invalid",
        denied="UNAUTHENTICATED|PERMISSION_DENIED|does not exist",
        keeps=False,
        folders=False,  # a name of a prompt has no slash
        env=SHORT,
        **more,
    )


class TestMlflow(Matrix):
    """Three versions: before chats, before caches, and the newest."""

    dialects = (dialect("2.22"), dialect("3.1"), dialect("3.17", fresh=1, nowhere=True))
