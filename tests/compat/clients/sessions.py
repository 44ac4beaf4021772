"""Talks to client packages in their environments: a snippet goes there, one JSON value comes back."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import environments

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE: Final = Path(__file__).parent
PATIENCE: Final = 60.0
"""Seconds that a snippet may take: it is for what hangs, not for what is slow."""
IMPORTS: Final = {
    "langfuse": "langfuse",
    "litellm": "litellm litellm.integrations.langfuse.langfuse_prompt_management",
    "mlflow": "mlflow mlflow.tracking",
    "langsmith": "langsmith langchain_core.prompts langchain_core.load",
    "phoenix": "phoenix.client",
    "opik": "opik",
    "ofrep": "openfeature.api openfeature.contrib.provider.ofrep",
}
"""What the process of an environment imports before the first snippet, by the environment's name without the version."""
QUIET: Final = {
    "DO_NOT_TRACK": "1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "OPIK_SENTRY_ENABLE": "false",
    "LANGFUSE_TRACING_ENABLED": "false",
    "LANGSMITH_TRACING": "false",
}
"""With these the packages tell nobody that they run."""


class ClientError(Exception):
    """What a package raised. kind: ``module.Class`` (of JavaScript ``Class``); says: its message; printed: what it wrote."""

    def __init__(self, answer: dict[str, str]) -> None:
        self.kind, self.says, self.printed = answer["error"], answer["says"], answer["printed"]
        super().__init__(f"{self.kind}: {self.says}\n{answer['trace']}\n{self.printed}")


class Session:
    """One process of a client package, whose names stay from snippet to snippet. printed: what the last snippet wrote."""

    def __init__(self, channel: socket.socket, asked: Any, printed: Any = None) -> None:
        channel.settimeout(PATIENCE)
        self._answers, self._asked, self._printed = channel.makefile("r", encoding="utf-8"), asked, printed
        self.printed = ""

    def run(self, code: str, **given: Any) -> Any:
        """The value of a snippet: of Python its last expression, of JavaScript what it returns.

        given: of Python names that it has from then on, of JavaScript the fields of ``given``. Raises ClientError.
        """
        self._asked.write(json.dumps({"code": code, "given": given}) + "\n")
        self._asked.flush()
        return self.answer()

    def close(self) -> None:
        """Read no more."""
        self._answers.close()

    def answer(self) -> Any:
        """What comes next."""
        line = self._answers.readline()
        printed = self._printed() if self._printed else ""
        if not line:
            raise AssertionError(f"the process of the client ended\n{printed}")
        answer = {"printed": printed} | json.loads(line)
        self.printed = answer["printed"]
        if "error" in answer:
            raise ClientError(answer)
        return answer["value"]


class PythonClient:
    """A Python package in its environment. `run` is a session of one snippet."""

    def __init__(self, name: str, home: Path, env: dict[str, str]) -> None:
        self._place = home / "socket"
        worker = (environments.python_of(name), "-W", "ignore", HERE / "python_worker.py", self._place)
        imports = IMPORTS[name.partition("-")[0]]
        pipe = subprocess.PIPE
        surroundings = _surroundings(home, env)
        self._process = subprocess.Popen([*worker, imports], env=surroundings, cwd=home, stdout=pipe, text=True)
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        assert said.startswith("ready"), f"{name} could not be imported: see above"

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A process that has the package imported and else is new."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
            channel.connect(str(self._place))
            with channel.makefile("w", encoding="utf-8", newline="\n") as asked:
                session = Session(channel, asked)
                try:
                    yield session
                finally:
                    session.close()

    def run(self, code: str, **given: Any) -> Any:
        """As `Session.run`, in a process of its own."""
        with self.session() as session:
            return session.run(code, **given)

    def end(self) -> None:
        """End the process that others come from."""
        self._process.kill()
        self._process.communicate()


class NodeClient:
    """A JavaScript package in its environment. `run` is of one process for all, `session` a process of its own."""

    def __init__(self, name: str, home: Path, env: dict[str, str]) -> None:
        self._place, self._home, self._env = environments.place_of(name), home, env
        self._shared: tuple[Any, Session] | None = None

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A process that is new."""
        ours, theirs = socket.socketpair()
        script = (HERE / "node_worker.mjs").read_text("utf-8")
        with ours, tempfile.TemporaryFile() as printed:
            command = [environments.node(), "--input-type=module", "-e", script, str(theirs.fileno())]
            process = subprocess.Popen(
                command,
                cwd=self._place,
                env=_surroundings(self._home, self._env),
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.PIPE,
                stdout=printed,
                stderr=printed,
                text=True,
            )
            theirs.close()
            at = 0

            def said() -> str:
                nonlocal at
                text = os.pread(printed.fileno(), os.fstat(printed.fileno()).st_size - at, at)
                at += len(text)
                return text.decode("utf-8", "replace")

            try:
                session = Session(ours, process.stdin, said)
                try:
                    session.answer()
                    yield session
                finally:
                    session.close()
            finally:
                process.kill()
                process.communicate()

    def run(self, code: str, **given: Any) -> Any:
        """As `Session.run`, in the process for all such."""
        if self._shared is None:
            opening = self.session()
            self._shared = opening, opening.__enter__()
        return self._shared[1].run(code, **given)

    def end(self) -> None:
        """End the process for all."""
        if self._shared is not None:
            self._shared[0].__exit__(None, None, None)


def _surroundings(home: Path, env: dict[str, str]) -> dict[str, str]:
    """Nothing of whoever runs the tests but where programs are, and a home without settings."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"} | QUIET | env
