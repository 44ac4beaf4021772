"""A purge on a disk: no byte is left, whenever a writer dies the next one ends what was begun, and servers follow."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from patience import until
from pinset import bootstrap
from pinset.catalog.sqlite import SqliteCatalog
from pinset.catalog.state import SqlState
from pinset.client.client import Client
from pinset.errors import Purged, ReadOnly, Refused, Unavailable
from pinset.gitstore import packing
from pinset.gitstore.store import GitStore
from pinset.services import keyrings, recovering, session, verifying
from purge_steps import CLEAN, GONE, SECRET, SYSTEM, WHO, of, prepare, purge, traces
from serving import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

REPOSITORY = "repository.git"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry with the secret in loose objects, in a pack, in the catalog, and in a kept answer. To be copied."""
    directory = tmp_path_factory.mktemp("prepared") / "registry"
    bootstrap.create_registry(directory)
    with closing(bootstrap.local_registry(directory)) as registry:
        prepare(registry)
        registry.gc()
        registry.publish(WHO, of(SECRET, temperature=0.4))
        kept = {"request": "r", "status": 200, "body": f'{{"text": "{SECRET}"}}', "lifetime": 10**12}
        registry.keep_answer(WHO, "kept", **kept)
    assert len(traces(directory, SECRET)) >= 3
    return directory


@pytest.fixture
def directory(prepared: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(prepared, tmp_path / "registry", symlinks=True)


@pytest.fixture
def registry(directory: Path) -> Iterator[Any]:
    with closing(bootstrap.local_registry(directory)) as made:
        yield made


def sound(registry: Any) -> bool:
    """Whether it is, and the catalog is what git alone makes of it."""
    proven = registry.verify()
    assert proven["ok"], proven["problems"]
    with registry._context.catalog.reading() as reader:
        rows = list(reader.dump())
    registry.reindex()
    with registry._context.catalog.reading() as reader:
        return rows == list(reader.dump())


def test_no_byte_is_left(registry: Any, directory: Path, tmp_path: Path) -> None:
    repository = directory / REPOSITORY
    abandoned = repository / "objects" / "pack" / "tmp_pack_x"
    abandoned.write_text(SECRET)
    (directory / "catalog.99.sqlite-wal").write_text(SECRET)
    before = registry.describe()
    made = purge(registry)
    assert [one["ref"] for one in made["purged"]] == [*GONE, "support@v5"]
    assert traces(directory, SECRET) == []
    assert traces(directory, "zebra-77") == []
    now = registry.describe()
    assert (now["id"], now["epoch"], now["serial"]) == (before["id"], before["epoch"], before["serial"] + 1)
    assert sound(registry)
    registry.publish(WHO, of("Be quick."), alias="production")
    bootstrap.restore_registry(bootstrap.backup_registry(directory, tmp_path / "backup"), tmp_path / "a")
    subprocess.run(["git", "clone", "--quiet", "--mirror", str(repository), str(tmp_path / "clone")], check=True)
    bootstrap.clone_registry(tmp_path / "clone", tmp_path / "b")
    for copy in (tmp_path / "a", tmp_path / "b"):
        with closing(bootstrap.local_registry(copy)) as again:
            assert again.release("support@production")["version"] == 6
            with pytest.raises(Purged):
                again.release("support@v2")
    with closing(bootstrap.local_registry(tmp_path / "b")) as again:
        assert len(purge(again, "support@v1")["purged"]) == 1
        assert traces(tmp_path / "b", CLEAN) == []


def test_git_agrees_with_what_was_signed_anew_and_a_kept_head_is_explained(
    registry: Any, directory: Path, tmp_path: Path
) -> None:
    registry.keys.rotate(WHO)
    registry.keys.retire(WHO, "registry-1")
    head, kept = registry.describe()["head"], registry.audit.head()["line"]
    made = purge(registry)
    assert made["head_before"] == head
    assert registry.audit.verify(kept)["verdict"] == "purged"
    repository, allowed = directory / REPOSITORY, tmp_path / "allowed_signers"
    allowed.write_text(registry.keys.all()["allowed_signers"])
    named = ["purges", "releases/support", "releases/other", "aliases/support/production", "main", "main~1"]
    checks = ["git", "--git-dir", str(repository), "-c", f"gpg.ssh.allowedSignersFile={allowed}", "verify-commit"]
    if shutil.which("ssh-keygen") is not None:
        subprocess.run([*checks, *named], check=True, capture_output=True)
    shown = ["git", "--git-dir", str(repository), "show", "purges:rewritten/0001.txt"]
    lines = subprocess.run(shown, capture_output=True, text=True, check=True).stdout.splitlines()
    assert lines[-1] == f"{made['serial'] - 1} {head}"
    assert len(lines) == made["rewritten"]
    log = ["git", "--git-dir", str(repository), "log", "--format=%s", "--first-parent", "aliases/support/production"]
    told = subprocess.run(log, capture_output=True, text=True, check=True).stdout.splitlines()
    assert told[0].endswith("v2 -> v4")
    assert told[-1] == "root"


def _at(number: int, what: Any, name: str) -> Callable[[pytest.MonkeyPatch], None]:
    """Dies when this is called for that time, before it does anything."""

    def prepare_to_die(patch: pytest.MonkeyPatch) -> None:
        real, calls = getattr(what, name), [0]

        def dies(*given: Any, **more: Any) -> Any:
            calls[0] += 1
            if calls[0] == number:
                os._exit(9)
            return real(*given, **more)

        patch.setattr(what, name, dies)

    return prepare_to_die


MOMENTS: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], bool]] = {
    "the intent is written": (_at(1, session.Session, "rewrite"), False),
    "the first branch moves": (_at(1, GitStore, "move"), False),
    "the second branch moves": (_at(2, GitStore, "move"), True),
    "the catalog takes its place": (_at(1, SqliteCatalog, "_flip_to"), True),
    "an old pack is removed": (_at(1, packing, "remove_pack"), True),
    "kept answers are forgotten": (_at(1, SqlState, "forget_answers"), True),
}


