"""A registry out of a plain git clone: whole, proven and in a new epoch, or not at all and with the reason."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from pinset import bootstrap
from pinset.errors import AlreadyExists, Integrity, InvalidInput, NotFound, PermissionDenied, PinsetError, UnknownFormat
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ME = Caller(actor="ada")
MANIFEST = """\
release:
  feature: support
  model: {{provider: vendor-x, name: foundation-large, pinned_version: "2025-02-01", temperature: 0.2}}
  prompt: {{text: "Summarize {{{{ticket}}}}. {words}"}}
"""


def git(*words: str | Path, at: Path | None = None) -> str:
    whose = ["-c", "user.name=ada", "-c", "user.email=ada@example.org", "-c", "protocol.file.allow=always"]
    done = subprocess.run(["git", *whose, *map(str, words)], cwd=at, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry with everything in it: releases, a component, moves, a rollback, a yank, a token."""
    home = tmp_path_factory.mktemp("template") / "registry"
    bootstrap.create_registry(home)
    with closing(bootstrap.local_registry(home)) as registry:
        registry.publish_component(ME, "prompts", "tone", {"tone.md": "Be kind."})
        registry.publish(ME, release(""), alias="production")
        registry.publish(ME, release("Be brief."), alias="production")
        registry.rollback(ME, "support", "production", serving="v2")
        registry.yank(ME, "support@v2", reason="leaks")
        registry.create_token(ME, "ci", can="read")
    return home


@pytest.fixture
def origin(template: Path, tmp_path: Path) -> Path:
    """The repository of a registry of its own."""
    shutil.copytree(template, tmp_path / "registry", symlinks=True)
    return tmp_path / "registry" / "repository.git"


def release(words: str) -> dict[str, str]:
    return {"release.yaml": MANIFEST.format(words=words)}


def plain(origin: Path, to: Path) -> Path:
    git("clone", "-q", origin, to)
    return to


def mirrored(origin: Path, to: Path) -> Path:
    git("clone", "-q", "--mirror", origin, to)
    return to


def bare(origin: Path, to: Path) -> Path:
    git("clone", "-q", "--bare", f"file://{origin}", to)
    return to


def under_another_name(origin: Path, to: Path) -> Path:
    git("clone", "-q", "-o", "backup", origin, to)
    return to


def apart(origin: Path, to: Path) -> Path:
    git("clone", "-q", f"--separate-git-dir={to}.git", origin, to)
    return to


def with_a_work_tree(origin: Path, to: Path) -> Path:
    git("clone", "-q", origin, f"{to}-main")
    git("worktree", "add", "-q", "--detach", to, at=to.with_name(f"{to.name}-main"))
    return to


def sharing(origin: Path, to: Path) -> Path:
    git("clone", "-q", "--shared", origin, to)
    return to


def packed(origin: Path, to: Path) -> Path:
    git("clone", "-q", f"file://{origin}", to)
    git("gc", "-q", "--prune=now", at=to)
    return to


def fetched_later(origin: Path, to: Path) -> Path:
    """Its own main and its own copy of an alias's branch stay where they were when it was cloned."""
    plain(origin, to)
    git("branch", "-q", "aliases/support/production", "origin/aliases/support/production~1", at=to)
    git("branch", "-q", "aside", at=to)
    git("tag", "mine", at=to)
    return to


WHOLE = [plain, mirrored, bare, under_another_name, apart, with_a_work_tree, sharing, packed, fetched_later]


def everything(registry: Any) -> Any:
    return {
        "history": registry.history("support")["items"],
        "releases": registry.releases("support")["items"],
        "content": [registry.release(f"support@v{n}")["content"] for n in (1, 2)],
        "production": {**registry.release("support@production"), "epoch": None},
        "components": registry.components()["items"],
    }


