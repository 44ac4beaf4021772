"""Where things are below a registry's address. Names are checked, so that nothing in them becomes part of a path."""

from __future__ import annotations

from pinset.client.requests import path_of
from pinset.domain import names
from pinset.domain.references import parse


def bundle(name: str) -> str:
    """The path of a bundle. Raises InvalidName."""
    return path_of("bundles", names.bundle_name(name))


def release(reference: str, *, changing: bool = False) -> str:
    """The path of what a reference names. changing: it must say which release. Raises InvalidReference or InvalidName."""
    wanted = parse(reference, default=None) if changing else parse(reference)
    return path_of("bundles", wanted.bundle, "releases", str(wanted.selector))


def alias(bundle_name: str, alias_name: str) -> str:
    """The path of an alias. Raises InvalidName."""
    return path_of("bundles", names.bundle_name(bundle_name), "aliases", names.alias_name(alias_name))


def component(kind: str, name: str, *selector: str) -> str:
    """The path of a shared component, or of one version of it. Raises InvalidName."""
    return path_of("components", names.component_kind(kind), names.component_name(name), *selector)
