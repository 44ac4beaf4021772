"""Messages that another tool has as templates of its own, as a prompt of a release document."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pinset.domain.exchange import authoring, carried, chat, pieces
from pinset.domain.exchange.incoming import Lost, Taken
from pinset.domain.exchange.parts import DEFAULT
from pinset.domain.exchange.pieces import Variable
from pinset.domain.exchange.spoken import texts_in, with_texts
from pinset.domain.text import templates

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pinset.domain.exchange.beside import Again
    from pinset.domain.exchange.pieces import Pieces

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_OF_MESSAGE: Final = frozenset({"role", "content", "name"})
_CALLING: Final = frozenset({"tool_calls", "tool_call_id"})
_STYLES: Final = ("mustache", "text", "f-string")


class Heard(NamedTuple):
    """One message. read: its texts as pieces, and ``raw`` as they are written; None for logic that stays as it is."""

    message: Mapping[str, Any]
    content: Any
    raw: list[str]
    read: list[Pieces] | None


@dataclass(slots=True)
class Hearing:
    """One version while it is read. again: what a registry of this kind said of it itself, or None.

    fill: a text of the tool's as pieces; None for one with logic, which is Jinja. style: the format that is tried first.
    """

    fill: Callable[[str], Pieces | None]
    again: Again | None = None
    style: str | None = None
    lost: list[Lost] = field(default_factory=list)

    def lose(self, what: str, why: str) -> None:
        """Note what has no place."""
        self.lost.append(Lost(what=what, why=why))

    def taken(self, prompt: dict[str, Any], model: dict[str, Any] | None, tools: dict[str, Any], **more: Any) -> Taken:
        """All of it as an author's files. prompt: as `chat` and `text` give it. more: the other kinds, to add to."""
        about = self.again.about if self.again is not None else {}
        told = self.again.content if self.again is not None else {}
        content = {kind: carried.parts(kind, said, f"metadata.{kind}", self.lose) for kind, said in told.items()}
        for kind, value in more.items():
            content[kind] = {**content.get(kind, {}), **value}
        others: Mapping[str, Any] = content.get("tools", {})
        content["tools"] = {**{name: others.get(name, tool) for name, tool in tools.items()}, **others}
        if set(content["tools"]) != set(tools) and "tools" not in prompt:
            prompt["tools"] = list(tools)
        content["prompts"] = {**content.get("prompts", {}), str(about.get("name") or DEFAULT): prompt}
        if model is not None:
            content["models"] = {**content.get("models", {}), str(prompt.get("model") or DEFAULT): model}
        files, by_value = authoring.files_of(content)
        return Taken(files=files, lost=(*self.lost, *by_value))

    def text(self, text: str) -> dict[str, Any]:
        """A prompt of one template."""
        style, texts = self._written([self._heard({}, text, "template")])
        return {"format": style, "template": texts[0][0], **self._about()}

    def chat(self, given: Sequence[Any], where: str) -> dict[str, Any]:
        """A prompt of messages. where: what a note calls them."""
        heard = [
            one for at, message in enumerate(given) if (one := self._message(message, f"{where}[{at}]")) is not None
        ]
        about = self.again.about if self.again is not None else {}
        if self.again is not None and "messages" not in about and len(heard) == 1 and isinstance(heard[0].content, str):
            style, texts = self._written(heard)
            return {"format": style, "template": texts[0][0], **self._about()}
        kinds_of = {"placeholders": list, "examples": list, "names": dict}
        places: dict[str, Any] = {
            kind: about[kind] for kind, form in kinds_of.items() if isinstance(about.get(kind), form)
        }
        if about.get("messages") != len(given) or len(heard) != len(given):
            places = {}
        names = places.get("names") or {}
        heard = [
            one._replace(message={**one.message, "name": names[str(at)]}) if str(at) in names else one
            for at, one in enumerate(heard)
        ]
        kinds = [self._kind(at, one, places) for at, one in enumerate(heard)]
        style, texts = self._written([one for one, kind in zip(heard, kinds, strict=True) if kind == "template"])
        left = iter(texts)
        messages: list[dict[str, Any]] = []
        for one, kind in zip(heard, kinds, strict=True):
            if kind == "placeholder":
                messages.append({"placeholder": _only(one)})
            elif kind == "template":
                said = {key: one.message[key] for key in ("role", "name") if key in one.message}
                messages.append({**said, "template": next(left)[0]})
            else:
                self._example(messages, one)
        return {"format": style, "messages": messages, **self._about()}

    def _about(self) -> dict[str, Any]:
        return carried.beside(self.again.about) if self.again is not None else {}

    def _message(self, given: Any, where: str) -> Heard | None:
        role = chat.role_of(given.get("role")) if isinstance(given, dict) else None
        if role is None:
            self.lose(where, "it has no role that a message can have")
            return None
        message = {"role": role, **{key: given[key] for key in given if key not in ("role", "content")}}
        if not isinstance(message.get("name", ""), str):
            del message["name"]
        content = given.get("content")
        if not _CALLING & set(message):
            for key in sorted(set(message) - _OF_MESSAGE):
                self.lose(f"{where}.{key}", "a message of a prompt is a text: this is left out")
            content = self._plain(content, f"{where}.content")
        return self._heard(message, content, where)

    def _plain(self, content: Any, where: str) -> str:
        """What a message says as one text."""
        if isinstance(content, str):
            return content
        parts = content if isinstance(content, list) else [] if content is None else [content]
        texts = texts_in(parts)
        if len(texts) != len(parts):
            self.lose(where, "pictures, sound and files have no place in a text")
        if len(texts) > 1:
            self.lose(where, "its parts are joined to one text")
        return "\n".join(texts)

    def _heard(self, message: Mapping[str, Any], content: Any, where: str) -> Heard:
        raw = texts_in(content)
        read: list[Pieces] = []
        for text in raw:
            found = self.fill(text)
            if found is None:
                return Heard(message, content, raw, None)
            read.append(self._known(found, where))
        return Heard(message, content, raw, read)

    def _known(self, found: Pieces, where: str) -> Pieces:
        """Pieces whose variables have names that are some here; the others are text."""
        odd = sorted({one.name for one in found if isinstance(one, Variable) and not _NAME.fullmatch(one.name)})
        if odd:
            self.lose(where, f"{', '.join(odd)[:200]} can name no variable here: it is text")
        return pieces.joined(
            pieces.mustache((one,)) if isinstance(one, Variable) and one.name in odd else one for one in found
        )

    def _kind(self, at: int, one: Heard, places: Mapping[str, Any]) -> str:
        if _CALLING & set(one.message):
            return "example"
        if at in (places.get("placeholders") or ()) and _only(one) is not None:
            return "placeholder"
        return "example" if at in (places.get("examples") or ()) else "template"

    def _example(self, messages: list[dict[str, Any]], one: Heard) -> None:
        """A message that is no template: with the examples before it, if there are any."""
        texts = one.raw if one.read is None else [pieces.mustache(text) for text in one.read]
        if one.read is not None and any(isinstance(piece, Variable) for text in one.read for piece in text):
            self.lose("messages", "a message that calls a tool is an example, whose variables are text")
        if not messages or "examples" not in messages[-1]:
            messages.append({"examples": []})
        messages[-1]["examples"].append({**one.message, "content": with_texts(one.content, texts)})

    def _written(self, heard: Sequence[Heard]) -> tuple[str, list[list[str]]]:
        """The texts of messages, all in one format: that which they were in, else the plainest that says the same."""
        before = self.again.style if self.again is not None else self.style
        read = [one.read for one in heard if one.read is not None]
        if len(read) == len(heard):
            both = [pair for one, texts in zip(heard, read, strict=True) for pair in zip(one.raw, texts, strict=True)]
            for style in _STYLES if before is None else (before, *_STYLES):
                found = [_as(style, text, meant) for text, meant in both]
                if None not in found:
                    return style, _split([text for text in found if text is not None], heard)
        raw = [text for one in heard for text in one.raw]
        if len(read) < len(heard) and not any(templates.parse("jinja2", text).problems for text in raw):
            return "jinja2", [one.raw for one in heard]
        self.lose("template", "it does not parse as what it says it is: its braces are text")
        plainest = pieces.all_written(("text", "f-string"), [(text,) for text in raw])
        style, texts = plainest if plainest is not None else ("text", raw)
        return style, _split(texts, heard)


def _as(style: str, text: str, meant: Pieces) -> str | None:
    """A template that means this, as it is written if it may be."""
    return text if pieces.of(style, text) == meant else pieces.written(style, meant)


def _split(texts: Sequence[str], heard: Sequence[Heard]) -> list[list[str]]:
    left = iter(texts)
    return [[next(left) for _ in one.raw] for one in heard]


def _only(one: Heard) -> str | None:
    """The name of the variable that is all of a message."""
    read = one.read[0] if one.read is not None and len(one.read) == 1 else ()
    if len(read) == 1 and isinstance(read[0], Variable):
        return read[0].name
    inside = (
        one.raw[0][2:-2].strip() if len(one.raw) == 1 and one.raw[0][:2] == "{{" and one.raw[0][-2:] == "}}" else ""
    )
    return inside if _NAME.fullmatch(inside) else None
