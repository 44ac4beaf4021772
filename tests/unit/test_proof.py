from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from pinset.domain import sealed
from pinset.domain.proof import Fact, Proof
from pinset.domain.records import (
    ROOT,
    Action,
    ComponentRecord,
    EvidenceRecord,
    FoundingRecord,
    MoveRecord,
    Record,
    ReleaseRecord,
    Stamp,
    Verdict,
    release_ref,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

EMPTY_TREE = "tree-empty"


@dataclass
class Tale:
    """A registry's commits as they are made: each method adds one that follows all before it."""

    facts: list[Fact] = field(default_factory=list)

    def stamp(self, skip: int = 1) -> Stamp:
        last = self.facts[-1] if self.facts else None
        serial = (last.record.stamp.serial if last else 0) + skip
        return Stamp(serial=serial, prev=last.commit if last else None, at=serial * 10, actor="ana", operation="op")

    def add(self, record: Record, tree: str, files: Mapping[str, str], *more_parents: str) -> None:
        tip = next((fact.commit for fact in reversed(self.facts) if fact.ref == record.ref), None)
        first = (ROOT,) if isinstance(record, MoveRecord) else ()
        parents = (*([tip] if tip else first), *more_parents)
        commit = f"commit-{len(self.facts)}"
        self.facts.append(
            Fact(ref=record.ref, commit=commit, tree=tree, parents=parents, record=record, files=dict(files))
        )

    def found(self, epoch: int = 1, skip: int = 1) -> None:
        record = FoundingRecord(stamp=self.stamp(skip), registry_id="6f1c", epoch=epoch)
        self.add(record, f"tree-epoch-{epoch}", record.files)

    def publish(self, version: int, label: str | None = None, bundle: str = "support") -> None:
        files = {"prompt.md": f"words {version}", "release.yaml": "release:"}
        manifest = sealed.canonical({"format": 1, "bundle": bundle, "parts": {}, "files": sealed.listing(files)})
        digest = sealed.digest_of(manifest)
        record = ReleaseRecord(stamp=self.stamp(), bundle=bundle, version=version, label=label, digest=digest)
        self.add(record, f"tree-{bundle}-{version}", {**files, sealed.MANIFEST: manifest})

    def component(self, version: int, label: str | None = None) -> None:
        files = {"tone.md": f"tone {version}"}
        manifest = sealed.canonical({"format": 1, "kind": "prompts", "name": "tone", "files": sealed.listing(files)})
        digest = sealed.digest_of(manifest)
        stamp = self.stamp()
        record = ComponentRecord(stamp=stamp, kind="prompts", name="tone", version=version, label=label, digest=digest)
        self.add(record, f"tree-tone-{version}", {**files, sealed.COMPONENT: manifest})

    def move(self, action: Action, version: int | None, back: int | None, bars: int | None = None) -> None:
        moves = [fact.record for fact in self.facts if isinstance(fact.record, MoveRecord)]
        record = MoveRecord(
            stamp=self.stamp(),
            seq=len(moves) + 1,
            action=action,
            from_version=moves[-1].to_version if moves else None,
            to_version=version,
            back=back,
            bars=bars,
            bundle="support",
            alias="production",
        )
        if version is None:
            self.add(record, EMPTY_TREE, {})
            return
        release = self.facts[published(self.facts, version)]
        self.add(record, release.tree, release.files, release.commit)

    def evidence(self, version: int, verdict: Verdict = Verdict.YANK) -> None:
        record = EvidenceRecord(stamp=self.stamp(), bundle="support", version=version, verdict=verdict)
        self.add(record, EMPTY_TREE, {})


def published(facts: list[Fact], version: int) -> int:
    return next(
        at for at, fact in enumerate(facts) if isinstance(fact.record, ReleaseRecord) and fact.record.version == version
    )


def sound() -> list[Fact]:
    """A history with every kind of commit, and two of each kind that follows its own kind."""
    tale = Tale()
    tale.found()  # 0
    tale.component(1, "1.0")  # 1
    tale.component(3)  # 2
    tale.publish(1, "2025-03-07")  # 3
    tale.move(Action.PROMOTE, 1, None)  # 4
    tale.publish(2, "2025-03-14-RC")  # 5
    tale.move(Action.PROMOTE, 2, 1)  # 6
    tale.move(Action.ROLLBACK, 1, None, bars=2)  # 7
    tale.evidence(2)  # 8
    tale.evidence(2, Verdict.UNYANK)  # 9
    tale.found(epoch=2, skip=1000)  # 10
    tale.publish(5)  # 11
    tale.move(Action.RETIRE, None, 3)  # 12
    tale.move(Action.PROMOTE, 5, 4)  # 13
    tale.publish(1, "2025-03-07", bundle="other")  # 14
    return tale.facts


FOUNDED, TONE_1, TONE_3, V1, TO_V1, V2, TO_V2, BACK_TO_V1, YANK, UNYANK, MOVED_HOUSE, V5, RETIRED, TO_V5, OTHER = range(
    15
)


def problems(facts: list[Fact]) -> list[tuple[str, str]]:
    proof = Proof()
    for fact in facts:
        proof.add(fact)
    return proof.problems


def says(at: int, /, **changes: Any) -> Callable[[list[Fact]], None]:
    """The commit says something else."""

    def change(facts: list[Fact]) -> None:
        facts[at] = replace(facts[at], record=replace(facts[at].record, **changes))

    return change


def stamps(at: int, /, **changes: Any) -> Callable[[list[Fact]], None]:
    """The commit is stamped otherwise."""

    def change(facts: list[Fact]) -> None:
        record = facts[at].record
        facts[at] = replace(facts[at], record=replace(record, stamp=replace(record.stamp, **changes)))

    return change


def holds(at: int, /, **changes: Any) -> Callable[[list[Fact]], None]:
    """The commit has another ref, tree or other parents."""

    def change(facts: list[Fact]) -> None:
        facts[at] = replace(facts[at], **changes)

    return change


def file(at: int, path: str, text: str | None) -> Callable[[list[Fact]], None]:
    """The commit's tree has another file, or lacks it."""

    def change(facts: list[Fact]) -> None:
        files = {**facts[at].files, path: text or ""}
        if text is None:
            del files[path]
        facts[at] = replace(facts[at], files=files)

    return change


def test_a_sound_history_has_no_problem_and_is_counted() -> None:
    proof = Proof()
    for fact in sound():
        proof.add(fact)
    assert proof.problems == []
    assert (proof.commits, proof.releases, proof.moves, proof.texts) == (15, 4, 5, 10)


def test_an_empty_registry_has_no_problem() -> None:
    assert problems([]) == []


DAMAGE: dict[str, tuple[Callable[[list[Fact]], None], int, str]] = {
    # serials, times and the one chain through all commits
    "a serial too high": (stamps(V2, serial=9), V2, "has serial 9 after 5"),
    "a serial twice": (stamps(V2, serial=5), V2, "has serial 5 after 5"),
    "a new epoch with an older serial": (stamps(MOVED_HOUSE, serial=7), MOVED_HOUSE, "has serial 7 after 10"),
    "a new epoch with the same serial": (stamps(MOVED_HOUSE, serial=10), MOVED_HOUSE, "has serial 10 after 10"),
    "a prev that is another commit": (stamps(V2, prev="commit-3"), V2, "follows commit-3, and serial 5 is commit-4"),
    "no prev": (stamps(V2, prev=None), V2, "follows None, and serial 5 is commit-4"),
    "a first commit with a prev": (stamps(FOUNDED, prev="commit-9"), FOUNDED, "is the first commit there is"),
    "a time that stands still": (stamps(V2, at=50), V2, "is not later"),
    "a time that goes back": (stamps(V2, at=49), V2, "is not later"),
    # branches
    "a release of another bundle's branch": (holds(OTHER, ref=release_ref("support")), OTHER, "says it belongs to refs/heads/releases/other"),
    "a move of another alias": (says(TO_V5, alias="staging"), TO_V5, "says it belongs to refs/heads/aliases/support/staging"),
    "a release without parent": (holds(V2, parents=()), V2, "does not follow"),
    "a release with another parent": (holds(V2, parents=("commit-1",)), V2, "does not follow"),
    "a release with a second parent": (holds(V2, parents=("commit-3", "commit-1")), V2, "does not follow"),
    "a first release with a parent": (holds(V1, parents=("commit-0",)), V1, "does not follow"),
    "a component without parent": (holds(TONE_3, parents=()), TONE_3, "does not follow"),
    "a new epoch without parent": (holds(MOVED_HOUSE, parents=()), MOVED_HOUSE, "does not follow"),
    "an end of a yank without parent": (holds(UNYANK, parents=()), UNYANK, "does not follow"),
    # sealed forms
    "a file that changed": (file(V1, "prompt.md", "other words"), V1, "the file prompt.md"),
    "a file that is gone": (file(V1, "prompt.md", None), V1, "prompt.md"),
    "a file too many": (file(V1, "extra.md", "x"), V1, "extra.md"),
    "a manifest that changed": (file(V1, "manifest.json", '{"files":{},"format":1}'), V1, "a manifest is not the one"),
    "a manifest that is gone": (file(V1, "manifest.json", None), V1, "a manifest is not the one"),
    "another digest": (says(V1, digest="sha256:" + "0" * 64), V1, "a manifest is not the one"),
    "a component's file that changed": (file(TONE_1, "tone.md", "x"), TONE_1, "the file tone.md"),
    "a component's manifest that is gone": (file(TONE_1, "component.json", None), TONE_1, "a manifest is not the one"),
    # versions and labels
    "a version twice": (says(V2, version=1), V2, "has version 1 after 1"),
    "a version that goes back": (says(V5, version=1), V5, "has version 1 after 2"),
    "a component's version twice": (says(TONE_3, version=1), TONE_3, "has version 1 after 1"),
    "a label twice": (says(V2, label="2025-03-07"), V2, "has the label 2025-03-07 a second time"),
    "a label twice in other letters": (says(V5, label="2025-03-14-rc"), V5, "has the label 2025-03-14-rc a second"),
    "a component's label twice": (says(TONE_3, label="1.0"), TONE_3, "has the label 1.0 a second time"),
    # moves
    "a seq too high": (says(TO_V2, seq=3), TO_V2, "has seq 3 after 1"),
    "a seq twice": (says(TO_V2, seq=1), TO_V2, "has seq 1 after 1"),
    "a first seq that is not one": (says(TO_V1, seq=2), TO_V1, "has seq 2 after 0"),
    "a move from what was not served": (says(TO_V2, from_version=2), TO_V2, "does not come from what"),
    "a move from nothing": (says(TO_V2, from_version=None), TO_V2, "does not come from what"),
    "a first move from something": (says(TO_V1, from_version=1), TO_V1, "does not come from what"),
    "a move to what does not exist": (says(TO_V2, to_version=9), TO_V2, "goes to v9, which does not exist"),
    "a move to what is published later": (says(TO_V2, to_version=5), TO_V2, "goes to v5, which does not exist"),
    "a move with another tree": (holds(TO_V2, tree="tree-support-1"), TO_V2, "does not hold what v2 holds"),
    "a move that says another version": (says(TO_V2, to_version=1), TO_V2, "does not hold what v1 holds"),
    "a move with another release as parent": (holds(TO_V2, parents=("commit-4", "commit-3")), TO_V2, "does not follow"),
    "a move without release as parent": (holds(TO_V2, parents=("commit-4",)), TO_V2, "does not follow"),
    "a move without the move before": (holds(TO_V2, parents=("commit-5",)), TO_V2, "does not follow the commit before"),
    "a move after another move": (holds(BACK_TO_V1, parents=("commit-4", "commit-3")), BACK_TO_V1, "does not follow"),
    "a retirement without the move before": (holds(RETIRED, parents=()), RETIRED, "does not follow the commit before"),
    "a retirement that holds files": (file(RETIRED, "prompt.md", "x"), RETIRED, "retires the alias and still holds"),
    # what a rollback would undo to
    "a promotion's back too far": (says(TO_V5, back=1), TO_V5, "has a Back that is not the move before"),
    "a promotion without back": (says(TO_V2, back=None), TO_V2, "has a Back that is not the move before"),
    "a first promotion with a back": (says(TO_V1, back=1), TO_V1, "has a Back that is not the move before"),
    "a retirement's back too far": (says(RETIRED, back=1), RETIRED, "has a Back that is not the move before"),
    "a rollback that would ping-pong": (says(BACK_TO_V1, back=2), BACK_TO_V1, "rolls back to nothing"),
    "a rollback to what was never served": (says(BACK_TO_V1, to_version=5), BACK_TO_V1, "rolls back to nothing"),
    "a rollback that bars nothing": (says(BACK_TO_V1, bars=None), BACK_TO_V1, "does not bar what it left"),
    "a rollback that bars another": (says(BACK_TO_V1, bars=1), BACK_TO_V1, "does not bar what it left"),
    # evidence
    "a yank of what does not exist": (says(YANK, version=9), YANK, "is about support@v9, which does not exist"),
    "a yank of what is published later": (says(YANK, version=5), YANK, "is about support@v5, which does not exist"),
}  # fmt: skip


@pytest.mark.parametrize(("damage", "at", "what"), DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_reported_at_its_commit(damage: Callable[[list[Fact]], None], at: int, what: str) -> None:
    facts = sound()
    damage(facts)
    where = f"{facts[at].ref} {facts[at].commit}"
    assert [said for place, said in problems(facts) if place == where and what in said], problems(facts)


@pytest.mark.parametrize("gone", range(14))
def test_a_commit_that_is_gone_is_noticed_by_the_one_after(gone: int) -> None:
    facts = sound()
    del facts[gone]
    after = facts[gone]
    assert any(place == f"{after.ref} {after.commit}" for place, _ in problems(facts))


@pytest.mark.parametrize("at", range(14))
def test_commits_in_another_order_are_noticed(at: int) -> None:
    facts = sound()
    facts[at], facts[at + 1] = facts[at + 1], facts[at]
    assert problems(facts)


def test_a_component_on_a_branch_of_releases_is_noticed() -> None:
    facts = sound()
    facts[V2] = replace(facts[TONE_3], ref=facts[V2].ref, parents=facts[V2].parents)
    assert (f"{facts[V2].ref} {facts[V2].commit}", "follows a commit of another kind") in problems(facts)


def test_the_same_label_and_version_may_be_in_another_bundle() -> None:
    facts = sound()
    assert facts[OTHER].record.label == facts[V1].record.label  # type: ignore[union-attr]
    assert problems(facts) == []


def test_one_damage_is_told_once() -> None:
    facts = sound()
    file(V1, "prompt.md", "other words")(facts)
    assert len(problems(facts)) == 1


def rewritten(at: int, /, **changes: Any) -> Callable[[list[Fact]], None]:
    """A founding forged with care: its file says what its message says."""

    def change(facts: list[Fact]) -> None:
        record = replace(facts[at].record, **changes)
        assert isinstance(record, FoundingRecord)
        facts[at] = replace(facts[at], record=record, files=dict(record.files))

    return change


UNNOTICED: dict[str, Callable[[list[Fact]], None]] = {
    "a promotion that serves nothing": says(RETIRED, action=Action.PROMOTE),
    "a retirement that serves something": says(TO_V5, action=Action.RETIRE),
    "a promotion that bars": says(TO_V2, bars=1),
    "a retirement that bars": says(RETIRED, bars=1),
    "a first move with another parent": holds(TO_V1, parents=("commit-1", "commit-3")),
    "a first move without the root": holds(TO_V1, parents=("commit-3",)),
    "a move with a third parent": holds(TO_V2, parents=("commit-4", "commit-1", "commit-5")),
    "a retirement with a second parent": holds(RETIRED, parents=("commit-7", "commit-1")),
    "a manifest of another bundle": says(OTHER, bundle="third"),
    "a new epoch of another registry": rewritten(MOVED_HOUSE, registry_id="another"),
    "a founding in another format": file(FOUNDED, "registry.yaml", "format: 99\nid: 6f1c\nepoch: 1\n"),
    "a new epoch of the same number": rewritten(MOVED_HOUSE, epoch=1),
    "an epoch that goes back": rewritten(MOVED_HOUSE, epoch=0),
    "a new epoch that says one number and holds another": says(MOVED_HOUSE, epoch=3),
}


@pytest.mark.parametrize("damage", UNNOTICED.values(), ids=UNNOTICED.keys())
def test_damage_of_rarer_kinds_is_reported(damage: Callable[[list[Fact]], None]) -> None:
    facts = sound()
    damage(facts)
    facts = [replace(fact, ref=fact.record.ref) for fact in facts]
    assert problems(facts)


@pytest.mark.parametrize("epoch", [2, 3, 10])
def test_an_epoch_may_rise_by_any_step(epoch: int) -> None:
    facts = sound()
    rewritten(MOVED_HOUSE, epoch=epoch)(facts)
    assert problems(facts) == []


def test_a_registry_begins_with_its_founding() -> None:
    tale = Tale()
    tale.publish(1)
    ((place, said),) = problems(tale.facts)
    assert place == f"{tale.facts[0].ref} {tale.facts[0].commit}"
    assert "founds no registry" in said


@pytest.mark.parametrize("entry", ["{}", '"x"', "null", "[]"])
def test_a_forged_listing_is_a_problem_and_no_crash(entry: str) -> None:
    facts = sound()
    manifest = f'{{"files":{{"prompt.md":{entry},"release.yaml":{entry}}},"format":1}}'
    file(V1, "manifest.json", manifest)(facts)
    says(V1, digest=sealed.digest_of(manifest))(facts)
    assert problems(facts)
