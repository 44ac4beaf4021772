"""Patterns of names: what they fit, and that none takes long."""

from __future__ import annotations

import pytest

from pinset.domain.globs import fits


@pytest.mark.parametrize(
    ("pattern", "text", "fit"),
    [
        ("a", "a", True), ("a", "ab", False), ("*", "", True), ("a*", "a", True), ("a*", "ba", False), ("*a", "ba", True),
        ("a*b", "ab", True), ("a*b", "a\nb", True), ("ab*ba", "aba", False), ("a*b*c", "a-c-b", False), ("a*b*c", "a-b-b-c", True),
        ("a**b", "ab", True), ("a.c", "abc", False), ("A", "a", False),
    ],
)  # fmt: skip
def test_a_pattern_fits_the_whole_text(pattern: str, text: str, *, fit: bool) -> None:
    assert fits(pattern, text) is fit


def test_no_pattern_takes_long() -> None:
    assert not fits("*a" * 200 + "b", "a" * 100_000)
