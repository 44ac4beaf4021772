"""SQL compiled once for all the catalogs of a process, of which a test has one or two and the tests thousands.

An engine keeps what it compiled for itself, so that a registry of one test would compile the statements of all others
again. What is kept is found by what a statement is made of, and by the kind of database it is for.
"""

from __future__ import annotations

from contextlib import closing
from typing import Any, Final

from sqlalchemy import Engine
from sqlalchemy.util import LRUCache

_MOST: Final = 5000
_kept: Final[LRUCache[Any, Any]] = LRUCache(_MOST)


class _Kept:
    """What one engine takes for its cache."""

    def __init__(self, dialect: Any) -> None:
        self._kind = (type(dialect), dialect.paramstyle)

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        return _kept.get((self._kind, *key[1:]), default)

    def __setitem__(self, key: tuple[Any, ...], compiled: Any) -> None:
        _kept[self._kind, *key[1:]] = compiled


def share() -> None:
    """Let every engine that is made from now on share."""
    alone = Engine.__init__

    def together(self: Engine, pool: Any, dialect: Any, *given: Any, **named: Any) -> None:
        alone(self, pool, dialect, *given, **named)
        self._compiled_cache = _Kept(dialect)  # type: ignore[assignment]

    Engine.__init__ = together  # type: ignore[method-assign]


def beforehand() -> None:
    """Share, and compile now what each registry needs: for a process that others are forked from."""
    from pinset import bootstrap
    from pinset.ports.registry import Caller

    share()
    caller, model = Caller(actor="ada"), "{name: m, pinned_version: '1'}"
    with closing(bootstrap.memory_registry()) as registry:
        for number in range(2):
            manifest = f"release:\n  feature: it\n  model: {model}\n  prompt: {{text: Text {number}.}}\n"
            registry.publish(caller, {"release.yaml": manifest}, alias="production")
        registry.rollback(caller, "it", "production", serving="v2")
        registry.bundles()
        registry.aliases("it")
        registry.history("it")
        registry.releases("it")
        registry.release("it@production")
        registry.verify()
        registry.reindex()
