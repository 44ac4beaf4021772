"""An author's files in which some parts are said anew: what is not said again stays as it was written.

A manifest that is there is edited where it stands, so that its comments, its order and its files stay.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.exchange.parts import DEFAULT
from pinset.domain.exchange.yaml_text import written
from pinset.domain.manifest import draft, loading
from pinset.domain.text import editing, json_schemas, templates
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pinset.domain.text.spans import Path

_BODY: Final = ("template_ref", "template", "text", "messages", "format")
_ENDINGS: Final = {"jinja2": ".j2", "text": ".txt"}
_PLURALS: Final = {"prompt": "prompts", "model": "models"}
_LABELS: Final = ("label", "version")
_SHORT: Final = 200
"""Characters of a text that stands in the manifest itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """What a prompt says. text: of one that is no chat. messages: ``{role, text}``, ``{placeholder}``, ``{examples}``.

    ``{kept: 2}`` is the third message of the prompt as it was written before.
    """

    style: str
    text: str | None = None
    messages: Sequence[Mapping[str, Any]] = ()

    def texts(self) -> list[str]:
        """Every template, in order."""
        return [self.text] if self.text is not None else [one["text"] for one in self.messages if "text" in one]


class Authored:
    """Files that are being changed. files: of the release that another one is made from, none for one from scratch."""

    def __init__(self, files: Mapping[str, str] | None = None) -> None:
        self._before = dict(files or {})
        self._files = dict(self._before)
        self._at = loading.manifest_name(self._before) or "release.yaml"
        text = self._before.get(self._at)
        self._is_json = self._at.endswith(".json")
        self._was: Any = editing.placed(text, is_json=self._is_json).value if text is not None else {"release": {}}
        self._now = copy.deepcopy(self._was)
        self._release: dict[str, Any] = self._now["release"]
        for key in _LABELS:  # a label is of one release only
            self._release.pop(key, None)

    def prompt(self, name: str, said: Template) -> None:
        """What a prompt says from now on; its inputs, its tools and all else about it stay."""
        entry = self._entry("prompt", name)
        kept = {key: value for key, value in entry.items() if key not in _BODY}
        body = self._chat(name, entry, said) if said.text is None else self._text(name, entry, said, said.text)
        guessed = {templates.guess_format(path) for path in _paths(body)} or {"mustache"}
        if guessed != {said.style}:
            body["format"] = said.style
        self._put("prompt", name, {**body, **kept, **self._inputs(kept, said)})

    def about(self, name: str, **said: Any) -> None:
        """More about a prompt that is there: ``inputs``, ``output``, ``model``, ``tools``; None takes it out."""
        entry = self._entry("prompt", name)
        kept = {key: value for key, value in entry.items() if key not in said}
        self._put("prompt", name, {**kept, **{key: value for key, value in said.items() if value is not None}})

    def model(self, name: str, said: Mapping[str, Any]) -> None:
        """A model, as a manifest says it."""
        self._put("model", name, dict(said))

    def part(self, kind: str, said: Any) -> None:
        """All parts of a kind, as a manifest says them: ``tools``, ``retrieval``, ``guardrails``, ``configs``, ``metadata``."""
        self._release[kind] = said

    def metadata(self, said: Mapping[str, Any]) -> None:
        """Metadata beside what there is."""
        self._release["metadata"] = {**(self._release.get("metadata") or {}), **said}

    def file(self, path: str, text: str) -> None:
        """A file that a part names."""
        self._files[path] = text

    def files(self) -> dict[str, str]:
        """All of them; those that no part names any more are gone. Raises InvalidInput where the manifest has no such form."""
        self._files[self._at] = self._manifest()
        before = draft.read(self._before).used if self._before else set()
        gone = before - draft.read(self._files).used
        return {path: text for path, text in self._files.items() if path not in gone}

    def _manifest(self) -> str:
        text = self._before.get(self._at)
        if text is not None:
            try:
                return _edited(text, (), self._was, self._now, is_json=self._is_json)
            except InvalidInput:
                pass  # it is written in a way that cannot be changed in one place
        return json.dumps(self._now, ensure_ascii=False, indent=2) + "\n" if self._is_json else written(self._now)

    def _named(self, single: str, name: str) -> tuple[dict[str, Any], str]:
        """Where an entry stands, or is to."""
        plural = _PLURALS[single]
        many = self._release.get(plural)
        if isinstance(many, dict) and (name != DEFAULT or name in many or single not in self._release):
            return many, name
        if name == DEFAULT:
            return self._release, single
        return self._release.setdefault(plural, {}), name

    def _entry(self, single: str, name: str) -> dict[str, Any]:
        """What is said of a part, whole; {} where nothing is."""
        container, key = self._named(single, name)
        entry = container.get(key)
        if isinstance(entry, str):
            return {"template_ref" if "@" in entry else "template": entry}
        return dict(entry) if isinstance(entry, dict) else {}

    def _put(self, single: str, name: str, said: dict[str, Any]) -> None:
        container, key = self._named(single, name)
        if isinstance(container.get(key), str) and said == {"template": container[key]}:
            return
        container[key] = said

    def _text(self, name: str, entry: Mapping[str, Any], said: Template, text: str) -> dict[str, Any]:
        path = None if self._is_shared(entry.get("template")) else entry.get("template")
        if "text" in entry and _fits_inline(text):
            return {"text": text}
        if not isinstance(path, str):
            path = f"prompts/{name}{_ENDINGS.get(said.style, '.md')}"
        self._files[path] = text
        return {"template": path}

    def _chat(self, name: str, entry: Mapping[str, Any], said: Template) -> dict[str, Any]:
        before = entry.get("messages")
        before = before if isinstance(before, list) else []
        ending = _ENDINGS.get(said.style, ".md")
        found: list[dict[str, Any]] = []
        for at, message in enumerate(said.messages):
            was = before[at] if at < len(before) and isinstance(before[at], dict) else {}
            if "kept" in message:
                found.append(copy.deepcopy(before[message["kept"]]))
                continue
            if "text" not in message:
                same = [one for one in before if isinstance(one, dict) and set(one) & set(message)]
                found.append(
                    dict(same[0] if same and "examples" in message and message["examples"] is None else message)
                )
                continue
            head = {key: message[key] for key in ("role", "name") if key in message}
            path = was.get("template") if was.get("role") == message["role"] else None
            path = None if self._is_shared(path) else path
            if not isinstance(path, str) and _fits_inline(message["text"]):
                found.append({**head, "text": message["text"]})
                continue
            path = path if isinstance(path, str) else f"prompts/{name}.{at + 1}-{message['role']}{ending}"
            self._files[path] = message["text"]
            found.append({**head, "template": path})
        return {"messages": found}

    def _is_shared(self, path: Any) -> bool:
        """Whether a file is of something else, too, which is not meant to change with it."""
        name = str(path)
        times = _times(self._was, name)
        return times > 1 or any(name in text for at, text in self._before.items() if at not in (self._at, name))

    def _inputs(self, kept: Mapping[str, Any], said: Template) -> dict[str, Any]:
        """The schema of the inputs with what the templates ask for beside, where there is one."""
        schema = kept.get("inputs")
        if isinstance(schema, str) and schema in self._files:
            loaded = loading.load(schema, self._files[schema])
            schema = getattr(loaded, "value", None)
        if not isinstance(schema, dict):
            return {}
        used = {name for text in said.texts() for name in templates.parse(said.style, text).variables}
        used |= {one["placeholder"] for one in said.messages if "placeholder" in one}
        declared, _, is_open = json_schemas.declared_variables(schema)
        missing = sorted(used - declared)
        if not missing or is_open:
            return {}
        return {"inputs": {**schema, "properties": {**schema.get("properties", {}), **{name: {} for name in missing}}}}


