"""Records of bundles themselves: who owns one, what it is for, what it is called, and whether it is in use."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pinset.domain.records.base import Stamp, bundle_ref

BUNDLE_FILE: Final = "bundle.yaml"
"""The file of a bundle's record, for people who look at its branch."""


class BundleAction(StrEnum):
    """What was changed of a bundle."""

    SET = "set"
    ARCHIVE = "archive"
    UNARCHIVE = "unarchive"
    RENAME = "rename"


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleRecord:
    """A bundle was described, archived or renamed; each record says all of it, as it is from here on.

    bundle: the name it was first published under, by which git keeps it for ever. name: what it is called. names: what
    other tools call it beside, see `domain.exchange.spelling`. owner, description: '' where nobody said. Every name that
    a bundle ever had is its own: no other bundle gets it. Of ``names`` that holds while it has them.
    """

    stamp: Stamp
    bundle: str
    action: BundleAction
    name: str
    names: tuple[str, ...] = ()
    owner: str = ""
    description: str = ""
    archived: bool = False
    reason: str = ""

    @property
    def ref(self) -> str:
        """The branch the commit is on."""
        return bundle_ref(self.bundle)

    @property
    def files(self) -> dict[str, str]:
        """What the commit's tree holds. JSON texts are YAML, whatever is in them."""
        said: dict[str, object] = {
            "bundle": self.bundle,
            "name": self.name,
            # Only where there are any: so commits of before are what they were.
            **({"names": list(self.names)} if self.names else {}),
            "owner": self.owner,
            "description": self.description,
            "archived": self.archived,
        }
        lines = (f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in said.items())
        return {BUNDLE_FILE: "".join(lines)}
