"""What a request costs the catalog does not grow with what is in it: SQLite's own steps are counted, not seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, text

from pinset import bootstrap
from pinset.ports.audit import AuditFilter
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pinset.services.local import LocalRegistry

BY = Caller(actor="ada")
MANIFEST = (
    "release:\n  feature: {bundle}\n  model: {{name: m, pinned_version: '1'}}\n  prompt: {{text: 'Text {number}.'}}\n"
)
MIDDLE, FEW = "b-05", 6
"""A bundle that both have, and how many releases and moves of it are asked for: both have so many."""


def filled(bundles: int, releases: int) -> LocalRegistry:
    registry = bootstrap.memory_registry()
    for number in range(releases):
        for bundle in range(bundles):
            name = f"b-{bundle:02}"
            files = {"release.yaml": MANIFEST.format(bundle=name, number=number)}
            registry.publish(BY, files, alias="production", label=f"1.{number}")
    return registry


@pytest.fixture(scope="module")
def small() -> Iterator[LocalRegistry]:
    registry = filled(10, 12)
    yield registry
    registry.close()


@pytest.fixture(scope="module")
def large() -> Iterator[LocalRegistry]:
    registry = filled(50, 14)
    yield registry
    registry.close()


def steps(registry: LocalRegistry, work: Callable[[LocalRegistry], Any]) -> int:
    """Instructions of SQLite's machine that the work takes."""
    engine: Any = registry._context.catalog._engine  # type: ignore[attr-defined] # the one in memory has an engine
    counted, connections = 0, set()

    def tick() -> int:
        nonlocal counted
        counted += 1
        return 0

    def watch(connection: Any, *_: Any) -> None:
        raw = connection.connection.dbapi_connection
        raw.set_progress_handler(tick, 1)
        connections.add(raw)

    event.listen(engine, "before_cursor_execute", watch)
    try:
        work(registry)
    finally:
        event.remove(engine, "before_cursor_execute", watch)
        for raw in connections:
            raw.set_progress_handler(None, 0)
    return counted


def publish_some(registry: LocalRegistry) -> None:
    """Sixteen releases: every few writes the index of words merges what they brought, and one write pays for all of them."""
    for number in range(16):
        registry.publish(BY, {"release.yaml": MANIFEST.format(bundle=MIDDLE, number=f"new {number}")})


REQUESTS: dict[str, Callable[[LocalRegistry], Any]] = {
    "get by alias": lambda r: r.release(f"{MIDDLE}@production"),
    "get by version": lambda r: r.release(f"{MIDDLE}@v2"),
    "get by label": lambda r: r.release(f"{MIDDLE}@1.3"),
    "get the latest": lambda r: r.release(f"{MIDDLE}@latest"),
    "aliases": lambda r: r.aliases(MIDDLE),
    "history of an alias": lambda r: r.history(MIDDLE, "production", limit=FEW),
    "history of a bundle": lambda r: r.history(MIDDLE, limit=FEW),
    "releases": lambda r: r.releases(MIDDLE, limit=FEW),
    "bundles": lambda r: r.bundles(limit=FEW),
    "bundles by an alias": lambda r: r.bundles(alias="production", limit=FEW),
    "bundles by a name": lambda r: r.bundles(query="b-0", limit=FEW),
    "bundles of an owner": lambda r: r.bundles(owner="", limit=FEW),
    "bundle": lambda r: r.bundle(MIDDLE),
    "audit of a bundle": lambda r: r.audit.items(AuditFilter(bundle=MIDDLE), limit=FEW),
    "audit of an alias": lambda r: r.audit.items(AuditFilter(bundle=MIDDLE, alias="production"), limit=FEW),
    "audit of a day": lambda r: r.audit.items(AuditFilter(since="1d"), limit=FEW),
    "cost": lambda r: r.cost(f"{MIDDLE}@production"),
    "describe": lambda r: r.describe(),
    "publish": publish_some,
    "promote": lambda r: r.promote(BY, f"{MIDDLE}@v2", "production"),
    "roll back": lambda r: r.rollback(BY, MIDDLE, "production"),
}


@pytest.mark.parametrize("request_", REQUESTS)
def test_a_request_costs_the_same_in_a_large_registry(
    small: LocalRegistry, large: LocalRegistry, request_: str
) -> None:
    work = REQUESTS[request_]
    few, many = steps(small, work), steps(large, work)
    assert few > 10
    assert many <= 1.2 * few, f"{few} steps became {many}"


STATEMENTS: dict[str, tuple[int, Callable[[LocalRegistry], Any]]] = {
    "get by alias": (8, REQUESTS["get by alias"]),
    "aliases": (5, REQUESTS["aliases"]),
    "bundles": (4, REQUESTS["bundles"]),
    "bundle": (4, REQUESTS["bundle"]),
    "releases": (5, REQUESTS["releases"]),
    "publish": (30, lambda r: r.publish(BY, {"release.yaml": MANIFEST.format(bundle=MIDDLE, number="one more")})),
    "promote": (30, lambda r: r.promote(BY, f"{MIDDLE}@v3", "production")),
}
"""The most that a request asks of the catalog."""


@pytest.mark.parametrize("request_", STATEMENTS)
def test_a_request_asks_the_catalog_a_few_times(small: LocalRegistry, request_: str) -> None:
    most, work = STATEMENTS[request_]
    asked: list[str] = []
    engine: Any = small._context.catalog._engine  # type: ignore[attr-defined] # as above

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        work(small)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    asked = [statement for statement in asked if not statement.startswith(("BEGIN", "PRAGMA"))]
    assert 0 < len(asked) <= most, asked


def test_a_search_through_all_rows_is_noticed(small: LocalRegistry, large: LocalRegistry) -> None:
    def scan(registry: LocalRegistry) -> None:
        with registry._context.catalog.reading() as reader:
            reader._connection.execute(text("SELECT count(*) FROM release WHERE digest LIKE '%0'")).all()  # type: ignore[attr-defined]

    assert steps(large, scan) > 5 * steps(small, scan)
