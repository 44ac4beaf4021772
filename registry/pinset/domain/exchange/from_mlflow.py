"""MLflow: the tags of a version of a prompt, read into the files of a release."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pinset.domain.exchange import mlflow, mlflow_templates
from pinset.domain.exchange.authored import Authored, Template
from pinset.domain.exchange.incoming import Lost, Taken
from pinset.domain.exchange.parts import DEFAULT, Parts, params_of, parts_of
from pinset.domain.rendering import ROLES
from pinset.domain.text import strict_json, tool_shapes
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ROLES: Final = {"ai": "assistant", "human": "user", "model": "assistant", "function": "tool"}
_UNWRITTEN: Final = ("component", "version", "inputs_inferred", "partials")
"""What a release document adds to a part, and no manifest says."""
_OF_PROMPT: Final = ("inputs", "output", "model", "tools", "guardrails")
_BACK: Final = {theirs: ours for ours, theirs in mlflow.RENAMED.items()}


def take(
    tags: Mapping[str, str],
    document: Mapping[str, Any] | None = None,
    files: Mapping[str, str] | None = None,
    prompt_name: str | None = None,
    *,
    strict: bool = True,
) -> Taken:
    """A version as an author's files. Raises InvalidInput for tags that are of no prompt, or no JSON where that is said.

    document, files: the release that it follows, whose parts stay where the tags do not say them otherwise. prompt_name:
    which prompt of it is meant; None for its own. strict: without it what would raise is noted, and left out.
    """
    return _Taking(tags, document, files or {}, prompt_name, strict).taken()


class _Taking:
    def __init__(
        self,
        tags: Mapping[str, str],
        document: Mapping[str, Any] | None,
        files: Mapping[str, str],
        wanted: str | None,
        strict: bool,  # noqa: FBT001 - as `take` has it
    ) -> None:
        self._tags, self._strict = tags, strict
        self._lost: list[Lost] = []
        self._parts = (
            parts_of(document, wanted) if document is not None else Parts(wanted or "", None, None, {}, None, {})
        )
        self._before = mlflow.tags_of(document, wanted) if document is not None else {}
        self._content: Mapping[str, Any] = document["content"] if document is not None else {}
        self._made = Authored(files)
        self._about = self._own("prompt")
        said = self._about.get("name")
        self._name: str = self._parts.name or (said if isinstance(said, str) else "") or DEFAULT

    def taken(self) -> Taken:
        if mlflow.TEXT not in self._tags:
            self._refuse("version", f"the version has no tag {mlflow.TEXT}: it is no prompt", "use register_prompt")
            self._tags = {**self._tags, mlflow.TEXT: "", mlflow.TYPE: "text"}
        self._parts_of_ours()
        if not self._says_the_same():
            self._made.prompt(self._name, self._template())
            self._about_prompt()
        config = self._json(mlflow.MODEL_CONFIG, dict)
        if config is not None and config != self._json_before(mlflow.MODEL_CONFIG):
            self._config(dict(config))
        output = self._json(mlflow.RESPONSE_FORMAT, dict)
        if output is not None and output != self._parts.output:
            self._made.about(self._name, output=output)
        self._metadata()
        return Taken(files=self._made.files(), lost=tuple(self._lost))

    # -- the prompt ------------------------------------------------------------------------------------------------

    def _template(self) -> Template:
        before = (self._parts.prompt or {}).get("format") or self._about.get("format")
        chat = self._tags.get(mlflow.TYPE) == "chat"
        messages = self._messages(self._json(mlflow.TEXT, list) or []) if chat else []
        if not messages:
            styled = mlflow_templates.taken([self._tags[mlflow.TEXT]], before)
            self._differs(styled.differs)
            return Template(style=styled.style, text=styled.texts[0])
        styled = mlflow_templates.taken([one["text"] for one in messages if "text" in one], before)
        self._differs(styled.differs)
        left = iter(styled.texts)
        told = [{**one, "text": next(left)} if "text" in one else one for one in messages]
        return Template(style=styled.style, messages=told)

    def _messages(self, said: Sequence[Any]) -> list[dict[str, Any]]:
        """A chat's messages; which of them are placeholders is known from before, or was said."""
        listed = self._about.get("placeholders")
        numbers = listed if isinstance(listed, list) else []
        known = {f"{{{{{one['placeholder']}}}}}" for one in self._items() if "placeholder" in one}
        found: list[dict[str, Any]] = []
        for at, one in enumerate(said):
            where = f"messages[{at}]"
            role = one.get("role") if isinstance(one, dict) else None
            content = one.get("content") if isinstance(one, dict) else None
            role = _ROLES.get(str(role), role)
            if role not in ROLES or not isinstance(content, str):
                why = "its content is no text" if role in ROLES else "it has no role that a message can have"
                self._lose(where, f"{why}: it is left out")
                continue
            if role == "user" and (
                content in known or (at in numbers and content[:2] == "{{" and content[-2:] == "}}")
            ):
                found.append({"placeholder": content[2:-2].strip()})
                continue
            for key in sorted(set(one) - {"role", "content", "name"}):
                self._lose(f"{where}.{key}", "a message of a prompt is a text: this is left out")
            named = {"name": one["name"]} if isinstance(one.get("name"), str) else {}
            found.append({"role": role, **named, "text": content})
        if not found:
            self._refuse("messages", "the chat has no message", 'register [{"role": "user", "content": "…"}]')
        return found

    def _items(self) -> Sequence[Mapping[str, Any]]:
        found: Sequence[Mapping[str, Any]] = (self._parts.prompt or {}).get("messages", ())
        return found

    def _about_prompt(self) -> None:
        """What `tags_of` says of a prompt beside, of one that is not from here."""
        if self._parts.prompt is None:
            self._made.about(self._name, **{key: self._about[key] for key in _OF_PROMPT if key in self._about})

    # -- the model and the tools -----------------------------------------------------------------------------------

    def _config(self, config: dict[str, Any]) -> None:
        tools = config.pop("tools", None)
        if tools is not None:
            self._tools(tools)
        own, before = self._own("model"), self._parts.model or {}
        identity = config.pop("model_name", None) or before.get("id") or own.get("id")
        said = next((one for one in (own, before) if one and one.get("id") == identity), {})
        provider, pin = config.pop("provider", None), config.pop("pinned_version", None)
        params = {_BACK.get(key, key): value for key, value in config.items() if value is not None}
        if not isinstance(identity, str):
            if params:
                self._lose(mlflow.MODEL_CONFIG, f"no model is named, so {', '.join(sorted(params))} have no place")
            return
        if params.get("stop") == [params_of(said).get("stop")]:
            params["stop"] = params_of(said)["stop"]
        head = {"provider": provider or said.get("provider"), "name": said.get("name") or identity}
        head |= {"id": identity if identity != head["name"] else None}
        head |= {"pinned_version": pin or said.get("pinned_version")}
        model = {key: value for key, value in head.items() if value}
        name = (self._parts.prompt or {}).get("model") or self._about.get("model") or DEFAULT
        self._made.model(name, {**model, **({"params": params} if params else {})})

    def _tools(self, said: Any) -> None:
        """The tools that the prompt is given; all others stay."""
        given: dict[str, Any] = {}
        for at, one in enumerate(said if isinstance(said, list) else [said]):
            try:
                tool = tool_shapes.normalise(one)
                given[tool["name"]] = self._own("tools").get(tool["name"]) or tool
            except tool_shapes.ToolShapeError as error:
                self._lose(f"{mlflow.MODEL_CONFIG}.tools[{at}]", f"{error.message}: it is left out")
        before = {name: tool_shapes.normalise(tool_shapes.to_openai(tool)) for name, tool in self._parts.tools.items()}
        if given == before:
            return
        there = {**self._content.get("tools", {}), **{k: v for k, v in self._own("tools").items() if k not in given}}
        same = {name: there[name] for name in given if before.get(name) == given[name]}
        everything = {**there, **given, **same}
        self._made.part("tools", list(everything.values()))
        if list(given) != list(everything):
            self._made.about(self._name, tools=list(given))

    # -- what has no place there -----------------------------------------------------------------------------------

    def _parts_of_ours(self) -> None:
        """The parts that `tags_of` puts in tags of ours."""
        for kind in ("retrieval", "guardrails", "configs"):
            said = self._changed(kind)
            if not said:
                continue
            if kind == "configs":
                said = {name: self._config_file(name, value) for name, value in said.items()}
            elif kind == "retrieval":
                said = {
                    name: {**one, "index": _written(one["index"])} if "index" in one else one
                    for name, one in said.items()
                }
                said = said[DEFAULT] if set(said) == {DEFAULT} else said
            else:
                said = {name: _written(one) for name, one in said.items()}
            self._made.part(kind, said)
        for name, model in self._changed("models").items():
            self._made.model(name, _written(model))
        for name, prompt in self._changed("prompts").items():
            self._other_prompt(name, prompt)
        if mlflow.MODEL_CONFIG not in self._tags or "tools" not in (self._json(mlflow.MODEL_CONFIG, dict) or {}):
            tools = self._changed("tools")
            if tools:
                self._made.part("tools", list({**self._content.get("tools", {}), **tools}.values()))

    def _other_prompt(self, name: str, prompt: Mapping[str, Any]) -> None:
        if not _is_prompt(prompt):
            self._refuse(f"{mlflow.OWN}prompts.{name}", f"the prompt {name[:80]} is none", "write {format, template}")
            return
        if prompt.get("partials"):
            self._lose(f"{mlflow.OWN}prompts.{name}.partials", "what the prompt includes is not carried over")
        messages = [
            {"text" if key == "template" else key: one[key] for key in one} for one in prompt.get("messages", [])
        ]
        template = Template(style=prompt.get("format", "mustache"), text=prompt.get("template"), messages=messages)
        self._made.prompt(name, template)
        dropped = ("inputs",) if prompt.get("inputs_inferred") else ()
        self._made.about(name, **{key: prompt[key] for key in _OF_PROMPT if key in prompt and key not in dropped})

    def _config_file(self, name: str, value: Any) -> Any:
        """A text cannot stand in a manifest as a config: it is a file."""
        if not isinstance(value, str):
            return value
        self._made.file(f"configs/{name}.txt", value)
        return f"configs/{name}.txt"

    def _metadata(self) -> None:
        found = {key: value for key, value in self._tags.items() if not mlflow.is_reserved(key)}
        found |= self._own("metadata")
        before = self._content.get("metadata", {})
        changed = {key: value for key, value in found.items() if before.get(key) != value}
        if changed:
            self._made.metadata(changed)
        kept = {mlflow.IS_PROMPT, mlflow.TEXT, mlflow.TYPE, mlflow.MODEL_CONFIG, mlflow.RESPONSE_FORMAT}
        for key in sorted(set(self._tags) - kept):
            if mlflow.is_reserved(key) and not key.startswith(mlflow.OWN):
                self._lose(
                    f"tags.{key}", "it is MLflow's own note: which runs and experiments used it is not kept here"
                )

    # -- reading tags ----------------------------------------------------------------------------------------------

    def _own(self, kind: str) -> dict[str, Any]:
        """A tag of ours. Who writes one by hand is told where it is wrong."""
        return self._json(f"{mlflow.OWN}{kind}", dict) or {}

    def _changed(self, kind: str) -> dict[str, Any]:
        """A tag of ours, where it says something else than what is there."""
        key = f"{mlflow.OWN}{kind}"
        found = self._own(kind)
        if found and not all(isinstance(one, dict) or kind == "configs" for one in found.values()):
            self._refuse(f"tags.{key}", f"the tag {key} holds what is no part", 'write {"name": {…}}')
            return {}
        return {} if found == self._json_before(key) else found

    def _json(self, key: str, kind: type) -> Any:
        text = self._tags.get(key)
        if text is None:
            return None
        try:
            found = strict_json.loads(text)
        except strict_json.StrictJsonError as error:
            self._refuse(f"tags.{key}", f"the tag {key} is no JSON: {error.message}", error.hint)
            return None
        if not isinstance(found, kind):
            wanted = "a list" if kind is list else "an object"
            self._refuse(f"tags.{key}", f"the tag {key} is not {wanted}", "write it as MLflow's own client does")
            return None
        return found

    def _json_before(self, key: str) -> Any:
        return strict_json.loads(self._before[key]) if key in self._before else None

    def _says_the_same(self) -> bool:
        """Whether the prompt is what it was. Clients that know no chats send the JSON of one as a text."""
        kind, before = self._tags.get(mlflow.TYPE), self._before.get(mlflow.TYPE)
        if self._tags[mlflow.TEXT] == self._before.get(mlflow.TEXT) and kind in (before, None):
            return True
        return kind == before == "chat" and self._json(mlflow.TEXT, list) == self._json_before(mlflow.TEXT)

    def _differs(self, why: str) -> None:
        if why:
            self._lose("template", why)

    def _refuse(self, what: str, message: str, hint: str) -> None:
        if self._strict:
            raise InvalidInput(message, hint=hint)
        lost = Lost(what=what, why=f"{message}: it is left out")
        if lost not in self._lost:
            self._lost.append(lost)

    def _lose(self, what: str, why: str) -> None:
        self._lost.append(Lost(what=what, why=why))


def _is_prompt(prompt: Mapping[str, Any]) -> bool:
    """Whether a value is a prompt as a release document has it."""
    items = prompt.get("messages", [prompt])
    return isinstance(items, list) and all(
        isinstance(one, dict)
        and (isinstance(one.get("template"), str) or "placeholder" in one or "examples" in one)
        and isinstance(one.get("role", ""), str)
        and ("role" in one or "template" not in one or one is prompt)
        for one in items
    )


def _written(part: Mapping[str, Any]) -> dict[str, Any]:
    """A part of a release document as a manifest says it."""
    return {key: value for key, value in part.items() if key not in _UNWRITTEN and value is not None}
