"""Assembly: the author's files become a sealed release or component, or findings that say why not.

Everything happens here that decides what a release *is*: reading the manifest, looking up shared components,
checking that the parts fit, sealing. It is pure: what exists in the registry comes in through `Surroundings`.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pinset.domain import sealed as sealed_form
from pinset.domain.checks import content as fit
from pinset.domain.checks import models, texts
from pinset.domain.document import TEXT_LIMIT, content_of
from pinset.domain.findings import JUDGEMENTS, Finding, refusing
from pinset.domain.manifest import component as component_manifest
from pinset.domain.manifest import draft as release_manifest
from pinset.domain.manifest.reader import Wanted
from pinset.domain.records import FORMAT
from pinset.domain.references import ComponentReference, Selector, SelectorKind, parse_component, parse_selector
from pinset.domain.sealed import Sealed
from pinset.domain.text import templates
from pinset.errors import Integrity, InvalidInput, PinsetError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pinset.domain.manifest.draft import Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A version of a shared component that exists."""

    version: int
    digest: str
    sealed: Sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the registry knows that a manifest may lean on.

    component: a shared component by reference, None where there is none. version: the number of a bundle's release
    by selector, None where there is none. serving: the version production serves, None where it serves nothing. called:
    what the bundle of a name is called now, and after it the other names that it had.
    """

    component: Callable[[ComponentReference], Found | None]
    version: Callable[[str, Selector], int | None]
    serving: Callable[[str], int | None]
    called: Callable[[str], tuple[str, ...]] = lambda bundle: (bundle,)


def apart(component: Callable[[ComponentReference], Found | None]) -> Surroundings:
    """The surroundings of files that are in no registry: components alone, from wherever they come."""
    return Surroundings(component=component, version=lambda *_: None, serving=lambda _: None)


@dataclass(slots=True)
class Assembled:
    """The result. sealed and content are None where findings left nothing to seal."""

    draft: Draft
    findings: list[Finding]
    sealed: Sealed | None = None
    content: dict[str, Any] | None = None
    rollback_to: int | None = None


@dataclass(slots=True)
class _Components:
    """The shared components of one release: each in one version, with what they include themselves."""

    lookup: Callable[[ComponentReference], Found | None]
    pins: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def add(self, wanted: Wanted) -> None:
        reference = wanted.reference
        found = self.lookup(reference)
        if found is None:
            message = f"there is no {reference}"
            hint = f"publish it first: pinset component publish {reference.key} FILE (or look: pinset component list)"
            self.findings.append(Finding("reference-unresolved", message, hint, wanted.file, wanted.line))
            return
        known = self.pins.get(reference.key)
        if known is not None:
            if known["digest"] != found.digest or known["version"] != found.version:
                message = f"{reference.key} is used as v{known['version']} and as v{found.version}"
                hint = "a release holds one version of each component: pin the same everywhere"
                self.findings.append(Finding("component-versions-differ", message, hint, wanted.file, wanted.line))
            return
        manifest = sealed_form.parse(found.sealed.manifest)
        self.pins[reference.key] = {"version": found.version, "digest": found.digest}
        folder = sealed_form.component_folder(reference.key)
        self.files[f"{folder}/{sealed_form.COMPONENT}"] = found.sealed.manifest
        self.files |= {f"{folder}/{path}": text for path, text in found.sealed.files.items()}
        self.parts[reference.key] = manifest["part"]
        for key, pin in manifest.get("components", {}).items():
            inner = parse_component(f"{key}@v{pin['version']}")
            self.add(Wanted(inner, wanted.file, wanted.line))


def assemble_release(files: Mapping[str, str], around: Surroundings, *, bundle: str | None = None) -> Assembled:
    """Read, resolve, check and seal a release. bundle: stands in where the manifest must agree with it."""
    findings = list(_text_findings(files))
    if refusing(findings, JUDGEMENTS):
        return Assembled(release_manifest.Draft(at=""), findings)
    draft = release_manifest.read(files)
    called = around.called(draft.bundle) if draft.bundle is not None else ()
    if called and draft.bundle != called[0]:
        message = f"the bundle {draft.bundle} is called {called[0]} now; this is published as its next release"
        draft.findings.append(Finding("bundle-renamed", message, f"write feature: {called[0]}", draft.at))
    if bundle is not None and draft.bundle is not None and bundle not in (draft.bundle, *called):
        message = f"the manifest is of {draft.bundle}, and it was to be published as {bundle}"
        draft.findings.append(Finding("bad-value", message, f"correct the line feature: {draft.bundle}", draft.at))
    result = _assemble(draft, files, around, findings)
    if draft.bundle is not None and draft.rollback_to is not None:
        result.rollback_to = _check_rollback(draft, draft.bundle, draft.rollback_to, around, result.findings)
    if result.sealed is not None:
        result.findings.extend(_unused(draft, files))
    result.findings = texts.masked(result.findings)
    return result


def assemble_component(kind: str, name: str, files: Mapping[str, str], around: Surroundings) -> Assembled:
    """Read, resolve, check and seal a shared component."""
    findings = list(_text_findings(files))
    if refusing(findings, JUDGEMENTS):
        return Assembled(release_manifest.Draft(at=""), findings)
    draft = component_manifest.read(kind, name, files)
    result = _assemble(draft, files, around, findings, component=(kind, name))
    if result.sealed is not None:
        result.findings.extend(_unused(draft, files))
    result.findings = texts.masked(result.findings)
    return result


def _assemble(
    draft: Draft,
    files: Mapping[str, str],
    around: Surroundings,
    findings: list[Finding],
    component: tuple[str, str] | None = None,
) -> Assembled:
    _read_templates(draft, files)
    components = _Components(around.component)
    for wanted in draft.wanted:
        components.add(wanted)
    findings += draft.findings + components.findings + list(models.check_models(draft))
    _check_includes(draft, components, findings)
    if refusing(findings, JUDGEMENTS):
        return Assembled(draft, findings)
    try:
        sealed, content = _seal(draft, files, components, component)
    except InvalidInput as error:
        findings.append(Finding("bad-value", error.message, error.hint, draft.at))
        return Assembled(draft, findings)
    except Integrity as error:
        code, hint = ("too-large", error.hint) if "limit" in error.details else ("bad-value", "correct the part")
        findings.append(Finding(code, error.message, hint, draft.at))
        return Assembled(draft, findings)
    findings += fit.check_schemas(draft, content)
    findings += fit.check_prompts(draft, content, files)
    if component is None:
        findings += fit.check_named(draft, content)
        findings += fit.check_retrieval(draft, content)
        findings += texts.check_sizes(sealed.files) if components.files else []
    return Assembled(draft, findings, sealed, content)


def _text_findings(files: Mapping[str, str]) -> list[Finding]:
    checks = (texts.check_paths, texts.check_sizes, texts.check_characters)
    found = [finding for check in checks for finding in check(files)]
    blocked = any(finding.code in ("too-large", "not-text") for finding in found)
    return found if blocked else found + list(texts.check_secrets(files))


def _read_templates(draft: Draft, files: Mapping[str, str]) -> None:
    """Parse every template of the author's own; note problems, components that are included, and Jinja partials."""
    prompts = draft.parts.get("prompts", {})
    named = [source["file"] for part in prompts.values() for source in _sources(part) if "file" in source]
    if sum(len(files[path]) for path in named) > TEXT_LIMIT:
        message = f"the templates that prompts name come to more than {TEXT_LIMIT:,} characters"
        draft.findings.append(Finding("too-large", message, "name a large text in fewer prompts", draft.at))
        return
    for name, part in prompts.items():
        line = draft.lines.get(("prompts", name))
        partials: dict[str, dict[str, str]] = {}
        for source in _sources(part):
            file = source.get("file")
            at = (file, files[file], None) if file else (draft.at, source["text"], line)
            _read_template(draft, part["format"], *at, files, partials)
        if partials:
            part["partials"] = partials
            _note_circle(draft, part, files, line)


