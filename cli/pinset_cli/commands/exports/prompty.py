"""Prompty: a .prompty file for each prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pinset_cli.exporting import Asked


def export(asked: Asked) -> None:
    """Write the releases that were named, and say what could not be carried."""
    from pinset.domain.exchange import prompty
    from pinset_cli import prompt_files

    prompt_files.export(asked, prompty.tell, form="prompty", ending=prompty.ENDING)
