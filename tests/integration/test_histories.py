"""Many clients, two servers, everything killed at random: what they were told has one order, and each write one effect."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import threading
import time
from collections import defaultdict
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import histories
import pytest
import recording
import retrying
from cluster import Cluster, Killed
from histories import MADE, REFUSED, UNKNOWN, Did, problems

from pinset import bootstrap
from pinset.client.remote import RemoteRegistry
from pinset.errors import Busy, NothingBehind, Unavailable
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent
TORTURE = os.environ.get("PINSET_TORTURE") == "1"
MOVES = int(os.environ.get("PINSET_ROUNDS") or (100_000 if TORTURE else 80))
BACKUPS = max(3, MOVES // 1000)
OPS = Caller(actor="ops")

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds what to kill in /proc")


@pytest.fixture
def dice() -> random.Random:
    seed = int(os.environ.get("PINSET_SEED") or (random.SystemRandom().randrange(2**32) if TORTURE else 7))
    print(f"PINSET_SEED={seed}")  # noqa: T201 - pytest shows it where the test fails
    return random.Random(seed)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The directory of a registry with some releases."""
    bootstrap.create_registry(tmp_path / ".pinset")
    with closing(bootstrap.local_registry(tmp_path)) as registry:
        for number in range(recording.RELEASES):
            registry.publish(OPS, {"release.yaml": recording.MANIFEST, "main.md": f"Text {number}."})
        for alias in recording.ALIASES:
            registry.promote(OPS, f"{recording.BUNDLE}@v1", alias, reason=f"begin-{alias}")
    return tmp_path


def whole_history(registry: Any, alias: str) -> list[dict[str, Any]]:
    items, cursor = [], None
    while True:
        page = registry.history(recording.BUNDLE, alias, cursor=cursor, limit=200)
        items += page["items"]
        cursor = page["next"]
        if cursor is None:
            return items


# -- recorded histories --------------------------------------------------------------------------------------------


class Recorder:
    """Keeps the newest word of each operation of the threads of this process."""

    def __init__(self) -> None:
        self.done: dict[tuple[str, str], Did] = {}
        self.ways: set[str] = set()
        """Over which of the ways of these threads a move was made."""
        self._seqs: dict[str, int] = {}
        self._lock = threading.Lock()

    def __call__(self, did: Did) -> None:
        with self._lock:
            self.done[did.name, did.kind] = did
            if did.kind != "read" and did.outcome == MADE:
                self.ways.add(did.via)
            self._seqs[did.alias] = max(self._seqs.get(did.alias, 0), did.seq or 0)

    @property
    def made(self) -> int:
        """How many moves there are at least, whoever made them."""
        return sum(self._seqs.values())


def _clients(cluster: Cluster, place: Path) -> Iterator[tuple[str, Callable[[], Any]]]:
    for url, count in zip(cluster.urls, (2, 3), strict=True):
        for number in range(count):
            yield f"http{cluster.urls.index(url)}-{number}", lambda url=url: RemoteRegistry(url)  # type: ignore[misc] # the default binds it
    yield "cli", lambda: recording.CommandLine(place, cluster.commands.add)


def _drive(name: str, make: Callable[[], Any], seed: int, recorder: Recorder, stop: threading.Event) -> None:
    dice, registry, number = random.Random(seed), make(), 0
    via = name.partition("-")[0]
    while not stop.is_set():
        number += 1
        recording.work(registry, via, f"{name}-{number}", dice, recorder)
    registry.close()


