"""Mutation testing, which `make mutants` runs: ``python tests/mutants.py [MODULE…]``, see registry/docs/mutation.md.

A MODULE is a pattern such as ``domain.proof`` or ``domain.text.*``; without one all are run. mutmut wants the package
beside the tests, and ours is below `registry/`. So each group of modules has a folder in `mutants/` with links to the
real files; there mutmut makes its own copy that holds every mutant, and runs on each the tests of the group that reach it.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import random
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STAGE = ROOT / "mutants"
UNIT = "tests/unit/test_"
GROUPS: dict[str, tuple[list[str], list[str]]] = {
    "records": (
        [
            "auth/*",
            *(f"domain/{n}.py" for n in ("proof", "messages", "moves", "names", "references", "records", "findings")),
        ],
        [
            *(
                f"{UNIT}{n}.py"
                for n in ("access", "finding_answers", "messages", "moves", "names", "proof", "references")
            ),
            "tests/api/test_token_text.py",
        ],
    ),
    "text": (
        ["domain/text/*"],
        [
            *(
                f"{UNIT}text_{n}.py"
                for n in (
                    "jinja",
                    "json",
                    "json_schemas",
                    "schemas",
                    "strict_json",
                    "strict_yaml",
                    "suspicious",
                    "templates",
                    "tool_shapes",
                    "tools",
                    "yaml",
                )
            ),
            "-k",
            "not repetition",
        ],
    ),
    "content": (
        [
            "domain/manifest/*",
            "domain/checks/*",
            *(f"domain/{n}.py" for n in ("sealed", "document", "assembly", "rendering")),
        ],
        [
            *(
                f"{UNIT}{n}.py"
                for n in ("manifest", "manifest_edges", "manifest_slips", "findings", "proof", "rendering", "sealed")
            ),
        ],
    ),
    "diff": (
        ["domain/diff/*"],
        [f"{UNIT}diff_{n}.py" for n in ("compare", "laws", "moves", "paths", "readings", "render", "words")],
    ),
    "delivery": (
        [
            *(f"api/{n}.py" for n in ("conditional", "hub", "prepared", "ready")),
            *(f"client/{n}.py" for n in ("pace", "packing", "shape")),
            *(f"domain/{n}.py" for n in ("adoption", "following", "inputs")),
            "services/events.py",
        ],
        [
            *(f"{UNIT}{n}.py" for n in ("adoption", "client_packing", "events_service", "hub", "inputs", "ready")),
            *(f"tests/client/test_client_{n}.py" for n in ("distrust", "pace")),
        ],
    ),
    "objects": (
        [f"gitstore/{n}.py" for n in ("objects", "loose", "scanning", "refs", "frames", "faults", "locks", "memory")],
        [
            *(f"{UNIT}gitstore_{n}.py" for n in ("objects", "scanning", "pipe", "locks")),
            "tests/contract/test_store_contract.py",
            "-k",
            "memory or gitstore",
        ],
    ),
    "gitstore": (
        [f"gitstore/{n}.py" for n in ("child", "writer", "process", "supervisor", "store", "layout", "git", "cloning")],
        [
            "tests/contract/test_store_contract.py",
            *(f"tests/integration/test_gitstore_{n}.py" for n in ("failures", "damage", "opening", "packing")),
            "-k",
            "not memory and not hangs",
        ],
    ),
}
"""The modules of each group and the tests that mutmut runs on them: those that are fast."""
STATUS = {0: "survived", 1: "killed", 3: "killed", 33: "untested", None: "not run", -11: "killed"}
BY_CHILD = ("child", "writer")
"""Modules of `gitstore` that run in the writer process, where mutmut does not see which test reached them."""
STARTS_CHILD = "pinset.gitstore.process.xǁChildǁ__init__"
IN_CHILDREN = """\
import os
if os.environ.get("MUTANT_UNDER_TEST") == "stats":  # only the process of the tests can count what is reached
    del os.environ["MUTANT_UNDER_TEST"]
