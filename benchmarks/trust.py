"""What pinned keys cost: proving that an answer is the one that the registry's alias serves, and proving a commit."""

from __future__ import annotations

import json
import random
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import large
from figures import Figure

from pinset import bootstrap, signing
from pinset.client.trust import Trust
from pinset.domain.commits import parse_raw
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "bundle"
ROUNDS = 300


def figures() -> list[Figure]:
    """Of a release with a prompt of 3 kB."""
    with closing(bootstrap.memory_registry()) as registry:
        registry.publish(Caller(actor="bench"), large.files_of(NAME, random.Random(1)), alias="production")
        answer: dict[str, Any] = json.loads(json.dumps(registry.sealed(f"{NAME}@production")))
        trust = Trust(registry.keys.all()["items"][0]["public"])
        move = answer["proof"]["move"]
        return [
            _measured("trusted_keys: the whole check of an answer", lambda: trust.refuse_unproven(answer), wanted=1.0),
            _measured("one commit's signature", lambda: signing.checks_commit(parse_raw(move)), wanted=0.5),
        ]


def _measured(name: str, work: Callable[[], object], *, wanted: float) -> Figure:
    work()
    values = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        work()
        values.append((time.perf_counter() - begun) * 1000)
    return Figure(name, values=values, wanted=wanted)
