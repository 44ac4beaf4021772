"""Who runs what: as `status` shows it, and as a move waits for it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, cast

import pytest
from terminals import Cli

from pinset import bootstrap
from pinset.errors import NotFound, Unavailable
from pinset.ports.registry import Caller
from pinset_cli import waiting

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pinset.domain.answers import ClientsAnswer, MoveAnswer
    from pinset.ports.registry import Registry

OPS = Caller(actor="ops")
LATELY = "(last seen 0 s ago)"
MANY = f"1 on v6 {LATELY}, 1 on v5 {LATELY}, 1 on v4 {LATELY}, and those on 2 other versions"


def on(
    version: int | None, clients: int, *, silent: int = 0, alias: str = "production", oldest: float = 0.0
) -> ClientsAnswer:
    return {"bundle": "support", "alias": alias, "version": version, "clients": clients, "silent": silent,
            "oldest": oldest}  # fmt: skip


# -- waiting, with a registry that plays a script ----------------------------------------------------------------


class Played:
    """A registry whose clients take up a move as a script says, a look at a time; time passes where it is slept."""

    def __init__(self, *looks: list[ClientsAnswer] | Exception, serves: int | None = 8) -> None:
        self.looks, self.serves = list(looks), serves
        self.at = 0.0
        self.slept: list[float] = []

    def clients(self, bundle: str) -> dict[str, Any]:
        look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(look, Exception):
            raise look
        return {"items": look, "next": None}

    def alias(self, bundle: str, alias: str) -> dict[str, Any]:
        return {"version": self.serves}

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds

    def wait(self, seconds: float = 60.0, *, action: str = "promote") -> waiting.Outcome:
        move = cast("MoveAnswer", {"bundle": "support", "alias": "production", "to": 8, "action": action})
        registry = cast("Registry", self)
        return waiting.until_adopted(registry, move, seconds, began=0.0, now=lambda: self.at, sleep=self.sleep)


def test_what_was_said_before_the_move_does_not_count() -> None:
    played = Played([on(8, 2, oldest=2.0)], [on(8, 2, oldest=2.2)], [on(8, 2, oldest=0.3)])
    assert played.wait().adopted == (2, 2)
    assert len(played.slept) == 2
    assert Played([on(8, 2, oldest=20.0)]).wait(5).others == "some clients said nothing since the move"


@pytest.mark.parametrize(
    ("look", "action"), [(on(8, 2, oldest=20.0), "none"), (on(8, 2, silent=1, oldest=30.1), "rollback")]
)
def test_nothing_new_is_waited_for_without_a_move_or_from_who_has_stopped(look: ClientsAnswer, action: str) -> None:
    played = Played([look])
    assert played.wait(action=action).adopted == (2, 2)
    assert played.slept == []


def test_it_waits_until_nobody_holds_another_version_and_says_each_change_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    played = Played(
        [on(7, 3), on(6, 9, alias="staging")], [on(7, 3)], [on(8, 1), on(7, 2)], [on(8, 1), on(7, 2)],
        [on(8, 2), on(None, 1)], [on(8, 4)],
    )  # fmt: skip
    outcome = played.wait()
    assert (outcome.adopted, outcome.others) == ((4, 4), "")
    assert outcome.waited == sum(played.slept)
    assert capsys.readouterr().err.splitlines() == [
        "0 of 3 clients hold v8", "1 of 3 clients holds v8", "2 of 3 clients hold v8",
    ]  # fmt: skip


def test_nobody_is_waited_for_where_nobody_runs(capsys: pytest.CaptureFixture[str]) -> None:
    for looks in ([], [on(7, 2, silent=2)], [on(7, 5, alias="staging")]):
        played = Played(looks)
        assert played.wait() == ((0, 0), 0.0, "")
        assert played.slept == []
    assert capsys.readouterr().err == ""


def test_who_has_stopped_is_not_waited_for() -> None:
    played = Played([on(8, 3), on(7, 2, silent=1)], [on(8, 3), on(7, 2, silent=2)])
    assert played.wait().adopted == (3, 3)
    assert len(played.slept) == 1


def test_in_the_end_it_says_who_lacks_it() -> None:
    played = Played([on(8, 40), on(7, 3, silent=1, oldest=31.2), on(6, 1, silent=1), on(None, 1)])
    outcome = played.wait(10)
    assert (outcome.adopted, outcome.waited) == ((43, 40), 10.0)
    assert outcome.others == "2 clients on v7 (last seen 31 s ago), 1 client with none yet (last seen 0 s ago)"
    assert sum(played.slept) == pytest.approx(10.0)
    assert max(played.slept) == 0.5


def test_a_move_away_meanwhile_ends_it() -> None:
    assert Played([on(7, 1)], serves=9).wait().others == "it was moved again meanwhile and serves v9"
    assert Played([on(7, 1)], serves=None).wait().others == "it was moved again meanwhile and serves nothing"


def test_a_server_that_is_away_for_a_moment_is_asked_again() -> None:
    away = Unavailable("nobody answers")
    assert Played(away, [on(7, 1)], away, [on(8, 1)]).wait().adopted == (1, 1)
    outcome = Played([on(7, 1)], away).wait(2)
    assert (outcome.adopted, outcome.waited) == ((1, 0), 2.0)
    assert outcome.others == "the registry cannot say who holds it: nobody answers"
    with pytest.raises(NotFound):
        Played(NotFound("no such route")).wait()


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ([], "no clients"),
        ([on(8, 9, alias="staging")], "no clients"),
        ([on(7, 41), on(6, 2, oldest=12.4)], "41 clients hold it, 2 on v6 (last seen 12 s ago)"),
        ([on(7, 1)], "1 client holds it"),
        ([on(None, 1)], "nobody holds it, 1 with none yet (last seen 0 s ago)"),
        ([on(n, 1) for n in (6, 5, 4, 3, 2)], f"nobody holds it, {MANY}"),
    ],
)  # fmt: skip
def test_a_sentence_says_who_runs_an_alias(items: list[ClientsAnswer], said: str) -> None:
    assert waiting.sentence(items, "production", 7) == said


def test_of_a_retired_alias_it_says_who_still_runs_what() -> None:
    assert waiting.sentence([on(7, 2), on(None, 1)], "production", None) == (
        "2 on v7 (last seen 0 s ago), 1 with none yet (last seen 0 s ago)"
    )


# -- the commands, near and far ----------------------------------------------------------------------------------


class Watched(Cli):
    """Runs commands against one registry, whose clients a server elsewhere on this machine has seen."""

    def __init__(
        self, location: str, home: Path, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch
    ) -> None:
        super().__init__(location, capsys)
        self._home, self._patch = home, patch

    def saw(self, *held: int | None, ago: float = 0.0) -> None:
        registry = bootstrap.local_registry(self._home)
        at = registry._context.sights.now() - ago
        with self._patch.context() as patch:
            # A process that lives, and is not this one.
            patch.setattr(os, "getpid", os.getppid)
            registry.keep_sights({(f"{n:016x}", "support", "production"): (one, at) for n, one in enumerate(held)})
        registry._context.sights._told = False
        registry.close()


@pytest.fixture(params=["directory", "server"])
def cli(
    request: pytest.FixtureRequest, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    manifest: Callable[..., dict[str, str]],
) -> Watched:  # fmt: skip
    registry = bootstrap.local_registry(home)
    registry.publish(OPS, manifest(words="a"), alias="production")
    registry.publish(OPS, manifest(words="b"))
    registry.close()
    location = str(home) if request.param == "directory" else request.getfixturevalue("served")
    return Watched(location, home, capsys, monkeypatch)


def test_status_shows_who_runs_what_in_80_columns(cli: Watched) -> None:
    assert "CLIENTS" not in cli("status", "support")[1]
    cli.saw(1, 1, None)
    status, out, _ = cli("status", "support")
    assert status == 0
    lines = out.splitlines()
    at = lines.index("ALIAS       SERVES  CLIENTS")
    assert lines[at + 1].startswith("production  v1      2 clients hold it, 1 with none yet (last seen ")
    assert max(len(line) for line in lines) <= 80
    shown = json.loads(cli("status", "support", "--json")[1])["clients"]
    assert [(item["alias"], item["version"], item["clients"]) for item in shown] == [
        ("production", 1, 2),
        ("production", None, 1),
    ]


def test_a_move_that_all_hold_ends_with_0(cli: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.saw(2, 1, ago=5)
    # They fetch it while it is waited for.
    asleep = {**waiting.until_adopted.__kwdefaults__, "sleep": lambda _seconds: cli.saw(2, 2)}
    monkeypatch.setattr(waiting.until_adopted, "__kwdefaults__", asleep)
    status, out, err = cli("promote", "support@v2", "production", "--wait")
    assert (status, out) == (0, "support@production: v1 -> v2\n")
    assert err.splitlines()[0] == "1 of 2 clients holds v2"
    assert "all 2 clients hold v2 after " in err
    asleep["sleep"] = lambda _seconds: cli.saw(1)
    status, out, err = cli("rollback", "support@production", "--yes", "--wait", "--json")
    answer = json.loads(out)
    assert (status, answer["to"], answer["adopted"]["clients"], answer["adopted"]["holding"]) == (0, 1, 1, 1)
    assert set(answer["adopted"]) == {"clients", "holding", "waited"}


def test_a_move_that_some_lack_when_time_is_up_ends_with_1_and_stays(cli: Watched) -> None:
    cli.saw(1, 2)
    status, out, err = cli("promote", "support@v2", "production", "--wait", "--timeout", "0")
    assert (status, out) == (1, "support@production: v1 -> v2\n")
    assert "1 client on v1 (last seen " in err
    assert "the move is made" in err
    assert "pinset status --registry" in err
    status, out, _ = cli("promote", "support@v2", "production", "--wait", "--timeout", "0", "--json")
    answer = json.loads(out)
    assert (status, answer["action"], answer["adopted"]["clients"], answer["adopted"]["holding"]) == (1, "none", 2, 1)


def test_without_clients_a_move_waits_for_nobody_and_says_so(cli: Watched) -> None:
    status, _, err = cli("promote", "support@v2", "production", "--wait")
    assert (status, "no clients of support@production" in err) == (0, True)
    cli.saw(1, ago=40)
    status, _, err = cli("promote", "support@v2", "production", "--wait")
    assert (status, "no clients of support@production" in err) == (0, True)


def test_a_dry_run_waits_for_nobody(cli: Watched) -> None:
    cli.saw(1)
    status, out, err = cli("promote", "support@v2", "production", "--wait", "--dry-run")
    assert (status, "clients" in out + err) == (0, False)
    assert "adopted" not in json.loads(cli("promote", "support@v2", "production", "--wait", "--dry-run", "--json")[1])


def test_a_refused_move_waits_for_nobody(cli: Watched) -> None:
    cli.saw(1)
    assert cli("promote", "support@v2", "production", "--expect", "v2", "--wait")[0] == 4


@pytest.mark.parametrize(
    "command", [("promote", "support@v2", "production"), ("rollback", "support@production", "--yes")]
)
def test_a_time_out_of_nothing_is_refused_before_anything_is_moved(cli: Watched, command: tuple[str, ...]) -> None:
    status, _, err = cli(*command, "--timeout", "5")
    assert (status, "--wait" in err) == (2, True)
    assert json.loads(cli("alias", "list", "support", "--json")[1])["items"][0]["seq"] == 1


def test_who_stops_waiting_is_told_that_the_move_is_made(cli: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_args: object) -> None:
        raise KeyboardInterrupt

    cli.saw(1)
    monkeypatch.setattr(
        waiting.until_adopted, "__kwdefaults__", {**waiting.until_adopted.__kwdefaults__, "sleep": stop}
    )
    status, out, err = cli("promote", "support@v2", "production", "--wait", "--json")
    assert (status, json.loads(out)["adopted"]) == (130, None)
    assert "the move is made" in err
