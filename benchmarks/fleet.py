"""What many clients ask of a registry: after an outage, beside any other day, and at a first `get` that threads make at once.

The outage is simulated: a thousand of the client's own policies with a clock that is turned by hand, as in the tests. The threads
are real, and their server counts.
"""

from __future__ import annotations

import re
import sys
import tempfile
import threading
import urllib.request
from contextlib import closing
from pathlib import Path

import servers
from figures import Figure

from pinset import Client, bootstrap
from pinset.ports.registry import Caller

sys.path.append(str(Path(__file__).parents[1] / "tests" / "client"))

from client_fleet import WARM_UP, WINDOW, World

CLIENTS, THREADS, ROUNDS = 1000, 20, 5
OUTAGES = (1, 5, 20, 60, 600)
WHO = Caller(actor="bench")
FILES = {"release.yaml": 'release:\n  feature: support\n  prompt: {text: "Summarize {{ticket}}."}\n'}
COUNTED = re.compile(
    r'^pinset_requests_total\{.*route="/v1/bundles/\{bundle\}/aliases/\{alias\}".*\} (\d+)$', re.MULTILINE
)


def figures() -> list[Figure]:
    """The busiest window of all outages, and requests of each round of threads."""
    name = f"simulated: requests of {CLIENTS:,} clients after any outage, the busiest {WINDOW} s beside any other day"
    return [
        Figure(name, "times", [max(_busiest(seconds) for seconds in OUTAGES)], wanted=1.2),
        Figure(f"requests of {THREADS} threads that begin at once", "", _cold(), wanted=1),
    ]


def _busiest(seconds: int) -> float:
    world = World(1, (WARM_UP, WARM_UP + seconds), clients=CLIENTS)
    world.run()
    return world.worst()


def _cold() -> list[float]:
    with tempfile.TemporaryDirectory(prefix="pinset-fleet-") as scratch:
        home = Path(scratch) / "registry"
        bootstrap.create_registry(home)
        with closing(bootstrap.local_registry(home)) as registry:
            registry.publish(WHO, FILES, alias="production")
        with servers.pinset(home) as url:
            return [_asked(url) for _ in range(ROUNDS)]


def _asked(url: str) -> float:
    """How many requests the server has counted when every thread has the release."""
    before, together, found = _counted(url), threading.Barrier(THREADS), []
    # Without a stream, which would make it look a second time a moment later.
    with Client(url, cache=None, live=False) as client:

        def get() -> None:
            together.wait()
            found.append(client.get("support").version)

        threads = [threading.Thread(target=get) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if found != [1] * THREADS:
        raise RuntimeError(f"{len(found)} of {THREADS} threads have the release")
    return _counted(url) - before


def _counted(url: str) -> float:
    with urllib.request.urlopen(f"{url}/metrics") as answer:
        return float(sum(int(count) for count in COUNTED.findall(answer.read().decode())))
