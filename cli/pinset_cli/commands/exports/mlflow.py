"""Arguments of MLflow's `register_prompt`, as JSON."""

from __future__ import annotations

import json
import os
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pinset_cli import output
from pinset_cli.locate import opened

if TYPE_CHECKING:
    from pinset_cli.exporting import Asked


def export(asked: Asked) -> None:
    """Write the releases that were named: one as an object, several as a list; ``-`` is stdout."""
    from pinset.domain.exchange import mlflow

    with opened(asked.options) as registry:
        found = [mlflow.arguments(registry.release(target)) for target in asked.targets]
    file = asked.file or Path("prompt.mlflow.json")
    text = json.dumps(found[0] if len(found) == 1 else found, ensure_ascii=False, indent=2) + "\n"
    if file == Path("-") and not asked.options.dry_run:
        sys.stdout.write(text)
        return
    if not asked.options.dry_run:
        _write(file, text)
        output.done(f"{file} is written")
    if asked.options.as_json:
        output.show_json({"format": "mlflow", "file": str(file), "prompts": [one["name"] for one in found]})
    else:
        output.say(output.on_one_line(f"{file}: {', '.join(one['name'] for one in found)}"))
        if not asked.options.dry_run:
            each = "**one) for each of them" if len(found) > 1 else f"**json.load(open({str(file)!r})))"
            output.advise(f"next: mlflow.genai.register_prompt({each}")
    output.unchanged(dry_run=asked.options.dry_run)


def _write(file: Path, text: str) -> None:
    """Replace an export of before whole. Raises AlreadyExists for another file, ReadOnly."""
    from pinset.errors import AlreadyExists, ReadOnly

    if os.path.lexists(file) and not _is_export(file):
        raise AlreadyExists(f"{file} exists, and is no export to MLflow", hint="name another file: -o FILE")
    building = file.with_name(f".{file.name}.{uuid.uuid4().hex[:8]}")
    try:
        with building.open("x", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        building.replace(file)
    except OSError as error:
        raise ReadOnly(f"{file} cannot be written: {error.strerror}", hint=output.way_to_write(error)) from error
    finally:
        building.unlink(missing_ok=True)


def _is_export(file: Path) -> bool:
    try:
        found: Any = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    listed = found if isinstance(found, list) else [found]
    return bool(listed) and all(isinstance(one, dict) and {"name", "template", "tags"} <= set(one) for one in listed)
