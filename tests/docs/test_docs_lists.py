"""Pages that list all there is of something: every route of the API, every table of the catalog, who has an option."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pinset.catalog.tables import CATALOG
from pinset.config.compat import PROTOCOLS
from pinset_cli.commands.importing import SOURCES
from pinset_cli.exporting import FORMATS
from pinset_cli.program import top

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "registry" / "docs"


def test_the_page_over_http_lists_every_route_and_no_other() -> None:
    paths = json.loads((ROOT / "schemas" / "v1" / "openapi.json").read_text())["paths"]
    served = {f"{verb.upper()} {path}" for path, verbs in paths.items() if path.startswith("/v1/") for verb in verbs}
    rows = re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE)(?: [A-Z]+)*) (/[^`?]*)`", (DOCS / "http.md").read_text())
    listed = {f"{verb} /v1{path.removeprefix('/v1')}" for verbs, path in rows for verb in verbs.split()}
    assert len(served) > 60
    assert (sorted(served - listed), sorted(listed - served)) == ([], [])


def test_the_storage_format_names_every_table_of_the_catalog() -> None:
    named = set(re.findall(r"`([a-z_]+)`", (DOCS / "storage-format.md").read_text()))
    assert set(CATALOG.tables) - named == set()


def commands(group: Any, before: str = "") -> Iterator[tuple[str, set[str]]]:
    """Every command with the names of its parameters."""
    for name, one in group.commands.items():
        if hasattr(one, "commands"):
            yield from commands(one, f"{before}{name} ")
        else:
            yield before + name, set(one.callback.__annotations__)


@pytest.mark.parametrize(
    ("row", "parameter"),
    [("--dry-run", "dry_run"), ("--cursor", "cursor"), ("--at TIME", "at"), ("--change ID", "change")],
)
def test_the_page_of_running_says_which_commands_have_an_option(row: str, parameter: str) -> None:
    line = next(x for x in (DOCS / "running.md").read_text().splitlines() if x.startswith(f"| `{row}`"))
    groups = {name for name, _ in commands(top()) if " " in name}
    named = re.findall(r"`([a-z -]+)`", line.split("|")[2])
    listed = {word for words in named for word in ([words] if words in groups else words.split())}
    assert {name for name, taken in commands(top()) if parameter in taken} == listed


def test_the_page_of_other_tools_has_each_protocol_source_and_format() -> None:
    page = (DOCS / "other-tools.md").read_text()
    table = page.split("| what you have |")[1].split("\n\n")[0]
    for name in PROTOCOLS:
        assert f"(compat/{name}.md)" in table
    for source in SOURCES:
        assert f"`{source}`" in table or f"(compat/{source}.md)" in table
    for form in FORMATS:
        assert f"`{form}`" in table


def test_the_description_of_the_api_says_what_everything_is() -> None:
    api = json.loads((ROOT / "schemas" / "v1" / "openapi.json").read_text())
    operations = [(f"{verb} {path}", one) for path, verbs in api["paths"].items() for verb, one in verbs.items()]
    asked = [(where, one) for where, operation in operations for one in operation.get("parameters", ())]
    nameless = [
        name for name, one in [*operations, *api["components"]["schemas"].items()] if not one.get("description")
    ]
    nameless += [
        f"{where} {one['name']}" for where, one in asked if one["in"] == "query" and not one.get("description")
    ]
    assert (len(asked) > 100, nameless) == (True, [])
