"""Servers on one registry that are killed at random and started again at once: `Cluster`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import forked
import pinset

if TYPE_CHECKING:
    import random
    from typing import Self

SOURCE = os.pathsep.join(str(Path(pinset.__file__).parents[n] / folder) for n, folder in ((1, "."), (2, "cli")))
ENVIRONMENT = {"PYTHONPATH": SOURCE, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
START_SECONDS = 60


class Cluster:
    """Two servers of one directory, the second with two workers, and whatever else is there to be killed.

    kills: how often each kind was. Everything that is killed is a process of ours or below one of ours.
    """

    def __init__(self, directory: Path, dice: random.Random) -> None:
        self._directory = directory
        self._dice = dice
        self._servers: dict[int, Any] = {}
        self._workers = {_free_port(): 1, _free_port(): 2}
        self.urls = [f"http://127.0.0.1:{port}" for port in self._workers]
        self.kills = dict.fromkeys(("writer", "worker", "server", "supervisor", "directory", "command line"), 0)
        self.clients: set[int] = set()
        """Processes that work on the directory itself."""
        self.commands: set[int] = set()
        """Running calls of the command line; the set of who starts them."""

    def __enter__(self) -> Self:
        for port in self._workers:
            self._start(port)
        for port in self._workers:
            self._wait(port)
        return self

    def __exit__(self, *_exception: object) -> None:
        for server in self._servers.values():
            server.terminate()
        for server in self._servers.values():
            server.wait(START_SECONDS)

    def kill(self, kind: str) -> bool:
        """Kill one process of a kind, if there is one now; a server is started again."""
        single, several = self._workers
        ports = {"server": single, "supervisor": several}
        if kind in ports:
            self._servers[ports[kind]].kill()
            self._servers[ports[kind]].wait()
            self._start(ports[kind])
        else:
            victims = {
                "writer": self._writers,
                "worker": lambda: _below(self._servers[several].pid, "--multiprocessing-fork"),
                "directory": lambda: sorted(self.clients),
                "command line": lambda: sorted(self.commands),
            }[kind]()
            if not victims:
                return False
            with suppress(ProcessLookupError):
                os.kill(self._dice.choice(victims), signal.SIGKILL)
        self.kills[kind] += 1
        return True

    def _writers(self) -> list[int]:
        ours = [*(server.pid for server in self._servers.values()), *self.clients, *self.commands]
        return [pid for mine in ours for pid in _below(mine, "pinset.gitstore.child")]

    def _start(self, port: int) -> None:
        """Start a server. A supervisor's address is free only when its workers have noticed that it is gone."""
        command = ["serve", "--registry", str(self._directory), "--port", str(port)]
        command += ["--workers", str(self._workers[port])]
        deadline = time.monotonic() + START_SECONDS
        while not _is_free(port):
            assert time.monotonic() < deadline, f"the port {port} stays taken by workers of a dead supervisor"
            time.sleep(0.02)
        self._servers[port] = forked.start(
            ["-m", "pinset_cli", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **ENVIRONMENT},
        )

    def _wait(self, port: int) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            assert self._servers[port].poll() is None, "a server ended at its start"
            assert time.monotonic() < deadline, "a server does not listen"
            time.sleep(0.05)


class Killed:
    """A process that prints lines and is started again whenever it was killed. Its lines are kept."""

    def __init__(self, clients: set[int], script: Path, *arguments: str) -> None:
        self._clients = clients
        self._command = [str(script), *arguments]
        self._stop = threading.Event()
        self._process: Any = None
        self._thread = threading.Thread(target=self._run)
        self.lines: list[str] = []
        self.fault = ""
        self._thread.start()

    def stop(self) -> list[str]:
        """End it; all whole lines it said."""
        self._stop.set()
        if self._process is not None:
            self._process.kill()
        self._thread.join()
        assert not self.fault, self.fault
        return self.lines

    def _run(self) -> None:
        life = 0
        while not self._stop.is_set():
            life += 1
            self._process = process = forked.start(
                [*self._command, str(life)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, **ENVIRONMENT},
            )
            if self._stop.is_set():
                process.kill()
            self._clients.add(process.pid)
            said, talk = process.communicate()
            self._clients.discard(process.pid)
            self.lines += [line for line in said.split("\n")[:-1] if line]  # one without its end was cut off
            if process.returncode != -signal.SIGKILL:
                self.fault = talk or f"it ended with {process.returncode}"
                return


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def _below(pid: int, mark: str) -> list[int]:
    """The processes below one whose command line holds a mark."""
    found = []
    for child in _children(pid):
        with suppress(OSError):
            if mark.encode() in Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" "):
                found.append(child)
        found += _below(child, mark)
    return found


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                found += [int(child) for child in (task / "children").read_text().split()]
    return found
