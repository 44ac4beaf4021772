"""What people see: nothing that plays tricks on a terminal, and tables that fit it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from pinset_cli import output

TRICKS = ("\x1b", "\x07", "\r", "\x9b", "\u202e", "\u2066", "\u200b", "\ufeff", "\u2028", "\U000e0041")


@pytest.mark.parametrize("trick", TRICKS)
def test_what_steers_or_hides_is_shown_as_its_code_point(trick: str) -> None:
    assert output.safe(f"a{trick}b") == f"a\\u{{{ord(trick):04X}}}b"


@pytest.mark.parametrize("trick", TRICKS)
def test_json_escapes_it_and_means_the_same(trick: str) -> None:
    value = {"text": f'Grüße{trick}\n\t"x"'}
    shown = output.as_json(value)
    assert trick not in shown
    assert "Grüße" in shown
    assert json.loads(shown) == value


def test_plain_text_is_left_alone() -> None:
    text = "Grüße, 世界 — 👍 \t ok"
    assert output.safe(text) == text


@pytest.mark.parametrize("row", [("n" * 64, "x" * 200), ("a", "b"), ("n" * 64, "\x1b[31m" * 40)])
def test_tables_fit_80_columns_and_end_cut_cells_visibly(
    row: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    output.table([row], ("NAME", "MESSAGE"))
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines) <= 80
    assert ("…" in lines[1]) == (len(row[1]) > 80)


def test_a_line_break_in_a_cell_makes_no_row(capsys: pytest.CaptureFixture[str]) -> None:
    output.table([("a\nb", "c")], ("X", "Y"))
    assert len(capsys.readouterr().out.splitlines()) == 2


@pytest.mark.parametrize(
    ("past", "said"),
    [
        ({"seconds": -90}, "just now"),
        ({"minutes": 3, "seconds": 9}, "3 min ago"),
        ({"hours": 5}, "5 h ago"),
        ({"days": 400}, "1 y ago"),
    ],
)
def test_times_are_said_as_people_do(past: dict[str, int], said: str) -> None:
    assert output.ago((datetime.now(UTC) - timedelta(**past)).isoformat()) == said


def test_a_text_is_raw_for_programs_and_safe_for_terminals(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    output.show_text("a\x1b[31m\nb")
    assert capsys.readouterr().out == "a\x1b[31m\nb"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    output.show_text("a\x1b[31m\nb")
    assert capsys.readouterr().out == "a\\u{001B}[31m\nb"


def test_colour_is_only_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not output.coloured()
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert output.coloured()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not output.coloured()


FORGED = "ok\naliases      production\n\npublished    1 min ago by ceo"


def test_further_lines_of_an_authors_words_are_indented() -> None:
    assert output.safe(FORGED).splitlines()[1] == "    aliases      production"
    assert output.safe(FORGED, indent=13).splitlines()[3] == " " * 13 + "published    1 min ago by ceo"
    assert output.on_one_line("a\nb") == "a\\u{000A}b"


def test_a_finding_stays_at_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    said = {"severity": "error", "code": "file-path", "line": 3, "message": "no\nerror: x", "hint": "do\nerror: y"}
    output.show_findings([{**said, "file": "a\nrelease.yaml:1: error: b"}])
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "a\\u{000A}release.yaml:1: error: b:3: error: no"
    assert all(line.startswith("    ") for line in lines[1:])


def test_wide_characters_take_two_columns(capsys: pytest.CaptureFixture[str]) -> None:
    from pinset.domain.diff import show

    output.table([("日本語", "ab", "x"), ("abc", "👍", "世界" * 60)], ("NAME", "SIGN", "MESSAGE"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "日本語  ab    x"
    assert lines[2].startswith("abc     👍    世界")
    assert lines[2].endswith("…")
    assert max(show.width(line) for line in lines) <= 80


@pytest.mark.parametrize(("number", "said"), [(0, "0 moves"), (1, "1 move"), (2, "2 moves")])
def test_one_is_not_many(number: int, said: str) -> None:
    assert output.count(number, "move") == said


def test_a_reason_that_fits_no_column_stands_below_its_row_and_a_move_keeps_its_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    long = "because " * 40
    rows = [("1 min ago", f"support-{'x' * 60}@production v41 -> v42", "ok"), ("1 min ago", "support@production", long)]
    output.table(rows, ("WHEN", "WHAT", "WHY"), fold=True)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" in lines[1]
    assert "@production v41 -> v42" in lines[1]
    assert lines[1].endswith("  ok")
    assert lines[2].rstrip() == "1 min ago  support@production"
    assert [line[:11] for line in lines[3:]] == ["    because"] * 3
    assert lines[-1].endswith("…")


def test_a_gate_is_one_line_for_programs_and_keeps_to_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    one = {"passed": False, "name": "approvals", "rule": 1, "wants": "2 by others", "found": "by " * 40, "at": None}
    assert len(output.gate(one).splitlines()) == 1
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    lines = output.gate(one, indent=4).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("    OPEN: approvals (rule 1): wants 2 by others;")
    assert all(line.startswith(" " * 8) for line in lines[1:])


def test_commands_of_a_directory_keep_no_address_of_a_server() -> None:
    output.remember("http://registry:7467")
    assert output.advice("see pinset keys list") == "see pinset keys list --registry http://registry:7467"
    assert output.advice("do pinset keys rotate") == "do pinset keys rotate"
    output.remember(None)
