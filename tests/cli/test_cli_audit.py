"""audit, audit head, audit verify, as people and programs type them."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest
    from terminals import Cli


def _history(cli: Cli, bundle: Callable[..., str]) -> None:
    for words in ("one", "two"):
        cli("publish", bundle(words), "--alias", "production", "-m", "because of \x1b[2J this")
    cli("rollback", "support@production", "--yes")
    assert (
        cli("promote", "support@v2", "production", "-m", "a very long reason that fits no column of any table")[0] == 5
    )


def test_the_log_is_a_table_lines_and_json(cli: Cli, bundle: Callable[..., str]) -> None:
    _history(cli, bundle)
    status, out, _ = cli("audit", "--bundle", "support")
    lines = out.splitlines()
    assert (status, sum(not line.startswith(" ") for line in lines)) == (0, 7)
    assert "    barred: a very long reason that fits no column of any table" in lines
    assert lines[0].split() == ["WHEN", "BY", "ACTION", "WHAT", "OUTCOME", "WHY"]
    assert "support@production v1 -> v2" in lines[1]
    assert lines[1].endswith("refused")
    assert any("support@production v2 -> v1" in line and line.endswith("done") for line in lines)
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in out

    assert [one["outcome"] for one in cli.json("audit", "--outcome", "refused")["items"]] == ["refused"]
    page = cli.json("audit", "--limit", "3")
    rest = cli.json("audit", "--cursor", page["next"])
    assert [one["serial"] for one in page["items"] + rest["items"]] == [None, 6, 5, 4, 3, 2, 1]

    status, out, _ = cli("audit", "--jsonl")
    items = [json.loads(line) for line in out.splitlines()]
    assert [one["serial"] for one in items] == [1, 2, 3, 4, 5, 6, None]
    after = cli("audit", "--jsonl", "--after", items[4]["cursor"])[1]
    assert after.splitlines() == out.splitlines()[5:]
    assert cli("audit", "--jsonl", "--after", items[-1]["cursor"]) == (0, "", "")
    assert cli("audit", "--jsonl", "--limit", "2")[1].splitlines() == out.splitlines()[:2]


def test_a_kept_head_is_proven_from_a_line_a_file_and_stdin(
    cli: Cli, bundle: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("publish", bundle())
    status, line, _ = cli("audit", "head")
    assert (status, line) == (0, cli.json("audit", "head")["line"] + "\n")
    cli("promote", "support@v1", "production")
    kept = tmp_path / "kept"
    kept.write_text(line)
    for given in (line.strip(), str(kept), "-"):
        monkeypatch.setattr(sys, "stdin", io.StringIO(line))
        said = cli("audit", "verify", "--since-head", given)
        assert said == (0, "holds: serial 2 is there as it was, and 1 record since\n", "")
    kept.write_text(json.dumps(cli.json("audit", "head")))
    assert cli.json("audit", "verify", "--since-head", str(kept))["since"] == 0

    kept.write_text(line.replace(" 2 ", " 7 "))
    status, out, err = cli("audit", "verify", "--since-head", str(kept))
    assert status == 1
    assert out.startswith("DOES NOT HOLD (truncated): it ends at serial 3")
    assert "pinset verify" in err


def test_what_is_typed_wrongly_says_what_to_do(near: Cli, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text("one\ntwo\n")
    cases = {
        ("audit", "--action", "promot"): "did you mean promote?",
        ("audit", "--since", "yesterday"): "7d",
        ("audit", "--after", "1.2"): "--cursor",
        ("audit", "--jsonl", "--json"): "--after",
        ("audit", "--cursor", "x"): "cursor",
        ("audit", "--bundle", "x", "head"): "pinset audit head --help",
        ("audit", "verify", "--since-head", "nonsense line"): "pinset audit head",
        ("audit", "verify", "--since-head", str(kept)): "tail -n 1",
    }
    for arguments, says in cases.items():
        status, out, err = near(*arguments)
        assert (status, out, says in err) == (2, "", True), (arguments, err)
    assert near("audit", "verify", "--since-head", str(tmp_path / "nowhere"))[0] == 3
    assert "all of it: pinset audit" in near("audit", "--bundle", "none")[2]
