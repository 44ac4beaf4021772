"""A policy's text, read: `parse`."""

from __future__ import annotations

from pinset.domain.policy.parts import Policy

__all__ = ["Policy", "parse"]


def parse(text: str) -> Policy:
    """The policy that a text says. Raises InvalidPolicy with all that is wrong, each with its line and a way out."""
    from pinset.domain.policy.reading import read  # noqa: PLC0415 - what reads YAML is for who has a policy

    return read(text)
