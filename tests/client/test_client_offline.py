"""A start without the registry."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from client_fakes import NAME, UNREACHABLE, Directory

from pinset.client.client import Client
from pinset.errors import InvalidInput, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_a_start_without_the_registry_takes_what_the_last_one_had(
    make: Callable[..., Client], source: Directory, tmp_path: Path
) -> None:
    make().get(NAME)
    source.fails = UNREACHABLE
    again = make().get(NAME)
    assert (again.version, again.source) == (1, "disk")
    assert again.render(ticket="x") == "Summarize x."
    with pytest.raises(Unavailable):
        make(cache=None).get(NAME)
    source.fails = None


def test_a_snapshot_then_the_default_of_the_code(
    make: Callable[..., Client], source: Directory, tmp_path: Path
) -> None:
    sealed = make(cache=None).get(NAME).sealed()
    source.fails = UNREACHABLE
    shipped = tmp_path / "snapshot.json"
    shipped.write_text(json.dumps({"format": 1, "releases": [sealed]}))
    assert make(cache=None, snapshot=shipped).get(NAME).source == "snapshot"
    assert make(cache=None).get(NAME, default=sealed).source == "default"


def test_a_snapshot_alone_misses_no_registry(
    make: Callable[..., Client], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shipped = tmp_path / "snapshot.json"
    shipped.write_text(json.dumps({"format": 1, "releases": [make(cache=None).get(NAME).sealed()]}))
    caplog.clear()
    with Client(snapshot=shipped, cache=None) as client:
        assert client.get(NAME).source == "snapshot"
    assert caplog.messages == []


def test_a_snapshot_that_is_missing_says_how_to_make_one(tmp_path: Path, make: Callable[..., Client]) -> None:
    with pytest.raises(InvalidInput) as told:
        make(snapshot=tmp_path / "none")
    assert told.value.message == f"the snapshot {tmp_path / 'none'} cannot be read: No such file or directory"
    assert told.value.hint == f"make it: pinset export NAME -o {tmp_path / 'none'}"


@pytest.mark.parametrize(
    "text", ['{"format": 2, "releases": []}', '{"releases": []}', "[]", "{", '{"format": 1, "releases": [{}]}']
)
def test_what_is_no_snapshot_is_refused_with_the_name_of_the_file(
    text: str, make: Callable[..., Client], tmp_path: Path
) -> None:
    (tmp_path / "snapshot.json").write_text(text)
    with pytest.raises(InvalidInput, match=r"snapshot\.json") as told:
        make(snapshot=tmp_path / "snapshot.json")
    assert told.value.hint
