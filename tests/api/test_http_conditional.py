"""Entity tags, preconditions, HEAD, pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.services.local import LocalRegistry

OPS = Caller(actor="ops")
BUNDLE = "/v1/bundles/support"
ALIAS = f"{BUNDLE}/aliases/production"


@pytest.fixture
def two(memory: LocalRegistry, manifest: Callable[..., dict[str, str]]) -> LocalRegistry:
    memory.publish(OPS, manifest(words="one"), alias="production")
    memory.publish(OPS, manifest(words="two"), label="1.0")
    return memory


def test_tags_say_what_they_identify_and_in_which_form(two: LocalRegistry, api: Any) -> None:
    revision, digest = two.alias("support", "production")["revision"], two.summary("support@v1")["digest"]
    assert api("GET", ALIAS).headers["etag"] == f'"{revision}-d1"'
    assert api("GET", f"{BUNDLE}/releases/v1").headers["etag"] == f'"{digest}-d1"'
    assert api("GET", f"{ALIAS}?form=sealed").headers["etag"] == f'"{revision}-s1"'


@pytest.mark.parametrize("form", ["document", "sealed", "summary"])
def test_a_yank_is_never_hidden_by_a_tag(two: LocalRegistry, api: Any, form: str) -> None:
    path = f"{ALIAS}?form={form}"
    tags = [api("GET", path).headers["etag"]]
    for reason in ("bad", "worse"):
        two.yank(OPS, "support@v1", reason=reason)
        tags.append(api("GET", path).headers["etag"])
        two.unyank(OPS, "support@v1")
    assert len(set(tags)) == 3
    for tag in tags[1:]:
        assert api("GET", path, headers={"If-None-Match": tag}).status_code == 200
    assert api("GET", path, headers={"If-None-Match": tags[0]}).status_code == 304


def test_a_summary_changes_with_the_aliases_that_serve_it(two: LocalRegistry, api: Any) -> None:
    path = f"{BUNDLE}/releases/v2?form=summary"
    first = api("GET", path)
    assert first.headers["cache-control"] == "no-cache"
    assert api("GET", path, headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    two.promote(OPS, "support@v2", "staging")
    assert api("GET", path, headers={"If-None-Match": first.headers["etag"]}).status_code == 200


def test_latest_with_the_same_content_is_another_answer(
    two: LocalRegistry, api: Any, manifest: Callable[..., dict[str, str]]
) -> None:
    path = f"{BUNDLE}/releases/latest"
    tag = api("GET", path).headers["etag"]
    two.publish(OPS, manifest(words="two"), label="2.0")
    again = api("GET", path, headers={"If-None-Match": tag})
    assert (again.status_code, again.json()["version"]) == (200, 3)


def test_a_shortened_digest_is_not_kept(two: LocalRegistry, api: Any) -> None:
    digest = two.summary("support@v1")["digest"]
    assert api("GET", f"{BUNDLE}/releases/{digest}").headers["cache-control"].endswith("immutable")
    assert api("GET", f"{BUNDLE}/releases/{digest[:20]}").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (ALIAS, 200),
        (f"{BUNDLE}/releases/v1", 200),
        (f"{BUNDLE}/releases/v1?form=sealed", 200),
        (f"{BUNDLE}/releases/v1/files/release.yaml", 200),
        ("/v1/bundles", 200),
        ("/v1/diff?from=support@v1&to=support@v2", 200),
        ("/healthz", 200),
        ("/readyz", 200),
        ("/openapi.json", 200),
        (f"{BUNDLE}/releases/v9", 404),
        ("/nowhere", 404),
        ("/v1/check", 405),
        ("/v1//x", 422),
    ],
)
def test_head_is_get_without_the_body(two: LocalRegistry, api: Any, path: str, status: int) -> None:
    fixed = {"X-Request-Id": "r1"}
    get, head = api("GET", path, headers=fixed), api("HEAD", path, headers=fixed)
    drop = {"x-request-id"}
    assert (get.status_code, head.status_code, head.content) == (status, status, b"")
    assert int(head.headers["content-length"]) == len(get.content) > 0
    assert {k: v for k, v in head.headers.items() if k not in drop} == {
        k: v for k, v in get.headers.items() if k not in drop
    }


def test_a_file_is_sent_as_it_is_with_a_tag(two: LocalRegistry, api: Any) -> None:
    path = f"{BUNDLE}/releases/v1/files/release.yaml"
    answer = api("GET", path)
    assert answer.text == two.file("support@v1", "release.yaml")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"].endswith("immutable")
    assert api("GET", path, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304


@pytest.mark.parametrize("given", ["{tag}", "W/{tag}", '"{revision}"', "{revision}"])
def test_a_tag_or_a_revision_is_a_precondition(two: LocalRegistry, api: Any, given: str) -> None:
    tag, revision = api("GET", ALIAS).headers["etag"], two.alias("support", "production")["revision"]
    answer = api("PUT", ALIAS, json={"release": "v2"}, headers={"If-Match": given.format(tag=tag, revision=revision)})
    assert (answer.status_code, answer.json()["to"]) == (200, 2)
    assert answer.headers["etag"] == api("GET", ALIAS).headers["etag"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-Match": "*"}, 428),
        ({"If-Match": ""}, 428),
        ({"If-None-Match": '"x"'}, 428),
        ({"If-Match": '"a", "b"'}, 422),
        ({"If-Match": '"a"', "If-None-Match": "*"}, 422),
        ({"If-Match": '"a"'}, 412),
        ({"If-None-Match": "*"}, 412),
    ],
)
def test_a_precondition_that_says_nothing_or_too_much_moves_nothing(
    two: LocalRegistry, api: Any, headers: dict[str, str], status: int
) -> None:
    assert api("PUT", ALIAS, json={"release": "v2"}, headers=headers).status_code == status
    assert api("DELETE", ALIAS, headers=headers).status_code == status
    assert two.alias("support", "production")["version"] == 1


def test_retire_wants_the_revision_and_ends_it(two: LocalRegistry, api: Any) -> None:
    tag = api("GET", ALIAS).headers["etag"]
    assert api("DELETE", f"{ALIAS}?reason=done", headers={"If-Match": tag}).json()["to"] is None
    assert api("GET", ALIAS).status_code == 404


def test_pages_follow_their_links_to_the_end(two: LocalRegistry, api: Any) -> None:
    path, seen = f"{BUNDLE}/releases?limit=1", []
    while path:
        answer = api("GET", path)
        seen += [item["version"] for item in answer.json()["items"]]
        assert bool(answer.links) == (answer.json()["next"] is not None)
        path = answer.links["next"]["url"] if answer.links else ""
    assert seen == [2, 1]
    for limit in ("0", "501", "x"):
        assert api("GET", f"{BUNDLE}/releases?limit={limit}").status_code == 422


def test_components_are_listed_by_kind(memory: LocalRegistry, api: Any) -> None:
    files = {"tone.md": "Be kind."}
    made = api("POST", "/v1/components/prompts/tone", json={"files": files})
    assert (made.status_code, made.headers["location"]) == (201, "/v1/components/prompts/tone/v1")
    assert api("POST", "/v1/components/prompts/tone", json={"files": files}).status_code == 200
    assert api("GET", made.headers["location"]).json()["digest"] == made.json()["digest"]
    assert [one["name"] for one in api("GET", "/v1/components/prompts").json()["items"]] == ["tone"]
    assert api("GET", "/v1/components/tools").json()["items"] == []
    assert api("GET", "/v1/components/nothing").status_code == 422
