"""The disk cache: shared, proven, and never the reason of a failure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from client_fakes import ME, NAME, UNREACHABLE, Directory, files, until

from pinset.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pinset.client.client import Client


@pytest.mark.parametrize("damage", ["truncated", "other", "empty", "gone"])
@pytest.mark.parametrize("folder", ["sealed", "names"])
def test_a_damaged_cache_is_passed_over(
    make: Callable[..., Client], source: Directory, tmp_path: Path, damage: str, folder: str
) -> None:
    make().get(NAME)
    source.fails = UNREACHABLE
    for path in (tmp_path / "cache" / folder).iterdir():
        text = path.read_text()
        if damage == "gone":
            path.unlink()
        else:
            path.write_text(
                {
                    "truncated": text[: len(text) // 2],
                    "other": text.replace("ticket", "packet").replace('"version": 1', '"version": 2'),
                    "empty": "",
                }[damage]
            )
    with pytest.raises(Unavailable):
        make().get(NAME)


def test_the_cache_keeps_the_last_five_and_never_goes_back(
    make: Callable[..., Client], source: Directory, tmp_path: Path
) -> None:
    client = make()
    older = json.loads(json.dumps(source.registry.sealed(f"{NAME}@production")))
    for number in range(2, 9):
        source.registry.publish(ME, files(f"{number} {{{{ticket}}}}"), alias="production")
        until(lambda number=number: client.get(NAME).version == number)  # type: ignore[misc] # bound
    # A release is given before it is kept.
    until(
        lambda: (
            [answer["version"] for answer, _, _ in client._fallback._cache.load(NAME, "production")] == [8, 7, 6, 5, 4]
        )
    )
    until(lambda: len(list((tmp_path / "cache" / "sealed").iterdir())) == 5)
    client._fallback._cache.keep(NAME, "production", older, None)
    assert next(client._fallback._cache.load(NAME, "production"))[0]["version"] == 8


def test_nobody_else_reads_the_cache(make: Callable[..., Client], tmp_path: Path) -> None:
    make().get(NAME)
    for path in (tmp_path / "cache").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_cache_that_cannot_be_written_is_a_warning(
    make: Callable[..., Client], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    client = make(cache=tmp_path / "file" / "cache")
    assert client.get(NAME).version == 1
    until(lambda: "not kept" in caplog.text)
