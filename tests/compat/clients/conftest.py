"""A registry served as users serve it, and the client packages of other tools, as they are published.

Collected by ``make test-compat`` alone, which sets up the environments; where one is missing its tests fail.
"""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

import bundles
import matrix
import pytest
import sessions

from pinset import bootstrap
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pinset.services.local import LocalRegistry

ANA: Final = Caller(actor="ana")
LIMITS: Final = """\
[[limits.tokens]]
name = "slow-*"
reads_per_second = 0.016
reads_burst = 2
"""
PATIENCE: Final = 60.0
"""Seconds that a server may take to begin or to end: it is for what hangs."""


class Served:
    """A registry that `pinset serve` serves on loopback, always at one address.

    address: of the server. home: the registry's directory. registry: the same directory, opened here: what tests
    publish and promote goes there. key: a credential that may read everything. writing: one that may write too.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        bootstrap.create_registry(home)
        self.registry: LocalRegistry = bootstrap.local_registry(home)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port: int = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)
        for bundle, releases in bundles.PUBLISHED.items():
            for files in releases:
                self.registry.publish(ANA, files, message="for the tests")
            for alias, version in bundles.ALIASES.get(bundle, {"production": f"v{len(releases)}"}).items():
                self.promote(f"{bundle}@{version}", alias)
        (home / "config.toml").write_text(LIMITS)
        self.key = self.token()
        self.writing = self.token("read write")
        self.start()

    def compat(self, protocol: str) -> str:
        """Where a protocol is mounted."""
        return f"{self.address}/compat/{protocol}"

    def token(self, can: str = "read", kind: str = "token") -> str:
        """A new credential. kind: what its name begins with; a ``slow`` one may read twice, and then once a minute."""
        return str(self.registry.create_token(ANA, f"{kind}-{next(self._numbers)}", can=can)["token"])

    def promote(self, reference: str, alias: str = "production") -> None:
        """Make an alias serve a release."""
        self.registry.promote(ANA, reference, alias, reason="for the tests")

    def bundle(self, make: Callable[[str, str], dict[str, str]] = bundles.text) -> str:
        """A new bundle for one test: v1 says ``One`` and is in production, v2 says ``Two``."""
        name = f"moving-{next(self._numbers)}"
        self.registry.publish(ANA, make(name, "One"), alias="production")
        self.registry.publish(ANA, make(name, "Two"))
        return name

    def document(self, reference: str) -> dict[str, Any]:
        """The release document."""
        return dict(self.registry.release(reference))

    def start(self) -> None:
        """Serve; returns when requests are answered."""
        where = ("--registry", self.home, "--host", "127.0.0.1", "--port", str(self._port))
        command = [sys.executable, "-m", "pinset_cli.main", "serve", *where]
        log = self.home.parent / "server.log"
        with log.open("w") as told:
            self._process = subprocess.Popen(command, stdout=told, stderr=told)
        until = time.monotonic() + PATIENCE
        while not self._answers():
            assert self._process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/healthz", timeout=PATIENCE):
                return True
        except OSError:
            return False

    def stop(self) -> None:
        """End the server as a supervisor does; its address is then refused."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(PATIENCE)
            self._process = None

    @contextmanager
    def away(self) -> Iterator[None]:
        """Inside, there is no server; afterwards it is there again."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def end(self) -> None:
        """Stop everything."""
        self.stop()
        self.registry.close()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The registry with `bundles.PUBLISHED`, served. Tests move only what they made with `Served.bundle`."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("GIT_", "PINSET_"))]:
            patch.delenv(name)
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        made = Served(tmp_path_factory.mktemp("served") / "registry")
        yield made
        made.end()


@pytest.fixture(scope="session")
def python_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., sessions.PythonClient]]:
    """Gives the Python package of an environment, such as ``langfuse-5.0``; names are its environment variables."""
    with ExitStack() as stack:
        yield _kept(sessions.PythonClient, tmp_path_factory, stack)


@pytest.fixture(scope="session")
def node_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., sessions.NodeClient]]:
    """Gives the JavaScript package of an environment, such as ``langfuse-js-5``; names are its environment variables."""
    with ExitStack() as stack:
        yield _kept(sessions.NodeClient, tmp_path_factory, stack)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test of `matrix.Matrix` for each dialect of its class."""
    if "dialect" in metafunc.fixturenames:
        assert metafunc.cls is not None
        metafunc.parametrize("dialect", metafunc.cls.dialects, ids=lambda one: one.client)


@pytest.fixture
def opened(
    served: Served, python_client: Callable[..., sessions.PythonClient], node_client: Callable[..., sessions.NodeClient]
) -> Iterator[matrix.Opener]:
    """Opens dialects for one test."""
    with ExitStack() as stack:
        yield matrix.Opener(served, python_client, node_client, stack)


@pytest.fixture
def reader(opened: matrix.Opener, dialect: matrix.Dialect) -> matrix.Reader:
    """A package that was opened as its dialect says, with a credential that may read everything."""
    return opened(dialect)


def _kept(kind: Callable[..., Any], places: pytest.TempPathFactory, stack: ExitStack) -> Callable[..., Any]:
    """Makes a client once for the same name and variables."""
    made: dict[tuple[str, frozenset[tuple[str, str]]], Any] = {}

    def give(name: str, **env: str) -> Any:
        which = (name, frozenset(env.items()))
        if which not in made:
            made[which] = kind(name, places.mktemp("c"), env)
            stack.callback(made[which].end)
        return made[which]

    return give
