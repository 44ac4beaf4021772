"""A PostgreSQL server of Debian's package for the time of a test run. It refuses to run as root, so it does not."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from pathlib import Path


def binaries() -> Path | None:
    """The folder of the newest server's programs; None where none is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return found[-1].parent if found else None


class Server:
    """Started in a directory of its own, on loopback only."""

    def __init__(self, directory: Path) -> None:
        programs = binaries()
        if programs is None:
            raise RuntimeError("no PostgreSQL is installed")
        self._programs = programs
        self._data = directory / "data"
        self._as_user: list[str] = []
        if os.geteuid() == 0:
            user = pwd.getpwnam("nobody")
            os.chown(directory, user.pw_uid, user.pw_gid)
            self._as_user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"]
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self._directory = directory

    def start(self) -> None:
        self._run(
            "initdb", "-D", str(self._data), "-U", "pinset", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"
        )
        options = f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories= -c fsync=off"
        log = str(self._directory / "log")
        self._run("pg_ctl", "-D", str(self._data), "-w", "-l", log, "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "stop")
        shutil.rmtree(self._data, ignore_errors=True)

    def database(self, name: str) -> str:
        """A new, empty database's URL."""
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "pinset", name)
        return f"postgresql+psycopg://pinset@127.0.0.1:{self.port}/{name}"

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as_user, str(self._programs / program), *arguments]
        # The server keeps what it inherits, so its output must be no pipe that somebody waits on.
        done = subprocess.run(
            command, cwd=self._directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"{program} ended with {done.returncode}")
