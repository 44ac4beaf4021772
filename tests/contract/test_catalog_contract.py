"""What `ports.catalog` promises, held in memory, on SQLite and on PostgreSQL."""

from __future__ import annotations

import dataclasses
import threading
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from pinset import bootstrap
from pinset.catalog import sqlite as sqlite_adapter
from pinset.catalog import tables
from pinset.catalog.memory import MemoryCatalog
from pinset.catalog.sql import SqlCatalog
from pinset.catalog.sqlite import SqliteCatalog
from pinset.catalog.sums import sum_of_row
from pinset.domain import messages, searching
from pinset.errors import Integrity, NotFound, Unavailable
from pinset.ports.catalog import Intent
from pinset.ports.registry import Caller
from pinset.ports.store import RefMove
from pinset.services.recovering import entry_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pinset.ports.catalog import Catalog, Entry


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    if request.param == "memory":
        made: Any = MemoryCatalog()
    elif request.param == "sqlite":
        made = SqliteCatalog(tmp_path)
    else:
        made = SqlCatalog(request.getfixturevalue("postgres_url"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    """The commits of a small registry: components, releases with labels, moves, a bar, a yank, a retirement."""
    registry, by = bootstrap.memory_registry(), Caller(actor="ana")
    for word in ("kind", "curt"):
        registry.publish_component(by, "prompts", "tone", {"tone.md": f"Be {word}."}, label=f"1.{word}")
    registry.publish_component(by, "guardrails", "pii", {"g.yaml": "kind: pii\n"})
    text_of = 'release:\n  feature: {}\n  model: {{name: m, pinned_version: "1"}}\n  prompt: {{text: "{{{{> prompts/tone@v{}}}}} {}"}}\n'
    for at, (bundle, tone) in enumerate((("alpha", 1), ("alpha", 2), ("beta", 1), ("alpha", 1))):
        registry.publish(
            by, {"release.yaml": text_of.format(bundle, tone, at)}, label=f"2025-0{at + 1}-RC", alias="staging"
        )
    registry.promote(by, "alpha@v1", "production")
    registry.promote(by, "alpha@v2", "production")
    registry.rollback(by, "alpha", "production")
    registry.yank(by, "alpha@v3", reason="bad")
    registry.retire(by, "beta", "staging")
    registry.bundle_changes.set(by, "alpha", also=["Team/A", "Alpha É"], owner="us")
    registry.bundle_changes.set(by, "alpha", not_also=["Team/A"])
    registry.bundle_changes.set(by, "beta", also=["Team/A"])
    stored = [entry_of(one) for one in registry._context.store.scan()]
    registry.close()
    return sorted(stored, key=lambda one: one.record.stamp.serial)


def _dump(catalog: Catalog) -> list[tuple[str, tuple[Any, ...]]]:
    with catalog.reading() as reader:
        return list(reader.dump())


def test_rebuilt_and_fed_one_by_one_are_equal(catalog: Any, entries: list[Entry]) -> None:
    catalog.rebuild(entries)
    whole = _dump(catalog)
    catalog.rebuild(entries[:1])
    with catalog.writing() as writer:
        for entry in entries[1:]:
            writer.apply([entry])
    assert _dump(catalog) == whole
    assert len(whole) > 40


def _forged(catalog: Any, table: Any, where: str, **changed: Any) -> None:
    """Change a row as somebody who may write the file does, who knows how its sum is made."""
    held = table.__table__
    with catalog._engine.begin() if isinstance(catalog, SqlCatalog) else catalog._engine(writable=True).begin() as way:
        row = way.execute(held.select().where(text(where))).one()._asdict()
        row = {name: value for name, value in {**row, **changed}.items() if name != "sum"}
        way.execute(held.update().where(text(where)).values(**row, sum=sum_of_row(held, row)))


@pytest.mark.parametrize(
    ("table", "where", "changed"),
    [
        (tables.Alias, "name = 'production'", {"version": 2, "serial": 12}),
        (tables.Alias, "bundle = 'alpha' and name = 'staging'", {"version": 1, "serial": 5}),
        (tables.Move, "alias = 'production' and seq = 3", {"to_version": 2}),
        (tables.Release, "bundle = 'alpha' and version = 3", {"yanked": None}),
        (tables.Bar, "alias = 'production'", {"version": 3}),
        (tables.Ref, "name = 'refs/heads/aliases/alpha/production'", {"commit": "1" * 40}),
        (tables.Uses, "bundle = 'alpha' and version = 1", {"component_version": 2}),
        (tables.Commit, "serial = 5", {"operation": "op_another"}),
        (tables.Meta, "id = 1", {"epoch": 2}),
        (tables.Spelling, "spelling = 'Team/A'", {"bundle": "alpha"}),
    ],
)
def test_rows_that_were_changed_and_summed_anew_are_not_as_the_commits_make_them(
    catalog: Any, entries: list[Entry], table: Any, where: str, changed: dict[str, Any]
) -> None:
    catalog.rebuild(entries)
    assert _astray(catalog) == []
    _forged(catalog, table, where, **changed)
    assert _astray(catalog)
    catalog.rebuild(entries)
    assert _astray(catalog) == []


def test_a_commit_that_is_not_the_text_whose_id_it_has_is_found(catalog: Any, entries: list[Entry]) -> None:
    catalog.rebuild(entries)
    with catalog.reading() as reader:
        said = reader.records(after=5, limit=1)[0][1]
    _forged(catalog, tables.Commit, "serial = 6", message=messages.encode(said).replace("Actor: ana", "Actor: eve"))
    assert ("write 6", "is not the text whose id it has") in _astray(catalog)
    catalog.rebuild(entries)
    _forged(catalog, tables.Commit, "serial = 6", head="")
    assert ("write 6", "is not the text whose id it has") in _astray(catalog)


def test_a_bundle_is_found_by_its_spellings_of_now_as_they_are(catalog: Any, entries: list[Entry]) -> None:
    catalog.rebuild(entries[:-2])
    with catalog.reading() as reader:
        assert reader.spelled("Team/A").key == "alpha"
    catalog.rebuild(entries)
    with catalog.reading() as reader:
        assert reader.spelled("Team/A").key == "beta"
        assert reader.spelled("Alpha \u00c9").names == ("Alpha \u00c9",)
        assert [reader.spelled(text) for text in ("team/a", "Alpha E", "alpha", "")] == [None] * 4
        assert reader.said("alpha", 10**6).names == ("Alpha \u00c9",)


def _astray(catalog: Catalog) -> list[tuple[str, str]]:
    """What is not as the commits make it."""
    with catalog.again(lambda *_: {}) as again:
        found = []
        while (taken := again.take())[0] or taken[1]:
            found += taken[1]
        return found + again.differences()


def test_another_aliass_move_is_not_answered(catalog: Any, entries: list[Entry]) -> None:
    catalog.rebuild(entries)
    with catalog.reading() as reader:
        other = reader.alias("alpha", "staging")
    _forged(
        catalog,
        tables.Alias,
        "name = 'production'",
        version=other.record.to_version,
        serial=other.record.stamp.serial,
    )
    with catalog.reading() as reader, pytest.raises(Integrity, match="another commit"):
        reader.alias("alpha", "production")


def test_before_it_is_built_it_is_not_usable(catalog: Any, entries: list[Entry]) -> None:
    assert catalog.usable() is False
    with pytest.raises(Unavailable), catalog.reading():
        pass
    catalog.rebuild(entries)
    assert catalog.usable() is True


def test_a_catalog_of_another_format_is_not_usable(
    catalog: Any, entries: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog.rebuild(entries)
    monkeypatch.setattr(tables, "CATALOG_FORMAT", tables.CATALOG_FORMAT + 1)
    assert catalog.usable() is False
    catalog.rebuild(entries)
    assert catalog.usable() is True


def test_applying_is_all_or_nothing(catalog: Any, entries: list[Entry]) -> None:
    catalog.rebuild(entries[:5])
    before = _dump(catalog)
    broken = dataclasses.replace(entries[6], files={**entries[6].files, "release.yaml": "other"})
    with pytest.raises(Integrity), catalog.writing() as writer:
        writer.apply([entries[5], broken])
    assert _dump(catalog) == before


def test_a_failed_rebuild_leaves_the_old_one(catalog: Any, entries: list[Entry]) -> None:
    catalog.rebuild(entries)
    before = _dump(catalog)
    with pytest.raises(Integrity):
        catalog.rebuild([*entries[:4], dataclasses.replace(entries[4], files={})])
    assert _dump(catalog) == before


def test_an_intent_survives_and_is_forgotten_with_the_write(catalog: Any, entries: list[Entry]) -> None:
    catalog.rebuild(entries[:-1])
    intent = Intent("op_x", (RefMove("refs/heads/a", None, "1" * 40), RefMove("refs/heads/b", "2" * 40, "3" * 40)))
    with catalog.writing() as writer:
        writer.begin(intent)
    with catalog.reading() as reader:
        assert reader.intent() == intent
    with catalog.writing() as writer:
        writer.apply([entries[-1]])
    with catalog.reading() as reader:
        assert reader.intent() is None
        assert reader.head().serial == entries[-1].record.stamp.serial


def test_a_dropped_intent_is_gone(catalog: Any, entries: list[Entry]) -> None:
    catalog.rebuild(entries)
    with catalog.writing() as writer:
        writer.begin(Intent("op_x", ()))
        writer.drop_intent()
    with catalog.reading() as reader:
        assert reader.intent() is None


# In memory there is one user at a time, so nobody writes while another reads.
@pytest.mark.parametrize("catalog", ["sqlite", "postgres"], indirect=True)
def test_a_reader_sees_one_serial_while_others_write(catalog: Any, entries: list[Entry]) -> None:
    catalog.rebuild(entries[:8])
    with catalog.reading() as reader:
        before = reader.head().serial
        writing = threading.Thread(target=lambda: _feed(catalog, entries[8:]))
        writing.start()
        writing.join()
        assert reader.head().serial == before
        assert len(reader.records(limit=500)) == 8
    with catalog.reading() as reader:
        assert reader.head().serial == entries[-1].record.stamp.serial


def _feed(catalog: Any, entries: list[Entry]) -> None:
    with catalog.writing() as writer:
        writer.apply(entries)


def test_releases_are_found_by_every_selector(catalog: Any, entries: list[Entry]) -> None:
    catalog.rebuild(entries)
    with catalog.reading() as reader:
        first = reader.release("alpha", 1)
        assert reader.release_by_label("alpha", "2025-01-rc") == first
        assert reader.release_by_label("beta", "2025-01-rc") is None
        assert reader.releases_by_digest("alpha", first.record.digest[:20]) == [first]
        assert reader.release("alpha", 9) is None
        assert [row.record.version for row in reader.releases("alpha", before=3)] == [2, 1]
        assert reader.bundle("nothing") is None


def test_latest_passes_over_what_is_yanked(catalog: Any, entries: list[Entry]) -> None:
    catalog.rebuild(entries)
    with catalog.reading() as reader:
        assert [row.yanked for row in reader.releases("alpha")] == ["bad", None, None]
        assert reader.latest("alpha").record.version == 2


def test_moves_aliases_and_bars(catalog: Any, entries: list[Entry]) -> None:
    catalog.rebuild(entries)
    with catalog.reading() as reader:
        moves = reader.moves("alpha", "production")
        assert [(row.record.action.value, row.record.to_version) for row in moves] == [
            ("rollback", 1), ("promote", 2), ("promote", 1),
        ]  # fmt: skip
        assert reader.alias("alpha", "production") == moves[0]
        assert reader.move("alpha", "production", 2) == moves[1]
        assert reader.moves("alpha", "production", before=moves[0].record.stamp.serial, limit=1) == [moves[1]]
        assert reader.bars("alpha", "production") == {2}
        assert reader.bars("alpha", "staging") == frozenset()
        assert [row.record.to_version for row in reader.aliases("beta")] == [None]


def test_lists_filter_and_go_on(catalog: Any, entries: list[Entry]) -> None:
    catalog.rebuild(entries)
    with catalog.reading() as reader:
        assert [row.name for row in reader.bundles()] == ["alpha", "beta"]
        assert [row.name for row in reader.bundles(after="alpha")] == ["beta"]
        assert [row.name for row in reader.bundles(query="lph")] == ["alpha"]
        assert [row.name for row in reader.bundles(query="%")] == []
        assert [row.name for row in reader.bundles(alias="staging")] == ["alpha"]
        assert [row.name for row in reader.bundles(uses=("prompts", "tone", None))] == ["alpha"]
        assert [row.name for row in reader.bundles(uses=("prompts", "tone", 7))] == []
        assert [f"{row.record.kind}/{row.record.name}@v{row.record.version}" for row in reader.components()] == [
            "guardrails/pii@v1", "prompts/tone@v2",
        ]  # fmt: skip
        assert [row.record.name for row in reader.components(kind="prompts")] == ["tone"]
        assert reader.component_by_label("prompts", "tone", "1.KIND").record.version == 1


def test_pages_are_counted(catalog: Any, entries: list[Entry]) -> None:
    catalog.rebuild(entries)
    with catalog.reading() as reader:
        assert [row.name for row in reader.bundles(skip=1, limit=1)] == ["beta"]
        assert [row.name for row in reader.bundles(skip=2)] == []
        assert (reader.counted(), reader.counted(fits=["al*"]), reader.counted(alias="never")) == (2, 1, 0)
        served = [row.name for row in reader.bundles(alias="staging")]
        assert reader.counted(alias="staging") == len(served)
        numbers = reader.numbers(["alpha", "beta", "gamma"])
        assert numbers["gamma"] == []
        for name in ("alpha", "beta"):
            assert numbers[name] == sorted(row.record.version for row in reader.releases(name))


def test_bundles_are_those_that_were_there_at_a_serial_and_served_an_alias_then(
    catalog: Any, entries: list[Entry]
) -> None:
    catalog.rebuild(entries)
    with catalog.reading() as reader:
        first, last = (
            reader.release(name, version).record.stamp.serial for name, version in (("alpha", 1), ("beta", 1))
        )
        began, ended = (reader.move("beta", "staging", seq).record.stamp.serial for seq in (1, 2))

        def there(serial: int, alias: str | None = None) -> list[str]:
            return [row.name for row in reader.bundles(at=serial, alias=alias)]

        assert (there(first - 1), there(first), there(last - 1), there(last)) == (
            [],
            ["alpha"],
            ["alpha"],
            ["alpha", "beta"],
        )
        assert there(first, "staging") == []
        assert there(began, "staging") == there(ended - 1, "staging") == ["alpha", "beta"]
        assert there(ended, "staging") == ["alpha"]
        assert there(ended, "canary") == []
        assert [reader.release_count("alpha", version) for version in range(5)] == [0, 1, 2, 3, 3]
        assert reader.release_count("gamma", 9) == 0


def test_the_files_of_a_release_are_listed_by_their_hashes(catalog: Any, entries: list[Entry]) -> None:
    catalog.rebuild(entries)
    with catalog.reading() as reader:
        listed = reader.listed("alpha", 1)
        assert {path: reader.text(f"sha256:{hashed}") for path, hashed in listed.items()} == dict(
            reader.sealed_release("alpha", 1).files
        )
        with pytest.raises(NotFound):
            reader.listed("alpha", 9)


def test_where_used_says_who_serves_it_first(catalog: Any, entries: list[Entry]) -> None:
    catalog.rebuild(entries)
    with catalog.reading() as reader:
        uses = reader.where_used("prompts", "tone", 1)
        assert {(use.bundle, use.version) for use in uses} == {("alpha", 1), ("alpha", 3), ("beta", 1)}
        served = [bool(use.aliases) for use in uses]
        assert served == sorted(served, reverse=True)
        assert ("production",) in [use.aliases for use in uses if use.bundle == "alpha"]


@pytest.mark.parametrize(
    ("fits", "names"),
    [
        (None, ["alpha", "beta"]),
        ([], []),
        (["beta"], ["beta"]),
        (["al*", "*et*"], ["alpha", "beta"]),
        (["bet_"], []),
        (["b%", "/*", "a"], []),
        (["*a"], ["alpha", "beta"]),
    ],
)
def test_names_are_sought_by_patterns(
    catalog: Any, entries: list[Entry], fits: list[str] | None, names: list[str]
) -> None:
    catalog.rebuild(entries)
    with catalog.reading() as reader:
        assert [row.name for row in reader.bundles(fits=fits)] == names
        used = {use.bundle for use in reader.where_used("prompts", "tone", fits=fits)}
        assert sorted(used) == names


def test_operations_and_refs_are_remembered(catalog: Any, entries: list[Entry]) -> None:
    catalog.rebuild(entries)
    with catalog.reading() as reader:
        last = entries[-1]
        assert reader.operation(last.record.stamp.operation) == [(last.commit, last.record)]
        assert reader.operation("op_none") == []
        assert reader.ref(last.record.ref) == last.commit
        assert len(reader.refs()) == len({entry.record.ref for entry in entries})
        assert [record.stamp.serial for _, record in reader.records(after=3, limit=2)] == [4, 5]


@pytest.mark.parametrize("table", ["text", "manifest"])
def test_a_damaged_text_is_said_and_never_served(catalog: Any, entries: list[Entry], table: str) -> None:
    catalog.rebuild(entries)
    with catalog.writing() as writer:
        writer._connection.execute(text(f"UPDATE {table} SET text = text || 'x'"))
        writer._connection.commit()
    with catalog.reading() as reader:
        with pytest.raises(Integrity, match="damaged"):
            reader.sealed_release("alpha", 1)
        with pytest.raises(NotFound):
            reader.sealed_release("alpha", 99)


def test_a_rebuild_flips_while_a_reader_reads(tmp_path: Path, entries: list[Entry]) -> None:
    catalog = SqliteCatalog(tmp_path)
    catalog.rebuild(entries[:6])
    with catalog.reading() as reader:
        catalog.rebuild(entries)
        assert reader.head().serial == 6
    with catalog.reading() as reader:
        assert reader.head().serial == len(entries)
    assert sorted(path.name for path in tmp_path.glob("catalog*sqlite")) == ["catalog.2.sqlite", sqlite_adapter.NAME]


@pytest.mark.parametrize("harm", ["garbage", "truncate", "dangling", "delete"])
def test_a_ruined_file_is_not_usable_and_can_be_rebuilt(tmp_path: Path, entries: list[Entry], harm: str) -> None:
    catalog = SqliteCatalog(tmp_path)
    catalog.rebuild(entries)
    file = (tmp_path / sqlite_adapter.NAME).resolve()
    harms: dict[str, Callable[[], Any]] = {
        "garbage": lambda: file.write_bytes(b"no database at all" * 1000),
        "truncate": lambda: file.write_bytes(b""),
        "dangling": file.unlink,
        "delete": (tmp_path / sqlite_adapter.NAME).unlink,
    }
    catalog.close()
    harms[harm]()
    assert catalog.usable() is False
    catalog.rebuild(entries)
    assert catalog.usable() is True


def test_engines_find_the_same_words(catalog: Any, entries: list[Entry]) -> None:
    def found(query: str, **more: Any) -> list[tuple[str, str | None, int]]:
        with catalog.reading() as reader:
            return [(one.key, one.path, one.version) for one in reader.search(searching.parse(query), **more)]

    catalog.rebuild(entries)
    assert found("kind") == [("guardrails/pii", "g.yaml", 1), ("prompts/tone", None, 1), ("prompts/tone", "tone.md", 1)]
    assert found('"be curt"') == [("prompts/tone", "tone.md", 2)]
    assert found("cur be") == found('"curt be"') == found('"b" curt') == []
    assert found("tone alph") == [
        ("alpha", "release.yaml", 3),
        ("alpha", "release.yaml", 2),
        ("alpha", "release.yaml", 1),
    ]
    assert found("tone", limit=1) == [("alpha", "release.yaml", 3)]
    with catalog.reading() as reader:
        last = reader.search(searching.parse("beta"))[-1]
        assert not [*reader.bundles(query="\0alpha"), *reader.components(query="\0tone")]
    assert found("tone", before=last.number)[0] == ("alpha", "release.yaml", 2)
    assert found("it s or 1") == found("tone", before=0) == []
