"""Takes the README's pictures anew: makes a registry as a team has it, serves it, and photographs its pages.

`make pictures`, where Debian's package `chromium` is installed. `--keep DIR` leaves the registry in DIR: look at it with
`pinset serve --registry DIR`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from playwright.sync_api import sync_playwright

from pinset.bootstrap import SystemClock, create_registry, local_registry
from pinset.domain.edits import Edits
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.services.local import LocalRegistry

IMAGES: Final = Path(__file__).parent / "images"
EXAMPLES: Final = Path(__file__).parents[2] / "examples"
CHROMIUM: Final = "/usr/bin/chromium"
PAGES: Final = {
    "diff": ("/diff?from=support-summarizer@v2&to=support-summarizer@v3", 930),
    "bundles": ("/", 430),
}
"""The pictures: which page, and how many pixels of it from the top."""
WIDTH: Final = 1280
MOST: Final = 150_000
"""Bytes of a picture, at most: a README is read over slow lines too."""
HOUR: Final = 3_600_000_000
ANA, BEN, CARLA = (Caller(actor=name, via="here") for name in ("ana", "ben", "carla"))
POLICY: Final = """\
format: 1
rules:
  - bundles: support-*
    aliases: production
    after: {alias: staging, for: 1h}
    evidence: [{suite: groundedness, score: ">= 0.85", within: 14d}]
    approvals: 1
"""
MANIFEST: Final = """\
release:
  feature: support-summarizer
  version: 2025-03-07-stable
  model:
    provider: openai
    name: gpt-4o
    pinned_version: "2024-05-13"
    temperature: 0.2
    max_tokens: 800
  prompt:
    template: prompts/main.md
    guardrails: guardrails/pii-redact@v1
  retrieval:
    index: kb-embeddings@2025-03-10
    embedding_model: embed-v3
    top_k: 6
  tools: [tools/lookup_ticket.json]
"""
PROMPT: Final = """\
You summarize support tickets for the person who answers them.

{{> prompts/house-tone@v1}}

Use only what these passages say:
{{context}}

The ticket:
{{ticket}}

Answer in at most five sentences. Name the product, what fails, and what was tried.
If the customer is upset, say so first.
Do not guess what the cause is.
"""
TOOL: Final = """\
{
  "name": "lookup_ticket",
  "description": "Find a ticket by its id.",
  "input_schema": {
    "type": "object",
    "required": ["ticket_id"],
    "properties": {
      "ticket_id": {"type": "string", "description": "As in the mail's subject."}
    }
  }
}
"""


class Past:
    """A clock that is set: pictures show a team's week, not the second in which it was made."""

    def __init__(self) -> None:
        self.now = time.time_ns() // 1000 - 24 * 9 * HOUR

    def later(self, hours: float) -> None:
        """Go on by some hours."""
        self.now += int(hours * HOUR)


def files(directory: Path) -> dict[str, str]:
    """The texts of a bundle directory, by path."""
    return {path.relative_to(directory).as_posix(): path.read_text() for path in directory.rglob("*") if path.is_file()}


def summarizer(label: str, prompt: str, **values: str) -> dict[str, str]:
    """The files of a release of the summarizer. values: of its manifest, other than they were."""
    manifest = MANIFEST.replace("2025-03-07-stable", label)
    for name, value in values.items():
        (line,) = [line for line in manifest.splitlines() if line.strip().startswith(f"{name}:")]
        manifest = manifest.replace(line, f"{line.partition(':')[0]}: {value}")
    return {"release.yaml": manifest, "prompts/main.md": prompt, "tools/lookup_ticket.json": TOOL}


