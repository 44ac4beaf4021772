"""Whoever moves a branch behind the registry's back is noticed, named, not served, and put aside."""

from __future__ import annotations

import logging
import shutil
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from pinset import bootstrap
from pinset.domain import keys as k
from pinset.domain.commits import parse_raw, signed
from pinset.errors import Integrity, ReadOnly, Unavailable
from pinset.gitstore.objects import make
from pinset.ports.registry import Caller
from pinset.services import foreign, maintenance
from pinset.services.foreign import Watcher
from pinset.signing import make_private

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pinset.services.local import LocalRegistry
    from pinset.signing import PrivateKey

ME = Caller(actor="ada")
ALIAS = "refs/heads/aliases/b/production"
RELEASES = "refs/heads/releases/b"


def files(text: str) -> dict[str, str]:
    lines = f"release:\n  feature: b\n  model: {{name: m, pinned_version: '1'}}\n  prompt: {{text: '{text}'}}\n"
    return {"release.yaml": lines}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two releases, both served once, and one yanked."""
    there = tmp_path_factory.mktemp("made")
    bootstrap.create_registry(there / ".pinset")
    with closing(bootstrap.local_registry(there)) as registry:
        registry.publish(ME, files("One."), alias="production")
        registry.publish(ME, files("Two."), alias="production")
        registry.yank(ME, "b@v1", reason="old")
    return there


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made / ".pinset", tmp_path / ".pinset", symlinks=True)
    return tmp_path


@pytest.fixture
def registry(home: Path) -> Iterator[LocalRegistry]:
    with closing(bootstrap.local_registry(home)) as made:
        yield made


def git(home: Path, *words: str, given: str | None = None) -> str:
    command = ["git", "-c", "user.name=Mallory", "-c", "user.email=m@x", *words]
    where = home / ".pinset" / "repository.git"
    done = subprocess.run(command, cwd=where, input=given, check=True, capture_output=True, text=True)
    return done.stdout.removesuffix("\n")


def forged(home: Path, ref: str, *, key: bool = False) -> str:
    """A commit like the registry's next one on a branch, unsigned or signed with a key of one's own."""
    tip = git(home, "cat-file", "commit", ref) + "\n"
    raw, at = parse_raw(tip), git(home, "rev-parse", ref)
    head, _, message = raw.unsigned.partition("\n\n")
    lines = [line for line in head.split("\n") if not line.startswith("parent ")]
    parents = [f"parent {each}" for each in (at, *raw.parents[1:])]
    text = "\n".join([lines[0], *parents, *lines[1:]]) + "\n\n" + message.replace("Serial: ", "Serial: 9")
    payload = text.encode()
    whole = signed(payload, make_private().sign(payload, k.COMMITS)).decode() if key else text
    return git(home, "hash-object", "-t", "commit", "-w", "--stdin", given=whole)


def pushes(home: Path) -> dict[str, tuple[str, str | None]]:
    """What others can do to the branches with git: which one, and where it is then."""
    return {
        "a forged move": (ALIAS, forged(home, ALIAS)),
        "a commit of git's own": (
            RELEASES,
            git(home, "commit-tree", f"{RELEASES}^{{tree}}", "-p", RELEASES, "-m", "x"),
        ),
        "a branch that is gone": ("refs/heads/evidence/b", None),
        "a new branch": ("refs/heads/releases/a", forged(home, RELEASES)),
    }


def noticed(registry: LocalRegistry, ref: str, commit: str | None) -> None:
    """A branch that was moved is named by all who look, not served, and put aside."""
    served = registry.sealed("b@production")
    found = registry.verify()
    told = [problem for problem in found["problems"] if problem["where"].strip() == ref]
    assert len(told) == len(found["problems"]) == 1, found["problems"]
    assert "behind the registry's back" in told[0]["what"]
    assert (commit or "deleted")[:12] in told[0]["what"]
    assert "pinset repair" in told[0]["hint"]
    assert [one["ref"] for one in registry.foreign()] == [ref]
    try:
        registry.reindex()
    except Integrity as error:
        assert "repair" in error.hint or "verify" in error.hint  # noqa: PT017 - it may be passed over, never taken in
    assert registry.sealed("b@production") == served
    (aside,) = registry.repair()
    assert (aside["ref"], aside["found"]) == (ref, commit)
    assert (aside["kept"] is None) == (commit is None)
    assert registry.sealed("b@production") == served
    assert registry.foreign() == []


def test_what_git_pushes_is_named_refused_and_put_aside(home: Path, registry: LocalRegistry) -> None:
    before = git(home, "for-each-ref", "refs/heads")
    for ref, commit in pushes(home).values():
        git(home, "update-ref", *((ref, commit) if commit else ("-d", ref)))
        noticed(registry, ref, commit)
        if commit is not None:
            kept = f"refs/quarantine/{commit[:12]}/{ref.removeprefix('refs/heads/')}"
            assert git(home, "rev-parse", kept) == commit
        assert git(home, "for-each-ref", "refs/heads") == before
    git(home, "update-ref", ALIAS, f"{ALIAS}~1")
    with pytest.raises(Integrity, match="behind the registry's back"):
        registry.gc()  # what hangs on no branch then would be dropped
    registry.repair()
    assert registry.verify()["ok"]


def test_whatever_is_moved_is_named_refused_and_put_aside() -> None:
    registry = bootstrap.memory_registry()
    registry.publish(ME, files("One."), alias="production")
    registry.publish(ME, files("Two."), alias="production")
    registry.yank(ME, "b@v1", reason="old")
    store: Any = registry._context.store

    def keep(ref: str, key: PrivateKey | None, change: Callable[[str], str] = str) -> str:
        """A commit after the newest of a branch, as somebody else makes it."""
        raw = parse_raw(store.read(ref, store.ref(ref)).raw)
        lines = [line for line in raw.unsigned.split("\n") if not line.startswith("parent ")]
        parents = [f"parent {each}" for each in (store.ref(ref), *raw.parents[1:])]
        payload = change("\n".join([lines[0], *parents, *lines[1:]])).encode()
        made = make("commit", signed(payload, key.sign(payload, k.COMMITS)) if key else payload)
        store._keep(made)
        return made.id

    def later(text: str) -> str:
        return text.replace("Serial: ", "Serial: 9")

    stranger, own = make_private(), dict(store.refs())
    older = store.read(ALIAS, own[ALIAS]).parents[0]
    for ref, commit in (
        (ALIAS, keep(ALIAS, None, later)),
        (ALIAS, keep(ALIAS, stranger, later)),
        (ALIAS, keep(ALIAS, None)),
        (ALIAS, older),
        (ALIAS, own[RELEASES]),
        (RELEASES, keep(RELEASES, None, lambda text: text.partition("\n\n")[0] + "\n\nmine\n")),
        ("refs/heads/main", keep("refs/heads/main", stranger, later)),
        ("refs/heads/evidence/b", None),
        ("refs/heads/aliases/b/zz", own[ALIAS]),
        ("refs/heads/aliases/b/zz", keep(ALIAS, None, lambda text: later(text).replace("production", "zz"))),
        ("refs/heads/other", own["refs/heads/main"]),
    ):
        left = {name: at for name, at in own.items() if name != ref}
        store._refs = {**left, ref: commit} if commit else left
        noticed(registry, ref, commit)
        assert dict(store.refs()) == own
    assert registry.verify()["ok"]
    registry.close()


def test_without_a_catalog_nothing_foreign_is_taken_in_and_repair_goes_by_signatures(home: Path) -> None:
    with closing(bootstrap.local_registry(home)) as registry:
        served = registry.sealed("b@production")
    own = git(home, "for-each-ref", "refs/heads")
    for ref, commit in (pushes(home)[what] for what in ("a forged move", "a commit of git's own")):
        git(home, "update-ref", ref, commit or "")
        for path in (home / ".pinset").glob("catalog*"):
            path.unlink()
        with pytest.raises(Integrity, match="not signed") as caught:
            bootstrap.local_registry(home)
        assert "pinset repair" in caught.value.hint
        with closing(bootstrap.local_registry(home, settle=False)) as registry:
            assert [one["found"] for one in registry.repair()] == [commit]
            assert registry.sealed("b@production") == served
            assert registry.verify()["ok"]
        assert git(home, "for-each-ref", "refs/heads") == own


def test_a_write_to_a_branch_that_was_moved_says_what_to_do(home: Path, registry: LocalRegistry) -> None:
    git(home, "update-ref", ALIAS, forged(home, ALIAS))
    with pytest.raises(Unavailable, match="somebody else moved a branch") as caught:
        registry.retire(ME, "b", "production")
    assert "pinset repair" in caught.value.hint
    registry.repair()
    assert registry.retire(ME, "b", "production")["seq"] == 3


def test_a_branch_whose_name_was_made_a_folder_is_put_back(home: Path, registry: LocalRegistry) -> None:
    own = git(home, "for-each-ref", "refs/heads")
    git(home, "update-ref", "-d", ALIAS)
    git(home, "update-ref", f"{ALIAS}/x", RELEASES)
    assert {one["ref"] for one in registry.repair()} == {f"{ALIAS}/x", ALIAS}
    assert git(home, "for-each-ref", "refs/heads") == own
    assert registry.verify()["ok"]


def test_a_repair_that_is_cut_off_goes_on(home: Path, registry: LocalRegistry) -> None:
    commit = forged(home, ALIAS)
    git(home, "update-ref", ALIAS, commit)
    git(home, "update-ref", f"refs/quarantine/{commit[:12]}/aliases/b/production", commit)  # kept, and not yet put back
    assert [one["found"] for one in registry.repair()] == [commit]
    assert registry.verify()["ok"]


def test_a_catalog_that_is_only_behind_is_no_reason_to_put_anything_aside(home: Path) -> None:
    catalog = home / ".pinset" / "catalog.1.sqlite"
    old = catalog.read_bytes()
    with closing(bootstrap.local_registry(home)) as registry:
        registry.publish(ME, files("Three."), alias="production")
    for path in (home / ".pinset").glob("catalog*"):
        path.unlink()
    catalog.write_bytes(old)
    (home / ".pinset" / "catalog.sqlite").symlink_to(catalog.name)
    with closing(bootstrap.local_registry(home)) as registry:
        assert registry.repair() == []
        assert registry.alias("b", "production")["version"] == 3
        assert registry.verify()["ok"]


def test_git_itself_verifies_every_commit(home: Path, registry: LocalRegistry) -> None:
    registry.keys.rotate(ME)
    registry.publish(ME, files("Three."))
    registry.keys.retire(ME, "registry-1")
    allowed = home / "allowed_signers"
    allowed.write_text(registry.keys.all()["allowed_signers"])
    commits = git(home, "rev-list", "--all", "--grep=^Serial: ").split("\n")
    assert len(commits) == registry.verify()["commits"]
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed: apt-get install openssh-client")
    git(home, "-c", f"gpg.ssh.allowedSignersFile={allowed}", "verify-commit", *commits)
    with pytest.raises(subprocess.CalledProcessError):
        git(home, "-c", f"gpg.ssh.allowedSignersFile={allowed}", "verify-commit", forged(home, ALIAS, key=True))


def test_private_keys_are_their_owners_alone_and_in_backups_and_never_in_git(home: Path) -> None:
    folder = home / ".pinset" / "keys"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in folder.iterdir())
    bootstrap.backup_registry(home, home / "backup")
    kept = home / "backup" / "keys"
    assert sorted(path.name for path in kept.iterdir()) == sorted(path.name for path in folder.iterdir())
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in kept.iterdir())
    bootstrap.restore_registry(home / "backup", home / "restored" / ".pinset")
    subprocess.run(["git", "clone", "-q", "--mirror", home / ".pinset" / "repository.git", home / "clone"], check=True)
    bootstrap.clone_registry(home / "clone", home / "cloned" / ".pinset")
    names = {}
    for name in ("restored", "cloned"):
        with closing(bootstrap.local_registry(home / name)) as registry:
            assert registry.verify()["ok"]
            assert registry.publish(ME, files(name))["created"]
            assert registry.reindex() == registry.verify()["commits"]
            names[name] = [(key["name"], key["state"]) for key in registry.keys.all()["items"]]
    assert names["restored"] == [("registry-1", "active")]
    assert names["cloned"] == [("registry-1", "retired"), ("registry-2", "active")]


def test_a_private_key_that_is_open_to_others_or_damaged_is_told(home: Path, registry: LocalRegistry) -> None:
    private = next(path for path in (home / ".pinset" / "keys").iterdir() if not path.suffix)
    private.chmod(0o644)
    told = registry.verify()["problems"]
    assert [(one["where"].strip(), one["hint"]) for one in told] == [(f"keys/{private.name}", f"chmod 600 {private}")]
    private.chmod(0o600)
    assert registry.verify()["ok"]
    private.write_text(private.read_text()[:100])
    assert "is damaged" in registry.verify()["problems"][0]["what"]
    private.unlink()
    assert registry.verify()["ok"], "who verifies a copy has no private half"


def test_without_its_private_key_a_registry_is_read_and_not_written(home: Path, registry: LocalRegistry) -> None:
    for path in (home / ".pinset" / "keys").iterdir():
        path.rename(path.with_name("aside-" + path.name))
    with pytest.raises(ReadOnly, match="private half") as caught:
        registry.publish(ME, files("Three."))
    assert "backup" in caught.value.hint
    assert registry.alias("b", "production")["version"] == 2


def test_a_registry_of_before_signs_nothing_until_it_is_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "_new_key", lambda *_: {})
    with closing(bootstrap.memory_registry()) as registry:
        registry.publish(ME, files("One."), alias="production")
        assert registry.keys.all()["unsigned"]
        proof = registry.sealed("b@production")["proof"]
        assert (proof["move"], proof["epoch"]) == (registry.alias("b", "production")["revision"], None)
        made = registry.keys.create(ME)
        assert (made["key"]["name"], made["changed"]) == ("registry-1", True)
        registry.publish(ME, files("Two."), alias="production")
        assert "gpgsig" in str(registry.sealed("b@production")["proof"]["move"])
        assert registry.verify()["ok"]
        assert registry.reindex() == registry.verify()["commits"]


def test_a_server_looks_and_says_it_once(home: Path, registry: LocalRegistry, caplog: pytest.LogCaptureFixture) -> None:
    watcher = Watcher(registry.foreign, every=60.0)
    assert watcher.count is None
    watcher.look()
    assert (watcher.count, caplog.records) == (0, [])
    git(home, "update-ref", ALIAS, forged(home, ALIAS))
    with caplog.at_level(logging.INFO, "pinset.foreign"):
        assert watcher.look() >= 60.0
        watcher.look()
    assert watcher.count == 1
    assert len(caplog.records) == 1
    assert ALIAS in caplog.text
    assert "pinset repair" in caplog.text
    foreign.put_aside(registry._context)
    watcher.look()
    assert watcher.count == 0


def test_a_look_that_fails_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    def fails() -> list[object]:
        raise Unavailable("nobody answers", hint="wait")

    assert Watcher(fails, every=5.0).look() == 5.0
    assert "nobody answers" in caplog.text