def _times(value: Any, text: str) -> int:
    """How often a text is among the values of another value."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return int(value == text) + sum(_times(one, text) for one in inner)


def _fits_inline(text: str) -> bool:
    return len(text) <= _SHORT and "\n" not in text


def _paths(body: Mapping[str, Any]) -> list[str]:
    items = [body, *body.get("messages", [])]
    return [item["template"] for item in items if "template" in item]


def _edited(text: str, path: Path, was: Any, now: Any, *, is_json: bool) -> str:
    """A text that says another value, with as little of it changed as that takes. Raises InvalidInput."""
    if editing.same(was, now):
        return text
    if not isinstance(was, dict) or not isinstance(now, dict) or (path and not (was and now)):
        return editing.replaced(text, path, now, is_json=is_json)
    for key, value in _rising(was, now):
        here = (*path, key)
        if key in was:
            text = _edited(text, here, was[key], value, is_json=is_json)
        else:
            text = editing.added(text, here, '""', is_json=is_json)
            text = editing.replaced(text, here, value, is_json=is_json)
    for key in was:
        if key not in now:
            text = editing.removed(text, (*path, key), is_json=is_json)
    return text


def _rising(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Entries that there are before those that come, as nothing may be empty in between."""
    yield from ((key, value) for key, value in now.items() if key in was)
    yield from ((key, value) for key, value in now.items() if key not in was)
