"""Answers about reviews: what a promotion, or what is in a working copy, would change, and what speaks for and against."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict

from pinset.domain.answers import AliasAnswer, FindingAnswer, ReleaseSummary
from pinset.domain.answers.evidence import ResultAnswer
from pinset.domain.answers.policy import GatesAnswer
from pinset.domain.answers.requests import RequestAnswer


class SinceAnswer(TypedDict):
    """The move that brought something to an alias. version: of the release; by: who moved it there; reason: theirs.

    message, published_by: the release's own.
    """

    version: int
    label: str | None
    at: str
    by: str
    reason: str
    message: str
    published_by: str


class LackItem(TypedDict):
    """One place where what the alias serves was changed since the base, and the candidate was not.

    kind: ``lacks``, the candidate still has what the base had; ``conflict``, it has something else: changed in both.
    component, name, path: of the place, as changes have them. line: of the first line in what the alias serves,
    candidate_line: in the candidate; None where the place is no line of a text. added, removed: lines that the alias's
    release added or took out, the first of them; left_out: how many more. base, serves, candidate: the values, None
    where it is lines or where there is none. since: what brought it, None where that is not known. sentence: all of it
    in words.
    """

    kind: str
    component: str
    name: str
    path: str
    line: int | None
    candidate_line: int | None
    added: list[str]
    removed: list[str]
    left_out: int
    base: Any
    serves: Any
    candidate: Any
    since: SinceAnswer | None
    sentence: str


class BaseAnswer(TypedDict):
    """The release that both sides come from. words: why that one, said.

    why: ``recorded``; ``served``, by the alias when the candidate was published; ``nearest``, of those that the alias
    served, for the candidate is more like it.
    """

    version: int
    ref: str
    why: str
    words: str


ReviewAnswer = TypedDict(
    "ReviewAnswer",
    {
        "bundle": str,
        "source": str | None,
        "alias": str,
        "from": int | None,
        "to": int | None,
        "from_ref": str | None,
        "to_ref": str,
        "is_new": bool,
        "is_readable": bool,
        "can": bool,
        "diff": dict[str, Any],
        "gates": GatesAnswer | None,
        "evidence": list[ResultAnswer],
        "evidence_more": bool,
        "requests": list[RequestAnswer],
        "findings": list[FindingAnswer],
        "lacks": list[LackItem],
        "lacks_left_out": int,
        "base": BaseAnswer | None,
        "candidate": ReleaseSummary | None,
        "serving": AliasAnswer | None,
        "notes": list[str],
        "command": str | None,
        "then": list[str],
    },
)
ReviewAnswer.__doc__ = """What making an alias serve a candidate would change, what it lacks, and what stands in front of it.

source: the alias, or other selector, that named the candidate; None for a working copy. from, to: versions; ``from`` None
where the alias serves nothing, ``to`` None for a working copy. from_ref, to_ref: what to call them; ``from_ref`` None where
there is nothing. is_new: the registry has no such bundle. is_readable: False for a working copy so wrong that nothing of it
can be compared; then the findings say why. can: nothing that is known is against it: the promotion, or
for a working copy its being published.
diff: as `pinset.domain.diff.as_json` has it; from nothing everything is added.
gates: None for a working copy, and where the caller may not be told. evidence: of the candidate, newest first;
``evidence_more``: there is more. requests: open ones for this alias. findings: what the checks say of the candidate.
lacks: what the alias's release has and the candidate has not; ``lacks_left_out``: how many places more. base: None where
there is nothing that both could come from.
candidate: who published it and why, whether it is yanked, which findings were allowed. serving: the alias, as it is.
notes: sentences on what else to know. command: what to run, pinned to what was reviewed; None where nothing is to be
done, or nothing would pass. then: what else to run or to do, each a sentence that may end with a command.
"""
