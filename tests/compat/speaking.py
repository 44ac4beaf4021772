"""The application with its protocols, without a socket, on a registry with a release of every kind of part."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pinset.api.app import create_app
from pinset.api.settings import Settings
from pinset.compat import with_compat
from pinset.ports.registry import Caller
from sending import Sending

if TYPE_CHECKING:
    from pinset.services.local import LocalRegistry

ANA: Final = Caller(actor="ana")
LOOKUP: Final = {
    "type": "function",
    "function": {
        "name": "lookup_ticket",
        "description": "Find a ticket.",
        "parameters": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]},
    },
}
RICH: Final = """\
release:
  bundle: support.triage
  version: 2025-03-14
  models:
    default: {{provider: openai, name: gpt-4o, pinned_version: "2024-08-06", temperature: {temperature}, max_tokens: 800}}
    small: {{provider: vendor-x, name: foundation-small, pinned_version: "2025-02-01", temperature: 0}}
  prompts:
    default:
      messages:
        - {{role: system, template: prompts/system.md}}
        - {{placeholder: history}}
        - {{examples: examples.jsonl}}
        - {{role: user, text: "Ticket: {{{{ticket}}}}"}}
      output: {{type: object, properties: {{answer: {{type: string}}}}, required: [answer]}}
      tools: [lookup_ticket]
    title: {{text: "A title for {{{{ticket}}}}", model: small, tools: []}}
  retrieval:
    index: {{name: kb, uri: "s3://kb/2025-03-10", digest: "sha256:{digest}", embedding_model: embed-v3, dimensions: 1024}}
    embedding_model: embed-v3
    top_k: 6
  guardrails: {{pii: {{kind: regex, guards: output, config: {{redact: [email]}}}}}}
  tools: [tools/lookup_ticket.json]
  configs: {{limits: {{steps: 12}}}}
  metadata: {{ticket: ML-812}}
"""
HARD: Final = '<b>&"{}</b> {not a variable} {"json": [1, {"a": "b"}]} ünïcode 日本 \\n $x ${y} {{ticket}}\n'
"""What must arrive as it is."""


def rich(*, temperature: float = 0.2, system: str = HARD) -> dict[str, str]:
    """The files of a release with every kind of part."""
    return {
        "release.yaml": RICH.format(temperature=temperature, digest="a" * 64),
        "prompts/system.md": system,
        "examples.jsonl": '{"input": "hi", "output": "hello"}\n',
        "tools/lookup_ticket.json": json.dumps(LOOKUP),
    }


class Speaking(Sending):
    """Sends requests to an application that speaks the protocols."""

    def __init__(self, registry: LocalRegistry, chosen: Any = None, others: Any = None, **settings: Any) -> None:
        self.registry = registry
        self.api = create_app(registry, settings=Settings(**settings), others=others)
        super().__init__(with_compat(self.api, self.api, chosen))

    def token(self, name: str, can: str) -> str:
        """A new token's secret."""
        return str(self.registry.create_token(ANA, name, can=can)["token"])
