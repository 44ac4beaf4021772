"""An author's files with another content: what is the same stays as it is written."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

from pinset.domain.exchange.authoring import KINDS, OF_PROMPT, SINGLE, filed, files_of, part_of
from pinset.domain.exchange.in_place import InPlace
from pinset.domain.exchange.parts import DEFAULT, messages_of
from pinset.domain.manifest import draft, loading
from pinset.domain.manifest.loading import manifest_name
from pinset.domain.manifest.parts import MODEL, PARAMETERS
from pinset.domain.text import tool_shapes
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pinset.domain.exchange.incoming import Lost


def following(
    content: Mapping[str, Any], document: Mapping[str, Any] | None, files: Mapping[str, str]
) -> tuple[dict[str, str], list[Lost]]:
    """The author's files of a release with a content, and what of it is by value from now on.

    document, files: the release that it follows, and its author's files; None and {} where it is the first.
    """
    if document is None:
        return files_of(content)
    return changed(files, document["content"], content), []


def changed(files: Mapping[str, str], before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, str]:
    """An author's files with another content: what is the same in both stays as it is written.

    before: the content that the files have. Files that parts named, and none does any more, are gone. A manifest in which
    this cannot be edited where it stands is written anew. Raises InvalidInput for files without one.
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
    found = edited.finished()
    if found[at] == files[at]:
        return found
    gone = draft.read(files).used - draft.read(found).used
    return {path: text for path, text in found.items() if path not in gone}


class _Edited(InPlace):
    """An author's files while they are changed."""

    def change(self, kind: str, name: str, was: Any, now: Any) -> None:
        """One part. It stays where it stands; a first one of its kind that is the entry default stands alone."""
        release, single = self.release, SINGLE.get(kind, kind if kind == "retrieval" else "")
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
        for entry in self.release.get("tools") or []:
            keys = _tools_of(entry, self.files)
            if keys and all(key in now and was.get(key) == now[key] for key in keys):
                kept.append(entry)
                told.update(keys)
        self.put(("tools",), [*kept, *(tool for key, tool in now.items() if key not in told)] or None)

    def _anew(self, name: str, there: Any, was: Mapping[str, Any], now: Mapping[str, Any]) -> Any:
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
            return self._anew(name, there, was, now)
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
            return self._anew(name, there, was, now)
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
            if sum(one == file for one in _texts(self.release)) == 1 and self.files[file] == was:
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
