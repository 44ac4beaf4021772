from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinset.domain.moves import (
    History,
    Plan,
    Target,
    alias_moved,
    back_chain,
    expected_release,
    plan_promotion,
    plan_retirement,
    plan_rollback,
)
from pinset.domain.records import Action, MoveRecord, Stamp
from pinset.domain.references import SelectorKind
from pinset.errors import Barred, InvalidInput, InvalidReference, NothingBehind, PinsetError, Yanked

DEFAULT = Target()


@dataclass
class Line:
    """An alias in memory: it makes the moves that the plans say. The move of seq n is made at n * 10."""

    moves: list[MoveRecord] = field(default_factory=list)
    yanked: set[int] = field(default_factory=set)
    declares: dict[int, int] = field(default_factory=dict)

    @property
    def current(self) -> MoveRecord | None:
        return self.moves[-1] if self.moves else None

    @property
    def serves(self) -> int | None:
        return self.moves[-1].to_version if self.moves else None

    @property
    def tip(self) -> MoveRecord:
        return self.moves[-1]

    def bars(self) -> set[int]:
        barred: set[int] = set()
        for move in self.moves:
            barred |= {move.bars} if move.bars is not None else set()
            barred -= {move.to_version} if move.to_version is not None else set()
        return barred

    def move(self, seq: int) -> MoveRecord | None:
        return self.moves[seq - 1] if 0 < seq <= len(self.moves) else None

    def unfit(self, version: int) -> str | None:
        if version in self.yanked:
            return "yanked"
        return "barred" if version in self.bars() else None

    def history(self) -> History:
        def served(version: int, before: int) -> MoveRecord | None:
            return next((m for m in reversed(self.moves[: before - 1]) if m.to_version == version), None)

        def current_at(at: int) -> MoveRecord | None:
            return next((m for m in reversed(self.moves) if m.stamp.at <= at), None)

        declared = self.declares.get(self.serves or 0)
        return History(move=self.move, served=served, current_at=current_at, unfit=self.unfit, declared=declared)

    def make(self, plan: Plan | None) -> Plan:
        assert plan is not None
        stamp = Stamp(serial=plan.seq, prev=None, at=plan.seq * 10, actor="ana", operation="op")
        self.moves.append(
            MoveRecord(
                stamp=stamp,
                bundle="support",
                alias="production",
                seq=plan.seq,
                action=plan.action,
                from_version=plan.from_version,
                to_version=plan.to_version,
                back=plan.back,
                bars=plan.bars,
                again=plan.again,
            )
        )
        return plan

    def promote(self, *versions: int) -> Line:
        for version in versions:
            self.make(plan_promotion(self.current, version, again=version in self.bars()))
        return self

    def retire(self) -> Line:
        self.make(plan_retirement(self.tip))
        return self

    def plan(self, target: Target = DEFAULT) -> Plan | None:
        return plan_rollback(self.tip, target, self.history())

    def rollback(self, target: Target = DEFAULT) -> Plan:
        return self.make(self.plan(target))

    def chain(self) -> list[int]:
        return [move.to_version or 0 for move in back_chain(self.tip, self.move)]


def to(version: int) -> Target:
    return Target(version=version)


def steps(count: int) -> Target:
    return Target(steps=count)


# -- what a caller expects -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("v7", SelectorKind.VERSION),
        ("2025-03-14", SelectorKind.LABEL),
        ("sha256:" + "0" * 64, SelectorKind.DIGEST),
        ("latest", SelectorKind.LATEST),
    ],
)
def test_what_is_expected_may_be_said_as_any_release(text: str, kind: SelectorKind) -> None:
    selector = expected_release(text)
    assert selector is not None
    assert (selector.kind, selector.text) == (kind, text)


def test_an_alias_may_be_expected_to_serve_nothing() -> None:
    assert expected_release("none") is None


@pytest.mark.parametrize("text", ["staging", "production", "NONE", "", "a b"])
def test_what_moves_or_means_nothing_cannot_be_expected(text: str) -> None:
    with pytest.raises(InvalidReference):
        expected_release(text)


@pytest.mark.parametrize(("serves", "shown"), [(7, "v7"), (None, "nothing")])
def test_a_caller_that_expects_something_else_is_told_what_is_served(serves: int | None, shown: str) -> None:
    error = alias_moved("support", "production", serves=serves, expected="v3", revision="5c1d")
    assert error.details == {"serves": serves, "revision": "5c1d"}
    assert all(word in error.message for word in ("support@production", shown, "v3"))


