"""A real agent's history of 63 states, committed to a repository and imported from it: each state, once, as it was."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from repositories import History, git

sys.path.insert(0, str(Path(__file__).parents[1] / "compat"))
from speaking import Speaking
from test_codeact_history import HISTORY, STATES, Pinset, pinset, states

from pinset import bootstrap
from pinset.domain.assembly import apart, assemble_release
from pinset.domain.exchange import dotprompt, own, prompty

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.domain.exchange.incoming import Taken

__all__ = ["pinset"]

pytestmark = pytest.mark.skipif(not HISTORY.is_dir(), reason=f"the history of states is not at {HISTORY.name}/")
PEOPLE = ("Ada Lovelace <ada@example.com>", "Zoë Ångström <zoe@example.com>")
FOLDER = "agents/codeact"


def origins() -> list[Any]:
    return [json.loads((folder / "origin.json").read_text()) for folder in sorted(HISTORY.iterdir()) if folder.is_dir()]


def told(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z")


def placed(files: dict[str, str]) -> dict[str, str]:
    return {f"{FOLDER}/{path}": text for path, text in files.items()} | {"README.md": "Other things."}


def contents(pinset: Pinset, names: list[str]) -> list[bytes]:
    """Files of releases, byte for byte, as git has them."""
    command = ["git", f"--git-dir={pinset.home / '.pinset/repository.git'}", "cat-file", "--batch=%(objectsize)"]
    told = subprocess.run(command, input="\n".join(names).encode(), capture_output=True, check=True).stdout
    found, at = [], 0
    for _ in names:
        size, _, _ = told[at : at + 20].partition(b"\n")
        at += len(size) + 1
        found.append(told[at : at + int(size)])
        at += int(size) + 1
    return found


@pytest.fixture(scope="module")
def history() -> History:
    made = History()
    for number, (files, origin) in enumerate(zip(states(), origins(), strict=True)):
        at = int(datetime.fromisoformat(origin["date"]).timestamp())
        made.add(placed(files), at=at, author=PEOPLE[number % 2], message=origin["subject"] + "\n\nMore words.")
    return made


def test_every_state_comes_in_once_as_it_was(pinset: Pinset, history: History, tmp_path: Path) -> None:
    repository = history.write(tmp_path / "prompts.git")
    commits = git(repository, "rev-list", "--reverse", "main").split()
    done = pinset("import", "git", str(repository), FOLDER)
    assert done["versions"] == {"created": STATES, "already": 0, "refused": 0, "conflict": 0, "left": 0}
    assert not done["lost"]
    releases = pinset("releases", "codeact", "--limit", "100")["items"][::-1]
    assert [item["version"] for item in releases] == list(range(1, STATES + 1))
    for number, (item, commit, origin) in enumerate(zip(releases, commits, origins(), strict=True)):
        at = int(datetime.fromisoformat(origin["date"]).timestamp())
        source = item["source"]
        assert source["at"] == told(at)
        assert source["commit"] == commit
        assert source["authors"] == [PEOPLE[number % 2]]
        assert item["label"] == f"{told(at)[:10]}-{commit[:10]}"
        assert item["message"] == origin["subject"] + "\n\nMore words."
    wanted = [
        (f"{item['commit']}:{path}", text)
        for item, files in zip(releases, states(), strict=True)
        for path, text in files.items()
    ]
    assert contents(pinset, [name for name, _ in wanted]) == [text.encode() for _, text in wanted]

    read_back(pinset.home)

    again = pinset("import", "git", str(repository), FOLDER)
    assert (again["versions"]["created"], again["versions"]["already"], again["lost"]) == (0, STATES, 0)
    more = History()
    files = states()[-1] | {"prompts/system_prompt.j2": "Be brief."}
    more.add(placed(files))
    more.commits[0] = more.commits[0].replace(b"deleteall\n", b"from refs/heads/main^0\ndeleteall\n")
    more.write(repository)
    last = pinset("import", "git", str(repository), FOLDER)
    assert (last["versions"]["created"], last["versions"]["already"]) == (1, STATES)
    assert pinset("verify")["ok"]


READS = {
    "langfuse": ("GET", "api/public/v2/prompts/codeact?version={0}", {}),
    "mlflow": ("GET", "api/2.0/mlflow/model-versions/get?name=codeact&version={0}", {}),
    "langsmith": ("GET", "commits/-/codeact/{1}", {}),
    "phoenix": ("GET", "v1/prompt_versions/codeact@v{0}", {}),
    "opik": ("POST", "v1/private/prompts/versions/retrieve", {"name": "codeact", "version_number": "v{0}"}),
    "ofrep": ("POST", "ofrep/v1/evaluate/flags/codeact@v{0}", {"context": {}}),
}
"""How each protocol reads one version: of its number, and of its commit."""


def read_back(home: Path) -> None:
    """Every state through every protocol: each prompt and each tool is found again in what a client is given."""
    registry = bootstrap.local_registry(home)
    speaking = Speaking(registry)
    try:
        for number in range(1, STATES + 1):
            document = registry.release(f"codeact@v{number}")
            texts = {prompt["template"] for prompt in document["content"]["prompts"].values()}
            tools = {tool["description"] for tool in document["content"]["tools"].values()}
            for protocol, (method, path, body) in READS.items():
                sent = {key: value.format(number) if isinstance(value, str) else value for key, value in body.items()}
                asked = f"/compat/{protocol}/{path.format(number, document['commit'])}"
                found = speaking(method, asked, **({"json": sent} if sent else {}))
                assert found.status_code == 200, (protocol, number, found.text)
                given = set(leaves(found.json()))
                if protocol == "opik":  # the Jinja of its client takes one line end off the end: there is one more
                    given |= {text.removesuffix("\n") for text in given}
                assert texts | tools <= given, (protocol, number)
    finally:
        speaking.end()
        registry.close()


def leaves(value: Any) -> Iterator[str]:
    """Every text in a payload, also in the JSON that a text holds."""
    if isinstance(value, str):
        yield value
        if value[:1] in '{["':
            with suppress(ValueError):
                yield from leaves(json.loads(value))
    elif isinstance(value, dict | list):
        for inside in value.values() if isinstance(value, dict) else value:
            yield from leaves(inside)


@pytest.fixture(scope="module")
def contents_of() -> list[Any]:
    registry = bootstrap.memory_registry()
    try:
        return [registry.check(files)["content"] for files in states()[::16]]
    finally:
        registry.close()


def test_real_releases_go_out_to_prompty_and_come_back(contents_of: list[Any]) -> None:
    carried = 0
    for content in contents_of:
        told = prompty.tell({"content": content, "bundle": "codeact", "ref": "codeact@v1"})
        written_out = {lost.what.partition(":")[0] for lost in told.lost if "written out" in lost.why}
        for name, prompt in content["prompts"].items():
            text = told.files.get(f"{name}.prompty")
            if text is None:
                assert any(lost.what == name for lost in told.lost), name
                continue
            back = taken_back(prompty.take(text))
            kept = (key for key in ("format", "template", "inputs") if key != "template" or name not in written_out)
            assert all(back["prompts"]["default"][key] == prompt[key] for key in kept), name
            assert "partials" not in back["prompts"]["default"]
            assert back["models"] == content["models"]
            assert back["tools"] == content["tools"]
            carried += 1
    assert carried >= sum(len(content["prompts"]) for content in contents_of) * 0.8


def test_real_releases_are_told_as_dotprompt_where_they_have_variables_only(contents_of: list[Any]) -> None:
    carried = 0
    for content in contents_of:
        told = dotprompt.tell({"content": content, "bundle": "codeact", "ref": "codeact@v1"})
        for name, prompt in content["prompts"].items():
            if (text := told.files.get(f"{name}.prompt")) is not None:
                back = taken_back(dotprompt.take(text))["prompts"]["default"]
                assert (back["template"], back["inputs"]) == (prompt["template"], prompt["inputs"]), name
                carried += 1
    assert carried >= len(contents_of)


def taken_back(taken: Taken) -> Any:
    files = own.of_bundle(taken.files, "codeact")
    return assemble_release(files, apart(lambda _: None)).content
