"""What `export --to FORMAT` is asked, whatever the format is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pinset_cli.locate import Options

FORMATS: Final[Mapping[str, str]] = {
    "snapshot": "what Client(snapshot=FILE) serves while the registry is away",
    "dotprompt": "a .prompt file for each prompt",
    "prompty": "a .prompty file for each prompt",
    "openai": "the body of a request for each prompt, unfilled",
    "langfuse": "what Langfuse's create_prompt takes",
    "mlflow": "the arguments of MLflow's register_prompt, as JSON",
    "tar": "everything of bundles, for pinset import tar",
}
"""Formats by name, each a module of `pinset_cli.commands.exports`, with what it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be exported. targets: references, each once; none with ``everything``. file: None for the format's own."""

    targets: Sequence[str]
    everything: bool
    file: Path | None
    options: Options
