"""import dir, import git, export --to: files go in and out by the command line, and what is not carried is told."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from pinset_cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GREET = '---\nmodel: googleai/gemini-2.0-flash-001\nconfig: {temperature: 0.2}\n---\n{{role "system"}}Be kind.{{role "user"}}{{q}}\n'


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    """A directory with a file of each format, and a bundle."""
    folder = tmp_path / "prompts"
    files = {
        "team/greet.prompt": GREET,
        "team/_tone.prompt": "Kind.",
        "plan.prompty": "---\nmodel: {id: gpt-4o-2024-08-06}\n---\nsystem:\nPlan.\n\nuser:\n{{goal}}\n",
        "eval/promptfooconfig.yaml": "prompts: ['Say {{x}}']\nproviders: [openai:gpt-4o-2024-08-06]\n",
        "eval/other.txt": "Not alone.",
        "plain.md": "Hello {{name}}.",
        "support/release.yaml": "release:\n  feature: support-bot\n  prompt: a.md\n",
        "support/a.md": "As it is.\n",
        "bad.prompty": "---\na: &b 1\n---\nx",
        "README.md": "About.",
        ".git/x.md": "hidden",
    }
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, Any, str]]:
    def command(*arguments: str) -> tuple[int, Any, str]:
        capsys.readouterr()
        status = main([*arguments, "--registry", str(home), "--json"])
        captured = capsys.readouterr()
        return status, json.loads(captured.out) if captured.out.strip() else None, captured.err

    return command


def test_each_file_is_a_bundle_and_comes_in_once(run: Callable[..., Any], prompts: Path) -> None:
    status, dry, _ = run("import", "dir", str(prompts), "--dry-run", "--allow", "model-unpinned", "-m", "as they were")
    assert (status, dry["versions"]["created"]) == (5, 5)
    status, done, _ = run("import", "dir", str(prompts))
    assert (status, done["versions"]["created"], done["versions"]["refused"]) == (5, 5, 1), done
    assert [item["name"] for item in done["items"] if item["kind"] == "refused"] == ["bad"]
    _, listed, _ = run("list")
    assert {item["name"] for item in listed["items"]} == {"team.greet", "plan", "eval", "plain", "support-bot"}
    (prompts / "bad.prompty").unlink()
    (prompts / "plain.md").write_text("Hello you, {{name}}.")
    status, again, _ = run("import", "dir", str(prompts))
    assert (status, again["versions"]["created"], again["versions"]["already"]) == (0, 1, 4)
    _, document, _ = run("get", "plain@v2")
    assert document["content"]["prompts"]["default"]["template"] == "Hello you, {{name}}."


def test_a_file_reaches_nothing_outside_of_its_folder(run: Callable[..., Any], tmp_path: Path) -> None:
    """Over no link, by no path; and names that no file can have are missing, as others are."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a.json").write_text('{"key": "from outside"}')
    folder = tmp_path / "prompts"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "out")
    (folder / "linked.md").symlink_to(tmp_path / "out/a.json")
    os.mkfifo(folder / "pipe.md")
    for at, name in enumerate(("link/a.json", "../out/a.json", str(tmp_path / "out/a.json"), "x" * 300 + ".json")):
        (folder / f"p{at}.prompty").write_text(f"---\nsample: ${{file:{name}}}\n---\nsystem:\nHello.\n")
    (folder / os.fsdecode(b"bad\xff.md")).write_text("Hello.")
    report = tmp_path / "report.jsonl"
    status, done, _ = run("import", "dir", str(folder), "--report", str(report))
    assert (status, done["versions"]["created"], done["versions"]["refused"]) == (0, 5, 0), done
    assert sum("is not beside it" in item["why"] for item in done["items"]) == 4
    assert "from outside" not in str(run("get", "p0@v1"))
    assert len(report.read_text().splitlines()) == len(done["items"])


