"""Looking back by the command line: --at, and blame on 80 columns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from terminals import Cli


def test_every_command_that_looks_takes_a_time(cli: Cli, bundle: Callable[..., str], tmp_path: Path) -> None:
    cli("publish", bundle("One."), "--alias", "production")
    cli("publish", bundle("Two."), "--alias", "production")
    at = cli.json("history", "support@production")["items"][1]["at"]
    assert cli.json("get", "support", "--at", at)["version"] == 1
    assert "One." in cli("get", "support", "--file", "release.yaml", "--at", at)[1]
    assert "One." in cli("render", "support", "--var", "ticket=x", "--at", at)[1]
    shown = cli("show", "support@production", "--at", at)[1]
    assert "release      support@v1" in shown
    assert "as of        just now (" in shown
    assert "served by    production" in shown
    assert "production v1" in cli("list", "--at", at)[1]
    assert "1 release, newest v1" in cli("status", "support", "--at", at)[1]
    assert cli.json("releases", "support", "--at", at)["items"][0]["version"] == 1
    assert len(cli.json("history", "support", "--at", at)["items"]) == 1
    assert cli("pull", "support", str(tmp_path / "then"), "--at", at)[0] == 0
    assert "One." in (tmp_path / "then/release.yaml").read_text()
    assert len(cli.json("blame", "support", "release.yaml", "--at", at)["origins"]) == 1


def test_diff_of_one_release_is_what_changed_since_then(near: Cli, bundle: Callable[..., str]) -> None:
    near("publish", bundle("Be brief."), "--alias", "production", "--alias", "production")
    near("publish", bundle("Be kind."), "--alias", "production")
    at = near.json("history", "support@production")["items"][1]["at"]
    status, out, _ = near("diff", "support@production", "--at", at, "--exit-code")
    assert status == 1
    assert "[-brief-]{+kind+}" in out
    assert "support@v1 (production at" in out
    assert near("diff", "support@production", "support@v1", "--at", at, "--exit-code")[0] == 0
    assert near("diff", "support@v1", bundle("Be kind."), "--at", at, "--exit-code")[0] == 1
    assert near("diff", "support@production", "--at", "0s", "--exit-code")[0] == 0
    status, _, err = near("diff", bundle(), "--at", at)
    assert (status, "no registry knows" in err) == (2, True)
    assert near("diff", "support@production")[0] == 2
    status, _, err = near("diff", "support", "--at", at)
    assert (status, "does not say which release" in err) == (2, True)


def test_a_wrong_time_says_what_to_do(near: Cli, bundle: Callable[..., str]) -> None:
    near("publish", bundle(), "--alias", "production")
    for at, status, says in (
        ("3mo", 2, "say it in days, 90d"),
        ("14:30", 2, "write it with its zone"),
        ("2999-01-01", 2, "has not come yet"),
        ("1d", 3, "there was no registry"),
        ("1970-01-01", 3, "it began at"),
    ):
        for command in (("get", "support"), ("list",), ("blame", "support", "release.yaml")):
            ended, out, err = near(*command, "--at", at)
            assert (ended, out) == (status, ""), (command, at)
            assert says in err
    assert near("rollback", "support@production", "--yes", "--at", "3mo")[0] == 2


def test_blame_fits_80_columns_and_hides_nothing(near: Cli, bundle: Callable[..., str]) -> None:
    cut = "x" * 200
    place = Path(bundle())
    manifest = "release:\n  feature: support\n  prompt: main.md\n"
    for text in (f"A {{{{x}}}}\n\tB\n{cut}\n日本語 日本語\n", "A {{x}}\n\tB\nNEW\u00adER\n"):
        (place / "release.yaml").write_text(manifest)
        (place / "main.md").write_text(text)
        sent = near("publish", str(place), "-m", "why \u202e" * 50, "--alias", "production")
        assert sent[0] == 0, sent
    status, out, err = near("blame", "support@production", "main.md")
    assert status == 0, err
    table = out.split("\n\n")[0].splitlines()
    assert table[0].split() == ["FROM", "WHEN", "BY", "#", "main.md"]
    assert table[2].endswith("2      B"), "indented as it is"
    assert table[3].endswith("NEW\\u{00AD}ER")
    assert "\u202e" not in out
    first = near("blame", "support@v1", "main.md")[1]
    assert "…" in first
    assert all(len(line) <= 80 for line in (out + first).splitlines())


def test_blame_marks_what_was_away(near: Cli, bundle: Callable[..., str]) -> None:
    for words in ("one", "two"):
        near("publish", bundle(words), "--alias", "production", "-m", words)
    near("rollback", "support@production", "--yes", "-m", "worse")
    _, out, _ = near("blame", "support", "production", "release.yaml")
    assert "v1+ " in out
    assert "+ gave lines of v1 back" in out
    assert "move 3, rollback just now" in out
    assert ": worse" in out
    status, _, err = near("blame", "support@production")
    assert (status, "the path of a file" in err) == (2, True)
    status, _, err = near("blame", "support@production", "relase.yaml")
    assert (status, "did you mean release.yaml?" in err) == (3, True)
