"""What every test gets: no configuration of whoever runs it, and a registry when it asks for one."""

from __future__ import annotations

import json
import os
import shutil
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import uvicorn
from xdist.scheduler import LoadScopeScheduling

import children
import compiled
from pinset import bootstrap
from pinset.api.app import create_app
from pinset.gitstore import process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pinset.services.local import LocalRegistry

compiled.share()

MANIFEST = """\
release:
  feature: {bundle}
  model: {{provider: vendor-x, name: foundation-large, pinned_version: "2025-02-01", temperature: {temperature}}}
  prompt: {{text: "Summarize {{{{ticket}}}}. {words}"}}
"""


TOGETHER: Final = frozenset(
    {
        "tests/api/test_schemathesis.py",
        "tests/contract/test_flat_costs.py",
        "tests/docs/test_docs_errors.py",
        "tests/integration/test_damage.py",
        "tests/integration/test_example_application.py",
        "tests/packaging/test_wheel.py",
    }
)
"""Files whose tests share what is dear to make, so that one process runs them all."""


BROWSING: Final = "tests/web/test_browser"
"""How files of tests begin that go through pages with a browser: a file has one, in one process."""


CLIENTS: Final = "tests/compat/clients/"
"""Where files of tests are that speak with other tools' packages: one process imports those of a file."""


class _Scheduling(LoadScopeScheduling):
    """Tests one by one, and those of some files together."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file in TOGETHER or file.startswith((BROWSING, CLIENTS)) else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Scheduling:
    """How tests are given to processes."""
    return _Scheduling(config, log)


COLD: Final = ("tests/unit/", "tests/integration/test_gitstore_")
"""Where tests are about how git's children start and end: they start them as users do."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Let the children of git stores be forked, but where they are what is tested, and where mutants of them run."""
    if item.nodeid.startswith(COLD) or "MUTANT_UNDER_TEST" in os.environ or not hasattr(os, "pidfd_open"):
        return (yield)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "subprocess", children.starting(children.place()))
        return (yield)


CI_SIGNS: Final = (
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "BUILDKITE",
    "CIRCLECI",
    "TF_BUILD",
    "BITBUCKET_BUILD_NUMBER",
    "JENKINS_URL",
)
"""By these variables a CI system is told: what a test publishes comes from none."""


@pytest.fixture(autouse=True)
def _isolated(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PINSET_REGISTRY", "PINSET_TOKEN", "PINSET_ACTOR", *CI_SIGNS):
        monkeypatch.delenv(name, raising=False)
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def manifest() -> Callable[..., dict[str, str]]:
    """The files of a small release; other words make other content."""

    def make(bundle: str = "support", *, words: str = "", temperature: float = 0.2) -> dict[str, str]:
        return {"release.yaml": MANIFEST.format(bundle=bundle, words=words, temperature=temperature)}

    return make


@pytest.fixture
def counted() -> Callable[..., None]:
    """Says what a campaign has done; `tests/torture.py` adds it up."""

    def say(**counts: int) -> None:
        print(f"\ncounted: {json.dumps(counts)}")  # noqa: T201 - it is read there

    return say


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a registry that nobody wrote to."""
    directory = tmp_path_factory.mktemp("made") / "registry"
    bootstrap.create_registry(directory)
    return directory


@pytest.fixture
def make_registry(made_once: Path) -> Callable[[Path], Path]:
    """Makes a new registry in a directory that is not there: a copy of one, for a copy takes a tenth of the time."""

    def make(directory: Path) -> Path:
        return Path(shutil.copytree(made_once, directory, symlinks=True))

    return make


@pytest.fixture
def home(tmp_path: Path, make_registry: Callable[[Path], Path]) -> Path:
    """The directory of a new registry."""
    return make_registry(tmp_path / "registry")


@pytest.fixture
def memory() -> Iterator[LocalRegistry]:
    """A registry in memory."""
    registry = bootstrap.memory_registry()
    yield registry
    registry.close()


@pytest.fixture
def served(home: Path) -> Iterator[str]:
    """The address of a server on loopback that serves ``home``."""
    registry = bootstrap.local_registry(home)
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(registry), log_level="warning", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=20)
    listening.close()
    registry.close()
