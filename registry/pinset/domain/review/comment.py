"""Reviews as a comment on a pull or merge request: Markdown for GitHub and GitLab in which no author's text can act.

Forges give a meaning to text after Markdown has been read: mentions, issue numbers, commits, addresses. They leave alone what is
code. So every text of an author stands as code, in a line or in a fence: `pinset.domain.diff.forges` says how.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from pinset.domain import cost_words
from pinset.domain.diff import Impact, from_json, show
from pinset.domain.diff.forges import code, fence, fenced, html, plain
from pinset.domain.diff.render_markdown import diff_lines, value_lines
from pinset.domain.review import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pinset.domain.answers import FindingAnswer
    from pinset.domain.answers.reviews import LackItem, ReviewAnswer
    from pinset.domain.diff import Change, Comparison, Shared

MARKER: Final = "<!-- pinset-review -->"
"""What a comment begins with, so that the next run finds it and changes it."""
GITHUB: Final = 65_536
"""Characters of a comment on GitHub; GitLab takes 1,000,000."""
LEAST: Final = 2_000
"""Characters of the shortest comment that says enough."""
_FOOT: Final = 400
"""Characters kept for the last sentences."""
_LISTED: Final = 10
"""Breaking changes, findings and lacking places of a bundle that are listed one by one."""
_SHORT: Final = 60
_PATH: Final = 200
_SENTENCE: Final = 300
_LINE: Final = 2_000
"""Characters of a line in a difference."""
_WORST: Final = tuple(Impact)


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A review and where its files are: a directory as its user wrote it, '' for a promotion."""

    review: ReviewAnswer
    directory: str = ""

    @property
    def name(self) -> str:
        """What to call it: the bundle, and where that is not known the directory."""
        return self.review["bundle"] or self.directory


def comment(reviews: Sequence[Reviewed], *, limit: int = GITHUB) -> str:
    """One comment on all of them, of at most ``limit`` characters as UTF-16 counts them, ending with a line feed.

    A table of all, what has to be seen of each, and the differences folded away, the worst first. What does not fit is
    said.
    """
    page = _Page(limit - _FOOT)
    aliases = sorted({one.review["alias"] for one in reviews})
    page.need([MARKER, f"### Review against {' and '.join(aliases)}", ""])
    page.need(["| bundle | verdict | breaking | model | index | tools | cost | findings |", f"|{' --- |' * 8}"])
    rows = sorted(((one, from_json(one.review["diff"])) for one in reviews), key=lambda row: _weight(*row))
    left = page.fit_half([_row(one, comparison) for one, comparison in rows])
    page.need([f"| and {left} more bundles | | | | | | | |", ""] if left else [""])
    for one, comparison in rows:
        page.points(f"**{code(one.name, 80)}**", _attention(one, comparison))
    for one, comparison in rows:
        for block in _details(one, comparison, alone=len(rows) == 1):
            page.fold(*block)
    for one, _ in rows:
        page.block(_steps(one))
    return page.text(limit, [one for one, _ in rows])


class _Page:
    """Lines, while there is room. Whatever is opened is closed within the same block."""

    def __init__(self, room: int) -> None:
        self._left = self._all = room
        self._lines: list[str] = []
        self._dropped = 0

    def need(self, lines: Iterable[str]) -> None:
        """What a comment is nothing without."""
        for line in lines:
            self._lines.append(line)
            self._left -= _length(line)

    def fit_half(self, lines: Sequence[str]) -> int:
        """As many lines as fit into half of the room; how many do not."""
        for number, line in enumerate(lines):
            if self._left - _length(line) < self._all // 2:
                return len(lines) - number
            self.need([line])
        return 0

    def block(self, lines: Sequence[str]) -> None:
        """A block that stands whole or not at all."""
        if sum(map(_length, lines)) > self._left:
            self._dropped += 1
            return
        self.need(lines)

    def points(self, head: str, lines: Sequence[str]) -> None:
        """A list below a line, as far as there is room."""
        room = self._left - _length(head) - 2
        fit = 0
        while fit < len(lines) and _length(lines[fit]) <= room:
            room -= _length(lines[fit])
            fit += 1
        self._dropped += fit < len(lines)
        self.need([head, "", *lines[:fit], ""] if fit else [])

    def fold(self, head: str, parts: Sequence[tuple[str, list[str]]]) -> None:
        """A folded block. parts: a line of Markdown each, with the lines of a difference, of which the first may stand alone."""
        wrap = [f"<details><summary>{head}</summary>", "", "</details>", ""]
        room = self._left - sum(map(_length, wrap))
        inner: list[str] = []
        for line, body in parts:
            shown, room = _within(line, body, room)
            if not shown:
                self._dropped += 1
                break
            inner += shown
            if len(shown) < len(body):
                self._dropped += 1
                break
        if inner:
            self.need([wrap[0], "", *inner, *wrap[2:]])

    def text(self, limit: int, reviews: Sequence[Reviewed]) -> str:
        """The whole. Where something was left out the last sentence says so, and how to see it."""
        if self._dropped:
            one = reviews[0]
            at = f"{one.review['bundle']}@{one.review['alias']}"
            see = "See the rest with:" if len(reviews) == 1 else "See the rest of each bundle, for instance with:"
            way = f"pinset diff {at} {one.directory or one.review['to']}" if one.review["from"] else "pinset review"
            self._lines += [
                f"**Not all is shown:** a comment has at most {limit:,} characters. {see}",
                "",
                *fenced([show.cut(show.visible(way), 200)]),
            ]
        return "\n".join(self._lines).rstrip("\n") + "\n"


