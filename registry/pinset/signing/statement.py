"""The statement that an author signs about a release."""

from __future__ import annotations

import json


def statement(*, registry: str, bundle: str, digest: str) -> bytes:
    """What is signed with the namespace ``pinset``: canonical JSON with a line end, so that it may be a file.

    It names the content, by its digest, and where it belongs; not the version, which the registry counts.
    """
    said = {"bundle": bundle, "digest": digest, "registry": registry, "type": "pinset-release-v1"}
    return (json.dumps(said, sort_keys=True, separators=(",", ":")) + "\n").encode()
