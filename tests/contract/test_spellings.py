"""What other tools call a bundle: given with a release or afterwards, found by it, and never of two at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from registry_steps import ALIAS, ME, NAME, files, promote, publish

from pinset.domain.access import parse_grants
from pinset.errors import AlreadyExists, IdempotencyMismatch, InvalidInput, InvalidName, NotFound, PermissionDenied
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from pinset.ports.registry import Registry
    from pinset.services.local import LocalRegistry

CRITIC = "Movie Critic"
MARKUP = '<b>&"{}'
HERE = pytest.mark.parametrize("where", ["memory"], indirect=True)
"""For what is the same code near and far."""


def rows(near: LocalRegistry) -> list[Any]:
    with near._context.catalog.reading() as reader:
        return [row for row in reader.dump() if row[0].startswith("bundle")]


def who(grants: str, **more: Any) -> Caller:
    return Caller(actor="bob", grants=parse_grants(grants), **more)


def test_a_release_brings_the_spelling_of_its_bundle(registry: Registry) -> None:
    done = registry.publish(ME, files("One."), spelled=CRITIC, alias=ALIAS)
    assert (done["ref"], done["move"] and done["move"]["to"]) == (f"{NAME}@v1", 1)
    wrote = registry.operation(str(done["operation"]))["commits"]
    assert [one["ref"] for one in wrote] == [
        f"refs/heads/releases/{NAME}", f"refs/heads/bundles/{NAME}", f"refs/heads/aliases/{NAME}/{ALIAS}"
    ]  # fmt: skip
    assert registry.bundle(NAME)["names"] == registry.bundles()["items"][0]["names"] == [CRITIC]
    again = registry.publish(ME, files("Two."), spelled=CRITIC)
    assert len(registry.operation(str(again["operation"]))["commits"]) == 1
    registry.publish(ME, files("Two."), spelled=MARKUP)
    assert registry.bundle(NAME)["names"] == [CRITIC, MARKUP]
    assert registry.publish(ME, files("Three."), spelled=NAME)["version"] == 3
    registry.verify()
