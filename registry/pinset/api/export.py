"""What other programs read, written to a directory: the OpenAPI description and JSON Schemas of the answers."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from pydantic import TypeAdapter

from pinset.api.app import create_app
from pinset.domain import answers

if TYPE_CHECKING:
    from pinset.services.local import LocalRegistry

SHAPES: Final[dict[str, Any]] = {
    "release": answers.ReleaseAnswer,
    "sealed-release": answers.SealedAnswer,
    "publish": answers.PublishAnswer,
    "move": answers.MoveAnswer,
    "history-item": answers.HistoryItem,
    "check": answers.CheckAnswer,
}
"""The answers that programs keep or pass on, by the name of their schema's file."""


def documents() -> dict[str, str]:
    """Every file by name, the same on every machine."""
    app = create_app(cast("LocalRegistry", None))  # describing routes asks nothing of the registry
    made: dict[str, Any] = {"openapi.json": app.openapi()}
    for name, shape in SHAPES.items():
        schema = TypeAdapter(shape).json_schema()
        made[f"{name}.schema.json"] = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return {
        name: json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n" for name, value in made.items()
    }


def main(directory: Path) -> int:
    """Write the files that differ."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in documents().items():
        (directory / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