# -- promotions and retirements --------------------------------------------------------------------------------


def test_the_first_promotion_comes_from_nothing_and_has_nothing_behind() -> None:
    plan = plan_promotion(None, 7, again=False)
    assert plan == Plan(action=Action.PROMOTE, seq=1, from_version=None, to_version=7, back=None)


@pytest.mark.parametrize("again", [True, False])
def test_a_promotion_would_undo_to_the_move_before_and_bars_nothing(again: bool) -> None:
    line = Line().promote(7, 8)
    plan = plan_promotion(line.current, 9, again=again)
    assert plan == Plan(action=Action.PROMOTE, seq=3, from_version=8, to_version=9, back=2, again=again)


@pytest.mark.parametrize("again", [True, False])
def test_promoting_what_is_served_changes_nothing(again: bool) -> None:
    assert plan_promotion(Line().promote(7, 8).current, 8, again=again) is None


def test_a_retirement_serves_nothing_and_can_be_undone() -> None:
    line = Line().promote(7, 8)
    assert plan_retirement(line.tip) == Plan(action=Action.RETIRE, seq=3, from_version=8, to_version=None, back=2)


def test_retiring_twice_changes_nothing() -> None:
    assert plan_retirement(Line().promote(7).retire().tip) is None


def test_promoting_a_retired_alias_continues_its_chain() -> None:
    line = Line().promote(7).retire()
    plan = plan_promotion(line.current, 7, again=False)
    assert plan == Plan(action=Action.PROMOTE, seq=3, from_version=None, to_version=7, back=2)


# -- the default -----------------------------------------------------------------------------------------------


def test_a_rollback_after_a_new_promotion_never_returns_to_what_was_left_behind() -> None:
    line = Line().promote(7, 8, 9)
    assert line.rollback() == Plan(
        action=Action.ROLLBACK, seq=4, from_version=9, to_version=8, back=1, bars=9, again=False
    )
    line.promote(10)
    assert line.tip.back == 4
    assert line.rollback() == Plan(action=Action.ROLLBACK, seq=6, from_version=10, to_version=8, back=1, bars=10)
    assert line.rollback() == Plan(action=Action.ROLLBACK, seq=7, from_version=8, to_version=7, back=None, bars=8)
    with pytest.raises(NothingBehind):
        line.plan()
    assert line.bars() == {8, 9, 10}


def test_rolling_back_twice_goes_further_back_and_does_not_ping_pong() -> None:
    line = Line().promote(7, 8, 9)
    assert [line.rollback().to_version, line.rollback().to_version] == [8, 7]


@pytest.mark.parametrize(
    "target", [DEFAULT, steps(1), steps(5), to(6), Target(at=0)], ids=["default", "1", "5", "to", "at"]
)
def test_nothing_behind_is_refused_and_says_where_to_look(target: Target) -> None:
    with pytest.raises(NothingBehind, match="support@production") as refused:
        Line().promote(7).plan(target)
    assert "pinset history support@production" in refused.value.hint


@pytest.mark.parametrize("count", [0, -1])
def test_steps_below_one_are_refused(count: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        Line().promote(7, 8).plan(steps(count))
    assert refused.value.hint


@pytest.mark.parametrize(("count", "version", "back"), [(1, 10, 3), (2, 9, 2), (3, 8, 1), (4, 7, None)])
def test_steps_follow_the_chain(count: int, version: int, back: int | None) -> None:
    plan = Line().promote(7, 8, 9, 10, 11).rollback(steps(count))
    assert (plan.to_version, plan.back, plan.bars, plan.seq) == (version, back, 11, 6)


def test_more_steps_than_the_chain_has_are_refused() -> None:
    with pytest.raises(NothingBehind):
        Line().promote(7, 8, 9).plan(steps(3))


def test_steps_follow_the_chain_past_what_was_rolled_back() -> None:
    line = Line().promote(7, 8, 9)
    line.rollback()
    line.promote(10)
    assert line.chain() == [8, 7]
    assert line.rollback(steps(2)).to_version == 7


# -- the declared target ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "version", "back"),
    [(9, 9, 2), (8, 8, 1), (7, 7, None), (6, 9, 2), (10, 9, 2)],
    ids=["nearest", "on the chain", "its end", "never served", "itself"],
)
def test_a_declared_target_is_taken_where_it_is_on_the_chain(declared: int, version: int, back: int | None) -> None:
    plan = Line(declares={10: declared}).promote(7, 8, 9, 10).rollback()
    assert (plan.to_version, plan.back, plan.bars, plan.skipped) == (version, back, 10, ())


