"""What reviewing costs a server: comparisons and their pages, the list of all bundles, search, and what costs cost.

Everything is asked over one kept connection of loopback, as a browser would: what is measured is the server's time and that
of the way. What a build does not serve yet is left out, with a message.
"""

from __future__ import annotations

import html
import http.client
import json
import re
import subprocess
import sys
import tempfile
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

import large
import servers
from diffs import edited, prose
from figures import Figure, rounds

from pinset import bootstrap
from pinset.costs.offline import Offline
from pinset.domain.diff import as_json, compare
from pinset.ports.registry import Caller
from pinset.services import costing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROUNDS: Final = 25
BUNDLES: Final = large.Large(999, 1, 1)
"""With the one that is compared they are 1,000."""
LARGE: Final = large.Large(1000, 100, 1)
NAME: Final = "reviewed"
PROMPT: Final = "prompts/main.md"
SIZE: Final = 20_000
BY: Final = Caller(actor="bench")
AT: Final = 1_795_000_000_000_000
MANIFEST: Final = (
    f"release:\n  feature: {NAME}\n"
    "  model: {provider: openai, name: gpt-4o, pinned_version: '2024-08-06', max_tokens: 800}\n"
    f"  prompt: {{template: {PROMPT}}}\n"
)
FIRST: Final = """
import re, time
from pathlib import Path

from pinset.costs.offline import Offline
from pinset.domain.diff import as_json
from pinset.services import costing

def held():
    return int(re.search(r"VmRSS:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024

content = {"prompts": {"default": {"format": "text", "template": "hello"}}, "tools": {}}
model = {"provider": "openai", "name": "gpt-4o"}
before, begun = held(), time.perf_counter()
costing.change(Offline(), *({**content, "models": {"default": {**model, "name": name}}} for name in ("gpt-4o", "gpt-4o-mini")), at=time.time_ns() // 1000)
print((time.perf_counter() - begun) * 1000, held() - before)
"""
_LISTED: Final = re.compile(r'href="/bundles/(bundle-\d+)"')
_FURTHER: Final = re.compile(r'href="(/?\?[^"]*cursor=[^"]+)"')
_ASSET: Final = re.compile(r'(?:href|src)="(/assets/[^"]+)"')


def figures() -> list[Figure]:
    """The figures of reviewing. The registry of 100,000 releases takes some minutes to make."""
    found = [*_costs(), *_firsts()]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "bundles"
        large.make(home, BUNDLES)
        versions = _published(home)
        with servers.pinset(home) as url, closing(Browser(url)) as browser:
            found += _answers(browser, versions)
            searches = browser.status("/v1/search?q=refund") == 200
        if searches:
            found += _searches(Path(folder) / "large")
        else:
            print("review: this build does not search")
    return found


