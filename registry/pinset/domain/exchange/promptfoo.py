"""promptfoo's configuration: prompts as texts and files, providers as models, what tests fill in as examples of the inputs.

Its templates are Nunjucks: those with variables only are mustache here, others Jinja, where that parses them.
"""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING, Any, Final

from pinset.domain import names
from pinset.domain.exchange import chat
from pinset.domain.exchange.drafting import DEFAULT, Drafted, Prompt, schema_of_inputs
from pinset.domain.text import strict_json, strict_yaml, templates, tool_shapes
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pinset.domain.exchange.incoming import Taken

NAMES: Final = ("promptfooconfig.yaml", "promptfooconfig.yml", "promptfooconfig.json")
_FILES: Final = (".txt", ".md", ".j2", ".json", ".yaml", ".yml")
_ELSEWHERE: Final = re.compile(r"(?:exec|langfuse|portkey|helicone|https?|package|python|az|s3|gs)[:]", re.IGNORECASE)
_PROGRAM: Final = re.compile(r".*\.(?:[cm]?[jt]s|py|sh|bash|rb|pl|csv|xlsx?)(?::\w+)?", re.DOTALL)
_WAYS: Final = frozenset(
    {"chat", "completion", "responses", "messages", "assistant", "realtime", "embedding", "embeddings"}
)
_SECRET: Final = re.compile(
    r"api_?(?:key|host|base)|base_?url|organi[sz]ation|header|token|secret|password|endpoint", re.IGNORECASE
)
_APART: Final = re.compile(r"^---[ \t]*$\n?", re.MULTILINE)
_KNOWN: Final = ("prompts", "providers", "targets", "tests", "description")


def is_config(path: str) -> bool:
    """Whether a file is promptfoo's configuration, by its name."""
    return path.rpartition("/")[2] in NAMES


def take(text: str, *, beside: Mapping[str, str] | None = None, what: str = NAMES[0]) -> Taken:
    """A bundle of all its prompts and models. beside: files by their paths from it. Raises InvalidInput."""
    try:
        config = strict_yaml.load_yaml(text).value
    except strict_yaml.StrictYamlError as error:
        at = f", line {error.line}" if error.line else ""
        raise InvalidInput(f"{what}{at}: {error.message}", hint=error.hint) from error
    if not isinstance(config, dict):
        raise InvalidInput(f"{what} is no mapping", hint="write prompts:, providers:, tests:")
    drafted = Drafted()
    for key in (key for key in config if key not in _KNOWN):
        drafted.lose(key, "it says how promptfoo runs, which has no place in a release")
    found = list(_prompts(drafted, config.get("prompts"), beside or {}))
    if not found:
        raise InvalidInput(
            f"{what} has no prompt that can be taken", hint="write prompts as texts or files: file://prompt.txt"
        )
    _models(drafted, config.get("providers", config.get("targets")))
    examples = _examples(drafted, config.get("tests"))
    for label, prompt in found:
        _with_examples(drafted, prompt, examples)
        drafted.prompts[DEFAULT if len(found) == 1 else _part_name(label, drafted.prompts)] = prompt
    if isinstance(config.get("description"), str):
        drafted.metadata["description"] = config["description"]
    return drafted.taken()


def _prompts(drafted: Drafted, said: Any, beside: Mapping[str, str]) -> Iterator[tuple[str, Prompt]]:
    listed = said if isinstance(said, list) else [said] if said is not None else []
    for at, one in enumerate(listed):
        where = f"prompts[{at}]"
        label, body = f"prompt-{at + 1}", one
        if isinstance(one, dict):
            body = one.get("raw", one.get("id"))
            label = str(one.get("label") or label)
            for key in sorted(set(one) - {"id", "raw", "label"}):
                drafted.lose(f"{where}.{key}", "it has no place in a prompt")
        if not isinstance(body, str):
            drafted.lose(where, "it is neither text nor a file")
        elif _ELSEWHERE.match(body) or ("\n" not in body and _PROGRAM.fullmatch(body)):
            drafted.lose(where, f"{body.strip()[:80]} makes its prompts when it runs, or has them elsewhere")
        elif body.startswith("file://") or ("\n" not in body and body.endswith(_FILES) and " " not in body):
            yield from _files(drafted, where, body.removeprefix("file://"), label, beside, given=isinstance(one, dict))
        else:
            yield label, _prompt(drafted, where, body)


def _files(
    drafted: Drafted, where: str, pattern: str, label: str, beside: Mapping[str, str], *, given: bool
) -> Iterator[tuple[str, Prompt]]:
    plain = pattern.removeprefix("./")
    paths = sorted(path for path in beside if path == plain or fnmatch.fnmatchcase(path, plain.replace("**/", "*")))
    if not paths:
        drafted.lose(where, f"there is no file {plain[:80]} beside it")
    for path in paths:
        texts = [beside[path]]
        if path.endswith((".txt", ".md")):
            texts = [text.strip() for text in _APART.split(beside[path]) if text.strip()]
        stem = label if given and len(paths) == 1 else path.rpartition("/")[2].rpartition(".")[0]
        for at, text in enumerate(texts, start=1):
            yield (stem if len(texts) == 1 else f"{stem}-{at}"), _prompt(drafted, f"{where} {path}", text, path)


