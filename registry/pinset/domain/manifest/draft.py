"""A manifest as it was read, before its components are looked up."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from pinset.domain import names
from pinset.domain.findings import Finding
from pinset.domain.manifest import loading, parts, prompts
from pinset.domain.manifest.reader import Reader, Wanted, is_component
from pinset.errors import PinsetError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pinset.domain.manifest.reader import Path

_KEYS: Final = (
    "feature", "bundle", "version", "label", "model", "models", "prompt", "prompts", "retrieval", "tools", "guardrails",
    "configs", "rollback_to", "metadata",
)  # fmt: skip


@dataclass(slots=True)
class Draft:
    """What a manifest says. parts: by kind and name, in their sealed shape; findings: what was wrong so far.

    lines: where each part stands, by (kind, name). at: the manifest's file.
    """

    at: str
    bundle: str | None = None
    label: str | None = None
    rollback_to: str | None = None
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    wanted: list[Wanted] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    lines: dict[tuple[str, str], int | None] = field(default_factory=dict)

    def add(self, kind: str, name: str, part: dict[str, Any], line: int | None) -> None:
        """Add a part; a second one of the same name is a finding and changes nothing."""
        if name in self.parts.setdefault(kind, {}):
            if self.parts[kind][name] != part:
                hint = "rename one of them, or name it once"
                self.findings.append(
                    Finding("doubled-name", f"two {kind} are called {names.show(name)}", hint, self.at, line)
                )
            return
        if part:
            self.parts[kind][name] = part
            self.lines[kind, name] = line


def read(files: Mapping[str, str]) -> Draft:
    """What the manifest among the files says. Never raises for what an author wrote."""
    at = loading.manifest_name(files)
    if at is None:
        found = [name for name in loading.MANIFEST_NAMES if name in files]
        message = f"there are two manifests: {', '.join(found)}" if found else "there is no manifest"
        hint = "keep one of them" if found else "write a release.yaml; `pinset new NAME` makes one to begin with"
        return Draft(at="", findings=[Finding("file-missing", message, hint, "release.yaml")])
    located = loading.load(at, files[at])
    if isinstance(located, Finding):
        return Draft(at=at, findings=[located])
    reader = Reader(at, located.value, located.lines, files)
    reader.used.add(at)
    draft = Draft(at, wanted=reader.wanted, used=reader.used, findings=reader.findings)
    _release(reader, draft)
    return draft


def _release(reader: Reader, draft: Draft) -> None:
    top = reader.mapping(reader.value, (), ("release",))
    if "release" not in top:
        reader.note("missing-key", (), "release is not given", "begin the manifest with the line: release:")
        return
    base: Path = ("release",)
    found = reader.mapping(top["release"], base, _KEYS)
    draft.extra = {key: value for source in (top, found) for key, value in source.items() if key.startswith("x-")}
    draft.bundle = _one_of(reader, found, ("bundle", "feature"), names.bundle_name, base, required=True)
    draft.label = _one_of(reader, found, ("label", "version"), names.label_name, base)
    if "rollback_to" in found:
        draft.rollback_to = reader.text(found, "rollback_to", base)
        draft.lines["rollback_to", ""] = reader.line((*base, "rollback_to"))
    if "metadata" in found:
        draft.metadata = reader.mapping(found["metadata"], (*base, "metadata"), (), open_ended=True)
    for single, plural, read_one in (
        ("model", "models", parts.model),
        ("prompt", "prompts", partial(_prompt, draft)),
        ("retrieval", "retrieval", parts.retrieval),
    ):
        _many(reader, draft, found, (single, plural), read_one)
    _tools(reader, draft, found.get("tools") or [], (*base, "tools"))
    if "guardrails" in found:
        at = (*base, "guardrails")
        named = _guardrails(reader, draft, found["guardrails"], at)
        for name in sorted(set(named) - set(draft.parts.get("guardrails", {}))):
            message = f"there is no guardrail {names.show(name)}: this is where they are defined"
            reader.note("reference-syntax", at, message, f"pin one: guardrails/{name}@v1, or write its kind and config")
    for name, value in reader.entries(found.get("configs", {}), (*base, "configs")).items():
        at = (*base, "configs", name)
        draft.add("configs", name, parts.config(reader, value, at), reader.line(at))
    if not any(draft.parts.values()) and not reader.findings:
        reader.note("missing-key", base, "the release has no part", "add a prompt, a model, retrieval or tools")


def _many(
    reader: Reader,
    draft: Draft,
    found: dict[str, Any],
    keys: tuple[str, str],
    read_one: Callable[[Reader, Any, Path], dict[str, Any]],
) -> None:
    """One part under the singular key is the entry ``default``; many stand under the plural. Retrieval has one key."""
    single, plural = keys
    one = found.get(single)
    named = (
        single == plural
        and isinstance(one, dict)
        and one
        and "index" not in one
        and all(isinstance(value, dict) and "index" in value for value in one.values())
    )
    if single in found and not named:
        at: Path = ("release", single)
        draft.add(plural, "default", read_one(reader, one, at), reader.line(at))
    many = found.get(plural) if single != plural or named else None
    if many is not None:
        for name, value in reader.entries(many, ("release", plural)).items():
            at = ("release", plural, name)
            draft.add(plural, name, read_one(reader, value, at), reader.line(at))


def _prompt(draft: Draft, reader: Reader, value: Any, path: Path) -> dict[str, Any]:
    """A prompt; the guardrails that it pins are the release's."""
    part = prompts.prompt(reader, value, path)
    if "guardrails" in part:
        part["guardrails"] = _guardrails(reader, draft, part["guardrails"], (*path, "guardrails"))
    return part


