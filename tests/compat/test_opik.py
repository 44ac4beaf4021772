"""Opik's protocol without its package: which version is meant, what is refused, and the hot path of a POST."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "api"))
from speaking import ANA, HARD
from wires import Wire

if TYPE_CHECKING:
    from speaking import Speaking

RETRIEVE = "/compat/opik/v1/private/prompts/versions/retrieve"


def ask(speaking: Speaking, **body: Any) -> Any:
    return speaking("POST", RETRIEVE, json={"name": "support.triage", **body})


def posted(body: bytes, *more: str) -> bytes:
    lines = [f"POST {RETRIEVE} HTTP/1.1", "Host: localhost", "Content-Type: application/json", *more]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


@pytest.mark.parametrize(
    ("which", "version"),
    [
        ({}, "v1"),
        ({"environment": "staging"}, "v2"),
        ({"environment": "latest"}, "v2"),
        ({"version_number": "v2"}, "v2"),
    ],
)
def test_a_version_is_named_in_the_ways_of_its_client(speaking: Speaking, which: dict[str, str], version: str) -> None:
    found = ask(speaking, **which, project_name="Default Project").json()
    assert found["version_number"] == version
    assert ask(speaking, commit=found["commit"]).json()["version_number"] == version
    assert (found["template_structure"], found["environments"]) == (
        "chat",
        ["production"] if version == "v1" else ["staging"],
    )
    assert json.loads(found["template"])[0] == {"role": "system", "content": HARD}
    assert found["metadata"]["placeholders"] == ["history"]


@pytest.mark.parametrize(
    "which",
    [{"name": "nobody"}, {"environment": "nowhere"}, {"version_number": "v9"}, {"commit": "0" * 8}, {"commit": "no"}],
)
def test_what_is_not_there_is_not_found(speaking: Speaking, which: dict[str, str]) -> None:
    assert ask(speaking, **which).status_code == 404


@pytest.mark.parametrize(
    "body",
    [b"{}", b"[]", b'{"name": 1}', b'{"name": "a", "name": "b"}', b'{"name": "a", "commit": "b", "environment": "c"}'],
)
def test_what_means_nothing_is_refused(speaking: Speaking, body: bytes) -> None:
    found = speaking("POST", RETRIEVE, content=body, headers={"content-type": "application/json"})
    assert found.status_code == 422
    assert set(found.json()) == {"code", "message", "errors"}


def test_a_post_that_reads_is_answered_ahead_of_the_framework(speaking: Speaking) -> None:
    slow, fast = (Wire(speaking.app, speaking.loop, hot) for hot in (None, speaking.api.state.hot))
    first = b'{"name":"support.triage","environment":"production"}'
    ordinary = slow.ask(posted(first))
    assert ordinary.status == 200
    again = b'{ "environment": "production", "project_name": "else", "name": "support.triage" }'  # it asks the same
    for body in (first, again):
        ready = fast.ask(posted(body))
        assert (ready.status, ready.body) == (200, ordinary.body)
    assert fast.protocol._clean
    for body, more in (
        (b'{"name":"support.triage","name":"x"}', ()),
        (first, ("Content-Encoding: gzip",)),
        (first + b" x", ()),
    ):
        assert fast.ask(posted(body, *more)).status in (415, 422)
    fast.close()
    anew = Wire(speaking.app, speaking.loop, speaking.api.state.hot)
    speaking.registry.promote(ANA, "support.triage@staging", "production")
    assert json.loads(anew.ask(posted(first)).body)["version_number"] == "v2"
    for wire in (slow, anew):
        wire.close()


def test_reading_by_post_is_no_write(speaking: Speaking) -> None:
    few = {"authorization": speaking.token("few", "read:other")}
    refused = speaking("POST", RETRIEVE, json={"name": "support.triage"}, headers=few)
    assert refused.status_code == 403
    tried = [one for one in speaking.registry.audit.items()["items"] if one["action"] == "read"]
    assert tried
    assert tried[0]["outcome"] == "refused"


def listed(speaking: Speaking, path: str, **query: Any) -> Any:
    return speaking("GET", f"/compat/opik/v1/private/prompts{path}", params=query).json()


def test_what_there_is_is_told_by_the_page(speaking: Speaking) -> None:
    other = {"release.yaml": "release: {bundle: other, prompt: {text: Hi}, metadata: {tags: [t]}}"}
    speaking.registry.publish(ANA, other)
    speaking.registry.bundle_changes.set(ANA, "other", also=["Other One"])
    first = listed(speaking, "", size=1)
    assert (first["total"], first["content"][0]["name"], first["content"][0]["tags"]) == (2, "Other One", ["t"])
    (triage,) = listed(speaking, "", size=1, page=2)["content"]
    assert (triage["name"], triage["template_structure"], triage["version_count"]) == ("support.triage", "chat", 2)
    assert [one["name"] for one in listed(speaking, "", name="the")["content"]] == ["Other One"]
    for name in ("Other One", "other"):
        assert [one["name"] for one in listed(speaking, "", name=name)["content"]] == [name]
    for filters, names in (
        ('[{"field": "template_structure", "operator": "=", "value": "chat"}]', ["support.triage"]),
        ('[{"field": "tags", "operator": "contains", "value": "t"}]', ["Other One"]),
        ('[{"field": "name", "operator": "starts_with", "value": "sup"}]', ["support.triage"]),
        ("[]", ["Other One", "support.triage"]),
    ):
        assert [one["name"] for one in listed(speaking, "", filters=filters)["content"]] == names
    versions = listed(speaking, f"/{triage['id']}/versions", size=1)
    assert (versions["total"], versions["content"][0]["version_number"]) == (2, "v2")
    (oldest,) = listed(speaking, f"/{triage['id']}/versions", size=1, page=2)["content"]
    assert oldest == ask(speaking, version_number="v1").json()
    assert listed(speaking, f"/versions/{oldest['id']}") == oldest
    assert listed(speaking, f"/{triage['id']}/versions/by-number/v1") == oldest
    assert listed(speaking, f"/{triage['id']}")["latest_version"]["version_number"] == "v2"
    found = listed(speaking, f"/{triage['id']}/versions", search="WARMER")["content"]
    assert [one["version_number"] for one in found] == ["v2"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nothing", 404),
        ("/versions/nothing", 404),
        ("?sorting=[1]", 422),
        ("?size=0", 422),
        ("?filters={", 422),
        ('?filters=[{"field":"x","operator":"=","value":"y"}]', 422),
    ],
)
def test_what_is_asked_in_vain_is_told_so(speaking: Speaking, path: str, status: int) -> None:
    found = speaking("GET", f"/compat/opik/v1/private/prompts{path}")
    assert (found.status_code, set(found.json())) == (status, {"code", "message", "errors"})


def test_who_may_not_read_sees_nothing(speaking: Speaking) -> None:
    (triage,) = listed(speaking, "")["content"]
    speaking.registry.publish(ANA, {"release.yaml": "release: {bundle: other, prompt: {text: Hi}}"})
    few = {"authorization": speaking.token("few", "read:other")}
    root = "/compat/opik/v1/private"
    assert [one["name"] for one in speaking("GET", f"{root}/prompts", headers=few).json()["content"]] == ["other"]
    for path in (f"/{triage['id']}", f"/{triage['id']}/versions", f"/{triage['id']}/versions/by-number/1"):
        assert speaking("GET", f"{root}/prompts{path}", headers=few).status_code == 404
        assert speaking("GET", f"{root}/prompts{path}").status_code == 401
    one = {"authorization": speaking.token("one", "read:support.triage@production")}
    assert speaking("POST", RETRIEVE, json={"name": "support.triage"}, headers=one).json()["environments"] == [
        "production"
    ]
    assert (
        speaking("POST", RETRIEVE, json={"name": "support.triage", "environment": "staging"}, headers=one).status_code
        == 403
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", ""), ("POST", "/versions"), ("PATCH", "/versions"), ("DELETE", "/x"), ("POST", "/x/versions/y/restore")],
)
def test_writes_are_refused_openly(speaking: Speaking, method: str, path: str) -> None:
    found = speaking(method, f"/compat/opik/v1/private/prompts{path}", json={"name": "x"})
    assert (found.status_code, "not written through Opik" in found.json()["message"]) == (403, True)


def test_every_project_is_this_one(speaking: Speaking) -> None:
    found = speaking("POST", "/compat/opik/v1/private/projects/retrieve", json={"name": "Default Project"}).json()
    assert found["name"] == "Default Project"
    assert listed(speaking, "", project_id=found["id"])["total"] == 1


def test_a_listed_prompt_is_what_its_name_alone_gives(speaking: Speaking) -> None:
    """Clients read what they found by its name, and believe the list of whether it is a chat."""
    text = "release:\n  bundle: turned\n  prompt: {text: 'Hello {{name}}'}\n"
    chat = "release:\n  bundle: turned\n  prompt: {messages: [{role: user, text: 'Hello {{name}}'}]}\n"
    speaking.registry.publish(ANA, {"release.yaml": text}, alias="production")
    speaking.registry.publish(ANA, {"release.yaml": chat})
    listed = speaking("GET", "/compat/opik/v1/private/prompts", params={"name": "turned"}).json()["content"]
    read = ask(speaking, name="turned").json()
    assert [one["template_structure"] for one in listed] == [read["template_structure"]] == ["text"]
