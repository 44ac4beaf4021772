"""Tokens, where the state cannot be written or a name would mislead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pinset.errors import InvalidName, ReadOnly
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from pinset.services.local import LocalRegistry

OPS = Caller(actor="ops")


def test_reading_goes_on_where_the_state_cannot_be_written(
    memory: LocalRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = memory.create_token(OPS, "ci", can="read")["token"]

    def full(_token: str, _at: int) -> None:
        raise ReadOnly("the disk is full")

    monkeypatch.setattr(memory._context.state, "touch_token", full)
    assert memory.authenticate(secret).actor == "ci"


@pytest.mark.parametrize("name", ["local", "anonymous", "pinset"])
def test_a_token_cannot_pass_for_an_actor_that_is_none(memory: LocalRegistry, name: str) -> None:
    with pytest.raises(InvalidName):
        memory.create_token(OPS, name, can="read")