def test_a_declared_target_that_left_the_chain_is_not_taken() -> None:
    line = Line(declares={10: 9}).promote(7, 8, 9)
    line.rollback()
    line.promote(10)
    plan = line.rollback()
    assert (plan.to_version, plan.skipped) == (8, ())


def test_of_a_declared_target_served_twice_the_nearest_is_taken() -> None:
    assert Line(declares={9: 7}).promote(7, 8, 7, 6, 9).rollback().back == 2


def test_a_release_that_declares_itself_declares_nothing() -> None:
    assert Line(declares={10: 10}).promote(10, 9, 10).rollback().to_version == 9


def test_steps_go_before_what_is_declared() -> None:
    assert Line(declares={10: 7}).promote(7, 8, 9, 10).rollback(steps(1)).to_version == 9


def test_only_what_is_served_declares() -> None:
    assert Line(declares={9: 7}).promote(7, 8, 9, 10).rollback().to_version == 9


def test_a_declared_target_that_is_unfit_is_skipped_aloud_for_the_chain() -> None:
    line = Line(declares={10: 8}, yanked={8}).promote(7, 8, 9, 10)
    plan = line.rollback()
    assert (plan.to_version, plan.skipped) == (9, ((8, "yanked"),))


def test_an_unfit_declared_target_is_told_once() -> None:
    line = Line(declares={9: 8}, yanked={8}).promote(7, 8, 9)
    plan = line.rollback()
    assert (plan.to_version, plan.skipped) == (7, ((8, "yanked"),))
    line = Line(declares={9: 8}, yanked={8}).promote(7, 8, 6, 8, 9)
    assert line.rollback().skipped == ((8, "yanked"),)


# -- yanked and barred -----------------------------------------------------------------------------------------


def test_yanked_targets_are_skipped_aloud() -> None:
    line = Line(yanked={9, 8}).promote(7, 8, 9, 10)
    plan = line.rollback()
    assert (plan.to_version, plan.back, plan.skipped) == (7, None, ((9, "yanked"), (8, "yanked")))


def test_barred_targets_are_skipped_aloud() -> None:
    line = Line().promote(7, 8, 9, 8, 9)
    assert line.rollback().bars == 9
    line.promote(10)
    assert line.chain() == [8, 9, 8, 7]
    line.yanked = {8}
    plan = line.rollback()
    assert (plan.to_version, plan.skipped) == (7, ((8, "yanked"), (9, "barred")))


def test_a_version_that_was_left_behind_twice_is_told_once() -> None:
    line = Line(yanked={8}).promote(7, 8, 9, 8, 10)
    plan = line.rollback(Target())
    assert (plan.to_version, plan.skipped) == (9, ((8, "yanked"),))
    assert line.rollback().skipped == ((8, "yanked"),)


def test_steps_skip_what_is_unfit_and_go_on() -> None:
    line = Line(yanked={8}).promote(6, 7, 8, 9, 10)
    plan = line.rollback(steps(2))
    assert (plan.to_version, plan.skipped) == (7, ((8, "yanked"),))


def test_where_all_behind_is_unfit_each_is_named() -> None:
    line = Line(yanked={7, 8}).promote(7, 8, 9)
    with pytest.raises(NothingBehind, match="v8 is yanked; v7 is yanked"):
        line.plan()


@pytest.mark.parametrize("target", [to(8), Target(at=25)], ids=["to", "at"])
def test_a_named_target_that_is_yanked_is_refused(target: Target) -> None:
    line = Line(yanked={8}).promote(7, 8, 9)
    with pytest.raises(Yanked, match="support@v8 is yanked") as refused:
        line.plan(target)
    assert refused.value.hint == "take it back first: pinset unyank support@v8"


@pytest.mark.parametrize("target", [to(9), Target(at=35)], ids=["to", "at"])
def test_a_named_target_that_is_barred_is_refused(target: Target) -> None:
    line = Line().promote(7, 8, 9)
    line.rollback()
    with pytest.raises(Barred, match="support@v9 is barred") as refused:
        line.plan(target)
    assert "pinset promote support@v9 production --again" in refused.value.hint


def test_promoting_again_lifts_the_bar_for_a_later_rollback() -> None:
    line = Line().promote(7, 8, 9)
    line.rollback()
    line.promote(9)
    assert line.tip.again
    assert line.tip.back == 4
    line.promote(10)
    assert line.rollback().to_version == 9


# -- targets that are named ------------------------------------------------------------------------------------