def _within(line: str, body: list[str], room: int) -> tuple[list[str], int]:
    """A part's lines, cut where there is no room for all of its body; nothing where there is not even for some."""
    fixed = _length(line) + 80
    if not body:
        return ([line, ""], room - fixed) if fixed <= room else ([], room)
    fixed += 2 * (len(fence(body)) + 8)
    kept, used = 0, fixed
    while kept < len(body) and used + _length(body[kept]) <= room:
        used += _length(body[kept])
        kept += 1
    if kept == 0:
        return [], room
    rest = len(body) - kept
    more = [f"*and {rest} more line{'' if rest == 1 else 's'}, not shown*", ""] if rest else []
    return [line, "", *fenced(body[:kept], "diff"), "", *more], 0 if rest else room - used


def _weight(one: Reviewed, comparison: Comparison) -> int:
    """The order of bundles: what cannot be read, then by verdict; a new one breaks nothing."""
    if not one.review["is_readable"]:
        return -1
    if one.review["is_new"]:
        return _WORST.index(Impact.BEHAVIOUR)
    return next((n for n, impact in enumerate(_WORST) if impact.value == comparison.verdict), len(_WORST))


def _row(one: Reviewed, comparison: Comparison) -> str:
    review = one.review
    verdict = (
        "cannot be read" if not review["is_readable"] else "new bundle" if review["is_new"] else comparison.verdict
    )
    breaking = 0 if review["is_new"] else comparison.count(Impact.BREAKING)
    cells = [
        code(one.name, 80),
        f"**{verdict}**",
        str(breaking) if breaking else "none",
        _cell([c for c in comparison.changes if c.component == "model"]),
        _cell([c for c in comparison.changes if c.component == "retrieval"]),
        _cell([c for c in comparison.changes if c.component == "tool"]),
        _cost(comparison),
        _findings_cell(review["findings"]),
    ]
    return f"| {' | '.join(cells)} |"


def _cell(changes: Sequence[Change]) -> str:
    """What changes of one kind of part: the one change there is, or how many."""
    if len(changes) != 1:
        return f"{len(changes)} changes" if changes else "same"
    (change,) = changes
    where = code(change.path or change.name, _SHORT)
    scalars = all(not isinstance(value, dict | list) for value in (change.old, change.new))
    if change.kind != "changed" or change.abridged or change.text is not None or not scalars:
        return f"{where} {change.kind}"
    return f"{where} {code(show.value(change.old), _SHORT)} → {code(show.value(change.new), _SHORT)}"


def _cost(comparison: Comparison) -> str:
    return plain(cost_words.headline(comparison.costs), _SENTENCE) if comparison.costs is not None else "same"


def _findings_cell(found: Sequence[FindingAnswer]) -> str:
    errors = sum(one["severity"] == "error" for one in found)
    told = [words.count(errors, "error")] if errors else []
    told += [words.count(len(found) - errors, "warning")] if len(found) > errors else []
    return ", ".join(told) or "none"


def _attention(one: Reviewed, comparison: Comparison) -> list[str]:
    """What has to be seen of a bundle without unfolding anything."""
    review = one.review
    if comparison.verdict == "none" and review["is_readable"] and review["to"] is None and not review["findings"]:
        return []  # of a monorepo most bundles are as they were
    points = [f"- {plain(note, _SENTENCE)}" for note in review["notes"]]
    broken = [c for c in comparison.changes if c.impact == "breaking" and not review["is_new"]]
    points += [f"- breaking: {_where(c)} {c.kind}: {plain(c.reason, _SENTENCE)}" for c in broken[:_LISTED]]
    points += [f"- and {len(broken) - _LISTED} more breaking changes"] if len(broken) > _LISTED else []
    points += [f"- {_shared(one)}" for one in comparison.shared[:_LISTED] if one.used_by]
    points += [f"- {_lack(lack, review['alias'])}" for lack in review["lacks"][:_LISTED]]
    more = len(review["lacks"]) - _LISTED + review["lacks_left_out"]
    points += [f"- and {more} more places"] if more > 0 else []
    points += [f"- {_finding(f, one.directory)}" for f in review["findings"][:_LISTED]]
    left = len(review["findings"]) - _LISTED
    points += [f"- and {left} more findings: run the check"] if left > 0 else []
    if review["gates"]:
        points += [f"- {_gate(gate)}" for gate in review["gates"]["gates"]]
    points += [f"- {_result(result)}" for result in review["evidence"][:_LISTED]]
    points += [f"- request {r['number']} is open, by {code(r['person'], 80)}" for r in review["requests"][:_LISTED]]
    return points


