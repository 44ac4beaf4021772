"""Phoenix's protocol without its packages: what is read and listed, who may, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from speaking import ANA, HARD

if TYPE_CHECKING:
    from speaking import Speaking

V1 = "/compat/phoenix/v1"
ROUTES = (
    "/prompts/support.triage/tags/production",
    "/prompts/support.triage/latest",
    "/prompts/support.triage/versions",
    "/prompt_versions/support.triage@v1",
    "/prompt_versions/support.triage@v1/tags",
)


def get(speaking: Speaking, path: str, **headers: str) -> Any:
    return speaking("GET", f"{V1}{path}", headers=headers)


def test_what_there_is_is_told_by_the_page(speaking: Speaking) -> None:
    speaking.registry.publish(ANA, {"release.yaml": "release: {bundle: other, prompt: {text: Hi}}"})
    speaking.registry.bundle_changes.set(ANA, "other", also=["Other One"], description="Greets.")
    first = get(speaking, "/prompts?limit=1").json()
    assert (first["data"][0]["name"], first["data"][0]["description"]) == ("Other One", "Greets.")
    second = get(speaking, f"/prompts?limit=1&cursor={first['next_cursor']}").json()
    assert ([one["name"] for one in second["data"]], second["next_cursor"]) == (["support.triage"], None)
    newest = get(speaking, "/prompts/support.triage/versions?limit=1").json()
    oldest = get(speaking, f"/prompts/support.triage/versions?limit=1&cursor={newest['next_cursor']}").json()
    assert [one["data"][0]["id"] for one in (newest, oldest)] == ["support.triage@v2", "support.triage@v1"]
    assert oldest["next_cursor"] is None
    assert oldest["data"][0]["template"]["messages"][0] == {"role": "system", "content": HARD}
    tags = get(speaking, "/prompt_versions/support.triage@v1/tags").json()
    assert [one["name"] for one in tags["data"]] == ["production"]
    assert len(get(speaking, "/prompts/support.triage.title/versions").json()["data"]) == 2


@pytest.mark.parametrize(
    "path", ["/prompts?cursor=a%20b", "/prompts/support.triage/versions?cursor=x", "/prompts?limit=0"]
)
def test_what_means_nothing_is_refused(speaking: Speaking, path: str) -> None:
    assert get(speaking, path).status_code == 422


@pytest.mark.parametrize(
    "path", ["/prompts/nobody/latest", "/prompts/nobody/versions", "/prompts/support.triage/tags/nowhere",
             "/prompt_versions/support.triage", "/prompt_versions/support.triage@v9", "/prompt_versions/support.triage@v9/tags",
             "/prompt_versions/support.triage@v1x", "/prompt_versions/nobody@v1/tags"],
)  # fmt: skip
def test_what_is_not_there_is_not_found(speaking: Speaking, path: str) -> None:
    found = get(speaking, path)
    assert (found.status_code, set(found.json())) == (404, {"detail", "code"})


@pytest.mark.parametrize("path", ROUTES)
def test_each_read_wants_the_right_to_it(speaking: Speaking, path: str) -> None:
    speaking.registry.publish(ANA, {"release.yaml": "release: {bundle: other, prompt: {text: Hi}}"})
    whole, few = (speaking.token(can.replace(":", "-"), can) for can in ("read:support.triage", "read:other"))
    assert get(speaking, path, authorization=f"Bearer {whole}").status_code == 200
    assert get(speaking, path, authorization=f"Bearer {few}").status_code == 403
    assert get(speaking, path).status_code == 401
    assert get(speaking, path, authorization=f"Bearer {whole[:-1]}").status_code == 401


def test_who_may_read_one_alias_reads_that_alone(speaking: Speaking) -> None:
    key = {"authorization": f"Bearer {speaking.token('app', 'read:support.triage@production')}"}
    assert [get(speaking, path, **key).status_code for path in ROUTES] == [200, 403, 403, 403, 403]
    assert get(speaking, "/prompts", **key).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/prompts"),
        ("PATCH", "/prompts/support.triage"),
        ("DELETE", "/prompts/support.triage"),
        ("POST", "/prompts/support.triage/versions"),
        ("POST", "/prompt_versions/support.triage@v1/tags"),
    ],
)
def test_writes_are_refused_openly(speaking: Speaking, method: str, path: str) -> None:
    before = speaking.registry.describe()["serial"]
    found = speaking(method, f"{V1}{path}", json={"name": "x"})
    assert found.status_code == 403
    assert "not written through Phoenix" in found.json()["detail"]
    assert "pinset publish" in found.json()["detail"]
    assert speaking.registry.describe()["serial"] == before


def test_a_provider_that_clients_break_with_is_told_as_one_that_they_know(speaking: Speaking) -> None:
    for at, (provider, told, kind) in enumerate(
        [("vendor-x", "OPENAI", "openai"), ("azure", "AZURE_OPENAI", "azure_openai"), ("Minimax", "MINIMAX", "openai"),
         ("bedrock", "AWS", "aws"), ("gemini", "GOOGLE", "google"), ("anthropic", "ANTHROPIC", "anthropic")]
    ):  # fmt: skip
        model = f"{{provider: {provider}, name: m, pinned_version: '{at}', max_tokens: 5, stop: END, beam: 2}}"
        speaking.registry.publish(
            ANA, {"release.yaml": f"release: {{bundle: m, model: {model}, prompt: {{text: Hi}}}}"}
        )
        found = get(speaking, f"/prompt_versions/m@v{at + 1}").json()["data"]
        assert (found["model_provider"], found["invocation_parameters"]["type"]) == (told, kind)
        said = found["invocation_parameters"][kind]
        assert said.get("stop", said.get("stop_sequences")) == ["END"]
        assert said.get("extra_body") == (None if kind in ("aws", "google") else {"beam": 2})
        assert found["metadata"]["model_pin"]["params"] == {"max_tokens": 5, "stop": "END", "beam": 2}
