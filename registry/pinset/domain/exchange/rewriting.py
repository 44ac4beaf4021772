"""An author's files with another content: what is the same stays as it is written."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.exchange.authoring import KINDS, OF_PROMPT, SINGLE, filed, part_of
from pinset.domain.exchange.parts import DEFAULT, messages_of
from pinset.domain.manifest import loading
from pinset.domain.manifest.loading import manifest_name
from pinset.domain.manifest.parts import MODEL, PARAMETERS
from pinset.domain.text import editing, tool_shapes
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_EDITS: Final = 200
_WORK: Final = 4_000_000
"""Edits of a manifest, and characters of it times edits."""


def changed(files: Mapping[str, str], before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, str]:
    """An author's files with another content: what is the same in both stays as it is written.

    before: the content that the files have. Raises InvalidInput where the manifest cannot be edited.
    """
    at = manifest_name(files)
    if at is None:
        raise InvalidInput("there is no one manifest to change", hint="publish it anew: pinset publish DIR")
    edited = _Edited(dict(files), at)
    for kind in KINDS:
        was, now = before.get(kind) or {}, after.get(kind) or {}
        if kind == "metadata":
            if was != now:
                edited.put(("metadata",), now or None)
            continue
        for name in sorted({*was, *now}):
            if was.get(name) != now.get(name):
                edited.change(kind, name, was.get(name), now.get(name))
    edited.tools(before.get("tools") or {}, after.get("tools") or {})
    return edited.files


class _Edited:
    """An author's files while they are changed."""

    def __init__(self, files: dict[str, str], at: str) -> None:
        self.files, self._at, self._is_json = files, at, at.endswith(".json")
        self._left = _EDITS

    @property
    def _release(self) -> dict[str, Any]:
        value = editing.placed(self.files[self._at], is_json=self._is_json).value
        found = value.get("release") if isinstance(value, dict) else None
        if not isinstance(found, dict):
            raise InvalidInput("the manifest has no release", hint="begin the manifest with the line: release:")
        return found

    def put(self, path: tuple[str, ...], value: Any) -> None:
        """Set, add or, with None, take out a value below ``release``; of one that is there only what differs is written."""
        here: Any = self._release
        for at, step in enumerate(path[:-1]):
            if not isinstance(here, dict) or step not in here:
                self._write(
                    editing.added, path[:at], step, _nested(path[at + 1 :], value)
                ) if value is not None else None
                return
            here = here[step]
        self._settle(path[:-1], path[-1], here, value)

    def _settle(self, above: tuple[str | int, ...], step: str | int, holder: Any, value: Any) -> None:
        found: Any = holder
        there: Any = found[step] if isinstance(holder, list) or step in holder else None
        if there is None and value is None:
            return
        if value is None:
            self._write(editing.removed, above, step)
        elif there is None and isinstance(holder, dict) and step not in holder:
            self._write(editing.added, above, step, value)
        elif isinstance(there, dict) and isinstance(value, dict) and there.keys() & value.keys():
            for key in sorted(there.keys() - value.keys()):
                self._write(editing.removed, (*above, step), key)
            for key, one in value.items():
                self._settle((*above, step), key, there, one)
        elif isinstance(there, list) and isinstance(value, list) and len(there) == len(value):
            for at, one in enumerate(value):
                self._settle((*above, step), at, there, one)
        elif not editing.same(there, value):
            self._write(editing.replaced, above, step, value)

    def _write(self, how: Any, above: tuple[str | int, ...], step: str | int, value: Any = None) -> None:
        """One edit of the manifest, which reads all of it."""
        self._left -= 1
        text = self.files[self._at]
        if self._left < 0 or len(text) * (_EDITS - self._left) > _WORK:
            raise InvalidInput(
                "these are too many changes of a manifest at once", hint="publish it whole: pinset publish DIR"
            )
        given = {editing.added: (editing.one_line(value),), editing.replaced: (value,)}.get(how, ())
        self.files[self._at] = how(text, ("release", *above, step), *given, is_json=self._is_json)

    def change(self, kind: str, name: str, was: Any, now: Any) -> None:
        """One part. It stays where it stands; a first one of its kind that is the entry default stands alone."""
        release, single = self._release, SINGLE.get(kind, kind if kind == "retrieval" else "")
        alone = name == DEFAULT and single in release and not (kind == "retrieval" and _is_named(release[single]))
        first = name == DEFAULT and single in SINGLE.values() and kind not in release
        path = (single,) if alone or first else (kind, name)
        if kind == "guardrails" and not isinstance(release.get(kind, {}), dict):
            raise InvalidInput("guardrails that are a list cannot be changed one by one", hint="write them by name")
        if now is None:
            self.put(path, None)
            return
        written_now: Any = release.get(path[0])
        for step in path[1:]:
            written_now = written_now.get(step) if isinstance(written_now, dict) else None
        if kind == "prompts" and was is not None and written_now is not None:
            self.put(path, self._prompt(name, written_now, was, now))
        elif kind == "models" and isinstance(written_now, dict):
            self.put(path, _as_flat(part_of(kind, name, now, self.files), written_now))
        else:
            self.put(path, part_of(kind, name, now, self.files))

    def tools(self, was: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        """The list of tools: entries of which every tool is as it was stay, and what is new or another one is inline."""
        if was == now:
            return
        kept: list[Any] = []
        told: set[str] = set()
        for entry in self._release.get("tools") or []:
            keys = _tools_of(entry, self.files)
            if keys and all(key in now and was.get(key) == now[key] for key in keys):
                kept.append(entry)
                told.update(keys)
        self.put(("tools",), [*kept, *(tool for key, tool in now.items() if key not in told)] or None)

    def _whole(self, name: str, there: Any, was: Mapping[str, Any], now: Mapping[str, Any]) -> Any:
        """A prompt written anew, but for guardrails that it defines itself."""
        part = part_of("prompts", name, now, self.files)
        if isinstance(there, dict) and "guardrails" in there and was.get("guardrails") == now.get("guardrails"):
            part["guardrails"] = there["guardrails"]
        return part

    def _prompt(self, name: str, there: Any, was: Mapping[str, Any], now: Mapping[str, Any]) -> Any:
        """A prompt as its author wrote it, with the texts changed where they stand."""
        own = part_of("prompts", name, now, {})  # what it says beside its texts
        said = {"template": there} if isinstance(there, str) and "@" not in there else there
        if not isinstance(said, dict) or "template_ref" in said or now["format"] != was["format"]:
            return self._whole(name, there, was, now)
        kept = {key: one for key, one in said.items() if key not in ("template", "text", "messages")}
        for key in OF_PROMPT:
            if was.get(key) != now.get(key) and not (key == "inputs" and key not in now and was.get("inputs_inferred")):
                kept.pop(key, None)
                if key in own:
                    kept[key] = own[key]
        if "template" in now and "messages" not in said:
            found = self._text(said, name, was["template"], now["template"], now["format"])
            return there if isinstance(there, str) and {**kept, **found} == said else {**found, **kept}
        if "messages" not in now or "messages" not in said:
            return self._whole(name, there, was, now)
        return {"messages": self._messages(name, said["messages"], was, now), **kept}

    def _messages(self, name: str, there: list[Any], was: Mapping[str, Any], now: Mapping[str, Any]) -> list[Any]:
        """Messages: those that are the same stay as they are written, and one in the place of one keeps its file."""
        old: list[tuple[int, Any]] = []
        for at, item in enumerate(was["messages"]):
            old += [(at, one) for one in messages_of({"messages": [item]})]
        new = messages_of(now)
        found: list[Any] = []
        whole = {at: sum(1 for place, _ in old if place == at) for at in range(len(there))}
        keys = [repr(one) for _, one in old]
        for what, i, j, k, m in SequenceMatcher(None, keys, [repr(one) for one in new], autojunk=False).get_opcodes():
            if what == "equal":
                found += self._same(name, there, old[i:j], new[k:m], whole, now["format"])
            elif what == "replace" and j - i == m - k:
                for (at, _), one in zip(old[i:j], new[k:m], strict=True):
                    found.append(self._message(name, there[at], was["messages"][at], one, now["format"]))
            elif what in ("replace", "insert"):
                found += [self._message(name, None, None, one, now["format"]) for one in new[k:m]]
        return found

    def _same(
        self,
        name: str,
        there: list[Any],
        old: Sequence[tuple[int, Any]],
        new: Sequence[Any],
        whole: dict[int, int],
        style: str,
    ) -> Iterator[Any]:
        """Items whose messages are all there, as they are written; of examples that lost some, what is left."""
        seen: dict[int, int] = {}
        for at, _ in old:
            seen[at] = seen.get(at, 0) + 1
        told: set[int] = set()
        for (at, _), one in zip(old, new, strict=True):
            if seen[at] != whole[at]:
                yield self._message(name, None, None, one, style)
            elif at not in told:
                told.add(at)
                yield there[at]

    def _message(self, name: str, there: Any, was: Any, one: Mapping[str, Any], style: str) -> Any:
        if "placeholder" in one:
            return dict(one)
        said = {key: one[key] for key in ("role", "name") if key in one}
        fits = (
            isinstance(there, dict) and isinstance(was, dict) and "template" in was and there.get("role") == one["role"]
        )
        if not fits:
            return {**said, **filed(self.files, f"prompts/{name}-{one['role']}", one["content"], style)}
        return {**said, **self._text(there, f"{name}-{one['role']}", was["template"], one["content"], style)}

    def _text(self, there: Mapping[str, Any], name: str, was: str, now: str, style: str) -> dict[str, Any]:
        """A template's text where it stands: in its file, if that is nobody else's, or in the manifest."""
        kept = {key: there[key] for key in ("template", "text") if key in there}
        if was == now:
            return kept
        file = kept.get("template")
        if isinstance(file, str) and "@" not in file and file in self.files:
            if sum(one == file for one in _texts(self._release)) == 1 and self.files[file] == was:
                self.files[file] = now
                return kept
        elif "text" in kept:
            return {"text": now}
        return filed(self.files, f"prompts/{name}", now, style)


def _tools_of(entry: Any, files: Mapping[str, str]) -> list[str]:
    """The tools that an entry of the list brings, as the release calls them."""
    if isinstance(entry, str) and "@" in entry:
        return [entry.partition("@")[0].rpartition("/")[2]]
    try:
        found = loading.json_value(files[entry]) if isinstance(entry, str) else entry
        return [tool_shapes.normalise(one)["name"] for one in (found if isinstance(found, list) else [found])]
    except (KeyError, ValueError):
        return []


def _nested(path: Sequence[str], value: Any) -> Any:
    """A value below keys that are not there yet."""
    for step in reversed(path):
        value = {step: value}
    return value


def _as_flat(model: dict[str, Any], there: Mapping[str, Any]) -> dict[str, Any]:
    """A model whose parameters stand beside its name, where its author wrote them so and none could be taken for a slip."""
    params = model.get("params", {})
    if "params" in there or not set(params) <= {*there, *PARAMETERS} or set(params) & set(MODEL):
        return model
    return {**{key: one for key, one in model.items() if key != "params"}, **params}


def _is_named(value: Any) -> bool:
    """Whether what stands under ``retrieval`` is several by name."""
    return isinstance(value, dict) and "index" not in value


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value of JSON."""
    pending = [value]
    while pending:
        here = pending.pop()
        if isinstance(here, str):
            yield here
        elif isinstance(here, dict | list):
            pending.extend(here.values() if isinstance(here, dict) else here)
