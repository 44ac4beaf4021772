"""A real client over a registry in memory: the same code from `get` to `messages`, without thread, cache or network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinset.client.client import Client
from pinset.client.keeper import Keeper
from pinset.client.pins import Pins
from pinset.domain.names import DEFAULT_ALIAS
from pinset.testing.source import FakeRegistry

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pinset.client.intake import Intake
    from pinset.client.local import WorkingCopies
    from pinset.client.pace import Pace
    from pinset.client.slots import Needs, Slot
    from pinset.testing.releases import Files


class FakeClient(Client):
    """A `Client` that asks a `FakeRegistry` in the caller's own thread, and heeds no ``PINSET_…`` of the environment."""

    def __init__(self, source: FakeRegistry, *, alias: str = DEFAULT_ALIAS, snapshot: Path | str | None = None) -> None:
        self.source = source
        """What it asks, to be changed by the test."""
        super().__init__(token="none", alias=alias, cache=None, snapshot=snapshot, source=source, live=False)  # noqa: S106 - none
        source.watch(self._keeper.look)

    def _pins(self) -> Pins:
        return Pins("")

    def _kept(self, intake: Intake, pins: Pins, pace: Pace, working: WorkingCopies, *, live: bool) -> Keeper:
        return _Still(self._source, intake, pins, pace, working, live=live)


class _Still(Keeper):
    """Keeps no thread: a name is asked for when it is new, and when the registry changes."""

    def slot(self, bundle: str, asked: str, needs: Needs) -> Slot:
        found = super().slot(bundle, asked, needs)
        if not found.tried.is_set():
            self._refresh(found)
            found.tried.set()
        return found

    def _start(self) -> None:
        """There is no thread to start."""


def fake_client(
    serves: Mapping[str, Files] | None = None,
    *,
    components: str | Path | None = None,
    alias: str = DEFAULT_ALIAS,
    snapshot: Path | str | None = None,
) -> FakeClient:
    """A client whose registry serves working copies: directories, or texts by path, by bundle.

    components: the folder of the shared components they refer to; by default the one beside or above each. alias: what
    a name without one means, and what they are promoted to. snapshot: as for `Client`. Raises InvalidManifest,
    ChecksFailed with findings for what no registry would publish.
    """
    registry = FakeRegistry(components)
    for bundle, what in (serves or {}).items():
        registry.promote(bundle, what, alias=alias)
    return FakeClient(registry, alias=alias, snapshot=snapshot)
