"""What `make bench` prints: every figure that the documentation gives, measured here, with what was wanted of it.

Both sides of a ratio come from the same rounds. With names of modules only those run: `python benchmarks/run.py writing`.
With `--page FILE` each module's table is written into its section of that page too, between the page's two marks.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pygit2

if TYPE_CHECKING:
    from figures import Figure

MODULES = (
    "starting",
    "fetching",
    "serving",
    "compat",
    "events",
    "fleet",
    "diffs",
    "review",
    "trust",
    "writing",
    "importing",
    "scale",
    "cloning",
    "steady",
    "peers",
)
HEAD = ["figure", "median", "p90", "beside", "ratio", "wanted", "kept"]
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def machine() -> str:
    """What the figures were measured on."""
    info = Path("/proc/cpuinfo")
    named = re.search(r"model name\s*: (.*)", info.read_text()) if info.exists() else None
    git = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    parts = [
        named[1] if named else platform.machine(),
        f"{os.cpu_count()} cores",
        platform.system(),
        f"Python {platform.python_version()}",
        f"pygit2 {pygit2.__version__}",
        f"SQLite {sqlite3.sqlite_version}",
        f"git {git}",
    ]
    return ", ".join(parts)


def table(figures: list[Figure]) -> str:
    """The figures as a table of Markdown, which reads as plain text too."""
    rows = [HEAD, *(figure.row() for figure in figures)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(HEAD))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", choices=[[], *MODULES], metavar="MODULE", help=", ".join(MODULES))
    parser.add_argument("--page", type=Path, help="a page to write the table into")
    asked = parser.parse_args()
    figures: list[Figure] = []
    print(machine(), flush=True)
    for name in asked.modules or MODULES:
        found = importlib.import_module(name).figures()
        figures += found
        print(f"\n{name}\n{table(found)}", flush=True)
        if asked.page and found:
            asked.page.write_text(onto(asked.page.read_text(), name, found))
    missed = [figure.name for figure in figures if figure.kept is False]
    print(f"\nnot as wanted: {', '.join(missed)}" if missed else "\nall as wanted")


def onto(page: str, name: str, found: list[Figure]) -> str:
    """A page with the section of a module written anew; sections of others stay as they were measured."""
    before, _, rest = page.partition(BEGIN)
    sections, _, after = rest.partition(END)
    kept = {part.split("\n", 1)[0]: part for part in sections.split("### ")[1:]}
    kept[name] = f"{name}\n\n{table(found)}\n\n"
    ordered = "".join(f"### {kept[one]}" for one in MODULES if one in kept)
    return f"{before}{BEGIN}\n\nMeasured on {machine()}.\n\n{ordered}{END}{after}"


if __name__ == "__main__":
    sys.exit(main())
