"""Patterns of names, in which ``*`` stands for any characters: of grants, policies, rules for issuers, and limits.

They are matched piece by piece, in a time that grows with the text and nothing else, whoever wrote the pattern.
"""

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
        found = text.find(piece, at)  # the first place is as good as any
        if found < 0:
            return False
        at = found + len(piece)
    return len(text) - at >= len(last) and text.endswith(last)
