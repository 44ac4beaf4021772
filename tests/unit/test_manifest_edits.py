"""A release from a release, and a component's new version in it: which text changes, and what is refused."""

from __future__ import annotations

import json
from typing import Final

import pytest

from pinset.domain.edits import Edits
from pinset.domain.manifest import bumping, edits
from pinset.domain.references import parse_component
from pinset.domain.text.editing import placed
from pinset.errors import InvalidInput, InvalidManifest, InvalidName, PinsetError

YAML: Final = """\
release:
  feature: support
  version: 2025-03-14-rc2     # a label
  model: {name: m, pinned_version: "1"}   # pinned
  models: {small.fast: models/house@v1}
  prompt:
    messages:
      - {role: system, template: prompts/sys.md}
      - role: user
        text: |
          Hi {{> prompts/tone@v3}} and {{>other@v1}}
    guardrails: [guardrails/pii@v3, "plain"]
  prompts:
    critic: prompts/critic@v2   # short
    plain: {text: "no {{> prompts/tone@v3}} here", format: f-string}
  retrieval: {index: 'kb@2025-03-10', top_k: 6}
  tools: [search@v2, "tools/lookup@v1"]
  metadata: {was: prompts/tone@v3}
"""
FILES: Final = {
    "release.yaml": YAML,
    "prompts/sys.md": "Be.\r\n{{> prompts/tone@v3}} {{x}} {{>tone@v3 }} {{> prompts/tones@v3}}\r\n",
    "notes.md": "{{> prompts/tone@v3}}",
}


def changed(old: dict[str, str], new: dict[str, str]) -> list[str]:
    """The lines that are new, with those of all files."""
    before = [line for text in old.values() for line in text.splitlines()]
    return [line for text in new.values() for line in text.splitlines() if line not in before]


@pytest.mark.parametrize(
    ("wanted", "lines"),
    [
        ("prompts/tone@v4", [
            "          Hi {{> prompts/tone@v4}} and {{>other@v1}}",
            "{{> prompts/tone@v4}} {{x}} {{>tone@v4 }} {{> prompts/tones@v3}}",
        ]),
        ("prompts/critic@2025-04-01", ["    critic: prompts/critic@2025-04-01   # short"]),
        ("indexes/kb@v9", ["  retrieval: {index: 'kb@v9', top_k: 6}"]),
        ("guardrails/pii@v4", ['    guardrails: [guardrails/pii@v4, "plain"]']),
        ("models/house@v2", ["  models: {small.fast: models/house@v2}"]),
        ("tools/search@v3", ['  tools: [search@v3, "tools/lookup@v1"]']),
        ("tools/lookup@v3", ['  tools: [search@v2, "tools/lookup@v3"]']),
        ("prompts/elsewhere@v3", []),
    ],
)  # fmt: skip
def test_each_reference_to_a_component_is_rewritten_where_it_stands(wanted: str, lines: list[str]) -> None:
    new = bumping.bumped(FILES, parse_component(wanted))
    assert changed(FILES, new) == lines
    assert new["notes.md"] == FILES["notes.md"], "no prompt names it"
    assert (new["prompts/sys.md"].count("\r\n"), new["release.yaml"].count("was: prompts/tone@v3")) == (2, 1)


def test_a_json_manifest_and_one_with_crlf_are_rewritten_alike() -> None:
    files = {"release.json": json.dumps(placed(YAML, is_json=False).value, indent=1), **FILES}
    del files["release.yaml"]
    new = bumping.bumped(files, parse_component("indexes/kb@v9"))
    assert changed(files, new) == ['   "index": "kb@v9",']
    crlf = {**FILES, "release.yaml": YAML.replace("\n", "\r\n")}
    rewritten = bumping.bumped(crlf, parse_component("prompts/tone@v4"))["release.yaml"]
    assert rewritten == bumping.bumped(FILES, parse_component("prompts/tone@v4"))["release.yaml"].replace("\n", "\r\n")


