"""What is said of a bundle itself, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinset_cli import output

if TYPE_CHECKING:
    from pinset.domain.answers import BundleAnswer


def show(bundle: BundleAnswer) -> None:
    """Lines about a bundle: only of what is said."""
    if bundle["archived"]:
        output.say("archived: nothing is published or promoted")
    if bundle["owner"]:
        output.say(f"owner: {output.safe(bundle['owner'])}")
    if bundle["formerly"]:
        output.say(f"answers also by: {', '.join(bundle['formerly'])}")
    if bundle["names"]:
        output.say(f"called elsewhere: {output.safe(', '.join(bundle['names']))}")
    if bundle["description"]:
        output.say(f"about: {output.safe(bundle['description'])}")
