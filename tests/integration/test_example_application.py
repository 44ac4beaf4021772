"""The example of an application: what it answers while its registry is killed, comes back, and moves production."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import warm

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
EXAMPLE = ROOT / "examples" / "06-application"
POLL = "3"
PASSAGE = "See: Known issue 4711: the app crashes on login; update to 2.3."
FIVE = "The app crashes on login. I am [removed]. It began on Monday. I run 2.2 here. I tried twice. " + PASSAGE
THREE = "The app crashes on login. I am [removed]. It began on Monday. " + PASSAGE


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the example prints; its processes are a session of their own, and whatever is left of it is killed."""
    home = tmp_path_factory.mktemp("application")
    warm.install(home)
    script = home / "python3"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    script.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PINSET_", "GIT_"))}
    environment = {**kept, "PATH": f"{home}:{os.environ['PATH']}", "TMPDIR": str(home), "POLL": POLL}
    with (home / "printed").open("w") as printed:
        played = subprocess.Popen(
            ["bash", str(EXAMPLE / "run.sh")],
            env=environment,
            cwd=home,
            stdout=printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            ended = played.wait(timeout=300)
            left = alive(played.pid)
        finally:
            for process in alive(played.pid):
                os.kill(process, signal.SIGKILL)
    text = (home / "printed").read_text()
    assert ended == 0, text
    assert left == [], text
    return text


def alive(session: int) -> list[int]:
    """The processes of a session that have not ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def part(shown: str, heading: str) -> list[dict[str, object]]:
    """What the application answered in one part of the example."""
    (found,) = [text for text in re.split(r"^# ", shown, flags=re.MULTILINE) if text.startswith(heading)]
    return [json.loads(line) for line in found.splitlines() if line.startswith("{")]


def answer(version: int, source: str) -> dict[str, object]:
    return {
        "summary": {1: FIVE, 2: THREE}[version],
        "release": f"support-summarizer@v{version}",
        "source": source,
    }


def test_an_answer_has_the_prompt_the_passage_and_the_guardrail_of_the_release(shown: str) -> None:
    assert part(shown, "The application answers") == [answer(1, "fresh")]


def test_a_killed_registry_leaves_the_application_answering(shown: str) -> None:
    assert part(shown, "kill -9 of the registry") == [answer(1, "stale")]


def test_a_restart_without_the_registry_takes_the_release_from_the_disk(shown: str) -> None:
    assert part(shown, "It is restarted while the registry is down") == [answer(1, "disk")]


def test_the_application_follows_a_promotion(shown: str) -> None:
    assert part(shown, "The registry is back, and production is promoted") == [answer(1, "fresh"), answer(2, "fresh")]


def test_the_application_follows_a_rollback_and_a_promotion_again(shown: str) -> None:
    assert part(shown, "Rolled back, and promoted again") == [answer(1, "fresh"), answer(2, "fresh")]


def test_a_pin_by_hand_overrides_what_the_alias_served_last(shown: str) -> None:
    assert part(shown, "The registry is down again") == [answer(2, "stale"), answer(1, "pin")]


def test_without_the_pin_production_is_used_again(shown: str) -> None:
    *answers, health = part(shown, "Unpinned")
    assert answers == [answer(2, "fresh")]
    assert health["release"] == "support-summarizer@v2"
    assert (health["label"], health["source"]) == ("2025-03-14-rc1", "fresh")
    assert isinstance(health["age"], float)


def test_a_move_of_production_shows_within_a_second(shown: str) -> None:
    # The quickest of the three, for the machine may be doing other things at one of them.
    seconds = [float(found) for found in re.findall(r"^shown after ([\d.]+) s$", shown, re.MULTILINE)]
    assert len(seconds) == 3
    assert min(seconds) < 1


def test_the_readme_shows_what_the_example_prints(shown: str) -> None:
    (block,) = re.findall(r"^\$ bash examples/06-application/run.sh\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    assert block.count("summarizer@v") == 3
    expected = re.escape(block).replace(re.escape("…") + "\\\n", "…\n").replace("…\n", r"(?:.*\n)*?").replace("…", ".*")
    assert re.search(expected, shown)
