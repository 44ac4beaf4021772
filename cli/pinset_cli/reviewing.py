"""What is shown of a review in a terminal: who and why, what is lacking, what changes, what stands in front of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinset_cli import output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinset.domain.answers import FindingAnswer, ReleaseSummary
    from pinset.domain.answers.evidence import ResultAnswer
    from pinset.domain.answers.reviews import LackItem, ReviewAnswer

_LISTED = 20


def show(review: ReviewAnswer, directory: str = "") -> None:
    """A review on stdout, ending with what to run. directory: of a working copy."""
    serves = f"v{review['from']}" if review["from"] else "nothing"
    output.wrapped(f"review: {review['to_ref']} for {review['alias']}, which serves {serves}")
    if review["candidate"] is not None:
        _candidate(review["candidate"])
    for note in review["notes"]:
        output.wrapped(f"note: {note}")
    _lacks(review)
    output.say()
    _changes(review)
    _below("evidence", [_result(one) for one in review["evidence"]], more=review["evidence_more"])
    _below("findings", [_finding(one, review) for one in review["findings"]])
    if review["gates"] is not None and review["gates"]["gates"]:
        output.say()
        for gate in review["gates"]["gates"]:
            output.wrapped(output.gate(gate))
    _below(
        "open requests",
        [f"{one['number']} by {one['person']}: v{one['to']}: {one['reason'] or '-'}" for one in review["requests"]],
    )
    _steps(review, directory)


def _candidate(release: ReleaseSummary) -> None:
    why = f": {release['message']}" if release["message"] else ""
    output.wrapped(f"published by {release['published_by']} {output.both(release['published_at'])}{why}")
    if release["allowed"]:
        output.wrapped(f"allowed: {', '.join(release['allowed'])}: {release['allow_reason']}")


def _lacks(review: ReviewAnswer) -> None:
    """What would be undone, below what brought it."""
    last = None
    for lack in review["lacks"][:_LISTED]:
        since = lack["since"]
        if since != last or last is None:
            output.say()
            brought = "meanwhile"
            if since is not None:
                why = since["reason"] or since["message"]
                brought = f"since v{since['version']} (by {since['by']}, {output.ago(since['at'])}{f': {why}' if why else ''})"
            output.wrapped(f"{review['alias']} has {brought}, and this lacks:")
            last = since
        _lack(lack)
    more = len(review["lacks"]) - _LISTED + review["lacks_left_out"]
    if more > 0:
        output.say(f"  and {output.count(more, 'place')} more")
    if review["lacks"] and review["base"] is not None:
        output.wrapped(f"  (compared from {review['base']['ref']}: {review['base']['words']})", indent=3)


def _lack(lack: LackItem) -> None:
    from pinset.domain.diff import show as shown

    inside = "shared component" if lack["path"] == "component" else lack["path"]
    where = f"{lack['component']} {lack['name']}".strip() + (f", {inside}" if inside else "")
    line = f" line {lack['line']}" if lack["line"] is not None else ""
    end = "would be undone" if lack["kind"] == "lacks" else "CONFLICT: changed in both"
    values = ""
    if lack["line"] is None:
        old, new = ("nothing" if v is None else shown.cut(shown.value(v), 60) for v in (lack["base"], lack["serves"]))
        values = f": {old} → {new}"
    output.wrapped(f"  {where}{line}{values} ({end})")
    for sign, lines in (("-", lack["removed"]), ("+", lack["added"])):
        for one in lines[:5]:
            output.say("    " + output.cut(f"{sign} {one}", output.width() - 4))
    rest = max(len(lack["added"]) - 5, 0) + max(len(lack["removed"]) - 5, 0) + lack["left_out"]
    if rest:
        output.say(f"    … {output.count(rest, 'line')} more")


def _changes(review: ReviewAnswer) -> None:
    from pinset.domain import diff as compared

    if not review["is_readable"]:
        output.say("nothing of it can be compared: see the findings")
        return
    told = review["diff"]
    shown = compared.as_text(
        compared.from_json(told), old=told["from"], new=told["to"], width=output.width(), colour=output.coloured()
    )
    output.say(shown.rstrip("\n"))


def _result(one: ResultAnswer) -> str:
    verdict = {True: "passed", False: "FAILED", None: "recorded"}[one["passed"]]
    score = f" {one['score']}" if one["score"] is not None else ""
    wanted = f" of {one['threshold']}" if one["threshold"] is not None else ""
    return f"{one['suite']}: {verdict}{score}{wanted}, by {one['person']} {output.ago(one['at'])}"


def _finding(one: FindingAnswer, review: ReviewAnswer) -> str:
    place = ":".join(str(part) for part in (one["file"], one["line"]) if part)
    allowed = review["candidate"] is not None and one["code"] in review["candidate"]["allowed"]
    weight = "allowed" if allowed else one["severity"]
    return f"{place + ': ' if place else ''}{weight}: {one['message']} [{one['code']}]"


def _below(title: str, lines: Sequence[str], *, more: bool = False) -> None:
    """A list below its title, where there is anything in it."""
    if not lines:
        return
    output.say()
    output.say(f"{title}:")
    for line in lines[:_LISTED]:
        output.wrapped(f"  {line}")
    if more or len(lines) > _LISTED:
        output.say("  and more")


def _steps(review: ReviewAnswer, directory: str) -> None:
    output.say()
    for step in review["then"]:
        if "pinset " in step:  # a command stays on its line, to be copied
            output.say(output.safe(output.advice(step)))
        else:
            output.wrapped(step)
    if review["command"] is not None:
        output.say(output.safe(output.advice(review["command"])))
    elif directory and not review["then"]:
        fit = (
            f"pinset publish {directory}"
            if review["can"]
            else f"it cannot be published as it is: pinset check {directory}"
        )
        output.say(output.safe(output.advice(fit)))