def test_what_clients_were_told_through_kills_has_one_order(place: Path, dice: random.Random, counted: Any) -> None:
    recorder, stop = Recorder(), threading.Event()
    with Cluster(place, dice) as cluster:
        threads = [
            threading.Thread(target=_drive, args=(name, make, dice.random(), recorder, stop))
            for name, make in _clients(cluster, place)
        ]
        local = Killed(cluster.clients, HERE / "recording.py", str(place), "directory")
        for thread in threads:
            thread.start()
        every = MOVES / 8 if MOVES < 2000 else 150
        due, kinds = 0.0, list(cluster.kills)
        while recorder.made < MOVES or min(cluster.kills.values()) == 0 or not recorder.ways >= {"http0", "http1"}:
            assert any(thread.is_alive() for thread in threads)
            if recorder.made >= due and cluster.kill(kinds[0]):
                due += every
                kinds = kinds[1:] or dice.sample(list(cluster.kills), len(cluster.kills))
            time.sleep(0.005)
        stop.set()
        lines = local.stop()
        for thread in threads:
            thread.join()
    for line in lines:
        recorder(Did(**json.loads(line)))
    with closing(bootstrap.local_registry(place)) as registry:
        moves = {alias: whole_history(registry, alias) for alias in recording.ALIASES}
        proven = registry.verify()
    assert proven["ok"], proven["problems"]
    git = ["git", "-C", str(place / ".pinset/repository.git"), "fsck", "--full", "--strict", "--no-dangling"]
    checked = subprocess.run(git, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    begun = [
        Did(name=f"begin-{alias}", kind="promote", alias=alias, called=0, answered=histories.FOREVER)
        for alias in recording.ALIASES
    ]
    done = [*begun, *recorder.done.values()]
    assert problems(done, moves) == []
    _has_tried(done, cluster.kills)
    counted(moves=sum(map(len, moves.values())), calls=len(done), kills=sum(cluster.kills.values()))


def _has_tried(done: list[Did], kills: dict[str, int]) -> None:
    """The campaign met what it is for."""
    seen = {(did.via, did.outcome) for did in done if did.kind != "read"}
    made = {via for via, outcome in seen if outcome == MADE}
    # A command of the command line takes long to start: in a short run none may have come through the kills.
    assert made - {"cli"} == {"http0", "http1", "directory"}
    assert "cli" in {via for via, _ in seen}
    assert {outcome for _, outcome in seen} >= {MADE, REFUSED, UNKNOWN}
    assert min(kills.values()) > 0


# -- retries with one key ------------------------------------------------------------------------------------------


def effects(answers: dict[str, list[Any]], reasons: list[str], messages: list[str]) -> list[str]:
    """What contradicts one effect for each key, with one answer. reasons, messages: of all moves and releases."""
    found = []
    for key, given in answers.items():
        if len(given) != retrying.AGAIN or any(answer != given[0] for answer in given):
            found.append(f"{key}: its answers differ: {given}")
        releases = 1 if "created" in given[0] else 0
        if (reasons.count(key), messages.count(key)) != (1, releases):
            found.append(f"{key}: {reasons.count(key)} moves and {messages.count(key)} releases")
    if len(reasons) != len(answers):
        found.append("there are moves that nobody asked for")
    return found


@pytest.mark.parametrize(
    ("answers", "reasons", "messages"),
    [
        pytest.param([{"seq": 1}] * 3, ["k", "k"], [], id="two moves"),
        pytest.param([{"seq": 1}] * 3, [], [], id="no move"),
        pytest.param([{"created": True}] * 3, ["k"], ["k", "k"], id="two releases"),
        pytest.param([{"created": True}] * 3, ["k"], [], id="no release"),
        pytest.param([{"seq": 1}, {"seq": 1}, {"seq": 2}], ["k"], [], id="another answer"),
        pytest.param([{"seq": 1}], ["k"], [], id="not repeated"),
        pytest.param([{"seq": 1}] * 3, ["k", "x"], [], id="a move of nobody"),
    ],
)
def test_effects_that_are_not_one_are_found(answers: list[Any], reasons: list[str], messages: list[str]) -> None:
    assert effects({"k": [{"seq": 1}] * 3}, ["k"], []) == []
    assert effects({"k": [{"created": True}] * 3}, ["k"], ["k"]) == []
    assert effects({"k": answers}, reasons, messages)


def test_each_key_has_one_effect_and_one_answer_through_kills(
    place: Path, dice: random.Random, tmp_path: Path, counted: Any
) -> None:
    answers: dict[str, dict[str, list[Any]]] = {name: defaultdict(list) for name in ("far", "both", "near")}
    count = max(4, MOVES // 16)
    faults: list[BaseException] = []

    def work(name: str, registries: list[Any]) -> None:
        try:
            retrying.write(registries, name, count, answers[name], lambda _key, _answer: None)
        except BaseException as error:
            faults.append(error)
            raise
        finally:
            for registry in registries:
                registry.close()

    with Cluster(place, dice) as cluster:
        far, both = ([RemoteRegistry(url) for url in cluster.urls] for _ in range(2))
        threads = [
            threading.Thread(target=work, args=("far", far)),
            threading.Thread(target=work, args=("both", [*both, bootstrap.local_registry(place)])),
        ]
        record = tmp_path / "record"
        near = Killed(cluster.clients, HERE / "retrying.py", str(place), "near", str(count), str(record))
        for thread in threads:
            thread.start()
        kinds, killed = ["writer", "worker", "directory", "server", "writer", "directory", "supervisor"], 0

        def lines() -> int:
            return sum(bool(line) for line in record.read_text().splitlines()) if record.exists() else 0

        def far_enough() -> int:
            return lines() + sum(len(given) for name in ("far", "both") for given in answers[name].values())

        # A kill for so many answers; then all are left in peace to come to their end.
        every = max(1, 3 * 3 * count // 10) if not TORTURE else 30
        while not near.fault and (any(thread.is_alive() for thread in threads) or lines() < retrying.AGAIN * count):
            if killed * every <= far_enough() < 3 * 3 * count and cluster.kill(kinds[killed % len(kinds)]):
                killed += 1
            time.sleep(0.005)
        near.stop()
        for thread in threads:
            thread.join()
    assert faults == []
    for line in record.read_text().splitlines():
        if line:
            key, answer = json.loads(line)
            answers["near"][key].append(answer)
    assert killed >= len(kinds)
    with closing(bootstrap.local_registry(place)) as registry:
        messages = [item["message"] for item in _all_releases(registry)]
        for name, given in answers.items():
            assert len(given) == count
            reasons = [item["reason"] for item in whole_history(registry, name)]
            assert effects(given, reasons, messages) == []
        assert registry.verify()["ok"]
    counted(keys=sum(map(len, answers.values())), kills=killed)


def _all_releases(registry: Any) -> Iterator[Any]:
    cursor = None
    while True:
        page = registry.releases(recording.BUNDLE, cursor=cursor, limit=200)
        yield from page["items"]
        cursor = page["next"]
        if cursor is None:
            return


# -- backups during writes -----------------------------------------------------------------------------------------


def commits_in(repository: Path) -> dict[int, tuple[str, str]]:
    """The commit and the operation of each serial, as plain git tells them."""
    git = ["git", "-C", str(repository), "log", "--all", "--format=%x01%H%n%B"]
    said = subprocess.run(git, capture_output=True, text=True, check=True).stdout
    found = {}
    for text in said.split("\x01")[1:]:
        values = dict(re.findall(r"^(Serial|Operation): (.*)$", text, re.MULTILINE))
        if values:  # all but the root of the chains
            found[int(values["Serial"])] = (text.partition("\n")[0], values["Operation"])
    return found


def torn(copy: dict[int, tuple[str, str]], origin: dict[int, tuple[str, str]], acknowledged: int) -> list[str]:
    """What keeps a copy from being the origin at one serial that is not before the acknowledged one."""
    newest = max(copy)
    found = [f"serial {serial} is another commit" for serial in copy if copy[serial] != origin.get(serial)]
    found += [f"serial {serial} is missing" for serial in origin if serial <= newest and serial not in copy]
    later = {operation for serial, (_, operation) in origin.items() if serial > newest}
    found += [f"serial {serial} is half a write" for serial, (_, operation) in copy.items() if operation in later]
    if newest < acknowledged:
        found.append(f"serial {acknowledged} was acknowledged before, and is missing")
    return found


@pytest.mark.parametrize(
    ("serials", "acknowledged"),
    [
        pytest.param([1, 2, 4], 3, id="a hole"),
        pytest.param([1, 2, 3], 3, id="half a write"),
        pytest.param([1, 2], 3, id="an acknowledged write is missing"),
        pytest.param([1, 2, 3, 4, 6], 3, id="a write of later"),
    ],
)
def test_a_torn_copy_is_found(serials: list[int], acknowledged: int) -> None:
    origin = {1: ("a", "op_1"), 2: ("b", "op_2"), 3: ("c", "op_3"), 4: ("d", "op_3"), 5: ("e", "op_4")}
    assert torn({serial: origin[serial] for serial in (1, 2, 3, 4)}, origin, 3) == []
    assert torn({serial: origin.get(serial, ("x", "op_x")) for serial in serials}, origin, acknowledged)
    assert torn({1: ("other", "op_1")}, origin, 1)


def _write_on(place: Path, name: str, acknowledged: list[int], stop: threading.Event) -> None:
    """Publish, promote and roll back without end."""
    number, alias = 0, f"of-{name}"
    with closing(bootstrap.local_registry(place)) as registry:
        while not stop.is_set():
            number += 1
            files = {"release.yaml": recording.MANIFEST, "main.md": f"Text {number} of {name}."}
            acts: list[Callable[[], Any]] = [
                lambda files=files: registry.publish(OPS, files, alias=alias)["move"],  # type: ignore[misc] # bound
                lambda: registry.promote(OPS, f"{recording.BUNDLE}@v1", alias, reason="again", again=True),
                lambda: registry.rollback(OPS, recording.BUNDLE, alias),
            ]
            for act in acts:
                with suppress(Busy, Unavailable, NothingBehind):  # its turn did not come, or the act before had none
                    acknowledged.append(act()["serial"])
                time.sleep(0.005)


def test_backups_during_writes_and_kills_are_of_one_moment(
    place: Path, dice: random.Random, tmp_path: Path, counted: Any
) -> None:
    stop, clients = threading.Event(), set[int]()
    acknowledged: list[int] = [0]
    threads = [threading.Thread(target=_write_on, args=(place, name, acknowledged, stop)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    killed = Killed(clients, HERE / "writing_worker.py", str(place))
    taken: list[tuple[Path, int]] = []
    try:
        for number in range(BACKUPS):
            while len(acknowledged) < 10 * (number + 1) or not clients:
                assert any(thread.is_alive() for thread in threads)
                time.sleep(0.01)
            before = max(acknowledged)
            kill = threading.Timer(dice.uniform(0, 0.3), _end, args=(sorted(clients),))
            kill.start()
            taken.append((bootstrap.backup_registry(place, tmp_path / f"backup-{number}"), before))
            kill.join()
    finally:
        stop.set()
        killed.stop()
        for thread in threads:
            thread.join()
    with closing(bootstrap.local_registry(place)) as registry:
        aliases = [item["alias"] for item in registry.aliases(recording.BUNDLE)["items"]]
        moves = {alias: whole_history(registry, alias) for alias in aliases}
    origin = commits_in(place / ".pinset/repository.git")
    assert sorted(origin) == list(range(1, len(origin) + 1))
    newest = []
    for number, (backup, before) in enumerate(taken):
        copy = commits_in(backup / "repository.git")
        assert torn(copy, origin, before) == []
        newest.append(max(copy))
        _is_as_it_was(backup, tmp_path / f"again-{number}", moves, newest[-1])
        shutil.rmtree(backup)
    assert newest == sorted(set(newest)), "nothing was written between two backups"
    assert newest[-1] < max(origin), "nobody wrote while the last one was proven"
    counted(backups=len(taken))


def _is_as_it_was(backup: Path, target: Path, moves: dict[str, list[dict[str, Any]]], newest: int) -> None:
    """Restored, it verifies, and each alias and its history are as they were at the newest serial."""
    bootstrap.restore_registry(backup, target)
    with closing(bootstrap.local_registry(target)) as registry:
        assert registry.verify()["problems"] == []
        served = {item["alias"]: item for item in registry.aliases(recording.BUNDLE)["items"]}
        for alias, items in moves.items():
            then = [item for item in items if item["serial"] <= newest]
            assert (alias in served) == bool(then)
            if then:
                assert whole_history(registry, alias) == then
                now = served[alias]
                assert [now[key] for key in ("seq", "revision", "version")] == [
                    then[0][key] for key in ("seq", "revision", "to")
                ]
    shutil.rmtree(target)


def _end(processes: list[int]) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
