"""MLflow: the tags of a version of a prompt, read into the files of a release."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pinset.domain.exchange import carried, chat, mlflow, mlflow_templates, rewriting
from pinset.domain.exchange.incoming import Lost, Taken
from pinset.domain.exchange.parts import DEFAULT, Parts, params_of, parts_of, texts_of
from pinset.domain.text import strict_json
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_KINDS: Final = ("retrieval", "guardrails", "configs", "models", "prompts")
"""Kinds that are told whole in tags of ours."""
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
        self._document, self._files = document, files
        self._content = carried.content_of(document)
        self._about = self._own("prompt")
        said = self._about.get("name")
        self._name: str = self._parts.name or (said if isinstance(said, str) else "") or DEFAULT

    def taken(self) -> Taken:
        if mlflow.TEXT not in self._tags:
            self._refuse("version", f"the version has no tag {mlflow.TEXT}: it is no prompt", "use register_prompt")
            self._tags = {**self._tags, mlflow.TEXT: "", mlflow.TYPE: "text"}
        self._parts_of_ours()
        was = self._content["prompts"].get(self._name, {})
        same = self._says_the_same()
        prompt = dict(was) if same else carried.anew(self._texts(), was, carried.beside(self._about))
        config = self._json(mlflow.MODEL_CONFIG, dict)
        if config is not None and config != self._json_before(mlflow.MODEL_CONFIG):
            self._config(dict(config), prompt)
        if "tools" not in (config or {}):
            self._content["tools"] |= self._changed("tools")
        output = self._json(mlflow.RESPONSE_FORMAT, dict)
        if output is not None:
            prompt["output"] = output
        if was or not same:
            self._content["prompts"][self._name] = prompt
        self._metadata()
        files, by_value = rewriting.following(self._content, self._document, self._files)
        return Taken(files=files, lost=(*self._lost, *by_value))

    # -- the prompt ------------------------------------------------------------------------------------------------

    def _texts(self) -> dict[str, Any]:
        """The format of the prompt, and its texts."""
        before = (self._parts.prompt or {}).get("format") or self._about.get("format")
        chat = self._tags.get(mlflow.TYPE) == "chat"
        messages = self._messages(self._json(mlflow.TEXT, list) or []) if chat else []
        prompt = {"messages": messages} if messages else {"template": self._tags[mlflow.TEXT]}
        styled = mlflow_templates.taken(texts_of(prompt), before)
        self._differs(styled.differs)
        if not messages:
            return {"format": styled.style, "template": styled.texts[0]}
        left = iter(styled.texts)
        told = [{**one, "template": next(left)} if "template" in one else one for one in messages]
        return {"format": styled.style, "messages": told}

    def _messages(self, said: Sequence[Any]) -> list[dict[str, Any]]:
        """A chat's messages; which of them are placeholders is known from before, or was said."""
        listed = self._about.get("placeholders")
        numbers = listed if isinstance(listed, list) else []
        known = {f"{{{{{one['placeholder']}}}}}" for one in self._items() if "placeholder" in one}
        found: list[dict[str, Any]] = []
        for at, one in enumerate(said):
            where = f"messages[{at}]"
            role = chat.role_of(one.get("role")) if isinstance(one, dict) else None
            content = one.get("content") if isinstance(one, dict) else None
            if role is None or not isinstance(content, str):
                why = "it has no role that a message can have" if role is None else "its content is no text"
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
            found.append({"role": role, **named, "template": content})
        if not found:
            self._refuse("messages", "the chat has no message", 'register [{"role": "user", "content": "…"}]')
        return found

    def _items(self) -> Sequence[Mapping[str, Any]]:
        found: Sequence[Mapping[str, Any]] = (self._parts.prompt or {}).get("messages", ())
        return found

    # -- the model and the tools -----------------------------------------------------------------------------------

    def _config(self, config: dict[str, Any], prompt: dict[str, Any]) -> None:
        tools = config.pop("tools", None)
        if tools is not None:
            given = carried.tools_of(tools, f"{mlflow.MODEL_CONFIG}.tools", self._lose)
            whole = self._own("tools")
            carried.give(
                self._content, prompt, {name: whole.get(name, tool) for name, tool in given.items()}, self._parts.tools
            )
        told, before = self._own("model"), self._parts.model or {}
        own = told if carried.is_part("models", told) else {}
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
        self._content["models"][prompt.get("model", DEFAULT)] = {**model, "params": params}

    # -- what has no place there -----------------------------------------------------------------------------------

    def _parts_of_ours(self) -> None:
        """The parts that `tags_of` puts in tags of ours."""
        for kind in _KINDS:
            self._content[kind] |= self._changed(kind)

    def _metadata(self) -> None:
        found = {key: value for key, value in self._tags.items() if not mlflow.is_reserved(key)}
        self._content["metadata"] |= {**found, **self._own("metadata")}
        kept = {mlflow.IS_PROMPT, mlflow.TEXT, mlflow.TYPE, mlflow.MODEL_CONFIG, mlflow.RESPONSE_FORMAT}
        for key in sorted(set(self._tags) - kept):
            if mlflow.is_reserved(key) and not key.startswith(mlflow.OWN):
                self._lose(
                    f"tags.{key}", "it is MLflow's own note: which runs and experiments used it is not kept here"
                )

    # -- reading tags ----------------------------------------------------------------------------------------------

    def _own(self, kind: str) -> dict[str, Any]:
        """A tag of ours. Who writes one by hand is told where it is wrong."""
        key = f"{mlflow.OWN}{kind}"
        found: dict[str, Any] = self._json(key, dict) or {}
        if kind not in carried.KINDS:
            return found
        return carried.parts(kind, found, f"tags.{key}", self._refuse_part)

    def _changed(self, kind: str) -> dict[str, Any]:
        """A tag of ours, where it says something else than what is there."""
        found = self._own(kind)
        return {} if found == self._json_before(f"{mlflow.OWN}{kind}") else found

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

    def _refuse_part(self, what: str, _: str) -> None:
        self._refuse(what, f"{what[:200]} holds what is no part of a release", 'write {"name": {…}}')

    def _lose(self, what: str, why: str) -> None:
        self._lost.append(Lost(what=what, why=why))
