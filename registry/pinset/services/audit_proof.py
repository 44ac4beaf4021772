"""Proof by a kept head: that nothing before it was changed, and that everything after it follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinset.domain.access import Verb, permit
from pinset.domain.audit_chain import Chain, Verdict
from pinset.domain.auditing import Head, parse_head
from pinset.services import audit_items, reading, verifying

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.domain.answers import audit
    from pinset.domain.proof import Fact
    from pinset.services.session import Context


def verify(context: Context, text: str) -> audit.AuditProofAnswer:
    """Prove a registry and the place of a kept head in it. Raises InvalidInput for text that is no head."""
    permit(context.grants, Verb.VERIFY)
    kept = parse_head(text)
    chains = [Chain(kept)]

    def anew() -> Callable[[Fact], None]:
        chains.append(Chain(kept))
        return chains[-1].add

    found = verifying.verify(context, seen=anew)
    chain = chains[-1]
    with reading.view(context) as reader:
        now = reader.head()
    verdict, says = chain.verdict()
    problems: Any = found["problems"]
    unread = [problem for problem in problems if problem["where"] == "repository"]
    # Where not all could be read, what is missing may only be unread.
    if unread or (verdict is Verdict.HOLDS and problems):
        first = (unread or problems)[0]
        verdict, says = Verdict.DAMAGED, f"{first['where'].strip()}: {first['what']}"
    return {
        "ok": verdict is Verdict.HOLDS,
        "verdict": verdict.value,
        "says": says,
        "since": chain.since,
        "kept": audit_items.head_answer(kept),
        "head": audit_items.head_answer(Head(now.registry_id, now.epoch, now.serial, now.commit, now.at)),
        "problems": problems,
    }
