"""Completion of names in the shell: what the registry knows, and nothing at all where it cannot be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer  # noqa: TC002 - Typer reads the annotations

from pinset_cli.locate import Options, opened

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.ports.registry import Registry

_MOST = 100


def bundles(context: typer.Context, incomplete: str) -> list[str]:
    """Names of bundles."""
    return _asked(context, lambda found: _bundles(found, incomplete))


def references(context: typer.Context, incomplete: str) -> list[str]:
    """``NAME``, ``NAME@SELECTOR``, or the selector alone after a ``NAME`` of its own."""
    return _asked(context, lambda found: _references(found, _before(context), incomplete, versions=True))


def moves(context: typer.Context, incomplete: str) -> list[str]:
    """``NAME``, ``NAME@ALIAS``, or the alias alone after a ``NAME`` of its own."""
    return _asked(context, lambda found: _references(found, _before(context), incomplete, versions=False))


def promotions(context: typer.Context, incomplete: str) -> list[str]:
    """A release first, then an alias of its bundle."""
    before = _before(context)
    whole = bool(before) and "@" in before[0] and not before[0].endswith("@")
    return _asked(context, lambda found: _references(found, before, incomplete, versions=not whole))


def _asked(context: typer.Context, question: Callable[[Registry], list[str]]) -> list[str]:
    """The answer of the registry that the command line names. Whatever goes wrong, the shell is told nothing."""
    try:
        above = context.find_root().params.get("registry")
        with opened(Options(context.params.get("registry") or above)) as found:
            return question(found)
    except Exception:  # noqa: BLE001 - a shell that completes has nowhere to show an error
        return []


def _before(context: typer.Context) -> list[str]:
    """The words that stand before the one that is completed."""
    words = context.params.get("target") or context.params.get("sides") or ()
    return [words] if isinstance(words, str) else list(words)


def _bundles(found: Registry, incomplete: str) -> list[str]:
    items = found.bundles(query=incomplete, limit=_MOST)["items"]
    return [item["name"] for item in items if item["name"].startswith(incomplete)]


def _references(found: Registry, before: list[str], incomplete: str, *, versions: bool) -> list[str]:
    name, at, selector = incomplete.partition("@")
    if before:
        # Some shells part words at the @: what they complete then is the selector alone.
        name, selector = before[0].partition("@")[0], incomplete.removeprefix("@")
        lead = "@" if at else ""
    elif at:
        lead = f"{name}@"
    else:
        return _bundles(found, incomplete)
    there = [item["alias"] for item in found.aliases(name)["items"] if item["version"]]
    if versions:
        there += [f"v{item['version']}" for item in found.releases(name, limit=_MOST)["items"]]
    return [lead + word for word in there if word.startswith(selector)]
