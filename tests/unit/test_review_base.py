"""Which release a candidate comes from, what brought each thing that it lacks, and what is to be run then."""

from __future__ import annotations

import shlex
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from pinset.domain.policy.gates import APPROVALS, Gate
from pinset.domain.records import Version
from pinset.domain.review import words
from pinset.domain.review.base import Base, Served, base_of, held_again, what_is_lacking
from pinset.domain.review.commands import Case, steps
from pinset.services.lacks import Look, origin_of


def content(*lines: str, **params: Any) -> dict[str, Any]:
    text = "".join(f"{line}\n" for line in lines)
    return {"prompts": {"default": {"template": text}}, "models": {"default": {"params": params}}}


def served(version: int, what: dict[str, Any], *, serial: int | None = None, moved: int | None = None) -> Served:
    """A release whose serial is ten times its number, moved one later, if nothing else is said."""
    at = 10 * version if serial is None else serial
    return Served(
        version=version, label=None, serial=at, moved=at + 1 if moved is None else moved, at=at, by="ana",
        reason=f"why {version}", message="", published_by="ben", content=what,
    )  # fmt: skip


V7 = served(7, content("a", "b", "c", "d", t=1))
V9 = served(9, content("a", "b", "fix", "c", "d", t=1))
DEV = content("a", "b", "c", "d", "new", t=2)


def found(base: Base | None) -> tuple[int, str] | None:
    return (base.release.version, base.why) if base is not None else None


def test_a_candidate_of_before_comes_from_what_was_served_then() -> None:
    assert found(base_of(DEV, 80, [V9, V7])) == (7, "served")


def test_a_candidate_of_after_that_is_more_like_an_older_one_comes_from_that() -> None:
    assert found(base_of(DEV, 100, [V9, V7])) == (7, "nearest")
    assert found(base_of(content("a", "b", "fix", "c", "d", "new", t=2), 100, [V9, V7])) == (9, "served")


def test_a_tie_goes_to_what_was_served_then() -> None:
    assert found(base_of(content("x", t=5), 100, [V9, replace(V7, content=V9.content)])) == (9, "served")


def test_what_was_published_later_is_no_base() -> None:
    late = served(9, DEV, serial=200)
    assert found(base_of(DEV, 80, [late, V7])) == (7, "served")
    assert base_of(DEV, 5, [late, V7]) is None


def test_what_reached_the_alias_only_after_the_candidate_can_be_its_base_all_the_same() -> None:
    promoted_late = served(8, content("a", "b", "c", "d", "eight", t=1), moved=200)
    child = content("a", "b", "c", "d", "eight", t=3)
    assert found(base_of(child, 100, [promoted_late, V7])) == (8, "nearest")


def test_a_working_copy_may_come_from_anything() -> None:
    assert found(base_of(V9.content, None, [V9, V7])) == (9, "served")
    assert found(base_of(DEV, None, [V9, V7])) == (7, "nearest")


def test_what_is_recorded_counts() -> None:
    assert found(base_of(V9.content, 100, [V9, V7], V7)) == (7, "recorded")


def test_an_alias_that_serves_nothing_has_no_base() -> None:
    assert base_of(DEV, 100, []) is None


def test_what_was_made_from_a_release_is_followed_to_what_its_author_sent() -> None:
    made = {
        12: Version("support", 11),
        11: Version("support", 8),
        8: None,
        5: Version("support", 5),
        6: Version("x", 1),
    }
    rows = {
        number: SimpleNamespace(
            record=SimpleNamespace(version=number, made_from=at, stamp=SimpleNamespace(serial=number))
        )
        for number, at in made.items()
    }
    reader: Any = SimpleNamespace(release=lambda _, number: rows.get(number))
    look: Any = Look(SimpleNamespace(), reader, "support", "production")  # type: ignore[arg-type]
    asked: Any = rows
    assert origin_of(look, asked[12]) == (8, frozenset({12, 11, 8}))
    assert origin_of(look, asked[8]) == (8, frozenset({8}))
    assert origin_of(look, asked[5]) == (5, frozenset({5})), "a circle ends"
    assert origin_of(look, asked[6]) == (6, frozenset({6})), "another bundle's release is on no line of this one"


def test_each_thing_is_of_what_brought_it_and_still_has_it() -> None:
    v10 = served(10, content("a", "b", "fix", "c", "second", "d", t=1))
    v11 = served(11, content("a", "b", "fix", "c", "second", "d", t=9))
    line = [v11, v10, V9, V7]
    items, more = what_is_lacking(Base(V7, "served"), line, V7.content)
    assert [(lack.added or lack.serves, by.version) for lack, by in items] == [
        (("fix",), 9),
        (("second",), 10),
        (9, 11),
    ]
    assert more == 0
    again = [served(12, V9.content), served(11, V7.content), V9, V7]
    ((_, by),) = what_is_lacking(Base(V7, "served"), again, V7.content)[0]
    assert by.version == 12, "what was taken out and came again is of who brought it again"


