"""Records: what the registry has done, one commit each.

A record is everything a commit of the registry says. Git holds it as a message (`pinset.domain.messages`), the
catalog as rows; both are made from these classes, so neither can say more than the other.

Every record carries a `Stamp`. Serials are registry-wide and rise by one; ``prev`` is the commit of the serial
before; times rise with the serials.
"""

from __future__ import annotations

from pinset.domain.records.base import (
    FORMAT,
    KEYS_FILE,
    MAIN_REF,
    POLICY_FILE,
    PROPOSALS_REF,
    REGISTRY_FILE,
    ROOT,
    Stamp,
    Version,
    alias_ref,
    bundle_ref,
    component_ref,
    evidence_ref,
    release_ref,
)
from pinset.domain.records.bundles import BUNDLE_FILE, BundleAction, BundleRecord
from pinset.domain.records.keys import KeyAction, KeyRecord, Purpose, SignatureRecord
from pinset.domain.records.purges import PURGES_REF, PurgeRecord
from pinset.domain.records.releases import (
    Action,
    ComponentRecord,
    EvidenceRecord,
    FoundingRecord,
    MoveRecord,
    ReleaseRecord,
    Verdict,
)
from pinset.domain.records.trust import (
    Aim,
    Binding,
    Decision,
    DecisionRecord,
    PolicyRecord,
    RequestRecord,
    ResultRecord,
)

Record = (
    FoundingRecord
    | ReleaseRecord
    | ComponentRecord
    | MoveRecord
    | EvidenceRecord
    | PolicyRecord
    | ResultRecord
    | RequestRecord
    | DecisionRecord
    | PurgeRecord
    | KeyRecord
    | SignatureRecord
    | BundleRecord
)


def bundle_of(record: Record) -> str:
    """The bundle that a record is about; '' where it is about the registry, a shared component, or a purge."""
    return str(getattr(getattr(record, "binding", record), "bundle", ""))


__all__ = [
    "BUNDLE_FILE",
    "FORMAT",
    "KEYS_FILE",
    "MAIN_REF",
    "POLICY_FILE",
    "PROPOSALS_REF",
    "PURGES_REF",
    "REGISTRY_FILE",
    "ROOT",
    "Action",
    "Aim",
    "Binding",
    "BundleAction",
    "BundleRecord",
    "ComponentRecord",
    "Decision",
    "DecisionRecord",
    "EvidenceRecord",
    "FoundingRecord",
    "KeyAction",
    "KeyRecord",
    "MoveRecord",
    "PolicyRecord",
    "PurgeRecord",
    "Purpose",
    "Record",
    "ReleaseRecord",
    "RequestRecord",
    "ResultRecord",
    "SignatureRecord",
    "Stamp",
    "Verdict",
    "Version",
    "alias_ref",
    "bundle_of",
    "bundle_ref",
    "component_ref",
    "evidence_ref",
    "release_ref",
]
