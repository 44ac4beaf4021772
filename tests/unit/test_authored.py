"""What an author wrote stays where a part is said anew, and what no part names any more goes."""

from __future__ import annotations

import json

import pytest

from pinset.domain.exchange.authored import Authored, Template
from pinset.domain.manifest import draft

YAML = """\
# ours
release:
  bundle: a
  version: 2025-03-14   # the label
  model: {name: m, pinned_version: "1"}   # pinned
  prompt:
    template: prompts/main.md   # the text
    inputs: {type: object, properties: {x: {type: string}}}
  x-team: support
"""


def test_a_manifest_is_edited_in_place() -> None:
    made = Authored({"release.yaml": YAML, "prompts/main.md": "{{x}}", "README.md": "about"})
    made.prompt("default", Template(style="mustache", text="{{x}} {{y}}"))
    made.model("default", {"name": "m", "pinned_version": "2"})
    made.metadata({"a": "b"})
    files = made.files()
    assert files["release.yaml"] == YAML.replace("  version: 2025-03-14   # the label\n", "").replace(
        '"1"', '"2"'
    ).replace("properties: {x: {type: string}}", "properties: {x: {type: string}, y: {}}").replace(
        "  x-team: support\n", '  x-team: support\n  metadata: {"a": "b"}\n'
    )
    assert (files["prompts/main.md"], files["README.md"]) == ("{{x}} {{y}}", "about")


@pytest.mark.parametrize(
    "text",
    [
        "release:\n  bundle: a\n  prompt: prompts/main.md\n",
        "release:\n  bundle: a\n  prompts: {default: prompts/main.md, b: {text: b}}\n",
        "release:\n  bundle: a\n  prompt: prompts/house@v1\n",
        "release: {bundle: a, prompt: {text: old}}\n",
        "release:\n  bundle: a\n  model: {name: m}\n",
        json.dumps(
            {"release": {"bundle": "a", "prompt": {"messages": [{"role": "user", "template": "prompts/main.md"}]}}}
        ),
    ],
)
def test_a_prompt_is_said_anew_whatever_it_was(text: str) -> None:
    name = "release.json" if text.startswith("{") else "release.yaml"
    for said in (
        Template(style="mustache", text="one {{x}}\ntwo"),
        Template(style="f-string", text="{x}"),
        Template(
            style="mustache",
            messages=[{"role": "user", "text": "new"}, {"placeholder": "h"}, {"role": "system", "text": "a\nb"}],
        ),
    ):
        made = Authored({name: text, "prompts/main.md": "old"})
        made.prompt("default", said)
        files = made.files()
        read = draft.read(files)
        assert not read.findings, read.findings
        prompt = read.parts["prompts"]["default"]
        assert prompt["format"] == said.style
        items = [prompt] if said.text is not None else prompt["messages"]
        found = [
            files[one["template"]["file"]] if "file" in one["template"] else one["template"]["text"]
            for one in items
            if "template" in one
        ]
        assert found == said.texts()
        assert set(files) - ({"prompts/main.md"} if "main.md" not in text else set()) <= read.used


def test_a_release_from_scratch_is_a_manifest_and_its_files() -> None:
    made = Authored()
    made.prompt("default", Template(style="jinja2", text="{% if x %}{% endif %}"))
    made.prompt("other", Template(style="text", messages=[{"role": "user", "text": "a\nb"}]))
    made.about("other", model="small", tools=[], output=None)
    made.model("small", {"name": "m"})
    made.part("configs", {"notes": "configs/notes.txt"})
    made.file("configs/notes.txt", "text")
    files = made.files()
    read = draft.read({**files, "release.yaml": files["release.yaml"].replace("release:\n", "release:\n  bundle: a\n")})
    assert not read.findings
    assert set(files) == {"release.yaml", "prompts/default.j2", "prompts/other.1-user.txt", "configs/notes.txt"}
    assert read.parts["prompts"]["other"]["model"] == "small"
    assert "output" not in read.parts["prompts"]["other"]
