"""Pins set by hand override what a name means, offline too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from client_fakes import ME, NAME, UNREACHABLE, Directory, files, until

from pinset.errors import PinsetError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.client.client import Client


def test_a_pin_overrides_offline_too(
    make: Callable[..., Client], source: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make()
    client.get(NAME)
    source.registry.publish(ME, files("Worse {{ticket}}."), alias="production")
    until(lambda: client.get(NAME).version == 2)
    monkeypatch.setenv("PINSET_PIN", f"{NAME}@v1")
    assert (make().get(NAME).version, make().get(NAME).source) == (1, "pin")
    source.fails = UNREACHABLE
    assert (make().get(NAME).version, make().get(NAME).source) == (1, "pin")
    monkeypatch.setenv("PINSET_PIN", NAME)
    with pytest.raises(PinsetError):
        make()
