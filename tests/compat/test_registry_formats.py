"""Registries that older versions wrote: opened, proven and read as on the day they were written.

``tests/data/registry-format-N`` is never made again: when a format changes, a new folder joins.
"""

from __future__ import annotations

import io
import json
import runpy
import sqlite3
import subprocess
from contextlib import closing
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pinset import bootstrap
from pinset.catalog import state
from pinset.domain.findings import JUDGEMENTS
from pinset.domain.records import Stamp
from pinset.errors import Integrity, UnknownFormat
from pinset.importing.engine import Wanted, run
from pinset.importing.exporting import export
from pinset.importing.sources.tar import TarSource
from pinset.ports.registry import Caller
from pinset.services import maintenance, session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DATA = Path(__file__).parents[1] / "data"
OLD = DATA / "registry-format-1"
MAKER = runpy.run_path(str(DATA / "make_registry_format_1.py"))
ANSWERS: dict[str, Any] = json.loads((OLD / "answers.json").read_text("utf-8"))
ME = Caller(actor="ana")


def restored(home: Path, bundle: Path = OLD / "registry.bundle") -> Path:
    """The old registry in a new place: its repository and its state, and no catalog."""
    home.mkdir()
    subprocess.run(["git", "clone", "-q", "--mirror", bundle, home / "repository.git"], check=True)
    with closing(sqlite3.connect(home / "state.sqlite")) as made:
        made.executescript((OLD / "state.sql").read_text("utf-8"))
    return home


def differences(found: Any, recorded: Any, at: str = "") -> Iterator[str]:
    """Where an answer is not what was recorded. A later version may say more, never less or otherwise."""
    if isinstance(recorded, dict) and isinstance(found, dict):
        for key, value in recorded.items():
            if key in found:
                yield from differences(found[key], value, f"{at}/{key}")
            else:
                yield f"{at}/{key} is missing"
    elif isinstance(recorded, list) and isinstance(found, list) and len(found) == len(recorded):
        for number, (one, other) in enumerate(zip(found, recorded, strict=True)):
            yield from differences(one, other, f"{at}/{number}")
    elif type(found) is not type(recorded) or found != recorded:
        yield f"{at} is {found!r}, and was {recorded!r}"


def test_it_says_what_it_said_and_goes_on(tmp_path: Path) -> None:
    home = restored(tmp_path / "old")
    with closing(bootstrap.local_registry(home)) as registry:
        assert list(differences(MAKER["answers"](registry), ANSWERS)) == []
        assert list(registry.verify()["problems"]) == []
        assert registry.has_tokens()
        for document in ANSWERS["support-summarizer"]["documents"]:
            for path, text in files_of(document["ref"]).items():
                assert registry.file(document["ref"], path) == text
        # The same content is known again: a new version would say that it is now sealed otherwise.
        same = registry.publish(ME, MAKER["summarizer"](), label=None)
        assert (same["version"], same["created"]) == (1, False)
        assert registry.publish(ME, MAKER["summarizer"]("2025-03-20", 0.9), alias="staging")["version"] == 11
        assert registry.rollback(ME, "support-summarizer", "staging", serving="v11")["to"] == 2
        registry.create_token(ME, "new", can="read")
        assert registry.verify()["problems"] == []


def test_it_comes_as_a_tar_into_a_new_registry_with_the_same_digests(tmp_path: Path, home: Path) -> None:
    """What an older program sealed is sealed the same by this one: every release is made again of its author's files."""
    stream = io.BytesIO()
    with closing(bootstrap.local_registry(restored(tmp_path / "old"))) as old:
        export(old, stream)
        there = {one["name"]: old.releases(one["name"])["items"] for one in old.bundles(archived=True)["items"]}
    stream.seek(0)
    allowed = Wanted(allow=tuple(sorted(JUDGEMENTS)), message="as they were")
    with closing(bootstrap.local_registry(home)) as new:
        report = run(new, ME, TarSource(stream), allowed)
        assert (report.versions["refused"], report.versions["conflict"]) == (0, 0), report.items
        for name, items in there.items():
            came = [
                (one["version"], one["digest"], one["label"], one["aliases"]) for one in new.releases(name)["items"]
            ]
            kept = [one for one in items if one["purged"] is None]
            assert came == [(one["version"], one["digest"], one["label"], one["aliases"]) for one in kept]
        assert new.verify()["problems"] == []


def files_of(reference: str) -> dict[str, str]:
    """The files of a release as its sealed form was recorded."""
    sealed = [one for one in ANSWERS["support-summarizer"]["sealed"] if one["ref"] == reference]
    found: dict[str, str] = sealed[0]["files"]
    assert found
    return found


def test_it_is_small_and_holds_one_of_everything() -> None:
    assert sum(path.stat().st_size for path in OLD.iterdir()) <= 100_000
    text = json.dumps(ANSWERS)
    for told in (
        '"rollback"',
        '"retire"',
        '"yanked"',
        '"epoch": 2',
        '"placeholder"',
        "jinja2",
        "f-string",
        '"retrieval"',
    ):
        assert told in text
    assert ANSWERS["verify"]["commits"] == 27


