"""The front matter of ``.prompty`` files, in the spellings of all of their versions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.exchange.frontmatter import mapping
from pinset.domain.text import strict_json, tool_shapes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pinset.domain.exchange.drafting import Drafted
    from pinset.domain.exchange.telling import One

_REFERENCE: Final = re.compile(r"\$\{(?P<kind>file|env):(?P<name>.*)\}", re.DOTALL | re.IGNORECASE)
_IDS: Final = ("azure_deployment", "name", "model", "deployment")
_TYPES: Final = ("string", "number", "integer", "boolean", "array", "object", "null")
_OWN: Final = ("description", "default", "enum")
_ALIASES: Final = {"float": "number", "dictionary": "object", "list": "array"}
_DEPTH: Final = 24


def resolved(drafted: Drafted, front: dict[str, Any], beside: Mapping[str, str]) -> dict[str, Any]:
    """The front matter with ``${file:name.json}`` put in. What is not there, or of an environment, is noted and left out."""
    found = _resolved(drafted, front, beside, ())
    return found if isinstance(found, dict) else {}


def _resolved(drafted: Drafted, value: Any, beside: Mapping[str, str], path: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        inner = {key: _resolved(drafted, one, beside, (*path, key)) for key, one in value.items()}
        return {key: one for key, one in inner.items() if one is not None or value[key] is None}
    if isinstance(value, list):
        return [_resolved(drafted, one, beside, (*path, str(at))) for at, one in enumerate(value)]
    match = _REFERENCE.fullmatch(value.strip()) if isinstance(value, str) else None
    return value if match is None else _referred(drafted, match, beside, path)


def _referred(drafted: Drafted, match: re.Match[str], beside: Mapping[str, str], path: tuple[str, ...]) -> Any:
    """What a reference names; None, with a note, where that is not to be had."""
    where, name = ".".join(path), match["name"]
    if match["kind"].lower() == "env":
        if not _is_connection(path):
            drafted.lose(where, "it comes from the environment of whoever runs it")
        return None
    text = beside.get(name.removeprefix("./"))
    if text is None:
        drafted.lose(where, f"the file {name[:80]} is not beside it")
        return None
    try:
        return strict_json.loads(text) if name.endswith(".json") else text
    except strict_json.StrictJsonError as error:
        drafted.lose(where, f"{name[:80]}: {error.message}")
        return None


def _is_connection(path: tuple[str, ...]) -> bool:
    return path[:2] in (("model", "configuration"), ("model", "connection"))


def identity(drafted: Drafted, said: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The model and its provider. How it is reached is no part of a release."""
    connection = {
        **mapping(said.get("configuration"), "model.configuration"),
        **mapping(said.get("connection"), "model.connection"),
    }
    named = next((connection[key] for key in _IDS if isinstance(connection.get(key), str)), None)
    found = said.get("id") or named
    provider = said.get("provider") or connection.get("type")
    rest = sorted(set(connection) - {*_IDS, "type", "kind"})
    if rest:
        drafted.lose("model.configuration", f"how a model is reached is the application's: {', '.join(rest)}")
    for key in sorted(
        set(said) - {"id", "provider", "api", "apiType", "configuration", "connection", "parameters", "options"}
    ):
        drafted.lose(f"model.{key}", "it has no place in a release")
    if (said.get("api") or said.get("apiType") or "chat") != "chat":
        drafted.lose(
            "model.api", f"that it is called as {said.get('api') or said.get('apiType')} is left to the application"
        )
    return (found if isinstance(found, str) else None), (provider if isinstance(provider, str) else None)