def texts() -> list[str]:
    """A prompt of 20 kB; the same with twelve words edited, all over it; and another one."""
    first = prose(SIZE, 1)
    lines = first.split("\n")
    for at in range(0, len(lines), len(lines) // 12):
        lines[at] = edited(lines[at])
    return [first, "\n".join(lines), prose(SIZE, 2)]


def _content(text: str) -> dict[str, Any]:
    model = {"provider": "openai", "name": "gpt-4o", "id": "gpt-4o", "pinned_version": "2024-08-06", "params": {}}
    return {"prompts": {"default": {"format": "mustache", "template": text}}, "models": {"default": model}, "tools": {}}


def _costs() -> Iterator[Figure]:
    """What counting and pricing adds to a comparison, of texts that were never counted and of texts that were."""
    costs = Offline()
    old, new, _ = map(_content, texts())
    costing.change(costs, old, new, at=AT)
    fresh = iter([(_content(f"{n} {prose(SIZE, 1)}"), _content(f"{n} {prose(SIZE, 2)}")) for n in range(ROUNDS)])
    sides: dict[str, Callable[[], object]] = {
        "compare": lambda: as_json(compare(old, new), old="a", new="b"),
        "again": lambda: costing.change(costs, old, new, at=AT),
        "first": lambda: costing.change(costs, *next(fresh), at=AT),
    }
    values = rounds(ROUNDS, sides)
    beside = Figure("comparing them", values=values["compare"])
    yield Figure("costs of two prompts of 20 kB, counted before", values=values["again"], beside=beside)
    yield Figure("costs of two prompts of 20 kB, never counted", values=values["first"], beside=beside)


def _firsts() -> Iterator[Figure]:
    """What the first figure of costs takes in a process that has loaded nothing for it."""
    took, held = [], []
    for _ in range(5):
        said = subprocess.run([sys.executable, "-c", FIRST], capture_output=True, text=True, check=True).stdout
        milliseconds, megabytes = map(float, said.split())
        took.append(milliseconds)
        held.append(megabytes)
    yield Figure("the first cost in a process: tokenizer and prices are loaded", values=took, wanted=500)
    yield Figure("memory that they take", "MB", held, wanted=150)


def _published(home: Path) -> list[str]:
    """The versions that are compared."""
    with closing(bootstrap.local_registry(home)) as registry:
        made = [registry.publish(BY, {"release.yaml": MANIFEST, PROMPT: text}) for text in texts()]
    return [f"{NAME}@v{each['version']}" for each in made]


def _answers(browser: Browser, versions: list[str]) -> Iterator[Figure]:
    """Comparisons and lists: how long, and how many bytes."""
    edit, other = (f"/diff?from={quote(versions[0])}&to={quote(new)}" for new in versions[1:])
    wanted = {
        "diff of 20 kB, twelve words edited, JSON with costs": (f"/v1{edit}", 30.0),
        "diff of 20 kB, another text, JSON with costs": (f"/v1{other}", 30.0),
        "page of a diff of 20 kB, twelve words edited": (edit, 30.0),
        "page of a diff of 20 kB, another text": (other, 30.0),
        "page of a diff of 20 kB, inline": (f"{edit}&view=inline", 30.0),
    }
    served = {name: target for name, (target, _) in wanted.items() if browser.status(target) == 200}
    for name in sorted(set(wanted) - set(served)):
        print(f"review: this build does not serve the {name}")
    sides: dict[str, Callable[[], object]] = {name: partial(browser.get, target) for name, target in served.items()}
    sides["list of 1,000 bundles, JSON"] = browser.list_bundles
    if browser.status("/") == 200:
        sides["page of the list of 1,000 bundles"] = browser.list_pages
    values = rounds(ROUNDS, sides)
    for name, found in values.items():
        yield Figure(name, values=found, wanted=wanted[name][1] if name in wanted else 50.0)
    for name, target in served.items():
        if name.startswith("page of a diff"):
            size, assets = browser.weight(target)
            yield Figure(f"{name}: transferred", "kB", [size / 1000], wanted=60)
            yield Figure(f"{name}: with styles and scripts, the first time", "kB", [(size + assets) / 1000], wanted=60)


def _searches(home: Path) -> Iterator[Figure]:
    """Search over 100,000 releases: a word that all of them hold, one that few hold, words in a row, and a name."""
    large.make(home, LARGE)
    asked = {
        "a word that every release holds": "refund",
        "a word that one in a hundred holds": "77",
        "two words": "refund 77",
        "words in a row": '"customer answer refund"',
        "a bundle's name": "bundle-00777",
        "a word that none holds": "nowhere",
    }
    with servers.pinset(home) as url, closing(Browser(url)) as browser:
        targets = {f"search over 100,000 releases: {name}": f"/v1/search?q={quote(q)}" for name, q in asked.items()}
        targets["page of a search over 100,000 releases"] = "/search?q=refund"
        served = {name: target for name, target in targets.items() if browser.status(target) == 200}
        values = rounds(ROUNDS, {name: partial(browser.get, target) for name, target in served.items()})
    for name, found in values.items():
        yield Figure(name, values=found, wanted=100)


class Browser:
    """One kept connection, and answers as a browser takes them: packed."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        self._headers = {"Accept": "text/html,*/*;q=0.8", "Accept-Encoding": "gzip, deflate, br, zstd"}

    def get(self, target: str) -> bytes:
        """The body as it was sent. Raises RuntimeError for anything but 200."""
        status, body, _ = self._ask(target, self._headers)
        if status != 200:
            raise RuntimeError(f"{target} answered {status}")
        return body

    def status(self, target: str) -> int:
        """How a target is answered, once: what is asked for later is warm."""
        return self._ask(target, self._headers)[0]

    def list_bundles(self) -> None:
        """Every bundle, as a program pages through them. Raises RuntimeError where they are not all there."""
        count, cursor = 0, ""
        while cursor is not None:
            page = json.loads(self._ask(f"/v1/bundles?limit=1000{cursor}", {})[1])
            count += len(page["items"])
            cursor = f"&cursor={page['next']}" if page["next"] else None
        if count < BUNDLES.bundles:
            raise RuntimeError(f"{count} bundles were listed")

    def list_pages(self) -> None:
        """Every bundle, as somebody pages through them. Raises RuntimeError where they are not all there."""
        names: set[str] = set()
        target: str | None = "/"
        while target is not None:
            text = self._ask(target, {"Accept": "text/html"})[1].decode()
            names |= set(_LISTED.findall(text))
            further = _FURTHER.search(text)
            target = html.unescape(further[1]) if further else None
        if len(names) < BUNDLES.bundles:
            raise RuntimeError(f"{len(names)} bundles were listed")

    def weight(self, target: str) -> tuple[int, int]:
        """Bytes of a page with its head, and of all that it links to under ``/assets/``."""
        _, page, _ = self._ask(target, {"Accept": "text/html"})
        body, head = self._ask(target, self._headers)[1:]
        linked = [self._ask(asset, self._headers) for asset in sorted(set(_ASSET.findall(page.decode())))]
        return len(body) + head, sum(len(packed) + size for _, packed, size in linked)

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def _ask(self, target: str, headers: dict[str, str]) -> tuple[int, bytes, int]:
        """Status, body as it was sent, and bytes of the head."""
        self._connection.request("GET", target, headers=headers)
        with self._connection.getresponse() as answer:
            head = sum(len(name) + len(value) + 4 for name, value in answer.getheaders()) + 19
            return answer.status, answer.read(), head


if __name__ == "__main__":
    for figure in figures():
        print(" | ".join(figure.row()))