def _sources(part: Mapping[str, Any]) -> list[dict[str, str]]:
    single = [part["template"]] if "template" in part else []
    return single + [item["template"] for item in part.get("messages", []) if "template" in item]


def _read_template(
    draft: Draft,
    style: str,
    path: str,
    text: str,
    line: int | None,
    files: Mapping[str, str],
    partials: dict[str, dict[str, str]],
) -> None:
    """One template and, for Jinja, the files that it includes: beside it first, then from the top.

    line: of a text in the manifest, the line of its prompt; None for a file.
    """
    parsed = _note_template(draft, style, text, path, line)
    draft.used.add(path)
    if style != "jinja2":
        return
    for include in parsed.includes:
        at = include.line if line is None else line
        if not include.text:
            message = "an include's name is only known at run time, so it cannot be checked"
            draft.findings.append(Finding("include-unresolved", message, "include by a literal name", path, at))
            continue
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(path), include.text))
        target = next((candidate for candidate in (beside, include.text) if candidate in files), None)
        known = partials.get(include.text)
        if known is not None:
            if target not in (None, known["file"]):
                message = f"{include.text} is {known['file']} in one template of the prompt and {target} in this one"
                hint = "include it by its path from the top, or rename one of the two"
                draft.findings.append(Finding("template-syntax", message, hint, path, at))
            continue
        if target is None:
            message = f"the template includes {include.text}, which is not among the files"
            hint = "add the file, or correct the name; it is looked for beside the template, then from the top"
            draft.findings.append(Finding("reference-unresolved", message, hint, path, at))
            continue
        partials[include.text] = {"file": target}
        _read_template(draft, style, target, files[target], None, files, partials)