def test_what_a_rollback_took_back_is_seen_again() -> None:
    left = content("a", "B", "c", "d", t=7)
    assert held_again(V7.content, left, content("a", "B", "c", "d", t=1)) == (1, 2)
    assert held_again(V7.content, left, V7.content) == (0, 2)
    assert held_again(V7.content, V7.content, DEV) == (0, 0)


def test_a_sentence_says_what_and_who_and_what_would_become_of_it() -> None:
    hostile = replace(V9, reason="fix \u202e\n@all", by="ana\x1b")
    ((lack, by),) = what_is_lacking(Base(V7, "served"), [hostile, V7], V7.content)[0]
    said = words.sentence(lack, by, "production", "v8")
    assert said == (
        "production has since v9 (ana\\u{001B}, 1970-01-01: “fix \\u{202E} @all”): prompt default, template line 3: "
        "“fix” added; v8 would undo it"
    )
    two = what_is_lacking(Base(V7, "served"), [served(9, content("a", "x", "y", "d", t=1)), V7], V7.content)[0]
    assert words.what(two[0][0]) == "“x” and a line added, “b” and a line taken out"
    assert words.why(Base(V7, "recorded"), "production", "v8", 8, None) == "v8 was made from v7"
    assert words.why(Base(V7, "served"), "production", "this working copy", None, None) == "production serves v7"
    assert words.why(Base(V7, "served"), "production", "v7", 7, None) == "production served v7 before"


CASE = Case(bundle="support", alias="production", serves=7, version=8, message="shorter")
PASSED, OPEN = Gate("after", "staging", "it does", passed=True), Gate("evidence x", "a result", "none", passed=False)
WAITS = Gate(APPROVALS, "2", "0", passed=False)
RUN = "pinset promote support@v8 production --expect v7 -m shorter"
STEPS: list[tuple[dict[str, Any], str | None, str]] = [
    ({}, RUN, ""),
    ({"message": ""}, "pinset promote support@v8 production --expect v7", ""),
    ({"serves": None}, "pinset promote support@v8 production --expect none -m shorter", ""),
    ({"serves": 8}, None, ""),
    ({"lacks": 2}, RUN, "it would undo what production has"),
    ({"archived": True, "lacks": 2}, None, "pinset bundle unarchive support"),
    ({"lacks": 2, "yanked": "x"}, None, "pinset unyank"),
    ({"yanked": "it leaks"}, None, "pinset unyank support@v8"),
    ({"barred": True}, None, "pinset promote support@v8 production --expect v7 --again -m TEXT"),
    ({"ungranted": "you may not"}, RUN, "somebody else has to run it: you may not"),
    ({"gates": [PASSED]}, RUN, ""),
    ({"gates": [OPEN]}, None, f"pass what is open, then run: {RUN}"),
    ({"gates": [OPEN, WAITS]}, RUN.replace(" -m", " --when-approved -m"), "the command asks for it, and waits"),
    ({"gates": [replace(OPEN, can_close=False), WAITS]}, None, "it cannot pass as it is"),
    ({"gates": [replace(OPEN, at=1_800_000_000_000_000)]}, None, f"after 2027-01-15T08:00:00Z run {RUN}"),
    (
        {"gates": [WAITS], "request": (3, "abc", "ana")},
        "pinset request approve 3 --revision abc",
        "pinset request show 3",
    ),
    (
        {"gates": [WAITS], "request": (3, "abc", "ana"), "who": "Ana"},
        None,
        "somebody else, who runs: pinset request approve",
    ),
    (
        {"gates": [WAITS], "request": (3, "abc", "ana"), "who": "ben", "publishers": frozenset({"ben"})},
        None,
        "somebody else",
    ),
    (
        {"gates": [WAITS], "request": (3, "abc", "ana"), "who": "cy"},
        "pinset request approve 3 --revision abc",
        "exactly this",
    ),
]


@pytest.mark.parametrize(("more", "command", "then"), STEPS, ids=range(len(STEPS)))
def test_the_command_moves_exactly_what_was_reviewed_or_says_what_to_do(
    more: dict[str, Any], command: str | None, then: str
) -> None:
    told = steps(replace(CASE, **more))
    assert told.command == command
    assert then in " ".join(told.then)
    assert bool(told.then) == bool(then)


@pytest.mark.parametrize(
    "message", ["; rm -rf /", "`id`", "$(id)", "a'b\"c", "-x", "\x1b[2J\u202e\r\n&& id", "w" * 500]
)
def test_a_message_is_one_word_for_a_shell(message: str) -> None:
    command = steps(replace(CASE, message=message)).command or ""
    assert command.isprintable()
    assert shlex.split(command)[:-1] == ["pinset", "promote", "support@v8", "production", "--expect", "v7", "-m"]
    assert len(shlex.split(command)[-1]) <= 100
