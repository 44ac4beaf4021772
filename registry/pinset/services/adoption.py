"""Who runs what: the clients that were seen lately, by bundle, alias and version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinset.domain import names
from pinset.domain.access import Verb, permit
from pinset.domain.adoption import counted
from pinset.services import naming, reading

if TYPE_CHECKING:
    from pinset.domain import answers
    from pinset.services.session import Context


def clients(context: Context, bundle: str) -> answers.Page[answers.ClientsAnswer]:
    """The clients of one bundle."""
    naming.permit(context, Verb.READ, names.bundle_name(bundle))
    with reading.view(context) as reader:
        reading.need_bundle(reader, bundle)
        called = naming.named(reader).names(bundle)
    sights = context.sights
    seen = sights.everyone()
    # By which name a client asks is worth knowing: whoever renamed it sees who has not followed.
    return {"items": [one for name in called for one in counted(seen, sights.now(), name)], "next": None}


def all_clients(context: Context) -> list[answers.ClientsAnswer]:
    """The clients of all bundles."""
    permit(context.grants, Verb.READ)
    return counted(context.sights.everyone(), context.sights.now())
