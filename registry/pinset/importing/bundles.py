"""Bundles out of another registry: what they were called there, who owns them, and what was yanked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pinset.domain import sealed
from pinset.errors import Conflict, InvalidInput, NotFound, PermissionDenied, Refused

if TYPE_CHECKING:
    from pinset.domain.answers import BundleAnswer
    from pinset.domain.exchange.incoming import About, Incoming
    from pinset.importing.report import Report
    from pinset.ports.registry import Caller, Registry

_NOT_DONE = (Conflict, InvalidInput, NotFound, PermissionDenied, Refused)
"""What is told, and ends nothing. In a dry run the bundle may not be there."""


class Bundles:
    """Brings bundles here to what they are there; what somebody here has said of one stays."""

    def __init__(self, registry: Registry, caller: Caller, report: Report) -> None:
        self._registry, self._caller, self._report = registry, caller, report
        self._last: tuple[str, str, frozenset[str]] = ("", "", frozenset())
        """A bundle there, what it is called here, and every name that it has here."""
        self._others: set[str] = set()
        """Bundles there that only have a name in common with one here: nothing is renamed for what a tar says."""

    def here(self, one: Incoming) -> tuple[str, str | None]:
        """The bundle that a sealed version belongs to, and what that is to be called before it comes in, if anything new.

        A release names its bundle as it was called then. None: it is called so, or is not there yet. Raises Conflict where
        a bundle would be renamed that has only a name in common.
        """
        written = _written(one)
        if self._last[0] != one.name:
            self._look(one, [one.name, *(one.about.names if one.about else ())], written)
            if one.name in self._others and written not in self._last[2]:
                self._look(one, [written], written)
        _, called, names = self._last
        if names and written not in names and one.name in self._others:
            raise Conflict(
                f"it was published as {written}, and {called} is a bundle here that did not come from there",
                hint=f"give that another name (pinset bundle rename {called} NAME -m TEXT), or leave it as it is",
            )
        if not names:
            self._last = (one.name, written, frozenset((written,)))
            return written, None
        return called, written if written not in names else None

    def _look(self, one: Incoming, names_there: list[str], written: str) -> None:
        """Note what a bundle there is here, and whether that came from there: only then it is renamed."""
        found = self._found(names_there)
        names = frozenset((found["name"], *found["formerly"])) if found else frozenset()
        self._last = (one.name, found["name"] if found else written, names)
        if found is not None and not self._came(found["name"], one):
            self._others.add(one.name)

    def _came(self, bundle: str, one: Incoming) -> bool:
        """Whether anything of a bundle came from the registry that a version comes from."""
        there = one.origin.partition("/")[0] + "/"
        sources = (item["source"] for item in self._registry.releases(bundle, limit=500)["items"])
        return any(str(source.get("origin")).startswith(there) for source in sources if isinstance(source, dict))

    def rename(self, there: str, old: str, new: str) -> str:
        """Call a bundle as it was called there by then; what it is called now."""
        reason = f"imported from {self._report.system}: so it was called there"
        try:
            self._registry.bundle_changes.rename(self._caller, old, new, reason=reason)
        except _NOT_DONE as error:
            if not self._caller.dry_run:
                self._report.tell("warning", there, f"{old} is not renamed {new}: {error.message}", hint=error.hint)
                return old
        _, called, names = self._last
        self._last = (there, new if called == old else called, names | {new})
        return new

    def finish(self, there: str, bundle: str, about: About) -> None:
        """What there is to say of a bundle whose versions came in now: what nobody said here is said as it is there."""
        found = self._found([bundle])
        if found is None:
            return
        # A name that it never had there was given here.
        if found["name"] in about.names[:-1] and there not in self._others:
            bundle = self.rename(there, found["name"], about.names[-1])
        said: dict[str, Any] = {
            **({"owner": about.owner} if about.owner and not found["owner"] else {}),
            **({"description": about.description} if about.description and not found["description"] else {}),
        }
        also = [spelling for spelling in about.spelled if spelling not in found["names"]]
        changes, words = self._registry.bundle_changes, f"imported from {self._report.system}"
        try:
            if said or also:
                changes.set(self._caller, bundle, **said, also=also, reason=words)
            if about.archived and not found["archived"]:
                changes.archive(self._caller, bundle, reason=f"{words}: it is archived there")
        except _NOT_DONE as error:
            self._report.tell("warning", there, error.message, hint=error.hint)

    def yank(self, there: str, bundle: str, version: int, why: str) -> None:
        """Refuse a release to new moves, as it is refused there."""
        reason = f"yanked in the registry that it comes from: {why}"
        try:
            self._registry.yank(self._caller, f"{bundle}@v{version}", reason=reason)
        except _NOT_DONE as error:
            if not self._caller.dry_run:
                self._report.tell("warning", there, f"v{version} is not yanked: {error.message}", hint=error.hint)

    def _found(self, names: list[str]) -> BundleAnswer | None:
        for name in names:
            try:
                return self._registry.bundle(name)
            except (NotFound, PermissionDenied, InvalidInput):
                continue
        return None


def _written(one: Incoming) -> str:
    """The bundle that a sealed manifest names; where it names none it is refused later."""
    try:
        named = json.loads(one.taken.files[sealed.MANIFEST])["bundle"]
    except (KeyError, ValueError, TypeError, RecursionError):
        return one.name
    return named if isinstance(named, str) else one.name
