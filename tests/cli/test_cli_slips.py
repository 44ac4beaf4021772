"""What people are told of slips: names, places and options that are not what they meant, and the commands they are given instead."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING, Any

import pytest

from pinset_cli import output, suggest
from pinset_cli.main import main
from pinset_cli.program import app

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from terminals import Cli


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


def test_a_component_and_a_release_are_not_compared_and_the_way_out_is_said(near: Cli) -> None:
    status, _, err = near("diff", "prompts/tone@v1", "support@v1")
    assert status == 2
    assert "is a shared component, and the other side is none" in err
    assert "prompts/tone@latest" in err
    assert "without --at" in near("diff", "prompts/tone@v1", "v2", "--at", "1d")[2]
    assert "is a component" in near("show", "prompts/tone@v1")[2]


def test_two_versions_of_a_component_are_compared_in_every_format(cli: Cli, tmp_path: Path) -> None:
    guard = tmp_path / "pii.yaml"
    for action in ("block", "warn"):
        guard.write_text(f"kind: regex\nconfig: {{action: {action}}}\n")
        cli("component", "publish", "guardrails/pii", str(guard))
    for sides in (
        ("guardrails/pii@v1", "v2"),
        ("guardrails/pii", "v1", "latest"),
        ("guardrails/pii@v1", "guardrails/pii@v2"),
    ):
        status, out, _ = cli("diff", *sides)
        assert (status, "loosened: block became warn" in out) == (0, True)
    for style in ("json", "markdown", "html"):
        assert "block became warn" in cli("diff", "guardrails/pii@v1", "v2", "--format", style)[1]
    assert cli("diff", "guardrails/pii@v1", "v2", "--exit-code")[0] == 1
    assert cli("diff", "guardrails/pii@v1", "v2", "--fail-on", "breaking")[0] == 0
    assert cli("diff", "guardrails/pii@v1", "v2", "--fail-on", "behaviour")[0] == 1


def test_the_components_of_a_release_are_shown_with_their_pins(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "tone.md").write_text("Be kind.")
    cli("component", "publish", "prompts/tone", str(tmp_path / "tone.md"))
    directory = tmp_path / "support"
    directory.mkdir()
    (directory / "release.yaml").write_text("release:\n  feature: support\n  prompt: prompts/tone@v1\n")
    cli("publish", str(directory))
    assert re.search(r"component +prompts/tone@v1 \(sha256:[0-9a-f]{12}\)", cli("show", "support@v1")[1])


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


def test_a_group_alone_is_told_what_it_wants(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import"]) == 2
    err = capsys.readouterr().err
    assert "error: pinset import wants one of dir, git, langfuse" in err
    assert "see pinset import --help" in err
    assert "Usage" not in err
