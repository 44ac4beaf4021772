"""The policy on the command line: edited, tried, asked, and in the way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from terminals import Cli

RULES = "format: 1\nrules: [{bundles: '*', aliases: production, after: staging, break_glass: [ana]}]\n"


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], str]:
    def write(text: str) -> str:
        path = tmp_path / "policy.yaml"
        path.write_text(text)
        return str(path)

    return write


def test_a_policy_from_end_to_end(cli: Cli, bundle: Callable[..., str], written: Callable[[str], str]) -> None:
    cli("publish", bundle(), "--alias", "production")
    cli("publish", bundle("Two."))
    status, out, _ = cli("policy", "check", written(RULES))
    assert (status, out) == (0, "support@production serves v1: passes\n")
    assert cli("policy", "edit", written(RULES), "-m", "first", "--expect", "0")[1] == "policy 1 is in force\n"
    assert cli("policy", "show")[1] == RULES
    status, out, _ = cli("can", "promote", "support@v2", "production")
    assert status == 1
    assert out.startswith("OPEN: after (rule 1): wants served by staging now; staging does not serve it now\n")
    assert out.endswith("support@v2 production: no (under policy 1)\n")
    status, _, err = cli("promote", "support@v2", "production")
    assert status == 5
    assert "OPEN: after (rule 1)" in err
    assert "error: 1 gate of 1 in front of support@production is not passed by v2" in err
    cli("promote", "support@v2", "staging")
    assert cli("can", "promote", "support", "staging", "production")[0] == 0
    assert cli.json("promote", "support@staging", "production")["policy"] == 1
    assert cli("policy", "edit", written(RULES), "-m", "second", "--expect", "0")[0] == 4
    assert [item["number"] for item in cli.json("policy", "history")["items"]] == [1]
    status, _, err = cli("policy", "edit", written("format: 1\nrulez: []\n"), "-m", "third")
    assert status == 2
    assert "policy.yaml:2: error: the key 'rulez' is not known here" in err
    assert "did you mean rules?" in err
    status, _, err = cli("policy", "edit", written(RULES))
    assert (status, "wants a reason" in err) == (2, True)


def test_what_is_served_and_would_be_refused_is_exit_1(
    near: Cli, bundle: Callable[..., str], written: Callable[[str], str]
) -> None:
    near("publish", bundle(), "--alias", "production")
    shut = RULES.replace("after: staging", "require: guardrails/pii")
    status, out, _ = near("policy", "check", written(shut))
    assert status == 1
    assert out.splitlines() == [
        "support@production serves v1: REFUSED",
        "    OPEN: require guardrails/pii (rule 1): wants guardrails/pii; it holds none",
    ]
    status, out, _ = near("policy", "check", written(shut), "--json")
    assert (status, json.loads(out)["ok"]) == (1, False)
    assert near("policy", "check", "/nowhere.yaml")[0] == 3


def test_broken_glass_is_loud(
    near: Cli, bundle: Callable[..., str], written: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    me = near.json("whoami")["person"]
    near("publish", bundle())
    near("policy", "edit", written(RULES.replace("ana", me)), "-m", "first")
    status, out, err = near("promote", "support@v1", "production", "--break-glass", "-m", "outage 7")
    assert (status, out) == (0, "support@production: nothing -> v1\n")
    assert "warning: the glass is broken" in err
    assert "GLASS BROKEN: outage 7" in near("history", "support@production")[1]
    near("publish", bundle("Two."))
    near("policy", "edit", written(RULES), "-m", "somebody else")
    monkeypatch.setenv("PINSET_ACTOR", "ana")  # a name that anybody can take makes nobody another person
    assert near("promote", "support@v2", "production", "--break-glass", "-m", "me too")[0] == 6


def test_an_editor_is_opened_where_there_is_a_terminal(
    near: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert near("policy", "edit", "-m", "first")[0] == 2  # no terminal, and no file
    monkeypatch.setattr("sys.stdin", _Terminal())
    script = tmp_path / "editor"
    script.write_text('#!/bin/sh\nprintf "%s" "$WRITES" > "$1"\n')
    script.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(script))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("WRITES", "format: 2")
    status, _, err = near("policy", "edit", "-m", "first")
    assert status == 2
    (kept,) = tmp_path.glob("policy-*.yaml")
    assert f"what you wrote is kept: {kept}" in err
    assert kept.read_text() == "format: 2"
    monkeypatch.setenv("WRITES", RULES)
    assert near("policy", "edit", "-m", "first")[1] == "policy 1 is in force\n"
    assert near("policy", "edit", "-m", "again")[2] == "nothing was changed\n"
    assert list(tmp_path.glob("policy-*.yaml")) == [kept]
    monkeypatch.setenv("VISUAL", "/nowhere/editor")
    assert near("policy", "edit", "-m", "first")[0] == 2


class _Terminal:
    def isatty(self) -> bool:
        return True

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


def test_what_is_wrong_is_told_of_the_file_that_was_given(near: Cli, tmp_path: Path) -> None:
    path = tmp_path / "production.yaml"
    path.write_text("format: 1\nrules:\n  - {bundles: '*', aliases: x, after: {alias: y, for: 1 hour}}\n")
    for words in (("edit", str(path), "-m", "x"), ("check", str(path))):
        status, _, err = near("policy", *words)
        assert status == 2
        assert err.startswith(f"{path}:3: error: for is no span of time: '1 hour' [bad-value]\n")


def test_who_may_not_promote_is_told_so_before_any_gate_is_passed(
    near: Cli,
    served: str,
    bundle: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from terminals import Cli as Far

    near("publish", bundle(), "--alias", "production")
    near("publish", bundle("Two."))
    assert near("can", "promote", "support@v1", "production")[1].endswith(
        ": yes, and serves it already (there is no policy)\n"
    )
    monkeypatch.setenv("PINSET_TOKEN", near("token", "create", "--name", "ben", "--can", "read")[1].strip())
    status, out, _ = Far(served, capsys)("can", "promote", "support@v2", "production")
    assert status == 1
    assert out.startswith("refused: the credential can read, and this needs promote:support@production\n")


def test_the_editor_opens_only_with_a_reason(near: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setenv("VISUAL", "false")
    status, _, err = near("policy", "edit")
    assert (status, "say it with -m TEXT, before the editor opens" in err) == (2, True)
    assert "the editor false failed" in near("policy", "edit", "-m", "why")[2]
