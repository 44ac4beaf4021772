"""LangChain: a manifest of a prompt, read into the files of a release."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pinset.domain.exchange import carried, langchain, langchain_objects, langchain_templates, rewriting
from pinset.domain.exchange.incoming import Lost, Taken
from pinset.domain.exchange.parts import DEFAULT, Parts, model_id, parts_of
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEPT: Final = ("provider", "name", "id", "pinned_version")


def take(
    manifest: Any,
    document: Mapping[str, Any] | None = None,
    files: Mapping[str, str] | None = None,
    prompt_name: str | None = None,
    *,
    strict: bool = False,
    model: Mapping[str, Any] | None = None,
) -> Taken:
    """A manifest as an author's files. Raises InvalidInput for what is no prompt.

    document, files: the release that it follows: what the manifest says nothing of stays as it was written there.
    prompt_name: see `parts.parts_of`. strict: refuse what would mean something else here, instead of noting it. model:
    ``{provider, id, params}`` of what the prompt is sent to, where the manifest does not say it.
    """
    taking = _Taking(manifest, document, files or {}, prompt_name, strict=strict)
    return taking.taken(model)


class _Taking:
    def __init__(
        self,
        manifest: Any,
        document: Mapping[str, Any] | None,
        files: Mapping[str, str],
        wanted: str | None,
        *,
        strict: bool,
    ) -> None:
        self._found = langchain_objects.read(manifest)
        self._parts = (
            parts_of(document, wanted) if document is not None else Parts(wanted or DEFAULT, None, None, {}, None, {})
        )
        self._document, self._strict, self._files = document, strict, files
        self._content = carried.content_of(document)
        self._lost: list[Lost] = []
        told = self._found.release.get("prompt") if document is None else None
        self._told: dict[str, Any] = told if isinstance(told, dict) else {}
        self._name = self._parts.name or DEFAULT

    def taken(self, model: Mapping[str, Any] | None) -> Taken:
        found = self._found
        for what, why in found.grave:
            self._lose(what, why, grave=True)
        for what, why in found.lost:
            self._lose(what, why)
        if self._document is None:
            self._carried()
        was = self._content["prompts"].get(self._name, {})
        prompt = dict(was)
        if not self._says_the_same():
            prompt = carried.anew(self._texts(), was, carried.beside(self._told))
        if found.output is not None and not self._is_output(found.output):
            prompt["output"] = found.output
        if (runs := found.model or (None if found.release else model)) is not None:
            self._model(runs, prompt)
        if found.tools is not None:
            given = carried.tools_of(found.tools, "tools", self._lose_grave)
            carried.give(self._content, prompt, given, self._parts.tools)
        self._content["prompts"][self._name] = prompt
        self._content["metadata"] |= found.metadata
        files, by_value = rewriting.following(self._content, self._document, self._files)
        return Taken(files=files, lost=(*self._lost, *by_value))

    def _carried(self) -> None:
        """What a registry told beside the prompt, of one that is not from here."""
        told = self._found.release
        for kind in carried.KINDS:
            if kind != "tools":
                self._content[kind] |= carried.parts(kind, told.get(kind), f"metadata.release.{kind}", self._lose)
        if carried.is_part("models", told.get("model")):
            name = self._told.get("model")
            self._content["models"][name if isinstance(name, str) else DEFAULT] = told["model"]
        given = carried.tools_of(told.get("tools") or [], "metadata.release.tools", self._lose)
        whole = carried.parts("tools", told.get("tool_details"), "metadata.release.tool_details", self._lose)
        others = carried.parts("tools", told.get("other_tools"), "metadata.release.other_tools", self._lose)
        self._content["tools"] = {**{name: whole.get(name, tool) for name, tool in given.items()}, **others}

    # -- the prompt ------------------------------------------------------------------------------------------------

    def _says_the_same(self) -> bool:
        """Whether the prompt is the one that was told."""
        if self._document is None or self._parts.prompt is None:
            return False
        before = langchain_objects.read(langchain.manifest_of(self._document, self._parts))
        found = self._found
        return (before.text, before.items, before.fixed) == (found.text, found.items, found.fixed)

    def _texts(self) -> dict[str, Any]:
        """The format of the prompt, and its texts."""
        before = (self._parts.prompt or self._told).get("format")
        try:
            styled = langchain_templates.taken(self._found.templates(), before, self._found.fixed)
        except langchain_templates.CannotReadError as error:
            self._lose("template", f"{error}: it is kept as text, which nothing fills", grave=True)
            texts = [one.text.replace("{{>", "{{ >") for one in self._found.templates()]
            styled = langchain_templates.Styled("text", texts)
        if self._found.text is not None:
            return {"format": styled.style, "template": styled.texts[0]}
        left = iter(styled.texts)
        told: list[dict[str, Any]] = []
        for one in self._found.items:
            beside = {key: value for key, value in one.items() if key != "text"}
            told.append({**beside, "template": next(left)} if "text" in one else beside)
        return {"format": styled.style, "messages": self._with_kept(told) if styled.style == before else told}

    def _with_kept(self, told: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Messages, with those that are the same as before as they were: with what they include, and as examples."""
        prompt = self._parts.prompt or {}
        before = [langchain_objects.messages(one) for one in langchain.chat_of(prompt)] if "messages" in prompt else []
        found: list[dict[str, Any]] = []
        at, next_entry = 0, 0
        while at < len(told):
            for entry in range(next_entry, len(before)):
                length = len(before[entry])
                if length and self._found.items[at : at + length] == before[entry]:
                    found.append(prompt["messages"][entry])
                    at, next_entry = at + length, entry + 1
                    break
            else:
                found.append(told[at])
                at += 1
        return found

    def _is_output(self, schema: Any) -> bool:
        before = self._parts.output or self._told.get("output")
        return isinstance(before, dict) and schema in (before, {"title": langchain.ANSWER, **before})

    # -- the model -----------------------------------------------------------------------------------------------

    def _model(self, found: Mapping[str, Any], prompt: Mapping[str, Any]) -> None:
        """The model, which is the one that is pinned as long as its exact text is the same."""
        before = self._parts.model or {}
        head = {key: before.get(key) for key in _KEPT} if model_id(before) == found["id"] else None
        head = head or {"provider": found["provider"], "name": found["id"]}
        if head.get("id") == head.get("name"):
            head.pop("id", None)
        model = {key: value for key, value in head.items() if value}
        self._content["models"][prompt.get("model", DEFAULT)] = {**model, "params": found["params"]}

    def _lose_grave(self, what: str, why: str) -> None:
        self._lose(what, why, grave=True)

    def _lose(self, what: str, why: str, *, grave: bool = False) -> None:
        if grave and self._strict:
            raise InvalidInput(f"{what}: {why}", hint="push what a release can hold: registry/docs/compat/langsmith.md")
        self._lost.append(Lost(what=what, why=why))
