"""What `ports.registry.Registry` promises, held near (in memory, in a directory) and far (over HTTP)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pinset.errors import (
    AliasMoved,
    AlreadyExists,
    Barred,
    ChecksFailed,
    IdempotencyMismatch,
    InvalidInput,
    InvalidManifest,
    InvalidName,
    InvalidReference,
    NotFound,
    NothingBehind,
    PinsetError,
    Yanked,
)
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.ports.registry import Registry
    from pinset.services.local import LocalRegistry

NAME = "support-summarizer"
HERE = f"{NAME}@production"
WHO = Caller(actor="ada@example")
SHARED = {
    ("prompts", "summarizer"): ({"summarizer.md": "Use {{context}}.\n\n{{ticket}}\n"}, None),
    ("guardrails", "pii-redact"): ({"component.yaml": "kind: pii\nguards: both\nconfig: {entities: [email]}\n"}, None),
    ("indexes", "kb-embeddings"): (
        {
            "component.yaml": "uri: s3://kb/2025-03-10\n"
            f"digest: sha256:{'6f1c' * 16}\n"
            "embedding_model: embed-v3\ndimensions: 1024\ndistance: cosine\n"
        },
        "2025-03-10",
    ),
}
MANIFEST = """\
release:
  feature: support-summarizer
  version: {label}
  model:
    provider: vendor-x
    name: foundation-large
    pinned_version: "2025-02-01"
    temperature: {temperature}
    max_tokens: 800
  prompt:
    template_ref: prompts/summarizer@v1
    guardrails: guardrails/pii-redact@v1
  retrieval:
    index: kb-embeddings@2025-03-10
    embedding_model: embed-v3
    top_k: 6
    variable: context