TORTURE = os.environ.get("PINSET_TORTURE") == "1"
SHORT = ("the intent is written", "the second branch moves", "an old pack is removed")
"""Nothing has happened; it is half made; it is made, and not all is gone."""


@pytest.mark.parametrize("moment", MOMENTS if TORTURE else SHORT)
def test_the_next_writer_ends_what_a_killed_one_began(
    moment: str, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying, made = MOMENTS[moment]
    child = os.fork()
    if child == 0:
        try:
            monkeypatch.setattr(recovering, "_REFS_AT_ONCE", 1)
            dying(monkeypatch)
            purge(bootstrap.local_registry(directory))
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    with closing(bootstrap.local_registry(directory)) as registry:
        assert registry.repair() == [], "nobody else moved a branch"
        if not made:
            assert registry.file("support@v2", SYSTEM) == SECRET
            purge(registry)
        for reference in (*GONE, "support@v5"):
            with pytest.raises(Purged):
                registry.release(reference)
        assert traces(directory, SECRET) == []
        assert registry.publish(WHO, of("Be quick."))["version"] == 6
        assert dict(registry._context.store.refs()) == _refs_of_catalog(registry)
        _prove(registry)


def _refs_of_catalog(registry: Any) -> dict[str, str]:
    with registry._context.catalog.reading() as reader:
        assert reader.intent() is None
        return dict(reader.refs())


def _prove(registry: Any) -> None:
    """That all chains and digests hold, without git's own look at every object."""
    proof = verifying.Proof(keyrings.keyring_of(registry._context.store))
    for stored in registry._context.store.scan():
        proof.add(verifying._fact(stored))
    proof.finish()
    assert (proof.problems, proof.keyring.signed) == ([], proof.commits)


def test_what_could_not_be_swept_is_said_and_swept_by_gc(
    registry: Any, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(packing, "remove_pack", _fails)
        with pytest.raises(Unavailable, match="the purge is made, and its bytes are not gone") as told:
            purge(registry)
        assert told.value.details["made"] is True
        assert "pinset gc" in told.value.hint
        assert [one["what"] for one in registry.verify()["problems"]] == ["still has bytes that were purged"]
        registry.publish(WHO, of("Be quick."))  # nobody else has to wait for it
    with pytest.raises(Purged):
        registry.release("support@v2")
    assert traces(directory, SECRET)
    registry.gc()
    assert traces(directory, SECRET) == []
    _prove(registry)


def _fails(*_: Any) -> None:
    raise ReadOnly("the disk is gone")


def test_a_ref_that_would_keep_it_is_refused(registry: Any, directory: Path) -> None:
    repository = directory / REPOSITORY
    subprocess.run(["git", "--git-dir", str(repository), "tag", "kept", "releases/support"], check=True)
    with pytest.raises(Refused, match="refs/tags/kept"):
        purge(registry)
    assert registry.file("support@v2", SYSTEM) == SECRET
    assert not registry._context.store.unswept


def test_workers_that_run_stop_serving_it_and_clients_let_go_of_it(directory: Path, tmp_path: Path) -> None:
    pinned = "/v1/bundles/support/releases/v2?form=sealed"
    alias = "/v1/bundles/support/aliases/production"
    cache = tmp_path / "cache"
    with serving(directory, workers=1) as server, httpx.Client(base_url=server.address) as asking:
        kept = {path: [asking.get(path) for _ in range(3)][-1] for path in (pinned, alias)}
        assert SECRET in kept[pinned].text
        with Client(server.address, cache=cache) as client:
            assert client.get("support@v2").version == 2
            assert client.get("support").version == 4
            with closing(bootstrap.local_registry(directory)) as registry:
                made = purge(registry)
            gone = asking.get(pinned, headers={"If-None-Match": kept[pinned].headers["etag"]})
            assert (gone.status_code, gone.json()["code"]) == (410, "purged")
            assert gone.json()["details"]["digest"] == kept[pinned].json()["digest"]
            again = asking.get(alias, headers={"If-None-Match": kept[alias].headers["etag"]})
            assert again.status_code == 200
            assert again.json()["alias"]["revision"] != kept[alias].json()["alias"]["revision"]
            assert again.json()["digest"] == kept[alias].json()["digest"]
            client._keeper.hurry("support", None, 0.0)
            _until_purged(client)
            assert client.get("support").version == 4
        assert _traces_of_cache(cache) == []
        stale = {"If-Match": f'"{kept[alias].json()["alias"]["revision"]}"'}
        assert asking.put(alias, json={"release": "v1"}, headers=stale).status_code == 412
        fresh = {"If-Match": again.headers["etag"]}
        moved = asking.put(alias, json={"release": "v1"}, headers=fresh)
        assert (moved.status_code, moved.json()["serial"]) == (200, made["serial"] + 1)
    assert traces(directory, SECRET) == []


def _until_purged(client: Client) -> None:
    until(lambda: client.held("support@v2") is None)
    with pytest.raises(Purged):
        client.get("support@v2")


def _traces_of_cache(cache: Path) -> list[str]:
    """Files of a client that hold the secret."""
    return [path.name for path in cache.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]


def test_a_writer_that_has_old_packs_open_writes_what_was_swept_anew(directory: Path) -> None:
    both = [bootstrap.local_registry(directory) for _ in range(2)]
    text = "Only in what was purged."
    with closing(both[0]) as writer, closing(both[1]) as other:
        writer.publish(WHO, {**of(SECRET, temperature=0.8), "prompts/more.md": text})
        writer.gc()
        writer.publish(WHO, of("Be slow."))
        purge(other)
        assert traces(directory, text) == []
        made = writer.publish(WHO, {**of("Be quick."), "prompts/more.md": text})
        assert other.file(made["ref"], "prompts/more.md") == text
        _prove(other)
