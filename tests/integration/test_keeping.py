"""Backups, restores and places: whole or not at all, and never inside a registry."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.exc import OperationalError

from pinset import bootstrap
from pinset.bootstrap import making
from pinset.catalog import sqlite, writing
from pinset.errors import (
    AlreadyExists,
    Busy,
    Conflict,
    Integrity,
    InvalidInput,
    NoRegistry,
    NotFound,
    PinsetError,
    ReadOnly,
    Unavailable,
    UnknownFormat,
)
from pinset.gitstore import packing
from pinset.ports.registry import Caller
from pinset.services.local import LocalRegistry

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ME = Caller(actor="ada")


@pytest.fixture
def place(home: Path, manifest: Callable[..., dict[str, str]]) -> Path:
    """A registry whose production serves the second of two releases, and that knows a token."""
    with closing(bootstrap.local_registry(home)) as registry:
        registry.publish(ME, manifest(), alias="production")
        registry.publish(ME, manifest(words="Be brief."), alias="production")
        registry.create_token(ME, "ci", can="read")
    return home


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# -- there and back --------------------------------------------------------------------------------------------


def test_a_restored_registry_is_the_same_in_a_new_epoch(place: Path, tmp_path: Path) -> None:
    backup = bootstrap.backup_registry(place, tmp_path / "backups" / "monday")
    assert set(left(backup)) - {"lock"} == {"keys", "repository.git", "state.sqlite"}
    said = bootstrap.restore_registry(backup, tmp_path / "again")
    with closing(bootstrap.local_registry(place)) as old, closing(bootstrap.local_registry(tmp_path / "again")) as new:
        before = old.describe()
        assert (said["id"], said["epoch"], said["serial"]) == (before["id"], 2, before["serial"] + 1000)
        assert new.history("support")["items"] == old.history("support")["items"]
        assert new.release("support@v1")["content"] == old.release("support@v1")["content"]
        assert [token["name"] for token in new.tokens()["items"]] == ["ci"]
        assert new.verify()["problems"] == []
        number = new.publish(ME, {"release.yaml": "release: {feature: support, metadata: {a: b}, configs: {c: 1}}"})
        assert number["version"] == 3


@pytest.mark.parametrize("taken", ["file", "full folder", "dangling link"])
@pytest.mark.parametrize("verb", ["init", "backup", "restore"])
def test_what_is_there_is_never_written_over(place: Path, tmp_path: Path, verb: str, taken: str) -> None:
    source = bootstrap.backup_registry(place, tmp_path / "source")
    target = tmp_path / "target"
    if taken == "file":
        target.write_text("mine")
    elif taken == "full folder":
        target.mkdir()
        (target / "mine").touch()
    else:
        target.symlink_to(tmp_path / "nowhere")
    before = left(tmp_path)
    act: dict[str, Callable[[], Any]] = {
        "init": lambda: bootstrap.create_registry(target),
        "backup": lambda: bootstrap.backup_registry(place, target),
        "restore": lambda: bootstrap.restore_registry(source, target),
    }
    with pytest.raises(AlreadyExists) as refused:
        act[verb]()
    assert refused.value.hint
    assert left(tmp_path) == before


@pytest.mark.parametrize("where", ["registry/inside", "registry/repository.git/refs/heads/x", "registry/a/b"])
@pytest.mark.parametrize("verb", ["init", "backup", "restore"])
def test_nothing_is_made_inside_a_registry(place: Path, tmp_path: Path, verb: str, where: str) -> None:
    source = bootstrap.backup_registry(place, tmp_path / "source")
    before = sorted(place.rglob("*"))
    act: dict[str, Callable[[], Any]] = {
        "init": lambda: bootstrap.create_registry(tmp_path / where),
        "backup": lambda: bootstrap.backup_registry(place, tmp_path / where),
        "restore": lambda: bootstrap.restore_registry(source, tmp_path / where),
    }
    with pytest.raises(InvalidInput, match="inside a registry"):
        act[verb]()
    assert [path for path in sorted(place.rglob("*")) if path not in before and "state" not in path.name] == []


@pytest.mark.parametrize("verb", ["init", "backup", "restore"])
def test_a_path_through_a_file_is_refused(place: Path, tmp_path: Path, verb: str) -> None:
    source = bootstrap.backup_registry(place, tmp_path / "source")
    (tmp_path / "file").write_text("mine")
    act: dict[str, Callable[[], Any]] = {
        "init": lambda: bootstrap.create_registry(tmp_path / "file" / "x"),
        "backup": lambda: bootstrap.backup_registry(place, tmp_path / "file" / "x"),
        "restore": lambda: bootstrap.restore_registry(source, tmp_path / "file" / "x"),
    }
    with pytest.raises(InvalidInput, match="is not a directory"):
        act[verb]()


def test_a_folder_of_the_users_beside_a_registry_may_hold_another(tmp_path: Path) -> None:
    bootstrap.create_registry(tmp_path / "project" / ".pinset")
    bootstrap.create_registry(tmp_path / "project" / "other" / ".pinset")


def test_a_backup_settles_a_write_that_was_cut_off_first(
    place: Path, tmp_path: Path, manifest: Callable[..., dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Died(BaseException):
        """As a kill: nobody handles it."""

    with closing(bootstrap.local_registry(place)) as opened, closing(bootstrap.local_registry(place)) as dying:
        store = dying._context.store
        move = type(store).move

        def half(self: Any, moves: Any, **_: Any) -> None:
            move(self, moves[:1])
            raise Died

        with monkeypatch.context() as patch:
            patch.setattr(type(store), "move", half)
            with pytest.raises(Died):
                dying.publish(ME, manifest(words="Half."), alias="production")
        # It died after the backup had opened the registry: what opening settles is not seen here.
        monkeypatch.setattr(making, "local_registry", lambda *_args, **_named: opened)
        bootstrap.backup_registry(place, tmp_path / "backup")
    monkeypatch.undo()
    bootstrap.restore_registry(tmp_path / "backup", tmp_path / "again")
    with closing(bootstrap.local_registry(tmp_path / "again")) as new:
        assert new.alias("support", "production")["version"] == 3, "half a write is in the backup"


def test_a_backup_holds_no_answer_of_a_write_that_it_does_not_hold(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = Caller(actor="ada", key="late")

    def promote() -> None:
        with closing(bootstrap.local_registry(place)) as other:
            other.promote(late, "support@v1", "production")
            other.keep_answer(late, "late", request="x", status=200, body="{}", lifetime=10**12)

    writer = threading.Thread(target=promote)
    copy = LocalRegistry.backup_state

    def meanwhile(self: LocalRegistry, target: Path) -> None:
        writer.start()
        writer.join(1)  # it is done by now, unless it has to wait for its turn
        copy(self, target)

    monkeypatch.setattr(LocalRegistry, "backup_state", meanwhile)
    bootstrap.backup_registry(place, tmp_path / "backup")
    writer.join()
    bootstrap.restore_registry(tmp_path / "backup", tmp_path / "again")
    with closing(bootstrap.local_registry(tmp_path / "again")) as new:
        moved = new.alias("support", "production")["version"] == 1
        assert (new.kept_answer("late", "ada") is not None) <= moved


# -- damage ----------------------------------------------------------------------------------------------------


def lose_a_branch(backup: Path) -> None:
    (backup / "repository.git/refs/heads/releases/support").unlink()
    (backup / "repository.git/packed-refs").unlink(missing_ok=True)


def lose_an_object(backup: Path) -> None:
    largest = max((backup / "repository.git/objects").glob("??/*"), key=lambda path: path.stat().st_size)
    largest.unlink()


def spoil_the_state(backup: Path) -> None:
    (backup / "state.sqlite").write_bytes(b"garbage" * 1000)


@pytest.mark.parametrize("spoil", [lose_a_branch, lose_an_object, spoil_the_state])
def test_a_damaged_backup_is_not_restored(place: Path, tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    backup = bootstrap.backup_registry(place, tmp_path / "backup")
    spoil(backup)
    before = left(tmp_path)
    with pytest.raises(Integrity) as refused:
        bootstrap.restore_registry(backup, tmp_path / "deep" / "again")
    assert refused.value.hint
    assert ".again." not in refused.value.message
    assert left(tmp_path) == before


def test_a_damaged_registry_is_not_backed_up(place: Path, tmp_path: Path) -> None:
    lose_an_object(place)
    with pytest.raises(Integrity):
        bootstrap.backup_registry(place, tmp_path / "backup")
    assert left(tmp_path) == ["registry"]


def test_a_backup_that_is_none_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no backup"):
        bootstrap.restore_registry(tmp_path / "nothing", tmp_path / "again")


def test_a_damaged_state_is_named_and_found(place: Path) -> None:
    spoil_the_state(place)
    with closing(bootstrap.local_registry(place)) as registry:
        assert registry.summary("support@production")["version"] == 2
        with pytest.raises(Integrity, match="the state is damaged") as refused:
            registry.tokens()
        assert "reindex" not in refused.value.hint
        [problem] = registry.verify()["problems"]
    assert problem["what"] == refused.value.message


def test_a_registry_that_lost_its_repository_is_not_made_anew(place: Path) -> None:
    shutil.rmtree(place / "repository.git")
    (place / "state.sqlite").unlink()
    with pytest.raises(Integrity, match=r"lost its repository\.git"):
        bootstrap.local_registry(place)


def test_a_registry_of_a_later_format_is_not_read(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later = place.parent / "later"
    with monkeypatch.context() as patch:
        patch.setattr("pinset.domain.records.releases.FORMAT", 99)
        bootstrap.create_registry(later)
    for path in later.glob("catalog*"):
        path.unlink()
    with pytest.raises(UnknownFormat):
        bootstrap.local_registry(later)


def test_writers_go_on_while_a_registry_is_proven(place: Path) -> None:
    with closing(bootstrap.local_registry(place)) as registry:
        told: list[Any] = []

        class Meanwhile:
            def step(self, what: str, done: int, total: int | None = None) -> None:
                if what == "commits" and done < 4:
                    told.append(registry.promote(ME, f"support@v{done % 2 + 1}", "staging"))

        commits = registry.describe()["serial"]
        proven = registry.verify(progress=Meanwhile())
        assert (proven["ok"], proven["commits"]) == (True, commits), proven["problems"]
        assert [move["seq"] for move in told] == [1, 2, 3]
        assert registry.verify()["commits"] == commits + 3


def test_a_backup_is_not_made_while_what_it_copies_moves_into_packs(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "_PACKING_SECONDS", 0.1)
    with packing.alone(place / "repository.git"), pytest.raises(Busy, match="being packed"):
        bootstrap.backup_registry(place, tmp_path / "backup")
    assert left(tmp_path) == ["registry"]
    (place / "repository.git/objects/pack/.tmp-1-pack-a.pack").touch()
    (place / "repository.git/packed-refs.new").touch()
    backup = bootstrap.backup_registry(place, tmp_path / "backup")
    assert [path.name for path in backup.rglob("*") if "tmp" in path.name or path.suffix == ".new"] == []


@pytest.mark.parametrize("name", ["packed-refs.lock", "packed-refs.new"])
def test_a_lock_that_a_dead_git_left_does_not_stop_packing(place: Path, name: str) -> None:
    lock = place / "repository.git" / name
    lock.touch()
    os.utime(lock, (lock.stat().st_mtime - 1,) * 2)
    with closing(bootstrap.local_registry(place)) as registry:
        registry.gc()
        assert not lock.exists()
        assert registry.verify()["ok"]


def test_a_registry_that_is_gone_says_so(place: Path) -> None:
    with closing(bootstrap.local_registry(place)) as registry:
        registry.bundle("support")
        shutil.rmtree(place)
        with pytest.raises(Unavailable, match="is gone"):
            registry.bundle("support")
    with pytest.raises(NoRegistry):
        bootstrap.local_registry(place)


# -- a write that is made and cannot be shown ------------------------------------------------------------------


def test_a_write_that_the_catalog_cannot_take_says_that_it_is_made(
    place: Path, manifest: Callable[..., dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    caller = Caller(actor="ada", key="again")
    with closing(bootstrap.local_registry(place)) as registry:
        with monkeypatch.context() as patch:
            patch.setattr(writing, "apply", full)
            with pytest.raises(Unavailable, match="the write is made") as told:
                registry.publish(caller, manifest(words="Full."), alias="production")
            assert told.value.details["made"] is True
            assert "do not repeat it" in told.value.hint
            with closing(bootstrap.local_registry(place)) as reader:
                assert reader.summary("support@production")["version"] == 2, "reading goes on with what was before"
            with pytest.raises(PinsetError):
                registry.publish(ME, manifest(words="Another."))
        answer = registry.publish(caller, manifest(words="Full."), alias="production")
        assert (answer["version"], answer["operation"]) == (3, told.value.details["operation"])
        assert registry.summary("support@production")["version"] == 3
        assert registry.verify()["ok"]


def test_numbers_of_versions_end(place: Path, manifest: Callable[..., dict[str, str]]) -> None:
    with closing(bootstrap.local_registry(place)) as registry:
        for number in (0, -5, 1_000_000_000):
            with pytest.raises(InvalidInput, match="cannot be the number"):
                registry.publish(ME, manifest(words="New."), number=number)
            with pytest.raises(InvalidInput, match="cannot be the number"):
                registry.publish_component(ME, "prompts", "tone", {"t.md": "a"}, number=number)
        assert registry.publish(ME, manifest(words="Last."), number=999_999_999)["version"] == 999_999_999
        with pytest.raises(Conflict, match="the highest number"):
            registry.publish(ME, manifest(words="One more."))
        assert registry.promote(ME, "support@v999999999", "production")["to"] == 999_999_999


def test_words_have_a_limit_and_a_cursor_is_one_that_a_page_gave(place: Path) -> None:
    with closing(bootstrap.local_registry(place)) as registry:
        registry.promote(ME, "support@v1", "staging", reason="a" * 10_000)
        with pytest.raises(InvalidInput, match="at most 10,000 characters"):
            registry.promote(ME, "support@v2", "staging", reason="a" * 10_001)
        with pytest.raises(InvalidInput, match="is not a cursor"):
            registry.bundles(cursor="No Such")


def test_a_catalog_that_is_in_place_and_cannot_be_made_durable_stays(
    place: Path, manifest: Callable[..., dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_path: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with closing(bootstrap.local_registry(place)) as registry:
        before = registry.describe()
        with monkeypatch.context() as patch:
            patch.setattr(sqlite, "sync", failing)
            with pytest.raises(ReadOnly):
                registry.reindex()
        assert registry._context.catalog.usable()
        assert registry.describe() == before
        registry.publish(ME, manifest(words="More."))
        assert registry.verify()["problems"] == []
