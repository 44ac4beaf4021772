"""Prompty: ``.prompty`` files, YAML front matter over a body of Jinja or mustache whose lines ``system:``, ``user:`` part messages.

Read and written as the Python runtime does (github.com/microsoft/prompty), older and newer spellings alike. What of the
front matter has no part in a release is kept in its metadata under `KEPT`, and written from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pinset.domain.exchange import chat, prompty_body, prompty_parts
from pinset.domain.exchange.drafting import DEFAULT, Drafted, Prompt, model, schema_of_inputs
from pinset.domain.exchange.frontmatter import joined, mapping, split
from pinset.domain.exchange.telling import One, Told, each
from pinset.domain.text import templates, tool_shapes
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain.exchange.incoming import Taken

KEPT: Final = "prompty"
ENDING: Final = ".prompty"
_KNOWN: Final = (
    "model", "inputs", "sample", "inputSchema", "outputs", "outputSchema", "tools", "template", "metadata",
)  # fmt: skip
_FORMATS: Final = {"jinja2": "jinja2", "mustache": "mustache", "nunjucks": "jinja2"}


def take(text: str, *, beside: Mapping[str, str] | None = None, what: str = "the file") -> Taken:
    """One prompt, its model, its tools. beside: texts of the folder by name, for what ``${file:…}`` names.

    what: what errors call it. Raises InvalidInput.
    """
    front, body = split(text, what)
    drafted = Drafted()
    front = prompty_parts.resolved(drafted, front, beside or {})
    style = _style(front.get("template"), what)
    properties = prompty_parts.inputs(drafted, front)
    threads = {name for name, said in properties.items() if said.get("type") == "thread"}
    prompt = _prompt(drafted, text if body is None else body, style, threads, what)
    said = mapping(
        {"id": front["model"]} if isinstance(front.get("model"), str) else front.get("model"), f"model of {what}"
    )
    params, listed = prompty_parts.parameters(said)
    prompt.output = chat.output_of(params) or prompty_parts.outputs(front)
    identity, provider = prompty_parts.identity(drafted, said)
    metadata = mapping(front.get("metadata"), f"metadata of {what}")
    kept = {key: value for key, value in front.items() if key not in _KNOWN}
    pin = metadata.pop("pinned_version", None)
    model(drafted, identity, provider=provider, pin=pin, params=params)
    drafted.tools += prompty_parts.tools(drafted, front.get("tools"), "tools")
    drafted.tools += prompty_parts.tools(drafted, listed, "model.parameters.tools")
    declared = {name: one for name, one in properties.items() if name not in threads}
    schema_of_inputs(drafted, prompt, _schema(declared, prompt), where="inputs")
    drafted.metadata = metadata | ({KEPT: kept} if kept else {})
    drafted.prompts[DEFAULT] = prompt
    return drafted.taken()


def tell(document: Mapping[str, Any]) -> Told:
    """A file for each prompt. Raises InvalidInput where none can be said."""
    return each(document, "Prompty", ENDING, _told)


def _style(said: Any, what: str) -> str:
    """The template format, in each of the ways in which it was ever spelled."""
    form = said
    if isinstance(said, dict):
        form = said.get("format", said.get("type"))
        form = form.get("kind") if isinstance(form, dict) else form
    form = "jinja2" if form is None else form
    if not isinstance(form, str) or form not in _FORMATS:
        raise InvalidInput(f"the template format of {what} is {form!r:.40}", hint="the formats are jinja2 and mustache")
    return form


def _prompt(drafted: Drafted, body: str, style: str, threads: set[str], what: str) -> Prompt:
    found = prompty_body.read(drafted, body, _FORMATS[style], threads, what)
    texts: dict[str, Any] = {"template": found} if isinstance(found, str) else {"messages": found}
    prompt = Prompt(style=_FORMATS[style], **texts)
    if style == "nunjucks":
        chat.check_nunjucks(prompt, what)
    return prompt


def _schema(properties: Mapping[str, Any], prompt: Prompt) -> Any:
    """A schema of the inputs, if the file says any: what has no default is required where a template uses it."""
    if not properties:
        return None
    used = {name for text in prompt.texts() for name in templates.parse(prompt.style, text).variables}
    required = [name for name, one in properties.items() if one.pop("required", "default" not in one) and name in used]
    return {"type": "object", "properties": dict(properties)} | ({"required": sorted(required)} if required else {})


def _told(one: One) -> str:
    """The text of a file. Raises CannotTellError."""
    style = one.said["format"]
    body = prompty_body.told(one)
    metadata = one.metadata
    kept = metadata.pop(KEPT, {})
    front: dict[str, Any] = dict(kept) if isinstance(kept, dict) else {}
    front |= _told_model(one, metadata)
    schema = one.said.get("inputs")
    if schema is not None and not one.said.get("inputs_inferred"):
        front["inputs"] = prompty_parts.told_inputs(one, schema)
    if style == "mustache":
        front["template"] = {"type": "mustache", "parser": "prompty"}
    if metadata:
        front["metadata"] = metadata
    return joined(front, body)


def _told_model(one: One, metadata: dict[str, Any]) -> dict[str, Any]:
    """The front matter's ``model``; a pin goes to the metadata, for which Prompty has no word."""
    part = one.model
    params = dict((part or {}).get("params") or {})
    if one.said.get("output") is not None:
        params = chat.with_output(params, one.said["output"])
    if one.tools:
        params["tools"] = [tool_shapes.to_openai(tool) for tool in one.tools]
    if one.said.get("tools") is not None:
        one.lose("tools", "which tools the prompt wants is told as all that the file has")
    said: dict[str, Any] = {"api": "chat"}
    if part is not None:
        if part.get("name") not in (None, part["id"]):
            one.lose("model.name", "a model has one name there: its id is told")
        said["configuration"] = prompty_parts.told_configuration(part)
        if part.get("pinned_version"):
            metadata["pinned_version"] = part["pinned_version"]
    return {"model": said | ({"parameters": params} if params else {})}
