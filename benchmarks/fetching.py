"""What an application pays for its release: importing the client, a first `get` without the registry, every `get` after."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import large
from figures import Figure, timed

from pinset import Client, bootstrap
from pinset.client.cache import DiskCache
from pinset.ports.registry import Caller

NAME = "bundle"
BATCH, BATCHES, STARTS = 1000, 300, 9
NOWHERE = "http://127.0.0.1:9"
"""An address at which nobody listens."""
COLD = """
import sys, time
from pinset import Client
client = Client(sys.argv[1], cache=sys.argv[2])
begun = time.perf_counter()
assert client.get(sys.argv[3]).source == "disk"
print((time.perf_counter() - begun) * 1000)
"""


def figures() -> list[Figure]:
    """Of a release with a prompt of 3 kB."""
    with tempfile.TemporaryDirectory() as folder:
        home, cache = Path(folder) / "registry", Path(folder) / "cache"
        bootstrap.create_registry(home)
        with closing(bootstrap.local_registry(home)) as registry:
            registry.publish(Caller(actor="bench"), large.files_of(NAME, large.random.Random(1)), alias="production")
        with Client(str(home), cache=cache) as client:
            warm = _warm(client)
        _pretend(cache, home.resolve().as_uri())
        return [_importing(), _cold(cache), warm]


def _warm(client: Client) -> Figure:
    get = client.get
    get(NAME)
    values = []
    for _ in range(BATCHES):
        begun = time.perf_counter()
        for _ in range(BATCH):
            get(NAME)
        values.append((time.perf_counter() - begun) / BATCH * 1_000_000)
    return Figure("get, from memory", "us", values, wanted=0.5)


def _importing() -> Figure:
    values = []
    for _ in range(STARTS):
        bare, whole = (_process("-c", code) for code in ("pass", "from pinset import Client"))
        values.append(whole - bare)
    return Figure("importing the client, above bare Python", values=values, wanted=80)


def _cold(cache: Path) -> Figure:
    command = [sys.executable, "-c", COLD, NOWHERE, str(cache), NAME]
    values = [float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(STARTS)]
    return Figure("first get, registry down, from the cache", values=values, wanted=50)


def _process(*arguments: str) -> float:
    return timed(lambda: subprocess.run([sys.executable, *arguments], check=True))


def _pretend(cache: Path, address: str) -> None:
    """Make what was fetched from a directory the cache of an address."""
    (answer, tag, _age) = next(DiskCache(cache, address).load(NAME, "production"))
    DiskCache(cache, NOWHERE).keep(NAME, "production", answer, tag)
