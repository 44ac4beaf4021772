"""The content of a release, as a document has it, as an author's files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pinset.domain.exchange.incoming import Lost
from pinset.domain.exchange.parts import DEFAULT
from pinset.domain.exchange.yaml_text import written
from pinset.domain.text import templates

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ENDINGS: Final = {"jinja2": ".j2", "text": ".txt"}
_INLINE: Final = 100
"""Characters of a text that stands in the manifest; a longer one is a file."""
SINGLE: Final = {"prompts": "prompt", "models": "model"}
_OF_COMPONENT: Final = ("component", "version", "digest")
OF_PROMPT: Final = ("inputs", "output", "model", "tools", "guardrails")
KINDS: Final = ("models", "prompts", "retrieval", "guardrails", "configs", "metadata")


def files_of(content: Mapping[str, Any]) -> tuple[dict[str, str], list[Lost]]:
    """The files of a release with this content, and what of it is by value from now on."""
    files: dict[str, str] = {}
    release: dict[str, Any] = {}
    # A tool that was shared went by its component's name; here it goes by its own.
    called = {key: tool["name"] for key, tool in (content.get("tools") or {}).items()}
    for kind in KINDS:
        parts = content.get(kind) or {}
        if kind == "prompts":
            parts = {name: _with_tools(prompt, called) for name, prompt in parts.items()}
        made = parts if kind == "metadata" else {name: part_of(kind, name, part, files) for name, part in parts.items()}
        single = SINGLE.get(kind, "")
        if single and set(made) == {DEFAULT}:
            release[single] = made[DEFAULT]
        elif made:
            release[kind] = made
    if content.get("tools"):
        release["tools"] = list(content["tools"].values())
    return {"release.yaml": written({"release": release}), **files}, list(_by_value(content))


def _with_tools(prompt: Mapping[str, Any], called: Mapping[str, str]) -> Mapping[str, Any]:
    return {**prompt, "tools": [called.get(key, key) for key in prompt["tools"]]} if "tools" in prompt else prompt


def part_of(kind: str, name: str, part: Any, files: dict[str, str]) -> Any:
    """A part of a document as a manifest says it."""
    match kind:
        case "prompts":
            return _prompt(name, part, files)
        case "models":
            said = {key: part[key] for key in ("provider", "name", "id", "pinned_version") if part.get(key)}
            if said.get("id") == said.get("name"):
                said.pop("id", None)
            return {**said, **({"params": part["params"]} if part.get("params") else {})}
        case "retrieval":
            index = part.get("index")
            shared = isinstance(index, dict) and "component" in index
            plain = {key: one for key, one in index.items() if key not in ("component", "version")} if shared else index
            return {"index": plain, **{key: one for key, one in part.items() if key != "index"}}
        case "guardrails":
            return {key: one for key, one in part.items() if key not in (*_OF_COMPONENT, "name")}
        case _:
            return _free(files, f"configs/{name}", ".txt", part) if isinstance(part, str) else part


def _prompt(name: str, prompt: Mapping[str, Any], files: dict[str, str]) -> dict[str, Any]:
    style = prompt["format"]
    part: dict[str, Any]
    if "messages" in prompt:
        part = {"messages": [_item(name, item, style, files) for item in prompt["messages"]]}
    else:
        part = filed(files, f"prompts/{name}", prompt["template"], style)
    for path, text in prompt.get("partials", {}).items():
        files.setdefault(path, text)
    guessed = {
        templates.guess_format(one["template"]) for one in (part, *part.get("messages", [])) if "template" in one
    }
    inline = any("text" in one for one in (part, *part.get("messages", [])))
    if (guessed | ({"mustache"} if inline or not guessed else set())) != {style}:
        part["format"] = style
    inferred = prompt.get("inputs_inferred", False)
    return {**part, **{key: prompt[key] for key in OF_PROMPT if key in prompt and not (key == "inputs" and inferred)}}


def _item(name: str, item: Mapping[str, Any], style: str, files: dict[str, str]) -> dict[str, Any]:
    if "template" not in item:
        return dict(item)
    said = {key: item[key] for key in ("role", "name") if key in item}
    return {**said, **filed(files, f"prompts/{name}-{item['role']}", item["template"], style)}


def filed(files: dict[str, str], stem: str, text: str, style: str) -> dict[str, Any]:
    """A text in the manifest, or in a file where it is long."""
    if len(text) <= _INLINE and "\n" not in text:
        return {"text": text}
    return {"template": _free(files, stem, _ENDINGS.get(style, ".md"), text)}


def _free(files: dict[str, str], stem: str, ending: str, text: str) -> str:
    """Put a text among the files, under a path that nothing else has."""
    path, number = f"{stem}{ending}", 2
    while path in files and files[path] != text:
        path, number = f"{stem}-{number}{ending}", number + 1
    files[path] = text
    return path


def _by_value(content: Mapping[str, Any]) -> Iterator[Lost]:
    """The parts that were shared components where they come from."""
    for kind in ("prompts", "models", "guardrails"):
        for name, part in (content.get(kind) or {}).items():
            if "component" in part or (kind == "guardrails" and "digest" in part):
                yield Lost(
                    what=f"{kind}.{name}", why="it was a shared component there: it is a part of this release alone"
                )
    for name, part in (content.get("retrieval") or {}).items():
        if "component" in (part.get("index") or {}):
            yield Lost(
                what=f"retrieval.{name}.index", why="it was a shared index there: it is a part of this release alone"
            )
