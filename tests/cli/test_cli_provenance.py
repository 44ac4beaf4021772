"""What `pinset publish` says of where the files come from."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from pinset_cli import provenance
from pinset_cli.ci import of_ci

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from terminals import Cli

ADA = "Ada Lovelace <ada@example.com>"
BOB = "Bob <bob@example.com>"


class Checkout:
    """A git repository of an author."""

    def __init__(self, top: Path) -> None:
        self.top = top
        top.mkdir()
        self.git("init", "-q")

    def git(self, *arguments: str, author: str = ADA) -> str:
        name, mail = author[:-1].split(" <")
        who = {
            f"GIT_{role}_{what}": said
            for role in ("AUTHOR", "COMMITTER")
            for what, said in (("NAME", name), ("EMAIL", mail))
        }
        command = ["git", "-C", str(self.top), *arguments]
        return subprocess.run(
            command, env={**os.environ, **who}, check=True, capture_output=True, text=True
        ).stdout.strip()

    def write(self, path: str, text: str, *, author: str | None = ADA) -> str:
        """Write a file, and commit it where an author is given; the commit."""
        target = self.top / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        if author is not None:
            self.git("add", path)
            self.git("commit", "-qm", path, author=author)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def checkout(tmp_path: Path, manifest: Callable[..., dict[str, str]]) -> Checkout:
    """A repository with a bundle in a folder of it."""
    made = Checkout(tmp_path / "checkout")
    made.write("agents/support/release.yaml", manifest()["release.yaml"])
    made.git("remote", "add", "origin", "https://oauth2:s3cret@example.com/org/repo.git")
    return made


def source(cli: Cli, reference: str = "support@latest") -> Any:
    return cli.json("get", reference)["source"]


def test_a_release_names_repository_commit_path_and_authors(
    near: Cli, checkout: Checkout, manifest: Callable[..., dict[str, str]]
) -> None:
    place = str(checkout.top / "agents/support")
    first = checkout.git("rev-parse", "HEAD")
    assert near("publish", place)[0] == 0
    assert source(near) == {
        "repository": "https://example.com/org/repo.git", "commit": first, "path": "agents/support", "authors": [ADA],
    }  # fmt: skip
    checkout.write("agents/support/release.yaml", manifest(words="Two.")["release.yaml"], author=BOB)
    checkout.write("elsewhere.txt", "x", author="Eve <eve@example.com>")
    third = checkout.write("agents/support/release.yaml", manifest(words="Three.")["release.yaml"])
    assert near("publish", place)[0] == 0
    assert source(near)["authors"] == [ADA, BOB], "since the release before, who touched this folder, newest first"
    assert source(near)["commit"] == third
    checkout.write("agents/support/release.yaml", manifest(words="Four.")["release.yaml"], author=None)
    near("publish", place)
    assert (source(near)["dirty"], source(near)["authors"]) == (True, [ADA]), "nothing since: who changed it last"
    shown = near("show", "support@v2")[1]
    assert f"https://example.com/org/repo.git@{third}, path agents/support" in shown
    assert f"authors      {ADA}, {BOB}" in shown
    assert "s3cret" not in "".join(near(*command)[1] for command in (("show", "support@v1"), ("get", "support@v1")))


def test_the_same_content_of_another_commit_is_nothing_new(near: Cli, checkout: Checkout) -> None:
    place = str(checkout.top / "agents/support")
    near("publish", place)
    first = source(near)
    checkout.write("elsewhere.txt", "x", author=BOB)
    assert near.json("publish", place)["created"] is False
    assert source(near) == first


def test_what_is_said_counts_more_and_nothing_need_be_asked(
    near: Cli, checkout: Checkout, manifest: Callable[..., dict[str, str]]
) -> None:
    place = str(checkout.top / "agents/support")
    near("publish", place, "--no-source")
    assert source(near) is None
    checkout.write("agents/support/release.yaml", manifest(words="Two.")["release.yaml"])
    near("publish", place, "--source", "path=prompts", "--source", f"authors={BOB}", "--source", f"authors={ADA}")
    assert (source(near)["path"], source(near)["authors"]) == ("prompts", [BOB, ADA])
    assert source(near)["repository"] == "https://example.com/org/repo.git"
    checkout.write("agents/support/release.yaml", manifest(words="Three.")["release.yaml"])
    near("publish", place, "--no-source", "--source", "made by hand: see x=1")
    assert source(near) == {"text": "made by hand: see x=1"}
    for wrong, says in (
        ("comit=0123abc", "did you mean commit?"),
        ("commit=HEAD", "hexadecimal"),
        ("dirty=perhaps", "dirty=true"),
        ("by=" + "x" * 300, "shorten"),
    ):
        status, _, err = near("publish", place, "--source", wrong)
        assert (status, says in err) == (2, True), wrong
    assert near("publish", place, "--source", "by=a", "--source", "by=b")[0] == 2


def test_a_bot_is_never_the_last_answer(near: Cli, checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PINSET_ACTOR", "ci-bot")
    near("publish", str(checkout.top / "agents/support"), "--alias", "production")
    assert "ci-bot for Ada Lovelace" in near("releases", "support")[1]
    assert "by           ci-bot for Ada Lovelace" in near("show", "support")[1]
    assert "written by Ada Lovelace" in near("history", "support")[1]
    assert near.json("history", "support")["items"][0]["authors"] == [ADA]
    blamed = near("blame", "support", "release.yaml")[1]
    assert "published just now by ci-bot for Ada Lovelace" in blamed
    assert "v1    just now  Ada Lovelace  1  release:" in blamed


# What git says of a directory


def test_a_directory_in_no_repository_or_without_git_has_no_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkout: Checkout
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert provenance.detect(tmp_path, [], environment={}) == {}
    empty = Checkout(tmp_path / "empty")
    assert provenance.detect(empty.top, [], environment={}) == {}
    place = checkout.top / "agents/support"
    assert provenance.detect(place, [], environment={}, seconds=0) == {}
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance.detect(place, [], environment={}) == {}


def test_git_that_hangs_or_fails_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkout: Checkout
) -> None:
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    for does in ("exec sleep 30", "exit 128", "printf '\\377\\n'"):
        fake.write_text(f"#!/bin/sh\n{does}\n")
        fake.chmod(0o755)
        assert provenance.detect(checkout.top, [], environment={}, seconds=0.3) == {}


def test_nothing_that_a_repository_configures_is_run(checkout: Checkout, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\ntouch {ran}\n")
    script.chmod(0o755)
    hooks = checkout.top / "hooks"
    hooks.mkdir()
    for name in ("post-index-change", "reference-transaction"):
        (hooks / name).write_bytes(script.read_bytes())
        (hooks / name).chmod(0o755)
    for key, value in (("core.fsmonitor", str(script)), ("core.hooksPath", str(hooks)), ("core.pager", str(script))):
        checkout.git("config", key, value)
    ran.unlink(missing_ok=True)
    index = checkout.top / ".git/index"
    before = index.read_bytes(), index.stat().st_mtime_ns
    assert provenance.detect(checkout.top / "agents/support", ["release.yaml"], environment={})["commit"]
    assert not ran.exists()
    assert (index.read_bytes(), index.stat().st_mtime_ns) == before


def test_what_is_not_in_the_commit_is_dirty(checkout: Checkout) -> None:
    place = checkout.top / "agents/support"
    assert "dirty" not in provenance.detect(place, ["release.yaml"], environment={})
    checkout.write(".gitignore", "ignored.md\n")
    checkout.write("agents/support/ignored.md", "x", author=None)
    assert "dirty" not in provenance.detect(place, ["release.yaml"], environment={}), "it is not published"
    assert provenance.detect(place, ["release.yaml", "ignored.md"], environment={})["dirty"]
    new = checkout.top / "new"
    checkout.write("new/release.yaml", "x", author=None)
    found = provenance.detect(new, ["release.yaml"], environment={})
    assert (found["dirty"], found["path"], "authors" in found) == (True, "new", False)


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("git@github.com:org/repo.git", "git@github.com:org/repo.git"),
        ("ssh://git@host/org/repo", "ssh://git@host/org/repo"),
        ("https://ghp:x@host/org/repo?token=1", "https://host/org/repo"),
        ("/srv/git/repo.git", None),
        ("file:///srv/git/repo.git", None),
        ("../repo", None),
    ],
)
def test_a_remote_is_named_where_it_means_something_elsewhere(
    checkout: Checkout, address: str, kept: str | None
) -> None:
    checkout.git("remote", "set-url", "origin", address)
    assert provenance.detect(checkout.top, [], environment={}).get("repository") == kept


def test_a_commit_that_git_does_not_know_gives_the_last_author(checkout: Checkout) -> None:
    for since in ("0" * 40, "--all", "main..HEAD", ""):
        found = provenance.detect(checkout.top, [], since=lambda since=since: since, environment={})  # type: ignore[misc]
        assert found["authors"] == [ADA]


# What CI systems say


CI: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "GitHub Actions": (
        {
            "GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "org/repo",
            "GITHUB_SHA": "a" * 40, "GITHUB_RUN_ID": "12", "GITHUB_ACTOR": "ada", "GITHUB_TRIGGERING_ACTOR": "octo",
            "GITHUB_REF": "refs/pull/7/merge", "GITHUB_REF_NAME": "7/merge", "GITHUB_HEAD_REF": "shorter",
        },
        {
            "repository": "https://github.com/org/repo", "commit": "a" * 40, "by": "octo", "ref": "shorter",
            "url": "https://github.com/org/repo/actions/runs/12", "pull_request": "https://github.com/org/repo/pull/7",
        },
    ),
    "GitLab CI": (
        {
            "GITLAB_CI": "true", "CI_PROJECT_URL": "https://gitlab.com/org/repo", "CI_COMMIT_SHA": "b" * 40,
            "CI_COMMIT_AUTHOR": ADA, "CI_JOB_URL": "https://gitlab.com/org/repo/-/jobs/3", "GITLAB_USER_LOGIN": "ada",
            "CI_COMMIT_REF_NAME": "main", "CI_MERGE_REQUEST_PROJECT_URL": "https://gitlab.com/org/repo",
            "CI_MERGE_REQUEST_IID": "9",
        },
        {
            "repository": "https://gitlab.com/org/repo", "commit": "b" * 40, "authors": [ADA], "by": "ada", "ref": "main",
            "url": "https://gitlab.com/org/repo/-/jobs/3", "pull_request": "https://gitlab.com/org/repo/-/merge_requests/9",
        },
    ),
    "Buildkite": (
        {
            "BUILDKITE": "true", "BUILDKITE_REPO": "git@github.com:o/r.git", "BUILDKITE_COMMIT": "HEAD",
            "BUILDKITE_BUILD_URL": "https://buildkite.com/o/p/builds/1", "BUILDKITE_BUILD_CREATOR": "Ada",
            "BUILDKITE_BRANCH": "main", "BUILDKITE_PULL_REQUEST": "false",
        },
        {"repository": "git@github.com:o/r.git", "url": "https://buildkite.com/o/p/builds/1", "by": "Ada", "ref": "main"},
    ),
    "CircleCI": (
        {
            "CIRCLECI": "true", "CIRCLE_REPOSITORY_URL": "git@github.com:o/r.git", "CIRCLE_SHA1": "c" * 40,
            "CIRCLE_BUILD_URL": "https://circleci.com/gh/o/r/1", "CIRCLE_USERNAME": "ada", "CIRCLE_TAG": "v1",
            "CIRCLE_PULL_REQUEST": "https://github.com/o/r/pull/2",
        },
        {
            "repository": "git@github.com:o/r.git", "commit": "c" * 40, "url": "https://circleci.com/gh/o/r/1",
            "by": "ada", "ref": "v1", "pull_request": "https://github.com/o/r/pull/2",
        },
    ),
    "Azure Pipelines": (
        {
            "TF_BUILD": "True", "SYSTEM_COLLECTIONURI": "https://dev.azure.com/o/", "SYSTEM_TEAMPROJECT": "p",
            "BUILD_BUILDID": "4", "BUILD_REPOSITORY_URI": "https://o@dev.azure.com/o/p/_git/r",
            "BUILD_SOURCEVERSION": "d" * 40, "BUILD_REQUESTEDFOR": "Ada Lovelace", "BUILD_SOURCEBRANCH": "refs/heads/main",
        },
        {
            "repository": "https://dev.azure.com/o/p/_git/r", "commit": "d" * 40, "by": "Ada Lovelace",
            "url": "https://dev.azure.com/o/p/_build/results?buildId=4", "ref": "refs/heads/main",
        },
    ),
    "Bitbucket Pipelines": (
        {
            "BITBUCKET_BUILD_NUMBER": "5", "BITBUCKET_GIT_HTTP_ORIGIN": "https://bitbucket.org/o/r",
            "BITBUCKET_COMMIT": "e" * 40, "BITBUCKET_BRANCH": "main", "BITBUCKET_PR_ID": "6",
            "BITBUCKET_STEP_TRIGGERER_UUID": "{12}",
        },
        {
            "repository": "https://bitbucket.org/o/r", "commit": "e" * 40, "by": "{12}", "ref": "main",
            "url": "https://bitbucket.org/o/r/pipelines/results/5", "pull_request": "https://bitbucket.org/o/r/pull-requests/6",
        },
    ),
    "Jenkins": (
        {
            "JENKINS_URL": "https://ci.example.com/", "BUILD_URL": "https://ci.example.com/job/r/1/", "GIT_COMMIT": "f" * 40,
            "GIT_URL": "https://user:pw@example.com/r.git", "GIT_BRANCH": "origin/main", "CHANGE_AUTHOR": "ada",
            "CHANGE_URL": "https://example.com/r/pull/1",
        },
        {
            "repository": "https://example.com/r.git", "commit": "f" * 40, "url": "https://ci.example.com/job/r/1/",
            "by": "ada", "ref": "origin/main", "pull_request": "https://example.com/r/pull/1",
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CI)
def test_a_ci_system_says_which_run_of_what_and_whose(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment, expected = CI[name]
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert provenance.detect(tmp_path, [], environment=environment) == {"ci": name, **expected}


def test_a_ci_system_that_says_little_is_named_alone() -> None:
    assert {name: value for name, value in of_ci({"JENKINS_URL": "x"}).items() if value} == {"ci": "Jenkins"}
    assert of_ci({"CI": "true", "GITHUB_SHA": "a" * 40}) == {}


def test_what_is_checked_out_counts_more_than_what_the_run_is_of(checkout: Checkout) -> None:
    environment, _ = CI["GitLab CI"]
    found = provenance.detect(checkout.top, [], environment=environment)
    assert found["commit"] == checkout.git("rev-parse", "HEAD")
    assert found["repository"] == "https://example.com/org/repo.git"
    assert (found["authors"], found["by"], found["ci"]) == ([ADA], "ada", "GitLab CI")
    checkout.git("remote", "remove", "origin")
    assert "repository" not in provenance.detect(checkout.top, [], environment=environment), "that of another commit"
    same = {**environment, "CI_COMMIT_SHA": found["commit"]}
    assert provenance.detect(checkout.top, [], environment=same)["repository"] == "https://gitlab.com/org/repo"


def test_what_does_not_fit_is_left_out_and_never_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    environment = {**CI["Jenkins"][0], "GIT_BRANCH": "x" * 5000, "CHANGE_AUTHOR": "a\nb\udcff", "GIT_COMMIT": "$(id)"}
    found = provenance.detect(tmp_path, [], environment=environment)
    assert found["by"] == "a b?"
    assert found.keys().isdisjoint({"ref", "commit"})
