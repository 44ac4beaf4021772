"""The client stays current, is never taken back, and keeps the last good release."""

from __future__ import annotations

import json
import threading
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from client_fakes import ME, NAME, UNREACHABLE, Directory, files, until

from pinset.client.client import Client
from pinset.client.release import standing_of
from pinset.errors import InvalidInput, NotFound, PinsetError, Purged, RateLimited, Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


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
    until(lambda: client.counts["failed"] > 0 and first.source == "stale")  # it is counted first
    assert client.get(NAME) is first
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
    client = make(max_stale=60)
    held = client.get(NAME)
    source.fails = UNREACHABLE
    until(lambda: client.counts["failed"] > 0)
    standing_of(held).confirmed -= 61
    with pytest.raises(Unavailable, match="confirmed"):
        client.get(NAME)
    source.fails = None
    client = make(max_stale=60, poll=60)
    fixed = client.get(f"{NAME}@v1")
    standing_of(fixed).confirmed -= 61
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


def test_a_callback_that_fails_is_logged_with_what_it_was_for(
    make: Callable[..., Client], caplog: pytest.LogCaptureFixture
) -> None:
    client = make()
    client.on_change(NAME, lambda new, old: 1 // 0)
    assert client.get(NAME).version == 1
    until(lambda: "a callback for support@production failed" in caplog.text)
    assert "ZeroDivisionError" in caplog.text


def test_on_change_tells_nothing_of_what_came_from_the_disk(make: Callable[..., Client], source: Directory) -> None:
    make().get(NAME)
    source.fails = UNREACHABLE
    client, seen = make(), []
    client.on_change(NAME, lambda new, old: seen.append((new.version, old and old.version)))
    assert client.get(NAME).source == "disk"
    source.fails = None
    source.registry.publish(ME, files("Two {{ticket}}."), alias="production")
    until(lambda: client.get(NAME).version == 2)
    until(lambda: seen == [(2, 1)])


def test_a_default_of_another_bundle_is_no_default(make: Callable[..., Client], source: Directory) -> None:
    sealed = make(cache=None).get(NAME).sealed()
    with pytest.raises(NotFound):
        make(cache=None).get("other", default=sealed)


def test_a_reference_is_told_of_by_itself_and_a_bundle_of_each_name_that_moves(
    make: Callable[..., Client], source: Directory
) -> None:
    source.registry.promote(ME, f"{NAME}@v1", "staging")
    client, seen = make(), Counter[str]()
    client.on_change(NAME, lambda new, old: seen.update([f"bundle {new.alias}"]))
    client.on_change(f"{NAME}@staging", lambda new, old: seen.update(["staging"]))
    client.on_change(f"{NAME}@v1", lambda new, old: seen.update(["v1"]))
    for name in (NAME, f"{NAME}@staging", f"{NAME}@v1"):
        client.get(name)
    until(lambda: seen.total() == 4)
    assert seen == {"bundle production": 1, "bundle staging": 1, "staging": 1, "v1": 1}
    source.registry.publish(ME, files("Two {{ticket}}."), alias="staging")
    until(lambda: client.get(NAME, alias="staging").version == 2)
    until(lambda: seen == {"bundle production": 1, "bundle staging": 2, "staging": 2, "v1": 1})
    with pytest.raises(InvalidInput):
        client.on_change("No Name", lambda new, old: None)


def test_what_was_refused_is_said_again_after_a_return_to_what_is_held(
    make: Callable[..., Client], source: Directory, caplog: pytest.LogCaptureFixture
) -> None:
    client, refused = make(), []
    client.on_refused(lambda name, error: refused.append(name))
    client.get(NAME)
    good = json.loads(json.dumps(source.registry.sealed(f"{NAME}@production")))
    bad = {**good, "digest": "sha256:" + "0" * 64}
    for times in (1, 2):
        source.answer = bad
        until(lambda times=times: len(refused) == times)  # type: ignore[misc] # bound
        before = client.counts["refused"]
        until(lambda before=before: client.counts["refused"] > before + 2)  # type: ignore[misc] # bound
        assert len(refused) == times, "each is said once"
        assert client.get(NAME).source == "stale"
        source.answer = None
        until(lambda: client.get(NAME).source == "fresh")
    until(lambda: caplog.text.count("is confirmed again") == 2)


def test_a_registry_made_from_a_backup_is_believed(make: Callable[..., Client], source: Directory) -> None:
    source.registry.publish(ME, files("Two {{ticket}}."), alias="production")
    client = make()
    assert (client.get(NAME).epoch, client.get(NAME).seq) == (1, 2)
    restored = json.loads(json.dumps(source.registry.sealed(f"{NAME}@production")))
    restored["epoch"], restored["alias"]["seq"] = 2, 1
    source.answer = restored
    until(lambda: (client.get(NAME).epoch, client.get(NAME).seq) == (2, 1))
    source.answer = None
    until(lambda: client.counts["refused"] > 0)
    assert client.get(NAME).epoch == 2, "the one before it is not, any more"


class Moving(Directory):
    """Another move of the alias at each look: two releases in turn."""

    def __init__(self) -> None:
        super().__init__()
        self.last = 0

    def begin(self) -> dict[str, str]:
        """The text that each digest stands for."""
        for words in ("One {{ticket}}.", "Two {{ticket}}."):
            self.registry.publish(ME, files(words), alias="production")
        self._two = [json.loads(json.dumps(self.registry.sealed(f"{NAME}@v{version}"))) for version in (1, 2)]
        self._alias = self.registry.sealed(f"{NAME}@production")["alias"]
        return {one["digest"]: one["files"]["release.yaml"] for one in self._two}

    def fetch(self, bundle: str, selector: str, tag: str | None, seconds: float, holds: str | None = None) -> Any:
        self.last += 1
        return {**self._two[self.last % 2], "alias": {**self._alias, "seq": self.last}}, str(self.last)


def test_a_thousand_moves_under_a_hundred_readers_are_whole_and_never_back() -> None:
    source, ended, wrong = Moving(), threading.Event(), list[str]()
    texts = source.begin()

    def read() -> None:
        held = 0
        while not ended.is_set():
            release = client.get(NAME)
            seq = release.seq or 0
            if seq < held or release.files["release.yaml"] != texts[release.digest]:
                wrong.append(repr(release))
            held = seq
            ended.wait(0.002)

    with closing(source.registry), Client(source=source, cache=None, poll=0.0001) as client:
        readers = [threading.Thread(target=read) for _ in range(100)]
        for reader in readers:
            reader.start()
        until(lambda: source.last > 1000)
        ended.set()
        for reader in readers:
            reader.join()
    assert client.counts["fetched"] >= 1000
    assert not client.counts["refused"]
    assert not wrong


class Late(Directory):
    """Answers with what was so when it was asked, after a while."""

    def __init__(self) -> None:
        super().__init__()
        self.goes_on = threading.Event()

    def fetch(self, bundle: str, selector: str, tag: str | None, seconds: float, holds: str | None = None) -> Any:
        answer = super().fetch(bundle, selector, tag, seconds, holds)
        assert self.goes_on.wait(20)
        return answer


def test_what_is_heard_while_an_answer_is_on_its_way_is_asked_for_again() -> None:
    source = Late()
    source.registry.publish(ME, files("One {{ticket}}."), alias="production")
    with closing(source.registry), Client(source=source, cache=None, poll=3600.0) as client:
        asking = threading.Thread(target=lambda: client.get(NAME))
        asking.start()
        until(lambda: len(source.asked) == 1)
        source.registry.publish(ME, files("Two {{ticket}}."), alias="production")
        client._keeper.hurry(NAME, "production", 0.0)
        source.goes_on.set()
        asking.join()
        until(lambda: client.get(NAME).version == 2)


def test_a_poll_of_many_years_is_none_that_spins(
    make: Callable[..., Client], source: Directory, caplog: pytest.LogCaptureFixture
) -> None:
    client = make(poll=1e15)
    client.get(NAME)
    source.registry.publish(ME, files("Two {{ticket}}."), alias="production")
    client._keeper.hurry(NAME, None, 0.0)
    until(lambda: client.get(NAME).version == 2)
    assert not caplog.records


def test_only_what_was_heard_of_is_asked_for(make: Callable[..., Client], source: Directory) -> None:
    source.registry.promote(ME, f"{NAME}@v1", "staging")
    client = make(poll=3600.0)
    client.get(NAME)
    client.get(NAME, alias="staging")
    client._keeper.hurry("other", None, 0.0)
    client._keeper.hurry(NAME, "canary", 0.0)
    client._keeper.hurry(NAME, "staging", 0.0)
    until(lambda: client.counts["confirmed"] == 1)
    assert source.asked == [f"{NAME}@production", f"{NAME}@staging", f"{NAME}@staging"]
