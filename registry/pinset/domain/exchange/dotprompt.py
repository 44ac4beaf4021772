"""Dotprompt, the ``.prompt`` files of Genkit and Firebase: YAML front matter with Picoschema, and a Handlebars body.

Read and written as google.github.io/dotprompt/reference says. What of the front matter has no part in a release is kept
in its metadata under `KEPT`, and written from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pinset.domain.exchange import handlebars, handlebars_jinja, picoschema, to_handlebars
from pinset.domain.exchange.drafting import DEFAULT, Drafted, Prompt, model, schema_of_inputs
from pinset.domain.exchange.frontmatter import joined, mapping, split
from pinset.domain.exchange.telling import CannotTellError, One, Told, each
from pinset.domain.text import tool_shapes
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain.exchange.incoming import Taken

KEPT: Final = "dotprompt"
ENDING: Final = ".prompt"
_KNOWN: Final = ("model", "config", "input", "output", "tools", "toolDefs", "metadata")
_DROPPED: Final = {
    "media": "a picture or file has no place in a text; the tag is left out",
    "section": "where another part is put in has no place in a text; the tag is left out",
}


def take(text: str, *, beside: Mapping[str, str] | None = None, what: str = "the file") -> Taken:
    """One prompt, its model, its tools. beside: the texts of the folder by name, partials as ``_name.prompt``.

    what: what errors call it. Raises InvalidInput.
    """
    front, body = split(text, what)
    drafted = Drafted()
    config = mapping(front.get("config"), f"config of {what}")
    identity, provider = _identity(front.get("model"), what)
    params = {key: value for key, value in config.items() if key != "version"}
    model(drafted, identity, provider=provider, pin=config.get("version"), params=params)
    prompt, optional = _prompt(drafted, text if body is None else body.strip(), beside or {})
    _schemas(drafted, prompt, front, what, optional)
    _tools(drafted, prompt, front, what)
    _rest(drafted, front, what)
    drafted.prompts[DEFAULT] = prompt
    return drafted.taken()


def tell(document: Mapping[str, Any]) -> Told:
    """A file for each prompt. Raises InvalidInput where none can be said."""
    return each(document, "dotprompt", ENDING, _told, hint="prompts with logic go to Prompty: --to prompty")


def _identity(said: Any, what: str) -> tuple[str | None, str | None]:
    """A model's name, and the plugin it is of: ``googleai/gemini-2.0-flash``."""
    if said is None:
        return None, None
    if not isinstance(said, str):
        raise InvalidInput(f"model of {what} is no text", hint="write model: googleai/gemini-2.0-flash")
    provider, slash, name = said.partition("/")
    return (name, provider) if slash and name else (said, None)


def _prompt(drafted: Drafted, body: str, beside: Mapping[str, str]) -> tuple[Prompt, frozenset[str]]:
    def partial(name: str) -> str | None:
        found = beside.get(f"_{name}{ENDING}")
        if found is None:
            return None
        inner = split(found, f"_{name}{ENDING}")[1]
        return found if inner is None else inner.strip()

    made = handlebars_jinja.translate(handlebars.parse(body, partial))
    for line, tag in made.dropped:
        drafted.lose(f"template, line {line}: {{{{{tag} …}}}}", _DROPPED[tag])
    return Prompt(style=made.style, template=made.template, messages=made.messages), made.optional


def _schemas(drafted: Drafted, prompt: Prompt, front: Mapping[str, Any], what: str, optional: frozenset[str]) -> None:
    given = mapping(front.get("input"), f"input of {what}")
    defaults = mapping(given.get("default"), f"input.default of {what}")
    schema = _schema(drafted, given.get("schema"), "input.schema")
    if defaults:
        drafted.lose(
            "input.default", "no default is filled in: the application gives the values; they are in the schema"
        )
        schema = _with_defaults(schema, defaults)
    schema_of_inputs(drafted, prompt, schema, where="input.schema", optional=optional)
    output = mapping(front.get("output"), f"output of {what}")
    prompt.output = _schema(drafted, output.get("schema"), "output.schema")


def _schema(drafted: Drafted, said: Any, where: str) -> Any:
    if said is None or said == "":
        return None
    try:
        return picoschema.read(said)
    except picoschema.NamedSchemaError as error:
        drafted.lose(where, str(error))
        return None


def _with_defaults(schema: Any, defaults: Mapping[str, Any]) -> Any:
    """A schema that says the defaults too; one is made where there is none."""
    if schema is None:
        schema = {"type": "object", "properties": {}, "additionalProperties": {}}
    if not isinstance(schema, dict) or schema.get("type") != "object":
        return schema
    known = schema.get("properties", {})
    said = {name: {**_mapping_or_nothing(known.get(name)), "default": value} for name, value in defaults.items()}
    required = [name for name in schema.get("required", []) if name not in defaults]
    rest = {key: value for key, value in schema.items() if key not in ("properties", "required")}
    return {**rest, "properties": {**known, **said}} | ({"required": required} if required else {})


