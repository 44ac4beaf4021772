"""Checks of a release as a whole: how its parts fit each other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pinset.domain import names
from pinset.domain.findings import Finding
from pinset.domain.text import json_schemas, templates

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pinset.domain.manifest.draft import Draft

PASSAGES: Final = ("context", "passages")
"""Variables that by their name receive retrieved passages. The first is what retrieval fills when it does not say."""


def variables(prompt: Mapping[str, Any]) -> tuple[str, ...]:
    """The variables that a prompt's templates use, those of what it includes among them; sorted."""
    partials = prompt.get("partials", {})

    def partial(name: str) -> tuple[str, str] | None:
        return (prompt["format"], partials[name]) if name in partials else None

    found: set[str] = set()
    for text in template_texts(prompt):
        found.update(templates.undeclared(prompt["format"], text, partial))
    return tuple(sorted(found))


def template_texts(prompt: Mapping[str, Any]) -> list[str]:
    """Every template text of a prompt, in order."""
    single = [prompt["template"]] if "template" in prompt else []
    return single + [item["template"] for item in prompt.get("messages", []) if "template" in item]


def check_prompts(draft: Draft, content: Mapping[str, Any], files: Mapping[str, str]) -> Iterator[Finding]:
    """Templates with all that they include, and their variables against the declared inputs."""
    for name, prompt in content["prompts"].items():
        used = variables(prompt)
        if prompt["format"] == "mustache":
            yield from _check_included(draft, name, prompt)
        if not prompt.get("inputs_inferred") and isinstance(prompt.get("inputs"), dict):
            yield from _check_inputs(draft, name, prompt, used, files)


def check_named(draft: Draft, content: Mapping[str, Any]) -> Iterator[Finding]:
    """What the prompts name against what the release has. A shared prompt is checked where a release uses it."""
    for name, prompt in content["prompts"].items():
        line = draft.lines.get(("prompts", name))
        model = prompt.get("model")
        if model and model not in content["models"]:
            hint = "the models are " + (", ".join(content["models"]) or "none yet: add models: …")
            yield Finding(
                "reference-unresolved", f"the prompt {name} wants the model {names.show(model)}", hint, draft.at, line
            )
        for tool in prompt.get("tools") or []:
            if tool not in content["tools"]:
                message = f"the prompt {name} names the tool {names.show(tool)}, which the release lacks"
                yield Finding("tool-unknown", message, "add the tool, or take it from the prompt", draft.at, line)
        for guard in prompt.get("guardrails") or []:
            if guard not in content["guardrails"]:
                message = f"the prompt {name} wants the guardrail {names.show(guard)}"
                yield Finding("reference-unresolved", message, f"pin one: guardrails/{guard}@v1", draft.at, line)
    listed = [prompt["tools"] for prompt in content["prompts"].values() if prompt.get("tools") is not None]
    if listed and len(listed) == len(content["prompts"]):
        for tool in sorted(set(content["tools"]) - {tool for names_ in listed for tool in names_}):
            message = f"the tool {tool} is in no prompt's list"
            yield Finding("tool-unused", message, "list it, or remove it", draft.at, draft.lines.get(("tools", tool)))


def _check_included(draft: Draft, name: str, prompt: Mapping[str, Any]) -> Iterator[Finding]:
    """What a shared text brings in becomes part of the template: braces that were plain text there are read here."""
    for text in template_texts(prompt):
        for problem in templates.parse("mustache", text).problems:
            message = f"the prompt {name} with what it includes, line {problem.line}: {problem.message}"
            hint = "include a text without such braces; " + problem.hint
            yield Finding("template-syntax", message, hint, draft.at, draft.lines.get(("prompts", name)))


def _check_inputs(
    draft: Draft, name: str, prompt: Mapping[str, Any], used: tuple[str, ...], files: Mapping[str, str]
) -> Iterator[Finding]:
    properties, _, is_open = json_schemas.declared_variables(prompt["inputs"])
    placeholders = {item["placeholder"] for item in prompt.get("messages", []) if "placeholder" in item}
    line = draft.lines.get(("prompts", name))
    for variable in used:
        if variable not in properties and not is_open:
            file, at = _where(variable, files, draft.at, line)
            message = f"the prompt {name} uses {variable}, which its inputs do not declare"
            yield Finding(
                "variable-undeclared", message, f"add {variable} under inputs.properties, or correct it", file, at
            )
    for variable in sorted(properties - set(used) - placeholders):
        message = f"the inputs of the prompt {name} declare {variable}, which no template uses"
        yield Finding("variable-unused", message, "use it, or remove it from the inputs", draft.at, line)


def _where(variable: str, files: Mapping[str, str], file: str, line: int | None) -> tuple[str, int | None]:
    """The first use of a variable in the author's templates; else where the prompt stands in the manifest."""
    used = re.compile(r"\{[{%]?[^{}]*\b" + re.escape(variable) + r"\b")
    for path, text in sorted(files.items()):
        match = None if path == file else used.search(text)
        if match:
            return path, text.count("\n", 0, match.start()) + 1
    return file, line


def check_schemas(draft: Draft, content: Mapping[str, Any]) -> Iterator[Finding]:
    """Every JSON Schema against its metaschema."""
    for name, prompt in content["prompts"].items():
        for key in ("inputs", "output"):
            if key in prompt and not prompt.get(f"{key}_inferred"):
                for path, message in json_schemas.problems(prompt[key]):
                    where = ".".join(str(step) for step in (name, key, *path))
                    line = draft.lines.get(("prompts", name))
                    yield Finding(
                        "schema-invalid", f"{where}: {message}", "correct the JSON Schema (2020-12)", draft.at, line
                    )
    for name, tool in content["tools"].items():
        part = draft.parts.get("tools", {}).get(name, {})
        for path, message in json_schemas.problems(tool["parameters"]):
            where = ".".join(str(step) for step in (name, "parameters", *path))
            file = str(part.get("file", draft.at))
            yield Finding("tool-invalid", f"{where}: {message}", "correct the tool's JSON Schema (2020-12)", file, None)


def check_retrieval(draft: Draft, content: Mapping[str, Any]) -> Iterator[Finding]:
    """Indexes against the embedding model that asks them, and passages against the templates that take them."""
    used = {variable for prompt in content["prompts"].values() for variable in variables(prompt)}
    for name, retrieval in content["retrieval"].items():
        line = draft.lines.get(("retrieval", name))
        index = retrieval.get("index", {})
        asked, built = retrieval.get("embedding_model"), index.get("embedding_model")
        if asked and built and asked != built:
            message = f"retrieval {name} asks with {names.show(asked)} an index that was built with {names.show(built)}"
            hint = f"name {built}, or an index that was built with {asked}: the distances mean nothing otherwise"
            yield Finding("embedding-mismatch", message, hint, draft.at, line)
        if not index.get("digest"):
            hint = "give the index a digest of its content"
            yield Finding("index-unpinned", f"the index of retrieval {name} has no digest", hint, draft.at, line)
        fills = retrieval.get("variable") or PASSAGES[0]
        if content["prompts"] and fills not in used:
            message = f"retrieval {name} fills {fills}, which no template uses"
            yield Finding(
                "retrieval-unused", message, f"use {{{{{fills}}}}}, or say retrieval.variable", draft.at, line
            )
    if not content["retrieval"]:
        for variable in sorted(used & set(PASSAGES)):
            message = f"a template takes {variable}, and the release has no retrieval"
            yield Finding(
                "retrieval-missing", message, "add retrieval with its index, if it is what fills it", draft.at
            )
