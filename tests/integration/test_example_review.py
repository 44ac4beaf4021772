"""The pipelines of examples/08-review-in-ci run as they are written: steps from the files, on a served registry.

What belongs to a forge is replaced: its API by a server on loopback that keeps what it is sent, `pipx`, `pip` and `apt-get` by
commands that do nothing, `actions/checkout` by a copy of the directory.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

import warm
from pinset import bootstrap
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE: Final = Path(__file__).parents[2] / "examples" / "08-review-in-ci"
WORKFLOW: Final = yaml.safe_load((EXAMPLE / ".github" / "workflows" / "prompts.yml").read_text())
PIPELINE: Final = yaml.safe_load((EXAMPLE / ".gitlab-ci.yml").read_text())
README: Final = (EXAMPLE / "README.md").read_text()
NAMES: Final = ("shop.support-summarizer", "shop.order-router")
OPS: Final = Caller(actor="ops")
MARKER: Final = "<!-- pinset-review -->"


@pytest.fixture(scope="module", autouse=True)
def _tools() -> None:
    missing = [tool for tool in ("bash", "curl", "git", "jq", "paste") if shutil.which(tool) is None]
    if missing and os.environ.get("CI"):
        pytest.fail(f"not installed: {missing}; CI must not skip this")
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


class Forge:
    """The comments of one pull request behind an API as GitHub and GitLab have it, on loopback."""

    def __init__(self) -> None:
        self.comments: list[dict[str, Any]] = [
            {"id": 1, "body": f"{MARKER} mine now", "user": {"login": "mallory"}, "author": {"id": 5}}
        ]
        self.asked: list[str] = []
        forge = self

        class Handler(BaseHTTPRequestHandler):
            def _do(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(size)) if size else None
                token = self.headers.get("Authorization") or self.headers.get("PRIVATE-TOKEN")
                answer = forge.answer(self.command, self.path, body) if token in ("Bearer forge", "forge") else None
                self.send_response(401 if answer is None else 200)
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            do_GET = do_POST = do_PATCH = do_PUT = _do  # noqa: N815 - the standard library looks for these names

            def log_message(self, *_: Any) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def answer(self, method: str, path: str, body: Any) -> Any:
        """What the API says: a list of comments, a comment, or whose token it is."""
        if path == "/user":
            return {"id": 77}
        self.asked.append(f"{method} {path.partition('?')[0]}")
        if method == "GET":
            return self.comments
        if method == "POST":
            made = {"id": len(self.comments) + 1, "user": {"login": "github-actions[bot]"}, "author": {"id": 77}}
            self.comments.append({**made, "body": body["body"]})
            return self.comments[-1]
        (known,) = [one for one in self.comments if str(one["id"]) == path.rpartition("/")[2]]
        known["body"] = body["body"]
        return known

    def close(self) -> None:
        """End the server."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def forge() -> Iterator[Forge]:
    made = Forge()
    yield made
    made.close()