def test_the_label_goes_with_the_first_change_and_a_new_one_takes_its_place() -> None:
    one = {"model.pinned_version": '"2"'}
    plain = edits.apply(FILES, Edits(set=one))
    assert plain["release.yaml"] == YAML.replace("  version: 2025-03-14-rc2     # a label\n", "").replace('"1"', '"2"')
    labelled = edits.apply(FILES, Edits(set=one), label="2025")
    assert changed(FILES, labelled)[0] == '  version: "2025"     # a label', "else it would be a number"
    said = edits.apply(FILES, Edits(set={**one, "version": "2025-06-01"}))
    assert changed(FILES, said)[0] == "  version: 2025-06-01     # a label"
    for same in (Edits(), Edits(set={"model.pinned_version": "'1'", "retrieval.top_k": "6"})):
        assert edits.apply(FILES, same, label="9") == FILES, "nothing changes, so nothing does"


def test_paths_are_those_that_people_write() -> None:
    def line(path: str, value: str) -> list[str]:
        return [one for one in changed(FILES, edits.apply(FILES, Edits(set={path: value}))) if "version" not in one]

    assert line("models.small.fast", "models/house@v3") == ["  models: {small.fast: models/house@v3}"]
    assert line("prompt.messages.0.role", "user") == ["      - {role: user, template: prompts/sys.md}"]
    assert line("release.retrieval.top_k", "8") == ["  retrieval: {index: 'kb@2025-03-10', top_k: 8}"]
    assert line("tools", "[a.json]") == ["  tools: [a.json]"]
    gone = edits.apply(FILES, Edits(add={"metadata.k": "no"}, unset=["tools.0"]))
    assert "  metadata: {was: prompts/tone@v3, k: no}" in changed(FILES, gone)
    assert '  tools: ["tools/lookup@v1"]' in changed(FILES, gone)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (Edits(set={"model.pined_version": "2"}), "did you mean model.pinned_version"),
        (Edits(set={"retreival.top_k": "2"}), "did you mean retrieval.top_k"),
        (Edits(set={"prompt.messages.7": "2"}), "prompt.messages"),
        (Edits(set={"a..b": "2"}), "dots"),
        (Edits(set={"": "2"}), "dots"),
        (Edits(set={"x" * 600: "2"}), "dots"),
        (Edits(add={"model.name": "2"}), "--set model.name"),
        (Edits(add={"nope.k": "2"}), "--add 'nope="),
        (Edits(add={"model.name.k": "2"}), "edit the file"),
        (Edits(add={"tools.9": "x"}), "--set 'tools=…'"),
        (Edits(unset=["modl"]), "did you mean model? See what there is"),
        (Edits(unset=["rollback_to"]), "has no 'rollback_to'"),
        (Edits(set={f"model.x{n}": "2" for n in range(101)}), "too many"),
        (Edits(files={"release.yaml": "release: &a {feature: s}\n"}, set={"feature": "t"}), "anchors"),
        (Edits(files={"release.yaml": "release: [\n"}, set={"feature": "t"}), "not YAML"),
        (Edits(files={"manifest.json": "{}"}), "not the author's"),
        (Edits(files={"components/prompts/tone/x.md": ""}), "not the author's"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_way_out(wrong: Edits, says: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        edits.apply(FILES, wrong)
    assert says in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    "path", ["../x", "/etc/passwd", "a//b", ".git/config", "a/../b", "a\\b", "a b", "x.lock", "", "ä"]
)
def test_a_file_goes_nowhere_but_into_the_release(path: str) -> None:
    with pytest.raises(InvalidName):
        edits.apply(FILES, Edits(files={path: "x"}))


def test_a_key_with_dots_that_could_be_two_places_is_refused() -> None:
    files = {"release.yaml": 'release:\n  metadata: {a.b: 1, a: {b: 2}}\n  "x.y": 1\n'}
    with pytest.raises(InvalidInput, match="several places"):
        edits.apply(files, Edits(set={"metadata.a.b": "3"}))
    with pytest.raises(InvalidManifest, match="no one manifest"):
        edits.apply({**files, "release.json": "{}"}, Edits(set={"metadata": "3"}))


def test_a_large_manifest_is_not_read_again_and_again() -> None:
    files = {"release.yaml": "release:\n  feature: s\n" + "#" * 600_000}
    with pytest.raises(PinsetError, match="too many at once"):
        edits.apply(files, Edits(set={"feature": "t", "release.feature": "u"}))
