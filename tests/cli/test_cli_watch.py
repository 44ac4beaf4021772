"""watch: a line for each event, on a directory and on a server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import pinset
import pinset_cli
from pinset import bootstrap
from pinset.ports.registry import Caller
from pinset_cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WHO = Caller(actor="ana")
SOURCES = os.pathsep.join(str(Path(module.__file__ or "").parents[1]) for module in (pinset, pinset_cli))


@pytest.fixture
def stocked(home: Path, manifest: Callable[..., dict[str, str]]) -> Path:
    with closing(bootstrap.local_registry(home)) as registry:
        registry.publish(WHO, manifest(), alias="production", message="first")
        registry.publish(WHO, manifest(words="b"), label="2.0")
        registry.yank(WHO, "support@v2", reason="two\nlines")
        registry.unyank(WHO, "support@v2")
        registry.retire(WHO, "support", "production")
        registry.publish(WHO, manifest("other"))
    return home


@pytest.fixture(params=["directory", "server"])
def where(request: pytest.FixtureRequest, stocked: Path) -> str:
    return str(stocked) if request.param == "directory" else str(request.getfixturevalue("served"))


def watched(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[str, str]:
    assert main(["watch", *arguments, "--wait", "0"]) == 0
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_each_event_is_a_line(where: str, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = watched(capsys, "--after", "1", "--registry", where)
    lines = [line.split("  ") for line in out.splitlines()]
    assert [line[0] for line in lines] == ["2", "3", "4", "5", "6", "7", "8"]
    assert [line[2:] for line in lines] == [
        ["support@v1", "published by ana: first"],
        ["support@production", "nothing -> v1", "promote by ana: first"],
        ["support@v2 (2.0)", "published by ana"],
        ["support@v2", "yanked by ana: two\\u{000A}lines"],
        ["support@v2", "yank taken back by ana"],
        ["support@production", "v1 -> nothing", "retire by ana"],
        ["other@v1", "published by ana"],
    ]
    assert err == "watching from serial 1 on (ctrl-c stops it)\n"


def test_json_is_one_object_a_line(where: str, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = watched(capsys, "support@production", "--after", "1", "--json", "--registry", where)
    events = [json.loads(line) for line in out.splitlines()]
    assert [(event["event"], event["serial"], event["data"]["to"]) for event in events] == [
        ("move", 3, 1),
        ("move", 7, None),
    ]


def test_a_serial_that_is_not_known_says_to_look_again(where: str, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = watched(capsys, "support", "--after", "99", "--registry", where)
    assert out == "8  reset: events may have been missed, look again (pinset list)\n"


@pytest.mark.parametrize(
    ("name", "warning"),
    [
        ("suport", "warning: there is no bundle 'suport' yet\n    is it one of support?\n"),
        (
            "support@prod",
            (
                "warning: the alias support@prod does not exist yet\n"
                "    it has none yet: pinset promote --registry {} support@v1 prod\n"
            ),
        ),
    ],
)
def test_a_name_that_nothing_has_is_said_and_waited_for(
    where: str, name: str, warning: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out, err = watched(capsys, name, "--after", "8", "--registry", where)
    assert out == ""
    assert err == warning.format(where) + "watching from serial 8 on (ctrl-c stops it)\n"


class Flaky:
    """A registry whose connection breaks once."""

    def events(self, **_asked: Any) -> Iterator[dict[str, Any]]:
        stand = {"registry": "r", "epoch": 1, "serial": 3}
        yield {"event": "ready", "serial": 3, "data": stand}
        yield {"event": "lost", "serial": 3, "data": {"reason": "it is\nover"}}
        yield {"event": "ready", "serial": 3, "data": stand}

    def close(self) -> None:
        pass


def test_a_lost_connection_is_talk(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("pinset.bootstrap.open_registry", lambda *_args, **_named: Flaky())
    assert main(["watch", "--registry", "anywhere"]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "watching from serial 3 on (ctrl-c stops it)",
        "the connection is lost after 3: it is",
        "    over; trying again",
        "the connection is back, and goes on after 3",
    ]


def test_an_event_is_printed_at_once_and_an_interrupt_is_130(
    where: str, stocked: Path, manifest: Callable[..., dict[str, str]]
) -> None:
    command = [sys.executable, "-c", "from pinset_cli.main import run; run()", "watch", "support", "--registry", where]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": SOURCES, "PYTHONUNBUFFERED": ""},
    ) as watching:
        assert watching.stdout is not None
        assert watching.stderr is not None
        assert watching.stderr.readline().startswith("watching from serial 8 ")
        with closing(bootstrap.local_registry(stocked)) as registry:
            registry.publish(WHO, manifest(words="c"), alias="staging")
        assert watching.stdout.readline().endswith("support@v3  published by ana\n")
        assert watching.stdout.readline().endswith("support@staging  nothing -> v3  promote by ana\n")
        watching.send_signal(signal.SIGINT)
        out, err = watching.communicate(timeout=60)
    assert (out, watching.returncode) == ("", 130)
    assert "error" not in err
