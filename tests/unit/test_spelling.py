"""What other tools call a bundle, and the name that it gets here."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinset.domain import names
from pinset.domain.exchange import spelling
from pinset.errors import InvalidName


@pytest.mark.parametrize(
    "text", ["Movie Critic", "team/x", '<b>&"{}', "Ä", "名前", "a@b", "x" * 65, "%2F", "a..b", "v 1"]
)
def test_a_spelling_is_kept_as_it_is(text: str) -> None:
    assert spelling.spelling_text(text) == text
    assert spelling.is_spelling(text)


def test_characters_are_composed() -> None:
    assert spelling.spelling_text("Cafe\u0301") == "Caf\u00e9"
    assert not spelling.is_spelling("Cafe\u0301")
    assert len(spelling.spelling_text("E\u0301" * 200)) == 200


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        " a b",
        "A ",
        "A\n",
        "a\tb",
        "A\0",
        "A\u202e",
        "\u200b",
        "\ud800",
        "A" * 201,
        "A" * 10_000,
        "support",
        "a.b",
    ],
)
def test_what_is_no_spelling_is_refused_with_a_way_out(text: str) -> None:
    with pytest.raises(InvalidName) as caught:
        spelling.spelling_text(text)
    assert caught.value.hint
    assert not spelling.is_spelling(text)


def test_no_text_is_no_spelling() -> None:
    assert not spelling.is_spelling(None)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Movie Critic", "movie-critic"),
        ("team/x", "team.x"),
        ("Team A/Movie Critic", "team-a.movie-critic"),
        ("/a//b/", "a.b"),
        ("<b>Bold</b>", "b-bold.b"),
        ("Caf\u00e9 \ufb01n", "cafe-fin"),
        ("__init__", "init"),
        ("a_b", "a_b"),
        ("gpt-4.1 prompt", "gpt-4.1-prompt"),
        ("a/lock", "a-lock"),
        ("x" * 100, "x" * 64),
        ("x" * 63 + "/y", "x" * 63),
        ("movie-critic", "movie-critic"),
    ],
)
def test_a_spelling_gets_a_name(text: str, name: str) -> None:
    assert spelling.bundle_for(text) == name


@pytest.mark.parametrize("text", ["", "/", '<>&"{}', "\u540d\u524d", "-_-"])
def test_where_nothing_is_left_the_bundle_is_to_be_named(text: str) -> None:
    with pytest.raises(InvalidName, match="no name can be made") as caught:
        spelling.bundle_for(text)
    assert "name the bundle yourself" in caught.value.hint


def test_spellings_that_come_to_one_name_can_be_kept_apart() -> None:
    one, other = (spelling.bundle_for(text, apart=True) for text in ("Movie Critic", "movie_critic!"))
    assert one != other
    assert one.startswith("movie-critic-")
    assert one == spelling.bundle_for("Movie Critic", apart=True)
    assert len(spelling.bundle_for("x" * 100, apart=True)) == 64


@given(st.text(max_size=80), st.booleans())
def test_every_name_that_is_made_is_one(text: str, apart: bool) -> None:
    try:
        name = spelling.bundle_for(text, apart=apart)
    except InvalidName:
        return
    assert names.is_bundle_name(name)


def test_folders_are_groups() -> None:
    assert [spelling.dotted_name(text) for text in ("team/x", "a/b/c", "Team/x", "/x", "x")] == [
        "team.x", "a.b.c", None, None, "x"
    ]  # fmt: skip


def test_spellings_come_and_go() -> None:
    assert spelling.changed(("A", "B b"), ["C c", "A"], ["B b", "nothing"]) == ("A", "C c")
    assert spelling.changed(("Caf\u00e9",), [], ["Cafe\u0301"]) == ()
    many = tuple(f"No. {number}" for number in range(spelling.SPELLINGS))
    with pytest.raises(InvalidName, match="at most 50") as caught:
        spelling.changed(many, ["one more"], ())
    assert "--not-also" in caught.value.hint
    assert len(spelling.changed(many, ["one more"], ["No. 7"])) == spelling.SPELLINGS