def _note_circle(draft: Draft, part: Mapping[str, Any], files: Mapping[str, str], line: int | None) -> None:
    """Note the Jinja templates of a prompt that include themselves without end."""
    partials: Mapping[str, dict[str, str]] = part["partials"]

    def included(name: str) -> tuple[str, str] | None:
        return ("jinja2", files[partials[name]["file"]]) if name in partials else None

    for source in _sources(part):
        file = source.get("file")
        circle = templates.include_cycle("jinja2", files[file] if file else source["text"], included)
        if circle:
            message = f"the template includes itself: {' → '.join(circle)}"
            at = (file, None) if file else (draft.at, line)
            draft.findings.append(Finding("template-syntax", message, "break the circle of includes", *at))
            return


def _note_template(draft: Draft, style: str, text: str, file: str, line: int | None) -> templates.Parsed:
    """Parse one text; its problems become findings, its shared includes components that are wanted."""
    parsed = templates.parse(style, text)
    for problem in parsed.problems:
        at = problem.line if line is None else line
        draft.findings.append(Finding("template-syntax", problem.message, problem.hint, file, at))
    if style in ("mustache", "text"):
        for include in parsed.includes:
            at = include.line if line is None else line
            try:
                draft.wanted.append(Wanted(parse_component(include.text, kind="prompts"), file, at, included=True))
            except PinsetError as error:
                draft.findings.append(Finding("reference-syntax", error.message, error.hint, file, at))
    filled = templates.parse("mustache", text).variables if style == "text" else ()
    if filled:
        line = line or text.count("\n", 0, text.index(filled[0])) + 1
        message = "the text holds {{…}}, which is filled only where a mustache template includes it"
        draft.findings.append(Finding("text-has-variables", message, "say format: mustache to fill it", file, line))
    return parsed


