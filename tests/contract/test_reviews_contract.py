"""Reviews: what a promotion would change, what the candidate lacks, and what to run then. The same near and far."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from registry_steps import ALIAS, ME, NAME, files, promote, publish

from pinset.domain.access import parse_grants
from pinset.errors import InvalidReference, NotFound, PermissionDenied
from pinset.ports.registry import Caller
from pinset_cli.commands.moving import promote as promote_command

if TYPE_CHECKING:
    from pinset.services.local import LocalRegistry

HERE = pytest.mark.parametrize("where", ["memory"], indirect=True)
"""What is the same code near and far is tried in memory alone."""
BASE = "You help.\nBe kind.\nBe short.\nName the ticket.\nSay thanks.\n"
FIX = BASE.replace("Be short.\n", "Be short.\nNever promise refunds.\n")
NEW = BASE.replace("You help.", "You help customers.")


def send(registry: Any, text: str, alias: str | None = None, why: str = "", *, who: Caller = ME) -> int:
    """Publish a text, and promote it; its version."""
    version: int = registry.publish(who, files(text), message=why)["version"]
    if alias:
        registry.promote(who, f"{NAME}@v{version}", alias, reason=why)
    return version


def hot_fixed(registry: Any) -> None:
    """v1 in production, v2 in staging, then v3 from v1 in production."""
    send(registry, BASE, ALIAS)
    send(registry, NEW, "staging", "names whom it helps")
    send(registry, FIX, ALIAS, "hot fix: refunds")


def test_a_review_says_what_the_candidate_would_undo(registry: Any) -> None:
    hot_fixed(registry)
    found = registry.reviews.promotion(NAME)
    assert (found["from"], found["to"], found["source"]) == (3, 2, "staging")
    assert (found["from_ref"], found["to_ref"]) == (f"{NAME}@v3 (production)", f"{NAME}@v2 (staging)")
    assert found["diff"] == registry.diff(f"{NAME}@production", f"{NAME}@staging")
    (lack,) = found["lacks"]
    assert (lack["kind"], lack["added"], lack["removed"], lack["line"]) == ("lacks", ["Never promise refunds."], [], 4)
    assert (lack["since"]["version"], lack["since"]["reason"]) == (3, "hot fix: refunds")
    assert lack["since"]["by"] == registry.history(NAME)["items"][0]["actor"]
    assert lack["sentence"].endswith("“Never promise refunds.” added; v2 would undo it")
    assert found["base"] == {
        "version": 1,
        "ref": f"{NAME}@v1",
        "why": "served",
        "words": "production served v1 when v2 was published",
    }
    assert any("published before v3" in note for note in found["notes"])
    assert found["candidate"]["message"] == "names whom it helps"
    assert found["serving"]["version"] == 3
    assert (found["can"], found["is_new"], found["is_readable"]) == (True, False, True)
    assert found["command"] == f"pinset promote {NAME}@v2 production --expect v3 -m 'names whom it helps'"


def test_a_working_copy_is_reviewed_like_a_candidate(registry: Any) -> None:
    hot_fixed(registry)
    stale = registry.reviews.working_copy(files(NEW))
    assert (stale["from"], stale["to"], stale["to_ref"]) == (3, None, f"{NAME} (working copy)")
    assert stale["diff"]["changes"] == registry.diff(f"{NAME}@v3", files(NEW))["changes"]
    assert [one["added"] for one in stale["lacks"]] == [["Never promise refunds."]]
    assert (stale["base"]["version"], stale["base"]["why"]) == (1, "served")
    edited = registry.reviews.working_copy(files(NEW + "Sign it.\n"))
    assert (edited["base"]["version"], edited["base"]["why"], len(edited["lacks"])) == (1, "nearest", 1)
    assert (stale["gates"], stale["command"], stale["candidate"]) == (None, None, None)
    assert stale["notes"] == ["this content is published already: support@v2"]
    served = registry.reviews.working_copy(files(FIX))
    assert (served["notes"], served["diff"]["verdict"]) == (["production serves exactly this: v3"], "none")
    fresh = registry.reviews.working_copy(files(FIX.replace("help.", "help people.")))
    assert (fresh["lacks"], fresh["base"]["why"], fresh["can"]) == ([], "served", True)
    first = registry.reviews.working_copy(files("Hi.", bundle="brand-new"))
    assert (first["is_new"], first["from"], first["diff"]["from"]) == (True, None, "nothing")
    assert first["diff"]["changes"]
    wrong = registry.reviews.working_copy({"release.yaml": "release: {feature: support, prompt: {template: no.md}}\n"})
    assert (wrong["can"], wrong["is_readable"]) == (False, False)
    assert wrong["findings"][0]["code"] == "file-missing"
    assert wrong["diff"]["changes"] == []


@HERE
@pytest.mark.parametrize(
    ("after", "lacks", "base"),
    [
        (FIX.replace("You help.", "You help customers."), [], 3),
        (NEW.replace("thanks", "thank you"), ["Never promise refunds."], 1),
    ],
    ids=["from what production serves", "from an older working copy"],
)
def test_a_candidate_of_after_the_hot_fix_comes_from_what_it_is_most_like(
    registry: Any, after: str, lacks: list[str], base: int
) -> None:
    hot_fixed(registry)
    send(registry, after, "staging")
    found = registry.reviews.promotion(NAME)
    assert [line for one in found["lacks"] for line in one["added"]] == lacks
    assert found["base"]["version"] == base
    if lacks:
        assert found["base"]["words"] == "v4 is more like v1 than like v3, which production served"


@HERE
def test_two_hot_fixes_are_told_apart_by_what_brought_them(registry: Any) -> None:
    hot_fixed(registry)
    send(registry, FIX.replace("Say thanks.", "Say thank you."), ALIAS, "hot fix: manners")
    send(registry, NEW + "And sign.\n", "staging")
    found = registry.reviews.promotion(NAME)
    assert [(one["since"]["version"], one["kind"]) for one in found["lacks"]] == [(3, "lacks"), (4, "lacks")]


@HERE
def test_a_rollback_is_nothing_that_a_candidate_lacks(registry: Any) -> None:
    send(registry, BASE, ALIAS)
    send(registry, NEW, ALIAS)
    third = send(registry, NEW.replace("short", "brief"), "staging")
    registry.rollback(ME, NAME, ALIAS, reason="answers in French")
    found = registry.reviews.promotion(NAME)
    assert (found["from"], found["to"], found["lacks"]) == (1, third, [])
    assert found["notes"] == [
        "v2 was rolled back from production by ada: “answers in French”; this has 1 of its 1 change again"
    ]
    barred = registry.reviews.promotion(NAME, source="v2")
    assert (barred["can"], barred["command"]) == (False, None)
    assert "is barred from it" in " ".join(barred["notes"])
    assert barred["then"][0].endswith("pinset promote support@v2 production --expect v1 --again -m TEXT")


@HERE
def test_to_promote_what_was_served_before_undoes_all_since(registry: Any) -> None:
    send(registry, BASE, ALIAS)
    send(registry, FIX, ALIAS)
    found = registry.reviews.promotion(NAME, source="v1")
    assert [one["added"] for one in found["lacks"]] == [["Never promise refunds."]]
    assert found["base"]["words"] == "production served v1 before"
    assert found["notes"] == ["production served v1 before: this goes back to it"]


@HERE
def test_there_is_nothing_to_lack_where_nothing_is_served(registry: Any) -> None:
    publish(registry, 2)
    first = registry.reviews.promotion(NAME, source="v1")
    assert (first["from"], first["from_ref"], first["base"], first["lacks"]) == (None, None, None, [])
    assert "its first release" in first["notes"][0]
    assert first["command"] == f"pinset promote {NAME}@v1 production --expect none"
    slip = registry.reviews.promotion(NAME, source="v1", alias="prodution")
    assert "did you mean production?" in slip["notes"][1]
    promote(registry, 1)
    same = registry.reviews.promotion(NAME, source=ALIAS)
    assert (same["command"], same["notes"], same["diff"]["verdict"]) == (None, ["production serves v1 already"], "none")
    registry.retire(ME, NAME, ALIAS)
    retired = registry.reviews.promotion(NAME, source="v2")
    assert (retired["from"], retired["notes"]) == (None, ["production is retired; this makes it serve again"])
    assert "is retired" in registry.reviews.working_copy(files("x"))["notes"][0]


@HERE
def test_what_is_against_a_promotion_is_said_and_the_way_out(registry: Any) -> None:
    send(registry, BASE, ALIAS)
    send(registry, NEW, "staging", "why; $(rm -rf /) `id` 'x'\nmore")
    assert shlex.split(registry.reviews.promotion(NAME)["command"])[-1] == "why; $(rm -rf /) `id` 'x' more"
    registry.yank(ME, f"{NAME}@v2", reason="it leaks")
    yanked = registry.reviews.promotion(NAME)
    assert (yanked["can"], yanked["command"], yanked["candidate"]["yanked"]) == (False, None, "it leaks")
    assert yanked["then"] == ["it is yanked: promote another release, or take it back: pinset unyank support@v2"]
    registry.unyank(ME, f"{NAME}@v2")
    reader = replace(ME, grants=parse_grants("read"))
    other = registry.reviews.promotion(NAME, caller=reader)
    assert (other["can"], other["command"] is None) == (False, False)
    assert other["then"][0].startswith("somebody else has to run it")
    wants = "format: 1\nrules: [{bundles: '*', aliases: production, evidence: [{suite: tone, passed: true}], approvals: 1}]\n"
    registry.policies.edit(ME, wants, reason="careful")
    wanting = registry.reviews.promotion(NAME, caller=ME)
    assert [gate["name"] for gate in wanting["gates"]["gates"] if not gate["passed"]] == ["evidence tone", "approvals"]
    assert "--when-approved" in wanting["command"]
    asked = registry.promote(ME, f"{NAME}@v2", ALIAS)
    mine = registry.reviews.promotion(NAME, caller=ME)
    assert (mine["command"], [one["number"] for one in mine["requests"]]) == (None, [asked["request"]])
    assert "somebody else, who runs: pinset request approve 1 --revision" in mine["then"][0]
    theirs = registry.reviews.promotion(NAME, caller=Caller(actor="ben"))
    assert theirs["command"] == f"pinset request approve 1 --revision {theirs['requests'][0]['revision']}"
    registry.evidence.add(ME, f"{NAME}@v2", suite="tone", passed=True)
    assert [one["suite"] for one in registry.reviews.promotion(NAME)["evidence"]] == ["tone"]
    registry.policies.edit(
        ME, "format: 1\nrules: [{bundles: '*', aliases: production, require: guardrails/x}]\n", reason="y"
    )
    never = registry.reviews.promotion(NAME, caller=ME)
    assert (never["command"], never["then"][0][:24]) == (None, "it cannot pass as it is:")


@HERE
def test_a_bundle_of_another_name_or_out_of_use_is_reviewed_as_what_it_is_now(registry: Any) -> None:
    send(registry, BASE, ALIAS)
    send(registry, NEW, "staging")
    registry.bundle_changes.rename(ME, NAME, "helper", reason="clearer")
    renamed = registry.reviews.promotion(NAME)
    assert (renamed["bundle"], renamed["command"]) == ("helper", "pinset promote helper@v2 production --expect v1")
    registry.bundle_changes.archive(ME, "helper", reason="done")
    for found in (registry.reviews.promotion("helper"), registry.reviews.working_copy(files(NEW))):
        assert (found["can"], found["command"], len(found["then"])) == (False, None, 1)
        assert found["then"][0].endswith("pinset bundle unarchive helper -m TEXT")


@HERE
def test_the_promotion_that_a_review_ends_with_moves_what_was_reviewed(registry: Any) -> None:
    hot_fixed(registry)
    words = shlex.split(registry.reviews.promotion(NAME)["command"])
    assert words[:2] == ["pinset", promote_command.__name__]
    registry.promote(ME, words[2], words[3], expect=words[5], reason=words[7])
    assert registry.alias(NAME, ALIAS)["version"] == 2


def test_a_review_of_what_is_not_there_says_so(registry: Any) -> None:
    send(registry, BASE, ALIAS)
    with pytest.raises(NotFound) as caught:
        registry.reviews.promotion(NAME)
    assert "its aliases are production" in caught.value.hint
    with pytest.raises(NotFound):
        registry.reviews.promotion("nobody")
    with pytest.raises(InvalidReference):
        registry.reviews.promotion(NAME, source="Nein")


@HERE
def test_a_review_shows_what_its_reader_may_read(registry: LocalRegistry) -> None:
    hot_fixed(registry)
    both = registry.seen_by(parse_grants(f"read:{NAME}@staging read:{NAME}@production"))
    found = both.reviews.promotion(NAME)
    assert (found["from"], found["to"], len(found["lacks"])) == (3, 2, 1)
    assert sorted(found["candidate"]["aliases"]) == ["staging"]
    for grants in (f"read:{NAME}@staging", f"read:{NAME}@production", "read:other"):
        seen = registry.seen_by(parse_grants(grants))
        with pytest.raises(PermissionDenied):
            seen.reviews.promotion(NAME)
    with pytest.raises(PermissionDenied):
        registry.seen_by(parse_grants("read:other")).reviews.working_copy(files(NEW))