"""


def text(n: int, label: str | None = None) -> dict[str, str]:
    """A release whose content and label are told by a number."""
    return {"release.yaml": MANIFEST.format(label=label or f"2025-03-{n:02}", temperature=n / 10)}


def shared(registry: Registry) -> None:
    for (kind, name), (files, label) in SHARED.items():
        registry.publish_component(WHO, kind, name, files, label=label)


@pytest.fixture
def stocked(registry: Registry) -> Registry:
    """A registry with the shared components and v1 … v3."""
    shared(registry)
    for n in (1, 2, 3):
        registry.publish(WHO, text(n), message=f"number {n}")
    return registry


def moved(answer: Any) -> tuple[str, int | None, int | None]:
    return answer["action"], answer["from"], answer["to"]


def test_publish_counts_versions_and_takes_the_manifests_label(registry: Registry) -> None:
    shared(registry)
    first = registry.publish(WHO, text(1, "2025-03-14-rc2"), message="first", source="ci@abc")
    second = registry.publish(WHO, text(2), alias="staging")
    assert (first["ref"], first["label"], first["created"]) == (f"{NAME}@v1", "2025-03-14-rc2", True)
    assert (second["version"], second["created"]) == (2, True)
    assert second["move"] is not None
    assert moved(second["move"]) == ("promote", None, 2)
    assert registry.summary(f"{NAME}@v1")["source"] == "ci@abc"


def test_publishing_the_same_again_is_the_first_release(stocked: Registry) -> None:
    again = stocked.publish(WHO, text(2), message="other words")
    assert (again["version"], again["created"], again["operation"]) == (2, False, None)
    assert len(stocked.releases(NAME)["items"]) == 3


def test_a_free_label_on_known_content_is_a_new_version(stocked: Registry) -> None:
    again = stocked.publish(WHO, text(2), label="1.0.0")
    assert (again["version"], again["label"], again["created"]) == (4, "1.0.0", True)


def test_a_label_of_other_content_is_a_conflict(stocked: Registry) -> None:
    with pytest.raises(AlreadyExists) as caught:
        stocked.publish(WHO, text(9, "2025-03-02"))
    assert caught.value.details["version"] == 2
    assert caught.value.hint


def test_publish_says_every_finding_at_once(stocked: Registry) -> None:
    broken = {"release.yaml": "release:\n  feature: support-summarizer\n  modle: {}\n  prompt: {template: gone.md}\n"}
    with pytest.raises(InvalidManifest) as caught:
        stocked.publish(WHO, broken)
    found = caught.value.details["findings"]
    assert len(found) >= 2
    assert {"code", "file", "line", "message", "hint"} <= set(found[0])


def test_publish_without_a_bundle_name_is_an_invalid_manifest(stocked: Registry) -> None:
    with pytest.raises(InvalidManifest) as caught:
        stocked.publish(WHO, {"release.yaml": "release:\n  model: {name: m}\n"})
    assert caught.value.details["findings"]


@pytest.mark.parametrize(
    "prompt",
    ["{template_ref: prompts/summarizer@v9}", "{template_ref: prompts/gone@v1}", '{text: "{{> prompts/gone@v1}}"}'],
)
def test_publish_refuses_an_unknown_component(stocked: Registry, prompt: str) -> None:
    files = {
        "release.yaml": f'release:\n  feature: {NAME}\n  model: {{name: m, pinned_version: "1"}}\n  prompt: {prompt}\n'
    }
    with pytest.raises(ChecksFailed) as caught:
        stocked.publish(WHO, files)
    against = [finding["code"] for finding in caught.value.details["findings"] if finding["severity"] == "error"]
    assert against == ["reference-unresolved"]


def test_check_writes_nothing_and_tells_the_digest(stocked: Registry) -> None:
    before = stocked.describe()["serial"]
    answer = stocked.check(text(4))
    assert (answer["ok"], answer["bundle"], answer["label"]) == (True, NAME, "2025-03-04")
    assert stocked.describe()["serial"] == before
    assert stocked.publish(WHO, text(4))["digest"] == answer["digest"]


def test_a_dry_run_changes_nothing(stocked: Registry) -> None:
    dry, before = replace(WHO, dry_run=True), stocked.describe()["serial"]
    assert stocked.publish(dry, text(4))["version"] == 4
    assert moved(stocked.promote(dry, f"{NAME}@v1", "production")) == ("promote", None, 1)
    assert stocked.yank(dry, f"{NAME}@v1", reason="x")["changed"]
    assert stocked.publish_component(dry, "prompts", "tone", {"tone.md": "Be kind.\n"})["version"] == 1
    assert stocked.describe()["serial"] == before


def test_promote_without_expectation_moves_and_counts(stocked: Registry) -> None:
    first = stocked.promote(WHO, f"{NAME}@v1", "production", reason="go")
    assert (moved(first), first["seq"], first["reason"]) == (("promote", None, 1), 1, "go")
    second = stocked.promote(WHO, f"{NAME}@2025-03-02", "production")
    assert (moved(second), second["seq"]) == (("promote", 1, 2), 2)
    assert stocked.release(HERE)["version"] == 2


def test_promoting_what_is_served_changes_nothing(stocked: Registry) -> None:
    stocked.promote(WHO, f"{NAME}@v1", "production")
    again = stocked.promote(WHO, f"{NAME}@v1", "production")
    assert (moved(again), again["seq"]) == (("none", 1, 1), 1)


@pytest.mark.parametrize("expect", ["v1", "2025-03-01", "digest"])
def test_promote_accepts_every_way_to_say_what_is_served(stocked: Registry, expect: str) -> None:
    stocked.promote(WHO, f"{NAME}@v1", "production", expect="none")
    wanted = stocked.summary(f"{NAME}@v1")["digest"] if expect == "digest" else expect
    assert moved(stocked.promote(WHO, f"{NAME}@v2", "production", expect=wanted)) == ("promote", 1, 2)


@pytest.mark.parametrize("expect", ["none", "v1", "2025-03-03", "latest"])
def test_promote_refuses_when_the_alias_is_not_as_expected(stocked: Registry, expect: str) -> None:
    stocked.promote(WHO, f"{NAME}@v2", "production")
    with pytest.raises(AliasMoved) as caught:
        stocked.promote(WHO, f"{NAME}@v3", "production", expect=expect)
    assert caught.value.details["serves"] == 2
    assert stocked.alias(NAME, "production")["version"] == 2


def test_promote_refuses_when_nothing_is_served_but_something_expected(stocked: Registry) -> None:
    with pytest.raises(AliasMoved):
        stocked.promote(WHO, f"{NAME}@v3", "production", expect="v1")


def test_an_expectation_must_exist_and_be_fixed(stocked: Registry) -> None:
    stocked.promote(WHO, f"{NAME}@v1", "production")
    with pytest.raises(NotFound):
        stocked.promote(WHO, f"{NAME}@v2", "production", expect="v9")
    with pytest.raises(InvalidReference):
        stocked.promote(WHO, f"{NAME}@v2", "production", expect="production")


def test_promote_refuses_a_revision_of_the_past(stocked: Registry) -> None:
    first = stocked.promote(WHO, f"{NAME}@v1", "production", revision="none")
    second = stocked.promote(WHO, f"{NAME}@v2", "production", revision=first["revision"])
    assert moved(second) == ("promote", 1, 2)
    for stale in (first["revision"], "none"):
        with pytest.raises(AliasMoved):
            stocked.promote(WHO, f"{NAME}@v3", "production", revision=stale)


def test_promote_wants_a_selector_and_a_release_that_exists(stocked: Registry) -> None:
    with pytest.raises(InvalidReference):
        stocked.promote(WHO, NAME, "production")
    with pytest.raises(NotFound):
        stocked.promote(WHO, f"{NAME}@v9", "production")
    with pytest.raises(InvalidName):
        stocked.promote(WHO, f"{NAME}@v1", "v7")


def test_rollback_follows_the_chain_and_never_ping_pongs(registry: Registry) -> None:
    shared(registry)
    for n in range(1, 11):
        registry.publish(WHO, text(n))
    for n in (7, 8, 9):
        registry.promote(WHO, f"{NAME}@v{n}", "production")
    assert moved(registry.rollback(WHO, NAME, "production")) == ("rollback", 9, 8)
    registry.promote(WHO, f"{NAME}@v10", "production")
    assert moved(registry.rollback(WHO, NAME, "production")) == ("rollback", 10, 8)
    assert moved(registry.rollback(WHO, NAME, "production")) == ("rollback", 8, 7)
    with pytest.raises(NothingBehind):
        registry.rollback(WHO, NAME, "production")


def test_rollback_names_its_target_in_one_way(stocked: Registry) -> None:
    for n in (1, 2, 3):
        stocked.promote(WHO, f"{NAME}@v{n}", "production")
    with pytest.raises(InvalidInput):
        stocked.rollback(WHO, NAME, "production", to="v1", steps=2)
    with pytest.raises(AliasMoved):
        stocked.rollback(WHO, NAME, "production", serving="v2")
    dry = replace(WHO, dry_run=True)
    first = stocked.history(NAME, "production")["items"][-1]["at"]
    assert moved(stocked.rollback(dry, NAME, "production", steps=2)) == ("rollback", 3, 1)
    assert moved(stocked.rollback(dry, NAME, "production", at=first)) == ("rollback", 3, 1)
    assert moved(stocked.rollback(WHO, NAME, "production", serving="v3", to="2025-03-01")) == ("rollback", 3, 1)


def test_what_was_left_behind_is_barred_until_again(stocked: Registry) -> None:
    for n in (1, 2):
        stocked.promote(WHO, f"{NAME}@v{n}", "production")
    stocked.rollback(WHO, NAME, "production", reason="wrong")
    with pytest.raises(Barred):
        stocked.promote(WHO, f"{NAME}@v2", "production")
    with pytest.raises(InvalidInput):
        stocked.promote(WHO, f"{NAME}@v2", "production", again=True)
    again = stocked.promote(WHO, f"{NAME}@v2", "production", again=True, reason="mended")
    assert moved(again) == ("promote", 1, 2)
    assert moved(stocked.promote(WHO, f"{NAME}@v2", "staging")) == ("promote", None, 2)


def test_a_retired_alias_serves_nothing_and_goes_on_counting(stocked: Registry) -> None:
    stocked.promote(WHO, f"{NAME}@v1", "canary")
    retired = stocked.retire(WHO, NAME, "canary", reason="over")
    assert (retired["from"], retired["to"], retired["reason"]) == (1, None, "over")
    assert stocked.alias(NAME, "canary")["version"] is None
    with pytest.raises(NotFound):
        stocked.release(f"{NAME}@canary")
    back = stocked.promote(WHO, f"{NAME}@v2", "canary", expect="none")
    assert (moved(back), back["seq"]) == (("promote", None, 2), 3)


def test_retire_refuses_an_unknown_alias_and_a_stale_revision(stocked: Registry) -> None:
    first = stocked.promote(WHO, f"{NAME}@v1", "canary")
    stocked.promote(WHO, f"{NAME}@v2", "canary")
    with pytest.raises(AliasMoved):
        stocked.retire(WHO, NAME, "canary", revision=first["revision"])
    with pytest.raises(NotFound):
        stocked.retire(WHO, NAME, "nothing")


def test_a_yanked_release_is_readable_but_not_moved_to(stocked: Registry) -> None:
    with pytest.raises(InvalidInput):
        stocked.yank(WHO, f"{NAME}@v3", reason="")
    assert stocked.yank(WHO, f"{NAME}@v3", reason="leaks")["changed"]
    assert not stocked.yank(WHO, f"{NAME}@v3", reason="leaks")["changed"]
    assert stocked.release(f"{NAME}@v3")["yanked"] == "leaks"
    assert stocked.release(f"{NAME}@latest")["version"] == 2
    with pytest.raises(Yanked):
        stocked.promote(WHO, f"{NAME}@v3", "production")
    assert stocked.unyank(WHO, f"{NAME}@v3")["yanked"] is None
    assert moved(stocked.promote(WHO, f"{NAME}@v3", "production")) == ("promote", None, 3)


def test_verbs_that_change_want_a_selector(stocked: Registry) -> None:
    with pytest.raises(InvalidReference):
        stocked.yank(WHO, NAME, reason="x")
    with pytest.raises(InvalidReference):
        stocked.diff(NAME, f"{NAME}@v1")


def test_every_kind_of_selector_finds_its_release(stocked: Registry) -> None:
    stocked.promote(WHO, f"{NAME}@v2", "production")
    digest = stocked.summary(f"{NAME}@v2")["digest"]
    for selector in ("v2", "2025-03-02", "production", digest, digest[: len("sha256:") + 12]):
        found = stocked.release(f"{NAME}@{selector}")
        assert (found["version"], found["digest"]) == (2, digest)
    assert stocked.release(NAME)["version"] == 2
    assert stocked.release(f"{NAME}@latest")["version"] == 3
    through = stocked.release(HERE)["alias"]
    assert through is not None
    assert (through["name"], through["seq"]) == ("production", 1)


def test_the_document_and_the_sealed_form_are_of_one_release(stocked: Registry) -> None:
    document, sealed = stocked.release(f"{NAME}@v1"), stocked.sealed(f"{NAME}@v1")
    assert document["content"]["models"]["default"]["params"] == {"max_tokens": 800, "temperature": 0.1}
    assert document["content"]["retrieval"]["default"]["top_k"] == 6
    assert set(document["files"]) == set(sealed["files"])
    assert stocked.file(f"{NAME}@v1", "release.yaml") == sealed["files"]["release.yaml"] == text(1)["release.yaml"]
    assert stocked.file(f"{NAME}@v1", "manifest.json") == sealed["manifest"]


ABSENT_OR_WRONG: tuple[tuple[Any, type[PinsetError]], ...] = (
    (lambda r: r.release("nothing@v1"), NotFound),
    (lambda r: r.release(f"{NAME}@v99"), NotFound),
    (lambda r: r.release(f"{NAME}@2031-01-01"), NotFound),
    (lambda r: r.release(f"{NAME}@sha256:{'0' * 64}"), NotFound),
    (lambda r: r.release(f"{NAME}@nothing"), NotFound),
    (lambda r: r.release(NAME), NotFound),
    (lambda r: r.alias(NAME, "nothing"), NotFound),
    (lambda r: r.bundle("nothing"), NotFound),
    (lambda r: r.releases("nothing"), NotFound),
    (lambda r: r.history("nothing"), NotFound),
    (lambda r: r.history(NAME, "nothing"), NotFound),
    (lambda r: r.file(f"{NAME}@v1", "gone.md"), NotFound),
    (lambda r: r.component("prompts", "nothing"), NotFound),
    (lambda r: r.component("prompts", "summarizer", "v9"), NotFound),
    (lambda r: r.component_versions("prompts", "nothing"), NotFound),
    (lambda r: r.rollback(WHO, NAME, "nothing"), NotFound),
    (lambda r: r.revoke_token(WHO, "nothing"), NotFound),
    (lambda r: r.release("No Name@v1"), InvalidName),
    (lambda r: r.release(f"{NAME}@NO"), InvalidReference),
    (lambda r: r.file(f"{NAME}@v1", "../secret"), InvalidName),
    (lambda r: r.component("prompt", "summarizer"), InvalidName),
    (lambda r: r.where_used("pii-redact"), InvalidReference),
)


def test_what_does_not_exist_and_what_cannot_are_told_apart(stocked: Registry) -> None:
    for ask, kind in ABSENT_OR_WRONG:
        with pytest.raises(kind) as caught:
            ask(stocked)
        assert caught.value.message
        assert caught.value.hint or kind is InvalidReference


def test_lists_come_in_pages_newest_first(stocked: Registry) -> None:
    page = stocked.releases(NAME, limit=2)
    assert [item["version"] for item in page["items"]] == [3, 2]
    rest = stocked.releases(NAME, limit=2, cursor=page["next"])
    assert ([item["version"] for item in rest["items"]], rest["next"]) == ([1], None)
    assert [item["name"] for item in stocked.bundles(query="support")["items"]] == [NAME]
    assert stocked.bundles(query="other")["items"] == []


def test_history_tells_every_move_and_of_one_alias(stocked: Registry) -> None:
    stocked.promote(WHO, f"{NAME}@v1", "production", reason="one")
    stocked.promote(WHO, f"{NAME}@v2", "production", reason="two")
    stocked.promote(WHO, f"{NAME}@v2", "staging")
    stocked.rollback(WHO, NAME, "production", reason="back")
    found = stocked.history(NAME, "production")["items"]
    assert [(m["action"], m["seq"], m["from"], m["to"], m["reason"]) for m in found] == [
        ("rollback", 3, 2, 1, "back"),
        ("promote", 2, 1, 2, "two"),
        ("promote", 1, None, 1, "one"),
    ]
    assert [m["alias"] for m in stocked.history(NAME)["items"]] == ["production", "staging", "production", "production"]
    assert stocked.bundle(NAME)["aliases"] == {"production": 1, "staging": 2}


def test_diff_compares_releases_and_working_copies(stocked: Registry) -> None:
    between = stocked.diff(f"{NAME}@v1", f"{NAME}@v3")
    assert [(change["component"], change["kind"]) for change in between["changes"]]
    assert between["from"].startswith(f"{NAME}@v1")
    assert stocked.diff(f"{NAME}@v1", text(1))["changes"] == []
    assert stocked.diff(text(1), text(2))["changes"] != []


def test_components_are_listed_read_and_found_where_they_are_used(stocked: Registry) -> None:
    second = stocked.publish_component(
        WHO, "prompts", "summarizer", {"summarizer.md": "New: {{context}} {{ticket}}\n"}, label="2025-04-01"
    )
    assert (second["ref"], second.get("created")) == ("prompts/summarizer@v2", True)
    assert stocked.component("prompts", "summarizer", "2025-04-01")["version"] == 2
    assert stocked.component("prompts", "summarizer", "v1").get("files") == SHARED["prompts", "summarizer"][0]
    assert [c["version"] for c in stocked.component_versions("prompts", "summarizer")["items"]] == [2, 1]
    listed = {c["ref"] for c in stocked.components()["items"]}
    assert listed == {"prompts/summarizer@v2", "guardrails/pii-redact@v1", "indexes/kb-embeddings@v1"}
    assert [c["name"] for c in stocked.components(kind="indexes")["items"]] == ["kb-embeddings"]
    stocked.promote(WHO, f"{NAME}@v2", "production")
    used = stocked.where_used("guardrails/pii-redact@v1")["items"]
    assert {(u["version"], tuple(u["aliases"])) for u in used} == {(1, ()), (2, ("production",)), (3, ())}
    assert stocked.where_used("prompts/summarizer@v2")["items"] == []


def test_resolve_answers_each_reference_at_one_serial(stocked: Registry) -> None:
    stocked.promote(WHO, f"{NAME}@v2", "production")
    answer = stocked.resolve([NAME, f"{NAME}@v1", "nothing@v1", f"{NAME}@v9"])
    assert [item["version"] for item in answer["items"]] == [2, 1, None, None]
    assert [item["error"] and item["error"]["code"] for item in answer["items"]] == [
        None,
        None,
        "not_found",
        "not_found",
    ]
    assert answer["items"][0]["seq"] == 1
    assert answer["serial"] == stocked.describe()["serial"]


def test_a_write_with_the_same_key_happens_once(stocked: Registry) -> None:
    keyed = replace(WHO, key="0f0e-1")
    first = stocked.publish(keyed, text(4))
    again = stocked.publish(keyed, text(4))
    assert (again["version"], again["created"], again["operation"]) == (4, True, first["operation"])
    with pytest.raises(IdempotencyMismatch):
        stocked.publish(keyed, text(5))
    assert first["operation"] is not None
    done = stocked.operation(first["operation"])
    assert (done["status"], len(done["commits"])) == ("done", 1)
    assert stocked.operation("op_" + "0" * 24)["status"] == "unknown"


def test_what_is_allowed_is_part_of_a_request(stocked: Registry) -> None:
    keyed = replace(WHO, key="0f0e-2")
    stocked.publish(keyed, text(4), message="why", allow=["secret"])
    with pytest.raises(IdempotencyMismatch):
        stocked.publish(keyed, text(4), message="why")


def test_a_promotion_retried_after_it_happened_is_answered_as_at_first(stocked: Registry) -> None:
    keyed = replace(WHO, key="0f0e-3")
    first = stocked.promote(keyed, f"{NAME}@v1", "production", reason="go")
    stocked.promote(WHO, f"{NAME}@v2", "production")
    again = stocked.promote(keyed, f"{NAME}@v1", "production", reason="go")
    assert (again["revision"], again["seq"]) == (first["revision"], 1)
    assert stocked.alias(NAME, "production")["version"] == 2


def test_a_rollback_of_a_move_that_is_no_longer_the_last_is_refused(stocked: Registry) -> None:
    for version in (1, 2, 3):
        stocked.promote(WHO, f"{NAME}@v{version}", "production")
    seen = stocked.alias(NAME, "production")["revision"]
    stocked.promote(WHO, f"{NAME}@v1", "production")
    stocked.promote(WHO, f"{NAME}@v3", "production")
    with pytest.raises(AliasMoved):
        stocked.rollback(WHO, NAME, "production", steps=2, revision=seen)
    now = stocked.alias(NAME, "production")["revision"]
    assert moved(stocked.rollback(WHO, NAME, "production", steps=2, revision=now)) == ("rollback", 3, 2)


def test_verify_proves_a_sound_registry(stocked: Registry) -> None:
    stocked.promote(WHO, f"{NAME}@v1", "production")
    answer = stocked.verify()
    assert (answer["ok"], answer["problems"], answer["releases"], answer["moves"]) == (True, [], 3, 1)
    assert stocked.verify(NAME)["ok"]


def test_a_credentials_secret_is_told_once(registry: Registry, reach: Callable[[str | None], Registry]) -> None:
    secret = registry.create_token(WHO, "ci", can="admin")["token"]
    bearer = reach(secret)
    with pytest.raises(AlreadyExists) as refused:
        bearer.create_token(WHO, "ci", can="admin")
    later = [
        bearer.tokens(),
        bearer.create_token(WHO, "other", can="read"),
        bearer.revoke_token(replace(WHO, dry_run=True), "ci"),
        refused.value.details,
        bearer.revoke_token(WHO, "ci"),
    ]
    assert [token["name"] for token in later[0]["items"]] == ["ci"]
    hidden = secret.split("_")[2]
    assert len(hidden) > 40
    assert [answer for answer in later if hidden in json.dumps(answer)] == []


def test_a_credential_is_not_made_in_a_dry_run_or_with_an_unknown_scope(registry: Registry) -> None:
    assert "token" not in registry.create_token(replace(WHO, dry_run=True), "ci", can="write")
    with pytest.raises(InvalidInput):
        registry.create_token(WHO, "ci", can="everything")
    assert registry.tokens()["items"] == []


def test_clients_are_counted_by_what_they_said_they_hold(stocked: Registry, near: LocalRegistry) -> None:
    stocked.promote(WHO, f"{NAME}@v1", "production")
    assert stocked.clients(NAME) == {"items": [], "next": None}
    now = near._context.sights.now()
    near.keep_sights({(f"{n:016x}", NAME, "production"): (n or None, now) for n in (0, 1, 2)})
    found = [
        (item["alias"], item["version"], item["clients"], item["silent"]) for item in stocked.clients(NAME)["items"]
    ]
    assert found == [("production", 2, 1, 0), ("production", 1, 1, 0), ("production", None, 1, 0)]
    with pytest.raises(NotFound):
        stocked.clients("nothing")
    with pytest.raises(InvalidName):
        stocked.clients("No Name")
