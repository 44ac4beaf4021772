"""The same commands with the same answers on a directory and on a server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from terminals import Cli


def test_the_main_job(cli: Cli, bundle: Callable[..., str]) -> None:
    assert cli("check", bundle())[0] == 0
    assert cli("publish", bundle(), "-m", "first")[1] == "support@v1\n"
    assert cli.json("publish", bundle())["created"] is False
    assert cli("publish", bundle("Be brief."), "--label", "2025-03-14")[1] == "support@v2\n"
    moved = cli.json("promote", "support@v1", "production", "--expect", "none")
    assert (moved["action"], moved["seq"], moved["from"], moved["to"]) == ("promote", 1, None, 1)
    assert cli.json("promote", "support@2025-03-14", "production", "--expect", "v1")["to"] == 2
    assert cli.json("get", "support")["version"] == 2
    back = cli.json("rollback", "support@production", "--from", "v2", "-m", "too brief")
    assert (back["action"], back["from"], back["to"]) == ("rollback", 2, 1)
    items = cli.json("history", "support@production")["items"]
    assert [(item["seq"], item["action"], item["to"]) for item in items] == [
        (3, "rollback", 1), (2, "promote", 2), (1, "promote", 1),
    ]  # fmt: skip
    assert items[0]["reason"] == "too brief"


def test_a_stale_expectation_is_a_conflict(cli: Cli, bundle: Callable[..., str]) -> None:
    cli("publish", bundle(), "--alias", "production")
    cli("publish", bundle("Two."))
    status, _, err = cli("promote", "support@v2", "production", "--expect", "v2")
    assert status == 4
    assert "serves v1, not v2" in err
    assert "hint:" in err
    assert cli("rollback", "support@production", "--from", "v2")[0] == 4


def test_a_bar_is_refused_until_again(cli: Cli, bundle: Callable[..., str]) -> None:
    for words in ("one", "two"):
        cli("publish", bundle(words), "--alias", "production")
    cli("rollback", "support", "production", "--yes")
    assert cli("promote", "support@v2", "production")[0] == 5
    assert cli("promote", "support@v2", "production", "--again")[0] == 2
    assert cli.json("promote", "support@v2", "production", "--again", "-m", "mended outside")["to"] == 2


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("get", "nothing"), 3, "there is no bundle"),
        (("get", "support@v9"), 3, "there is no support@v9"),
        (("get", "support@canary"), 3, "its aliases are production"),
        (("get", "Support"), 2, "write support"),
        (("get", "a/b@v1"), 2, "cannot be the name of a bundle"),
        (("get", "..@v1"), 2, "cannot be the name of a bundle"),
        (("get", "sup\u202eport"), 2, "\\u{202E}"),
        (("promote", "support", "production"), 2, "does not say which release"),
        (("promote", "support@v1", "latest"), 2, "the word is reserved"),
        (("promote", "support@v1", "v2"), 2, "would be read as a version"),
        (("promote", "support@v7", "production"), 3, "there is no support@v7"),
        (("rollback", "support@production", "--yes"), 5, "nothing behind"),
        (("rollback", "support@production"), 2, "no terminal"),
        (("rollback", "support", "--yes"), 2, "a bundle and an alias"),
        (("yank", "support@v1"), 2, "wants a reason"),
        (("diff", "support", "support@v1"), 2, "does not say which release"),
        (("where-used", "guardrails/none"), 3, "no component"),
        (("get", "support@v1", "--file", "../x"), 2, "cannot be a file's path"),
        (("token", "create", "--name", "x", "--can", "fly"), 2, "no verb"),
        (("history", "support@canary"), 3, "does not exist"),
    ],
)
def test_what_is_wrong_says_what_to_do(
    cli: Cli, bundle: Callable[..., str], arguments: tuple[str, ...], status: int, says: str
) -> None:
    cli("publish", bundle(), "--alias", "production")
    ended, out, err = cli(*arguments)
    assert (ended, out) == (status, "")
    assert says in err
    assert "hint:" in err


def test_findings_name_file_line_and_a_way_out(cli: Cli, tmp_path: Path) -> None:
    directory = tmp_path / "bad"
    directory.mkdir()
    (directory / "release.yaml").write_text(
        "release:\n  feature: bad\n  modle: {name: x}\n  prompt:\n    template: prompts/none.md\n"
    )
    status, _, err = cli("publish", str(directory))
    assert status == 2
    assert "release.yaml:3: error" in err
    assert "did you mean model?" in err
    assert "release.yaml:5: error" in err
    assert cli("list")[1] == ""


def test_a_yank_stops_new_moves_and_not_reading(cli: Cli, bundle: Callable[..., str]) -> None:
    cli("publish", bundle())
    assert cli.json("yank", "support@v1", "-m", "leaks")["yanked"] == "leaks"
    assert cli("promote", "support@v1", "production")[0] == 5
    assert cli.json("get", "support@v1")["yanked"] == "leaks"
    assert cli("get", "support@latest")[0] == 3
    assert cli.json("unyank", "support@v1")["yanked"] is None
    assert cli("promote", "support@v1", "production")[0] == 0


def test_retiring_keeps_the_history(cli: Cli, bundle: Callable[..., str]) -> None:
    cli("publish", bundle(), "--alias", "canary")
    assert cli.json("alias", "retire", "support@canary", "-m", "done")["to"] is None
    assert cli("get", "support@canary")[0] == 3
    assert cli.json("promote", "support@v1", "canary", "--expect", "none")["seq"] == 3


def test_pull_and_publish_again_is_nothing_new(cli: Cli, bundle: Callable[..., str], tmp_path: Path) -> None:
    cli("publish", bundle())
    assert cli("pull", "support@v1", str(tmp_path / "pulled"))[0] == 0
    assert cli.json("publish", str(tmp_path / "pulled"))["created"] is False


def test_diff_shows_the_words_and_says_no(cli: Cli, bundle: Callable[..., str]) -> None:
    cli("publish", bundle("Be brief."), "--alias", "production")
    cli("publish", bundle("Be kind."))
    status, out, _ = cli("diff", "support@v1", "v2", "--exit-code")
    assert status == 1
    assert "[-brief-]{+kind+}" in out
    assert cli("diff", "support@v2", bundle("Be kind."), "--exit-code")[0] == 0
    assert cli.json("diff", "support@v1", "v2")["verdict"] == "behaviour"


@pytest.mark.parametrize(
    ("words", "temperature", "found"),
    [
        ("Be {{mood}}.", "0.2", ["breaking", "behaviour", "cosmetic"]),
        ("Be kind.", "0.4", ["behaviour", "cosmetic"]),
        ("Be  brief.", "0.2", ["cosmetic"]),
        ("Be brief.", "0.2", []),
    ],
)
def test_diff_fails_on_what_it_was_told_and_on_worse(
    near: Cli, bundle: Callable[..., str], words: str, temperature: str, found: list[str]
) -> None:
    near("publish", bundle("Be brief."))
    manifest = Path(bundle(words)) / "release.yaml"
    manifest.write_text(manifest.read_text().replace("temperature: 0.2", f"temperature: {temperature}"))
    for impact, form in (("breaking", "json"), ("behaviour", "html"), ("cosmetic", "markdown")):
        status, out, _ = near("diff", "support@v1", str(manifest.parent), "--fail-on", impact, "--format", form)
        assert (status, bool(out)) == (int(impact in found), True)


def test_diff_fails_on_no_other_word(cli: Cli, bundle: Callable[..., str]) -> None:
    cli("publish", bundle("Be brief."))
    status, out, err = cli("diff", "support@v1", "v1", "--fail-on", "worse")
    assert (status, out) == (2, "")
    assert "no impact worse" in err
    assert "breaking, behaviour, cosmetic" in err
    assert cli("diff", "support@v1", "v1", "--fail-on", "cosmetic", "--json")[0] == 0


def test_a_dry_run_changes_nothing(cli: Cli, bundle: Callable[..., str]) -> None:
    cli("publish", bundle(), "--dry-run")
    assert cli("get", "support@v1")[0] == 3
    cli("publish", bundle())
    cli("promote", "support@v1", "production", "--dry-run")
    assert cli("get", "support@production")[0] == 3


def test_components_are_frozen_into_releases(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "tone.md").write_text("Be kind.")
    assert cli("component", "publish", "prompts/tone", str(tmp_path / "tone.md"))[1] == "prompts/tone@v1\n"
    directory = tmp_path / "support"
    directory.mkdir()
    (directory / "main.md").write_text("{{> prompts/tone@v1}} {{ticket}}")
    (directory / "release.yaml").write_text("release:\n  feature: support\n  prompt: main.md\n")
    cli("publish", str(directory), "--alias", "production")
    (tmp_path / "tone.md").write_text("Be curt.")
    cli("component", "publish", "prompts/tone", str(tmp_path / "tone.md"))
    assert cli("render", "support", "--var", "ticket=Help")[1] == "Be kind. Help\n"
    assert cli.json("where-used", "prompts/tone@v1")["items"][0]["aliases"] == ["production"]
    assert cli.json("where-used", "prompts/tone@v2")["items"] == []


def test_verify_proves_all(cli: Cli, bundle: Callable[..., str]) -> None:
    cli("publish", bundle(), "--alias", "production")
    assert cli.json("verify")["ok"] is True


def test_tables_fit_80_columns(cli: Cli, bundle: Callable[..., str]) -> None:
    cli(
        "publish",
        bundle(),
        "--alias",
        "production",
        "-m",
        "a message that goes on and on " * 5,
        "--label",
        "2025-03-14-candidate-with-a-long-name",
    )
    for command in (
        ("list",),
        ("status", "support"),
        ("releases", "support"),
        ("history", "support"),
        ("alias", "list", "support"),
    ):
        for line in cli(*command)[1].splitlines():
            assert len(line) <= 80