def test_what_is_written_today_is_the_same_commits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every id: content, trees, messages, times. Where this fails the format has changed, and wants a number.

    But for what format 2 added: the registry that a commit names, and the key that it is signed with.
    """
    monkeypatch.setattr(maintenance, "_new_key", lambda *_: {})
    monkeypatch.setattr(session, "Stamp", lambda **values: Stamp(**{**values, "registry": None}))
    home = tmp_path / "new"
    home.mkdir()
    said = MAKER["make"](home)
    old = restored(tmp_path / "old")
    assert refs(home) == refs(old)
    assert list(differences(said, ANSWERS)) == []


def refs(home: Path) -> list[str]:
    command = ["git", "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads"]
    done = subprocess.run(command, cwd=home / "repository.git", check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


# -- catalogs --------------------------------------------------------------------------------------------------


def statement(text: str) -> Callable[[Path], None]:
    def run(catalog: Path) -> None:
        with closing(sqlite3.connect(catalog)) as made:
            made.executescript(text)

    return run


OTHERS: dict[str, Callable[[Path], None]] = {
    "older": statement("UPDATE meta SET format = 0"),
    "newer": statement("UPDATE meta SET format = 99; ALTER TABLE meta ADD COLUMN more TEXT"),
    "without a format": statement("DROP TABLE meta"),
    "with nothing in it": lambda catalog: catalog.write_bytes(b""),
    "no database": lambda catalog: catalog.write_bytes(b"text " * 1000),
}


@pytest.mark.parametrize("spoil", OTHERS.values(), ids=OTHERS.keys())
def test_a_catalog_of_another_format_is_rebuilt(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    home = restored(tmp_path / "old")
    bootstrap.local_registry(home).close()
    old = (home / "catalog.sqlite").resolve()
    for ending in ("-wal", "-shm"):
        old.with_name(old.name + ending).unlink(missing_ok=True)
    spoil(old)
    with closing(bootstrap.local_registry(home)) as registry:
        assert list(differences(MAKER["answers"](registry), ANSWERS)) == []
    assert (home / "catalog.sqlite").resolve() != old
    assert not old.exists()


# -- the state -------------------------------------------------------------------------------------------------


def test_the_state_of_the_first_revision_is_kept_and_brought_up_to_date(tmp_path: Path) -> None:
    home = restored(tmp_path / "old")
    with closing(bootstrap.local_registry(home)) as registry:
        assert [token["name"] for token in registry.tokens()["items"]] == ["old", "app", "ci"]
        registry.create_token(ME, "new", can="read")
        assert len(registry.tokens()["items"]) == 4
    with closing(sqlite3.connect(home / "state.sqlite")) as made:
        assert made.execute("SELECT version_num FROM alembic_version").fetchall() == [(state.REVISION,)]
        rows = made.execute("SELECT kind, actor, action, code FROM attempt ORDER BY id").fetchall()
        assert rows == [("refused", "eve", "promote", "refused"), ("done", "ana", "token-create", "")]


def test_the_state_of_a_later_revision_is_not_touched(tmp_path: Path) -> None:
    home = restored(tmp_path / "old")
    statement("UPDATE alembic_version SET version_num = '9999'")(home / "state.sqlite")
    with closing(bootstrap.local_registry(home)) as registry:
        for use in (registry.tokens, lambda: registry.create_token(ME, "new", can="read")):
            with pytest.raises(UnknownFormat):
                use()


# -- the tests themselves --------------------------------------------------------------------------------------


def test_the_comparison_sees_every_kind_of_change() -> None:
    found = deepcopy(ANSWERS)
    found["more"] = found["registry"]["more"] = "later versions may say more"
    assert list(differences(found, ANSWERS)) == []
    changes: list[Callable[[dict[str, Any]], Any]] = [
        lambda a: a.pop("tokens"),
        lambda a: a["registry"].update(epoch=True),
        lambda a: a["loose"]["history"]["items"].pop(),
        lambda a: a["loose"]["documents"][0]["content"].update(prompts={}),
        lambda a: a["support-summarizer"]["sealed"][0].update(manifest="{}"),
        lambda a: a["support-summarizer"]["releases"]["items"].reverse(),
    ]
    for change in changes:
        changed = deepcopy(ANSWERS)
        change(changed)
        assert len(list(differences(changed, ANSWERS))) > 0


def test_a_history_that_lost_a_move_does_not_pass(tmp_path: Path) -> None:
    home = restored(tmp_path / "old")
    ref = "refs/heads/aliases/support-summarizer/production"
    subprocess.run(["git", "update-ref", ref, f"{ref}~1"], cwd=home / "repository.git", check=True)
    with pytest.raises(Integrity) as caught:
        bootstrap.local_registry(home)
    assert caught.value.details == {"reason": "lost"}
    with pytest.raises(Integrity):
        bootstrap.backup_registry(home, tmp_path / "backup")