def _tools(reader: Reader, draft: Draft, value: Any, path: Path) -> None:
    if not isinstance(value, list):
        reader.wrong_type(value, path, "a list of tools")
        return
    if not reader.few(value, path):
        return
    seen: set[str] = set()
    for at, one in enumerate(value):
        line = reader.line((*path, at))
        for name, part in parts.tool(reader, one, (*path, at)):
            if name in seen:
                reader.note(
                    "doubled-name", (*path, at), f"two tools are called {names.show(name)}", "rename or remove one"
                )
                continue
            seen.add(name)
            draft.add("tools", name, part, line)


def _guardrails(reader: Reader, draft: Draft, value: Any, path: Path) -> list[str]:
    """Add the guardrails of a place; the names they have in the release."""
    if isinstance(value, dict) and "kind" not in value:
        named = [(name, one, (*path, name)) for name, one in reader.entries(value, path).items()]
    else:
        listed = value if isinstance(value, list) else [value]
        if not reader.few(listed, path):
            return []
        named = [("", one, (*path, at) if isinstance(value, list) else path) for at, one in enumerate(listed)]
    found: list[str] = []
    for name, one, at in named:
        if isinstance(one, str) and not is_component(one) and not name:
            found.append(one)  # the name of a guardrail that the release lists itself
            continue
        part = parts.guardrail(reader, one, at)
        chosen = name or _guardrail_name(part, one)
        if part and chosen:
            draft.add("guardrails", chosen, part, reader.line(at))
            found.append(chosen)
    return found


def _guardrail_name(part: dict[str, Any], written: Any) -> str:
    if "component" in part:
        return str(part["component"].partition("/")[2])
    return str(part.get("kind") or "") if isinstance(written, dict) else ""


def _one_of(
    reader: Reader,
    found: dict[str, Any],
    keys: tuple[str, str],
    check: Callable[[str], str],
    path: Path,
    *,
    required: bool = False,
) -> str | None:
    """The value under one of two keys that mean the same, checked; both at once is a finding."""
    given = [key for key in keys if key in found]
    if len(given) > 1 and found[keys[0]] != found[keys[1]]:
        reader.note("bad-value", (*path, given[1]), f"{keys[0]} and {keys[1]} differ", "write one of them")
    if not given:
        if required:
            reader.note("missing-key", path, f"{keys[1]} is not given", f"add a line: {keys[1]}: my-feature")
        return None
    value = reader.text(found, given[0], path)
    if value is None:
        return None
    try:
        return check(value)
    except PinsetError as error:
        reader.note("bad-name", (*path, given[0]), error.message, error.hint)
        return None
