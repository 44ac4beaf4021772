"""Aliases of what came in: each is moved as anybody would move it, and never past what somebody here decided since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinset.domain.moves import NONE
from pinset.domain.names import show
from pinset.errors import AliasMoved, Conflict, NotFound, PermissionDenied, Refused

if TYPE_CHECKING:
    from pinset.domain.answers import AliasAnswer
    from pinset.importing.report import Report
    from pinset.ports.registry import Caller, Registry


class Aliases:
    """Lets aliases serve what they serve elsewhere, under the policy that holds for everybody."""

    def __init__(self, registry: Registry, caller: Caller, report: Report) -> None:
        self._registry, self._caller, self._report = registry, caller, report

    def move(self, bundle: str, wanted: dict[str, int | None]) -> None:
        """The aliases of a bundle. wanted: by alias the version that it is to serve, None where that is not in."""
        now = self._now(bundle)
        for alias, version in sorted(wanted.items()):
            try:
                action, why = self._moved(bundle, alias, version, now.get(alias))
            except AliasMoved:  # somebody else's import, or a person: what they did counts
                action, why = self._again(bundle, alias, version)
            self._report.aliases[action] += 1
            if why:
                self._report.tell("alias", bundle, why, alias=alias, version=version)

    def _again(self, bundle: str, alias: str, version: int | None) -> tuple[str, str]:
        """What becomes of an alias that was moved meanwhile."""
        try:
            return self._moved(bundle, alias, version, self._now(bundle).get(alias))
        except AliasMoved as error:
            return "refused", f"{error.message} ({error.hint})"

    def _moved(self, bundle: str, alias: str, version: int | None, now: AliasAnswer | None) -> tuple[str, str]:
        """What became of an alias, and why, where that is to be told. Raises AliasMoved."""
        if version is None:
            return "refused", "the version that it serves there is not in"
        if now is not None and now["version"] == version:
            return "none", ""
        if now is not None and not now["reason"].startswith(self._said):
            serves = f"v{now['version']}" if now["version"] else "nothing"
            return "left", f"it serves {serves} here, as {show(now['moved_by'])} decided"
        try:
            answer = self._registry.promote(
                self._caller,
                f"{bundle}@v{version}",
                alias,
                revision=now["revision"] if now is not None and now["version"] is not None else NONE,
                reason=f"{self._said} it serves v{version} there",
            )
        except AliasMoved:
            raise
        except (NotFound, Refused, Conflict, PermissionDenied) as error:
            if self._caller.dry_run and isinstance(error, NotFound):  # it would be there by now
                return "promote", ""
            return "refused", f"{error.message} ({error.hint})"
        return answer["action"], ""

    def _now(self, bundle: str) -> dict[str, AliasAnswer]:
        try:
            return {item["alias"]: item for item in self._registry.aliases(bundle)["items"]}
        except NotFound:
            return {}

    @property
    def _said(self) -> str:
        """How the reason of every move begins that an import from there made."""
        return f"imported from {self._report.system}:"