def _check_includes(draft: Draft, components: _Components, findings: list[Finding]) -> None:
    """What is included as text must be text: a prompt with one template in a format without logic."""
    for wanted in draft.wanted:
        part = components.parts.get(wanted.reference.key)
        if part is None or not wanted.included:
            continue
        if "template" not in part or part["format"] not in ("mustache", "text"):
            message = f"{wanted.reference} cannot be included: it is no single mustache or text template"
            findings.append(Finding("bad-value", message, "include a plain prompt", wanted.file, wanted.line))


def _seal(
    draft: Draft, files: Mapping[str, str], components: _Components, component: tuple[str, str] | None
) -> tuple[Sealed, dict[str, Any]]:
    """Seal once to derive the content, add the inputs that it infers, seal for good."""
    first = _seal_release(draft, files, components)
    content = content_of(first)
    for name, prompt in content["prompts"].items():
        if "inputs" not in prompt:
            used = fit.variables(prompt)
            draft.parts["prompts"][name] |= {
                "inputs": {"type": "object", "properties": {v: {} for v in used}, "required": list(used)},
                "inputs_inferred": True,
            }
    final = _seal_release(draft, files, components)
    if component is None:
        return final, content_of(final)
    kind, name = component
    manifest = {
        "format": FORMAT,
        "kind": kind,
        "name": name,
        "part": draft.parts[kind][name],
        "components": components.pins,
        "files": sealed_form.listing(files),
    }
    return Sealed(sealed_form.canonical(manifest), dict(files)), content_of(final)


def _seal_release(draft: Draft, files: Mapping[str, str], components: _Components) -> Sealed:
    everything = {**files, **components.files}
    parts = draft.parts
    if "indexes" in parts:  # a component of its own, looked at as if a release had it
        parts = {"retrieval": {name: {"index": part} for name, part in parts["indexes"].items()}}
    manifest = {
        "format": FORMAT,
        "bundle": draft.bundle or "",
        "parts": parts,
        "components": components.pins,
        "metadata": draft.metadata,
        "extra": draft.extra,
        "files": sealed_form.listing(everything),
    }
    if draft.rollback_to is not None:
        manifest["rollback_to"] = draft.rollback_to
    return Sealed(sealed_form.canonical(manifest), everything)


def _check_rollback(draft: Draft, bundle: str, text: str, around: Surroundings, findings: list[Finding]) -> int | None:
    """The number that ``rollback_to`` names; findings where it names nothing, or not what production serves."""
    line = draft.lines.get(("rollback_to", ""))
    try:
        selector = parse_selector(text)
    except PinsetError as error:
        findings.append(Finding("reference-syntax", error.message, error.hint, draft.at, line))
        return None
    if selector.kind in (SelectorKind.ALIAS, SelectorKind.LATEST):
        message = f"rollback_to is {text}, which moves"
        findings.append(Finding("reference-syntax", message, "name a version or a label", draft.at, line))
        return None
    version = around.version(bundle, selector)
    serving = around.serving(bundle)
    if version is None:
        first = around.version(bundle, Selector(SelectorKind.LATEST, "latest")) is None
        message = f"rollback_to names {text}, and {bundle} has no such release"
        code, hint = (
            ("rollback-unresolved", "nothing to mend in a first release")
            if first
            else ("reference-unresolved", f"name a release that exists: pinset releases {bundle}")
        )
        findings.append(Finding(code, message, hint, draft.at, line))
    elif serving is not None and serving != version:
        message = f"rollback_to is {text} (v{version}), and production serves v{serving}"
        hint = f"say rollback_to: v{serving}, if that is what a rollback should bring back"
        findings.append(Finding("rollback-not-served", message, hint, draft.at, line))
    return version


def _unused(draft: Draft, files: Mapping[str, str]) -> list[Finding]:
    return [
        Finding("file-unused", f"no part of the manifest names {path}", "name it, or leave it out", path)
        for path in sorted(set(files) - draft.used)
    ]
