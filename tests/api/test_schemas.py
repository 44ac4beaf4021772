"""schemas/v1 is what the program says it is."""

from __future__ import annotations

from pathlib import Path

from pinset.api.export import documents

SCHEMAS = Path(__file__).parents[2] / "schemas" / "v1"


def test_the_committed_schemas_are_those_of_this_program() -> None:
    committed = {path.name: path.read_text() for path in SCHEMAS.iterdir()}
    assert committed == documents(), "run `make schemas` and read the difference"