def test_to_takes_the_nearest_on_the_chain() -> None:
    line = Line().promote(7, 8, 7, 9)
    plan = line.rollback(to(7))
    assert (plan.to_version, plan.back, plan.bars) == (7, 2, 9)


def test_to_off_the_chain_takes_the_newest_earlier_move_that_served_it() -> None:
    line = Line().promote(7, 9, 6, 9, 8)
    line.rollback(steps(4))
    line.promote(10)
    assert line.chain() == [7]
    plan = line.rollback(to(9))
    assert (plan.to_version, plan.back) == (9, 3)


def test_to_prefers_the_chain_to_a_newer_move_that_left_it() -> None:
    line = Line().promote(8, 7, 8, 9)
    line.rollback(to(7))
    line.promote(10)
    assert line.chain() == [7, 8]
    plan = line.rollback(to(8))
    assert (plan.to_version, plan.back) == (8, None)


def test_to_what_is_served_changes_nothing() -> None:
    assert Line().promote(7, 8).plan(to(8)) is None
    assert Line(yanked={8}).promote(7, 8).plan(to(8)) is None


def test_to_what_was_never_served_is_refused() -> None:
    with pytest.raises(NothingBehind):
        Line().promote(7, 8).plan(to(5))


@pytest.mark.parametrize(("at", "version", "back"), [(10, 7, None), (19, 7, None), (20, 8, 1), (29, 8, 1), (30, 9, 2)])
def test_at_takes_the_move_that_was_current_then(at: int, version: int, back: int | None) -> None:
    plan = Line().promote(7, 8, 9, 10).rollback(Target(at=at))
    assert (plan.to_version, plan.back, plan.bars) == (version, back, 10)


def test_at_takes_also_a_move_that_left_the_chain() -> None:
    line = Line().promote(7, 8, 9)
    line.rollback(steps(2))
    line.promote(10)
    plan = line.rollback(Target(at=20))
    assert (plan.to_version, plan.back) == (8, 1)


@pytest.mark.parametrize("at", [40, 1_000, 25])
def test_at_a_time_when_it_served_the_same_changes_nothing(at: int) -> None:
    assert Line().promote(7, 8, 9, 8).plan(Target(at=at)) is None
    assert Line(yanked={8}).promote(7, 8, 9, 8).plan(Target(at=at)) is None


@pytest.mark.parametrize("at", [9, 0, 25])
def test_at_a_time_when_it_served_nothing_is_refused(at: int) -> None:
    line = Line().promote(7).retire().promote(8)
    with pytest.raises(NothingBehind):
        line.plan(Target(at=at))


# -- chains ----------------------------------------------------------------------------------------------------


def test_a_chain_ends_where_a_move_is_missing() -> None:
    line = Line().promote(7, 8, 9)
    assert [move.seq for move in back_chain(line.tip, lambda seq: line.move(seq) if seq > 1 else None)] == [2]


def test_a_damaged_back_that_leads_in_a_circle_ends_the_chain() -> None:
    line = Line().promote(7, 8, 9)
    line.moves[1] = replace(line.moves[1], back=2)
    assert [move.seq for move in islice(back_chain(line.tip, line.move), 5)] == [2]
    line.moves[1] = replace(line.moves[1], back=3)
    assert [move.seq for move in islice(back_chain(line.tip, line.move), 5)] == [2]


# -- retired aliases -------------------------------------------------------------------------------------------


def test_a_rollback_undoes_a_retirement_and_bars_nothing() -> None:
    plan = Line().promote(7, 8).retire().rollback()
    assert plan == Plan(action=Action.ROLLBACK, seq=4, from_version=None, to_version=8, back=1, bars=None)


def test_a_rollback_passes_through_a_retirement_between() -> None:
    line = Line().promote(7, 8).retire().promote(9)
    assert line.chain() == [8, 7]
    assert line.rollback(steps(2)).to_version == 7


def test_a_retirement_is_no_step() -> None:
    assert Line().promote(7).retire().promote(8).rollback(steps(1)).to_version == 7


def test_what_was_served_before_a_retirement_can_be_named() -> None:
    assert Line().promote(7, 8).retire().rollback(to(7)).to_version == 7


def test_a_lone_retirement_has_only_what_it_retired_behind() -> None:
    line = Line(yanked={7}).promote(7).retire()
    with pytest.raises(NothingBehind, match="v7 is yanked"):
        line.plan()


# -- whatever happened before ----------------------------------------------------------------------------------

