"""`git clone http://x:TOKEN@host/git`: what plain git shows in a clone is what the API tells, and nobody gets more than they may."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
import uvicorn
from gitstores import overwrite
from starlette.testclient import TestClient

from patience import until
from pinset import bootstrap
from pinset.api.app import create_app
from pinset.api.protocol import Protocol
from pinset.gitstore.upload import Uploads
from pinset.ports.audit import AuditFilter
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pinset.services.local import LocalRegistry

ME: Final = Caller(actor="ada")
ALIAS: Final = "origin/aliases/support/production"
RELEASES: Final = "origin/releases/support"
MANIFEST: Final = """\
release:
  feature: {bundle}
  model: {{provider: vendor-x, name: foundation-large, pinned_version: "2025-02-01", temperature: 0.2}}
  prompt: {{template: prompts/main.md}}
"""
FIELD: Final = re.compile(r"^([A-Za-z-]+): (.*)$", re.MULTILINE)


def files(words: str, bundle: str = "support") -> dict[str, str]:
    return {"release.yaml": MANIFEST.format(bundle=bundle), "prompts/main.md": f"Summarize {{{{ticket}}}}.\n{words}\n"}


class Served:
    """A registry's directory, the registry, and where a server has it."""

    def __init__(self, home: Path, registry: LocalRegistry, end: tuple[str, int]) -> None:
        self.home, self.registry, self._end = home, registry, end
        self.repository = home / bootstrap.REPOSITORY

    def url(self, token: str = "", path: str = "/git") -> str:
        host, port = self._end
        return f"http://{f'x:{token}@' if token else ''}{host}:{port}{path}"


@contextmanager
def serving(home: Path, **given: Any) -> Iterator[Served]:
    """A server in a thread, on a free port of loopback."""
    registry = bootstrap.local_registry(home)
    uploads = Uploads(home / bootstrap.REPOSITORY)
    listening = socket.create_server(("127.0.0.1", 0))
    app = create_app(registry, uploads=uploads, **given)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", log_config=None, ws="none", http=Protocol))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield Served(home, registry, listening.getsockname()[:2])
        until(lambda: uploads.running == 0)
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        listening.close()
        registry.close()


def tried(*words: str | Path, at: Path | None = None) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    return subprocess.run(["git", *map(str, words)], cwd=at, env=env, capture_output=True, text=True, check=False)