def furnish(registry: LocalRegistry, clock: Past) -> None:
    """A week of a team: four bundles, a change over two of them, a rollback, and a release that waits for its review."""
    parts = EXAMPLES / "01-quickstart" / "components"
    publish = registry.publish_component
    publish(ANA, "prompts", "house-tone", {"house-tone.md": (parts / "house-tone.md").read_text()}, message="first")
    pii, index = ((parts / name).read_text() for name in ("pii-redact.yaml", "kb-embeddings.yaml"))
    publish(ANA, "guardrails", "pii-redact", {"component.yaml": pii}, message="emails, phones, cards")
    publish(ANA, "indexes", "kb-embeddings", {"component.yaml": index}, label="2025-03-10")
    for name in ("order-router", "support-summarizer"):
        shop = files(EXAMPLES / "08-review-in-ci" / "bundles" / name)
        if name == "order-router":
            shop["prompts/main.md"] += "\n{{> prompts/house-tone@v1}}\n"
        registry.publish(CARLA, shop, message="First release", alias="staging")
        registry.promote(CARLA, f"shop.{name}@v1", "production", reason="First release")
        clock.later(3)
    registry.publish(BEN, files(EXAMPLES / "05-an-agent" / "agent"), message="An agent of six prompts", alias="staging")
    registry.publish(ANA, summarizer("2025-03-07-stable", PROMPT), message="First release", alias="staging")
    clock.later(20)
    registry.promote(BEN, "support-summarizer@v1", "production", reason="Reviewed with the support team")
    registry.bundle_changes.set(
        ANA, "support-summarizer", owner="team-support", description="Tickets in five sentences."
    )
    registry.bundle_changes.set(BEN, "research-agent", owner="research-tools", description="Plans, searches, writes.")
    for name, text in (("order-router", "Which team answers."), ("support-summarizer", "The shop's own summaries.")):
        registry.bundle_changes.set(CARLA, f"shop.{name}", owner="team-shop", description=text)
    clock.later(30)
    publish(ANA, "prompts", "house-tone", {"house-tone.md": "Be plain and friendly. Never promise a date.\n"})
    for bundle in ("shop.order-router", "support-summarizer"):
        bumper = Caller(actor="ana", via="here", change="house-tone-v2")
        registry.changesets.bump(
            bumper, "prompts/house-tone@v2", bundle, alias="staging", message="A shorter house tone"
        )
    clock.later(30)
    registry.promote(BEN, "support-summarizer@staging", "production", reason="Reads better, same scores")
    clock.later(12)
    registry.promote(BEN, "research-agent@v1", "production", reason="Went through the pilot")
    registry.changesets.derive(
        BEN,
        "research-agent@v1",
        Edits(set={"models.default.temperature": "0.5"}),
        message="Livelier",
        alias="production",
    )
    clock.later(9)
    registry.rollback(CARLA, "research-agent", "production", serving="v2", reason="Invents papers that there are not")
    candidate(registry, clock)


def candidate(registry: LocalRegistry, clock: Past) -> None:
    """What waits for its review: other words, another model, another parameter of a tool."""
    registry.policies.edit(ANA, POLICY, reason="Two look at what answers customers")
    words = PROMPT.replace("house-tone@v1", "house-tone@v2").replace("at most five", "at most three")
    words = words.replace(
        "If the customer is upset, say so first.", "Say first how urgent it is, and whether the customer is upset."
    )
    words = words.replace(
        "Do not guess what the cause is.\n", "Do not guess what the cause is. Answer in {{language}}.\n"
    )
    changed = summarizer("2025-03-14-rc2", words, pinned_version='"2024-08-06"', temperature="0.1", top_k="8")
    tool = TOOL.replace('["ticket_id"]', '["ticket_id", "since"]').replace(
        'subject."}\n', 'subject."},\n      "since": {"type": "string", "format": "date"}\n'
    )
    changed["tools/lookup_ticket.json"] = tool
    registry.publish(ANA, changed, message="Shorter, and in the language that the customer writes", alias="staging")
    clock.later(2)
    registry.evidence.add(
        BEN, "support-summarizer@staging", suite="groundedness", score="0.91", threshold="0.85", passed=True
    )
    clock.later(30)


def take(url: str, folder: Path) -> None:
    """Photograph every page, light and dark."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for scheme in ("light", "dark"):
            page = browser.new_page(color_scheme=scheme, reduced_motion="reduce")
            for name, (path, height) in PAGES.items():
                page.set_viewport_size({"width": WIDTH, "height": height})
                page.goto(url + path)
                target = folder / f"{name}{'' if scheme == 'light' else '-dark'}.png"
                page.screenshot(path=target)
                size = target.stat().st_size
                print(f"{target.name}: {size:,} bytes")
                if size > MOST:
                    raise SystemExit(f"{target.name} has more than {MOST:,} bytes: show less of {path}")
        browser.close()


def with_served(home: Path, use: Callable[[str], Any]) -> None:
    """Serve a registry as a person does, on a free port, and end it."""
    command = [sys.executable, "-m", "pinset_cli", "serve", "--registry", str(home), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        try:
            assert server.stdout is not None
            said = server.stdout.readline()
            use(said.split(" on ")[1].split()[0])
        finally:
            server.terminate()


def main() -> int:
    """Make, serve, photograph."""
    parser = argparse.ArgumentParser(description="Take the README's pictures anew.")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="make the registry in DIR, and leave it there")
    parser.add_argument("--into", type=Path, default=IMAGES, metavar="DIR", help="where the pictures go")
    given = parser.parse_args()
    os.environ.pop("PINSET_TOKEN", None)
    with tempfile.TemporaryDirectory(prefix="pinset-pictures-") as scratch:
        home = given.keep or Path(scratch)
        clock, real = Past(), SystemClock.now
        SystemClock.now = lambda _self: clock.now  # type: ignore[method-assign]
        create_registry(home)
        registry = local_registry(home)
        furnish(registry, clock)
        registry.close()
        SystemClock.now = real  # type: ignore[method-assign]
        given.into.mkdir(exist_ok=True)
        with_served(home, lambda url: take(url, given.into))
    return 0


if __name__ == "__main__":
    sys.exit(main())
