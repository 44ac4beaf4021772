"""The page of modules says what there is: every package, and nothing that is not there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "registry" / "pinset"
PAGE = (ROOT / "registry" / "docs" / "architecture.md").read_text()
NAMED = set(re.findall(r"`([a-z_]+(?:/[a-z_]+)*(?:\.py)?)`", PAGE))
"""Everything that looks like a path: of the package, the repository, or a command's module."""
PLACES = (
    PACKAGE,
    ROOT,
    ROOT / "cli" / "pinset_cli",
    ROOT / "cli" / "pinset_cli" / "commands",
    ROOT / "registry" / "docs",
)


def packages() -> set[str]:
    """The packages at the top two levels, and the modules at the first."""
    found = (path for depth in ("*", "*/*") for path in PACKAGE.glob(depth) if "__pycache__" not in path.parts)
    inner = {path for path in found if path.is_dir() and any(path.glob("*.*"))} | set(PACKAGE.glob("[a-z]*.py"))
    return {path.relative_to(PACKAGE).as_posix() for path in inner}


def test_every_package_is_named() -> None:
    assert {"domain/diff", "errors.py", "web"} <= packages()
    assert packages() <= NAMED


def test_what_is_named_is_there() -> None:
    paths = {name for name in NAMED if "/" in name or name.endswith(".py")}
    assert len(paths) > 80
    assert [name for name in sorted(paths) if not any((place / name).exists() for place in PLACES)] == []


def test_every_way_in_has_its_place() -> None:
    routes = {f"api/{path.name}" for path in (PACKAGE / "api").glob("routes_*.py")}
    commands = {path.name for path in (ROOT / "cli" / "pinset_cli" / "commands").glob("[a-z]*.py")}
    assert sorted((routes | commands) - NAMED) == []
