"""The faces of a registry elsewhere: what is asked of it apart, each in a module that is loaded when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pinset.client.approving import RemoteRequests
    from pinset.client.audit import RemoteAudit
    from pinset.client.bundles import RemoteBundleChanges
    from pinset.client.changesets import RemoteChangesets
    from pinset.client.evidence import RemoteEvidence
    from pinset.client.http import Http
    from pinset.client.imports import RemoteImports
    from pinset.client.keys import RemoteKeys
    from pinset.client.policies import RemotePolicies
    from pinset.client.purging import RemotePurging
    from pinset.client.reviews import RemoteReviews


class Faces:
    """The part of `client.remote.RemoteRegistry` that leads to the others. Who only fetches loads none of them."""

    _http: Http

    @property
    def audit(self) -> RemoteAudit:
        """The audit log."""
        from pinset.client.audit import RemoteAudit

        return RemoteAudit(self._http)

    @property
    def keys(self) -> RemoteKeys:
        from pinset.client.keys import RemoteKeys

        return RemoteKeys(self._http)

    @property
    def purges(self) -> RemotePurging:
        """Removing content for good."""
        from pinset.client.purging import RemotePurging

        return RemotePurging(self._http)

    @property
    def evidence(self) -> RemoteEvidence:
        from pinset.client.evidence import RemoteEvidence

        return RemoteEvidence(self._http)

    @property
    def requests(self) -> RemoteRequests:
        from pinset.client.approving import RemoteRequests

        return RemoteRequests(self._http)

    @property
    def changesets(self) -> RemoteChangesets:
        from pinset.client.changesets import RemoteChangesets

        return RemoteChangesets(self._http)

    @property
    def bundle_changes(self) -> RemoteBundleChanges:
        from pinset.client.bundles import RemoteBundleChanges

        return RemoteBundleChanges(self._http)

    @property
    def imports(self) -> RemoteImports:
        from pinset.client.imports import RemoteImports

        return RemoteImports(self._http)

    @property
    def reviews(self) -> RemoteReviews:
        from pinset.client.reviews import RemoteReviews

        return RemoteReviews(self._http)

    @property
    def policies(self) -> RemotePolicies:
        from pinset.client.policies import RemotePolicies

        return RemotePolicies(self._http)
