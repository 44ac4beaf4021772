"""A registry elsewhere as it was at a time: the same addresses with ``at``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinset.client import addresses
from pinset.client.bundles import bundles_query
from pinset.client.requests import path_of
from pinset.domain import names
from pinset.domain.references import comparable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinset.client.http import Http
    from pinset.domain import answers
    from pinset.domain.answers.blame import BlameAnswer
    from pinset.domain.answers.costs import CostAnswer


class RemotePast:
    """Implements `pinset.ports.past.Readings` on ``/v1``. The time goes with each request as it was written."""

    def __init__(self, http: Http, at: str) -> None:
        self._http, self._at = http, at

    def release(self, reference: str) -> answers.ReleaseAnswer:
        """The release document."""
        found: answers.ReleaseAnswer = self._get(addresses.release(reference), form="document")
        return found

    def sealed(self, reference: str) -> answers.SealedAnswer:
        """The sealed form."""
        found: answers.SealedAnswer = self._get(addresses.release(reference), form="sealed")
        return found

    def summary(self, reference: str) -> answers.ReleaseSummary:
        """A release without its content."""
        found: answers.ReleaseSummary = self._get(addresses.release(reference), form="summary")
        return found

    def file(self, reference: str, path: str) -> str:
        """One file of a release."""
        segments = names.file_path(path).split("/")
        return self._http.text("/".join([addresses.release(reference), "files", *segments]), at=self._at)

    def bundles(
        self,
        *,
        query: str = "",
        uses: str | None = None,
        alias: str | None = None,
        owner: str | None = None,
        archived: bool = False,
        cursor: str | None = None,
        limit: int = 100,
    ) -> answers.Page[answers.BundleAnswer]:
        """Bundles by name."""
        asked = bundles_query(query, uses, alias, owner, archived=archived)
        found: answers.Page[answers.BundleAnswer] = self._get(path_of("bundles"), cursor=cursor, limit=limit, **asked)
        return found

    def bundle(self, name: str) -> answers.BundleAnswer:
        """One bundle."""
        found: answers.BundleAnswer = self._get(addresses.bundle(name))
        return found

    def releases(
        self, bundle: str, *, cursor: str | None = None, limit: int = 100
    ) -> answers.Page[answers.ReleaseSummary]:
        """Releases of a bundle."""
        found: answers.Page[answers.ReleaseSummary] = self._get(
            addresses.bundle(bundle) + "/releases", cursor=cursor, limit=limit
        )
        return found

    def aliases(self, bundle: str) -> answers.Page[answers.AliasAnswer]:
        """Every alias of a bundle that had moved."""
        found: answers.Page[answers.AliasAnswer] = self._get(addresses.bundle(bundle) + "/aliases")
        return found

    def history(
        self, bundle: str, alias: str | None = None, *, cursor: str | None = None, limit: int = 100
    ) -> answers.Page[answers.HistoryItem]:
        """Moves until then."""
        place = addresses.bundle(bundle) + (f"/aliases/{names.alias_name(alias)}" if alias is not None else "")
        found: answers.Page[answers.HistoryItem] = self._get(place + "/history", cursor=cursor, limit=limit)
        return found

    def diff(self, old: str, new: str) -> dict[str, Any]:
        """What changes between what two references named then."""
        sides = {"from": comparable(old), "to": comparable(new)}
        found: dict[str, Any] = self._get(path_of("diff"), **sides)
        return found

    def cost(self, reference: str) -> CostAnswer:
        """What a release costs that a reference named then."""
        return cost(self._http, reference, at=self._at)

    def blame(self, reference: str, path: str) -> BlameAnswer:
        """What brought each line of a file, as of then."""
        return blame(self._http, reference, path, at=self._at)

    def resolve(self, references: Sequence[str]) -> answers.ResolveAnswer:
        """Many references."""
        body = {"references": list(references), "at": self._at}
        found: answers.ResolveAnswer = self._http.ask(path_of("resolve"), body)
        return found

    def _get(self, path: str, **query: str | int | None) -> Any:
        return self._http.get(path, **query, at=self._at)


def blame(http: Http, reference: str, path: str, *, at: str | None = None) -> BlameAnswer:
    """What brought each line of a file."""
    found: BlameAnswer = http.get(addresses.release(reference) + "/blame", path=names.file_path(path), at=at)
    return found


def cost(http: Http, reference: str, *, at: str | None = None) -> CostAnswer:
    """What calls of a release cost."""
    found: CostAnswer = http.get(addresses.release(reference) + "/cost", at=at)
    return found