VERSIONS = st.integers(1, 5)
COMMANDS = st.lists(
    st.one_of(
        st.tuples(st.just("promote"), VERSIONS),
        st.tuples(st.just("promote"), VERSIONS),
        st.tuples(st.just("retire"), st.just(0)),
        st.tuples(st.just("yank"), VERSIONS),
        st.tuples(st.just("unyank"), VERSIONS),
        st.tuples(st.just("back"), st.just(0)),
        st.tuples(st.just("to"), VERSIONS),
        st.tuples(st.just("steps"), st.integers(1, 3)),
        st.tuples(st.just("at"), st.integers(1, 12)),
    ),
    min_size=1,
    max_size=25,
)


@dataclass
class Stacks:
    """What the chain must be, kept another way: each move with all that lay beneath it when it was made."""

    line: Line = field(default_factory=Line)
    beneath: list[tuple[int, ...]] = field(default_factory=list)

    def play(self, commands: list[tuple[str, int]]) -> Stacks:
        for verb, number in commands:
            try:
                self._one(verb, number)
            except PinsetError:
                continue
        return self

    def _one(self, verb: str, number: int) -> None:
        line = self.line
        if verb == "yank":
            line.yanked.add(number)
        elif verb == "unyank":
            line.yanked.discard(number)
        elif verb == "promote":
            plan = plan_promotion(line.current, number, again=True)
            if plan is not None and number not in line.yanked:
                self._push(plan)
        elif line.moves and verb == "retire":
            retirement = plan_retirement(line.tip)
            if retirement is not None:
                self._push(retirement)
        elif line.moves:
            target = {"back": DEFAULT, "to": to(number), "steps": steps(number), "at": Target(at=number * 10)}[verb]
            undone = line.plan(target)
            if undone is not None:
                line.make(undone)
                self.beneath.append(self.beneath[undone.back - 1] + (undone.back,) if undone.back else ())

    def _push(self, plan: Plan) -> None:
        self.beneath.append((*self.beneath[-1], len(self.beneath)) if self.beneath else ())
        self.line.make(plan)

    def expected_chain(self) -> list[int]:
        served = [self.line.moves[seq - 1].to_version for seq in reversed(self.beneath[-1])]
        return [version for version in served if version is not None]


@given(COMMANDS)
def test_the_chain_is_what_lay_beneath(commands: list[tuple[str, int]]) -> None:
    stacks = Stacks().play([("promote", 1), *commands])
    assert stacks.line.chain() == stacks.expected_chain()


@given(COMMANDS)
def test_the_default_is_the_nearest_fit_version_on_the_chain_and_all_nearer_ones_are_told(
    commands: list[tuple[str, int]],
) -> None:
    stacks = Stacks().play([("promote", 1), *commands])
    line = stacks.line
    others = [version for version in stacks.expected_chain() if version != line.serves]
    fit = [version for version in others if line.unfit(version) is None]
    if not fit:
        with pytest.raises(NothingBehind):
            line.plan()
        return
    passed = dict.fromkeys((version, str(line.unfit(version))) for version in others[: others.index(fit[0])])
    plan = line.rollback()
    assert (plan.to_version, plan.skipped) == (fit[0], tuple(passed))


@given(COMMANDS)
def test_default_rollbacks_only_ever_go_down_and_end_within_the_chain(commands: list[tuple[str, int]]) -> None:
    line = Stacks().play([("promote", 1), *commands]).line
    chain = list(back_chain(line.tip, line.move))
    behind = {(move.to_version, move.back): position for position, move in enumerate(chain)}
    reached = -1
    for _ in range(len(chain)):
        try:
            plan = line.rollback()
        except NothingBehind:
            break
        position = behind[plan.to_version, plan.back]
        assert position > reached
        assert plan.bars in line.bars() | {None}
        reached = position
    with pytest.raises(NothingBehind):
        line.plan()


@given(COMMANDS, st.sampled_from([DEFAULT, *map(steps, (1, 2, 3)), *map(to, (1, 2, 3)), Target(at=20), Target(at=50)]))
def test_no_rollback_makes_an_unfit_version_served(commands: list[tuple[str, int]], target: Target) -> None:
    line = Stacks().play([("promote", 1), *commands]).line
    try:
        plan = line.plan(target)
    except PinsetError:
        return
    if plan is not None:
        assert plan.to_version is not None
        assert line.unfit(plan.to_version) is None
        assert plan.to_version != line.serves
        assert plan.back is None or plan.back < line.tip.seq
        assert (plan.seq, plan.from_version, plan.bars) == (line.tip.seq + 1, line.serves, line.serves)