def test_a_folder_that_cannot_be_read_is_not_passed_over(
    run: Callable[..., Any], prompts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = os.scandir

    def refuse(path: Any) -> Any:
        if str(path).endswith("team"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    status, _, err = run("import", "dir", str(prompts))
    assert (status, "team cannot be read" in err) == (6, True), err


def test_one_format_alone_and_one_file_alone(run: Callable[..., Any], prompts: Path) -> None:
    status, done, _ = run("import", "dir", str(prompts), "--format", "dotprompt")
    assert (status, done["versions"]["created"]) == (0, 1)
    status, done, _ = run("import", "dir", str(prompts / "plan.prompty"), "--into", "planner")
    assert (status, done["versions"]["created"]) == (0, 1)
    assert run("get", "planner@v1")[0] == 0
    assert run("import", "dir", str(prompts), "--format", "other")[0] == 2
    assert run("import", "dir", str(prompts / "gone"))[0] == 3


def test_two_files_of_one_name_are_no_versions_of_each_other(run: Callable[..., Any], tmp_path: Path) -> None:
    for ending in ("md", "txt"):
        (tmp_path / f"same.{ending}").write_text("Hello.")
    status, done, _ = run("import", "dir", str(tmp_path))
    assert (status, done["versions"]["created"], done["versions"]["refused"]) == (5, 1, 1)


@pytest.mark.parametrize(("form", "ending"), [("dotprompt", ".prompt"), ("prompty", ".prompty"), ("openai", ".json")])
def test_a_release_goes_out_and_comes_back(
    form: str, ending: str, run: Callable[..., Any], prompts: Path, tmp_path: Path
) -> None:
    run("import", "dir", str(prompts / "team/greet.prompt"))
    file = tmp_path / f"out{ending}"
    status, done, said = run("export", "greet@v1", "--to", form, "-o", str(file))
    assert status == 0, said
    (item,) = done["items"]
    assert item["files"] == [str(file)]
    assert file.exists()
    for lost in item["lost"]:
        assert lost["what"] in said
    assert run("export", "greet@v1", "--to", form, "-o", str(file))[0] == 4
    status, _, said = run("import", "dir", str(file), "--into", "back")
    assert status == 0, said
    first, back = (run("get", f"{name}@v1")[1]["content"] for name in ("greet", "back"))
    assert back["prompts"]["default"]["messages"] == first["prompts"]["default"]["messages"]
    assert back["models"]["default"]["params"] == first["models"]["default"]["params"]
    if form == "dotprompt":
        assert (item["lost"], back) == ([], first)


def test_several_prompts_want_a_directory(run: Callable[..., Any], home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    (folder / "release.yaml").write_text(
        "release:\n  feature: many\n  model: {name: m, pinned_version: '1'}\n  prompts: {a: {text: A}, b: {text: 'B {{x}}'}}\n"
        "  configs: {c: {d: 1}}\n"
    )
    assert run("publish", str(folder))[0] == 0
    status, _, said = run("export", "many@v1", "--to", "dotprompt", "-o", str(tmp_path / "one.prompt"))
    assert status == 2
    assert "2 prompts" in said
    status, dry, _ = run("export", "many@v1", "--to", "dotprompt", "-o", str(tmp_path / "out"), "--dry-run")
    assert (status, (tmp_path / "out").exists()) == (0, False)
    status, done, said = run("export", "many@v1", "--to", "dotprompt", "-o", str(tmp_path / "out"))
    assert done["items"] == dry["items"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.prompt", "b.prompt"]
    assert "configs.c" in said
    assert status == 0


def test_a_history_comes_in_by_the_command_line(run: Callable[..., Any], tmp_path: Path) -> None:
    import subprocess

    def git(*arguments: str) -> None:
        person = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *person, *arguments], cwd=tmp_path / "r", check=True, capture_output=True)

    (tmp_path / "r").mkdir()
    git("init", "-q", "-b", "main")
    for text in ("One {{x}}", "Two {{x}}"):
        (tmp_path / "r/ask.md").write_text(text)
        git("add", ".")
        git("commit", "-q", "-m", f"Say {text}")
    status, done, said = run("import", "git", str(tmp_path / "r"), "ask.md")
    assert (status, done["versions"]["created"], done["lost"]) == (0, 2, 2), said
    _, releases, _ = run("releases", "ask")
    assert [item["message"] for item in releases["items"]] == ["Say Two {{x}}", "Say One {{x}}"]
    assert releases["items"][0]["source"]["authors"] == ["Ada <ada@example.com>"]
    status, again, _ = run("import", "git", str(tmp_path / "r"), "ask.md")
    assert (status, again["versions"]["created"], again["versions"]["already"]) == (0, 0, 2)
    assert run("import", "git", str(tmp_path / "r"), "gone.md")[0] == 3


def test_what_holds_for_many_is_said_once_and_everything_is_in_the_report(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "many").mkdir()
    for number in range(6):
        (tmp_path / "many" / f"p{number}.md").write_text(f"Say {number}.\n")
    report = tmp_path / "report.jsonl"
    assert main(["import", "dir", str(tmp_path / "many"), "--registry", str(home), "--report", str(report)]) == 0
    out = capsys.readouterr().out
    assert out.count("no model is named") == 1
    assert "not carried, 6 times: model: no model is named" in out
    assert "(p0, p1, p2 and others)" in out
    assert len(report.read_text().splitlines()) == 6
