"""The client: current, verified, never backwards, and there when the registry is not."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from contextlib import closing
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any

import pytest

from pinset import bootstrap
from pinset.client.aio import AsyncClient
from pinset.client.client import Client
from pinset.client.release import Release, Standing, SurplusVariable
from pinset.errors import InvalidInput, NotFound, PinsetError, Purged, RateLimited, Refused, Unavailable
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ME = Caller(actor="ada")
NAME = "support"
TOOL = json.dumps({"name": "lookup", "description": "Looks.", "parameters": {"type": "object", "properties": {}}})


def files(words: str, *, tools: bool = False) -> dict[str, str]:
    lines = f"""\
release:
  feature: {NAME}
  model: {{provider: vendor-x, name: foundation-large, pinned_version: "2025-02-01", temperature: 0.2}}
  prompt: {{text: "{words}"}}
"""
    return {
        "release.yaml": lines + ("  tools: [lookup.json]\n" if tools else ""),
        **({"lookup.json": TOOL} if tools else {}),
    }


class Directory:
    """A source on a registry in memory that fails when told to."""

    address = "test://registry"

    def __init__(self) -> None:
        self.registry = bootstrap.memory_registry()
        self.fails: PinsetError | None = None
        self.answer: dict[str, Any] | None = None
        self.delay = 0.0
        self.asked: list[str] = []

    def fetch(self, bundle: str, selector: str, tag: str | None, seconds: float, holds: str | None = None) -> Any:
        self.asked.append(f"{bundle}@{selector}")
        time.sleep(self.delay)
        if self.fails is not None:
            raise self.fails
        answer: dict[str, Any] = self.answer or json.loads(json.dumps(self.registry.sealed(f"{bundle}@{selector}")))
        mark = f"{answer['alias']}{answer['digest']}"
        return (None if mark == tag else answer), mark

    def forked(self) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture
def source() -> Iterator[Directory]:
    made = Directory()
    made.registry.publish(ME, files("Summarize {{ticket}}."), alias="production")
    yield made
    made.registry.close()


@pytest.fixture
def make(source: Directory, tmp_path: Path) -> Iterator[Callable[..., Client]]:
    clients: list[Client] = []

    def client(**more: Any) -> Client:
        made = Client(source=source, **{"cache": tmp_path / "cache", "poll": 0.02, **more})
        clients.append(made)
        return made

    yield client
    for one in clients:
        one.close()


def until(met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.005)


UNREACHABLE = Unavailable("the registry cannot be reached", hint="wait")


# -- a release ---------------------------------------------------------------------------------------------------


def test_a_release_has_all_that_was_published_together(make: Callable[..., Client], source: Directory) -> None:
    source.registry.publish(ME, files("Hi {{ticket}}.", tools=True), alias="production")
    release = make().get(NAME)
    assert release.render(ticket="4711") == "Hi 4711."
    assert release.prompt().messages(ticket="x") == [{"role": "user", "content": "Hi x."}]
    assert release.model["id"] == "foundation-large"
    assert release.model["params"] == {"temperature": 0.2}
    assert list(release.tools) == ["lookup"]
    assert [tool["name"] for tool in release.tools_of()] == ["lookup"]
    assert (release.ref, release.version, release.alias, release.seq) == ("support@v2", 2, "production", 2)
    assert release.source == "fresh"
    assert 0 <= release.age < 20
    assert release.variables == {"ticket"}
    assert release.attributes()["pinset.ref"] == "support@v2"


def test_a_missing_variable_raises_and_a_surplus_one_warns(make: Callable[..., Client]) -> None:
    release = make().get(NAME)
    with pytest.raises(InvalidInput):
        release.render()
    for use in (release.render, release.prompt().render, release.prompt().messages, release.for_openai):
        with pytest.warns(SurplusVariable, match="tone") as warned:
            use(ticket="x", tone="kind")
        assert [warning.filename for warning in warned] == [__file__], "it points to who gave too much"
    with pytest.raises(NotFound):
        release.prompt("planner")


def test_what_was_changed_on_the_way_is_refused(source: Directory) -> None:
    answer = source.registry.sealed(NAME)
    Release(answer, Standing("fresh"))
    for spoilt in (
        {**answer, "files": {**answer["files"], "release.yaml": "release: {}"}},
        {**answer, "manifest": answer["manifest"].replace("0.2", "0.3")},
        {**answer, "files": {}},
        {**answer, "bundle": "other"},
        {"manifest": 1},
    ):
        with pytest.raises(PinsetError):
            Release(spoilt, Standing("fresh"))


AGENT = """\
release:
  feature: agent
  model: {provider: acme, name: large, pinned_version: "1", temperature: 0.5, max_tokens: 100}
  models: {small: {provider: acme, name: small, pinned_version: "1"}}
  tools: [lookup.json]
  prompts:
    default:
      messages: [{role: system, text: "Be kind."}, {placeholder: history}, {role: user, text: "{{question}}"}]
      output: {type: object, properties: {answer: {type: string}}}
    planner: {text: "Plan {{goal}}.", model: small, tools: []}
