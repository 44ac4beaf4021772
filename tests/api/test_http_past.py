"""Looking back over HTTP: what is of then never passes for what is served now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Api
    from pinset.services.local import LocalRegistry

ME = Caller(actor="ada")
PLACE = "/v1/bundles/support"
SERVED = f"{PLACE}/aliases/production"


@pytest.fixture
def first(memory: LocalRegistry, manifest: Callable[..., dict[str, str]]) -> str:
    """When production began to serve v1; it serves v2 now."""
    for words in ("One.", "Two."):
        memory.publish(ME, manifest(words=words), alias="production")
    return memory.history("support", "production")["items"][1]["at"]


@pytest.mark.parametrize("form", ["document", "sealed", "summary"])
def test_an_answer_of_then_has_a_tag_of_its_own_and_is_asked_for_again(
    api: Api, memory: LocalRegistry, first: str, form: str
) -> None:
    last = memory.history("support", "production")["items"][0]["at"]
    now = api("GET", SERVED, params={"form": form})
    then = api("GET", SERVED, params={"form": form, "at": first})
    same = api("GET", SERVED, params={"form": form, "at": last})
    assert [one.json()["version"] for one in (now, then, same)] == [2, 1, 2]
    assert len({one.headers["etag"] for one in (now, then, same)}) == 3
    assert {one.headers["cache-control"] for one in (then, same)} == {"no-cache"}
    assert then.json()["at"] == first
    for tag, status in ((then.headers["etag"], 304), (now.headers["etag"], 200)):
        again = api("GET", SERVED, params={"form": form, "at": first}, headers={"If-None-Match": tag})
        assert again.status_code == status
    fixed = api("GET", f"{PLACE}/releases/v1", params={"form": form, "at": first})
    assert fixed.headers["cache-control"] == "no-cache"
    assert api("HEAD", SERVED, params={"form": form, "at": first}).headers["etag"] == then.headers["etag"]


def test_an_answer_of_then_is_not_kept_ready_and_counts_as_no_fetch(
    api: Api, memory: LocalRegistry, first: str
) -> None:
    headers = {"Pinset-Client": "0123456789abcdef", "Pinset-Holds": "v1"}
    assert api("GET", SERVED, params={"at": first}, headers=headers).json()["version"] == 1
    api.app.state.adoption.tell()
    assert memory.clients("support")["items"] == []
    assert api.app.state.fetches.now() == api.app.state.fetches.now().__class__()
    assert not api.app.state.ready._newer
    assert api("GET", SERVED, headers=headers).json()["version"] == 2
    assert len(api.app.state.ready._newer) == 1
    assert api("GET", SERVED, params={"at": first}).json()["version"] == 1
    assert api.app.state.fetches.now()


def test_files_lists_and_comparisons_are_of_then(api: Api, first: str) -> None:
    at = {"at": first}
    path = f"{PLACE}/releases/production/files/release.yaml"
    assert "One." in api("GET", path, params=at).text
    assert "Two." in api("GET", path).text
    assert api("GET", path, params=at).headers["cache-control"] == "no-cache"
    assert api("GET", "/v1/bundles", params=at).json()["items"][0]["aliases"] == {"production": 1}
    assert api("GET", PLACE, params=at).json()["aliases"] == {"production": 1}
    assert [item["version"] for item in api("GET", f"{PLACE}/aliases", params=at).json()["items"]] == [1]
    assert len(api("GET", f"{PLACE}/releases", params=at).json()["items"]) == 1
    assert len(api("GET", f"{PLACE}/history", params=at).json()["items"]) == 1
    assert len(api("GET", f"{SERVED}/history", params=at).json()["items"]) == 1
    body = {"references": ["support"]}
    assert api("POST", "/v1/resolve", json={**body, **at}).json()["items"][0]["version"] == 1
    assert api("POST", "/v1/resolve", json=body).json()["items"][0]["version"] == 2


def test_a_comparison_of_then_with_now(api: Api, first: str) -> None:
    sides = {"from": "support@production", "to": "support@production"}

    def told(**more: str) -> tuple[str, Any, Any]:
        found = api("GET", "/v1/diff", params={**sides, **more}).json()
        return found["verdict"], found["from"], found["to"]

    then = f"support@v1 (production at {first})"
    assert told(from_at=first) == ("behaviour", then, "support@v2 (production)")
    assert told(to_at=first) == ("behaviour", "support@v2 (production)", then)
    assert told(at=first) == ("none", then, then)
    both = api("GET", "/v1/diff", params={**sides, "at": first, "from_at": first})
    assert (both.status_code, both.json()["code"]) == (422, "invalid_input")


@pytest.mark.parametrize(
    ("at", "status"),
    [("3mo", 422), ("2999-01-01", 422), ("", 422), ("x" * 65, 422), ("2020-01-01", 404), ("9999d", 404)],
)
def test_what_is_no_time_or_was_not_there_is_a_problem(api: Api, first: str, at: str, status: int) -> None:
    for path in (
        SERVED,
        f"{PLACE}/releases/v1",
        PLACE,
        f"{PLACE}/aliases",
        "/v1/bundles",
        f"{SERVED}/blame?path=release.yaml",
    ):
        answer = api("GET", path, params={"at": at, **({"path": "release.yaml"} if "blame" in path else {})})
        assert answer.status_code == status, path
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["hint"] or len(at) > 64


def test_a_page_of_then_leads_to_the_next_one_of_then(
    api: Api, memory: LocalRegistry, manifest: Callable[..., dict[str, str]]
) -> None:
    for words in ("One.", "Two.", "Three."):
        memory.publish(ME, manifest(words=words))
    at = memory.releases("support")["items"][1]["published_at"]
    page = api("GET", f"{PLACE}/releases", params={"at": at, "limit": "1"})
    assert [item["version"] for item in page.json()["items"]] == [2]
    following = page.headers["link"].partition(">")[0].lstrip("<")
    assert [item["version"] for item in api("GET", following).json()["items"]] == [1]


def test_blame_over_http(api: Api, first: str) -> None:
    answer = api("GET", f"{SERVED}/blame", params={"path": "release.yaml"}).json()
    assert [line["text"] for line in answer["lines"] if line["origin"] == 1] == [
        '  prompt: {text: "Summarize {{ticket}}. Two."}'
    ]
    assert answer["origins"][1]["move"]["seq"] == 2
    of_release = api("GET", f"{PLACE}/releases/v2/blame", params={"path": "release.yaml"}).json()
    assert [line["origin"] for line in of_release["lines"]] == [line["origin"] for line in answer["lines"]]
    assert of_release["alias"] is None
    wrong = api("GET", f"{SERVED}/blame", params={"path": "releases.yaml"})
    assert (wrong.status_code, wrong.json()["hint"]) == (404, "did you mean release.yaml?")
    assert api("GET", f"{SERVED}/blame").status_code == 422


def test_a_source_of_fields_is_checked_and_answered(api: Api, manifest: Callable[..., dict[str, str]]) -> None:
    source = {"commit": "0123abc", "authors": ["Ada <ada@x>"], "url": "https://u:p@ci/1?token=x"}
    sent = api("POST", f"{PLACE}/releases", json={"files": manifest(), "source": source})
    assert sent.status_code == 201
    found = api("GET", f"{PLACE}/releases/v1").json()["source"]
    assert found == {"commit": "0123abc", "authors": ["Ada <ada@x>"], "url": "https://ci/1"}
    text = api("POST", f"{PLACE}/releases", json={"files": manifest(words="2"), "source": "ci@abc"})
    assert text.status_code == 201
    assert api("GET", f"{PLACE}/releases/v2").json()["source"] == "ci@abc"
    request = {"json": {"files": manifest(words="4"), "source": source}, "headers": {"Idempotency-Key": "k-1"}}
    one, again = (api("POST", f"{PLACE}/releases", **request) for _ in range(2))
    assert (one.status_code, again.json()) == (201, one.json())
    assert again.headers["idempotent-replayed"] == "true"
    for wrong in (
        {"comit": "0123abc"},
        {"commit": "xyz"},
        {"dirty": "yes"},
        {"authors": ["a"] * 11},
        ["x"],
        7,
        "x" * 1001,
    ):
        refused = api("POST", f"{PLACE}/releases", json={"files": manifest(words="3"), "source": wrong})
        assert refused.status_code == 422, wrong
