"""Where a release comes from: what is recorded of it, what never is, and what was recorded before."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinset.domain import messages
from pinset.domain.messages.text import one_line
from pinset.domain.provenance import (
    AUTHORS,
    FIELDS,
    LIMITS,
    author_name,
    fields_of,
    is_machine,
    people,
    recorded,
    shown,
    told_by,
    without_secrets,
)
from pinset.domain.records import ReleaseRecord, Stamp
from pinset.errors import InvalidInput

SOURCE = {
    "repository": "https://github.com/org/repo",
    "commit": "0123abc" * 5,
    "path": "agents/support",
    "dirty": True,
    "authors": ["Ada Lovelace <ada@example.com>", "José <jose@example.com>"],
    "ci": "GitHub Actions",
    "url": "https://github.com/org/repo/actions/runs/12",
    "by": "octo",
    "ref": "main",
    "pull_request": "https://github.com/org/repo/pull/7",
    "text": "by hand",
    "system": "langfuse",
    "origin": "langfuse:langfuse.example.com/Movie Critic/3",
    "version": "3",
    "at": "2025-03-14T09:30:00.000000Z",
}


def test_the_fields_of_a_source_go_through_a_record_and_back() -> None:
    line = recorded(SOURCE)
    assert line is not None
    assert line == json.dumps(SOURCE, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert set(SOURCE) == set(FIELDS)
    assert shown(line) == fields_of(line) == SOURCE
    stamp = Stamp(serial=1, prev=None, at=0, actor="ada", operation="op_1")
    record = ReleaseRecord(stamp=stamp, bundle="b", version=1, label=None, digest="sha256:0", source=line)
    assert messages.decode(messages.encode(record)) == record


@pytest.mark.parametrize(
    "said", [None, "", {}, {"authors": [], "text": "", "commit": None, "dirty": None}, {"by": " \n "}]
)
def test_what_says_nothing_is_not_recorded(said: Any) -> None:
    assert recorded(said) is None


@pytest.mark.parametrize(
    "text",
    ["git:org/repo@abc", "{", "{}", '{"commit":"abc"}', '{"commit": "0123abc"}', '{"x":1}', "[1]", '{"by":"a\\u0000"}', '{"by":1}'],
)  # fmt: skip
def test_a_text_stays_the_text_it_was(text: str) -> None:
    assert shown(text) == text
    assert fields_of(text) is None
    assert recorded(text) == text


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"comit": "0123abc"}, "comit"),
        ({"commit": "xyz"}, "no commit's id"),
        ({"commit": "0123ABC"}, "no commit's id"),
        ({"commit": "--all"}, "no commit's id"),
        ({"commit": "012345"}, "no commit's id"),
        ({"dirty": "yes"}, "yes or no"),
        ({"authors": "Ada"}, "a list"),
        ({"authors": ["a"] * (AUTHORS + 1)}, "at most 10"),
        ({"authors": [1]}, "a text"),
        ({"authors": ["a" * 201]}, "at most 200"),
        ({"path": "a" * (LIMITS["path"] + 1)}, "at most 512"),
        ({"at": "yesterday"}, "is not a time"),
        ({"at": "2025-03-14T09:30:00"}, "is not a time"),
        ({"url": 7}, "a text"),
    ],
)
def test_what_is_no_field_or_does_not_fit_is_refused(said: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        recorded(said)
    assert says in caught.value.message
    assert caught.value.hint


def test_a_misspelt_field_is_told_the_right_one() -> None:
    with pytest.raises(InvalidInput) as caught:
        recorded({"author": ["Ada"]})
    assert caught.value.hint == "did you mean authors?"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("https://user:pa55@host/org/repo.git", "https://host/org/repo.git"),
        ("https://x-access-token:ghs_abc@github.com/o/r", "https://github.com/o/r"),
        ("https://token@host/o/r", "https://host/o/r"),
        ("HTTPS://u:p@Host/o", "HTTPS://Host/o"),
        ("https://a@b:c@host/o", "https://host/o"),
        ("ssh://git@host:22/o/r", "ssh://git@host:22/o/r"),
        ("ssh://git:pa55@host/o/r", "ssh://git@host/o/r"),
        ("git@github.com:o/r.git", "git@github.com:o/r.git"),
        ("https://host/o/r?private_token=abc", "https://host/o/r"),
        ("https://host/o/r?token=abc&page=2", "https://host/o/r?page=2"),
        ("https://host/r?buildId=12&sig=x&ACCESS_TOKEN=y", "https://host/r?buildId=12"),
        ("https://host/r#access_token=abc", "https://host/r"),
        ("https://host/r#issue-3", "https://host/r#issue-3"),
        ("see https://u:p@host/x and https://v:q@host/y", "see https://host/x and https://host/y"),
        ("https://[::1]:80/x", "https://[::1]:80/x"),
        ("https://user:p\u00e4ss@host/o", "https://host/o"),
        ("one\ntwo\x1b[31m", "one two [31m"),
        ("\ud800", "?"),
    ],
)
def test_addresses_are_kept_without_what_is_secret(said: str, kept: str) -> None:
    assert without_secrets(said) == kept
    assert without_secrets(kept) == kept
    assert (fields_of(recorded({"text": said})) or {}).get("text") == kept
    assert recorded(said) == kept


def test_a_token_by_itself_is_masked() -> None:
    token = "gh" + "p_" + "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY1z2A"
    kept = without_secrets(f"https://host/{token}/x")
    assert token not in kept
    assert kept.startswith("https:")


@given(
    st.dictionaries(st.sampled_from(sorted(LIMITS)), st.text(max_size=60), max_size=4), st.lists(st.text(max_size=20))
)
def test_whatever_is_recorded_is_read_again(texts: dict[str, str], authors: list[str]) -> None:
    try:
        line = recorded({**texts, "authors": authors[:AUTHORS]})
    except InvalidInput:
        return
    fields = fields_of(line)
    assert (fields is None) == (line is None)
    if line is not None:
        assert recorded(fields) == line
        assert one_line(line) == line


@pytest.mark.parametrize(
    ("actor", "source", "told"),
    [
        ("ci-bot", SOURCE, "ci-bot for Ada Lovelace, José"),
        ("deploy", SOURCE, "deploy for Ada Lovelace, José"),
        ("ci-bot", {"authors": ["A <a@x>", "B <b@x>", "C <c@x>"]}, "ci-bot for A, B +1"),
        ("renovate[bot]", {"authors": ["<a@x>"]}, "renovate[bot] for a@x"),
        ("ci-bot", {"by": "octo"}, "ci-bot for octo"),
        ("ada", {"authors": ["Bob <b@x>"]}, "ada"),
        ("abbot", {"authors": ["Bob <b@x>"]}, "abbot"),
        ("ci-bot", "git:org/repo@abc", "ci-bot"),
        ("ci-bot", None, "ci-bot"),
    ],
)
def test_a_machine_is_named_with_those_it_published_for(actor: str, source: Any, told: str) -> None:
    assert told_by(actor, source) == told


def test_names_of_people() -> None:
    assert author_name("Ada Lovelace <ada@example.com>") == "Ada Lovelace"
    assert people(["A <a@x>"]) == "A"
    assert is_machine("gitlab-ci", {})
    assert not is_machine("alice", {})
