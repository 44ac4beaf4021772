"""A promotion that becomes a request, on the command line: what it says, how it ends, and waiting for its end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import typer

from pinset.errors import RequestClosed, Unavailable
from pinset.ports.registry import Caller
from pinset_cli import asking, output
from pinset_cli.locate import Options
from pinset_cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pinset.services.local import LocalRegistry

ANA, BEN, CARL = (Caller(actor=name) for name in ("ana", "ben", "carl"))
WANTED = "format: 1\nrules: [{bundles: '*', aliases: production, approvals: {count: 1, within: 1d}}]\n"


@pytest.fixture
def asked(memory: LocalRegistry, manifest: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The answer of a promotion that waits, in a registry that is asked again at once."""
    monkeypatch.setattr(asking, "_PAUSES", (0.0, 0.0))
    output.remember(None)
    memory.publish(ANA, manifest(), alias="production")
    memory.publish(ANA, manifest(words="two"))
    memory.policies.edit(ANA, WANTED, reason="first")
    return memory.promote(CARL, "support@v2", "production")


class Meanwhile:
    """A registry in which something happens once it was looked at so many times."""

    def __init__(self, registry: LocalRegistry, what: Callable[[], Any], looks: int = 2) -> None:
        self._registry, self._what, self._looks = registry, what, looks
        self.requests = self

    def show(self, number: int) -> Any:
        self._looks -= 1
        if self._looks == 0:
            self._what()
        return self._registry.requests.show(number)

    def settle(self, caller: Caller) -> Any:
        return self._registry.requests.settle(caller)


def end(
    found: Any, answer: Any, *, as_json: bool = False, when_approved: bool = True, seconds: float | None = None
) -> None:
    asking.end(found, answer, Options(as_json=as_json), when_approved=when_approved, seconds=seconds)


def test_without_waiting_it_says_what_is_next_and_the_answer_is_no(
    memory: LocalRegistry, asked: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as caught:
        end(memory, asked, when_approved=False)
    assert caught.value.exit_code == 1
    out, err = capsys.readouterr()
    assert out == "request 1: support@production: v1 -> v2\n"
    assert "0 of 1" in err
    assert "pinset request approve 1" in err


def test_waiting_ends_when_the_move_is_made(
    memory: LocalRegistry, asked: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    end(Meanwhile(memory, lambda: memory.requests.approve(BEN, 1, reason="looked"), looks=3), asked)
    out, err = capsys.readouterr()
    assert out.splitlines()[-1] == "support@production: v1 -> v2"
    assert "approved by ben: looked" in err


def test_waiting_ends_when_it_is_rejected_or_dies(memory: LocalRegistry, asked: Any) -> None:
    with pytest.raises(RequestClosed, match="ben rejected it: rude"):
        end(Meanwhile(memory, lambda: memory.requests.reject(BEN, 1, reason="rude")), asked)
    again = memory.promote(CARL, "support@v2", "production")
    with pytest.raises(RequestClosed, match="is dead"):
        end(Meanwhile(memory, lambda: memory.policies.edit(ANA, WANTED + "# more\n", reason="more")), again)


def test_waiting_ends_when_the_time_is_over_and_the_request_goes_on(
    memory: LocalRegistry, asked: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Unavailable, match="still open"):
        end(memory, asked, as_json=True, seconds=0)
    told = json.loads(capsys.readouterr()[0])
    assert (told["action"], told["request"], told["ended"]["state"]) == ("request", 1, "open")
    assert memory.requests.show(1)["state"] == "open"


def test_the_commands_themselves(home: Path, manifest: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*words: str) -> int:
        capsys.readouterr()
        return main([*words, "--registry", str(home)])

    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "release.yaml").write_text(manifest()["release.yaml"])
    (tmp_path / "policy.yaml").write_text(WANTED)
    assert run("publish", str(bundle)) == 0
    assert run("policy", "edit", str(tmp_path / "policy.yaml"), "-m", "first") == 0
    assert run("promote", "support@v1", "production") == 1
    assert run("promote", "support@v1", "production", "--when-approved", "--timeout", "0") == 8
    assert run("promote", "support@v1", "production", "--when-approved", "--timeout", "soon") == 2
    assert run("request", "list", "--state", "closed") == 2
    assert "hint: one of open, approved, done" in capsys.readouterr().err
    assert run("promote", "support@v1", "production", "--dry-run") == 1
    assert "OPEN: approvals (rule 1)" in capsys.readouterr().err
    assert run("promote", "support@v1", "production", "--when-approved", "--wait") == 2
    assert run("promote", "support@v1", "production", "--dry-run") == 1
    assert run("request", "approve", "1") == 5
    assert run("request", "approve", "9") == 3
    assert run("request", "reject", "1") == 2
    assert run("request", "list", "--state", "shut") == 2
    assert run("request", "withdraw", "1", "-m", "no hurry") == 0
    assert run("request", "show", "1") == 0
    assert "withdrawn by" in capsys.readouterr()[0]
    assert run("request", "settle") == 0
    assert run("publish", str(bundle), "--alias", "production") == 1
    assert run("evidence", "add", "support@v1", "--report", str(tmp_path / "none.json")) == 3
