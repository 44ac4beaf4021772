"""Proof by a kept head: that nothing before it was changed, and that everything after it follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pinset.domain.access import Verb, permit
from pinset.domain.audit_chain import Chain, Verdict
from pinset.domain.auditing import Head, parse_head
from pinset.services import audit_items, reading, verifying

if TYPE_CHECKING:
    from pinset.domain.answers import audit
    from pinset.services.session import Context

_HOLDING: Final = (Verdict.HOLDS, Verdict.PURGED)


def verify(context: Context, text: str) -> audit.AuditProofAnswer:
    """Prove a registry and the place of a kept head in it. Raises InvalidInput for text that is no head."""
    permit(context.grants, Verb.VERIFY)
    kept = parse_head(text)
    chains: list[Chain] = []

    def anew() -> Chain:
        chains.append(Chain(kept))
        return chains[-1]

    found = verifying.verify(context, seen=anew)
    with reading.view(context) as reader:
        now = reader.head()
    problems: Any = found["problems"]
    # As the branches are comes first; what could not be read whole says nothing of what is missing.
    whole = [chain for chain in chains if chain.whole]
    said = [(*chain.verdict(), chain.since) for chain in whole]
    verdict, says, since = next((one for one in said if one[0] not in _HOLDING), (Verdict.HOLDS, "", 0))
    if verdict is Verdict.HOLDS and (problems or not said):
        verdict, says = Verdict.DAMAGED, f"{problems[0]['where'].strip()}: {problems[0]['what']}"
    elif verdict is Verdict.HOLDS:
        verdict, says, since = said[-1]
    return {
        "ok": verdict in _HOLDING,
        "verdict": verdict.value,
        "says": says,
        "since": since,
        "kept": audit_items.head_answer(kept),
        "head": audit_items.head_answer(Head(now.registry_id, now.epoch, now.serial, now.commit, now.at)),
        "problems": problems,
    }
