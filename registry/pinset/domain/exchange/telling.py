"""What a release document has for a tool that knows one prompt a file, and what of it has no place there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.exchange.drafting import DEFAULT
from pinset.domain.exchange.incoming import Lost
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_ELSEWHERE: Final = {
    "retrieval": "retrieval has no place in the file: the application keeps asking its index itself",
    "guardrails": "guardrails have no place in the file",
    "configs": "configs have no place in the file",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A release in another tool's shape. files: texts by name. lost: what could not be carried."""

    files: Mapping[str, str]
    lost: tuple[Lost, ...] = ()


class CannotTellError(ValueError):
    """Why a prompt cannot be said in another tool's shape."""


@dataclass(slots=True)
class One:
    """One prompt with what belongs to it. stem: of its file. said: of the prompt; model, tools: what it runs with."""

    name: str
    stem: str
    document: Mapping[str, Any]
    said: Mapping[str, Any]
    model: Mapping[str, Any] | None
    tools: list[Mapping[str, Any]]
    lost: list[Lost] = field(default_factory=list)

    def lose(self, what: str, why: str) -> None:
        """Note what has no place."""
        self.lost.append(Lost(what=f"{self.stem}: {what}", why=why))

    @property
    def metadata(self) -> dict[str, Any]:
        """The release's metadata."""
        return dict(self.document["content"].get("metadata") or {})

    def messages(self) -> list[dict[str, Any]]:
        """``{role, text}``, perhaps with ``name``, and ``{placeholder}``; examples told as messages. [] for a template."""
        found: list[dict[str, Any]] = []
        for item in self.said.get("messages", []):
            if "examples" in item:
                found += self._examples(item["examples"])
            elif "template" in item:
                found.append({**{key: item[key] for key in ("role", "name") if key in item}, "text": item["template"]})
            else:
                found.append({"placeholder": item["placeholder"]})
        return found

    def _examples(self, examples: list[Any]) -> Iterator[dict[str, Any]]:
        self.lose("messages.examples", "examples are told as the messages that they stand for")
        for example in examples:
            inner = example.get("messages") if isinstance(example, dict) else None
            for one in inner if isinstance(inner, list) else [example]:
                yield from _plain(one)


def prompts(document: Mapping[str, Any]) -> Iterator[One]:
    """Each prompt of a release document. The prompt default is called as its bundle is."""
    content = document["content"]
    models, tools = content.get("models", {}), content.get("tools", {})
    for name, said in content["prompts"].items():
        stem = document["bundle"] if name == DEFAULT else name
        wanted = said.get("model") or (
            DEFAULT if DEFAULT in models else next(iter(models), "") if len(models) == 1 else ""
        )
        listed = said.get("tools")
        chosen = [tools[tool] for tool in (tools if listed is None else listed) if tool in tools]
        one = One(name, stem, document, said, models.get(wanted), chosen)
        _note(one, wanted)
        yield one


def beyond(document: Mapping[str, Any]) -> list[Lost]:
    """What a release has beside prompts, models and tools."""
    content = document["content"]
    return [
        Lost(what=f"{kind}.{name}", why=why) for kind, why in _ELSEWHERE.items() for name in content.get(kind) or ()
    ]


def _note(one: One, wanted: str) -> None:
    if one.model is None:
        one.lose("model", "the release has no model, or several of which the prompt names none")
    elif wanted != DEFAULT and one.name == DEFAULT:
        one.lose(f"models.{wanted}", "the name of the model among the release's has no place in the file")
    if one.said.get("guardrails"):
        one.lose("guardrails", "which guardrails the prompt wants has no place in the file")


def _plain(example: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(example, dict):
        raise CannotTellError("an example is no message and no pair of input and output")
    if isinstance(example.get("content"), str) and isinstance(example.get("role"), str):
        yield {"role": example["role"], "text": example["content"]}
    elif isinstance(example.get("input"), str) and isinstance(example.get("output"), str):
        yield {"role": "user", "text": example["input"]}
        yield {"role": "assistant", "text": example["output"]}
    else:
        raise CannotTellError("an example is no message and no pair of input and output")


def each(
    document: Mapping[str, Any],
    format_name: str,
    ending: str,
    told: Callable[[One], str],
    *,
    hint: str = "see what it holds",
) -> Told:
    """A file for each prompt that can be said. told: the text of one. Raises InvalidInput, with the hint, where none can."""
    files: dict[str, str] = {}
    lost = beyond(document)
    for one in prompts(document):
        try:
            files[one.stem + ending] = told(one)
            lost += one.lost
        except CannotTellError as error:
            lost.append(Lost(what=one.stem, why=f"{error}: it is not written"))
    if not files:
        why = lost[-1].why if lost else "it has none"
        raise InvalidInput(f"no prompt of {document['ref']} can be said as {format_name}: {why}", hint=hint)
    return Told(files=files, lost=tuple(lost))
