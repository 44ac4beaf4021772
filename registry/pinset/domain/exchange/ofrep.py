"""OFREP: a release as the value of a flag."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def tell(document: Mapping[str, Any], key: str) -> dict[str, Any]:
    """A release as an evaluated flag. key: as the client spells it.

    The value is the release document, whole. Everybody gets the same, so the reason is that nothing was decided; the
    variant is the version. Metadata holds texts and numbers only: what a log of evaluations wants to say.
    """
    metadata = {name: document[name] for name in ("bundle", "version", "digest", "commit")}
    metadata |= {name: document[name] for name in ("label", "yanked") if document[name] is not None}
    if document["alias"]:
        metadata["alias"] = document["alias"]["name"]
    return {
        "key": key,
        "value": dict(document),
        "reason": "STATIC",
        "variant": f"v{document['version']}",
        "metadata": metadata,
    }