def git(*words: str | Path, at: Path | None = None) -> str:
    done = tried(*words, at=at)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def said(at: Path, ref: str) -> list[dict[str, str]]:
    """The messages of a branch, newest first, as fields."""
    texts = git("log", "--first-parent", "--format=%B%x00", ref, at=at).split("\0")
    return [dict(FIELD.findall(text)) for text in texts if "Serial:" in text]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three releases of a bundle and one of another, five moves, one of them a rollback."""
    home = tmp_path_factory.mktemp("template") / "registry"
    bootstrap.create_registry(home)
    with closing(bootstrap.local_registry(home)) as registry:
        registry.publish(ME, files("one"), alias="production")
        registry.publish(ME, files("two"), label="2026-01")
        registry.publish(ME, files("three"), alias="staging")
        registry.promote(ME, "support@v2", "production", reason="better")
        registry.promote(ME, "support@v3", "production")
        registry.rollback(ME, "support", "production", reason="worse")
        registry.publish(ME, files("one", "payments"), alias="production")
    return home


@pytest.fixture
def served(template: Path, tmp_path: Path) -> Iterator[Served]:
    with serving(shutil.copytree(template, tmp_path / "registry", symlinks=True)) as found:
        yield found


@pytest.fixture(scope="module")
def kept(template: Path) -> Iterator[Served]:
    """The same for tests that write nothing."""
    with serving(template) as found:
        yield found


def test_the_history_in_a_clone_is_the_one_that_the_api_tells(kept: Served, tmp_path: Path) -> None:
    clone = tmp_path / "registry"
    git("clone", "-q", kept.url(path="/git/registry.git"), at=tmp_path)
    with httpx.Client(base_url=kept.url(path="/v1")) as api:
        moves = api.get("/bundles/support/aliases/production/history").json()["items"]
        releases = api.get("/bundles/support/releases").json()["items"]
        diff = api.get("/diff", params={"from": "support@v1", "to": "support@v3"}).json()
        keys = api.get("/keys").json()["allowed_signers"]
        revision = api.get("/bundles/support/aliases/production", params={"form": "summary"}).json()
    shown = said(clone, ALIAS)
    versions = [None if one["from"] is None else str(one["from"]) for one in moves]
    assert len(moves) == 4
    assert [(int(one["Seq"]), one.get("From"), one["To"]) for one in shown] == [
        (one["seq"], before, str(one["to"])) for one, before in zip(moves, versions, strict=True)
    ]
    assert [int(one["Serial"]) for one in shown] == [one["serial"] for one in moves]
    assert git("rev-parse", ALIAS, at=clone) == moves[0]["revision"], revision
    listed = [(one["Version"], one.get("Label"), one["Digest"]) for one in said(clone, RELEASES)]
    assert listed == [(str(one["version"]), one["label"], one["digest"]) for one in releases]
    commits = git("rev-list", "--reverse", RELEASES, at=clone).split()
    plain = git("diff", commits[0], commits[2], "--", "prompts/main.md", at=clone)
    lines = [line for hunk in diff["changes"][0]["hunks"] for line in hunk["lines"]]
    told = [line["kind"] + "".join(segment["text"] for segment in line["segments"]) for line in lines]
    assert [line for line in plain.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")] == [
        line for line in told if line[0] in "+-"
    ]
    assert git("diff", f"{ALIAS}~0", commits[1], at=clone) == "", "what is served is v2, byte for byte"
    if shutil.which("ssh-keygen") is not None:
        (tmp_path / "signers").write_text(keys)
        proving = ["-c", f"gpg.ssh.allowedSignersFile={tmp_path / 'signers'}", "verify-commit"]
        git(*proving, *commits, *git("rev-list", "--first-parent", "--max-count=4", ALIAS, at=clone).split(), at=clone)
        (tmp_path / "signers").write_text("")
        assert tried(*proving, ALIAS, at=clone).returncode != 0


@pytest.mark.parametrize("version", [0, 1, 2])
def test_each_protocol_brings_the_same(kept: Served, tmp_path: Path, version: int) -> None:
    speaking = ("-c", f"protocol.version={version}")
    git(*speaking, "clone", "-q", "--mirror", kept.url(), tmp_path / "clone")
    wanted = git("for-each-ref", at=kept.repository)
    assert git("for-each-ref", at=tmp_path / "clone") == wanted
    git("fsck", "--strict", "--no-dangling", at=tmp_path / "clone")
    listed = git(*speaking, "ls-remote", "--heads", kept.url(), "aliases/*")
    assert [line.split("\t")[1] for line in listed.splitlines()] == [
        f"refs/heads/aliases/{one}" for one in ("payments/production", "support/production", "support/staging")
    ]


def test_shallow_partial_and_single(kept: Served, tmp_path: Path) -> None:
    branch = "releases/support"
    git("clone", "-q", "--depth=1", f"--branch={branch}", kept.url(), "shallow", at=tmp_path)
    assert git("rev-list", "--count", "HEAD", at=tmp_path / "shallow") == "1"
    git("fetch", "-q", "--unshallow", at=tmp_path / "shallow")
    assert git("rev-list", "--count", "HEAD", at=tmp_path / "shallow") == "3"
    git("clone", "-q", "--single-branch", "--filter=blob:none", f"--branch={branch}", kept.url(), "one", at=tmp_path)
    one = tmp_path / "one"
    assert git("branch", "-r", at=one).split()[-1] == f"origin/{branch}"
    missing = git("rev-list", "--objects", "--missing=print", "HEAD", at=one)
    assert re.search(r"^\?[0-9a-f]{40}$", missing, re.MULTILINE), "what is not checked out was not sent"
    assert "one" in git("show", "HEAD~2:prompts/main.md", at=one), "and is brought when it is looked at"
    told = tried("clone", "-q", "--filter=sparse:oid=main", kept.url(), "other", at=tmp_path)
    assert "filter 'sparse:oid' not supported" in told.stderr


def test_a_fetch_after_a_promotion_brings_what_is_new_and_nothing_else(served: Served, tmp_path: Path) -> None:
    git("clone", "-q", "--mirror", served.url(), "clone", at=tmp_path)
    clone = tmp_path / "clone"
    before = set(git("rev-list", "--all", at=clone).split())
    objects = git("count-objects", "-v", at=clone)
    moved = served.registry.promote(ME, "support@v1", "production")
    git("fetch", "-q", at=clone)
    assert set(git("rev-list", "--all", at=clone).split()) - before == {moved["revision"]}
    assert int(re.findall(r"count: (\d+)", git("count-objects", "-v", at=clone))[0]) == 1, objects
    assert said(clone, "aliases/support/production")[0]["To"] == "1"


def test_who_may_clone(served: Served, tmp_path: Path) -> None:
    make = served.registry.create_token
    whole, one = make(ME, "ci", can="read")["token"], make(ME, "app", can="read:support")["token"]
    git("clone", "-q", served.url(whole), "good", at=tmp_path)

    def refused(url: str) -> str:
        done = tried("clone", "-q", url, "bad", at=tmp_path)
        assert done.returncode != 0
        assert not (tmp_path / "bad").exists()
        return done.stderr

    limited = refused(served.url(one))
    assert "The requested URL returned error: 403" in limited
    assert "remote: error: the credential can read:support, and this needs read" in limited
    assert "remote: hint: ask for one that can: pinset token create --name N --can read" in limited
    assert "Authentication failed" in refused(served.url(whole[:-1]))
    assert "could not read Username" in refused(served.url())
    pushed = tried("push", served.url(whole), "HEAD:refs/heads/mine", at=tmp_path / "good")
    assert "remote: error: nobody pushes into a registry" in pushed.stderr
    assert "refs/heads/mine" not in git("for-each-ref", at=served.repository)
    served.registry.revoke_token(ME, "ci")
    assert "Authentication failed" in tried("fetch", at=tmp_path / "good").stderr
    kept = served.registry.audit.items(AuditFilter(outcome="refused"))["items"]
    assert {("app", "read"), ("ci", "read"), ("anonymous", "read")} <= {(one["actor"], one["action"]) for one in kept}
    assert "pst_" not in str(kept)


def test_what_is_none_of_the_smart_protocol_is_not_there(kept: Served) -> None:
    with httpx.Client(base_url=kept.url(path="")) as http:

        def status(path: str, method: str = "GET", **given: Any) -> int:
            return http.request(method, path, **given).status_code

        there = (
            "HEAD",
            "config",
            "objects/info/packs",
            "info/refs",
            "packed-refs",
            "objects/pack/",
            "registry.git/HEAD",
        )
        for path in (*there, "info/refs?service=git-upload-archive", "git-upload-pack", "../state.sqlite"):
            assert status(f"/git/{path}") in (404, 405), path
        assert status("/git/info/refs?service=git-receive-pack") == 403
        assert status("/git/git-receive-pack", "POST") == 403
        assert status("/git/info/refs?service=git-upload-pack&service=git-upload-pack") == 422
        typed = {"content-type": "application/x-git-upload-pack-request"}
        assert status("/git/git-upload-pack", "POST", content=b"0000") == 415
        for encoding, content, wanted in (("br", b"0000", 415), ("gzip", b"0000", 422), ("gzip", bytes(9 << 20), 413)):
            headers = {**typed, "content-encoding": encoding}
            assert status("/git/git-upload-pack", "POST", content=content, headers=headers) == wanted, encoding
        head = http.head("/git/info/refs?service=git-upload-pack")
        assert (head.status_code, head.headers["content-type"], head.content) == (
            200, "application/x-git-upload-pack-advertisement", b"",
        )  # fmt: skip
    for path in (b"/git/../v1", b"/git/%2e%2e/HEAD", b"/git/./info/refs", b"/git//info/refs"):
        with socket.create_connection(kept._end) as raw:
            raw.sendall(b"GET %b HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n" % path)
            assert raw.recv(12) == b"HTTP/1.1 422", path
    with socket.create_connection(kept._end) as raw:
        raw.sendall(b"GET /git/info/refs?service=git-upload-pack HTTP/1.0\r\nhost: localhost\r\n\r\n")
        answer = b""
        while piece := raw.recv(1 << 16):
            answer += piece
    assert b"refs/heads/releases/support" in answer
    assert answer.endswith(b"0000")


def test_a_server_may_serve_no_clones(memory: LocalRegistry) -> None:
    with TestClient(create_app(memory), base_url="http://localhost", client=("127.0.0.1", 1)) as http:
        answer = http.get("/git/info/refs?service=git-upload-pack")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_who_clones_while_others_promote_has_one_moment_or_the_next(served: Served, tmp_path: Path) -> None:
    over = threading.Event()
    with closing(bootstrap.local_registry(served.home)) as other, ThreadPoolExecutor(3) as pool:

        def promote() -> None:
            while not over.is_set():
                for version in (1, 2, 3):
                    other.promote(ME, f"support@v{version}", "staging")

        def clone(name: str) -> None:
            git("clone", "-q", "--mirror", served.url(), name, at=tmp_path)

        moving = pool.submit(promote)
        try:
            for done in [pool.submit(clone, name) for name in "ab"]:
                done.result()
        finally:
            over.set()
        moving.result()
    for name in "ab":
        git("fsck", "--strict", "--no-dangling", at=tmp_path / name)
        assert len(said(tmp_path / name, "aliases/support/staging")) == int(
            said(tmp_path / name, "aliases/support/staging")[0]["Seq"]
        )


def test_after_a_purge_nobody_is_sent_what_went(served: Served, tmp_path: Path) -> None:
    git("clone", "-q", "--mirror", served.url(), "before", at=tmp_path)
    old = git("rev-parse", "releases/support", at=tmp_path / "before")
    served.registry.promote(ME, "support@v1", "staging")
    with ThreadPoolExecutor(2) as pool:
        during = [pool.submit(tried, "clone", "-q", "--mirror", served.url(), name, at=tmp_path) for name in "ab"]
        served.registry.purges.purge(ME, "support@v3", files=["prompts/main.md"], reason="a code")
        for name, done in zip("ab", [one.result() for one in during], strict=True):
            if done.returncode == 0:
                git("fsck", "--strict", "--no-dangling", at=tmp_path / name)
            else:
                assert re.search("remote: error|fatal: ", done.stderr), "it is told, and comes again"
    git("clone", "-q", "--mirror", served.url(), "after", at=tmp_path)
    git("fsck", "--strict", "--no-dangling", at=tmp_path / "after")
    assert tried("cat-file", "-e", old, at=tmp_path / "after").returncode != 0
    told = tried("fetch", served.url(), old, at=tmp_path / "after")
    assert (told.returncode != 0, f"not our ref {old}" in told.stderr) == (True, True)
    git("fetch", "-q", "--force", at=tmp_path / "before")
    assert git("for-each-ref", at=tmp_path / "before") == git("for-each-ref", at=tmp_path / "after")


def test_what_was_put_aside_is_not_shown(served: Served) -> None:
    commit = git("rev-parse", "refs/heads/main", at=served.repository)
    git("update-ref", "refs/quarantine/1/main", commit, at=served.repository)
    git("update-ref", "refs/tags/mine", commit, at=served.repository)
    git("config", "uploadpack.allowAnySHA1InWant", "true", at=served.repository)
    for version in (0, 2):
        assert not re.search("quarantine|tags", git("-c", f"protocol.version={version}", "ls-remote", served.url()))


def test_damage_is_refused_by_git_and_told(served: Served, tmp_path: Path, caplog: Any) -> None:
    blob = git("rev-parse", "refs/heads/releases/support:prompts/main.md", at=served.repository)
    overwrite(served.repository / "objects" / blob[:2] / blob[2:], b"damaged")
    done = tried("clone", "-q", served.url(), "clone", at=tmp_path)
    assert done.returncode != 0
    assert re.search(r"remote: .*(corrupt|bad|unable)", done.stderr), done.stderr
    assert not (tmp_path / "clone").exists()
    until(lambda: "git says: " in caplog.text)  # the client may have its answer before the log has the line
    assert git("ls-remote", served.url()), "the server goes on"
