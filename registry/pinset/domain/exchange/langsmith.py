"""LangSmith: a release as a commit of a prompt, a bundle as the repository of its commits, and both as their lists say.

A commit's hash is that of the release's commit in git. Where LangSmith wants a UUID it is the hash's first 32 digits.
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.exchange import langchain
from pinset.domain.exchange.parts import parts_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_HASH: Final = re.compile(r"[0-9a-f]{7,64}")
OWN: Final = "-"
"""The owner of everything that is here."""


def tell(document: Mapping[str, Any], prompt_name: str | None = None, *, model: bool = False) -> dict[str, Any]:
    """A release as a commit with its manifest. prompt_name: see `parts.parts_of`. model: say the model beside it."""
    parts = parts_of(document, prompt_name)
    told: dict[str, Any] = {
        "commit_hash": document["commit"],
        "manifest": langchain.manifest_of(document, parts),
        "examples": [],
        "description": document["message"] or None,
    }
    if model and parts.model is not None:
        told["model_config"] = langchain.model_config(parts)
        told["model_provider"] = parts.model.get("provider")
    return told


def directory(document: Mapping[str, Any], files: Mapping[str, str]) -> dict[str, Any]:
    """A release as the directory that an agent is. files: its texts by path."""
    told = {path: {"type": "file", "content": text} for path, text in sorted(files.items())}
    return {"commit_id": id_of(document["commit"]), "commit_hash": document["commit"], "files": told}


def listed(release: Mapping[str, Any], parent: str | None) -> dict[str, Any]:
    """A release in a list of commits. parent: the commit before it, None where it is the first, or is not known."""
    return {
        "id": id_of(release["commit"]),
        "commit_hash": release["commit"],
        "parent_id": id_of(parent) if parent else None,
        "parent_commit_hash": parent,
        "created_at": release["published_at"],
        "updated_at": release["published_at"],
        "description": release["message"] or None,
        "example_run_ids": [],
        "num_downloads": 0,
        "num_views": 0,
    }


def repository(bundle: Mapping[str, Any], name: str, registry: str, last: str | None = None) -> dict[str, Any]:
    """A bundle as a prompt without its content. name: as the client spells it. last: its newest commit, where known."""
    return {
        "id": f"{registry}/{bundle['name']}",
        "tenant_id": registry,
        "repo_handle": name,
        "owner": None,
        "full_name": f"{OWN}/{name}",
        "description": bundle["description"],
        "readme": "",
        "tags": [],
        "created_at": bundle["changed_at"],
        "updated_at": bundle["changed_at"],
        "is_public": False,
        "is_archived": bundle["archived"],
        "num_commits": bundle["releases"],
        "last_commit_hash": last,
        "num_likes": 0,
        "num_downloads": 0,
        "num_views": 0,
        "liked_by_auth_user": False,
        "original_repo_id": None,
        "upstream_repo_id": None,
    }


def id_of(commit: str) -> str:
    """The UUID of a commit."""
    return str(uuid.UUID(hex=commit[:32]))


def hash_of(text: str) -> str | None:
    """The beginning of a commit's hash or of a digest that a text is, also one of `id_of`; None for what is none."""
    plain = text.lower().removeprefix("sha256:")
    if len(plain) == 36 and plain.count("-") == 4:
        plain = plain.replace("-", "")
    return plain if _HASH.fullmatch(plain) else None


def is_of(release: Mapping[str, Any], beginning: str) -> bool:
    """Whether a hash begins so that names this release: that of its commit, or its digest."""
    return str(release["commit"]).startswith(beginning) or str(release["digest"]).removeprefix("sha256:").startswith(
        beginning
    )