@pytest.mark.parametrize("cloned", WHOLE)
def test_the_whole_history_of_a_clone_is_kept_in_a_new_epoch(
    origin: Path, tmp_path: Path, cloned: Callable[[Path, Path], Path]
) -> None:
    clone = cloned(origin, tmp_path / "clone")
    said = bootstrap.clone_registry(clone, tmp_path / "again")
    shutil.rmtree(clone)  # nothing of it is needed any more
    tips = git("for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", at=origin).splitlines()
    made = git("for-each-ref", "--format=%(objectname) %(refname)", at=tmp_path / "again/repository.git").splitlines()
    assert [line for line in made if "/main" not in line] == [line for line in tips if "/main" not in line]
    with (
        closing(bootstrap.local_registry(origin.parent)) as old,
        closing(bootstrap.local_registry(tmp_path / "again")) as new,
    ):
        before = old.describe()
        assert (said["id"], said["epoch"], said["serial"]) == (before["id"], 2, before["serial"] + 1000)
        assert everything(new) == everything(old)
        assert new.tokens()["items"] == []
        assert new.publish(ME, release("Later."))["version"] == 3
        assert new.verify()["problems"] == []
        new.gc()
        assert new.verify()["problems"] == []
    again = plain(tmp_path / "again/repository.git", tmp_path / "second")
    assert bootstrap.clone_registry(again, tmp_path / "third")["epoch"] == 3


# -- what is no whole clone of a registry ------------------------------------------------------------------------


def shallow(origin: Path, to: Path) -> None:
    git("clone", "-q", "--depth=1", "--no-single-branch", f"file://{origin}", to)


def partial(origin: Path, to: Path) -> None:
    git("config", "uploadpack.allowFilter", "true", at=origin)
    git("clone", "-q", "--filter=blob:none", f"file://{origin}", to)


def one_branch(origin: Path, to: Path) -> None:
    git("clone", "-q", "--single-branch", f"file://{origin}", to)


def one_branch_bare(origin: Path, to: Path) -> None:
    git("clone", "-q", "--bare", "--single-branch", f"file://{origin}", to)


def without_a_branch(origin: Path, to: Path) -> None:
    mirrored(origin, to)
    git("update-ref", "-d", "refs/heads/aliases/support/production", at=to)


def without_main(origin: Path, to: Path) -> None:
    mirrored(origin, to)
    git("update-ref", "-d", "refs/heads/main", at=to)


def with_own_commits(origin: Path, to: Path) -> None:
    plain(origin, to)
    git("commit", "-q", "--allow-empty", "-m", "mine", at=to)


def with_a_branch_the_origin_lost(origin: Path, to: Path) -> None:
    plain(origin, to)
    git("branch", "-q", "releases/support", "origin/releases/support", at=to)
    git("update-ref", "-d", "refs/remotes/origin/releases/support", at=to)


def with_a_branch_of_its_own(origin: Path, to: Path) -> None:
    mirrored(origin, to)
    git("branch", "-q", "try", "main", at=to)


def with_a_lost_object(origin: Path, to: Path) -> None:
    mirrored(origin, to)
    max((to / "objects").glob("??/*"), key=lambda path: path.stat().st_size).unlink()


def with_a_flipped_object(origin: Path, to: Path) -> None:
    mirrored(origin, to)
    path = max((to / "objects").glob("??/*"), key=lambda path: path.stat().st_size)
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.unlink()  # it may be a link to the registry's own
    path.write_bytes(data)


def with_a_flipped_pack(origin: Path, to: Path) -> None:
    git("clone", "-q", "--mirror", f"file://{origin}", to)
    [pack] = (to / "objects/pack").glob("*.pack")
    pack.chmod(0o644)
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 1
    pack.write_bytes(data)


def with_refs_cut_off(origin: Path, to: Path) -> None:
    packed(origin, to)
    (to / ".git/packed-refs").write_bytes(b"")


def with_refs_of_zeros(origin: Path, to: Path) -> None:
    mirrored(origin, to)
    (to / "packed-refs").write_bytes(b"\0" * (to / "packed-refs").stat().st_size)


def with_a_damaged_ref(origin: Path, to: Path) -> None:
    mirrored(origin, to)
    (to / "refs/heads/aliases/support").mkdir(parents=True, exist_ok=True)
    (to / "refs/heads/aliases/support/production").write_bytes(b"")


