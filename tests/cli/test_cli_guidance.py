"""What people are told: of slips, of what follows from a command, and what to type next."""

from __future__ import annotations

import json
import re
import socket
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pinset import bootstrap
from pinset_cli import complete, output, suggest
from pinset_cli.main import main
from pinset_cli.program import app

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DRY = "(dry run: nothing was changed)"


class Cli:
    """Runs commands against one registry; what they print and how they end."""

    def __init__(self, location: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.location = location
        self._capsys = capsys

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        self._capsys.readouterr()
        status = main([*arguments, "--registry", self.location])
        captured = self._capsys.readouterr()
        return status, captured.out, captured.err


@pytest.fixture(params=["directory", "server"])
def cli(request: pytest.FixtureRequest, home: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(str(home) if request.param == "directory" else request.getfixturevalue("served"), capsys)


@pytest.fixture
def near(home: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(str(home), capsys)


@pytest.fixture
def bundle(tmp_path: Path, manifest: Callable[..., dict[str, str]]) -> Callable[..., str]:
    def write(words: str = "", name: str = "support") -> str:
        directory = tmp_path / name
        directory.mkdir(exist_ok=True)
        (directory / "release.yaml").write_text(manifest(name, words=words)["release.yaml"])
        return str(directory)

    return write


class Terminal:
    """A stdin that is a terminal on which one line was typed."""

    def __init__(self, line: str) -> None:
        self._line = line

    def isatty(self) -> bool:
        return True

    def readline(self, *_size: int) -> str:
        line, self._line = self._line, ""
        return line


# -- Aliases ------------------------------------------------------------------------------------------------------


def test_a_new_alias_that_looks_like_another_is_asked_about(cli: Cli, bundle: Callable[..., str]) -> None:
    said = "warning: {} is a new alias; did you mean {}?"
    cli("publish", bundle(), "--alias", "canary-1")
    assert said.format("prodcution", "production") in cli("promote", "support@v1", "prodcution", "--dry-run")[2]
    assert said.format("canayr-1", "canary-1") in cli("promote", "support@v1", "canayr-1")[2]
    answer = json.loads(cli("promote", "support@v1", "prod-uction", "--json")[1])
    assert answer["warnings"] == ["prod-uction is a new alias; did you mean production?"]
    assert said.format("stagin", "staging") not in cli("publish", bundle("2"), "--alias", "stagin")[2]
    assert said.format("staging", "stagin") in cli("publish", bundle("3"), "--alias", "staging")[2]


def test_an_alias_that_is_known_or_merely_numbered_is_not_asked_about(cli: Cli, bundle: Callable[..., str]) -> None:
    cli("publish", bundle(), "--alias", "canary-1")
    for alias in ("canary-2", "production", "staging"):
        assert "did you mean" not in cli("promote", "support@v1", alias)[2]
    cli("promote", "support@v1", "prodcution")
    cli("publish", bundle("2"))
    assert "did you mean" not in cli("promote", "support@v2", "prodcution")[2]


def test_a_yanked_release_is_marked_wherever_its_aliases_are_seen(cli: Cli, bundle: Callable[..., str]) -> None:
    cli("publish", bundle(), "--alias", "production")
    cli("promote", "support@v1", "staging")
    _, _, err = cli("yank", "support@v1", "-m", "it leaks")
    assert "support@production, support@staging still serve it" in err
    assert f"pinset rollback --registry {cli.location} support@staging" in err
    assert "production v1 YANKED" in cli("list")[1]
    assert re.search(r"production +v1 YANKED", cli("alias", "list", "support")[1])
    status = cli("status", "support")
    assert re.search(r"staging +v1 YANKED", status[1])
    assert "warning: support@production serves v1, which is yanked: it leaks" in status[2]
    got = cli("get", "support")
    assert json.loads(got[1])["yanked"] == "it leaks"
    assert "warning: support@production serves support@v1, which is yanked: it leaks" in got[2]
    assert "support@v1 is yanked: it leaks" in cli("get", "support@v1")[2]
    shown = cli("show", "support")
    assert re.search(r"YANKED +it leaks", shown[1])
    assert "support@production, support@staging still serve it" in shown[2]


# -- Dry runs -----------------------------------------------------------------------------------------------------


def test_every_dry_run_ends_with_that_nothing_was_changed(cli: Cli, bundle: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "tone.md").write_text("Be kind.")
    cli("publish", bundle("0"), "--alias", "production")
    cli("publish", bundle("1"), "--alias", "production")
    for command in (
        ("publish", bundle("2"), "--alias", "staging"),
        ("component", "publish", "prompts/tone", str(tmp_path / "tone.md")),
        ("promote", "support@v1", "staging"),
        ("rollback", "support@production"),
        ("alias", "retire", "support@production"),
        ("yank", "support@v1", "-m", "no"),
        ("unyank", "support@v1"),
        ("pull", "support@v1", str(tmp_path / "pulled")),
        ("token", "create", "--name", "x", "--can", "admin"),
    ):
        status, _, err = cli(*command, "--dry-run")
        assert (status, err.splitlines()[-1]) == (0, DRY), command
    assert "would serve v3" in cli("publish", bundle("2"), "--alias", "staging", "--dry-run")[2]


def test_a_token_of_a_dry_run_is_none(cli: Cli) -> None:
    status, out, err = cli("token", "create", "--name", "ci", "--can", "write", "--dry-run")
    assert (status, out) == (0, "")
    assert "pst_" not in err.replace("PINSET_TOKEN=pst_…", "")
    assert "ci could write until " in err
    assert "no tokens yet" in cli("token", "list")[2]


# -- Rollback -----------------------------------------------------------------------------------------------------


def test_a_rollback_says_what_it_bars_and_how_that_comes_back(cli: Cli, bundle: Callable[..., str]) -> None:
    for words in ("one", "two"):
        cli("publish", bundle(words), "--alias", "production")
    back = f"pinset promote --registry {cli.location} support@v2 production --again -m TEXT"
    for options, verb in ((["--dry-run"], "would be barred"), (["--yes"], "is now barred")):
        status, out, err = cli("rollback", "support@production", *options)
        assert (status, out) == (0, "support@production: v2 -> v1\n")
        assert f"v2 {verb} from production" in err
        assert back in err
    cli("promote", "support@v2", "production", "--again", "-m", "mended")
    rows = cli("history", "support@production")[1].splitlines()
    assert "--again: mended" in rows[1]
    assert "--again" not in "".join(rows[2:])


def test_a_rollback_that_is_declined_changes_nothing_and_is_a_no(
    near: Cli, bundle: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for words in ("one", "two"):
        near("publish", bundle(words), "--alias", "production")
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    status, out, err = near("rollback", "support@production")
    assert (status, out.strip()) == (1, "")
    assert "v2 will be barred from production" in err
    assert err.endswith("nothing was changed\n")
    assert "production v2" in near("list")[1]


def test_with_too_many_steps_the_steps_there_are_are_said(cli: Cli, bundle: Callable[..., str]) -> None:
    for words in ("one", "two", "three"):
        cli("publish", bundle(words), "--alias", "production")
    status, _, err = cli("rollback", "support@production", "--steps", "7", "--yes")
    assert status == 5
    assert "support@production has 2 steps to go back, not 7" in err
    assert "support@production --steps 2" in err


def test_with_nothing_behind_only_a_release_that_may_be_promoted_is_suggested(
    cli: Cli, bundle: Callable[..., str]
) -> None:
    for words in ("one", "two"):
        cli("publish", bundle(words), "--alias", "production")
    cli("rollback", "support@production", "--yes")
    status, _, err = cli("rollback", "support@production", "--yes")
    assert status == 5
    assert "pinset promote" not in err  # v1 is served, v2 is barred
    assert "publish a release" in err
    cli("publish", bundle("three"))
    cli("publish", bundle("four"))
    cli("yank", "support@v4", "-m", "no")
    assert "support@v3 production" in cli("rollback", "support@production", "--yes")[2]


def test_a_time_is_read_before_anything_is_asked(near: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    for time in ("yesterday", "2025-03-14T09:30:00"):
        status, _, err = near("rollback", "nothing@production", "--at", time)
        assert status == 2
        assert "is not a time" in err
        assert "2025-03-14T09:30:00Z" in err


def test_the_times_that_are_shown_are_times_to_roll_back_to(near: Cli, bundle: Callable[..., str]) -> None:
    import time

    near("publish", bundle("one"), "--alias", "production")
    time.sleep(1.1)
    near("publish", bundle("two"), "--alias", "production")
    first = near("history", "support@production", "--utc")[1].splitlines()[-1]
    found = re.search(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", first)
    assert found is not None
    assert "v2 -> v1" in near("rollback", "support@production", "--at", found[0], "--yes")[1]
    for command in (("status", "support"), ("releases", "support"), ("alias", "list", "support"), ("list",)):
        assert re.search(r"T\d\d:\d\d:\d\dZ", near(*command, "--utc")[1])
    assert re.search(r"published .*(?:ago|now) \(20..-", near("show", "support")[1])


# -- Tokens and serving -------------------------------------------------------------------------------------------


def test_the_first_and_the_last_token_change_who_is_let_in(near: Cli, served: str) -> None:
    far = ("--registry", served)
    assert main(["token", "create", "--name", "ci", "--can", "write", *far]) == 0
    _, out, err = near("token", "create", "--name", "me", "--can", "admin")
    assert out.startswith("pst_")
    assert "the first token" not in err
    assert "last token" not in near("token", "revoke", "me")[2]
    assert "this is the last token" in near("token", "revoke", "ci", "--dry-run")[2]
    assert "this was the last token" in near("token", "revoke", "ci")[2]


def test_the_first_token_locks_out_who_has_none(
    served: str, capsys: pytest.CaptureFixture[str], near: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = ("--registry", served)
    assert main(["token", "create", "--name", "ci", "--can", "write", *far]) == 0
    captured = capsys.readouterr()
    assert "ci is the first token" in captured.err
    assert "export PINSET_TOKEN=pst_" in captured.err
    assert "ci is not admin" in captured.err
    assert served not in captured.err  # the way out is not over HTTP
    assert "without any again" in captured.err
    assert main(["list", *far]) == 6
    assert "export PINSET_TOKEN=" in capsys.readouterr().err
    monkeypatch.setenv("PINSET_TOKEN", captured.out.strip())
    assert main(["list", *far]) == 0
    near("token", "revoke", "ci")
    assert "is not admin" not in near("token", "create", "--name", "me", "--can", "admin")[2]


def test_serving_without_its_packages_says_what_to_install(near: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    status, _, err = near("serve")
    assert status == 2
    assert "pip install 'pinset[server]'" in err
    assert "bug" not in err


# -- Places and names ---------------------------------------------------------------------------------------------


def test_commands_that_are_suggested_keep_the_registry_that_was_given(
    home: Path, bundle: Callable[..., str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    main(["publish", bundle(), "--registry", str(home)])
    for given in (["--registry", str(home)], [f"--registry={home}"], ["-r", str(home)]):
        capsys.readouterr()
        assert main(["get", "support@v9", *given]) == 3
        assert f"pinset releases --registry {home} support" in capsys.readouterr().err
    monkeypatch.setenv("PINSET_REGISTRY", str(home))
    assert main(["get", "support@v9"]) == 3
    assert "pinset releases support" in capsys.readouterr().err


def test_only_commands_that_take_a_registry_are_given_one() -> None:
    output.remember("a b")
    try:
        assert output.advice("pinset init; pinset token create --name x; see pinset get --help; run `pinset gc`") == (
            "pinset init; pinset token create --registry 'a b' --name x; see pinset get --help; "
            "run `pinset gc --registry 'a b'`"
        )
    finally:
        output.remember(None)


def test_what_works_on_a_directory_only_is_not_advised_with_an_address() -> None:
    output.remember("http://127.0.0.1:1")
    try:
        assert output.advice("pinset serve; pinset list; pinset backup DIR") == (
            "pinset serve; pinset list --registry http://127.0.0.1:1; pinset backup DIR"
        )
    finally:
        output.remember(None)


def test_what_works_on_a_directory_only_says_how_to_name_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gc", "--registry", "http://127.0.0.1:1"]) == 2
    assert capsys.readouterr().err == (
        "error: gc works on a registry's directory, not on http://127.0.0.1:1\n"
        "hint: on the registry's machine: pinset gc --registry DIR\n"
    )


def test_a_server_that_is_not_there_is_told_in_plain_words(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    assert main(["list", "-r", url]) == 8
    assert capsys.readouterr().err == (
        f"error: {url} cannot be reached: Connection refused\n"
        "hint: check the address, and that a registry is served there: pinset serve\n"
    )


def test_a_file_of_variables_that_is_missing_is_named_once(
    home: Path, bundle: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["publish", bundle(), "--alias", "production", "--registry", str(home)])
    capsys.readouterr()
    assert main(["render", "support", "--vars", "none.json", "--registry", str(home)]) == 2
    assert "error: none.json cannot be read: No such file or directory\n" in capsys.readouterr().err


@pytest.mark.parametrize("given", ["localhost:7467", "10.0.0.1:80/", "registry.example:7467"])
def test_an_address_without_its_scheme_is_told_from_a_directory(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "-r", given]) == 3
    assert f"--registry http://{given}" in capsys.readouterr().err


def test_https_on_a_plain_server_says_so(served: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "-r", served.replace("http:", "https:")]) == 8
    err = capsys.readouterr().err
    assert "does not speak https" in err
    assert f"--registry {served}" in err


@pytest.mark.parametrize("command", ["check", "publish"])
def test_a_manifest_in_the_place_of_its_directory_names_the_directory(
    command: str, near: Cli, bundle: Callable[..., str]
) -> None:
    directory = bundle()
    status, _, err = near(command, f"{directory}/release.yaml")
    assert status == 2
    assert f"name its directory: {directory}\n" in err


def test_a_version_without_its_v_and_a_bundle_misspelt_are_understood(cli: Cli, bundle: Callable[..., str]) -> None:
    cli("publish", bundle(name="faq-bot"), "--alias", "production")
    for command in (("get", "faq-bot@1"), ("promote", "faq-bot@1", "staging")):
        status, _, err = cli(*command)
        assert status == 3
        assert "did you mean faq-bot@v1?" in err
    assert "did you mean" not in cli("get", "faq-bot@7")[2]
    for command in (("promote", "faqbot@v1", "production"), ("status", "faqbot"), ("rollback", "faqbot@a", "-y")):
        status, _, err = cli(*command)
        assert status == 3
        assert "is it one of faq-bot?" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["log"], "pinset history"),
        (["deploy", "x@v1", "production"], "pinset promote"),
        (["promot"], "pinset promote"),
        (["component", "lst"], "pinset component list"),
        (["token", "make"], None),
        (["xyzzy"], None),
    ],
)
def test_an_unknown_command_names_the_nearest(
    words: list[str], said: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    err = capsys.readouterr().err
    assert err.count("id you mean") == (said is not None)
    assert said is None or f"did you mean {said}? see pinset" in err


def test_what_other_programs_call_a_command_is_one_of_ours() -> None:
    import typer

    top: Any = typer.main.get_command(app)
    for meant in suggest._ELSEWHERE.values():
        command = top
        for word in meant.split():
            command = command.commands[word] if word != "--help" else command
        assert command is not top or meant == "--help"


@pytest.mark.parametrize("words", [["get", "x@v1", "--file"], ["render", "x@v1", "--var"]])
def test_an_option_without_its_value_shows_an_example(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    err = capsys.readouterr().err
    assert f"hint: see pinset {words[0]} --help; for example: pinset {words[0]}" in err
    assert f"{words[-1]} " in err.partition("for example")[2]


def test_a_variable_that_is_missing_is_shown_as_it_is_typed(cli: Cli, bundle: Callable[..., str]) -> None:
    cli("publish", bundle())
    status, _, err = cli("render", "support@v1")
    assert status == 2
    assert f"pinset render --registry {cli.location} support@v1 --var ticket=VALUE" in err


def test_components_are_not_compared_and_that_is_said(near: Cli) -> None:
    for sides in (("prompts/tone@v1", "prompts/tone@v2"), ("prompts/tone@v1", "v2")):
        status, _, err = near("diff", *sides)
        assert status == 2
        assert "components are not compared yet" in err
        for version in ("v1", "v2"):
            assert f"pinset component show --registry {near.location} prompts/tone@{version}" in err
    assert "is a component" in near("show", "prompts/tone@v1")[2]


def test_the_components_of_a_release_are_shown_with_their_pins(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "tone.md").write_text("Be kind.")
    cli("component", "publish", "prompts/tone", str(tmp_path / "tone.md"))
    directory = tmp_path / "support"
    directory.mkdir()
    (directory / "release.yaml").write_text("release:\n  feature: support\n  prompt: prompts/tone@v1\n")
    cli("publish", str(directory))
    assert re.search(r"component +prompts/tone@v1 \(sha256:[0-9a-f]{12}\)", cli("show", "support@v1")[1])


# -- What fits, and what is empty -----------------------------------------------------------------------------------


def test_no_summary_of_the_help_is_cut(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for group in ([], ["component"], ["alias"], ["token"]):
        main([*group, "--help"])
        listed = capsys.readouterr().out.partition("Commands:")[2]
        assert listed
        assert "..." not in listed
        assert max(len(line) for line in listed.splitlines()) <= 80


def test_what_is_fit_to_publish_is_said_in_80_columns(near: Cli, bundle: Callable[..., str]) -> None:
    lines = near("check", bundle())[1].splitlines()
    assert len(lines) == 1
    assert re.fullmatch(r"support is fit to publish \(sha256:[0-9a-f]{12}…\)", lines[0])


def test_exact_times_are_never_cut_and_fit_80_columns(
    near: Cli, bundle: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PINSET_ACTOR", "somebody.with.a.name@a-machine.example.com")
    for words in ("one", "two"):
        near("publish", bundle(words), "--alias", "production", "-m", "why " * 30)
    near("rollback", "support@production", "--yes", "-m", "why " * 30)
    near("promote", "support@v2", "production", "--again", "-m", "why " * 30)
    for command in (("list",), ("status", "support"), ("releases", "support"), ("history", "support")):
        for utc in ((), ("--utc",)):
            lines = near(*command, *utc)[1].splitlines()
            assert max(len(line) for line in lines) <= 80
            assert not utc or any(re.search(r"T\d\d:\d\d:\d\dZ", line) for line in lines)


def test_verify_says_a_hint_once(near: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    problems = [{"where": f"release {n} ", "what": "is damaged", "hint": "restore a backup"} for n in range(3)]
    problems.insert(1, {"where": "catalog ", "what": "is missing", "hint": "run `pinset reindex`"})
    answer = {"ok": False, "commits": 1, "releases": 1, "moves": 0, "texts": 0, "problems": problems}

    class Damaged:
        def verify(self, _bundle: str | None) -> dict[str, Any]:
            return answer

        def close(self) -> None:
            """Nothing is held."""

    monkeypatch.setattr(bootstrap, "open_registry", lambda *_a, **_n: Damaged())
    status, out, err = near("verify")
    assert (status, out[:8]) == (1, "DAMAGED:")
    assert err.splitlines() == [
        "release 0: is damaged",
        "release 1: is damaged",
        "release 2: is damaged",
        "    restore a backup",
        "catalog: is missing",
        f"    run `pinset reindex --registry {near.location}`",
    ]


def test_an_empty_list_is_a_sentence_with_what_to_type(cli: Cli, bundle: Callable[..., str]) -> None:
    where = f" --registry {cli.location}"
    assert cli("list") == (0, "", f"no bundles yet: pinset publish{where} DIR\n")
    assert cli("component", "list")[2].startswith("no components yet: pinset component publish")
    assert cli("component", "list", "--kind", "tools")[2].startswith("no components of the kind tools yet")
    assert cli("token", "list")[2].startswith(f"no tokens yet: pinset token create{where} --name")
    cli("publish", bundle())
    assert cli("list", "zzz")[2].startswith("no bundle is like this")
    assert cli("history", "support")[2].startswith(f"no moves yet: pinset promote{where} support@v1")
    assert cli("alias", "list", "support")[2].startswith("no aliases yet: pinset promote")
    assert "no moves yet" in cli("status", "support")[2]


# -- Completion -----------------------------------------------------------------------------------------------------


def _completed(words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("_PINSET_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split(" ")) - 1))
    capsys.readouterr()
    assert main([]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out.split()


def test_the_shell_completes_names_of_the_registry(
    near: Cli, bundle: Callable[..., str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    near("publish", bundle(), "--alias", "production")
    near("publish", bundle("2"), "--alias", "staging")
    monkeypatch.setenv("PINSET_REGISTRY", near.location)
    for words, there in (
        ("pinset get su", ["support"]),
        ("pinset status s", ["support"]),
        ("pinset get support@", ["support@production", "support@staging", "support@v2", "support@v1"]),
        ("pinset get support p", ["production"]),
        ("pinset get support @ p", ["production"]),  # as bash parts it
        ("pinset promote support@v", ["support@v2", "support@v1"]),
        ("pinset promote support@v1 ", ["production", "staging"]),
        ("pinset rollback support@", ["support@production", "support@staging"]),
        ("pinset get nothing@", []),
    ):
        assert _completed(words, capsys, monkeypatch) == there, words
    monkeypatch.setenv("PINSET_REGISTRY", "/nowhere")
    assert _completed("pinset get su", capsys, monkeypatch) == []
    assert _completed(f"pinset get --registry {near.location} su", capsys, monkeypatch) == ["support"]


def test_completion_is_silent_about_whatever_goes_wrong() -> None:
    from types import SimpleNamespace

    context: Any = SimpleNamespace(params={"registry": "/nowhere"})
    assert complete.bundles(context, "a") == complete.references(context, "a@") == complete.moves(context, "") == []


# -- Words and slips ------------------------------------------------------------------------------------------------


FORGED = "ok\naliases      production\npublished    1 min ago by ceo"


def test_no_authors_words_look_like_our_lines(cli: Cli, bundle: Callable[..., str]) -> None:
    cli("publish", bundle(), "--alias", "production", "-m", FORGED)
    cli("publish", bundle("2"), "--alias", "production", "-m", FORGED)
    cli("rollback", "support@production", "--yes", "-m", FORGED)
    for command in (
        ("show", "support@v1"),
        ("history", "support"),
        ("status", "support"),
        ("releases", "support"),
        ("alias", "list", "support"),
        ("yank", "support@v1", "-m", FORGED),
        ("yank", "support@v1", "-m", "other words"),
        ("show", "support@v1"),
        ("status", "support"),
        ("get", "support@production"),
        ("rollback", "support@production", "--yes"),
        ("promote", "support@v1", "staging"),
    ):
        _, out, err = cli(*command)
        assert not re.search(r"^(aliases      prod|published    1 min)", out + err, re.MULTILINE), command


def test_yank_and_unyank_say_what_was_so_already(cli: Cli, bundle: Callable[..., str]) -> None:
    cli("publish", bundle())
    assert cli("unyank", "support@v1")[1] == "support@v1 was not yanked\n"
    assert cli("yank", "support@v1", "-m", "it leaks", "--dry-run")[1] == "support@v1 would be yanked: it leaks\n"
    assert cli("yank", "support@v1", "-m", "it leaks")[1] == "support@v1 is yanked: it leaks\n"
    assert cli("yank", "support@v1", "-m", "ugly")[1] == "support@v1 is yanked already: it leaks\n"
    assert cli("unyank", "support@v1")[1] == "support@v1 is no longer yanked\n"


def test_a_registry_may_be_named_before_the_command(
    home: Path, bundle: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = str(home)
    assert main(["--registry", where, "publish", bundle()]) == 0
    for first in (["--registry", where], ["-r", where], [f"--registry={where}"]):
        assert main([*first, "list"]) == 0
        assert main([*first, "list", "-r", where]) == 0
        assert main([*first, "list", "-r", str(tmp_path)]) == 2
        assert "--registry is given twice" in capsys.readouterr().err
        assert main([*first, "get", "support@v9"]) == 3
        assert f"pinset releases --registry {where} support" in capsys.readouterr().err
        assert main([*first, "init", str(tmp_path / "other")]) == 2
        assert main([*first, "list", "--bad"]) == 2
        assert "pinset list --help" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()
    assert main(["list", "--registry", str(tmp_path / "nothing")]) == 3


@pytest.fixture
def floating(tmp_path: Path) -> str:
    directory = tmp_path / "floating"
    directory.mkdir()
    text = "release:\n  feature: floating\n  model: {name: m, pinned_version: latest}\n  prompt: {text: Hello}\n"
    (directory / "release.yaml").write_text(text)
    return str(directory)


def test_check_says_a_finding_once_and_takes_what_publish_takes(cli: Cli, floating: str) -> None:
    status, _, err = cli("check", floating)
    assert status == 5
    assert err.count("[model-floating]") == 1
    assert "error: the release has 1 error" in err
    assert f"{floating} --allow model-floating" in err
    status, out, err = cli("check", floating, "--allow", "model-floating")
    assert (status, out) == (0, "floating is fit to publish (allowed: model-floating)\n")
    assert "release.yaml:3: allowed: " in err
    assert "error" not in err
    status, _, err = cli("publish", floating, "--allow", "model-floating", "-m", "there is no other")
    assert (status, err.count("[model-floating]"), "error" in err) == (0, 1, False)
    assert cli("check", floating, "--allow", "yaml-syntax")[0] == 2


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["promote", "support"], "pinset promote{} support@latest production"),
        (["promote", "support@v1"], "pinset promote{} support@v1 production"),
        (["promote", "support@v1", "staging", "extra"], "pinset promote{} support@v1 staging"),
        (["promote", "support", "v1", "staging", "extra"], "pinset promote{} support@v1 staging"),
        (["rollback", "support", "production", "extra"], "write support@production"),
        (["rollback", "support@production", "extra"], "write support@production"),
        (["yank", "support@v1", "other@v2", "-m", "x"], "write support@v1"),
        (["component", "publish", "prompts/x", "/dev/zero"], "name a text file, or a directory of text files"),
    ],
)
def test_a_hint_is_a_command_that_works(near: Cli, words: list[str], hint: str) -> None:
    status, _, err = near(*words)
    assert status == 2
    assert f"hint: {hint.format(f' --registry {near.location}')}\n" in err


def test_the_command_that_promote_suggests_works(near: Cli, bundle: Callable[..., str]) -> None:
    near("publish", bundle())
    hint = near("promote", "support")[2].partition("hint: pinset ")[2].split()
    assert main(hint) == 0


@pytest.mark.parametrize("number", ["0", "-5", "1000000000"])
def test_a_number_that_cannot_be_a_version_is_refused_before_anything_is_sent(
    number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = ["--registry", "http://127.0.0.1:9", "--number", number]
    assert main(["publish", "nothing", *nowhere]) == 2
    assert main(["component", "publish", "prompts/x", "nothing", *nowhere]) == 2
    assert "--number" in capsys.readouterr().err


@pytest.mark.parametrize("actor", ["x" * 201, "a\nb", "a\x1b[31m", "a\u202eb"])
def test_an_actor_that_nobody_can_read_is_refused(
    actor: str, near: Cli, bundle: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PINSET_ACTOR", actor)
    status, _, err = near("publish", bundle())
    assert status == 2
    assert err.startswith("error: PINSET_ACTOR ")
    assert "hint: set it to one line of at most 200 characters" in err
    monkeypatch.setenv("PINSET_ACTOR", "Jörg Müller (CI) " + "x" * 180)
    assert near("publish", bundle())[0] == 0


def test_one_is_said_as_one(cli: Cli, bundle: Callable[..., str], tmp_path: Path) -> None:
    cli("publish", bundle(), "--alias", "production")
    assert "1 file of support@v1 is in" in cli("pull", "support@v1", str(tmp_path / "out"))[2]
    assert "1 file of support@v1 is already in" in cli("pull", "support@v1", str(tmp_path / "out"))[2]
    assert ", 1 release, 1 move, " in cli("verify")[1]
    cli("publish", bundle("2"), "--alias", "production")
    assert ", 2 releases, 2 moves, " in cli("verify")[1]
    cli("yank", "support@v2", "-m", "x")
    assert "support@production still serves it" in cli("show", "support@v2")[2]


class Counted:
    """A registry that keeps the names of what it was asked."""

    def __init__(self, registry: Any) -> None:
        self._registry = registry
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        self.asked.append(name)
        return getattr(self._registry, name)


def test_what_is_yanked_and_what_came_again_costs_no_request_of_its_own(
    near: Cli, bundle: Callable[..., str], monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    for words in ("one", "two"):
        near("publish", bundle(words), "--alias", "production")
    near("rollback", "support@production", "--yes")
    near("promote", "support@v2", "production", "--again", "-m", "fixed")
    near("promote", "support@v1", "staging")
    near("yank", "support@v2", "-m", "it leaks")
    for command, questions in (
        (["list"], ["bundles", "close"]),
        (["alias", "list", "support"], ["aliases", "close"]),
        (["history", "support", "--limit", "1"], ["history", "close"]),
        (["status", "support"], ["bundle", "aliases", "releases", "history", "clients", "close"]),
    ):
        counted = Counted(bootstrap.local_registry(home))
        with monkeypatch.context() as patched:
            patched.setattr(bootstrap, "open_registry", lambda *_a, answer=counted, **_n: answer)
            out = near(*command)[1]
        assert counted.asked == questions
        assert "v2 YANKED" in out or command[0] == "history"
    assert "production v2 YANKED, staging v1" in near("list")[1]
    item = json.loads(near("list", "--json")[1])["items"][0]
    assert (item["aliases"], item["yanked"]) == ({"production": 2, "staging": 1}, {"production": "it leaks"})
    aliases = json.loads(near("alias", "list", "support", "--json")[1])["items"]
    assert {a["alias"]: a["yanked"] for a in aliases} == {"production": "it leaks", "staging": None}
    moves = json.loads(near("history", "support@production", "--json")[1])["items"]
    assert [move["again"] for move in moves] == [True, False, False, False]