"""
QUICKLY = """\
from hypothesis import Phase, settings
settings.register_profile(  # a mutant is found or it is not: nobody reads its smallest example
    "mutants", max_examples=50, phases=[Phase.explicit, Phase.generate], derandomize=True, deadline=None, database=None
)
settings.load_profile("mutants")
"""
AT_ONCE = 200


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("modules", nargs="*", default=["*"])
    parser.add_argument("--sample", type=int, default=0, help="so many mutants of each module; 0 for all")
    parser.add_argument("--seed", type=int, default=1, help="which ones")
    parser.add_argument("--again", action="store_true", help="run also what was killed before")
    parser.add_argument("--survivors", action="store_true", help="run only what survived before")
    parser.add_argument("--show", action="store_true", help="run nothing; show the survivors")
    parser.add_argument("--table", action="store_true", help="run nothing; count")
    given = parser.parse_args()
    groups = [Group(name) for name in GROUPS]
    if not (given.show or given.table):
        for group in groups:
            group.run(given)
    if given.show:
        for group in groups:
            group.show(given.modules)
    else:
        table([group.matching(given.modules) for group in groups])
    return 0


class Group:
    """The modules that one set of tests holds."""

    def __init__(self, name: str) -> None:
        self.stage = STAGE / name
        self.made = self.stage / "mutants"
        self.sources, self.tests = GROUPS[name]

    def run(self, given: argparse.Namespace) -> None:
        """Make the mutants, see which tests reach them, run those asked for."""
        if not any(self._may_match(pattern) for pattern in given.modules):
            return
        self._prepare()
        self._mutmut("-")  # matches none: mutmut ends when it has made them and counted what the tests reach
        if not (self.made / "mutmut-stats.json").is_file():
            sys.exit("mutmut could not run the tests")
        self._reach_children()
        chosen = self._choose(given)
        for start in range(0, len(chosen), AT_ONCE):
            if self._mutmut(*chosen[start : start + AT_ONCE]):
                sys.exit(f"mutmut failed, see {self.stage / 'log'}")

    def show(self, patterns: list[str]) -> None:
        """The survivors: what was there and what passed for it."""
        for name, code in self.matching(patterns).items():
            if status(code) in {"survived", "untested"}:
                command = [sys.executable, "-m", "mutmut", "show", name]
                done = subprocess.run(command, cwd=self.stage, capture_output=True, text=True, check=False)
                lines = [
                    line for line in done.stdout.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")
                ]
                sys.stdout.write("\n".join([f"{status(code)} {name}", *lines, ""]))

    def results(self) -> dict[str, int | None]:
        """Every mutant and how it ended."""
        found: dict[str, int | None] = {}
        for meta in sorted(self.made.rglob("*.py.meta")):
            found |= json.loads(meta.read_text())["exit_code_by_key"]
        return found

    def matching(self, patterns: list[str]) -> dict[str, int | None]:
        """The results of the modules asked for."""
        return {
            name: code
            for name, code in self.results().items()
            if any(fnmatch.fnmatch(module_of(name), pattern) for pattern in patterns)
        }

    def _may_match(self, pattern: str) -> bool:
        modules = {
            ".".join(path.relative_to(ROOT / "registry/pinset").with_suffix("").parts)
            for source in self.sources
            for path in (ROOT / "registry/pinset").glob(source)
        }
        return any(fnmatch.fnmatch(module, pattern) for module in modules)

    def _prepare(self) -> None:
        self.made.mkdir(parents=True, exist_ok=True)
        for link, target in {
            self.stage / "pinset": ROOT / "registry" / "pinset",
            self.stage / "tests": ROOT / "tests",
            self.made / "registry": self.made,
            self.made / "cli": ROOT / "cli",
        }.items():
            if not link.is_symlink():
                link.symlink_to(target)
        # What a test starts finds this by its PYTHONPATH.
        (self.made / "sitecustomize.py").write_text(IN_CHILDREN)
        (self.made / "conftest.py").write_text(QUICKLY)
        settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
        pytest, mutmut = settings["pytest"]["ini_options"], settings["mutmut"]
        mutmut["only_mutate"] = [f"pinset/{source}" for source in self.sources]
        mutmut["pytest_add_cli_args_test_selection"] = self.tests
        lines = ["[tool.pytest.ini_options]", *(f"{key} = {json.dumps(value)}" for key, value in pytest.items())]
        lines += ["[tool.mutmut]", *(f"{key} = {json.dumps(value)}" for key, value in mutmut.items())]
        (self.stage / "pyproject.toml").write_text("\n".join(lines) + "\n")

    def _mutmut(self, *names: str) -> int:
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "cli")}
        command = [sys.executable, "-m", "mutmut", "run", "--max-children", os.environ.get("PINSET_JOBS", "2"), *names]
        with (self.stage / "log").open("wb") as log:
            return subprocess.run(
                command, cwd=self.stage, env=environment, stdout=log, stderr=log, check=False
            ).returncode

    def _reach_children(self) -> None:
        """Say that whatever test started the writer process reached its modules."""
        path = self.made / "mutmut-stats.json"
        stats = json.loads(path.read_text())
        by_function = stats["tests_by_mangled_function_name"]
        reached = by_function.get(STARTS_CHILD, [])
        for name in self.results():
            if module_of(name).removeprefix("gitstore.") in BY_CHILD:
                function = name.partition("__mutmut_")[0]
                by_function[function] = sorted({*by_function.get(function, ()), *reached})
        path.write_text(json.dumps(stats))

    def _choose(self, given: argparse.Namespace) -> list[str]:
        found = self.matching(given.modules)
        by_module: dict[str, list[str]] = {}
        for name in found:
            by_module.setdefault(module_of(name), []).append(name)
        dice = random.Random(given.seed)
        chosen: list[str] = []
        for names in by_module.values():
            chosen += dice.sample(names, given.sample) if 0 < given.sample < len(names) else names
        if given.survivors:
            return [name for name in chosen if status(found[name]) in {"survived", "untested", "timed out"}]
        return chosen if given.again else [name for name in chosen if found[name] is None]


def module_of(name: str) -> str:
    return name.rpartition(".")[0].removeprefix("pinset.")


def status(code: int | None) -> str:
    return STATUS.get(code, "timed out")


def table(results: list[dict[str, int | None]]) -> None:
    counts: dict[str, Counter[str]] = {}
    total: Counter[str] = Counter()
    for found in results:
        for name, code in found.items():
            counts.setdefault(module_of(name), Counter())[status(code)] += 1
            total[status(code)] += 1
    sys.stdout.write(
        "| module | mutants | run | killed | timed out | survived | score |\n|---|--:|--:|--:|--:|--:|--:|\n"
    )
    for module, of in [*sorted(counts.items()), ("all", total)]:
        ran = of.total() - of["not run"]
        alive = of["survived"] + of["untested"]
        score = f"{100 * (ran - alive) / ran:.0f} %" if ran else ""
        sys.stdout.write(
            f"| {module} | {of.total()} | {ran} | {of['killed']} | {of['timed out']} | {alive} | {score} |\n"
        )


if __name__ == "__main__":
    sys.exit(main())
