"""What the server's hot path costs: fetches by alias a second, beside a bare ASGI application that sends the same bytes.

The load comes from wrk (a package of Debian), on connections that are kept.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import large
from figures import Figure

from pinset import bootstrap
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "bundle"
TARGET = f"/v1/bundles/{NAME}/aliases/production"
ROUNDS, SECONDS, CONNECTIONS = 7, 2, 32
ME = Caller(actor="bench")
BARE = """
from pathlib import Path

BODY = Path(__file__).with_name("body").read_bytes()
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode()), (b"etag", b'"tag"')]


async def app(scope, receive, send):
    if scope["path"] == "/whole":
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": BODY})
    else:
        await send({"type": "http.response.start", "status": 304, "headers": HEADERS[2:]})
        await send({"type": "http.response.body", "body": b""})
"""


def figures() -> list[Figure]:
    """Of a release document of 4 kB and one worker on each side."""
    if shutil.which("wrk") is None:
        print("serving: not measured, for there is no wrk: apt-get install wrk")
        return []
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        plain, body = _registry(Path(folder) / "plain")
        locked, _ = _registry(Path(folder) / "locked")
        with closing(bootstrap.local_registry(locked)) as registry:
            token = str(registry.create_token(ME, "app", can="read")["token"])
        (Path(folder) / "body").write_bytes(body)
        (Path(folder) / "bare.py").write_text(BARE)
        bare = stack.enter_context(serving("-m", "uvicorn", "bare:app", "--lifespan", "off", folder=folder))
        ours = stack.enter_context(pinset(plain)) + TARGET
        with_token = stack.enter_context(pinset(locked)) + TARGET
        bearer = f"Authorization: Bearer {token}"
        tag = f"If-None-Match: {httpx.get(ours, headers={'Accept-Encoding': 'identity'}).headers['etag']}"
        sides: dict[str, tuple[str, ...]] = {
            "bare": (f"{bare}/whole",),
            "fetch by alias": (ours,),
            "fetch by alias, with a token": (with_token, bearer),
            "bare 304": (f"{bare}/unchanged",),
            "304 by alias": (ours, tag),
        }
        _same(
            *(_answer(*sides[name]) for name in ("bare", "fetch by alias", "fetch by alias, with a token")), status=200
        )
        _same(*(_answer(*sides[name]) for name in ("bare 304", "304 by alias")), status=304)
        values: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(ROUNDS):
            for name, side in sides.items():
                values[name].append(_per_second(*side))
    whole, unchanged = (
        Figure(name, "/s", values[key]) for name, key in (("bare ASGI", "bare"), ("bare ASGI", "bare 304"))
    )
    beside = {
        "fetch by alias": (whole, 0.8),
        "fetch by alias, with a token": (whole, 0.75),
        "304 by alias": (unchanged, 0.8),
    }
    return [
        Figure(name, "/s", values[name], beside=other, wanted=wanted, at_least=True)
        for name, (other, wanted) in beside.items()
    ]


@contextmanager
def serving(*arguments: str, folder: str | Path = ".") -> Iterator[str]:
    """The address of a server that a Python command with ``--port`` starts."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    command = [sys.executable, *arguments, "--port", str(port)]
    with subprocess.Popen(command, cwd=folder, **quiet) as server:  # type: ignore[call-overload]
        try:
            _await(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def pinset(home: Path) -> object:
    """The address of `pinset serve` on a registry's directory, as a context."""
    return serving("-m", "pinset_cli.main", "serve", "--registry", str(home))


def _registry(home: Path) -> tuple[Path, bytes]:
    bootstrap.create_registry(home)
    with closing(bootstrap.local_registry(home)) as registry:
        registry.publish(ME, large.files_of(NAME, large.random.Random(1)), alias="production")
        return home, httpx.Response(200, json=registry.release(f"{NAME}@production")).content


def _answer(url: str, *headers: str) -> tuple[int, int]:
    """Status and bytes of what is measured."""
    given = dict(header.split(": ", 1) for header in headers)
    found = httpx.get(url, headers={"Accept-Encoding": "identity", **given})
    return found.status_code, len(found.content)


def _same(*answers: tuple[int, int], status: int) -> None:
    """Raises RuntimeError where sides do not answer alike: then their figures say nothing."""
    sizes = [size for _, size in answers]
    if {found for found, _ in answers} != {status} or max(sizes) > min(sizes) * 1.05:
        raise RuntimeError(f"the sides answer {answers}, and {status} of about one size was meant")


def _await(port: int) -> None:
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the server did not come up")


def _per_second(url: str, *headers: str, script: Path | None = None) -> float:
    asked = [] if script is None else ["-s", str(script)]
    asked += [argument for header in headers for argument in ("-H", header)]
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", *asked, url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said and "unchanged" not in url and not any("None-Match" in header for header in headers):
        raise RuntimeError(f"{url} did not answer 200:\n{said}")
    return float(said.split("Requests/sec:")[1].split()[0])
