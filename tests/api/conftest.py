"""The application without a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pinset.api.app import create_app
from pinset.api.settings import Settings
from sending import Sending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pinset.services.local import LocalRegistry


class Api(Sending):
    """Sends requests to the application of a registry."""

    def __init__(self, registry: LocalRegistry, settings: Settings, others: Any = None) -> None:
        super().__init__(create_app(registry, settings=settings, others=others))


@pytest.fixture
def api_of() -> Iterator[Callable[..., Api]]:
    """Makes the application of a registry, with the settings given."""
    made: list[Api] = []

    def make(registry: LocalRegistry, others: Any = None, **settings: Any) -> Api:
        made.append(Api(registry, Settings(**settings), others))
        return made[-1]

    yield make
    for api in made:
        api.end()


@pytest.fixture
def api(memory: LocalRegistry, api_of: Callable[..., Api]) -> Api:
    """The application of a registry in memory."""
    return api_of(memory)
