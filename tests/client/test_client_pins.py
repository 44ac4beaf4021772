"""Pins set by hand override what a name means, offline too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from client_fakes import ME, NAME, UNREACHABLE, Directory, files, until

from pinset.client import keeper, pace
from pinset.client.pins import Pins, parse_pins
from pinset.errors import InvalidInput, PinsetError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

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


@pytest.fixture
def pinning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of pins that is looked at every moment."""
    monkeypatch.setattr(keeper, "LOOK_SECONDS", 0.01)
    monkeypatch.setenv("PINSET_PIN", f"@{tmp_path / 'pins'}")
    (tmp_path / "pins").write_text("# none yet\n")
    return tmp_path / "pins"


@pytest.mark.parametrize("down", [False, True])
def test_a_pin_in_a_file_comes_changes_and_goes_without_a_restart(
    down: bool,
    make: Callable[..., Client],
    source: Directory,
    pinning: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in (2, 3):
        client = make()
        assert client.get(NAME).version == number - 1
        source.registry.publish(ME, files(f"{number} {{{{ticket}}}}"), alias="production")
        until(lambda client=client, number=number: client.get(NAME).version == number)  # type: ignore[misc] # bound
        client.close()
    monkeypatch.setattr(pace, "LONGEST_PAUSE", 3600.0)
    client, seen = make(poll=1800.0 if down else 0.02), []
    client.on_change(NAME, lambda new, old: seen.append((new.version, old and old.version)))
    assert client.get(NAME).version == 3
    if down:
        source.fails = UNREACHABLE
        client._keeper.hurry(None, None, 0.0)
        until(lambda: client._keeper._pace.quiet)
    pinning.write_text(f"{NAME}@v1  # the last one that was right\n")
    until(lambda: client.get(NAME).version == 1)
    assert client.get(NAME).source == "pin"
    pinning.write_text(f"other@v1, {NAME}@v2")
    until(lambda: client.get(NAME).version == 2)
    pinning.write_text("")
    until(lambda: client.get(NAME).version == 3)
    assert client.get(NAME).source == ("disk" if down else "fresh")
    until(lambda: seen == [(3, None), (1, 3), (2, 1), (3, 2)])
    said = [record.getMessage() for record in caplog.records if "pinned" in record.getMessage()]
    assert said[0] == f"{NAME} is pinned to v1 now (before: nothing) by PINSET_PIN (the file {pinning})"
    assert said[-1] == f"{NAME} is pinned to nothing now (before: v2) by PINSET_PIN (the file {pinning})"


@pytest.mark.parametrize("broken", ["support", "support@v1 junk@@", "support@v1\nsupport@v2", None])
def test_a_broken_file_is_said_once_and_the_last_good_pins_stay(
    broken: str | None, make: Callable[..., Client], pinning: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pinning.write_text(f"{NAME}@v1")
    client = make(poll=60.0)
    assert client.get(NAME).source == "pin"
    if broken is None:
        pinning.unlink()
    else:
        pinning.write_text(broken)
    until(lambda: "the pins before it stay" in caplog.text)
    pinning.write_text(f"{NAME}@v1 # good")
    until(lambda: client._keeper._pins._settled)
    assert client.get(NAME).source == "pin"
    assert caplog.text.count("the pins before it stay") == 1
    assert str(pinning) in caplog.text


def test_two_pins_of_one_bundle_are_refused_where_they_differ() -> None:
    assert parse_pins(f"{NAME}@v1, {NAME}@v1") == {NAME: "v1"}
    with pytest.raises(InvalidInput, match=rf"PINSET_PIN pins {NAME} twice: to v1 and to v2"):
        parse_pins(f"{NAME}@v1\n{NAME}@v2")


def test_a_file_that_somebody_is_writing_is_not_read_half(pinning: Path) -> None:
    pinning.write_text(f"{NAME}@v1")
    pins = Pins(f"@{pinning}")
    pinning.write_text("")
    assert pins.look() == frozenset()
    pinning.write_text(f"{NAME}@v2")
    assert pins.look() == frozenset(), "it changed again: whoever writes was not done"
    assert pins.of(NAME) == "v1"
    assert pins.look() == {NAME}
    assert pins.of(NAME) == "v2"


def test_a_pin_that_nobody_has_leaves_what_there_is(
    make: Callable[..., Client], pinning: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pinning.write_text(f"{NAME}@v1")
    client = make()
    first = client.get(NAME)
    assert first.source == "pin"
    pinning.write_text(f"{NAME}@v99")
    until(lambda: "is nowhere to be had" in caplog.text)
    assert client.get(NAME) is first
    assert first.source == "stale"


def test_what_is_no_pin_says_where_it_stands(make: Callable[..., Client], pinning: Path, tmp_path: Path) -> None:
    pinning.write_text("# fine\nsupport@@\n")
    with pytest.raises(InvalidInput, match=r"PINSET_PIN \(the file .*pins\)"):
        make()
    pinning.unlink()
    with pytest.raises(InvalidInput, match=r"PINSET_PIN \(the file .*pins\) cannot be read"):
        make()
    pinning.write_bytes(b"\xff")
    with pytest.raises(InvalidInput, match="UTF-8"):
        make()
    with pytest.raises(InvalidInput, match=r"^PINSET_PIN has"):
        Pins("support")
