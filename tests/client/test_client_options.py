"""Whom the client asks, and what it refuses to be given."""

from __future__ import annotations

from contextlib import closing
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING

import pytest
from client_fakes import ME, NAME, files, until

from pinset import bootstrap
from pinset.client.client import Client
from pinset.errors import InvalidInput, NotFound, Unavailable

if TYPE_CHECKING:
    from pathlib import Path


def test_over_http_a_release_is_fetched_confirmed_and_kept_when_the_server_is_gone(
    served: str, home: Path, tmp_path: Path
) -> None:
    with closing(bootstrap.local_registry(home)) as registry:
        registry.publish(ME, files("Hi {{ticket}}."), alias="production")
        with Client(served, cache=tmp_path / "cache", poll=0.02) as client:
            assert client.get(NAME).version == 1
            until(lambda: client.counts["confirmed"] > 1)
            assert client.counts["fetched"] == 1
            registry.publish(ME, files("Hello {{ticket}}."), alias="production")
            until(lambda: client.get(NAME).version == 2)
            assert client.get(f"{NAME}@v1").render(ticket="x") == "Hi x."
    with Client("http://127.0.0.1:9", cache=tmp_path / "cache") as far, pytest.raises(Unavailable):
        far.get(NAME)


def test_a_directory_is_a_registry_too(home: Path, tmp_path: Path) -> None:
    with closing(bootstrap.local_registry(home)) as registry:
        registry.publish(ME, files("Hi {{ticket}}."), alias="production")
        with Client(str(home), cache=tmp_path / "cache", poll=0.02) as client:
            assert client.get(NAME).render(ticket="x") == "Hi x."
            registry.publish(ME, files("Hello {{ticket}}."), alias="production")
            until(lambda: client.get(NAME).version == 2)
            until(lambda: client.counts["confirmed"] > 1)
    with pytest.raises(NotFound):
        Client(str(tmp_path / "nothing"))


def test_a_directory_without_what_reads_it_is_an_error_with_a_way_out(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = EntryPoint("directory", "pinset_without_extras:directory_source", "pinset.sources")
    for found in ([absent], []):
        monkeypatch.setattr("importlib.metadata.entry_points", lambda found=found, **_: found)
        with pytest.raises(InvalidInput, match=r"pinset\[cli\]"):
            Client(str(home))


def test_no_registry_is_an_error_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PINSET_REGISTRY", raising=False)
    with pytest.raises(InvalidInput, match="no registry"):
        Client()
