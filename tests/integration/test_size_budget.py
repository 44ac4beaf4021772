"""How much a release of small change takes on the disk once the repository is packed."""

from __future__ import annotations

import random
from contextlib import closing
from typing import TYPE_CHECKING

from pinset import bootstrap
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from pathlib import Path

WORDS = ("ticket", "customer", "answer", "refund", "order", "policy", "summary", "tone", "reply", "detail")
BUNDLES, RELEASES = 8, 20
SIGNATURE = 136
"""Bytes of a commit's signature: 64 are random, and in base64 they are more than deflate gets back."""
MOST = 1024 + SIGNATURE
"""Bytes of a release, its files, its commit and its part of the index."""
MANIFEST = """\
release:
  feature: {bundle}
  model: {{provider: vendor-x, name: foundation-large, pinned_version: "2025-02-01"}}
  prompt: {{template: prompts/main.md}}
"""


def test_a_release_of_small_change_takes_a_kilobyte_at_most(home: Path) -> None:
    dice = random.Random(3)
    sentences = {
        f"bundle-{number}": [" ".join(dice.choices(WORDS, k=12)) for _ in range(40)] for number in range(BUNDLES)
    }

    def files(bundle: str) -> dict[str, str]:
        text = "Summarize {{ticket}}.\n" + "\n".join(sentences[bundle]) + "\n"
        return {"release.yaml": MANIFEST.format(bundle=bundle), "prompts/main.md": text}

    with closing(bootstrap.local_registry(home, serving=True)) as registry:
        # What all of them share, the first texts, is not what a change costs.
        for bundle in sentences:
            registry.publish(Caller(actor="ada"), files(bundle))
        registry.gc()
        before = taken(home)
        for number in range(RELEASES):
            for bundle, lines in sentences.items():
                lines[number] = " ".join(dice.choices(WORDS, k=12))
                assert registry.publish(Caller(actor="ada"), files(bundle))["created"]
        loose = taken(home) - before
        registry.gc()
        packed = taken(home) - before
    assert packed / (BUNDLES * RELEASES) <= MOST < loose / (BUNDLES * RELEASES)


def taken(home: Path) -> int:
    return sum(path.stat().st_size for path in (home / bootstrap.REPOSITORY).rglob("*") if path.is_file())
