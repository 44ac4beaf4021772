"""Where the container is tried: in an engine, or, where none is, in what this machine has of one.

Both build what the Containerfile says, run it as its user with a root that cannot be written to, and run commands beside it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final, Protocol

ROOT: Final = Path(__file__).parents[1]
TEXT: Final = (ROOT / "Containerfile").read_text().replace(" \\\n", "\n")
GRACE_SECONDS: Final = 40


def run(*command: str | Path, **given: str) -> str:
    """What a command prints; it ends the trial where it fails."""
    done = subprocess.run(
        [str(word) for word in command], env={**os.environ, **given}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"failed ({done.returncode}): {' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


class Machine(Protocol):
    """One container, that keeps its volume when it is stopped."""

    kind: str
    address: str

    def start(self) -> None:
        """Start it as a host does."""

    def health(self) -> bool:
        """Whether the image's own health check passes."""

    def inside(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command beside the server, as `exec` does."""

    def said(self) -> str:
        """What the server wrote to its log."""

    def stop(self) -> int:
        """End it as a host does; its exit status."""

    def gone(self) -> None:
        """Take everything away."""


def engine() -> str | None:
    """The first container engine that answers."""
    for name in ("docker", "podman"):
        if shutil.which(name) and subprocess.run([name, "info"], capture_output=True, check=False).returncode == 0:
            return name
    return None


class Engine:
    """A container in an engine."""

    def __init__(self, program: str) -> None:
        self.kind, self.address = program, ""
        self._name = f"pinset-try-{os.getpid()}"
        run(program, "build", "--file", ROOT / "Containerfile", "--tag", self._name, ROOT)

    def start(self) -> None:
        """With the options of compose.yaml."""
        closed = (
            "--read-only",
            "--cap-drop=ALL",
            "--security-opt=no-new-privileges",
            "--tmpfs=/tmp:size=64m,mode=1777",
        )
        there = ("--detach", "--name", self._name, "--volume", f"{self._name}:/data", "--publish", "127.0.0.1::7467")
        run(self.kind, "run", *there, *closed, self._name)
        self.address = f"http://{run(self.kind, 'port', self._name, '7467/tcp').split()[0]}"

    def health(self) -> bool:
        """What the engine would ask, now."""
        return self.inside(*_health()).returncode == 0

    def inside(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Through the engine's `exec`."""
        words = [self.kind, "exec", self._name, *command]
        return subprocess.run(words, capture_output=True, text=True, check=False)

    def said(self) -> str:
        """Through the engine's `logs`."""
        done = subprocess.run([self.kind, "logs", self._name], capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    def stop(self) -> int:
        """SIGTERM, and the container is removed; the volume stays."""
        run(self.kind, "stop", "-t", str(GRACE_SECONDS), self._name)
        status = run(self.kind, "inspect", "--format", "{{.State.ExitCode}}", self._name)
        run(self.kind, "rm", self._name)
        return int(status)

    def gone(self) -> None:
        """The container, its volume and its image."""
        for words in (("rm", "--force", self._name), ("volume", "rm", self._name), ("rmi", self._name)):
            subprocess.run([self.kind, *words], capture_output=True, check=False)


class Rehearsal:
    """No container: the build's own steps in a clean directory, and the server in namespaces with a root that is read-only.

    The base and git are this machine's. It needs root, `unshare`, `nsenter` and `setpriv`.
    """

    kind = "a rehearsal without engine"

    @staticmethod
    def lacks() -> str:
        """What this machine lacks for it; '' for nothing."""
        missing = [name for name in ("unshare", "nsenter", "setpriv", "git") if shutil.which(name) is None]
        if missing:
            return f"{', '.join(missing)} to be installed"
        mounting = ["unshare", "--mount", "mount", "--bind", "/", "/"]
        if os.getuid() != 0 or subprocess.run(mounting, capture_output=True, check=False).returncode:
            return "root that may mount"
        return ""

    def __init__(self) -> None:
        # Not below /tmp, which is the container's own.
        self._place = Path(tempfile.mkdtemp(prefix="pinset-try-", dir="/var/tmp"))
        self._place.chmod(0o755)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = str(free.getsockname()[1])
        self.address = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = re.findall(r"^USER (\d+):(\d+)$", TEXT, re.MULTILINE)[0]
        try:
            self._build()
        except BaseException:
            self.gone()
            raise
        data = self._place / "data"
        data.mkdir(mode=0o700)
        os.chown(data, *map(int, self._owner))

    def _moved(self, text: str) -> str:
        """A text of the Containerfile with its places below ours."""
        for at in ("/opt/pinset", "/wheels", "/data", "/src"):
            text = re.sub(rf"(?<![\w.-]){at}\b", str(self._place) + at, text)
        return text

    def _build(self) -> None:
        """Do what the stage `build` does, line by line. Raises SystemExit for a line of a kind that is not known."""
        run(sys.executable, "-m", "venv", self._place / "base")
        work = self._place / "src"
        work.mkdir()
        (self._place / "opt").mkdir()
        environment = {"PATH": f"{self._place}/base/bin:{os.environ['PATH']}"}
        stage = TEXT.split(" AS build\n")[1].split("\nFROM ")[0]
        for line in re.sub(r"\n(?= && |      )", " ", stage).splitlines():
            word, _, rest = line.partition(" ")
            if word == "ENV":
                environment |= dict(pair.split("=", 1) for pair in rest.split())
            elif word == "COPY":
                *sources, target = rest.split()
                for source in sources:
                    self._copy(ROOT / source, work / target, is_folder=target.endswith("/"))
            elif word == "RUN":
                run("sh", "-euc", f"cd {work}; {self._moved(rest)}", **environment)
            elif word not in ("", "#", "WORKDIR"):
                raise SystemExit(f"the rehearsal does not know: {line}")

    @staticmethod
    def _copy(source: Path, target: Path, *, is_folder: bool) -> None:
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            return
        target.mkdir(parents=True, exist_ok=True) if is_folder else target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)

    def _as_user(self, *command: str) -> list[str]:
        """A command with the image's environment, as its user, without any capability or a way to get one."""
        own = dict(pair.split("=", 1) for pair in re.findall(r"^ENV (.*HOME=.*)$", TEXT, re.MULTILINE)[0].split())
        own["PATH"] = f"{self._place}/opt/pinset/bin:/usr/local/bin:/usr/bin:/bin"
        words = [self._moved(f"{name}={value}") if name != "PATH" else f"{name}={value}" for name, value in own.items()]
        uid, gid = self._owner
        drop = ["--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
        return ["setpriv", f"--reuid={uid}", f"--regid={gid}", *drop, "env", "-i", *words, *command]

    def start(self) -> None:
        """In a mount namespace of its own: all is read-only but the volume and an empty /tmp."""
        (entry,) = (json.loads(text) for text in re.findall(r"^ENTRYPOINT (\[.*\])$", TEXT, re.MULTILINE))
        (words,) = (json.loads(text) for text in re.findall(r"^CMD (\[.*\])$", TEXT, re.MULTILINE))
        serve = [*entry, *("127.0.0.1" if word == "0.0.0.0" else word for word in words), "--port", self._port]
        data = self._place / "data"
        mounts = f"mount --bind {data} {data}; mount -t tmpfs -o size=64m,mode=1777,noexec,nosuid,nodev tmpfs /tmp; "
        mounts += self._python_for_all()
        readonly = 'mount -o remount,bind,ro /; cd /; exec "$@"'
        log = (self._place / "log").open("ab")
        self._process = subprocess.Popen(
            ["unshare", "--mount", "sh", "-euc", mounts + readonly, "sh", *self._as_user(*serve)],
            stderr=log,
            stdout=log,
        )

    def _python_for_all(self) -> str:
        """What makes this machine's Python readable to all in the namespace, where it lies below a home directory."""
        prefix = Path(sys.base_prefix)
        if all(above.stat().st_mode & 0o001 for above in prefix.parents):
            return ""
        top, kept = Path(*prefix.parts[:2]), self._place / "python"
        kept.mkdir(exist_ok=True)
        return (
            f"mount --bind {prefix} {kept}; mount -t tmpfs -o mode=755 tmpfs {top}; mkdir -p {prefix}; "
            f"mount --bind {kept} {prefix}; mount -o remount,ro {top}; "
        )

    def health(self) -> bool:
        """The same question as the image's."""
        return self.inside(*(word.replace("7467", self._port) for word in _health())).returncode == 0

    def inside(self, *command: str) -> subprocess.CompletedProcess[str]:
        """In the server's namespace, as its user."""
        assert self._process is not None
        words = ["nsenter", "--mount", f"--target={self._process.pid}", *self._as_user(*command)]
        return subprocess.run(words, capture_output=True, text=True, check=False)

    def said(self) -> str:
        """What went to the file beside it."""
        return (self._place / "log").read_text()

    def stop(self) -> int:
        """SIGTERM, as an engine sends it."""
        assert self._process is not None
        self._process.terminate()
        try:
            status = self._process.wait(GRACE_SECONDS)
            return 128 - status if status < 0 else status
        finally:
            self._process.kill()

    def gone(self) -> None:
        """The directory with all of it."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._place, ignore_errors=True)


def _health() -> list[str]:
    (text,) = re.findall(r"^HEALTHCHECK .*? CMD (\[.*\])$", TEXT, re.MULTILINE)
    return list(json.loads(text))


def wait_healthy(machine: Machine, seconds: float = 30) -> None:
    """Until the health check passes. Raises SystemExit where it does not."""
    end = time.monotonic() + seconds
    while not machine.health():
        if time.monotonic() > end:
            raise SystemExit(f"it is not healthy after {seconds:g} seconds. It said:\n{machine.said()}")
        time.sleep(0.2)


def status_of(url: str) -> int:
    """The status of an answer to who sends no credential."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
