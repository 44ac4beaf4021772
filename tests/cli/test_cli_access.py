"""Tokens with grants on the command line, and who one is."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from terminals import Cli

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


def test_a_token_does_what_its_grants_say_and_no_more(
    near: Cli,
    served: str,
    bundle: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    near("publish", bundle(), "--alias", "production")
    grants = ("--can", "promote:support@staging,rollback:support", "--can", "read")
    status, secret, said = near("token", "create", "--name", "ci", *grants, "--expires", "12h", "--person", "ana")
    assert status == 0
    assert "ci can promote:support@staging rollback:support read for ana until " in said
    monkeypatch.setenv("PINSET_TOKEN", secret.strip())

    far = Cli(served, capsys)
    told = json.loads(far("whoami", "--json")[1])
    assert (told["actor"], told["person"]) == ("ci", "ana")
    assert told["may"] == ["promote:support@staging", "rollback:support", "read"]
    assert far("promote", "support@production", "staging")[0] == 0
    status, out, err = far("promote", "support@production", "canary")
    assert (status, out) == (6, "")
    assert "this needs promote:support@canary" in err
    assert far("token", "list")[0] == 6
    monkeypatch.setenv("PINSET_TOKEN", secret.strip()[:-1] + "!")
    status, out, err = far("whoami")
    assert (status, out) == (6, "")
    assert "the token is not valid" in err


def test_on_a_directory_one_is_who_the_system_says(near: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "ana")
    monkeypatch.setattr("platform.node", lambda: "desk")
    told: Any = json.loads(near("whoami", "--json")[1])
    assert (told["actor"], told["person"], told["via"], told["can"]) == ("ana@desk", "ana@desk", "user:ana", "admin")
    monkeypatch.setenv("PINSET_ACTOR", "ci-bot")
    told = json.loads(near("whoami", "--json")[1])
    assert (told["actor"], told["person"], told["via"]) == ("ci-bot", "ana@desk", "user:ana")
    assert near("whoami")[1].splitlines()[1] == "person    ana@desk"


def test_a_token_lives_as_long_as_is_said(near: Cli) -> None:
    for expires in ("0", "1y", "-1", "3651", "1.5d", "", "d", "99999w"):
        status, out, err = near("token", "create", "--name", "x", "--can", "read", f"--expires={expires}")
        assert (status, out) == (2, ""), expires
        assert "--expires 90d, or 12h, or 2w" in err
    for expires, hours in (("90", 90 * 24), ("2w", 14 * 24), ("12h", 12)):
        said = near("token", "create", "--name", f"t{hours}", "--can", "read", "--expires", expires, "--json")[1]
        made, ends = (datetime.fromisoformat(json.loads(said)[name]) for name in ("created_at", "expires_at"))
        assert ends - made == timedelta(hours=hours)


def test_grants_are_listed_one_a_line(near: Cli) -> None:
    near("token", "create", "--name", "ci", "--can", "read approve", "--person", "ana")
    lines = near("token", "list")[1].splitlines()
    assert [line.split()[-1] for line in lines] == ["CAN", "read", "approve"]
    assert lines[1].split()[:2] == ["ci", "ana"]


def test_a_grant_without_its_bundles_is_told_how_it_is_written(near: Cli) -> None:
    status, _, err = near("token", "create", "--name", "ci", "--can", "promote@production")
    assert (status, "hint: write promote:*@production\n" in err) == (2, True)


def test_a_grant_that_fits_no_column_is_read_whole_all_the_same(near: Cli) -> None:
    grant = "promote:support-summarizer-of-the-north@staging"
    near("token", "create", "--name", "ci", "--can", f"read {grant}")
    lines = near("token", "list")[1].splitlines()
    assert f"    {grant}" in lines
    assert max(map(len, lines)) <= 80
