"""An error after a write began says whether the write is made, or that nobody knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pinset.errors import ReadOnly, Unavailable
from pinset.ports.registry import Caller
from pinset.services import moving

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.services.local import LocalRegistry

CALLER = Caller(actor="ada", key="k")


def fails(*_arguments: Any, **_more: Any) -> Any:
    raise ReadOnly("the disk is gone", details={"errno": "EIO"})


def test_where_the_refs_cannot_be_read_after_a_failed_move_it_is_said_to_be_unknown(
    memory: LocalRegistry, manifest: Callable[..., dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = memory._context.store
    move = store.move

    def moves_and_fails(moves: Any, **_: Any) -> None:
        move(moves)
        fails()

    with monkeypatch.context() as patch:
        patch.setattr(store, "move", moves_and_fails)
        patch.setattr(store, "ref", fails)
        with pytest.raises(Unavailable) as caught:
            memory.publish(CALLER, manifest(), alias="production")
    assert caught.value.details["unknown"] is True
    assert caught.value.details["operation"].startswith("op_")
    memory.open()
    assert memory.alias("support", "production")["version"] == 1
    again = memory.publish(CALLER, manifest(), alias="production")
    assert again["ref"] == "support@v1"


def test_a_failure_after_the_write_says_that_it_is_made(
    memory: LocalRegistry, manifest: Callable[..., dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(moving, "answer", fails)
        with pytest.raises(Unavailable) as caught:
            memory.publish(CALLER, manifest(), alias="production")
    assert caught.value.details["made"] is True
    assert memory.alias("support", "production")["version"] == 1