def _prompt(drafted: Drafted, where: str, text: str, path: str = "") -> Prompt:
    value = _chat(text, path)
    if chat.is_chat(value):
        prompt = chat.prompt_of(chat.messages(drafted, value, where))
    else:
        prompt = Prompt(style="jinja2" if path.endswith(".j2") else chat.style_of([text]), template=text)
    chat.check_nunjucks(prompt, where)
    return prompt


def _chat(text: str, path: str) -> Any:
    """A chat in JSON or YAML; None where the text is a prompt as it is."""
    try:
        if path.endswith((".yaml", ".yml")):
            return strict_yaml.load_yaml(text).value
        return strict_json.loads(text) if text.lstrip().startswith("[") else None
    except (strict_json.StrictJsonError, strict_yaml.StrictYamlError) as error:
        if path.endswith((".json", ".yaml", ".yml")):
            raise InvalidInput(f"{path}: {error.message}", hint=error.hint) from error
        return None


def _models(drafted: Drafted, said: Any) -> None:
    listed = said if isinstance(said, list) else [said] if said is not None else []
    for at, one in enumerate(listed):
        where = f"providers[{at}]"
        if isinstance(one, dict) and "id" not in one and len(one) == 1:
            key, inner = next(iter(one.items()))
            one = {"id": key, **(inner if isinstance(inner, dict) else {})}  # noqa: PLW2901 - the other way to write it
        identity = one.get("id") if isinstance(one, dict) else one
        if not isinstance(identity, str) or identity.startswith(("file://", "http", "exec:", "python:", "package:")):
            drafted.lose(where, "it is a program or lies elsewhere, and names no model")
            continue
        options = one if isinstance(one, dict) else {}
        for key in sorted(set(options) - {"id", "label", "config"}):
            drafted.lose(f"{where}.{key}", "it has no place in a model")
        part = _model(drafted, where, identity, options.get("config"))
        drafted.models[_part_name(str(options.get("label") or part["name"]), drafted.models) if at else DEFAULT] = part
    if not drafted.models:
        drafted.lose("model", "no model is named, so the release does not say what runs it")


def _model(drafted: Drafted, where: str, identity: str, config: Any) -> dict[str, Any]:
    provider, *rest = identity.split(":")
    name = ":".join(rest[1:] if len(rest) > 1 and rest[0] in _WAYS else rest)
    params = dict(config) if isinstance(config, dict) else {}
    for key in [key for key in params if _SECRET.search(key)]:
        drafted.lose(f"{where}.config.{key}", "how a model is reached is the application's")
        del params[key]
    for tool in params.pop("tools", []) if isinstance(params.get("tools"), list) else []:
        try:
            found = tool_shapes.normalise(tool)
        except tool_shapes.ToolShapeError as error:
            drafted.lose(f"{where}.config.tools", error.message)
            continue
        if found not in drafted.tools:
            drafted.tools.append(found)
    named = {"provider": provider, "name": name} if name else {"name": provider}
    return named | ({"params": params} if params else {})


def _examples(drafted: Drafted, said: Any) -> dict[str, list[Any]]:
    """What the tests fill in, by variable."""
    if isinstance(said, str):
        drafted.lose("tests", f"they are in {said[:80]}, and stay there")
    found: dict[str, list[Any]] = {}
    asserted = False
    for test in said if isinstance(said, list) else []:
        asserted = asserted or (isinstance(test, dict) and "assert" in test)
        given = test.get("vars") if isinstance(test, dict) else None
        for name, value in given.items() if isinstance(given, dict) else ():
            known = found.setdefault(name, [])
            if not (isinstance(value, str) and value.startswith("file://")) and value not in known:
                known.append(value)
    if asserted:
        drafted.lose("tests.assert", "what is expected of answers is evidence about a release, and no part of it")
    return found


def _with_examples(drafted: Drafted, prompt: Prompt, examples: Mapping[str, list[Any]]) -> None:
    """Say in the inputs what tests fill in."""
    used = sorted({name for text in prompt.texts() for name in templates.parse(prompt.style, text).variables})
    if not any(examples.get(name) for name in used):
        return
    properties = {name: {"examples": examples[name]} if examples.get(name) else {} for name in used}
    schema_of_inputs(drafted, prompt, {"type": "object", "properties": properties, "required": used}, where="tests")


def _part_name(label: str, taken: Mapping[str, Any]) -> str:
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", label).strip(".-")[: names.NAME_LIMIT - 4].strip(".-")
    name = plain if names.is_part_name(plain) else "prompt"
    return name if name not in taken else next(one for at in range(2, 10_000) if (one := f"{name}-{at}") not in taken)
