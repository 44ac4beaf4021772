"""The action's steps run as they are written, as a forge runs them: `bash -e -o pipefail`, and nothing but their environment.

What installs is replaced: a Python that makes no environment, and `pinset` as the tests have it. `make container` and the
wheel's test install from the same locks.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

import warm
from pinset import bootstrap
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT: Final = Path(__file__).parents[2]
ACTION: Final = yaml.safe_load((ROOT / "action.yml").read_text())
INSTALL, WORK = ACTION["runs"]["steps"]
OPS: Final = Caller(actor="ops")
PYTHON: Final = """\
#!/bin/sh
echo "python $*" >> "$CALLS"
if test "$2" = -m; then mkdir -p "$4/bin"; cp "$FAKE/pip" "$4/bin/pip"; fi
exit ${OLD:-0}
"""


class Runner:
    """A job of a forge with a checkout of two bundles."""

    def __init__(self, place: Path, registry: str) -> None:
        self.work, self.temp, self.fake = place / "work", place / "temp", place / "fake"
        for folder in (self.work, self.temp, self.fake):
            folder.mkdir(parents=True)
        for name, text in (("python3", PYTHON), ("pip", '#!/bin/sh\necho "pip $*" >> "$CALLS"\n')):
            (self.fake / name).write_text(text)
            (self.fake / name).chmod(0o755)
        self.registry, self.calls, self.summary = registry, place / "calls", place / "summary"
        self.output = place / "output"
        self.output.touch()

    def installed(self) -> None:
        """Put in place what the first step would."""
        (self.temp / "pinset").mkdir(exist_ok=True)
        warm.install(self.temp / "pinset" / "bin")

    def run(self, step: dict[str, Any], **inputs: str) -> tuple[int, str]:
        """One step with these inputs, the defaults of the others: its exit status and what it said."""
        defaults = {name: str(one.get("default", "")) for name, one in ACTION["inputs"].items()}
        given = defaults | {name.replace("_", "-"): value for name, value in inputs.items()}
        assert set(given) == set(defaults)
        own = {
            name: re.sub(r"\$\{\{ inputs\.(\S+) \}\}", lambda m: given[m[1]], text)
            for name, text in step["env"].items()
        }
        plain = {name: os.environ[name] for name in ("PYTHONPATH", "VIRTUAL_ENV", "LANG") if name in os.environ}
        plain |= {
            "PATH": f"{self.fake}:{os.environ['PATH']}", "HOME": str(self.temp), "RUNNER_TEMP": str(self.temp),
            "GITHUB_ACTION_PATH": str(ROOT), "GITHUB_OUTPUT": str(self.output), "GITHUB_STEP_SUMMARY": str(self.summary),
            "PINSET_REGISTRY": self.registry, "CALLS": str(self.calls), "FAKE": str(self.fake),
        }  # fmt: skip
        if own.get("PYTHON") == "old":
            plain["OLD"], own["PYTHON"] = "1", "python3"
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.work, env=plain | own, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def runner(home: Path, tmp_path: Path, manifest: Callable[..., dict[str, str]]) -> Runner:
    made = Runner(tmp_path / "job", str(home))
    registry = bootstrap.local_registry(home)
    for name in ("support", "order router"):
        bundle = name.replace(" ", "-")
        registry.publish(OPS, manifest(bundle), alias="production")
        (made.work / "bundles" / name).mkdir(parents=True)
        (made.work / "bundles" / name / "release.yaml").write_text(manifest(bundle, words="shorter")["release.yaml"])
    registry.close()
    return made


def test_it_installs_from_its_own_commit_with_locked_dependencies(runner: Runner) -> None:
    assert runner.run(INSTALL, bundles="x") == (0, "")
    calls = runner.calls.read_text().splitlines()
    assert calls[1] == f"python -I -m venv {runner.temp}/pinset"
    assert calls[2:] == [
        f"pip install --quiet --require-hashes -r {ROOT}/packaging/locks/build.lock -r {ROOT}/packaging/locks/cli.lock",
        f"pip install --quiet --no-deps --no-build-isolation {ROOT}",
    ]
    status, said = runner.run(INSTALL, bundles="x", python="old")
    assert (status, "Python 3.11" in said) == (1, True)
    runner.installed()
    runner.calls.unlink()
    assert (runner.run(INSTALL, bundles="x"), runner.calls.exists()) == ((0, ""), False)


def test_it_checks_and_reviews_the_bundles_of_patterns_and_names(runner: Runner) -> None:
    runner.installed()
    status, said = runner.run(WORK, bundles="bundles/*/")
    assert (status, said.count("is fit to publish")) == (0, 2), said
    status, said = runner.run(
        WORK, bundles="bundles/order router\r\n\nbundles/sup*\n", run="review", fail_on="breaking"
    )
    assert (status, said) == (0, "")
    summary = runner.summary.read_text()
    assert "`support` | **behaviour** |" in summary
    assert "`order-router` | **behaviour** |" in summary
    assert runner.output.read_text() == f"review={runner.temp}/pinset-review.md\n"
    status, said = runner.run(WORK, bundles="bundles/*/", run="review", fail_on="behaviour")
    assert (status, "as bad as fail-on says" in said) == (1, True)
    assert runner.run(WORK, bundles="bundles/*/", run="review", fail_on="none")[0] == 0


def test_a_directory_that_is_called_like_an_option_is_none(runner: Runner) -> None:
    runner.installed()
    shutil.copytree(runner.work / "bundles" / "support", runner.work / "--help")
    shutil.copytree(runner.work / "bundles" / "support", runner.work / "--registry=elsewhere")
    for bundles in ("-*/", "--*\nbundles/support", "[-]*"):
        status, said = runner.run(WORK, bundles=bundles)
        assert (status, said.count("is fit to publish")) == (0, 2 + ("support" in bundles)), said


def test_it_fails_with_the_status_of_what_is_wrong(runner: Runner) -> None:
    runner.installed()
    (runner.work / "bundles" / "support" / "release.yaml").write_text("release: {feature: support}\n")
    status, said = runner.run(WORK, bundles="bundles/*/")
    assert (status, "order-router is fit to publish" in said, "1 of 2 bundles" in said) == (2, True, True), said
    assert runner.run(WORK, bundles="bundles/*/", registry="http://127.0.0.1:9")[0] == 8


@pytest.mark.parametrize(
    ("inputs", "status", "word"),
    [
        ({"bundles": "nothing/*/"}, 3, "nothing/*/"),
        ({"bundles": "\n"}, 2, "names no directory"),
        ({"bundles": "x", "run": "publish"}, 2, "check or review"),
        ({"bundles": "x", "fail_on": "all"}, 2, "fail-on"),
        ({"bundles": "$(touch hacked)\n`touch hacked`\n; touch hacked"}, 3, "no directory"),
        ({"bundles": "--json"}, 3, "no directory"),
    ],
)
def test_what_it_cannot_do_is_said_and_nothing_written_is_run(
    runner: Runner, inputs: dict[str, str], status: int, word: str
) -> None:
    runner.installed()
    done, said = runner.run(WORK, **inputs)
    assert (done, word in said) == (status, True), said
    assert not list(runner.work.rglob("hacked"))


def test_no_script_holds_what_a_caller_wrote() -> None:
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step["run"]
        assert step["shell"] == "bash"