def _mapping_or_nothing(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _tools(drafted: Drafted, prompt: Prompt, front: Mapping[str, Any], what: str) -> None:
    named, defined = front.get("tools"), front.get("toolDefs")
    for value, key in ((named, "tools"), (defined, "toolDefs")):
        if value is not None and not isinstance(value, list):
            raise InvalidInput(f"{key} of {what} is no list", hint="write one a line: - lookup_ticket")
    for at, tool in enumerate(defined or []):
        try:
            drafted.tools.append(tool_shapes.normalise(tool))
        except tool_shapes.ToolShapeError as error:
            drafted.lose(f"toolDefs[{at}]", error.message)
    if named is not None:
        prompt.tools = [name for name in named if isinstance(name, str)]
        known = {tool["name"] for tool in drafted.tools}
        for name in (name for name in prompt.tools if name not in known):
            drafted.lose(
                f"tools.{name}", "what the tool takes is in the application's code, and the file only names it"
            )


def _rest(drafted: Drafted, front: Mapping[str, Any], what: str) -> None:
    """What has no part of its own, as metadata."""
    kept = {key: value for key, value in front.items() if key not in _KNOWN and not key.startswith("pinset.")}
    for key, known in (("output", ("schema",)), ("input", ("schema", "default"))):
        rest = {name: value for name, value in mapping(front.get(key), key).items() if name not in known}
        if rest:
            kept[key] = rest
    drafted.metadata = mapping(front.get("metadata"), f"metadata of {what}") | ({KEPT: kept} if kept else {})


def _told(one: One) -> str:
    """The text of a file. Raises CannotTellError."""
    metadata = one.metadata
    kept = metadata.pop(KEPT, {})
    front: dict[str, Any] = dict(kept) if isinstance(kept, dict) else {}
    front |= _told_model(one)
    _tell_schemas(one, front)
    _tell_tools(one, front)
    if metadata:
        front["metadata"] = metadata
    return joined(front, _body(one) + "\n")


def _told_model(one: One) -> dict[str, Any]:
    part = one.model
    if part is None:
        return {}
    if "component" in part:
        one.lose("model.component", "that the model is a shared component has no place in the file")
    identity, provider = part["id"], part.get("provider")
    if part.get("name") not in (None, identity):
        one.lose("model.name", "a model has one name there: its id is told")
    if not provider and "/" in identity:
        one.lose("model.provider", f"there is none, and {identity.partition('/')[0]} will be read as one")
    params = dict(part.get("params") or {})
    if part.get("pinned_version"):
        if "version" in params:
            one.lose("model.params.version", "the pin stands in its place")
        params["version"] = part["pinned_version"]
    return {"model": f"{provider}/{identity}" if provider else identity} | ({"config": params} if params else {})


def _tell_schemas(one: One, front: dict[str, Any]) -> None:
    for key, inner in (("inputs", "input"), ("output", "output")):
        schema = one.said.get(key)
        if schema is None or one.said.get(f"{key}_inferred"):
            continue
        if not picoschema.is_json_schema(schema) or "type" not in schema:
            one.lose(key, "dotprompt would read the schema as Picoschema: only one with a type of its own is told")
            continue
        front[inner] = {**_mapping_or_nothing(front.get(inner)), "schema": schema}


def _tell_tools(one: One, front: dict[str, Any]) -> None:
    if one.tools:
        front["toolDefs"] = [tool_shapes.to_mcp(tool) for tool in one.tools]
        for tool, told in zip(one.tools, front["toolDefs"], strict=True):
            if tool_shapes.normalise(told) != tool:
                one.lose(f"tools.{tool['name']}", "what only another provider's interface knows is left out")
    if one.said.get("tools") is not None:
        front["tools"] = list(one.said["tools"])


def _body(one: One) -> str:
    style = one.said["format"]
    if "template" in one.said:
        text = one.said["template"]
        said = _text(style, text)
        before = to_handlebars.NOTHING if text[:1].isspace() or not text else ""
    else:
        said, before = _messages(one, style), ""
    after = to_handlebars.NOTHING if said[-1:].isspace() else ""
    return before + said + after


def _messages(one: One, style: str) -> str:
    written: list[str] = []
    seen = False
    for item in one.messages():
        if "placeholder" in item:
            if seen:
                raise CannotTellError("it has two placeholders, and dotprompt has one history")
            seen = True
            _tag(written, "{{history}}")
            if item["placeholder"] != handlebars_jinja.HISTORY:
                one.lose("messages.placeholder", f"{item['placeholder']} is called history there")
            continue
        if "name" in item:
            one.lose("messages.name", "who speaks in a message has no place there")
        if not item["text"].strip():
            one.lose("messages", "a blank message is none there")
            continue
        role = "model" if item["role"] == "assistant" else item["role"]
        _tag(written, f'{{{{role "{role}"}}}}')
        written.append(_text(style, item["text"]))
    return "".join(written)


def _tag(written: list[str], tag: str) -> None:
    """Add a tag after a text."""
    text = to_handlebars.before_tag(written[-1]) if written else ""
    if text is None:
        raise CannotTellError("a text ends with a brace, with which the tag after it would be read as another")
    written[-1:] = [text, tag]


def _text(style: str, text: str) -> str:
    said = to_handlebars.told(style, text)
    if said is None:
        raise CannotTellError(f"its {style} template says what Handlebars cannot, or would say otherwise")
    return said
