"""What applications test with: a real client over a registry in memory, at a switch and in an outage."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from client_fakes import until

from pinset import AsyncClient, Client
from pinset.errors import ChecksFailed, InvalidManifest, NotFound, RateLimited, Refused, Unavailable
from pinset.testing import FakeRegistry, fake_client, release_of, working_copy

EXAMPLE = Path(__file__).parents[2] / "examples" / "01-quickstart"
NAME = "support"


def texts(words: str) -> dict[str, str]:
    return {"release.yaml": f'release:\n  feature: {NAME}\n  prompt: {{text: "{words}"}}\n'}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever whoever runs the tests has set is no matter."""
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "PINSET_PIN": "support@v9",
        "PINSET_ALIAS": "staging",
        "PINSET_REGISTRY": "http://127.0.0.1:9",
        "PINSET_CACHE": str(tmp_path / "cache"),
        "PINSET_TOKEN": "secret",
    }.items():
        monkeypatch.setenv(name, value)


def test_a_working_copy_is_a_release(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(EXAMPLE)
    for release in (
        working_copy("support-summarizer", components="components"),
        working_copy("./support-summarizer"),
        working_copy(EXAMPLE / "support-summarizer"),
    ):
        assert "Be plain and friendly." in release.render(ticket="a", context="b")
        assert (release.source, release.version) == ("working copy", 0)
    assert working_copy("support-summarizer").ref == "support-summarizer@./support-summarizer"


def test_texts_are_a_release_too() -> None:
    assert release_of(texts("Hi {{name}}.")).render(name="Ada") == "Hi Ada."


def test_a_working_copy_that_no_registry_would_publish_is_refused() -> None:
    with pytest.raises(InvalidManifest):
        release_of(texts("{{ticket"))
    with pytest.raises(ChecksFailed, match="prompts/tone@v1"):
        release_of(texts("{{> prompts/tone@v1}}"))


def test_a_switch_is_seen_by_the_next_get() -> None:
    with fake_client({NAME: texts("One {{x}}.")}) as client:
        seen: list[Any] = []
        client.on_change(NAME, lambda new, old: seen.append((new.version, old.version if old else None)))
        first = client.get(NAME)
        assert (first.render(x="a"), first.version, first.alias, first.seq) == ("One a.", 1, "production", 1)
        assert client.source.promote(NAME, texts("Two {{x}}.")) == 2
        second = client.get(NAME)
        assert (second.render(x="a"), second.version, second.seq, second.source) == ("Two a.", 2, 2, "fresh")
        assert client.source.rollback(NAME) == 1
        assert (client.get(NAME).version, client.get(NAME).seq) == (1, 3)
        assert seen == [(1, None), (2, 1), (1, 2)]
        assert first.render(x="a") == "One a."


def test_the_same_content_keeps_its_version() -> None:
    with fake_client({NAME: texts("One.")}) as client:
        assert client.source.promote(NAME, texts("One."), alias="staging") == 1
        assert client.get(f"{NAME}@staging").version == 1
        assert client.get(f"{NAME}@v1").digest == client.get(f"{NAME}@latest").digest


def test_in_an_outage_what_is_held_stays_and_what_is_not_raises() -> None:
    with fake_client({NAME: texts("One."), "other": {"release.yaml": texts("x")["release.yaml"].replace(NAME, "other")}}) as client:  # fmt: skip
        held = client.get(NAME)
        client.source.down()
        assert client.get(NAME) is held
        assert held.source == "stale"
        with pytest.raises(Unavailable, match="the test says so"):
            client.get("other")
        client.source.promote(NAME, texts("Two."))
        assert client.get(NAME) is held
        client.source.up()
        assert client.get(NAME).render() == "Two."
        assert client.get("other").source == "fresh"


def test_an_outage_may_be_any_error() -> None:
    with fake_client({NAME: texts("One.")}) as client:
        client.source.down(RateLimited("slowly", hint="wait"))
        with pytest.raises(RateLimited):
            client.get(NAME)


def test_what_the_code_cannot_use_is_refused_as_by_any_client() -> None:
    with fake_client({NAME: texts("{{ticket}}")}) as client:
        refused: list[str] = []
        client.on_refused(lambda name, error: refused.append(name))
        held = client.get(NAME, variables={"ticket"})
        client.source.promote(NAME, texts("{{ticket}} {{more}}"))
        assert client.get(NAME, variables={"ticket"}) is held
        assert refused == ["support@production"]
        with pytest.raises(Refused):
            client.get(NAME, variables={"none"})


def test_a_snapshot_and_a_default_serve_while_it_is_down(tmp_path: Path) -> None:
    with fake_client({NAME: texts("Shipped.")}) as before:
        sealed = before.get(NAME).sealed()
    (tmp_path / "snapshot.json").write_text(json.dumps({"format": 1, "releases": [sealed]}))
    with fake_client(snapshot=tmp_path / "snapshot.json") as client:
        client.source.down()
        assert client.get(NAME).source == "snapshot"
    with fake_client() as client:
        client.source.down()
        assert client.get(NAME, default=sealed).source == "default"


def test_what_was_never_promoted_is_not_found() -> None:
    with fake_client() as client:
        with pytest.raises(NotFound):
            client.get(NAME)
        client.source.promote(NAME, texts("One."))
        assert client.get(NAME).version == 1
        with pytest.raises(NotFound):
            client.source.rollback(NAME)


def test_no_thread_no_file_and_no_request_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.create_connection", lambda *_, **__: pytest.fail("a connection"))
    before = set(threading.enumerate())
    client = fake_client({NAME: texts("One.")})
    client.get(NAME)
    client.source.down()
    client.get(NAME)
    assert set(threading.enumerate()) == before
    assert list(tmp_path.iterdir()) == []
    assert client.source.asked == ["support@production", "support@production"]
    client.close()


def test_the_alias_of_the_application_is_what_it_says() -> None:
    with fake_client({NAME: texts("One.")}, alias="staging") as client:
        assert client.get(NAME).alias == "staging"


def test_an_application_on_an_event_loop_has_one_too() -> None:
    async def use() -> list[int]:
        async with AsyncClient.over(fake := fake_client({NAME: texts("One.")})) as client:
            seen = [(await client.get(NAME)).version]
            fake.source.promote(NAME, texts("Two."))
            return [*seen, (await client.get(NAME)).version]

    assert asyncio.run(use()) == [1, 2]


def test_a_client_with_its_own_thread_hears_of_a_switch_and_needs_no_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PINSET_PIN")
    registry, seen = FakeRegistry(), []
    registry.promote(NAME, texts("One."), alias="staging")
    with Client(source=registry, cache=None, poll=3600) as client:
        client.on_change(NAME, lambda new, old: seen.append(new.version))
        assert client.get(NAME).version == 1
        registry.promote(NAME, texts("Two."), alias="staging")
        until(lambda: client.get(NAME).version == 2)
        registry.promote("other", {"release.yaml": texts("x")["release.yaml"].replace(NAME, "other")}, alias="staging")
        assert client.get("other").version == 1
        registry.rollback(NAME, alias="staging")
        until(lambda: client.get(NAME).version == 1)
        until(lambda: seen == [1, 2, 1])


def test_a_client_with_its_own_thread_sees_an_outage_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PINSET_PIN")
    registry = FakeRegistry()
    registry.promote(NAME, texts("One."), alias="staging")
    with Client(source=registry, cache=None, poll=3600) as client:
        client.get(NAME)
        until(lambda: client.counts["confirmed"] > 0)
        registry.down()
        until(lambda: client.get(NAME).source == "stale")


def test_a_client_with_its_own_thread_listens_again_after_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PINSET_PIN")
    registry = FakeRegistry()
    registry.promote(NAME, texts("One."), alias="staging")
    with Client(source=registry, cache=None, poll=0.1) as client:
        client.get(NAME)
        registry.down()
        until(lambda: client.get(NAME).source == "stale")
        registry.promote(NAME, texts("Two."), alias="staging")
        registry.up()
        until(lambda: client.get(NAME).version == 2)
        assert client.get(NAME).source == "fresh"
        until(lambda: [stream.over for stream in registry._streams] == [False])
