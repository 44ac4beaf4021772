"""Patterns in which ``*`` stands for any characters, matched in a time that grows with the text and nothing else."""

from __future__ import annotations


def fits(pattern: str, text: str) -> bool:
    """Whether a pattern matches the whole text."""
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == text
    *middle, last = rest
    at = len(first)
    if not text.startswith(first):
        return False
    for piece in middle:
        found = text.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return len(text) - at >= len(last) and text.endswith(last)
