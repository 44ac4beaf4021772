"""Makes ``tests/data/registry-format-1``: a small registry with one of everything, as format 1 is written.

    python tests/data/make_registry_format_1.py DIRECTORY

It is kept so that every later version can be tested on it, so it is never made again with a later format. The same
program makes the same commits: the clock, the registry's id and the operations are given. `registry.bundle` is the
repository, `state.sql` the state of revision 0001 as SQL, `answers.json` what the registry answered on the day it was made.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pinset.bootstrap import opening
from pinset.domain.access import parse_grants
from pinset.errors import Refused
from pinset.ports.registry import Caller
from pinset.ports.state import TokenRow
from pinset.services import maintenance, session
from pinset.services.local import LocalRegistry

if TYPE_CHECKING:
    from pinset.services.session import Context

REGISTRY = "3f0a6c52-8d0e-4c7b-9a55-1f1d5b6f0001"
START = 1_741_944_600_123_456  # 2025-03-14T09:30:00.123456Z
LABEL = "2025-03-14-rc2"

SUMMARIZER = """\
# Byte for byte: comments, quotes and the order of keys stay.
release:
  feature: support-summarizer
  version: {label}
  model: {{provider: vendor-x, name: foundation-large, pinned_version: "2025-02-01", temperature: {temperature}, stop: ["\\n\\n"]}}
  prompt:
    messages:
      - {{role: system, template: prompts/system.mustache}}
      - {{placeholder: history}}
      - {{examples: few-shot.jsonl}}
      - {{role: user, text: "Zusammenfassen, bitte: {{{{ticket}}}} · {{{{context}}}} 🙂"}}
    inputs: {{type: object, properties: {{ticket: {{type: string}}, context: {{type: string}}}}, required: [ticket, context]}}
    output: {{type: object, properties: {{summary: {{type: string}}}}}}
    guardrails: guardrails/pii-redact@v1
  retrieval: {{index: kb-embeddings@2025-03-10, embedding_model: embed-v3, top_k: 6, variable: context}}
  tools: [tools/lookup_ticket.json, tools/search@v1]
  configs: {{agent: configs/graph.json}}
  metadata: {{ticket: ML-812}}
  x-anything: [kept, 1, null, true]
"""
FILES = {
    "prompts/system.mustache": "You help.\n{{> prompts/house-tone@v2}}\n",
    "few-shot.jsonl": '{"role": "user", "content": "Hi"}\n{"role": "assistant", "content": "Hello"}\n',
    "tools/lookup_ticket.json": '{"name": "lookup_ticket", "description": "Finds a ticket.",\n "parameters": '
    '{"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}}\n',
    "configs/graph.json": '{"nodes": ["a", "b"], "weight": 0.30, "big": 9007199254740991}\n',
}
AGENT = """\
release:
  bundle: payments.agent
  models:
    default: {provider: vendor-x, id: large-2025-02-01, pinned_version: "2025-02-01"}
    small: models/house-small@v1
  prompts:
    planner: {template: planner.j2, model: small, inputs: {type: object, properties: {goal: {type: string}}}}
    critic: {text: "Judge {draft} in one word.", format: f-string}
    note: {text: "No {{variables}} here {either}.", format: text}
