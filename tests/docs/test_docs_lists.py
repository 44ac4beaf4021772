"""Pages that list all there is of something: every route of the API, every table of the catalog."""

from __future__ import annotations

import json
import re
from pathlib import Path

from pinset.catalog.tables import CATALOG

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
