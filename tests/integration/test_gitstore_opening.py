"""Which repositories the store makes and opens, and which it refuses."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from gitstores import RELEASES, git, publish

from pinset.errors import (
    AlreadyExists,
    Integrity,
    NoRegistry,
    PermissionDenied,
    UnknownFormat,
)
from pinset.gitstore import GitStore

if TYPE_CHECKING:
    from pathlib import Path


def test_create_makes_what_is_promised(store: GitStore, path: Path) -> None:
    assert len([d for d in (path / "objects").iterdir() if len(d.name) == 2]) == 256
    assert (path / "refs/heads/components/guardrails").is_dir()
    assert not list((path / "hooks").iterdir())
    assert git(path, "config", "gc.auto") == "0"
    assert git(path, "rev-parse", "--is-bare-repository", "--show-object-format") == "true\nsha1"
    with pytest.raises(AlreadyExists):
        GitStore.create(path)


def test_open_refuses_what_is_missing_or_broken(tmp_path: Path, store: GitStore, path: Path) -> None:
    with pytest.raises(NoRegistry):
        GitStore.open(tmp_path / "none" / "repository.git")
    (path / "HEAD").unlink()
    with pytest.raises(Integrity):
        GitStore.open(path)


@pytest.mark.parametrize(
    ("more", "setting"),
    [
        ("[extensions]\n\tobjectFormat = sha256\n", "extensions.objectformat"),
        ("[extensions]\n\trefstorage = reftable\n", "extensions.refstorage"),
        ("[extensions]\n\tpartialClone = origin\n", "extensions.partialclone"),
        ('[remote "origin"]\n\tpromisor = true\n', "remote.promisor"),
        ("[extensions]\n\tfuture = 1\n", "extensions.future"),
        ("[core]\n\trepositoryformatversion = 2\n", "core.repositoryformatversion"),
        ("[core]\n\tbare = false\n", "core.bare"),
        ('[include]\n\tpath = "other"\n', "include."),
        ('[includeIf "gitdir:/"] path = x\n', "includeif."),
    ],
)
def test_open_refuses_formats_that_cannot_be_read(store: GitStore, path: Path, more: str, setting: str) -> None:
    with (path / "config").open("a") as file:
        file.write(more)
    with pytest.raises(UnknownFormat) as caught:
        GitStore.open(path)
    assert caught.value.details == {"setting": setting}


def test_open_refuses_a_real_sha256_repository(path: Path) -> None:
    subprocess.run(["git", "init", "--bare", "--object-format=sha256", str(path)], check=True, capture_output=True)
    with pytest.raises(UnknownFormat) as caught:
        GitStore.open(path)
    assert caught.value.details == {"setting": "extensions.objectformat"}


def test_open_takes_a_plain_mirror_clone_and_refuses_one_with_alternates(
    store: GitStore, path: Path, tmp_path: Path
) -> None:
    first = publish(store)
    for name, option in (("whole", "--no-hardlinks"), ("shared", "--shared")):
        target = tmp_path / name / "repository.git"
        subprocess.run(["git", "clone", "--mirror", option, str(path), str(target)], check=True, capture_output=True)
    clone = GitStore.open(tmp_path / "whole" / "repository.git")
    assert clone.refs() == {RELEASES: first.commit}
    publish(clone, 2)
    clone.close()
    with pytest.raises(Integrity) as caught:
        GitStore.open(tmp_path / "shared" / "repository.git")
    assert caught.value.details == {"file": "objects/info/alternates"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_open_refuses_another_users_registry(store: GitStore, path: Path) -> None:
    os.chown(path, 12345, 12345)
    with pytest.raises(PermissionDenied) as caught:
        GitStore.open(path)
    assert "chown" in caught.value.hint


def test_modules_in_the_registry_directory_are_not_imported(store: GitStore, path: Path) -> None:
    (path.parent / "json.py").write_text("raise SystemExit(3)\n")
    (path.parent / "pygit2.py").write_text("raise SystemExit(3)\n")
    publish(store)
