"""Whatever is sent: findings and errors of ours, never another exception; and what is accepted means one thing.

Short and always the same in `make test`. With PINSET_TORTURE=1 it takes PINSET_ROUNDS rounds a test from the seed that
it prints; PINSET_SEED repeats one.
"""

from __future__ import annotations

import json
import os
import random
import re
from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, seed, settings
from hypothesis import strategies as st

from pinset.domain import messages, sealed
from pinset.domain.assembly import Assembled, Found, Surroundings, assemble_component, assemble_release
from pinset.domain.document import content_of
from pinset.domain.findings import JUDGEMENTS, refusing
from pinset.domain.manifest.component import read as read_component
from pinset.domain.records import (
    Action,
    ComponentRecord,
    EvidenceRecord,
    FoundingRecord,
    MoveRecord,
    ReleaseRecord,
    Stamp,
    Verdict,
)
from pinset.domain.references import is_working_copy, parse, parse_component, parse_selector
from pinset.domain.rendering import messages_of
from pinset.domain.sealed import Sealed
from pinset.domain.text import templates
from pinset.errors import Integrity, InvalidInput, InvalidReference, PinsetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pinset.domain.references import ComponentReference

TORTURE = os.environ.get("PINSET_TORTURE") == "1"
SEED = int(os.environ.get("PINSET_SEED") or random.randrange(2**32))
ROUNDS = int(os.environ.get("PINSET_ROUNDS") or 20_000)
_GIVEN = [0]
"""How many inputs were tried."""


def fuzzed(rounds: int) -> Callable[[Any], Any]:
    """Run a property so often in `make test`, and PINSET_ROUNDS times in `make torture`."""

    def wrap(test: Any) -> Any:
        inner = test.hypothesis.inner_test

        @wraps(inner)
        def counting(*given: Any, **named: Any) -> Any:
            _GIVEN[0] += 1
            return inner(*given, **named)

        test.hypothesis.inner_test = counting
        calm = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
        if not TORTURE:
            return settings(max_examples=rounds, derandomize=True, deadline=None, database=None)(test)
        return seed(SEED)(
            settings(max_examples=ROUNDS, deadline=None, database=None, suppress_health_check=calm, print_blob=True)(
                test
            )
        )

    return wrap


@pytest.fixture(scope="module", autouse=True)
def _say_the_seed() -> Iterator[None]:
    if TORTURE:
        print(f"PINSET_SEED={SEED} PINSET_ROUNDS={ROUNDS}")  # noqa: T201 - it repeats the run
    yield
    print(f"\ncounted: {json.dumps({'inputs': _GIVEN[0]})}")  # noqa: T201 - tests/torture.py adds it up


# -- what is sent ----------------------------------------------------------------------------------------------

FRAGMENTS = ["{{", "}}", "{{>", "{%", "%}", "{#", "{", "}", "\n", "\n\n", "    ", "\t", ":", "- ", "#", "'", '"', "\\", "\0", "|\n", "&a",
             "*a", "!!python/object:os", "<<: ", "---\n", "...\n", "@v1", "@latest", "sha256:", "\u202e", "\u2028", "\ufeff", "\x85",
             "\U000e0041", "é", "🙂", "\r\n", "1e999", "0x1F",
             "1_000", ".inf", "~", "Format: 1", "Serial: 0", "\ud7ff", "99999999999999999999"]  # fmt: skip
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=40) | st.lists(
    st.sampled_from(FRAGMENTS) | st.text(max_size=3), max_size=12
).map("".join)


@st.composite
def damaged(draw: st.DrawFn, sound: str) -> str:
    """A sound text with a few places cut out, doubled or written over."""
    text = sound
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        end = min(len(text), at + draw(st.sampled_from([0, 0, 1, 2, 5, 20, 200])))
        new = draw(st.sampled_from(FRAGMENTS) | st.text(max_size=4) | st.just(text[at:end] * 2))
        text = text[:at] + new + text[end:]
    return text


SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
TOOL = {"name": "look", "description": "Looks.", "parameters": SCHEMA}
MODEL = {"provider": "x", "name": "large", "pinned_version": "1", "temperature": 0.2}
PARTS: dict[str, list[Any]] = {
    "feature": ["support", "a.b-c", "Support", ""],
    "bundle": ["support"],
    "version": ["2025-03-14", "v7", 7, "9007199254740993", None],
    "label": ["2025-03-14-rc2"],
    "model": [MODEL, "models/house@v1", {**MODEL, "stop": ["\n"], "top_p": 1e308}],
    "models": [{"default": MODEL, "small": "models/house@v1"}],
    "prompt": [
        {"text": "Hi {{a}} {{ b }}"},
        {"text": "{a} {{b}}", "format": "f-string"},
        {"text": "{% for x in a %}{{ x.y }}{% endfor %}", "format": "jinja2"},
        {"template": "main.md", "inputs": SCHEMA, "output": SCHEMA},
        {"template": "main.j2"},
        "main.md",
        {"template_ref": "prompts/tone@v1"},
        {"messages": [{"role": "system", "text": "Be {{a}}."}, {"placeholder": "history"}, {"examples": "shots.jsonl"},
                      {"examples": [{"input": "a", "output": "b"}]}, {"role": "user", "template": "main.md"}]},
        {"text": "{{> prompts/tone@v1}} and {{a}}", "guardrails": ["guardrails/pii@v1"], "model": "default"},
    ],
    "prompts": [{"default": "main.md", "other": {"text": "x", "tools": ["look"]}}],
    "retrieval": [{"index": "kb@v1", "embedding_model": "embed-v3", "top_k": 6, "variable": "a"},
                  {"index": {"uri": "s3://x", "digest": "sha256:ab"}}],
    "tools": [["look.json"], [TOOL], ["search@v1"], {"name": "one"}, ["many.json"]],
    "guardrails": [["guardrails/pii@v1"], {"mine": {"kind": "redact", "config": {"a": [1, {}]}}}],
    "configs": [{"a": "graph.json", "b": {"c": [1, 2.5, None, True]}, "d": "main.md", "e": "configs/graph@v1"}],
    "metadata": [{"ticket": "ML-1", "n": 0.1}],
    "rollback_to": ["2025-03-07", "v1", "latest"],
    "x-more": [[1, "a", None]],
}  # fmt: skip
FILES = {
    "main.md": "Dear {{name}}, {{> prompts/tone@v1}}\n",
    "main.j2": "{% set x = a %}{% if x %}{{ x | upper }}{% endif %}{% include 'prompts/tone@v1' %}\n",
    "shots.jsonl": '{"role": "user", "content": "Hi"}\n\n{"input": "a", "output": "b"}\n',
    "look.json": json.dumps(TOOL),
    "many.json": json.dumps(
        {"tools": [TOOL | {"name": "two"}, {"type": "function", "function": TOOL | {"name": "three"}}]}
    ),
    "graph.json": '{"nodes": ["a", 1, 0.10, null]}',
}
COMPONENTS = {
    "prompts/tone": {"tone.md": "Be kind.\n"},
    "guardrails/pii": {"g.yaml": "kind: redact\nguards: output\nconfig: {mask: '#'}\n"},
    "indexes/kb": {"i.yaml": "uri: s3://kb\ndigest: sha256:ab\nembedding_model: embed-v3\ndimensions: 8\n"},
    "models/house": {"m.yaml": json.dumps(MODEL)},
    "tools/search": {"t.json": json.dumps(TOOL | {"name": "search"})},
    "configs/graph": {"c.json": '{"steps": 12}'},
}
KEYS = ["template", "text", "messages", "role", "placeholder", "examples", "format", "inputs", "output", "model", "tools", "guardrails",
        "index", "uri", "digest", "config", "kind", "name", "parameters", "provider", "pinned_version", "id", "default", "x-a", "template_ref",
        "top_k", "variable", "properties", "type", "$ref", "required", "input", "content", "function", "value", ""]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | TEXT | st.sampled_from(sorted(FILES)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | TEXT, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def changed(draw: st.DrawFn, value: Any) -> Any:
    """A value with something in it exchanged, most often deep inside."""
    if draw(st.integers(0, 9)) == 0:
        return draw(JSON)
    if isinstance(value, dict) and value:
        key = draw(st.sampled_from(sorted(value)))
        kept = {name: one for name, one in value.items() if name != key}
        new = draw(st.sampled_from([key, key, key, *KEYS]))
        return {**kept, new: draw(changed(value[key]))}
    if isinstance(value, list) and value:
        at = draw(st.integers(0, len(value) - 1))
        return [*value[:at], draw(changed(value[at])), *value[at + draw(st.integers(0, 1)) :]]
    if isinstance(value, str):
        return draw(damaged(value) | st.just(value))
    return draw(JSON)


@st.composite
def releases(draw: st.DrawFn) -> dict[str, str]:
    """The files of a release: sound, or with something wrong in the manifest, its spelling or a file."""
    manifest = {"feature": "support", "model": MODEL, "prompt": {"text": "Hi {{a}}"}}
    for key in draw(st.lists(st.sampled_from(sorted(PARTS)), max_size=4, unique=True)):
        manifest[key] = draw(st.sampled_from(PARTS[key]))
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        manifest = draw(changed(manifest))
    text = json.dumps({"release": manifest}, ensure_ascii=draw(st.booleans()), indent=draw(st.none() | st.just(1)))
    if draw(st.integers(0, 3)) == 0:
        text = draw(damaged(text))
    files = {draw(st.sampled_from(["release.yaml", "release.json", "release.yml"])): text, **FILES}
    if draw(st.integers(0, 2)) == 0:
        path = draw(st.sampled_from(sorted(FILES)))
        files[path] = draw(damaged(files[path]) | JSON.map(json.dumps) | TEXT)
    if draw(st.integers(0, 5)) == 0:
        files[
            draw(TEXT | st.sampled_from(["a/../b", "A.md", "MAIN.md", "manifest.json", "components/x", "a/b/", ".x"]))
        ] = draw(TEXT)
    return files


def _stock() -> dict[str, Found]:
    nothing = Surroundings(component=lambda _: None, version=lambda *_: None, serving=lambda _: None)
    made = {key: assemble_component(*key.split("/"), files, nothing) for key, files in COMPONENTS.items()}
    assert all(result.sealed is not None for result in made.values()), {k: r.findings for k, r in made.items()}
    return {key: Found(version=1, digest=r.sealed.digest, sealed=r.sealed) for key, r in made.items() if r.sealed}


STOCK = _stock()


def _find(reference: ComponentReference) -> Found | None:
    return STOCK.get(reference.key)


AROUND = Surroundings(component=_find, version=lambda *_: 3, serving=lambda _: 3)


def hold(result: Assembled, *, release: bool = True) -> None:
    """What holds for the result of any files. Raises AssertionError."""
    for finding in result.findings:
        assert finding.message, finding
        assert finding.hint, finding
    if result.sealed is None:
        assert refusing(result.findings, JUDGEMENTS), "what has no findings is sealed"
        return
    form = result.sealed
    sealed.verify(form, form.digest)
    content = sealed.parse(form.manifest)
    if not re.search(
        r"[0-9]{16}", form.manifest
    ):  # 1e16 is written as a whole number, and those are kept up to 2**53 only
        assert sealed.canonical(content) == form.manifest
    if not release:
        return
    first = content_of(form)
    again = Sealed(json.loads(json.dumps(form.manifest)), json.loads(json.dumps(dict(form.files))))
    for other in (content_of(form), content_of(again), json.loads(json.dumps(first, allow_nan=False))):
        assert exactly(other) == exactly(first)
    assert result.content is None or exactly(result.content) == exactly(first)
    json.dumps(first).encode("utf-8")


def exactly(value: Any) -> str:
    """JSON tells 1 from 1.0 and from true."""
    return json.dumps(value, sort_keys=True)


def told(error: PinsetError) -> None:
    """An error of ours says what is wrong and the way out."""
    assert error.message
    assert error.hint


# -- manifests -------------------------------------------------------------------------------------------------


@fuzzed(250)
@given(files=releases())
def test_a_release_is_sealed_or_has_findings_and_means_one_thing(files: dict[str, str]) -> None:
    hold(assemble_release(files, AROUND))


@fuzzed(100)
@given(text=TEXT, name=st.sampled_from(["release.yaml", "release.json"]))
def test_any_text_is_a_manifest_or_has_findings(text: str, name: str) -> None:
    hold(assemble_release({name: text}, AROUND))


@fuzzed(150)
@given(data=st.data(), key=st.sampled_from(sorted(COMPONENTS)))
def test_a_component_is_sealed_or_has_findings(data: st.DataObject, key: str) -> None:
    [(path, text)] = COMPONENTS[key].items()
    kind, name = key.split("/")
    new = data.draw(damaged(text) | JSON.map(json.dumps) | TEXT)
    path = data.draw(st.sampled_from([path, "component.yaml", "a.json", "a.md", "a.j2"]))
    read_component(kind, name, {path: new})
    hold(assemble_component(kind, name, {path: new}, AROUND), release=False)


def test_what_is_sent_reaches_both_ends() -> None:
    """The strategy is worth nothing if all is refused, or all is accepted."""
    seen: dict[bool, int] = {True: 0, False: 0}

    @settings(max_examples=100, derandomize=True, database=None, deadline=None)
    @given(files=releases())
    def look(files: dict[str, str]) -> None:
        seen[assemble_release(files, AROUND).sealed is not None] += 1

    look()
    assert min(seen.values()) >= 10, seen


# -- references ------------------------------------------------------------------------------------------------


@fuzzed(300)
@given(
    text=TEXT
    | damaged("support-summarizer@v7")
    | damaged("prompts/tone@sha256:0123456789ab")
    | damaged("a.b@2025-03-14")
)
@example("a@v\u0661")
@example("a@sha256:" + "0" * 65)
def test_a_reference_is_refused_or_says_itself(text: str) -> None:
    for read in (
        parse,
        lambda one: parse(one, default=None),
        parse_component,
        lambda one: parse_component(one, kind="prompts"),
    ):
        try:
            found = read(text)
        except InvalidInput as error:
            told(error)
            continue
        assert read(str(found)) == found
        assert str(found).isascii()
    try:
        assert str(parse_selector(text)) == text
    except InvalidReference as error:
        told(error)
    is_working_copy(text)


# -- templates -------------------------------------------------------------------------------------------------

SOURCES = ["Hi {{a}} {{ b }}", "{{> prompts/tone@v1}}", "{a} {{b}} {c}", "{% for x in a %}{{ x.y }}{% else %}{{ loop.index }}{% endfor %}",
           "{% set x = a ~ 'b' %}{{ x | upper | default('c') }}", "{% include 'prompts/tone@v1' %}{# no #}", "{{ a[0].b() }}{{ 1 / 0 }}",
           "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(a) }}", "{{ a * 9 ** 9 }}", "{{ range(10) | list }}{{ a % 3 }}"]  # fmt: skip
TEMPLATES = TEXT | st.sampled_from(SOURCES).flatmap(damaged) | st.sampled_from(SOURCES)


@fuzzed(300)
@given(style=st.sampled_from(templates.FORMATS), source=TEMPLATES, value=TEXT)
@example(style="jinja2", source="{{ a.__class__ }}", value="")
@example(style="f-string", source="{a!r:>{b}}", value="")
def test_a_template_is_read_without_an_error_and_filled_or_refused(style: str, source: str, value: str) -> None:
    parsed = templates.parse(style, source)
    for problem in parsed.problems:
        assert problem.line >= 1
        assert problem.message
        assert problem.hint
    known = {"prompts/tone@v1": ("text", "Be kind.")}
    wanted = templates.undeclared(style, source, known.get)
    templates.include_cycle(style, source, known.get)
    values = dict.fromkeys(wanted, value)
    try:
        filled = templates.render(style, source, values)
    except InvalidInput as error:
        told(error)
        assert style != "text"
        assert style == "jinja2" or parsed.problems or parsed.includes
    else:
        assert isinstance(filled, str)
        assert style == "jinja2" or not parsed.problems
    prompt = {"format": style, "template": source, "partials": {"prompts/tone@v1": "Be kind."}}
    try:
        [message], _ = messages_of(prompt, values)
    except InvalidInput:
        return
    assert message["role"] == "user"


@fuzzed(200)
@given(style=st.sampled_from(["mustache", "f-string"]), value=TEXT, other=TEXT)
def test_a_value_is_never_read_as_a_template(style: str, value: str, other: str) -> None:
    source = "<{{a}}|{{b}}>" if style == "mustache" else "<{a}|{b}>"
    assert templates.render(style, source, {"a": value, "b": other}) == f"<{value}|{other}>"


# -- commit messages -------------------------------------------------------------------------------------------

STAMP = Stamp(serial=10, prev="5c1d" * 10, at=1_741_944_600_123_456, actor="ana", operation="op_4f0c", request="ab12")
DIGEST = "sha256:" + "0f" * 32
WORDS = "shorter\n\n    with lines\nFormat: 1\n---"
RECORDS = [
    FoundingRecord(stamp=replace(STAMP, prev=None), registry_id="3f0a6c52-8d0e-4c7b-9a55-1f1d5b6f0001", epoch=1),
    ReleaseRecord(stamp=STAMP, bundle="support", version=2, label="2025-03-14", digest=DIGEST, message=WORDS, source="git 1f",
                  rollback_to=1, allowed=("secret",), allow_reason="made up"),
    ComponentRecord(stamp=STAMP, kind="prompts", name="tone", version=3, label=None, digest=DIGEST, message=WORDS),
    MoveRecord(stamp=STAMP, bundle="support", alias="production", seq=2, action=Action.ROLLBACK, from_version=2, to_version=1, back=1,
               reason=WORDS, bars=2),
    EvidenceRecord(stamp=STAMP, bundle="support", version=1, verdict=Verdict.YANK, reason="leaks"),
]  # fmt: skip
MESSAGES = [messages.encode(record) for record in RECORDS]
NUMBERS = ["0", "01", "+1", " 1", "1 ", "1_0", "\u0663", "-1", "1.0", "1e3", "9" * 30, "", "true", "None"]


@st.composite
def commit_messages(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(MESSAGES))
    lines = text.split("\n")
    keyed = [at for at, line in enumerate(lines) if re.match(r"[A-Z][A-Za-z-]*: ", line)]
    if draw(st.booleans()):
        at = draw(st.sampled_from(keyed))
        key = lines[at].partition(": ")[0]
        lines[at] = f"{key}: {draw(st.sampled_from(NUMBERS) | TEXT)}"
    if draw(st.integers(0, 3)) == 0:
        one, other = draw(st.sampled_from(keyed)), draw(st.sampled_from(keyed))
        lines[one], lines[other] = lines[other], lines[one]
    text = "\n".join(lines)
    return draw(damaged(text) | st.just(text))


def hold_message(text: str) -> None:
    """What holds for any text read as a commit message. Raises AssertionError."""
    messages.serial_of(text)
    try:
        record = messages.decode(text)
    except Integrity as error:
        told(error)
        return
    assert messages.encode(record) == text
    assert messages.serial_of(text) == record.stamp.serial
    assert messages.decode(messages.encode(record)) == record


@fuzzed(400)
@given(text=commit_messages() | TEXT)
@example(MESSAGES[0])
@example(MESSAGES[1])
@example(MESSAGES[3])
def test_only_what_was_written_is_read(text: str) -> None:
    hold_message(text)


# -- the sealed form -------------------------------------------------------------------------------------------


def _sealed() -> list[Sealed]:
    manifest = {
        "feature": "support",
        "model": MODEL,
        "prompt": "main.md",
        "tools": ["look.json"],
        "configs": {"g": "graph.json"},
    }
    files = {"release.yaml": json.dumps({"release": manifest}), **FILES}
    made = assemble_release(files, AROUND).sealed
    assert made is not None
    return [made, *(found.sealed for found in STOCK.values())]


SEALED = _sealed()


@fuzzed(300)
@given(data=st.data(), form=st.sampled_from(SEALED))
def test_any_change_of_a_byte_is_refused(data: st.DataObject, form: Sealed) -> None:
    """A byte of the manifest or of a file, a file that is renamed, lost, or one more."""
    manifest, files = form.manifest, dict(form.files)
    what = data.draw(st.sampled_from(["manifest", "file", "path", "lost", "more", "swapped"]))
    path = data.draw(st.sampled_from(sorted(files)))
    if what == "manifest":
        manifest = data.draw(byte_changed(manifest))
    elif what == "file":
        files[path] = data.draw(byte_changed(files[path]))
    elif what == "path":
        files[path + data.draw(st.sampled_from(["x", "/", " ", "\0"]))] = files.pop(path)
    elif what == "lost":
        del files[path]
    elif what == "more":
        files[data.draw(TEXT.filter(lambda one: one not in files))] = ""
    else:
        other = data.draw(st.sampled_from(sorted(files)))
        files[path], files[other] = files[other], files[path]
        if files == dict(form.files):
            files.clear()
    sealed.verify(form, form.digest)
    refused_changed(Sealed(manifest, files), form.digest)


def refused_changed(form: Sealed, digest: str) -> None:
    """Raises unless verify refuses it."""
    with pytest.raises(Integrity):
        sealed.verify(form, digest)


def refusals(form: Sealed, manifest: str) -> int:
    """How often another manifest is refused: under its own new digest, as an attacker would have it, and when read."""
    made, refused = Sealed(manifest, form.files), 0
    for use in (lambda: sealed.verify(made, made.digest), lambda: content_of(made)):
        try:
            use()
        except PinsetError as error:
            told(error)
            refused += 1
    return refused


def altered(form: Sealed) -> st.SearchStrategy[str]:
    return damaged(form.manifest) | JSON.map(json.dumps)


@st.composite
def byte_changed(draw: st.DrawFn, text: str) -> str:
    """One byte written over, cut out or put in, where that leaves text."""
    data = bytearray(text.encode())
    at = draw(st.integers(0, max(0, len(data) - 1)))
    how = draw(st.sampled_from(["flip", "cut", "put"])) if data else "put"
    if how == "flip":
        data[at] ^= 1 << draw(st.integers(0, 6))
    elif how == "cut":
        del data[at]
    else:
        data.insert(at, draw(st.integers(0, 127)))
    changed_text = bytes(data).decode("utf-8", "replace")
    return changed_text if changed_text != text else text + " "


@fuzzed(200)
@given(form=st.sampled_from(SEALED), data=st.data())
def test_a_damaged_manifest_raises_errors_of_ours_and_no_others(form: Sealed, data: st.DataObject) -> None:
    refusals(form, data.draw(altered(form)))


def test_most_damaged_manifests_are_refused() -> None:
    seen = [0, 0]

    @settings(max_examples=100, derandomize=True, database=None, deadline=None)
    @given(form=st.sampled_from(SEALED), data=st.data())
    def look(form: Sealed, data: st.DataObject) -> None:
        manifest = data.draw(altered(form))
        seen[0] += refusals(form, manifest)
        seen[1] += manifest != form.manifest

    look()
    assert seen[0] >= seen[1] >= 50, seen


# -- the checkers, on products that are broken ------------------------------------------------------------------


def test_the_checkers_see_a_product_that_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = {
        "release.yaml": json.dumps({"release": {"feature": "support", "model": MODEL, "prompt": {"text": "Hi {{a}}"}}})
    }
    result = assemble_release(sound, AROUND)
    hold(result)
    assert result.sealed is not None
    with pytest.raises(AssertionError, match="is sealed"):
        hold(replace_sealed(result, None))
    with pytest.raises(Integrity):
        hold(replace_sealed(result, Sealed(result.sealed.manifest, {"release.yaml": "other"})))
    with pytest.raises(AssertionError):
        hold(replace_sealed(result, Sealed(result.sealed.manifest + "\n", result.sealed.files)))
    with monkeypatch.context() as patch:
        answers = iter(({"a": 1}, {"a": 1.0}, {"a": 1}))
        patch.setitem(globals(), "content_of", lambda _form: next(answers))
        with pytest.raises(AssertionError):
            hold(result)
    with monkeypatch.context() as patch:
        patch.setattr(messages, "encode", lambda _record: MESSAGES[1])
        for text in (
            MESSAGES[1].replace("Version: 2", "Version: +2"),
            MESSAGES[1].replace("Serial: 10", "Serial: 010"),
        ):
            hold_message(text)  # the real decode compares with the real encode, and refuses
        patch.setattr(messages, "decode", lambda _text: RECORDS[1])
        with pytest.raises(AssertionError):
            hold_message(MESSAGES[1].replace("Version: 2", "Version: +2"))
    with monkeypatch.context() as patch:
        patch.setattr(sealed, "verify", lambda *_: None)
        with pytest.raises(pytest.fail.Exception):
            refused_changed(SEALED[0], "sha256:00")


def replace_sealed(result: Assembled, form: Sealed | None) -> Assembled:
    return replace(result, sealed=form)