def forged(origin: Path, to: Path) -> None:
    """Sound for git, and not what the registry wrote: a release on top with another's message."""
    mirrored(origin, to)
    tip = git("rev-parse", "refs/heads/releases/support", at=to)
    text = git("log", "-1", "--format=%B", tip, at=to)
    new = git("commit-tree", "-p", tip, "-m", text, f"{tip}^{{tree}}", at=to)
    git("update-ref", "refs/heads/releases/support", new, at=to)


def of_something_else(origin: Path, to: Path) -> None:
    git("init", "-q", "-b", "main", to)
    git("commit", "-q", "--allow-empty", "-m", "mine", at=to)


def of_nothing(origin: Path, to: Path) -> None:
    git("init", "-q", "--bare", "-b", "main", to)


def a_folder(origin: Path, to: Path) -> None:
    to.mkdir()


def with_other_ids(origin: Path, to: Path) -> None:
    git("init", "-q", "--bare", "--object-format=sha256", to)


def anothers(origin: Path, to: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a directory to another user")
    mirrored(origin, to)
    os.chown(to, 65534, 65534)


BROKEN: list[tuple[Callable[[Path, Path], None], type[PinsetError], str]] = [
    (shallow, Integrity, "shallow"),
    (partial, Integrity, "partial"),
    (one_branch, Integrity, "single_branch"),
    (one_branch_bare, Integrity, "only_main"),
    (without_a_branch, Integrity, "not_whole"),
    (without_main, InvalidInput, "no_main"),
    (with_own_commits, Integrity, "own_commits"),
    (with_a_branch_the_origin_lost, Integrity, "own_commits"),
    (with_a_branch_of_its_own, InvalidInput, "strange_branch"),
    (with_a_lost_object, Integrity, "damaged"),
    (with_a_flipped_object, Integrity, "damaged"),
    (with_a_flipped_pack, Integrity, "damaged"),
    (with_refs_cut_off, Integrity, "damaged"),
    (with_refs_of_zeros, Integrity, "damaged"),
    (with_a_damaged_ref, Integrity, "damaged"),
    (forged, Integrity, "not_whole"),
    (of_something_else, InvalidInput, "no_registry"),
    (of_nothing, InvalidInput, "no_main"),
    (a_folder, NotFound, "no_clone"),
    (with_other_ids, UnknownFormat, "object_format"),
    (anothers, PermissionDenied, "owner"),
]


@pytest.mark.parametrize(("spoiled", "error", "reason"), BROKEN, ids=lambda one: getattr(one, "__name__", None))
def test_what_is_no_whole_clone_makes_no_registry_and_says_why(
    origin: Path, tmp_path: Path, spoiled: Callable[[Path, Path], None], error: type[PinsetError], reason: str
) -> None:
    spoiled(origin, tmp_path / "clone")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(error) as refused:
        bootstrap.clone_registry(tmp_path / "clone", tmp_path / "deep" / "again")
    assert type(refused.value) is error
    assert refused.value.details["reason"] == reason
    assert refused.value.hint
    assert ".again." not in refused.value.message
    assert sorted(tmp_path.rglob("*")) == before


def test_a_registry_a_backup_and_an_address_are_no_clones(origin: Path, tmp_path: Path) -> None:
    backup = bootstrap.backup_registry(origin.parent, tmp_path / "backup")
    for source in (origin, origin.parent, backup, backup / "repository.git"):
        with pytest.raises(InvalidInput) as refused:
            bootstrap.clone_registry(source, tmp_path / "again")
        assert refused.value.details == {"reason": "registry"}
        assert "pinset restore" in refused.value.hint
    for address in ("https://example.org/registry.git", "git@example.org:registry.git"):
        with pytest.raises(InvalidInput) as refused:
            bootstrap.clone_registry(type(tmp_path)(address), tmp_path / "again")
        assert refused.value.details == {"reason": "address"}
        assert "git clone --mirror" in refused.value.hint
    assert not (tmp_path / "again").exists()


def test_what_is_there_is_not_written_over_by_a_clone(origin: Path, tmp_path: Path) -> None:
    clone = mirrored(origin, tmp_path / "clone")
    with pytest.raises(AlreadyExists):
        bootstrap.clone_registry(clone, origin.parent)
    with pytest.raises(InvalidInput):
        bootstrap.clone_registry(clone, origin.parent / "again")
