"""Langfuse: what its servers take to make the same prompts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pinset_cli import output
from pinset_cli.locate import opened

if TYPE_CHECKING:
    from pinset_cli.exporting import Asked


def export(asked: Asked) -> None:
    """Write the body that `POST /api/public/v2/prompts` takes; of several releases a list of them."""
    from pinset.domain.exchange.langfuse import create_of
    from pinset.errors import AlreadyExists, ReadOnly

    bodies = []
    with opened(asked.options) as registry:
        for reference in asked.targets:
            document = registry.release(reference if "@" in reference else f"{reference}@production")
            names = registry.bundle(document["bundle"]).get("names") or [document["bundle"]]
            bodies.append(create_of(document, names[0]))
    told = bodies[0] if len(bodies) == 1 else bodies
    for body in bodies:
        if "differs" in body["config"]["release"]:
            output.talk(output.safe(f"warning: {body['name']}: {body['config']['release']['differs']}"))
    if asked.file is None or asked.options.dry_run:
        output.show_json(told)
        output.unchanged(dry_run=asked.options.dry_run)
        return
    try:
        with asked.file.open("x", encoding="utf-8") as file:
            file.write(json.dumps(told, ensure_ascii=False, indent=2) + "\n")
    except FileExistsError as error:
        raise AlreadyExists(f"{asked.file} exists", hint="name another file") from error
    except OSError as error:
        raise ReadOnly(f"{asked.file} cannot be written: {error.strerror}", hint=output.way_to_write(error)) from error
    output.done(f"{asked.file} is written")
