"""The command line says who owns a bundle, hides what is archived, and goes by every name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from terminals import Cli


def test_a_bundle_is_described_archived_and_renamed(cli: Cli, bundle: Callable[..., str]) -> None:
    cli("publish", bundle("One."), "--alias", "production")
    assert cli("bundle", "set", "support", "owner=team-a", "description=Sums up.\nIn short.", "-m", "why")[0] == 0
    assert "support  team-a  v1" in cli("list", "--owner", "team-a")[1]
    shown = cli("bundle", "show", "support")[1]
    assert "owner: team-a\nabout: Sums up.\n    In short.\n" in shown
    assert "production  v1" in shown

    status, _, err = cli("bundle", "archive", "support")
    assert (status, "wants a reason" in err) == (2, True)
    assert "support@production goes on serving" in cli("bundle", "archive", "support", "-m", "old")[2]
    status, _, err = cli("promote", "support@v1", "staging")
    assert (status, "take it into use again" in err) == (5, True)
    assert "every bundle is archived" in cli("list")[2]
    assert "support (archived)" in cli("list", "--archived")[1]
    assert cli("bundle", "unarchive", "support")[1] == "support is in use again\n"
    assert cli("bundle", "unarchive", "support")[1] == "support is not archived\n"

    dry = cli("bundle", "rename", "support", "helpdesk", "-m", "so called", "--dry-run")
    assert dry[1] == "helpdesk would be its name; it answers also by support\n"
    assert cli.json("bundle", "rename", "support", "helpdesk", "-m", "so called")["formerly"] == ["support"]
    assert "answers also by: support" in cli("status", "support")[1]
    assert cli("bundle", "rename", "helpdesk", "helpdesk", "-m", "x")[1] == "helpdesk is its name already\n"
    status, out, err = cli("publish", bundle("Two."))
    assert (status, out) == (0, "helpdesk@v2\n")
    assert "[bundle-renamed]" in err
    assert cli("promote", "support@v2", "production")[0] == 0
    assert [one["to"] for one in cli.json("history", "helpdesk@production")["items"]] == [2, 1]
    assert cli.json("get", "support")["renamed"] == "helpdesk"
    told = cli("watch", "support", "--after", "1", "--wait", "0")[1]
    assert "helpdesk  renamed by" in told
    assert "helpdesk@production  v1 -> v2  promote" in told


def test_a_bundle_is_called_otherwise_elsewhere(cli: Cli, bundle: Callable[..., str]) -> None:
    cli("publish", bundle("One."))
    given = ("bundle", "set", "support", "--also", "Movie Critic", "--also", "team/x")
    assert cli(*given, "owner=us", "--dry-run")[1] == "support would be described\n"
    assert cli(*given)[1] == "support is described\n"
    assert cli(*given)[1] == "support says that already\n"
    assert "called elsewhere: Movie Critic, team/x\n" in cli("bundle", "show", "support")[1]
    assert cli.json("list")["items"][0]["names"] == ["Movie Critic", "team/x"]
    assert cli.json("bundle", "set", "support", "--not-also", "team/x")["names"] == ["Movie Critic"]
    status, _, err = cli("bundle", "set", "support", "--also", "movie-critic")
    assert (status, "pinset bundle rename NAME movie-critic" in err) == (2, True)
    status, _, err = cli("bundle", "set", "support")
    assert (status, "nothing is to be set" in err) == (2, True)


def test_what_cannot_be_set_is_refused_with_the_nearest(near: Cli, bundle: Callable[..., str]) -> None:
    near("publish", bundle())
    status, _, err = near("bundle", "set", "support", "onwer=x")
    assert (status, "did you mean owner=?" in err) == (2, True)
    status, _, err = near("bundle", "rename", "suport", "helpdesk", "-m", "x")
    assert (status, "is it one of support?" in err) == (3, True)
