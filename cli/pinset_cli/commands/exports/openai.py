"""OpenAI: the body of a request for each prompt, as JSON, its messages unfilled."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pinset_cli.exporting import Asked


def export(asked: Asked) -> None:
    """Write the releases that were named, and say what could not be carried."""
    from pinset.domain.exchange import openai
    from pinset_cli import prompt_files

    prompt_files.export(asked, openai.tell, form="openai", ending=openai.ENDING)
