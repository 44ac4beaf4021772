"""The code that a page of the documentation shows, as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

PAGES: Final = Path(__file__).parents[3] / "registry" / "docs" / "compat"
ADDRESS: Final = "http://127.0.0.1:7467"
"""Where pages say that the server is."""


def blocks(name: str, language: str, address: str) -> list[str]:
    """The fenced blocks of a language. address: put in for the one that the page has."""
    text = (PAGES / f"{name}.md").read_text("utf-8")
    found = re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert found, f"{name}.md shows nothing in {language}"
    return [one.replace(ADDRESS, address) for one in found]


def snippet(module: str) -> str:
    """A block of JavaScript as a snippet: what it imports is loaded."""
    loaded = re.sub(r'^import (\{[^}]*\}) from ("[^"]+");$', r"const \1 = await load(\2);", module, flags=re.MULTILINE)
    assert not re.search(r"^import ", loaded, re.MULTILINE), "write imports as: import { A, B } from …;"
    return loaded