"""


def summarizer(label: str = LABEL, temperature: float = 0.2) -> dict[str, str]:
    """The files of a release of the larger bundle."""
    return {"release.yaml": SUMMARIZER.format(label=label, temperature=temperature), **FILES}


class Clock:
    """A clock that goes on by some second and a bit whenever it is asked."""

    def __init__(self) -> None:
        self._times = count(START, 1_000_003)

    def now(self) -> int:
        """The next time."""
        return next(self._times)


def write(registry: LocalRegistry, context: Context) -> None:
    """One of everything that a registry of format 1 can hold."""
    keys = count(1)

    def who(actor: str = "ana") -> Caller:
        return Caller(actor=actor, key=f"key-{next(keys)}")

    component = registry.publish_component
    component(who(), "prompts", "house-tone", {"tone.md": "Be kind.\n"}, message="first")
    component(who(), "prompts", "house-tone", {"tone.md": "Be kind, and brief.\n"}, label="2025-03-01")
    component(
        who(),
        "guardrails",
        "pii-redact",
        {"pii-redact.yaml": "kind: pii-redaction\nconfig: {entities: [email, phone]}\n"},
    )
    index = (
        'uri: "s3://kb/2025-03-10"\ndigest: "sha256:'
        + "ab" * 32
        + '"\nembedding_model: embed-v3\ndimensions: 1024\ndistance: cosine\n'
    )
    component(who(), "indexes", "kb-embeddings", {"kb-embeddings.yaml": index}, label="2025-03-10")
    component(
        who(),
        "tools",
        "search",
        {"search.json": '{"name": "search", "description": "Finds.", "parameters": {"type": "object"}}'},
    )
    component(
        who(), "models", "house-small", {"house-small.yaml": 'provider: vendor-y\nname: small\npinned_version: "1"\n'}
    )
    words = "two\n\n    lines, indented\nFormat: 9\n---\n"
    registry.publish(who(), summarizer(), message=words, alias="production", source="git:org/repo@abc")
    registry.publish(who("bob"), summarizer("2025-03-15", 0.3), alias="staging")
    registry.publish(who(), summarizer("2025-03-16", 0.4), number=10)
    registry.promote(who("bob"), "support-summarizer@v2", "production", reason="reviewed by ben")
    registry.promote(who(), "support-summarizer@v10", "production")
    registry.rollback(who("émile 🙂"), "support-summarizer", "production", serving="v10", reason="too slow")
    registry.promote(who(), "support-summarizer@v10", "production", again=True, reason="fixed")
    registry.rollback(who(), "support-summarizer", "production", serving="v10")
    registry.yank(who(), "support-summarizer@v10", reason="leaks names")
    registry.publish(
        who("ci"), {"release.yaml": AGENT, "planner.j2": "{% if goal %}Plan {{ goal }}.{% endif %}\n"}, alias="canary"
    )
    registry.retire(who(), "payments.agent", "canary", reason="over")
    registry.promote(who(), "payments.agent@v1", "canary")
    registry.yank(who(), "payments.agent@v1", reason="mistaken")
    registry.unyank(who(), "payments.agent@v1", reason="sound after all")
    unpinned = {"release.yaml": "release: {feature: loose, model: {name: some-model}, prompt: {text: Hi}}\n"}
    registry.publish(who(), unpinned, allow=["model-unpinned"], message="an experiment")
    maintenance.move_house(context, "restored from a backup (monday)")
    registry.promote(who(), "loose@v1", "production")
    write_state(registry, context)


def write_state(registry: LocalRegistry, context: Context) -> None:
    """Tokens that are valid, expired and revoked, a kept answer, a refused attempt."""
    for number, (name, can) in enumerate((("ci", "write"), ("app", "read"), ("old", "admin")), start=1):
        row = TokenRow(
            id=f"{number:012d}",
            name=name,
            grants=parse_grants(can),
            secret_sha256=bytes([number]) * 32,
            created_at=START + number,
            expires_at=None if number == 1 else START + number * 10**12,
        )
        context.state.add_token(row)
    registry.revoke_token(Caller(actor="ana"), "old")
    registry.keep_answer(
        Caller(actor="ci"), "retry", request="0" * 32, status=201, body='{"version":1}', lifetime=10**15
    )
    registry.record_attempt(actor="eve", action="promote", target="loose@production", code=Refused.code, detail="no")


def answers(registry: LocalRegistry) -> dict[str, Any]:
    """Everything that a registry says of what it holds."""
    found: dict[str, Any] = {
        "registry": registry.describe(),
        "bundles": registry.bundles(),
        "components": registry.components(),
    }
    for bundle in (item["name"] for item in registry.bundles()["items"]):
        releases = registry.releases(bundle)
        found[bundle] = {
            "bundle": registry.bundle(bundle),
            "aliases": registry.aliases(bundle),
            "history": registry.history(bundle),
            "releases": releases,
            "documents": [registry.release(item["ref"]) for item in releases["items"]],
            "sealed": [registry.sealed(item["ref"]) for item in releases["items"]],
        }
    for item in registry.components()["items"]:
        kind, name = item["kind"], item["name"]
        found[f"{kind}/{name}"] = {
            "versions": [
                registry.component(kind, name, f"v{one['version']}")
                for one in registry.component_versions(kind, name)["items"]
            ],
            "uses": registry.where_used(f"{kind}/{name}"),
        }
    found["resolved"] = registry.resolve(
        ["support-summarizer@production", f"support-summarizer@{LABEL}", "loose@latest"]
    )
    writes = (session.operation_of(Caller(actor="ana", key=f"key-{number}"), "", {}).id for number in (1, 7, 18))
    found["operations"] = [registry.operation(write) for write in writes]
    found["tokens"] = registry.tokens()
    kept = registry.kept_answer("retry", "ci")
    found["kept"] = [kept.status, kept.body, kept.request] if kept else None
    found["verify"] = registry.verify()
    plain: dict[str, Any] = json.loads(json.dumps(found))
    del plain["registry"]["version"]  # the program's
    return plain


def make(home: Path) -> dict[str, Any]:
    """Make the registry in a directory; what it answers."""
    context = replace(opening.context_of(home, create=True), clock=Clock())
    with closing(LocalRegistry(context)) as registry:
        maintenance.found(context, REGISTRY)
        write(registry, context)
        return answers(registry)


def main(target: Path) -> None:
    """Make all files in the target."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / "registry"
        home.mkdir()
        said = make(home)
        bundle = str((target / "registry.bundle").absolute())
        command = ["git", "-c", "pack.threads=1", "bundle", "create", "--quiet", bundle, "--all"]
        subprocess.run(command, cwd=home / "repository.git", check=True)
        with closing(sqlite3.connect(home / "state.sqlite")) as state:
            (target / "state.sql").write_text("\n".join(state.iterdump()) + "\n", "utf-8")
    (target / "answers.json").write_text(json.dumps(said, indent=1, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