def _shared(one: Shared) -> str:
    others = ", ".join(code(name, 80) for name in one.used_by[:_LISTED])
    more = len(one.used_by) - _LISTED + one.more
    versions = f"{code(one.old or 'nothing', 40)} → {code(one.new or 'nothing', 40)}"
    return f"shared {code(one.key, 80)} {versions}, in use by {others}{f' and {more} more' if more > 0 else ''} too"


def _lack(lack: LackItem, alias: str) -> str:
    since = lack["since"]
    by = ""
    if since is not None:
        why = " ".join((since["reason"] or since["message"]).split())
        by = f" since v{since['version']} ({code(since['by'], 60)}, {since['at'][:10]}{': ' + code(why, 80) if why else ''})"
    where = " ".join(part for part in (lack["component"], code(lack["name"], 80), code(lack["path"], 80)) if part)
    where += f" line {lack['line']}" if lack["line"] is not None else ""
    end = "this would undo it" if lack["kind"] == "lacks" else "this changes the same place otherwise"
    return f"**{alias} has{by}** {where}: {_change_there(lack)}; {end}"


def _change_there(lack: LackItem) -> str:
    if lack["line"] is None:
        old, new = ("nothing" if v is None else code(show.value(v), 80) for v in (lack["base"], lack["serves"]))
        return f"{old} → {new}"
    told = []
    for lines, verb in ((lack["added"], "added"), (lack["removed"], "taken out")):
        first = next((line for line in lines if line.strip()), "")
        if lines:
            told.append(f"{code(first, 120) or 'a blank line'}{' and more' if len(lines) > 1 else ''} {verb}")
    return ", ".join(told)


def _finding(found: FindingAnswer, directory: str) -> str:
    file = f"{directory.rstrip('/')}/{found['file']}" if directory and found["file"] else found["file"]
    place = f"{file}:{found['line']}" if file and found["line"] else file
    said = f"{found['message']} ({found['hint']})" if found["hint"] else found["message"]
    return f"{found['severity']}{' at ' + code(place, _PATH) if place else ''}: {code(said, 400)} {code(found['code'], _PATH)}"


def _gate(gate: Any) -> str:
    name, wants, found = (code(gate[key], _PATH) for key in ("name", "wants", "found"))
    return f"gate {'passed' if gate['passed'] else '**open**'}: {name} wants {wants}; {found}"


def _result(result: Any) -> str:
    verdict = {True: "passed", False: "**failed**", None: "recorded"}[result["passed"]]
    score = f", {code(result['score'], _PATH)}" if result["score"] is not None else ""
    return f"evidence {code(result['suite'], _PATH)} {verdict}{score}, by {code(result['person'], 80)}"


def _details(
    one: Reviewed, comparison: Comparison, *, alone: bool
) -> Iterator[tuple[str, list[tuple[str, list[str]]]]]:
    """A folded block for each part: its summary, then a line and a difference for each change."""
    before = "" if alone else f"{html(one.name, 80)}: "
    for (component, name), group in groupby(comparison.changes, key=lambda c: (c.component, c.name)):
        changes = list(group)
        worst = min(changes, key=lambda c: _WORST.index(c.impact)).impact.value
        head = f"{before}{component} {html(name, 80)}: {words.count(len(changes), 'change')}, {worst}"
        yield head, [(_said(change), _body(change)) for change in changes]
    if comparison.costs is not None:
        costs = comparison.costs
        rows = [f"{code(row.prompt, 80)}: {plain(cost_words.row(row), _SENTENCE)}" for row in costs.prompts]
        rows += [plain(line, 1_000) for line in (costs.basis, *costs.notes)]
        yield f"{before}cost", [(f"- {line}", []) for line in rows]


def _said(change: Change) -> str:
    coarse = change.text is not None and change.text.coarse
    long = f"; {show.LONG}" if change.abridged and change.text is None else f"; {show.COARSE}" if coarse else ""
    return f"{code(change.path, _PATH) or 'all of it'} {change.kind}, {change.impact.value}: {plain(change.reason, _SENTENCE)}{long}"


def _where(change: Change) -> str:
    return " ".join(part for part in (change.component, code(change.name, 80), code(change.path, 80)) if part)


def _body(change: Change) -> list[str]:
    if change.text is None:
        if change.abridged:
            return []
        return [show.cut(line, _LINE) for line in value_lines(change)]
    return [show.cut(line, _LINE) for line in diff_lines(change.text)]


def _steps(one: Reviewed) -> list[str]:
    """What to run: the command as code that can be copied."""
    review = one.review
    lines = [*fenced([show.visible(review["command"])], "sh"), ""] if review["command"] else []
    then = [f"- {plain(step, 400)}" for step in review["then"]]
    return [*lines, *then, ""] if then else lines


def _length(line: str) -> int:
    """What a line and its line feed take of a comment."""
    return (len(line) if line.isascii() else len(line.encode("utf-16-le")) // 2) + 1
