"""Prompts that tell whoever fills them in by its own rules from whoever does as this registry does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pinset.domain import rendering
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from conftest import Served

ANA: Final = Caller(actor="ana")
VALUES: Final = {"name": "Ann <b>&\"'</b> {x} \\1 日本", "thing": "a } brace"}
TEXTS: Final = {
    "mustache": [
        "Hi {{ name }}: {{{thing}}}, {{& name }}!\n",
        'Answer as {"a": {"b": []}}, {name}, 100 %, \\n; {{thing}}\n\n',
        "\\{{name}} is a path",
        "{{{name}}}}",
    ],
    "f-string": [
        "Hi {name}",
        'Answer as {{"a": {{"b": []}}}}: {thing}\n',
        "{{{{name}}}} and {{{{1}}}} are text, and {name} is not",
        "{{{name}}}",
    ],
    "text": ["{{name}} and {name} and {{ 1 }} {% if %} are text\n", "plain"],
    "jinja2": [
        "Hi {{ name }}\n",
        "{# no #}{% for one in [name, thing] %}{{ one }};{% endfor %}\n",
        "{{ thing|upper }}",
    ],
}
PLAIN: Final = [
    (style, text) for style, texts in TEXTS.items() for text in texts if "{%" not in text or style == "text"
]
"""Those without logic."""


def release(bundle: str, style: str, text: str, *, example: str = "{{name}} {name}", **model: Any) -> dict[str, str]:
    """A release with prompts ``default``, a chat, and ``one``, a text, both of which say this."""
    said = {"provider": "openai", "name": "m", "pinned_version": "1", **model}
    chat = {
        "messages": [
            {"role": "system", "text": text},
            {"examples": [{"input": example, "output": "{}"}]},
            {"role": "user", "text": text},
        ],
        "format": style,
    }
    prompts = {"default": chat, "one": {"text": text, "format": style}}
    return {"release.json": json.dumps({"release": {"bundle": bundle, "model": said, "prompts": prompts}})}


def publish(served: Served, files: dict[str, str]) -> None:
    """A release, in production."""
    served.registry.publish(ANA, files, alias="production")


def filled(served: Served, reference: str, prompt: str = "default") -> Any:
    """What this registry makes of a prompt."""
    found = served.document(reference)["content"]["prompts"][prompt]
    return rendering.messages_of(found, VALUES)[0]


def used(served: Served, reference: str, prompt: str = "default") -> dict[str, str]:
    """The values that a prompt takes."""
    found = served.document(reference)["content"]["prompts"][prompt]
    return {key: VALUES[key] for key in found.get("inputs", {}).get("properties", {})}
