"""What other programs read, written to a directory: the OpenAPI description and JSON Schemas."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from pinset.api.app import describe
from pinset.domain import answers
from pinset.domain.answers import audit as audit_answers
from pinset.domain.answers import evidence, policy
from pinset.domain.answers import keys as key_answers
from pinset.domain.answers import purging as purging_answers
from pinset.domain.answers import requests as asked
from pinset.domain.answers.blame import BlameAnswer
from pinset.domain.answers.bundles import BundleChangeAnswer
from pinset.domain.answers.costs import CostAnswer
from pinset.domain.answers.events import EventAnswer
from pinset.domain.answers.imports import ImportAnswer
from pinset.wire import audit, bundles, deciding, imports, keys, purging, requests
from pinset.wire import evidence as evidence_requests
from pinset.wire import policies as policy_requests
from pinset.wire.problem import Problem

SHAPES: Final[dict[str, Any]] = {
    "release": answers.ReleaseAnswer,
    "sealed-release": answers.SealedAnswer,
    "publish": answers.PublishAnswer,
    "move": answers.MoveAnswer,
    "history-item": answers.HistoryItem,
    "check": answers.CheckAnswer,
    "summary": answers.ReleaseSummary,
    "bundle": answers.BundleAnswer,
    "bundle-change": BundleChangeAnswer,
    "alias": answers.AliasAnswer,
    "clients": answers.ClientsAnswer,
    "component": answers.ComponentAnswer,
    "use": answers.UseAnswer,
    "blame": BlameAnswer,
    "cost": CostAnswer,
    "import": ImportAnswer,
    "yank": answers.YankAnswer,
    "evidence": evidence.EvidenceAnswer,
    "evidence-item": evidence.ResultAnswer,
    "request": asked.RequestAnswer,
    "decision": asked.DecisionAnswer,
    "settled": asked.SettledAnswer,
    "policy": policy.PolicyAnswer,
    "policy-item": policy.PolicyItem,
    "policy-check": policy.PolicyCheckAnswer,
    "gates": policy.GatesAnswer,
    "resolve": answers.ResolveAnswer,
    "operation": answers.OperationAnswer,
    "registry": answers.RegistryAnswer,
    "token": answers.TokenAnswer,
    "verify": answers.VerifyAnswer,
    "event": EventAnswer,
    "audit-item": audit_answers.AuditItem,
    "audit-head": audit_answers.AuditHeadAnswer,
    "audit-proof": audit_answers.AuditProofAnswer,
    "purge": purging_answers.PurgeAnswer,
    "who": answers.WhoAnswer,
    "keys": key_answers.KeysAnswer,
    "key-change": key_answers.KeyChange,
    "signature": key_answers.SignedAnswer,
    "problem": Problem,
    "check-request": requests.CheckRequest,
    "publish-request": requests.PublishRequest,
    "component-request": requests.ComponentRequest,
    "promote-request": requests.PromoteRequest,
    "rollback-request": requests.RollbackRequest,
    "import-request": imports.ImportRequest,
    "yank-request": requests.YankRequest,
    "resolve-request": requests.ResolveRequest,
    "diff-request": requests.DiffRequest,
    "audit-verify-request": audit.AuditVerifyRequest,
    "evidence-request": evidence_requests.EvidenceRequest,
    "decision-request": deciding.DecisionRequest,
    "policy-request": policy_requests.PolicyRequest,
    "policy-check-request": policy_requests.PolicyCheckRequest,
    "token-request": requests.TokenRequest,
    "bundle-set-request": bundles.SetRequest,
    "bundle-archive-request": bundles.ArchiveRequest,
    "bundle-unarchive-request": bundles.UnarchiveRequest,
    "bundle-rename-request": bundles.RenameRequest,
    "purge-request": purging.PurgeRequest,
    "key-request": keys.KeyRequest,
    "signature-request": keys.SignatureRequest,
}
"""What programs send, keep or pass on, by the name of its schema's file."""


def documents() -> dict[str, str]:
    """Every file by name, the same on every machine."""
    made: dict[str, Any] = {"openapi.json": describe()}
    for name, shape in SHAPES.items():
        schema = TypeAdapter(shape).json_schema()
        made[f"{name}.schema.json"] = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return {
        name: json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n" for name, value in made.items()
    }


def main(directory: Path) -> int:
    """Write every file."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in documents().items():
        (directory / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
