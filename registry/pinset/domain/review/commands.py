"""What to run after a review: the command that moves exactly what was reviewed, and what to do where that cannot pass."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from pinset.domain.diff import show
from pinset.domain.policy.gates import APPROVALS, apart
from pinset.domain.times import show_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinset.domain.policy.gates import Gate

_WORDS: Final = 100
"""Characters of the message that a command passes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is known of a promotion. serves, version: what the alias serves, and the candidate.

    message: the candidate's. yanked, barred: what is against it; archived: and against every move of the bundle.
    ungranted: why who asks could not move the alias, '' where they could. gates: all of them. request: number and revision
    of the open request for exactly this, with the person who made it. who: the person that asks, '' for nobody yet.
    publishers: of the candidate. lacks: how many places of what the alias serves it would undo.
    """

    bundle: str
    alias: str
    serves: int | None
    version: int
    message: str
    yanked: str | None = None
    archived: bool = False
    barred: bool = False
    ungranted: str = ""
    gates: Sequence[Gate] = ()
    request: tuple[int, str, str] | None = None
    who: str = ""
    publishers: frozenset[str] = frozenset()
    lacks: int = 0


class Steps(NamedTuple):
    """What to run, and what else to do. command: None where nothing would pass, or nothing is left to be done."""

    command: str | None
    then: list[str]


def steps(case: Case) -> Steps:
    """What to run. The command says what the alias must still serve, so that it moves nothing that was not reviewed."""
    told = _steps(case)
    if case.lacks and told.command is not None:
        undone = f"it would undo what {case.alias} has: publish a release that has it too, or run this all the same"
        return Steps(told.command, [undone, *told.then])
    return told


def _steps(case: Case) -> Steps:
    if case.serves == case.version:
        return Steps(None, [])
    if case.archived:
        return Steps(None, [unarchive(case.bundle)])
    if case.yanked is not None:
        ref = f"{case.bundle}@v{case.version}"
        return Steps(None, [f"it is yanked: promote another release, or take it back: pinset unyank {ref}"])
    if case.barred:
        again = promote(case, " --again", message="TEXT")
        return Steps(None, [f"a rollback barred it from {case.alias}; if it is right this time: {again}"])
    still = [gate for gate in case.gates if not gate.passed]
    if not still:
        return Steps(promote(case), _who_may(case))
    return _past_gates(case, still)


def promote(case: Case, options: str = "", *, message: str | None = None) -> str:
    """The promotion of what was reviewed. message: None for the candidate's own."""
    expect = f"v{case.serves}" if case.serves else "none"
    words = show.cut(show.visible(" ".join(case.message.split())), _WORDS) if message is None else message
    said = f" -m {shlex.quote(words)}" if words else ""
    return f"pinset promote {case.bundle}@v{case.version} {case.alias} --expect {expect}{options}{said}"


def unarchive(bundle: str) -> str:
    """What to do first where a bundle is archived."""
    return f"the bundle is archived: take it into use again first: pinset bundle unarchive {bundle} -m TEXT"


def _past_gates(case: Case, still: list[Gate]) -> Steps:
    if not all(gate.can_close for gate in still):
        return Steps(None, ["it cannot pass as it is: publish another release, or change the policy"])
    if case.request is not None:
        return _about_request(case, case.request)
    if any(gate.name == APPROVALS for gate in still):
        return Steps(
            promote(case, " --when-approved"),
            ["it wants the approval of others: the command asks for it, and waits", *_who_may(case)],
        )
    times = [gate.at for gate in still]
    if all(at is not None for at in times):
        after = show_time(max(at or 0 for at in times))
        return Steps(None, [f"time alone passes what is open: after {after} run {promote(case)}"])
    return Steps(None, [f"pass what is open, then run: {promote(case)}"])


def _about_request(case: Case, request: tuple[int, str, str]) -> Steps:
    """What is left to do about a request that is open: whoever neither asked for it nor published it approves."""
    number, revision, person = request
    approve = f"pinset request approve {number} --revision {revision}"
    if case.who and not apart([case.who], person, *case.publishers):
        return Steps(None, [f"request {number} waits for the approval of somebody else, who runs: {approve}"])
    return Steps(approve, [f"request {number} asks for exactly this: look at it first: pinset request show {number}"])


def _who_may(case: Case) -> list[str]:
    return [f"somebody else has to run it: {case.ungranted}"] if case.ungranted else []