class Sandbox:
    """A checkout of the example, and everything that a job is given."""

    def __init__(self, home: Path, served: str, forge: Forge, tmp_path: Path) -> None:
        self.registry = bootstrap.local_registry(home)
        self.work, self.bin, self.tmp = tmp_path / "work", tmp_path / "bin", tmp_path
        shutil.copytree(EXAMPLE, self.work)
        self._git("init", "-q", "-b", "main")
        self.commit("first $(touch hacked) `id`")
        warm.install(self.bin)
        for name in ("pipx", "pip", "apt-get"):
            self._command(name, "exit 0")
        grants = dict(zip(("READ", "PUBLISH", "PROMOTE"), re.findall(r"\| `(read:shop[^`]+)` \|", README), strict=True))
        tokens = {role: self.registry.create_token(OPS, role.lower(), can=can)["token"] for role, can in grants.items()}
        self.settings = {f"PINSET_{role}_TOKEN": text for role, text in tokens.items()}
        self.settings |= {"PINSET_REGISTRY": served, "PINSET_VERSION": "0.1.0", "COMMENT_TOKEN": "forge"}
        self.forge, self.outputs = forge, dict[str, dict[str, str]]()

    def _command(self, name: str, text: str) -> None:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def _git(self, *words: str) -> None:
        who = ["-c", "user.name=ana", "-c", "user.email=ana@example.com"]
        subprocess.run(["git", *who, *words], cwd=self.work, check=True, capture_output=True)

    def commit(self, subject: str) -> None:
        """What a push brings."""
        self._git("add", "-A")
        self._git("commit", "-q", "--allow-empty", "-m", subject)

    def write(self, bundle: str, text: str) -> None:
        """Another prompt for a bundle."""
        (self.work / "bundles" / bundle / "prompts" / "main.md").write_text(text)

    def bash(self, text: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """One script as a forge runs it: its job's environment, and no other."""
        (self.tmp / "home").mkdir(exist_ok=True)
        plain = {"PATH": f"{self.bin}:{os.environ['PATH']}", "HOME": str(self.tmp / "home"), "TMPDIR": str(self.tmp)}
        plain |= {name: os.environ[name] for name in ("PYTHONPATH", "VIRTUAL_ENV", "LANG") if name in os.environ}
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", text],
            cwd=self.work, env={**plain, **environment}, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    def github(self, job: str) -> list[tuple[str, int, str]]:
        """Run the steps of a job: the name of each that ran, its exit status and what it said."""
        written = WORKFLOW["jobs"][job]
        event = {"github.token": "forge", "github.event.pull_request.number": "9"}
        base = {"GITHUB_ACTIONS": "true", "GITHUB_API_URL": self.forge.url, "GITHUB_REPOSITORY": "acme/shop"}
        base |= {"GITHUB_SHA": "c0ffee", "GITHUB_STEP_SUMMARY": str(self.tmp / "summary.md")}
        ran: list[tuple[str, int, str]] = []
        outputs: dict[str, dict[str, str]] = {}
        outcome: dict[str, str] = {}

        def value(text: Any) -> str:
            return re.sub(r"\$\{\{ (\S+) \}\}", lambda found: self._known(found[1], event, outputs), str(text))

        environment = base | {name: value(text) for name, text in {**WORKFLOW["env"], **written.get("env", {})}.items()}
        failed = False
        for step in [one for one in written["steps"] if "run" in one]:
            if not _runs(step.get("if", "success()"), failed=failed, outputs=outputs, outcome=outcome):
                continue
            file = self.tmp / "output"
            file.write_text("")
            own = {name: value(text) for name, text in step.get("env", {}).items()}
            done = self.bash(step["run"], {**environment, **own, "GITHUB_OUTPUT": str(file)})
            ran.append((step["name"], done.returncode, done.stdout + done.stderr))
            failed = failed or done.returncode != 0
            if "id" in step:
                outputs[step["id"]] = dict(line.split("=", 1) for line in file.read_text().splitlines())
                outcome[step["id"]] = "failure" if done.returncode else "success"
        told = written.get("outputs", {})
        self.outputs[job] = {name: value(text) for name, text in told.items()}
        return ran

    def _known(self, name: str, event: dict[str, str], outputs: dict[str, dict[str, str]]) -> str:
        """What a ``${{ … }}`` stands for: nothing else may be asked for."""
        head, *rest = name.split(".")
        if head in ("vars", "secrets"):
            return self.settings[rest[0]]
        if head == "steps":
            return outputs[rest[0]].get(rest[2], "")
        if head == "needs":
            return self.outputs[rest[0]][rest[2]]
        return event[name]

    def gitlab(self, job: str) -> tuple[int, str]:
        """Run a job's scripts in one shell: its exit status, and what it said."""
        written = PIPELINE[job]
        environment = {
            "GITLAB_CI": "true",
            "CI_API_V4_URL": self.forge.url,
            "CI_PROJECT_ID": "3",
            "CI_COMMIT_SHA": "c0ffee",
        }
        environment |= {"CI_MERGE_REQUEST_IID": "9", "CI_COMMIT_TITLE": "first $(touch hacked) `id`", **self.settings}
        own = {
            name: re.sub(r"\$(\w+)", lambda m: environment[m[1]], text) for name, text in written["variables"].items()
        }
        lines = [*PIPELINE["default"]["before_script"], *written["script"]]
        done = self.bash("\n".join(lines), {**environment, **own})
        return done.returncode, done.stdout + done.stderr

    def serves(self, alias: str) -> list[int | None]:
        """The versions that an alias of the bundles serves."""
        return [self.registry.alias(name, alias)["version"] for name in NAMES]

    def hot_fix(self) -> None:
        """Somebody mends production while the pipeline's files are as they were."""
        files = dict(self.registry.sealed(f"{NAMES[0]}@production")["files"])
        files["prompts/main.md"] = files["prompts/main.md"].replace("Never", "Never promise refunds.\nNever")
        self.registry.publish(OPS, files, alias="production", message="hot fix: refunds")


def _runs(condition: str, *, failed: bool, outputs: dict[str, dict[str, str]], outcome: dict[str, str]) -> bool:
    """Whether GitHub runs a step: the few conditions that the file has."""
    always = "failure()" in condition
    rest = re.sub(r"\(?success\(\)(?: \|\| failure\(\)\))?(?: \|\| failure\(\))?(?: && )?", "", condition)
    match = re.fullmatch(r"steps\.(\w+)\.(?:outcome|outputs\.(\w+)) == '(\w+)'", rest) if rest else None
    assert match or not rest, condition
    holds = (
        match is None or (outputs.get(match[1], {}).get(match[2]) if match[2] else outcome.get(match[1])) == match[3]
    )
    return holds and (always or not failed)


@pytest.fixture
def sandbox(home: Path, served: str, forge: Forge, tmp_path: Path) -> Iterator[Sandbox]:
    made = Sandbox(home, served, forge, tmp_path)
    yield made
    assert not (made.work / "hacked").exists()
    made.registry.close()


HOSTILE: Final = (
    "You summarize tickets.\nAsk @octocat, see #1 ![x](https://evil.example/p.png)\n```\n</details>\n{{ticket}}\n"
)


def test_on_github_a_merge_publishes_evaluates_and_promotes_and_a_pull_request_gets_one_comment(
    sandbox: Sandbox,
) -> None:
    for job in ("publish", "promote"):
        ran = sandbox.github(job)
        assert [status for _, status, _ in ran] == [0] * len(ran), ran
    assert sandbox.serves("staging") == sandbox.serves("production") == [1, 1]
    for name in NAMES:
        assert [one["suite"] for one in sandbox.registry.evidence.of_release(f"{name}@v1")["items"]] == ["smoke"]
    assert sandbox.registry.summary(f"{NAMES[0]}@v1")["message"] == "first $(touch hacked) `id`"

    sandbox.write("support-summarizer", HOSTILE)
    ran = sandbox.github("review")
    assert [status for _, status, _ in ran] == [0, 0, 0, 0], ran
    (_, ours) = sandbox.forge.comments
    assert ours["body"].startswith(MARKER)
    assert "shop.support-summarizer` | **behaviour** |" in ours["body"]
    assert "shop.order-router` | **none** |" in ours["body"]
    assert "````diff" in ours["body"]
    (sandbox.work / "bundles" / "order-router" / "prompts" / "main.md").unlink()
    ran = sandbox.github("review")
    assert [(name, status) for name, status, _ in ran][1:] == [
        ("Check every bundle", 1),
        ("Review against production", 0),
        ("Comment, or change the comment of before", 0),
    ], ran
    assert "release.yaml" in ours["body"]
    assert "**cannot be read**" in ours["body"]
    comments = "/repos/acme/shop/issues/9/comments"
    assert sandbox.forge.asked == [
        *(f"{method} {comments}" for method in ("GET", "POST", "GET")),
        "PATCH /repos/acme/shop/issues/comments/2",
    ]
    assert sandbox.forge.comments[0]["body"].endswith("mine now")
    assert MARKER in (sandbox.tmp / "summary.md").read_text()


def test_on_gitlab_a_merge_publishes_evaluates_and_promotes_and_a_merge_request_gets_one_note(sandbox: Sandbox) -> None:
    shutil.rmtree(sandbox.work / "bundles" / "order-router")  # one bundle alone is no list
    for job in ("publish", "promote"):
        status, said = sandbox.gitlab(job)
        assert status == 0, said
    assert sandbox.registry.bundle(NAMES[0])["aliases"] == {"staging": 1, "production": 1}
    sandbox.write("support-summarizer", "{{ticket}} {{language}}\n")
    for _ in range(2):
        status, said = sandbox.gitlab("review")
        assert (status, "a change is breaking" in said) == (1, True), said
    notes = "/projects/3/merge_requests/9/notes"
    assert sandbox.forge.asked == [f"GET {notes}", f"POST {notes}", f"GET {notes}", f"PUT {notes}/2"]
    assert "shop.support-summarizer` | **breaking** |" in sandbox.forge.comments[1]["body"]


def test_a_pipeline_does_not_undo_a_hot_fix(sandbox: Sandbox) -> None:
    for bundle in ("support-summarizer", "order-router"):
        files = {
            path.relative_to(sandbox.work / "bundles" / bundle).as_posix(): path.read_text()
            for path in (sandbox.work / "bundles" / bundle).rglob("*.*")
        }
        sandbox.registry.publish(OPS, files, alias="production")
    sandbox.hot_fix()
    text = (sandbox.work / "bundles" / "support-summarizer" / "prompts" / "main.md").read_text()
    sandbox.write("support-summarizer", text.replace("friendly", "kind"))
    assert all(status == 0 for _, status, _ in sandbox.github("publish"))
    (_, (name, status, said)) = sandbox.github("promote")
    assert (name, status) == ("Review all, and promote none that would undo what production has", 1)
    assert "Never promise refunds.” added; v3 would undo it" in said
    assert sandbox.serves("production") == [2, 1]
    # The same words stand in the other file.
    (ours,) = [step["run"] for step in WORKFLOW["jobs"]["promote"]["steps"] if step["name"] == name]
    assert PIPELINE["promote"]["script"][0] == ours.partition("\n")[2]


def test_third_party_actions_are_pinned_and_scripts_hold_no_expressions() -> None:
    steps = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]
    assert all(re.fullmatch(r"actions/checkout@[0-9a-f]{40}", step["uses"]) for step in steps if "uses" in step)
    assert all("${{" not in step.get("run", "") for step in steps)
    assert WORKFLOW["permissions"] == {}
    wanted = [job["permissions"] for job in WORKFLOW["jobs"].values()]
    assert wanted == [{"contents": "read", "pull-requests": "write"}, {"contents": "read"}, {}]
    assert "head.repo.full_name == github.repository" in WORKFLOW["jobs"]["review"]["if"]
