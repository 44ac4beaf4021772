"""Parts of a release document that came along in another tool's free places, put among an author's files again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pinset.domain.exchange.authored import Template
from pinset.domain.exchange.parts import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pinset.domain.exchange.authored import Authored

    Lose = Callable[[str, str], None]

OF_PROMPT: Final = ("inputs", "output", "model", "tools", "guardrails")
"""What a prompt says beside its texts."""
_UNWRITTEN: Final = ("component", "version", "inputs_inferred", "partials")
"""What a release document adds to a part, and no manifest says."""


def put(made: Authored, parts: Mapping[str, Any], lose: Lose) -> None:
    """Put parts by their kinds, as a release document has them, but for ``components``.

    What is no part is left out, and told to ``lose``.
    """
    for kind in ("retrieval", "guardrails", "tools", "models", "prompts"):
        said = _named(parts.get(kind), kind, lose)
        if not said:
            continue
        if kind == "prompts":
            for name, prompt in said.items():
                _prompt(made, name, prompt, lose)
        elif kind == "models":
            for name, model in said.items():
                made.model(name, written(model))
        elif kind == "tools":
            made.part(kind, [written(tool) for tool in said.values()])
        elif kind == "retrieval":
            indexed = {name: _with_index(written(one)) for name, one in said.items()}
            made.part(kind, indexed[DEFAULT] if set(indexed) == {DEFAULT} else indexed)
        else:
            made.part(kind, {name: written(one) for name, one in said.items()})
    configs = parts.get("configs")
    if isinstance(configs, dict) and configs:
        made.part("configs", {name: _config(made, name, value) for name, value in configs.items()})
    metadata = parts.get("metadata")
    if isinstance(metadata, dict) and metadata:
        made.metadata(metadata)


def written(part: Mapping[str, Any]) -> dict[str, Any]:
    """A part of a release document as a manifest says it; its exact name is left out where that is the name."""
    kept = {key: value for key, value in part.items() if key not in _UNWRITTEN and value is not None}
    if kept.get("id") is not None and kept.get("id") == kept.get("name"):
        del kept["id"]
    return kept


def _named(said: Any, kind: str, lose: Lose) -> dict[str, dict[str, Any]]:
    if said is None:
        return {}
    if not isinstance(said, dict) or not all(isinstance(one, dict) for one in said.values()):
        lose(kind, "it is no part as a release has them: it is left out")
        return {}
    return said


def _prompt(made: Authored, name: str, prompt: Mapping[str, Any], lose: Lose) -> None:
    if not _is_prompt(prompt):
        lose(f"prompts.{name}", "it is no prompt as a release has them: it is left out")
        return
    if prompt.get("partials"):
        lose(f"prompts.{name}.partials", "what the prompt includes is not carried over")
    messages = [{"text" if key == "template" else key: one[key] for key in one} for one in prompt.get("messages", [])]
    made.prompt(name, Template(style=prompt.get("format", "mustache"), text=prompt.get("template"), messages=messages))
    unsaid = ("inputs",) if prompt.get("inputs_inferred") else ()
    made.about(name, **{key: prompt[key] for key in OF_PROMPT if key in prompt and key not in unsaid})


def _is_prompt(prompt: Mapping[str, Any]) -> bool:
    messages = prompt.get("messages", [])
    if not isinstance(messages, list) or not all(isinstance(one, dict) for one in messages):
        return False
    texts = [one for one in messages if "placeholder" not in one and "examples" not in one]
    said = [prompt.get("format", "mustache"), *(one.get(key) for one in texts for key in ("role", "template"))]
    return all(isinstance(one, str) for one in said) and (bool(messages) or isinstance(prompt.get("template"), str))


def _with_index(part: dict[str, Any]) -> dict[str, Any]:
    return {**part, "index": written(part["index"])} if isinstance(part.get("index"), dict) else part


def _config(made: Authored, name: str, value: Any) -> Any:
    """A text cannot stand in a manifest as a config: it is a file."""
    if not isinstance(value, str):
        return value
    made.file(f"configs/{name}.txt", value)
    return f"configs/{name}.txt"