def parameters(said: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
    """The parameters, and the tools that stand among them."""
    found = {**mapping(said.get("parameters"), "model.parameters"), **mapping(said.get("options"), "model.options")}
    return found, found.pop("tools", None)


def inputs(drafted: Drafted, front: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The inputs by name, each a schema; ``thread`` is the type of what is messages."""
    said = front.get("inputs", front.get("inputSchema"))
    if isinstance(said, dict) and isinstance(said.get("properties"), dict | list):
        said = said["properties"]
    found = {name: _input(drafted, name, one) for name, one in _named(said)}
    samples = mapping(front.get("sample"), "sample") if isinstance(front.get("sample"), dict) else {}
    for name, value in samples.items():
        found.setdefault(name, {"type": _type_of(value)} if _type_of(value) else {})
        found[name].setdefault("examples", [value])
    return found


def _input(drafted: Drafted, name: str, said: Any) -> dict[str, Any]:
    if not isinstance(said, dict):
        kind = _type_of(said)
        return ({"type": kind} if kind else {}) | {"examples": [said]}
    found = _property(said)
    if "default" in said:
        drafted.lose(
            f"inputs.{name}.default", "no default is filled in: the application gives the value; it is in the schema"
        )
    for key in ("sample", "example", "value"):
        if key in said:
            found["examples"] = [said[key]]
    if isinstance(said.get("required"), bool):
        found["required"] = said["required"]
    return found


def outputs(front: Mapping[str, Any]) -> Any:
    """A schema of the answer; None where the file says none."""
    said = front.get("outputs", front.get("outputSchema"))
    if isinstance(said, dict) and isinstance(said.get("properties"), dict | list):
        said = said["properties"]
    named = list(_named(said))
    return _object(named) if named else None


def tools(drafted: Drafted, said: Any, where: str) -> list[dict[str, Any]]:
    """Functions as tools; what else is called a tool is noted."""
    found: list[dict[str, Any]] = []
    for name, tool in _named(said):
        here = f"{where}.{name or 'tool'}"
        if not isinstance(tool, dict) or tool.get("type", tool.get("kind", "function")) != "function":
            drafted.lose(here, "only functions have a place among a release's tools")
            continue
        inner = {key: value for key, value in tool.items() if key not in ("kind", "id", "bindings")}
        if "function" not in inner:
            inner = {**inner, "name": inner.get("name") or tool.get("id") or name, "parameters": _parameters(tool)}
        try:
            found.append(tool_shapes.normalise(inner))
        except tool_shapes.ToolShapeError as error:
            drafted.lose(here, error.message)
    return found


def _parameters(tool: Mapping[str, Any]) -> dict[str, Any]:
    """A tool's parameters, a JSON Schema or in one of Prompty's own ways."""
    said = tool.get("parameters")
    if isinstance(said, dict) and (said.get("type") == "object" or isinstance(said.get("properties"), dict)):
        return said
    if isinstance(said, dict) and isinstance(said.get("properties"), list):
        said = said["properties"]
    return _object(list(_named(said)))


def _object(named: list[tuple[str, Any]]) -> dict[str, Any]:
    """A schema of an object; fields say themselves whether they are required."""
    fields = {name: _property(one) if isinstance(one, dict) else {} for name, one in named}
    required = [name for name, one in named if isinstance(one, dict) and one.get("required") is True]
    return {"type": "object", "properties": fields} | ({"required": required} if required else {})


def _property(said: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
    """A property as JSON Schema."""
    kind = said.get("type", said.get("kind"))
    kind = _ALIASES.get(str(kind), kind)
    found: dict[str, Any] = {"type": kind} if kind in (*_TYPES, "thread") else {}
    found |= {key: said[key] for key in _OWN if key in said and said[key] not in ("", [])}
    if depth < _DEPTH and isinstance(said.get("items"), dict):
        found["items"] = _property(said["items"], depth + 1)
    if depth < _DEPTH and isinstance(said.get("properties"), dict | list):
        inner = list(_named(said["properties"]))
        found["properties"] = {name: _property(one, depth + 1) if isinstance(one, dict) else {} for name, one in inner}
    return found | (said["json_schema"] if isinstance(said.get("json_schema"), dict) else {})


def _named(said: Any) -> Iterable[tuple[str, Any]]:
    """Entries with their names, of a mapping or of a list whose entries have names."""
    if isinstance(said, dict):
        return said.items()
    listed = said if isinstance(said, list) else []
    return [(str(one.get("name", one.get("id", ""))), one) if isinstance(one, dict) else ("", one) for one in listed]


def _type_of(value: Any) -> str | None:
    kinds = ((bool, "boolean"), (int | float, "number"), (str, "string"), (list, "array"), (dict, "object"))
    return next((name for kind, name in kinds if isinstance(value, kind)), None)


def told_inputs(one: One, schema: Any) -> dict[str, Any]:
    """The inputs of a schema, as far as Prompty has words for it; what it has none for is noted."""
    said = schema if isinstance(schema, dict) else {}
    required = set(said.get("required", []))
    found: dict[str, Any] = {}
    for name, inner in said.get("properties", {}).items():
        found[name] = _told_input(one, name, inner if isinstance(inner, dict) else {})
        found[name] |= {"required": True} if name in required else {}
    rest = sorted(set(said) - {"type", "properties", "required"})
    if rest:
        one.lose("inputs", f"Prompty has no word for {', '.join(rest)}")
    return found


def _told_input(one: One, name: str, inner: Mapping[str, Any]) -> dict[str, Any]:
    known = {key: inner[key] for key in ("description", "default") if key in inner}
    kind = inner.get("type")
    if kind not in _TYPES:
        kind = "string"
        one.lose(f"inputs.{name}.type", "Prompty wants one type: string is told")
    examples = inner.get("examples")
    if isinstance(examples, list) and examples:
        known["sample"] = examples[0]
    rest = sorted(set(inner) - {"type", "description", "default", "examples"})
    if rest or (isinstance(examples, list) and len(examples) > 1):
        one.lose(f"inputs.{name}", f"Prompty has no word for {', '.join(rest) or 'several examples'}")
    return {"type": kind, **known}


def told_configuration(part: Mapping[str, Any]) -> dict[str, Any]:
    """Which model, in the words that every version of Prompty reads."""
    provider = part.get("provider")
    key = "azure_deployment" if str(provider).startswith("azure") else "name"
    return ({"type": provider} if provider else {}) | {key: part["id"]}
