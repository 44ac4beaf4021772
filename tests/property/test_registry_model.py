"""The registry against a small model of it: any sequence of writes, crashes and rebuilds ends where the model does."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pinset import bootstrap
from pinset.errors import AlreadyExists, Barred, NotFound, NothingBehind, PinsetError, Yanked
from pinset.ports.registry import Caller
from pinset.services import recovering, session

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.ports.catalog import CatalogWriter

TORTURE = os.environ.get("PINSET_TORTURE") == "1"
NAME = "support"
ME = Caller(actor="ada")
CONTENTS = st.integers(1, 4)
LABELS = st.none() | st.sampled_from(["2025-01", "2025-02-rc"])
ALIASES = st.sampled_from(["production", "staging"])
VERSIONS = st.integers(1, 6)


@dataclass(frozen=True)
class Release:
    content: int
    label: str | None


@dataclass(frozen=True)
class Move:
    action: str
    to: int | None
    back: int | None
    bars: int | None = None
    again: bool = False


@dataclass
class Model:
    """What a registry is: releases by version, moves by alias, yanked versions."""

    releases: list[Release] = field(default_factory=list)
    moves: dict[str, list[Move]] = field(default_factory=dict)
    yanked: set[int] = field(default_factory=set)

    def serves(self, alias: str) -> int | None:
        moves = self.moves.get(alias)
        return moves[-1].to if moves else None

    def bars(self, alias: str) -> set[int]:
        barred: set[int] = set()
        for move in self.moves.get(alias, []):
            if move.bars is not None:
                barred.add(move.bars)
            if move.again and move.to is not None:
                barred.discard(move.to)
        return barred

    def unfit(self, alias: str, version: int) -> type[PinsetError] | None:
        if version in self.yanked:
            return Yanked
        return Barred if version in self.bars(alias) else None

    def publish(self, content: int, label: str | None) -> int:
        """The version that answers; raises what the registry must."""
        for number, release in enumerate(self.releases, 1):
            if label is not None and release.label == label:
                if release.content != content:
                    raise AlreadyExists("taken")
                return number
            if label is None and release.content == content:
                return number
        self.releases.append(Release(content, label))
        return len(self.releases)

    def promote(self, version: int, alias: str, *, again: bool) -> str:
        if version > len(self.releases):
            raise NotFound("no such release")
        if self.serves(alias) == version:
            return "none"
        why = self.unfit(alias, version)
        if why is not None and not (why is Barred and again):
            raise why("unfit")
        moves = self.moves.setdefault(alias, [])
        moves.append(Move("promote", version, len(moves) or None, again=again))
        return "promote"

    def rollback(self, alias: str, steps: int) -> int:
        moves = self.moves.get(alias)
        if moves is None:
            raise NotFound("it never moved")
        seq, position = moves[-1].back, 0
        while seq is not None:
            move = moves[seq - 1]
            if move.to is not None:
                position += 1
                if position >= steps and move.to != moves[-1].to and self.unfit(alias, move.to) is None:
                    moves.append(Move("rollback", move.to, move.back, bars=moves[-1].to))
                    return move.to
            seq = move.back
        raise NothingBehind("nothing")

    def retire(self, alias: str) -> str:
        moves = self.moves.get(alias)
        if moves is None:
            raise NotFound("it never moved")
        if moves[-1].to is None:
            return "none"
        moves.append(Move("retire", None, len(moves)))
        return "retire"

    def yank(self, version: int, *, yanked: bool) -> bool:
        if version > len(self.releases):
            raise NotFound("no such release")
        changed = (version in self.yanked) != yanked
        (self.yanked.add if yanked else self.yanked.discard)(version)
        return changed


def files(content: int) -> dict[str, str]:
    return {
        "release.yaml": f"release:\n  feature: {NAME}\n  prompts: {{main: main.md}}\n",
        "main.md": f"Text {content}.",
    }


class Crash(BaseException):
    """The process is gone: nothing that it would have done after this is done."""


class RegistryAgainstModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp(prefix="pinset-model-"))
        bootstrap.create_registry(self.home / ".pinset")
        self.registry = bootstrap.local_registry(self.home)
        self.model = Model()

    def teardown(self) -> None:
        try:
            proven = self.registry.verify()
            assert proven["ok"], proven["problems"]
        finally:
            self.registry.close()
            shutil.rmtree(self.home, ignore_errors=True)

    def same(self, real: Callable[[], Any], model: Callable[[], Any]) -> None:
        """Both do the same, or refuse alike."""
        try:
            expected = model()
        except PinsetError as error:
            with pytest.raises(type(error)):
                real()
        else:
            assert real() == expected

    @initialize(count=st.integers(0, 3))
    def begin(self, count: int) -> None:
        for content in range(1, count + 1):
            self.publish(content, None)

    @rule(content=CONTENTS, label=LABELS)
    def publish(self, content: int, label: str | None) -> None:
        self.same(
            lambda: self.registry.publish(ME, files(content), label=label)["version"],
            lambda: self.model.publish(content, label),
        )

    @rule(version=VERSIONS, alias=ALIASES, again=st.booleans())
    def promote(self, version: int, alias: str, again: bool) -> None:
        reference = f"{NAME}@v{version}"
        self.same(
            lambda: self.registry.promote(ME, reference, alias, again=again, reason="why")["action"],
            lambda: self.model.promote(version, alias, again=again),
        )

    @rule(alias=ALIASES, steps=st.none() | st.integers(1, 3))
    def rollback(self, alias: str, steps: int | None) -> None:
        self.same(
            lambda: self.registry.rollback(ME, NAME, alias, steps=steps)["to"],
            lambda: self.model.rollback(alias, steps or 1),
        )

    @rule(alias=ALIASES)
    def retire(self, alias: str) -> None:
        self.same(lambda: self.registry.retire(ME, NAME, alias)["action"], lambda: self.model.retire(alias))

    @rule(version=VERSIONS, yanked=st.booleans())
    def yank(self, version: int, yanked: bool) -> None:
        verb = self.registry.yank if yanked else self.registry.unyank
        self.same(
            lambda: verb(ME, f"{NAME}@v{version}", reason="leaks")["changed"],
            lambda: self.model.yank(version, yanked=yanked),
        )

    @rule(alias=ALIASES, where=st.sampled_from(["before any ref", "after one ref", "before the catalog"]))
    def crash_in_a_publish_with_alias(self, alias: str, where: str) -> None:
        """A write of two refs is cut off; the next process finishes or forgets it, as its first ref says."""
        content = 100 + len(self.model.releases)
        catalog = self.registry._context.catalog
        with pytest.MonkeyPatch.context() as patch:
            self._arm(patch, where)
            with pytest.raises(Crash):
                self.registry.publish(ME, files(content), alias=alias)
        with catalog.reading() as reader:
            assert reader.intent() is not None
            assert len(reader.releases(NAME)) == len(self.model.releases), "nobody sees it before it is whole"
        self.reopen()
        if where != "before any ref":
            version = self.model.publish(content, None)
            assert self.model.promote(version, alias, again=False) == "promote"
        with self.registry._context.catalog.reading() as reader:
            assert reader.intent() is None

    def _arm(self, patch: pytest.MonkeyPatch, where: str) -> None:
        store, catalog = self.registry._context.store, self.registry._context.catalog
        if where == "before the catalog":
            with catalog.writing() as writer:
                kind = type(writer)

            def apply(*_: object) -> None:
                raise Crash

            patch.setattr(kind, "apply", apply)
            return
        kept = 0 if where == "before any ref" else 1
        real = type(store).move

        def move(self: Any, moves: Any, **_: Any) -> None:
            real(self, list(moves)[:kept])
            raise Crash

        patch.setattr(type(store), "move", move)

    @rule()
    def reopen(self) -> None:
        self.registry.close()
        self.registry = bootstrap.local_registry(self.home)

    @rule()
    def reindex(self) -> None:
        before = self.dump()
        self.registry.reindex()
        assert self.dump() == before

    @rule()
    def lose_the_catalog(self) -> None:
        before = self.dump()
        self.registry.close()
        for path in (self.home / ".pinset").glob("catalog*"):
            path.unlink()
        self.registry = bootstrap.local_registry(self.home)
        assert self.dump() == before

    @rule()
    def gc(self) -> None:
        before = dict(self.registry._context.store.refs())
        self.registry.gc()
        assert dict(self.registry._context.store.refs()) == before

    def dump(self) -> list[Any]:
        with self.registry._context.catalog.reading() as reader:
            return list(reader.dump())

    @invariant()
    def catalog_says_what_the_model_says(self) -> None:
        with self.registry._context.catalog.reading() as reader:
            rows = list(reader.releases(NAME))[::-1]
            assert [row.record.version for row in rows] == list(range(1, len(self.model.releases) + 1))
            assert [row.record.label for row in rows] == [release.label for release in self.model.releases]
            assert {row.record.version for row in rows if row.yanked is not None} == self.model.yanked
            digests = {
                row.record.digest: release.content for row, release in zip(rows, self.model.releases, strict=True)
            }
            assert len(digests) == len(set(digests.values())), "one content, one digest"
            assert {row.record.alias for row in reader.aliases(NAME)} == set(self.model.moves)
            for alias, moves in self.model.moves.items():
                found = [row.record for row in reader.moves(NAME, alias)][::-1]
                assert [record.seq for record in found] == list(range(1, len(moves) + 1))
                said = [Move(r.action.value, r.to_version, r.back, r.bars, r.again) for r in found]
                assert said == moves
                assert reader.bars(NAME, alias) == self.model.bars(alias)

    @invariant()
    def catalog_and_git_agree(self) -> None:
        with self.registry._context.catalog.reading() as reader:
            assert dict(reader.refs()) == dict(self.registry._context.store.refs())


TestRegistryAgainstModel = RegistryAgainstModel.TestCase
TestRegistryAgainstModel.settings = settings(
    max_examples=int(os.environ.get("PINSET_ROUNDS") or 300) if TORTURE else 5,
    stateful_step_count=60 if TORTURE else 20,
    deadline=None,
    derandomize=not TORTURE,  # the same examples every time where nobody watches; new ones where somebody does
    suppress_health_check=list(HealthCheck),  # a step writes to disk; slow is right
)


def _repairs_nothing(*_: object) -> None:
    return None


def _forgets_every_write(_: object, catalog: CatalogWriter) -> None:
    catalog.drop_intent()


def _finishes_only_the_refs(context: session.Context, catalog: CatalogWriter) -> None:
    intent = catalog.intent()
    if intent is not None:
        context.store.move([move for move in intent.moves if context.store.ref(move.ref) != move.new])
        catalog.drop_intent()


def _finishes_only_the_catalog(context: session.Context, catalog: CatalogWriter) -> None:
    intent = catalog.intent()
    if intent is not None:
        catalog.apply([recovering.entry_of(context.store.read(move.ref, move.new)) for move in intent.moves])


@pytest.mark.parametrize(
    "repair", [_repairs_nothing, _forgets_every_write, _finishes_only_the_refs, _finishes_only_the_catalog]
)
def test_the_model_notices_a_repair_that_is_broken(
    monkeypatch: pytest.MonkeyPatch, repair: Callable[[session.Context, CatalogWriter], None]
) -> None:
    """A write is cut off at three places: with this repair at least one of them ends where the model does not."""
    monkeypatch.setattr(recovering, "repair", repair)
    noticed = 0
    for where in ("before any ref", "after one ref", "before the catalog"):
        machine = RegistryAgainstModel()
        try:
            machine.begin(1)
            machine.crash_in_a_publish_with_alias("production", where)
            machine.catalog_says_what_the_model_says()
            machine.catalog_and_git_agree()
            machine.publish(3, None)
            machine.catalog_and_git_agree()
        except (AssertionError, PinsetError):
            noticed += 1
        finally:
            machine.registry.close()
            shutil.rmtree(machine.home, ignore_errors=True)
    assert noticed > 0
