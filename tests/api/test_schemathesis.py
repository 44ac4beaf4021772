"""The OpenAPI description against the application: no 5xx, no status or shape that is not written down."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from pinset import bootstrap
from pinset.api.app import create_app
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from pinset.services.local import LocalRegistry

TORTURE = os.environ.get("PINSET_TORTURE") == "1"
EXAMPLES = int(os.environ.get("PINSET_ROUNDS") or 200) if TORTURE else 8
CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)


def _registry() -> LocalRegistry:
    """A registry with something of everything, so that what is found is found too."""
    registry = bootstrap.memory_registry()
    actor = Caller(actor="test")
    registry.publish_component(actor, "prompts", "tone", {"tone.md": "Be kind."})
    text = 'release:\n  feature: a\n  model: {name: m, pinned_version: "1"}\n  prompt: {text: "{{> prompts/tone@v1}} {{x}}"}\n'
    registry.publish(actor, {"release.yaml": text}, alias="production")
    registry.publish(actor, {"release.yaml": text.replace("{{x}}", "{{y}}")}, label="1.0", alias="production")
    return registry


def _here(app: Any) -> Any:
    """The application, with this machine as the client: the test client calls itself by a name."""

    async def called(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            scope = {**scope, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2)}
        await app(scope, receive, send)

    return called


schema = schemathesis.openapi.from_asgi(
    "/openapi.json", _here(create_app(_registry())), headers={"Host": "localhost"}
).exclude(path="/v1/events")  # its answer has no end; test_http_events.py holds it to what is written down


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=not TORTURE,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_answer_is_undocumented(case: schemathesis.Case) -> None:
    case.call_and_validate(checks=CHECKS, headers={"Host": "localhost"})
