"""The history of a path in git: which commits are versions, under which names, and what cannot come in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from repositories import BEGIN, History, git

from pinset.domain.exchange.incoming import THERE, Incoming
from pinset.errors import InvalidInput, NotFound, PermissionDenied, PinsetError, TooLarge, Unavailable
from pinset.importing import engine, gitting
from pinset.importing.sources.git import GitSource
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from pathlib import Path

    from pinset.services.local import LocalRegistry

MANIFEST = "release:\n  feature: support\n  prompt: {text: '%s'}\n"


def read(repository: Path | str, path: str, ref: str | None = None, known: Any = None) -> list[Incoming]:
    with gitting.opened(str(repository), ref) as found:
        source = GitSource(found, path)
        source.resume(known or (lambda _name, _origin: False))
        return list(source.versions())


def bundle(text: str, folder: str = "support", **more: str) -> dict[str, str]:
    return {f"{folder}/release.yaml": MANIFEST % text, **{f"{folder}/{path}": said for path, said in more.items()}}


def test_only_commits_that_changed_the_path_are_versions(tmp_path: Path) -> None:
    history = History()
    for text in ("one", "one", "two"):
        history.add(bundle(text) | {"other.txt": f"{len(history.commits)}"}, message=f"Say {text}\n\nWhy.")
    repository = history.write(tmp_path / "r.git")
    first, second = read(repository, "support")
    commits = git(repository, "rev-list", "--reverse", "main").split()
    assert first.taken.files == {"release.yaml": MANIFEST % "one"}
    assert (first.name, first.label) == ("support", f"2023-11-14-{commits[0][:10]}")
    assert (first.at, first.authors) == ((BEGIN + 60) * 1_000_000, ("Ada Lovelace <ada@example.com>",))
    assert (second.message, second.source["commit"]) == ("Say two\n\nWhy.", commits[2])
    assert second.origin.endswith(f"/r.git/support@{commits[2]}")


def test_a_renamed_folder_and_a_renamed_file_are_followed(tmp_path: Path) -> None:
    words = "".join(f"Line {number} says {{{{x}}}}.\n" for number in range(30))
    history = History()
    history.add(bundle("one", "a", **{"long.md": words}))
    history.add(bundle("two", "a", **{"long.md": words}))
    history.add(bundle("two", "b/c", **{"long.md": words}))
    history.add(bundle("three", "b/c", **{"long.md": words + "More.\n"}))
    repository = history.write(tmp_path / "r.git")
    assert [one.source["path"] for one in read(repository, "b/c")] == ["a", "a", "b/c"]
    file = read(repository, "b/c/long.md")
    assert [one.source["path"] for one in file] == ["a/long.md", "b/c/long.md"]
    assert {one.name for one in file} == {"long"}


def test_a_merge_is_one_version_and_names_who_wrote_it(tmp_path: Path) -> None:
    history = History()
    base = history.add(bundle("one"))
    side = base
    for number in range(2):
        side = history.add(
            bundle(f"side {number}"), author=f"Zoe {number} <z{number}@example.com>", branch="side", parents=(side,)
        )
    trunk = history.add(bundle("one") | {"other": "x"}, parents=(base,))
    history.add(bundle("side 1") | {"other": "x"}, message="Merge side", parents=(trunk, side))
    first, merged = read(history.write(tmp_path / "r.git"), "support")
    assert first.authors == ("Ada Lovelace <ada@example.com>",)
    assert merged.message == "Merge side"
    assert merged.authors == ("Zoe 1 <z1@example.com>", "Zoe 0 <z0@example.com>")


def test_what_was_deleted_is_told_with_the_next_version_or_the_last(tmp_path: Path) -> None:
    history = History()
    for files in (bundle("one"), {"x": "1"}, bundle("one"), {"x": "2"}):
        history.add(files)
    first, second = read(history.write(tmp_path / "r.git"), "support")
    assert not first.taken.lost
    assert ["deleted" in lost.why for lost in second.taken.lost] == [True, True]


def test_a_state_that_cannot_be_read_is_told_and_the_others_come_in(tmp_path: Path, memory: LocalRegistry) -> None:
    history = History()
    history.add(bundle("one"))
    history.add({"support/release.yaml": b"\xff\xfe"})
    history.add({"support/release.yaml": "x" * (1 << 20) + "y"})
    history.add(bundle("two") | {"support/logo.png": b"\x89PNG\xff", "support/.hidden": "no"})
    repository = history.write(tmp_path / "r.git")
    states = read(repository, "support")
    assert [type(one.problem) for one in states] == [type(None), InvalidInput, TooLarge, type(None)]
    assert [lost.what for lost in states[-1].taken.lost] == ["logo.png"]
    with gitting.opened(str(repository), None) as found:
        report = engine.run(memory, Caller(actor="ada"), GitSource(found, "support"))
    assert (report.versions["created"], report.versions["refused"], report.status) == (2, 2, 5)
    with gitting.opened(str(repository), None) as found:
        again = engine.run(memory, Caller(actor="ada"), GitSource(found, "support"))
    assert (again.versions["created"], again.versions["already"], again.lost) == (0, 2, 0)


@pytest.mark.parametrize(
    ("people", "label"),
    [
        ("author A <a@x> 5 +0000\ncommitter C <c@x> 99999999999999999999999 +0000", "1970-01-01"),
        ("author A <a@x> 5 +0000\ncommitter C <c@x> -86400 +0000", "1969-12-31"),
        ("author \ncommitter ", "1970-01-01"),
        ("author A <a@x> 5 +0000\ncommitter C <c@x> 5 +0000\nencoding undefined", "1970-01-01"),
        ("author A <a@x> 5 +0000\ncommitter C <c@x> 5 +0000\nencoding hex", "1970-01-01"),
    ],
)
def test_a_commit_may_claim_what_it_likes(tmp_path: Path, memory: LocalRegistry, people: str, label: str) -> None:
    history = History()
    history.add(bundle("one"))
    repository = history.write(tmp_path / "r.git")
    written = f"tree {git(repository, 'rev-parse', 'main^{tree}').strip()}\n{people}\n\nBundle: other\n".encode()
    (tmp_path / "commit").write_bytes(written + b"\xff\x1b[31m\n")
    made = git(repository, "hash-object", "-t", "commit", "-w", "--literally", str(tmp_path / "commit")).strip()
    (one,) = read(repository, "support", made)
    assert (one.label or "").startswith(label)
    with gitting.opened(str(repository), made) as found:
        assert engine.run(memory, Caller(actor="ada"), GitSource(found, "support")).status == 0
    assert memory.summary("support@v1")["message"].startswith("Bundle: other\n")
    assert memory.verify()["ok"]


def test_links_and_submodules_are_not_followed(tmp_path: Path) -> None:
    history = History()
    history.add(bundle("one"))
    history.commits[0] += b"M 120000 inline support/link.md\ndata 11\n/etc/passwd\n"
    history.commits[0] += b"M 160000 " + b"a" * 40 + b" support/module\n"
    repository = history.write(tmp_path / "r.git")
    (one,) = read(repository, "support")
    assert sorted(lost.what for lost in one.taken.lost) == ["link.md", "module"]
    assert set(one.taken.files) == {"release.yaml"}
    (alone,) = read(repository, "support/link.md")
    assert alone.problem is not None
    assert "symbolic link" in alone.problem.message


def test_a_file_of_a_format_brings_what_it_includes(tmp_path: Path) -> None:
    history = History()
    history.add({"p/greet.prompt": "---\nmodel: a/b-2025-01-01\n---\n{{> tone}} {{x}}", "p/_tone.prompt": "Be kind."})
    (one,) = read(history.write(tmp_path / "r.git"), "p/greet.prompt")
    assert one.name == "greet"
    assert one.taken.files["prompts/default.md"] == "Be kind. {{x}}"


def test_a_clone_without_contents_fetches_those_that_are_wanted(tmp_path: Path) -> None:
    history = History()
    for text in ("one", "two"):
        history.add(bundle(text) | {"big.bin": text * 5000})
    repository = history.write(tmp_path / "r.git")
    for setting in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
        git(repository, "config", setting, "true")
    address = repository.as_uri()
    with gitting.opened(address, "main") as found:
        assert found.lacks
        source = GitSource(found, "support")
        assert [one.taken.files["release.yaml"] for one in source.versions()] == [MANIFEST % "one", MANIFEST % "two"]
        missing = [
            line for line in found.run("rev-list", "--objects", "--missing=print", "main").split() if line[0] == "?"
        ]
        assert len(missing) == 2, "what lies elsewhere was never fetched"
        folder = found.folder
    assert not folder.exists()


def test_a_clone_without_contents_follows_a_rename_that_changed_a_file(tmp_path: Path) -> None:
    """What tells that is in the contents, which are fetched for it."""
    words = "".join(f"Line {number} says {{{{x}}}}.\n" for number in range(30))
    history = History()
    history.add({"old/a.md": words, "b.md": "gone"})
    history.add({"new/a.md": words + "More.\n", "c.md": "made"})
    repository = history.write(tmp_path / "r.git")
    for setting in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
        git(repository, "config", setting, "true")
    assert [one.source["path"] for one in read(repository.as_uri(), "new")] == ["old", "new"]


def test_what_is_known_is_not_read_again(tmp_path: Path) -> None:
    history = History()
    for text in ("one", "two"):
        history.add(bundle(text))
    repository = history.write(tmp_path / "r.git")
    first = read(repository, "support")[0].origin
    states = read(repository, "support", known=lambda name, origin: (name, origin) == ("support", first))
    assert [one.taken is THERE for one in states] == [True, False]


@pytest.mark.parametrize(
    ("where", "path", "ref", "kind", "said"),
    [
        ("{r}", "nothing", None, NotFound, "no commit of"),
        ("{r}", "../x", None, InvalidInput, "no path"),
        ("{r}", "support", "other", NotFound, "other"),
        ("{r}", "support", "--output=x", InvalidInput, "--output=x"),
        ("{r}x", "support", None, NotFound, "no repository"),
        ("http://localhost/x", "support", None, InvalidInput, "by http"),
        ("ext::sh -c touch% /tmp/x", "support", None, NotFound, "no repository"),
        ("git://localhost/x", "support", None, InvalidInput, "by git"),
        ("--upload-pack=x:y", "support", None, PinsetError, "no repository"),
        ("file:///nowhere/at/all", "support", None, Unavailable, "cannot be cloned"),
    ],
)
def test_what_cannot_be_read_says_why(
    where: str, path: str, ref: str | None, kind: type[PinsetError], said: str, tmp_path: Path
) -> None:
    history = History()
    history.add(bundle("one"))
    repository = history.write(tmp_path / "r.git")
    with pytest.raises(kind, match=said) as error:
        read(where.replace("{r}", str(repository)), path, ref)
    assert error.value.hint


def test_nothing_of_the_repositorys_configuration_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = History()
    history.add(bundle("one"))
    history.add(bundle("two"))
    repository = history.write(tmp_path / "r.git")
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    program.chmod(0o755)
    for setting in ("core.fsmonitor", "diff.external", "core.pager", "core.sshCommand", "core.askPass", "gpg.program"):
        git(repository, "config", setting, str(program))
    git(repository, "config", "log.showSignature", "true")
    monkeypatch.setenv("GIT_SSH_COMMAND", str(program))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert len(read(repository, "support")) == 2
    assert not (tmp_path / "ran").exists()


def test_a_repository_of_another_user_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = History()
    history.add(bundle("one"))
    repository = history.write(tmp_path / "r.git")
    monkeypatch.setattr("os.geteuid", lambda: 12345)
    with pytest.raises(PermissionDenied, match="another user"):
        read(repository, "support")


def test_a_repository_of_longer_ids_is_read_too(tmp_path: Path) -> None:
    repository = tmp_path / "r.git"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "--object-format=sha256", str(repository))
    history = History()
    history.add(bundle("one", **{"deep.md": "x"}) | {"support/more/a.md": "y"})
    (one,) = read(history.write(repository), "support")
    assert set(one.taken.files) == {"release.yaml", "deep.md", "more/a.md"}
    assert len(one.source["commit"]) == 64