"""


def test_a_prompt_in_the_shapes_of_model_clients(make: Callable[..., Client], source: Directory) -> None:
    source.registry.publish(ME, {"release.yaml": AGENT, "lookup.json": TOOL}, alias="production")
    release, said = make().get("agent"), [{"role": "assistant", "content": "Hello."}]
    parameters = {"type": "object", "properties": {}}
    found = release.for_openai(history=said, question="Why?")
    assert found["messages"] == [{"role": "system", "content": "Be kind."}, *said, {"role": "user", "content": "Why?"}]
    assert (found["model"], found["temperature"], found["max_tokens"]) == ("large", 0.5, 100)
    described = {"name": "lookup", "description": "Looks."}
    assert found["tools"] == [{"type": "function", "function": {**described, "parameters": parameters}}]
    assert found["response_format"]["json_schema"]["schema"]["properties"] == {"answer": {"type": "string"}}
    assert release.for_litellm(history=said, question="Why?")["model"] == "acme/large"
    apart = release.for_anthropic(history=said, question="Why?")
    assert apart["system"] == "Be kind."
    assert apart["messages"] == [*said, {"role": "user", "content": "Why?"}]
    assert apart["tools"] == [{**described, "input_schema": parameters}]
    planner = release.for_openai("planner", goal="x")
    assert (planner["model"], "tools" in planner) == ("small", False)
    with pytest.raises(InvalidInput, match="max_tokens"):
        release.for_anthropic("planner", goal="x")


def test_the_same_on_an_event_loop(source: Directory, tmp_path: Path) -> None:
    async def use() -> None:
        async with AsyncClient(source=source, cache=tmp_path / "cache", poll=0.02) as client:
            first = await asyncio.gather(*(client.get(NAME) for _ in range(10)))
            assert len({id(release) for release in first}) == 1
            assert (await client.get(NAME, alias="production")).ref == "support@v1"
            with pytest.raises(NotFound):
                await client.get("nobody")

    asyncio.run(use())
    asyncio.run(use())  # another loop, another client: nothing is left of the first


# -- staying current ----------------------------------------------------------------------------------------------


def test_a_promotion_reaches_the_client_and_its_callbacks(make: Callable[..., Client], source: Directory) -> None:
    client, seen = make(), []
    client.on_change(NAME, lambda new, old: seen.append((new.ref, old.ref if old else None)))
    before = client.get(NAME)
    source.registry.publish(ME, files("Be brief: {{ticket}}."), alias="production")
    until(lambda: client.get(NAME).version == 2)
    assert before.render(ticket="x") == "Summarize x.", "who holds on to a release has it whole"
    until(lambda: ("support@v2", "support@v1") in seen)


def test_one_name_is_fetched_once_however_many_ask(make: Callable[..., Client], source: Directory) -> None:
    source.delay = 0.1
    client, got = make(poll=60.0), []
    threads = [threading.Thread(target=lambda: got.append(client.get(NAME))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 20
    assert len({id(release) for release in got}) == 1
    assert source.asked == ["support@production"]


def test_a_warm_get_asks_nobody(make: Callable[..., Client], source: Directory) -> None:
    client = make(poll=60.0)
    first = client.get(NAME)
    source.fails = UNREACHABLE
    assert all(client.get(NAME) is first for _ in range(100))
    assert len(source.asked) == 1


@pytest.mark.parametrize(
    "error",
    [
        UNREACHABLE,
        NotFound("there is no such alias", hint="-"),
        RateLimited("slow down", hint="-"),
        Purged("another one was purged", hint="-", details={"digest": "sha256:" + "0" * 64}),
    ],
    ids=lambda error: error.code,
)
def test_the_last_good_release_stays_whatever_the_registry_says(
    make: Callable[..., Client], source: Directory, error: PinsetError
) -> None:
    client = make()
    first = client.get(NAME)
    source.fails = error
    until(lambda: client.counts["failed"] > 0)
    assert client.get(NAME) is first
    assert first.source == "stale"
    source.fails = None
    until(lambda: client.get(NAME).source == "fresh")


def test_a_purged_release_is_the_one_that_goes(make: Callable[..., Client], source: Directory, tmp_path: Path) -> None:
    client = make()
    first = client.get(NAME)
    source.fails = Purged("it was purged", hint="-", details={"digest": first.digest})
    until(lambda: client.counts["failed"] > 0 and client.held(NAME) is None)
    with pytest.raises(Purged):
        client.get(NAME)


def test_an_earlier_move_is_never_taken(make: Callable[..., Client], source: Directory) -> None:
    older = json.loads(json.dumps(source.registry.sealed(f"{NAME}@production")))
    source.registry.publish(ME, files("Two {{ticket}}."), alias="production")
    client, refused = make(), []
    client.on_refused(lambda name, error: refused.append((name, error.code)))
    assert client.get(NAME).version == 2
    source.answer = older
    until(lambda: bool(refused))
    assert client.get(NAME).version == 2
    assert refused[0] == ("support@production", "refused")


def test_another_bundles_answer_is_refused(make: Callable[..., Client], source: Directory) -> None:
    other = files("X {{ticket}}.")
    other["release.yaml"] = other["release.yaml"].replace(NAME, "other")
    source.registry.publish(ME, other, alias="production")
    source.answer = json.loads(json.dumps(source.registry.sealed("other@production")))
    with pytest.raises(Refused):
        make().get(NAME)


def test_a_release_that_the_code_cannot_use_is_refused_and_the_one_before_stays(
    make: Callable[..., Client], source: Directory
) -> None:
    client = make()
    assert client.get(NAME, variables={"ticket"}, tools=()).version == 1
    source.registry.publish(ME, files("{{ticket}} {{tone}}"), alias="production")
    until(lambda: client.counts["refused"] > 0)
    assert client.get(NAME, variables={"ticket"}).version == 1
    source.registry.publish(ME, files("{{ticket}}!", tools=True), alias="production")
    until(lambda: client.get(NAME, variables={"ticket", "tone"}, tools={"lookup"}).version == 3)
    assert client.get(NAME, tools={"other"}).version == 1, "the newest of the cache that this code can use"
    assert client.get(NAME).version == 3, "what one caller cannot use, another one gets"
    with pytest.raises(Refused, match="lookup"):
        make(cache=None).get(NAME, tools={"other"})
    with pytest.raises(InvalidInput):
        client.get(NAME, variables="ticket")


def test_max_stale_is_the_callers_choice(make: Callable[..., Client], source: Directory) -> None:
    client = make(max_stale=0.05)
    client.get(NAME)
    source.fails = UNREACHABLE
    until(lambda: client.counts["failed"] > 0)
    time.sleep(0.06)
    with pytest.raises(Unavailable, match="confirmed"):
        client.get(NAME)
    source.fails = None
    client = make(max_stale=0.05)
    fixed = client.get(f"{NAME}@v1")
    time.sleep(0.06)
    assert client.get(f"{NAME}@v1") is fixed, "what always means the same does not age"


def test_an_outage_is_said_once_and_its_end(
    make: Callable[..., Client], source: Directory, caplog: pytest.LogCaptureFixture
) -> None:
    client = make()
    client.get(NAME)
    failure = source.fails = NotFound("there is no such alias", hint="see what there is")
    until(lambda: client.counts["failed"] > 3)
    source.fails = None
    until(lambda: client.get(NAME).source == "fresh")
    said = [record.getMessage() for record in caplog.records if record.name == "pinset.client"]
    assert said == [
        f"support@production is not confirmed: {failure.message} ({failure.hint})",
        "support@production is confirmed again",
    ]


def test_a_default_of_another_bundle_is_no_default(make: Callable[..., Client], source: Directory) -> None:
    sealed = make(cache=None).get(NAME).sealed()
    with pytest.raises(NotFound):
        make(cache=None).get("other", default=sealed)


# -- without the registry -----------------------------------------------------------------------------------------


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


def test_a_snapshot_then_the_default_of_the_code(
    make: Callable[..., Client], source: Directory, tmp_path: Path
) -> None:
    sealed = make(cache=None).get(NAME).sealed()
    source.fails = UNREACHABLE
    shipped = tmp_path / "snapshot.json"
    shipped.write_text(json.dumps({"format": 1, "releases": [sealed]}))
    assert make(cache=None, snapshot=shipped).get(NAME).source == "snapshot"
    assert make(cache=None).get(NAME, default=sealed).source == "default"
    with pytest.raises(InvalidInput):
        make(snapshot=tmp_path / "none")


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


def test_a_fork_goes_on_by_itself(make: Callable[..., Client], source: Directory) -> None:
    client = make()
    client.get(NAME)
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            source.registry.publish(ME, files("Forked {{ticket}}."), alias="production")
            until(lambda: client.get(NAME).version == 2)
            os.write(writing, b"ok")
        finally:
            os._exit(0)
    os.close(writing)
    assert os.read(reading, 2) == b"ok"
    os.close(reading)
    os.waitpid(pid, 0)
    assert client.get(NAME).version == 1


# -- over HTTP ----------------------------------------------------------------------------------------------------


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
