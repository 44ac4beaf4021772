"""Tokens, and which encoding a model has.

The known counts were made with OpenAI's own `tiktoken` 0.14, on vocabularies with the checksums that it publishes.
"""

from __future__ import annotations

import gzip
import hashlib
import sys
import threading
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pinset.costs import tokens
from pinset.costs.tokens import Tokens, pieces
from pinset.domain.encodings import encoding_of, model_name

KNOWN = {
    "hello world": (2, 2),
    "": (0, 0),
    "You are a helpful assistant.\nAnswer in one sentence.": (11, 11),
    "Summarize {{ticket}}.": (7, 7),
    "お誕生日おめでとう": (8, 9),
    "antidisestablishmentarianism": (6, 6),
    "  two  spaces\t\ttabs\n\n\nlines  ": (10, 10),
    "1234567890 + 3.14159 = ?": (12, 12),
    "don't WON'T I'll we've": (5, 8),
    "<|endoftext|> is text <|im_start|>": (15, 14),
    "a\u0301e\u200d\ufeff\u202e": (6, 8),
    "👩‍👩‍👧‍👦🏳️‍🌈": (17, 27),
    '{"type":"object","properties":{"q":{"type":"string"}}}': (14, 14),
    "Грамматика и правописание": (8, 10),
    "/usr/local/bin//path\n/next": (8, 8),
    "def f(x):\n    return x ** 2\n\n\n# done": (13, 13),
    "\r\n\r\nwindows\r\n": (3, 3),
    "x" * 100: (13, 13),
    " " * 77: (1, 1),
    "\n" * 33 + "a": (4, 3),
}
PUBLISHED = {
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
}


@pytest.fixture(scope="module")
def counter() -> Tokens:
    return Tokens()


@pytest.mark.parametrize("text", KNOWN)
def test_counts_are_those_of_openais_own_tokenizer(counter: Tokens, text: str) -> None:
    assert tuple(counter.count(text, name) for name in PUBLISHED) == KNOWN[text]


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_carried_vocabulary_is_the_published_one(name: str) -> None:
    package = find_spec("bpe_openai")
    assert package is not None
    assert package.submodule_search_locations
    carried = Path(next(iter(package.submodule_search_locations)), "data", f"{name}.tiktoken.gz")
    assert hashlib.sha256(gzip.decompress(carried.read_bytes())).hexdigest() == PUBLISHED[name]


def test_a_text_in_pieces_counts_as_the_whole(counter: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "The quick brown fox, 12 of them;\n\n  jumps\tover\r\nthe lazy dog's “back”! 漢字 1234\n" * 40
    whole = counter._counter("o200k_base")(text), counter._counter("cl100k_base")(text)
    monkeypatch.setattr(tokens, "PIECE", 100)
    monkeypatch.setattr(tokens, "LONGEST_PIECE", 10_000)
    assert len(list(pieces(text))) > 20
    cut = [sum(map(counter._counter(name), pieces(text))) for name in PUBLISHED]
    assert cut == list(whole)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="ab Z9\n\r\t/',.é漢\u0301😀", max_size=300))
def test_no_cut_changes_a_count(text: str) -> None:
    counter = _COUNTER
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokens, "PIECE", 12)
        patch.setattr(tokens, "LONGEST_PIECE", 12_000)
        found = list(pieces(text))
    assert "".join(found) == text
    for name in PUBLISHED:
        assert sum(map(counter._counter(name), found)) == counter._counter(name)(text)


_COUNTER = Tokens()


@pytest.mark.parametrize("unit", ["a", " ", "\t", "\n", "😀", "漢", "'s", "aA", "a\u0301", "\u202e"])
def test_a_mebibyte_of_anything_is_cut_into_pieces_that_end(unit: str, counter: Tokens) -> None:
    text = unit * (64 * 1024 // len(unit))
    assert max(map(len, pieces(text * 16))) <= tokens.LONGEST_PIECE
    assert 0 < counter.count(text, "o200k_base") <= 3 * len(text)


def test_half_a_character_is_counted_and_raises_nothing(counter: Tokens) -> None:
    assert counter.count("a\ud800b", "o200k_base") > 0
    assert counter.count("\udfff" * 2_000, "o200k_base") > 0


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    counter = Tokens()
    monkeypatch.setattr(tokens, "REMEMBERED", 3)
    long = ["word " * tokens.SHORT + str(n) for n in range(5)]
    assert len({counter.count(text, "o200k_base") for text in long}) == 1
    assert len(counter._known) == 3
    counter._loaded.clear()
    monkeypatch.setattr(tokens, "_bindings", lambda: pytest.fail("the newest was forgotten"))
    assert counter.count(long[-1], "o200k_base") > 0


def test_an_encoding_is_loaded_once_by_many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    gate = threading.Barrier(8)

    class Slow:
        def tokenizer_for_encoding(self, name: str) -> Slow:
            asked.append(name)
            return self

        def count(self, text: str) -> int:
            return len(text)

    monkeypatch.setattr(tokens, "_bindings", Slow)
    counter = Tokens()
    found: list[int] = []

    def ask() -> None:
        gate.wait(10)
        found.append(counter.count("abc", "o200k_base"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (found, asked) == ([3] * 8, ["o200k_base"])


def test_an_application_that_imports_the_package_gets_the_same_module() -> None:
    ours = tokens._bindings()
    assert sys.modules["bpe_openai._bindings"] is ours


@pytest.mark.parametrize(
    ("model", "encoding", "exact", "framed"),
    [
        ({"provider": "openai", "name": "gpt-4o", "pinned_version": "2024-08-06"}, "o200k_base", True, True),
        ({"provider": "OpenAI", "id": "gpt-4o-mini-2024-07-18"}, "o200k_base", True, True),
        ({"provider": "azure", "name": "gpt-4", "id": "our-deployment"}, "cl100k_base", True, True),
        ({"provider": "openai", "name": "gpt-4.1-mini"}, "o200k_base", True, False),
        ({"provider": "openai", "name": "o3-mini"}, "o200k_base", True, False),
        ({"provider": "openai", "name": "gpt-3.5-turbo-0125"}, "cl100k_base", True, True),
        ({"provider": "openai", "name": "ft:gpt-4o-2024-08-06:org::id"}, "o200k_base", True, False),
        ({"provider": "openai", "name": "ft:gpt-4-0613:org::id"}, "cl100k_base", True, False),
        ({"name": "openai/gpt-4o"}, "o200k_base", True, True),
        ({"name": "gpt-4o"}, "o200k_base", True, True),
        ({"provider": "openai", "name": "gpt-4oo"}, "o200k_base", False, False),
        ({"provider": "openai", "name": "gpt-44"}, "o200k_base", False, False),
        ({"provider": "vendor-x", "name": "gpt-4"}, "o200k_base", False, False),
        ({"provider": "anthropic", "name": "claude-3-5-sonnet-20241022"}, "o200k_base", False, False),
        ({"provider": "", "name": "my-gpt-4o"}, "o200k_base", False, False),
        ({}, "o200k_base", False, False),
        ({"provider": 7, "name": ["gpt-4o"], "id": "x" * 1_000_000}, "o200k_base", False, False),
    ],
)
def test_a_models_encoding_is_exact_only_where_its_maker_says_so(
    model: dict[str, object], encoding: str, exact: bool, framed: bool
) -> None:
    found = encoding_of(model_name(model))
    assert (found.name, found.exact, found.framed) == (encoding, exact, framed)
