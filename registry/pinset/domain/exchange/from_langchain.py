"""LangChain: a manifest of a prompt, read into the files of a release."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pinset.domain.exchange import carried, langchain, langchain_objects, langchain_templates
from pinset.domain.exchange.authored import Authored, Template
from pinset.domain.exchange.incoming import Lost, Taken
from pinset.domain.exchange.parts import DEFAULT, Parts, model_id, parts_of
from pinset.domain.text import tool_shapes
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
        self._document, self._strict, self._before = document, strict, files
        self._made = Authored(files)
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
        if not self._says_the_same():
            self._made.prompt(self._name, self._template())
        self._made.about(self._name, **{key: self._told[key] for key in carried.OF_PROMPT if key in self._told})
        if found.output is not None and not self._is_output(found.output):
            self._made.about(self._name, output=found.output)
        if (runs := found.model or (None if found.release else model)) is not None:
            self._model(runs)
        if found.tools is not None:
            self._tools(found.tools)
        before = self._content("metadata")
        changed = {key: value for key, value in found.metadata.items() if before.get(key) != value}
        if changed:
            self._made.metadata(changed)
        made = self._made.files()
        if self._before and made == Authored(self._before).files():
            made = dict(self._before)  # also its label: it is the same release
        return Taken(files=made, lost=tuple(self._lost))

    def _carried(self) -> None:
        """What a registry told beside the prompt, of one that is not from here."""
        told = self._found.release
        details, others, models = (told.get(key) for key in ("tool_details", "other_tools", "models"))
        tools: dict[str, Any] = {}
        for one in told["tools"] if isinstance(told.get("tools"), list) else []:
            try:
                tool = tool_shapes.normalise(one)
            except tool_shapes.ToolShapeError as error:
                self._lose("metadata.release.tools", f"{error.message}: it is left out")
                continue
            tools[tool["name"]] = details.get(tool["name"], tool) if isinstance(details, dict) else tool
        tools |= others if isinstance(others, dict) else {}
        models = dict(models) if isinstance(models, dict) else {}
        if isinstance(told.get("model"), dict):
            models[str(self._told.get("model", DEFAULT))] = told["model"]
        carried.put(self._made, {**told, "tools": tools, "models": models}, self._lose)

    # -- the prompt ------------------------------------------------------------------------------------------------

    def _says_the_same(self) -> bool:
        """Whether the prompt is the one that was told."""
        if self._document is None or self._parts.prompt is None:
            return False
        before = langchain_objects.read(langchain.manifest_of(self._document, self._parts))
        found = self._found
        return (before.text, before.items, before.fixed) == (found.text, found.items, found.fixed)

    def _template(self) -> Template:
        before = (self._parts.prompt or self._told).get("format")
        try:
            styled = langchain_templates.taken(self._found.templates(), before, self._found.fixed)
        except langchain_templates.CannotReadError as error:
            self._lose("template", f"{error}: it is kept as text, which nothing fills", grave=True)
            texts = [one.text.replace("{{>", "{{ >") for one in self._found.templates()]
            styled = langchain_templates.Styled("text", texts)
        if self._found.text is not None:
            return Template(style=styled.style, text=styled.texts[0])
        left = iter(styled.texts)
        told = [{**one, "text": next(left)} if "text" in one else one for one in self._found.items]
        return Template(style=styled.style, messages=self._with_kept(told) if styled.style == before else told)

    def _with_kept(self, told: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Messages, with those that are the same as before as they were written: their files, includes and examples."""
        prompt = self._parts.prompt or {}
        before = [langchain_objects.messages(one) for one in langchain.chat_of(prompt)] if "messages" in prompt else []
        found: list[dict[str, Any]] = []
        at, next_entry = 0, 0
        while at < len(told):
            for entry in range(next_entry, len(before)):
                length = len(before[entry])
                if length and self._found.items[at : at + length] == before[entry]:
                    found.append({"kept": entry})
                    at, next_entry = at + length, entry + 1
                    break
            else:
                found.append(told[at])
                at += 1
        return found

    def _is_output(self, schema: Any) -> bool:
        before = self._parts.output or self._told.get("output")
        return isinstance(before, dict) and schema in (before, {"title": langchain.ANSWER, **before})

    # -- the model and the tools -----------------------------------------------------------------------------------

    def _model(self, found: Mapping[str, Any]) -> None:
        """The model, which is the one that is pinned as long as its exact text is the same."""
        before = self._parts.model or {}
        head = {key: before.get(key) for key in _KEPT} if model_id(before) == found["id"] else None
        head = head or {"provider": found["provider"], "name": found["id"]}
        if head.get("id") == head.get("name"):
            head.pop("id", None)
        model = {key: value for key, value in head.items() if value}
        name = (self._parts.prompt or {}).get("model") or DEFAULT
        self._made.model(name, {**model, **({"params": found["params"]} if found["params"] else {})})

    def _tools(self, said: list[Any]) -> None:
        """The tools that the prompt is given; all others stay."""
        given: dict[str, Any] = {}
        for at, one in enumerate(said):
            try:
                tool = tool_shapes.normalise(one)
            except tool_shapes.ToolShapeError as error:
                self._lose(f"tools[{at}]", f"{error.message}; {error.hint}", grave=True)
                continue
            before = self._parts.tools.get(tool["name"])
            same = before is not None and tool_shapes.normalise(tool_shapes.to_openai(before)) == tool
            given[tool["name"]] = before if same else tool
        if given == self._parts.tools:
            return
        everything = {**self._content("tools"), **given}
        self._made.part("tools", list(everything.values()))
        if list(given) != list(everything):
            self._made.about(self._name, tools=list(given))

    def _content(self, kind: str) -> Mapping[str, Any]:
        return self._document["content"][kind] if self._document is not None else {}

    def _lose(self, what: str, why: str, *, grave: bool = False) -> None:
        if grave and self._strict:
            raise InvalidInput(f"{what}: {why}", hint="push what a release can hold: registry/docs/compat/langsmith.md")
        self._lost.append(Lost(what=what, why=why))
