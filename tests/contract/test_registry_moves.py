"""Moves near and far: what a promotion wants, which chain a rollback follows, what retiring and yanking leave behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from registry_steps import ALIAS, ME, NAME, files, promote, publish, rollback, serves

from pinset.errors import (
    AliasMoved,
    Barred,
    InvalidInput,
    NotFound,
    NothingBehind,
    Yanked,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.ports.registry import Registry


# Promoting


@pytest.mark.parametrize("expect", ["v2", "none"])
def test_promote_refuses_when_the_alias_moved(registry: Registry, everything: Callable[[], Any], expect: str) -> None:
    publish(registry, 3)
    promote(registry, 1)
    before = everything()
    with pytest.raises(AliasMoved):
        registry.promote(ME, "support@v3", ALIAS, expect=expect)
    assert everything() == before


def test_promote_what_is_served_does_nothing(registry: Registry) -> None:
    publish(registry, 1)
    promote(registry, 1)
    serial = registry.describe()["serial"]
    assert registry.promote(ME, "support@v1", ALIAS)["action"] == "none"
    assert registry.describe()["serial"] == serial


def test_promote_takes_another_alias_as_its_source(registry: Registry) -> None:
    publish(registry, 2)
    registry.promote(ME, "support@v2", "staging")
    assert registry.promote(ME, "support@staging", ALIAS)["to"] == 2


@pytest.mark.parametrize("reference", ["support@v9", "support@2020-01-01", "other@v1", "support@nowhere"])
def test_promote_of_what_is_not_there_is_refused(registry: Registry, reference: str) -> None:
    publish(registry, 1)
    with pytest.raises(NotFound):
        registry.promote(ME, reference, ALIAS)


def test_promote_warns_where_the_declared_target_is_not_served(registry: Registry) -> None:
    publish(registry, 2)
    registry.publish(ME, files("Three.", extra="  rollback_to: v1\n"))
    promote(registry, 2)
    assert registry.promote(ME, "support@v3", ALIAS)["warnings"]


# Rolling back


def test_rollback_never_ping_pongs(registry: Registry) -> None:
    publish(registry, 10)
    promote(registry, 7, 8, 9)
    assert rollback(registry)["to"] == 8
    promote(registry, 10)
    assert rollback(registry)["to"] == 8
    last = rollback(registry)
    assert (last["action"], last["from"], last["to"], last["seq"]) == ("rollback", 8, 7, 7)
    with pytest.raises(NothingBehind):
        rollback(registry)
    assert [(item["action"], item["to"]) for item in registry.history(NAME, ALIAS)["items"]][::-1] == [
        ("promote", 7), ("promote", 8), ("promote", 9), ("rollback", 8), ("promote", 10), ("rollback", 8), ("rollback", 7),
    ]  # fmt: skip


def test_what_was_rolled_back_is_barred_until_again_with_a_reason(registry: Registry) -> None:
    publish(registry, 3)
    promote(registry, 1, 2)
    rollback(registry)
    with pytest.raises(Barred):
        promote(registry, 2)
    with pytest.raises(InvalidInput):
        registry.promote(ME, "support@v2", ALIAS, again=True)
    assert serves(registry) == 1
    assert registry.promote(ME, "support@v2", "staging")["to"] == 2, "the bar is this alias's alone"
    assert registry.promote(ME, "support@v2", ALIAS, again=True, reason="the cause was elsewhere")["to"] == 2
    promote(registry, 3, 2)
    assert serves(registry) == 2


def test_rollback_to_a_named_version(registry: Registry) -> None:
    publish(registry, 4)
    promote(registry, 1, 2, 3, 4)
    assert rollback(registry, to="v2")["to"] == 2
    assert rollback(registry)["to"] == 1, "the rollback took the Back of the move it returned to"


def test_rollback_to_a_label(registry: Registry) -> None:
    registry.publish(ME, files("A."), label="2025-01-01", alias=ALIAS)
    registry.publish(ME, files("B."), alias=ALIAS)
    registry.publish(ME, files("C."), alias=ALIAS)
    assert rollback(registry, to="2025-01-01")["to"] == 1


def test_rollback_to_a_version_that_is_off_the_chain(registry: Registry) -> None:
    publish(registry, 3)
    promote(registry, 1, 2)
    rollback(registry)
    promote(registry, 3)
    with pytest.raises(Barred):
        rollback(registry, to="v2")
    registry.promote(ME, "support@v2", ALIAS, again=True, reason="sure")
    assert rollback(registry, to="v1")["to"] == 1
    with pytest.raises(Barred):
        rollback(registry, to="v2")
    assert serves(registry) == 1


def test_rollback_to_what_was_never_served_has_nothing_behind(registry: Registry) -> None:
    publish(registry, 3)
    promote(registry, 1, 2)
    with pytest.raises(NothingBehind):
        rollback(registry, to="v3")


def test_rollback_by_steps_follows_the_chain(registry: Registry) -> None:
    publish(registry, 4)
    promote(registry, 1, 2, 3, 4)
    assert rollback(registry, steps=2)["to"] == 2
    with pytest.raises(NothingBehind):
        rollback(registry, steps=2)
    with pytest.raises(InvalidInput):
        rollback(registry, steps=0)


def test_rollback_by_time_takes_the_move_then_current(registry: Registry) -> None:
    publish(registry, 4)
    promote(registry, 1, 2, 3, 4)
    moments = {item["to"]: item["at"] for item in registry.history(NAME, ALIAS)["items"]}
    assert rollback(registry, at=moments[2])["to"] == 2
    with pytest.raises(NothingBehind):
        rollback(registry, at="2001-01-01T00:00:00Z")
    with pytest.raises(InvalidInput):
        rollback(registry, at="yesterday")


def test_rollback_goes_to_the_declared_target_on_the_chain(registry: Registry) -> None:
    publish(registry, 2)
    registry.publish(ME, files("Three.", extra="  rollback_to: v1\n"))
    promote(registry, 1, 2, 3)
    assert registry.release("support@v3")["rollback_to"] == 1
    assert rollback(registry)["to"] == 1


def test_rollback_ignores_a_declared_target_off_the_chain(registry: Registry) -> None:
    publish(registry, 2)
    registry.publish(ME, files("Three.", extra="  rollback_to: v1\n"))
    promote(registry, 2, 3)
    assert rollback(registry)["to"] == 2


def test_steps_pass_over_the_declared_target(registry: Registry) -> None:
    publish(registry, 2)
    registry.publish(ME, files("Three.", extra="  rollback_to: v1\n"))
    promote(registry, 1, 2, 3)
    assert rollback(registry, steps=1)["to"] == 2


def test_rollback_skips_yanked_releases_aloud(registry: Registry) -> None:
    publish(registry, 3)
    promote(registry, 1, 2, 3)
    registry.yank(ME, "support@v2", reason="leaks")
    answer = rollback(registry)
    assert answer["to"] == 1
    assert any("v2" in warning and "yanked" in warning for warning in answer["warnings"])


def test_rollback_to_a_yanked_release_by_name_is_refused(registry: Registry) -> None:
    publish(registry, 2)
    promote(registry, 1, 2)
    registry.yank(ME, "support@v1", reason="leaks")
    with pytest.raises(Yanked):
        rollback(registry, to="v1")
    with pytest.raises(NothingBehind):
        rollback(registry)
    registry.unyank(ME, "support@v1")
    assert rollback(registry)["to"] == 1


def test_rollback_of_the_first_move_has_nothing_behind(registry: Registry) -> None:
    publish(registry, 1)
    promote(registry, 1)
    with pytest.raises(NothingBehind):
        rollback(registry)


# Retiring, yanking


def test_retired_alias_serves_nothing_and_goes_on_counting(registry: Registry) -> None:
    publish(registry, 2)
    promote(registry, 1)
    gone = registry.retire(ME, NAME, ALIAS, reason="moved")
    assert (gone["action"], gone["from"], gone["to"], gone["seq"]) == ("retire", 1, None, 2)
    assert registry.alias(NAME, ALIAS)["version"] is None
    with pytest.raises(NotFound):
        registry.release(f"{NAME}@{ALIAS}")
    assert registry.retire(ME, NAME, ALIAS)["action"] == "none"
    back = registry.promote(ME, "support@v2", ALIAS, expect="none")
    assert (back["seq"], back["from"], back["to"]) == (3, None, 2)
    assert rollback(registry)["to"] == 1


def test_rollback_of_a_retirement_serves_what_was_served(registry: Registry) -> None:
    publish(registry, 2)
    promote(registry, 1, 2)
    registry.retire(ME, NAME, ALIAS)
    assert rollback(registry)["to"] == 2
    assert rollback(registry)["to"] == 1


def test_yanked_release_is_refused_to_moves_and_stays_readable(registry: Registry) -> None:
    publish(registry, 2)
    with pytest.raises(InvalidInput):
        registry.yank(ME, "support@v2", reason="")
    answer = registry.yank(ME, "support@v2", reason="leaks")
    assert (answer["changed"], answer["yanked"]) == (True, "leaks")
    assert not registry.yank(ME, "support@v2", reason="again")["changed"]
    with pytest.raises(Yanked):
        promote(registry, 2)
    assert registry.release("support@v2")["yanked"] == "leaks"
    assert registry.release("support@latest")["version"] == 1
    assert registry.unyank(ME, "support@v2")["changed"]
    assert not registry.unyank(ME, "support@v2")["changed"]
    promote(registry, 2)
    assert registry.release("support@latest")["version"] == 2


def test_yank_leaves_the_alias_that_serves_it(registry: Registry) -> None:
    publish(registry, 1)
    promote(registry, 1)
    registry.yank(ME, "support@v1", reason="leaks")
    assert registry.release("support")["version"] == 1
