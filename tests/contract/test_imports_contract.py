"""Many versions in one write: each is answered for itself, once, and keeps the number that it had."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest
from registry_steps import ME

from pinset.domain.access import parse_grants
from pinset.errors import ChecksFailed, IdempotencyMismatch, InvalidInput, NotFound, PermissionDenied, TooLarge
from pinset.ports.imports import AT_ONCE, Version
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pinset.ports.registry import Registry
    from pinset.services.local import LocalRegistry

SECRET: Final = "AKIA" + "IOSFODNN7EXAMPLQ"
MEMORY: Final = pytest.mark.parametrize("where", ["memory"], indirect=True)
"""Where the rule itself is the same everywhere."""


def files(words: str, bundle: str = "support", more: str = "") -> dict[str, str]:
    text = f"release:\n  feature: {bundle}\n  model: {{name: m, pinned_version: '1'}}\n  prompt: {{template: p.md}}\n{more}"
    return {"release.yaml": text, "p.md": f"{words}\n"}


def version(number: int | None, words: str, **more: Any) -> Version:
    source = {"system": "elsewhere", "origin": f"elsewhere:support/{number or words}"}
    return Version(**{"name": "support", "files": files(words), "number": number, "source": source, **more})


def outcomes(answer: Any) -> list[tuple[str, int | None]]:
    return [(item["outcome"], item["version"]) for item in answer["items"]]


def take(registry: Registry, *versions: Version, **more: Any) -> Any:
    return registry.imports.take(ME, versions, **more)


def test_versions_keep_their_numbers_and_one_write_makes_them(registry: Registry) -> None:
    before = registry.describe()["serial"]
    source = {"system": "langfuse", "origin": "langfuse:h/x/3", "version": "3", "at": "2025-03-14T10:00:00+01:00"}
    answer = take(
        registry,
        version(3, "one", message="first", source={**source, "authors": ["Ada <ada@example.com>"]}),
        version(7, "two", label="2025-03-15"),
        version(8, "one"),
    )
    assert outcomes(answer) == [("created", 3), ("created", 7), ("created", 8)]
    assert answer["operation"]
    assert registry.operation(answer["operation"])["status"] == "done"
    assert registry.describe()["serial"] == before + 3
    first, second, third = (registry.summary(f"support@v{number}") for number in (3, 7, 8))
    assert first["digest"] == third["digest"] != second["digest"]
    assert (first["message"], second["label"]) == ("first", "2025-03-15")
    said = {**source, "at": "2025-03-14T09:00:00.000000Z", "authors": ["Ada <ada@example.com>"]}
    assert first["source"] == said
    assert first["published_at"] > "2026"
    assert [item["commit"] for item in answer["items"]] == [one["commit"] for one in (first, second, third)]


@MEMORY
def test_what_is_there_is_there_once(registry: Registry) -> None:
    versions = [version(1, "one"), version(2, "two"), version(None, "labelled", label="2025-01-01")]
    take(registry, *versions)
    before = registry.describe()["serial"]
    again = take(registry, *versions, replace(versions[0], source={}), version(2, "other words now"))
    assert outcomes(again) == [("already", 1), ("already", 2), ("already", 3), ("already", 1), ("already", 2)]
    assert again["operation"] is None
    assert take(registry, Version(name="support", files=files("two")))["items"][0]["version"] == 2
    assert registry.describe()["serial"] == before


def test_one_bad_version_refuses_no_other(registry: Registry) -> None:
    take(registry, version(2, "two"))
    answer = take(
        registry,
        version(2, "other", source={"origin": "another"}),
        version(1, "below"),
        version(3, f"the key is {SECRET}"),
        Version(name="support", files={"release.yaml": "release: 5\n"}),
        Version(name="No Name", files=files("x")),
        version(4, "label that is none", label="not-a-label"),
        version(9, "of another", files=files("x", "another")),
        version(10, "good"),
        version(10, "the same number again"),
    )
    found = [(item["outcome"], (item["problem"] or {}).get("code")) for item in answer["items"]]
    assert found == [
        ("conflict", "conflict"),
        ("conflict", "conflict"),
        ("refused", "checks_failed"),
        ("refused", "invalid_manifest"),
        ("refused", "invalid_name"),
        ("refused", "invalid_name"),
        ("refused", "invalid_manifest"),
        ("created", None),
        ("conflict", "conflict"),
    ]
    assert all(item["problem"]["hint"] for item in answer["items"] if item["problem"])
    assert "secret" in {finding["code"] for finding in answer["items"][2]["findings"]}
    assert SECRET not in str(answer)
    assert [one["version"] for one in registry.releases("support")["items"]] == [10, 2]


@MEMORY
def test_a_judgement_is_overridden_by_code_with_a_reason_and_that_is_kept(registry: Registry) -> None:
    with pytest.raises(InvalidInput, match="reason"):
        take(registry, version(1, SECRET), allow=["secret"])
    take(registry, version(1, SECRET), version(2, "plain"), allow=["secret"], message="a key for tests")
    first, second = registry.summary("support@v1"), registry.summary("support@v2")
    assert (first["allowed"], first["allow_reason"]) == (["secret"], "a key for tests")
    assert (second["allowed"], second["allow_reason"]) == ([], "")


def test_a_dry_run_says_everything_and_writes_nothing(registry: Registry, everything: Callable[[], Any]) -> None:
    take(registry, version(1, "one"))
    before = everything()
    answer = registry.imports.take(
        replace(ME, dry_run=True), [version(1, "one"), version(2, "two"), version(3, SECRET)]
    )
    assert outcomes(answer) == [("already", 1), ("created", 2), ("refused", 3)]
    assert answer["operation"] is None
    assert everything() == before


def test_the_same_key_has_one_effect_and_the_same_answer(registry: Registry) -> None:
    keyed = replace(ME, key="import-1")
    first = registry.imports.take(keyed, [version(1, "one"), version(2, "two")])
    assert registry.imports.take(keyed, [version(1, "one"), version(2, "two")]) == first
    with pytest.raises(IdempotencyMismatch):
        registry.imports.take(keyed, [version(3, "three")])


@MEMORY
def test_a_retry_that_finds_its_write_tells_what_that_made(registry: Registry, near: LocalRegistry) -> None:
    take(registry, version(1, "one"))
    keyed = replace(ME, key="import-1")
    first = near.imports.take(keyed, [version(1, "one"), version(2, "two")])
    again = near.imports.take(keyed, [version(1, "one"), version(2, "two")])
    assert outcomes(again) == outcomes(first) == [("already", 1), ("created", 2)]


@MEMORY
def test_the_versions_of_one_write_lean_on_each_other(registry: Registry) -> None:
    more = "  rollback_to: {}\n"
    answer = take(
        registry,
        version(1, "one", label="2025-01-01"),
        version(2, "two", files=files("two", more=more.format("v1"))),
        version(3, "three", files=files("three", more=more.format("2025-01-01"))),
    )
    assert outcomes(answer) == [("created", 1), ("created", 2), ("created", 3)]
    assert [registry.summary(f"support@v{number}")["rollback_to"] for number in (2, 3)] == [1, 1]


@MEMORY
def test_bundles_get_the_spellings_by_which_others_know_them(registry: Registry) -> None:
    one = Version(name="movie-critic", files=files("x", "movie-critic"), number=1, spelled="Movie Critic")
    take(registry, one, replace(one, files=files("y", "movie-critic"), number=2))
    assert registry.bundle("movie-critic")["names"] == ["Movie Critic"]
    other = Version(name="other", files=files("x", "other"), number=1, spelled="Movie Critic")
    assert outcomes(take(registry, other)) == [("conflict", 1)]
    with pytest.raises(NotFound):
        registry.bundle("other")


def sealed_of(registry: Registry, reference: str) -> Version:
    answer = registry.sealed(reference)
    return Version(
        name=answer["bundle"],
        files={"manifest.json": answer["manifest"], **answer["files"]},
        digest=answer["digest"],
        number=answer["version"],
    )


def component_of(registry: Registry, name: str, selector: str) -> Version:
    answer = registry.component("prompts", name, selector)
    texts = {"component.json": answer["manifest"], **answer["files"]}
    return Version(name=f"prompts/{name}", files=texts, digest=answer["digest"], number=answer["version"])


def test_sealed_versions_are_made_again_and_have_the_same_digests(registry: Registry, memory: LocalRegistry) -> None:
    """A reference by a label means here what it meant there, also where newer versions are here."""
    memory.publish_component(ME, "prompts", "tone", {"tone.md": "Be kind.\n"}, label="2025-01-01")
    memory.publish(ME, files("Hi. {{> prompts/tone@2025-01-01}}"))
    memory.publish_component(ME, "prompts", "tone", {"tone.md": "Be kinder.\n"})
    parts = [component_of(memory, "tone", "v1"), component_of(memory, "tone", "v2")]
    assert outcomes(take(registry, *parts)) == [("created", 1), ("created", 2)]
    assert outcomes(take(registry, *parts)) == [("already", 1), ("already", 2)]
    release = sealed_of(memory, "support@v1")
    assert outcomes(take(registry, release)) == [("created", 1)]
    assert registry.summary("support@v1")["digest"] == memory.summary("support@v1")["digest"]
    manifest = release.files["manifest.json"]
    bad: Sequence[tuple[Version, str]] = [
        (replace(release, number=2, digest="sha256:" + "0" * 64), "is not the sealed form"),
        (replace(release, number=2, files={**release.files, "p.md": "Another.\n"}), "is damaged"),
        (replace(release, number=2, files={**release.files, "more.md": "More.\n"}), "are not those"),
        (replace(release, number=2, files={"manifest.json": "[]"}), "is not the sealed form"),
        (forged(release, manifest.replace('"name":"m"', '"name":"n"')), "registry makes"),
    ]
    for one, why in bad:
        (item,) = take(registry, one)["items"]
        assert item["outcome"] == "refused"
        assert why in item["problem"]["message"]


def forged(release: Version, manifest: str) -> Version:
    """A sealed form that is whole, and is not what its author's files come to."""
    from pinset.domain.sealed import digest_of

    assert manifest != release.files["manifest.json"]
    return replace(release, number=2, digest=digest_of(manifest), files={**release.files, "manifest.json": manifest})


@MEMORY
def test_a_batch_wants_leave_for_each_of_its_bundles(registry: Registry) -> None:
    author = Caller(actor="ada", grants=parse_grants("author:support"))
    with pytest.raises(PermissionDenied):
        registry.imports.take(author, [version(1, "one"), Version(name="other", files=files("x", "other"))])
    with pytest.raises(NotFound):
        registry.bundle("support")
    assert outcomes(registry.imports.take(author, [version(1, "one")])) == [("created", 1)]


@MEMORY
def test_a_batch_has_a_limit_and_may_be_empty(registry: Registry) -> None:
    with pytest.raises(TooLarge):
        take(registry, *[version(n + 1, "x") for n in range(AT_ONCE + 1)])
    assert take(registry) == {"items": [], "operation": None}


@MEMORY
def test_what_is_refused_is_in_the_audit_log(registry: Registry) -> None:
    take(registry, version(1, SECRET), version(2, "fine"))
    refused = [item for item in registry.audit.items()["items"] if item.get("code") == ChecksFailed.code]
    assert len(refused) == 1
    assert "support" in str(refused[0])
    assert SECRET not in str(refused)
