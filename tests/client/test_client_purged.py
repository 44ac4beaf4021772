"""A release that was purged leaves memory, disk and snapshot, on the registry's own word and on no other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from client_fakes import ME, NAME, UNREACHABLE, Directory, files, until
from client_wire import Wire

from pinset.client.client import Client
from pinset.errors import Integrity, NotFound, PinsetError, Purged, RateLimited, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECRET = "Summarize {{ticket}}."
"""What the first release says."""
SECOND = "Two {{ticket}}."


def purge(registry: Any) -> None:
    registry.purges.purge(ME, f"{NAME}@v1", all_files=True, reason="it holds a password")


def held(cache: Path) -> bool:
    return any(SECRET in path.read_text() for path in cache.rglob("*") if path.is_file())


@pytest.fixture
def shipped(make: Callable[..., Client], tmp_path: Path) -> Path:
    """A snapshot with the release in it."""
    path = tmp_path / "snapshot.json"
    path.write_text(json.dumps({"format": 1, "releases": [make(cache=None).get(f"{NAME}@v1").sealed()]}))
    return path


def test_it_goes_from_memory_disk_snapshot_and_default(
    make: Callable[..., Client], source: Directory, shipped: Path, tmp_path: Path
) -> None:
    client, cache = make(snapshot=shipped), tmp_path / "cache"
    name = f"{NAME}@v1"
    default = client.get(name).sealed()
    assert client.get(NAME).version == 1
    source.registry.publish(ME, files(SECOND), alias="production")
    until(lambda: client.get(NAME).version == 2)
    assert held(cache)
    purge(source.registry)
    client._keeper.hurry(NAME, None, 0.0)
    until(lambda: client.held(name) is None)
    for given in ({}, {"default": default}):
        with pytest.raises(Purged, match="it holds a password"):
            client.get(name, **given)
    assert not held(cache)
    assert client.get(NAME).version == 2
    source.fails = UNREACHABLE
    for given in ({"cache": cache}, {"cache": cache, "snapshot": shipped}):
        with pytest.raises((Unavailable, Purged)):
            make(**given).get(name, default=default)
    assert make(cache=cache).get(NAME).source == "disk"


def test_a_start_that_is_told_so_takes_nothing_from_the_disk(
    make: Callable[..., Client], source: Directory, tmp_path: Path
) -> None:
    make().get(f"{NAME}@v1")
    source.registry.publish(ME, files(SECOND), alias="production")
    purge(source.registry)
    assert held(tmp_path / "cache")
    with pytest.raises(Purged):
        make().get(f"{NAME}@v1")
    assert not held(tmp_path / "cache")


def test_a_client_that_pins_keys_takes_production_as_it_was_written_anew(
    make: Callable[..., Client], source: Directory
) -> None:
    registry = source.registry
    registry.publish(ME, files(SECOND), alias="production")
    keys = registry.keys.all()["allowed_signers"]
    client = make(trusted_keys=[keys])
    before = client.get(NAME)
    assert client.get(f"{NAME}@v1").version == 1
    purge(registry)
    client._keeper.hurry(NAME, None, 0.0)
    until(lambda: client.held(f"{NAME}@v1") is None)
    registry.promote(ME, f"{NAME}@v2", "staging")
    for name in (NAME, f"{NAME}@staging", f"{NAME}@v2"):
        release = make(trusted_keys=[keys], cache=None).get(name)
        assert (release.version, release.source, release.digest) == (2, "fresh", before.digest)
    registry.keys.rotate(ME)
    registry.publish(ME, files("Three {{ticket}}."))
    registry.purges.purge(ME, f"{NAME}@v3", all_files=True, reason="another one")
    newest = make(trusted_keys=[registry.keys.all()["allowed_signers"]], cache=None)
    assert newest.get(NAME).version == 2
    assert client.counts["refused"] == newest.counts["refused"] == 0


def test_one_answer_is_enough_for_every_name_that_held_it(make: Callable[..., Client], source: Directory) -> None:
    client = make()
    source.registry.promote(ME, f"{NAME}@v1", "staging")
    digest = client.get(f"{NAME}@v1").digest
    for name in (f"{NAME}@{digest}", f"{NAME}@staging"):
        assert client.get(name).version == 1
    source.fails = Purged("gone", hint="-", details={"digest": digest})
    client._keeper.hurry(NAME, "v1", 0.0)
    until(lambda: all(client.held(name) is None for name in (f"{NAME}@v1", f"{NAME}@{digest}", f"{NAME}@staging")))
    source.fails = None


@pytest.mark.parametrize(
    "error",
    [
        NotFound("there is none", hint="-"),
        Integrity("it is damaged", hint="-"),
        RateLimited("slow down", hint="-"),
        UNREACHABLE,
        Purged("another one was", hint="-", details={"digest": "sha256:" + "0" * 64}),
        Purged("which one is not said", hint="-"),
    ],
    ids=lambda error: error.message.replace(" ", "_"),
)
def test_no_other_answer_evicts(
    make: Callable[..., Client], source: Directory, tmp_path: Path, error: PinsetError
) -> None:
    client, name = make(), f"{NAME}@v1"
    first = client.get(name)
    source.fails = error
    client._keeper.hurry(NAME, None, 0.0)
    until(lambda: client.counts["failed"] > 0)
    assert client.get(name) is first
    assert held(tmp_path / "cache")
    source.fails = None


def test_what_an_alias_served_before_goes_from_the_disk_when_it_is_told_of(tmp_path: Path) -> None:
    wire, cache = Wire(), tmp_path / "cache"
    try:
        wire.promote(SECRET)
        with Client(wire.url, cache=cache, poll=3600.0) as client:
            client.get(NAME)
            until(lambda: wire.listening == 1)
            wire.promote(SECOND)
            until(lambda: client.get(NAME).version == 2)
            assert held(cache), "the last releases of an alias are kept"
            wire.say("purge", {"purged": [f"{NAME}@v1", "prompts/house-tone@v1", "other@v3", 7]})
            until(lambda: any(fetch["path"].endswith("releases/v1") for fetch in wire.fetches))
            assert held(cache), "what is told is a hint: the registry has it still"
            purge(wire.registry)
            wire.say("purge", {"purged": [f"{NAME}@v1"]})
            until(lambda: not held(cache), seconds=20)
            assert client.get(NAME).version == 2
        assert not any("other" in fetch["path"] or "house-tone" in fetch["path"] for fetch in wire.fetches)
    finally:
        wire.close()
