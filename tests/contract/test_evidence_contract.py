"""Evidence, near and far: what is recorded, bound to which release, found again, and what a retry meets."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from registry_steps import ME, files, publish

from pinset.domain.access import parse_grants
from pinset.errors import (
    ChecksFailed,
    IdempotencyMismatch,
    InvalidInput,
    InvalidReference,
    NotFound,
    PermissionDenied,
    TooLarge,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.ports.registry import Registry
    from pinset.services.local import LocalRegistry

pytestmark = pytest.mark.parametrize("where", ["memory", "http"], indirect=True)
REPORT = json.dumps([{"suite": "tone", "score": 0.5, "threshold": 0.7}, {"suite": "facts", "passed": True}], indent=1)


def add(registry: Registry, reference: str = "support@v1", **said: Any) -> Any:
    return registry.evidence.add(ME, reference, **({"suite": "groundedness", "score": "0.93"} | said))


def test_a_result_is_bound_to_the_release_and_its_digest(registry: Registry) -> None:
    publish(registry, 2)
    answer = add(registry, "support@v1", threshold="0.85", reason="nightly")
    (item,) = answer["items"]
    assert (item["ref"], item["digest"]) == ("support@v1", registry.summary("support@v1")["digest"])
    assert (item["score"], item["threshold"], item["passed"], item["reason"]) == ("0.93", "0.85", True, "nightly")
    assert registry.operation(answer["operation"])["status"] == "done"
    assert registry.evidence.of_release("support@v1")["items"] == [item]
    assert registry.evidence.of_release("support@v2")["items"] == []


def test_a_report_gives_its_suites_and_is_kept_as_it_was(registry: Registry) -> None:
    publish(registry, 1)
    answer = registry.evidence.add(ME, "support@v1", report=REPORT)
    assert [(item["suite"], item["passed"]) for item in answer["items"]] == [("tone", False), ("facts", True)]
    assert len({item["report"] for item in answer["items"]}) == 1
    assert registry.evidence.report("support@v1", "facts") == REPORT
    one = registry.evidence.add(ME, "support@v1", report=REPORT, suite="tone", threshold="0.4")
    assert [(item["suite"], item["threshold"], item["passed"]) for item in one["items"]] == [("tone", "0.4", True)]
    free = add(registry, report="looked at by hand", suite="review", score="1")
    assert free["items"][0]["report"] is not None
    assert registry.evidence.report("support@v1", "review") == "looked at by hand"


def test_the_newest_of_a_suite_comes_first_and_pages_lose_none(registry: Registry) -> None:
    publish(registry, 2)
    for number in range(3):
        add(registry, "support@v1", score=str(number))
        add(registry, "support@v2", suite="other", score=str(number))
    found: list[str] = []
    cursor = None
    while True:
        page = registry.evidence.of_bundle("support", suite="groundedness", cursor=cursor, limit=2)
        found += [item["score"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert found == ["2", "1", "0"]
    assert len(registry.evidence.of_bundle("support")["items"]) == 6


def test_the_same_twice_is_two_records_and_a_retry_is_one(registry: Registry) -> None:
    publish(registry, 1)
    add(registry)
    add(registry)
    keyed = replace(ME, key="k1")
    first = registry.evidence.add(keyed, "support@v1", report=REPORT)
    assert registry.evidence.add(keyed, "support@v1", report=REPORT) == first
    assert len(registry.evidence.of_bundle("support")["items"]) == 4
    with pytest.raises(IdempotencyMismatch):
        registry.evidence.add(keyed, "support@v1", suite="tone", score="1")


def test_a_dry_run_records_nothing(registry: Registry, everything: Callable[[], Any]) -> None:
    publish(registry, 1)
    before = everything()
    answer = registry.evidence.add(replace(ME, dry_run=True), "support@v1", report=REPORT)
    assert (len(answer["items"]), answer["operation"]) == (2, None)
    assert everything() == before


def test_a_yanked_release_takes_evidence_and_an_unknown_one_does_not(registry: Registry) -> None:
    publish(registry, 1)
    registry.yank(ME, "support@v1", reason="leaks")
    assert add(registry, "support@v1")["items"][0]["score"] == "0.93"
    for reference in ("support@v9", "nothing@v1", "support@production"):
        with pytest.raises(NotFound):
            add(registry, reference)
    with pytest.raises(InvalidReference):
        add(registry, "support")


SECRET = "the key is ghp_" + "Ab3dEf6hIj" * 3 + "Kl2mN0"
REFUSED: list[tuple[dict[str, Any], type[Exception]]] = [
    ({"score": "nan"}, InvalidInput),
    ({"suite": "Two Words"}, InvalidInput),
    ({"suite": None}, InvalidInput),
    ({"score": None}, InvalidInput),
    ({"score": "0.5", "threshold": "0.6", "passed": True}, InvalidInput),
    ({"suite": None, "score": None, "report": "hello"}, InvalidInput),
    ({"score": None, "report": "{"}, InvalidInput),
    ({"report": "a\x00"}, InvalidInput),
    ({"report": "a" * 1_100_000}, TooLarge),
    ({"report": SECRET}, ChecksFailed),
]


def test_what_cannot_be_evidence_is_refused_and_leaves_nothing(
    registry: Registry, everything: Callable[[], Any]
) -> None:
    publish(registry, 1)
    before = everything()
    for said, error in REFUSED:
        with pytest.raises(error):
            add(registry, **said)
    assert everything() == before


def test_a_report_that_is_not_there_is_not_found(registry: Registry) -> None:
    publish(registry, 1)
    with pytest.raises(NotFound, match="no result of"):
        registry.evidence.report("support@v1", "groundedness")
    add(registry)
    with pytest.raises(NotFound, match="without a report"):
        registry.evidence.report("support@v1", "groundedness")


def test_who_may_not_add_evidence_adds_none(near: LocalRegistry, where: str) -> None:
    if where == "http":
        return  # a server knows its callers by their tokens
    publish(near, 1)
    reader = replace(ME, grants=parse_grants("read evidence:other"))
    with pytest.raises(PermissionDenied):
        near.evidence.add(reader, "support@v1", suite="a", score="1")
    near.evidence.add(replace(ME, grants=parse_grants("evidence:supp*")), "support@v1", suite="a", score="1")


def test_a_rebuilt_catalog_holds_the_same_evidence(near: LocalRegistry, everything: Callable[[], Any]) -> None:
    near.publish(ME, files("One."))
    near.evidence.add(ME, "support@v1", report=REPORT)
    rows = everything()[0]
    near.reindex()
    assert everything()[0] == rows
