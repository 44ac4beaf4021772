"""Beside peers: fetches a second from MLflow's server and from ours, and what a release or prompt in memory costs in MLflow's, Langfuse's and our client.

The peers live in an environment of their own, `benchmarks/.peers`, made here. All of it is on this machine; their telemetry is off.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import venv
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import large
import servers
from figures import Figure
from load import Load, percentile

from pinset import bootstrap
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

NAME = "bundle"
PEERS = ("mlflow==3.17.2", "langfuse==5.0.4")
HOME = Path(__file__).parent / ".peers"
PYTHON = HOME / "venv" / "bin" / "python"
WORKERS, CONNECTIONS, SECONDS, ROUNDS = 2, 16, 5.0, 3
TIMES = 100
"""How many times as many fetches a second as MLflow are wanted."""
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "LANGFUSE_TRACING_ENABLED": "false",
    "OTEL_SDK_DISABLED": "true",
    "no_proxy": "127.0.0.1",
}
SEED = """
import mlflow, sys
mlflow.genai.register_prompt(sys.argv[1], open(sys.argv[2]).read())
mlflow.genai.set_prompt_alias(sys.argv[1], "production", 1)
"""
EACH = """
import json, sys
from time import perf_counter_ns as now

{prepare}
for _ in range({calls} // 10):
    {call}
values, nothing = [], []
for _ in range({calls}):
    begun = now()
    {call}
    values.append(now() - begun)
for _ in range({calls}):
    begun = now()
    nothing.append(now() - begun)
empty = sorted(nothing)[{calls} // 2]
print(json.dumps([max(0, value - empty) / 1000 for value in values]))
"""
"""Microseconds of single calls, less what reading the clock takes; a tenth of the calls goes before."""
OURS = ("from pinset import Client; client = Client(sys.argv[1], cache=None)", "client.get('bundle')", 200_000)
LANGFUSE = (
    "import langfuse; client = langfuse.Langfuse(public_key='pk', secret_key='sk', base_url=sys.argv[1])",
    "client.get_prompt('bundle', label='production')",
    200_000,
)
MLFLOW = (
    "from mlflow.genai import load_prompt; import mlflow; mlflow.set_tracking_uri(sys.argv[1])",
    "load_prompt('prompts:/bundle@production')",
    5_000,
)
"""What goes before, the call, and how many of them."""


def figures() -> list[Figure]:
    """Of a release, and a prompt, of 3 kB. Nothing where the peers cannot be installed."""
    if (why := _missing()) is not None:
        print(f"peers: skipped, {', '.join(PEERS)} cannot be installed: {why}", file=sys.stderr)
        return []
    with tempfile.TemporaryDirectory(prefix="pinset-peers-") as folder:
        text = large.files_of(NAME, large.random.Random(1))[large.PROMPT]
        with _mlflow(Path(folder), text) as theirs, _ours(Path(folder)) as url, _langfuse(text) as fake:
            return [_fetches(url, theirs), *_gets(url, theirs, fake)]


def _fetches(url: str, theirs: str) -> Figure:
    """Both one after another in each round, asked by the same generator."""
    ours, mlflow = Figure("fetches by alias", "/s"), Figure("MLflow", "/s")
    targets = {
        f"{url}/v1/bundles/{NAME}/aliases/production": ours,
        f"{theirs}/api/2.0/mlflow/registered-models/alias?name={NAME}&alias=production": mlflow,
    }
    for _ in range(ROUNDS):
        for target, figure in targets.items():
            with Load(target, {"Accept": "application/json"}, connections=CONNECTIONS) as load:
                figure.values.append(load.flat_out(SECONDS))
    ours.beside, ours.wanted, ours.at_least = mlflow, TIMES, True
    return ours


def _gets(url: str, theirs: str, fake: str) -> list[Figure]:
    """Single calls answered from memory: half of them and 99 of 100 take no longer."""
    sides = {
        "ours": (sys.executable, url, OURS),
        "Langfuse": (PYTHON, fake, LANGFUSE),
        "MLflow": (PYTHON, theirs, MLFLOW),
    }
    halves: dict[str, list[float]] = {name: [] for name in sides}
    most: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(ROUNDS):
        for name, (python, address, (prepare, call, calls)) in sides.items():
            code = EACH.format(prepare=prepare, call=call, calls=calls)
            values = json.loads(_printed([str(python), "-c", code, address]))
            halves[name].append(percentile(values, 0.5))
            most[name].append(percentile(values, 0.99))
    found = []
    for share, values_of, wanted in (("p50", halves, 0.5), ("p99", most, 2.0)):
        ours = Figure(f"get, single calls, {share}", "us", values_of["ours"], wanted=wanted)
        named = [(f"Langfuse's get_prompt, {share}", "Langfuse"), (f"MLflow's load_prompt, {share}", "MLflow")]
        found += [ours, *(Figure(name, "us", values_of[peer], beside=ours) for name, peer in named)]
    return found


def _missing() -> str | None:
    """Make the peers' environment where it is not there yet; why it cannot be made, or None."""
    ready = HOME / "ready"
    if ready.exists() and ready.read_text() == "\n".join(PEERS):
        return None
    print(f"peers: installing {', '.join(PEERS)} into {HOME} ...", file=sys.stderr)
    try:
        venv.create(HOME / "venv", with_pip=True, clear=True)
        install = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PEERS]
        subprocess.run(install, check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        said = (error.stderr or str(error)).strip().splitlines()
        return str(said[-1] if said else error)
    except OSError as error:
        return str(error)
    ready.write_text("\n".join(PEERS))
    return None


@contextlib.contextmanager
def _mlflow(folder: Path, text: str) -> Iterator[str]:
    """MLflow's server with the prompt, and the alias on it; gives its address."""
    url = f"http://127.0.0.1:{(port := servers.free_port())}"
    store = ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--default-artifact-root", f"{folder}/artifacts"]
    listen = ["--host", "127.0.0.1", "--port", str(port), "--workers", str(WORKERS)]
    command = [str(PYTHON), "-m", "mlflow", "server", *store, *listen]
    with servers.running(command, f"{url}/health", environment=_environment(), log=folder / "mlflow.log"):
        (folder / "prompt").write_text(text)
        _printed([str(PYTHON), "-c", SEED, NAME, str(folder / "prompt")], {"MLFLOW_TRACKING_URI": url})
        yield url


@contextlib.contextmanager
def _ours(folder: Path) -> Iterator[str]:
    """Our server with as many workers, and the prompt in a release; gives its address."""
    home = folder / "registry"
    bootstrap.create_registry(home)
    with closing(bootstrap.local_registry(home)) as registry:
        registry.publish(Caller(actor="bench"), large.files_of(NAME, large.random.Random(1)), alias="production")
    with servers.pinset(home, workers=WORKERS) as url:
        yield url


@contextlib.contextmanager
def _langfuse(text: str) -> Iterator[str]:
    """What Langfuse's client asks for once, in the shape of its API; gives its address."""
    prompt = {
        "type": "text",
        "name": NAME,
        "version": 1,
        "prompt": text,
        "config": {},
        "labels": ["production"],
        "tags": [],
    }
    with ThreadingHTTPServer(("127.0.0.1", 0), _answering(json.dumps(prompt).encode())) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


def _answering(body: bytes) -> Callable[..., BaseHTTPRequestHandler]:
    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Answering


def _printed(command: list[str], more: Mapping[str, str] | None = None) -> str:
    """The last line that a command prints. Raises RuntimeError with what it says where it fails."""
    environment = {**_environment(), **(more or {})}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout.splitlines()[-1] if done.stdout else ""


def _environment() -> dict[str, str]:
    return {**os.environ, **QUIET}


if __name__ == "__main__":
    for figure in figures():
        print("  ".join(figure.row()))
