"""What every protocol must prove with every version of a package, written once.

A protocol's module says in `Dialect` objects how its packages are spoken to, and has a class of `Matrix`'s tests::

    class TestLangfuse(Matrix):
        dialects = (Dialect(client="langfuse-5.0", …), Dialect(client="langfuse-js-5", …))
"""

from __future__ import annotations

import functools
import json
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import bundles
import environments
import pytest
from sessions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import ExitStack

    from sessions import Session

    from conftest import Served


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How one version of one package reads prompts.

    client: its environment; ``env``: variables of its process. protocol: the folder under ``/compat``. opening: the
    snippet that makes what reads, of ``address`` and ``key``. reading: the snippet that reads, of ``name``, ``alias``
    and ``version`` (one of them or both are None): ``{"version": 2, "text": …}`` or ``{…, "messages": […]}``, where a
    message is ``{"role", "content"}`` or ``{"placeholder"}``, with ``payload``, all that the user can get at as JSON.

    missing, denied: a pattern of ``KIND: message`` of what it raises for what is not there and for a key that is
    not good; None where it gives nothing instead of raising. keeps: whether it gives its last good one while the
    server is away. fresh: seconds of its own cache, as `opening` or `env` shortened it. aliases: whether it can name
    one; versions: whether it can name a number. folders: whether ``team/x`` is a name to it. spelled: how it
    has a mustache template in the end, where that is not as it was written.
    """

    client: str
    protocol: str
    opening: str
    reading: str
    missing: str | None
    denied: str | None
    keeps: bool
    fresh: float = 0
    aliases: bool = True
    versions: bool = True
    folders: bool = True
    env: Mapping[str, str] = field(default_factory=dict)
    spelled: Callable[[str], str] = str


class Reader:
    """A package that was opened as its dialect says."""

    def __init__(self, dialect: Dialect, session: Session, address: str, key: str) -> None:
        self.dialect, self.session = dialect, session
        session.run(dialect.opening, address=address, key=key)

    def read(self, name: str, *, alias: str | None = None, version: int | None = None) -> Any:
        """What it reads. Raises ClientError."""
        return self.session.run(self.dialect.reading, name=name, alias=alias, version=version)

    def version(self, name: str) -> int:
        """The number of what it reads when nothing but the name is said."""
        return int(self.read(name)["version"])


class Opener:
    """Opens dialects. stack: what ends them with the test."""

    def __init__(self, served: Served, python: Callable[..., Any], node: Callable[..., Any], stack: ExitStack) -> None:
        self._served, self._python, self._node, self._stack = served, python, node, stack

    def __call__(self, dialect: Dialect, key: str | None = None) -> Reader:
        """A new process. key: another credential than the one that may read everything."""
        make = self._node if dialect.client in environments.node_names() else self._python
        session = self._stack.enter_context(make(dialect.client, **dialect.env).session())
        return Reader(dialect, session, self._served.compat(dialect.protocol), key or self._served.key)


def settled(ask: Callable[[], Any], wanted: Any, *, within: float) -> None:
    """Wait until what is asked is what is wanted. within: seconds."""
    until = time.monotonic() + within
    while (got := ask()) != wanted:
        assert time.monotonic() < until, f"still {got!r}, not {wanted!r}, after {within} s"
        time.sleep(0.05)


def lost(payload: Any, document: Any) -> list[str]:
    """The places in a document whose values are nowhere in a payload, JSON inside texts included."""
    there = set(_leaves(payload))
    return [place for place, value in _places(document) if _plain(value) not in there]


def _leaves(value: Any) -> Iterator[Any]:
    for _, leaf in _places(value):
        yield _plain(leaf)
        if isinstance(leaf, str) and leaf[:1] in '{["':
            try:
                yield from _leaves(json.loads(leaf))
            except ValueError:
                continue


def _places(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inside in value.items():
            yield from _places(inside, f"{place}.{key}".removeprefix("."))
    elif isinstance(value, list):
        for number, inside in enumerate(value):
            yield from _places(inside, f"{place}[{number}]")
    else:
        yield place, value


def _plain(value: Any) -> Any:
    """A number is the same as a text that says it, as tags and metadata of texts alone have it."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


GREETING = "Summarise, form {}: {{{{ticket}}}}"
TALK = [
    {"role": "system", "content": "You are brief, {{tone}}."},
    {"role": "user", "content": "Hello?"},
    {"role": "assistant", "content": "Hello."},
    {"placeholder": "history"},
    {"role": "user", "content": "{{question}}"},
]


class Matrix:
    """The tests. parts: of a release document's content those that a payload must have, each value of them."""

    dialects: ClassVar[tuple[Dialect, ...]]
    parts: ClassVar[tuple[str, ...]] = ("models", "retrieval", "tools", "guardrails", "configs", "metadata")

    def test_a_text_by_alias_and_by_version(self, reader: Reader) -> None:
        spelled = reader.dialect.spelled
        asked: list[tuple[dict[str, Any], int]] = [({}, 2)]
        asked += [({"alias": "production"}, 2), ({"alias": "staging"}, 3)] if reader.dialect.aliases else []
        asked += [({"version": 1}, 1), ({"version": 3}, 3)] if reader.dialect.versions else []
        for which, number in asked:
            got = reader.read("greeting", **which)
            assert (got["version"], got["text"]) == (number, spelled(GREETING.format(number)))

    def test_a_chat_with_examples_and_a_placeholder(self, reader: Reader) -> None:
        got = reader.read("talk")
        assert got["version"] == 1
        assert got["messages"] == [
            one if "placeholder" in one else one | {"content": reader.dialect.spelled(one["content"])} for one in TALK
        ]

    def test_characters_that_others_escape_arrive_as_they_are(self, reader: Reader) -> None:
        wanted = reader.dialect.spelled(bundles.SPECIAL)
        assert reader.read("special")["text"] == wanted
        assert [one["content"] for one in reader.read("special-chat")["messages"]] == [wanted, wanted]

    def test_names_with_dots_and_folders(self, reader: Reader) -> None:
        folder = ["team/support/reply"] if reader.dialect.folders else []
        for name in ("team.support.reply", "with-dash_and.dot", *folder):
            assert reader.version(name) == 1, name

    def test_what_is_not_there_is_told_so(self, reader: Reader) -> None:
        asked: list[tuple[str, dict[str, Any]]] = [("no-such-bundle", {})]
        asked += [("no/such.bundle", {})] if reader.dialect.folders else []
        asked += [("greeting", {"alias": "nowhere"})] if reader.dialect.aliases else []
        asked += [("greeting", {"version": 99})] if reader.dialect.versions else []
        for name, which in asked:
            _refused(reader, reader.dialect.missing, name, **which)
        assert reader.version("greeting") == 2, "and it goes on"

    def test_a_key_that_is_not_good_is_told_so(self, opened: Opener, dialect: Dialect) -> None:
        _refused(opened(dialect, key="pst_" + "x" * 40), dialect.denied, "greeting")

    def test_a_key_for_other_bundles_reads_none(self, opened: Opener, dialect: Dialect, served: Served) -> None:
        reader = opened(dialect, key=served.token("read:greeting"))
        assert reader.version("greeting") == 2
        _refused(reader, dialect.denied, "talk")

    def test_a_promotion_is_seen_after_its_own_cache_time(
        self, opened: Opener, dialect: Dialect, served: Served
    ) -> None:
        name = served.bundle()
        reader = opened(dialect)
        assert reader.version(name) == 1
        served.promote(f"{name}@v2")
        settled(lambda: reader.version(name), 2, within=reader.dialect.fresh + 20)
        assert reader.read(name)["text"] == reader.dialect.spelled("Two: {{ticket}}")

    def test_every_part_of_a_release_is_found_again(self, reader: Reader, served: Served) -> None:
        content = served.document("rich@production")["content"]
        wanted = {part: content[part] for part in self.parts}
        assert lost(reader.read("rich")["payload"], wanted) == []

    def test_a_server_that_is_away_and_comes_back(self, opened: Opener, served: Served) -> None:
        """One absence for all versions: a start of a server takes longer than everything else here."""
        readers = [opened(one) for one in self.dialects]
        assert [one.version("greeting") for one in readers] == [2] * len(readers)
        with served.away():
            time.sleep(max(one.dialect.fresh for one in readers))
            for reader in readers:
                if reader.dialect.keeps:
                    assert reader.version("greeting") == 2, reader.dialect.client
                else:
                    _refused(reader, None if reader.dialect.missing is None else "", "greeting")
        for reader in readers:
            settled(functools.partial(_attempt, reader), 2, within=20)


def _refused(reader: Reader, pattern: str | None, name: str, **which: Any) -> None:
    """Raises AssertionError where what is asked is not refused as the dialect says."""
    if pattern is None:
        assert reader.read(name, **which) is None
        return
    with pytest.raises(ClientError) as caught:
        reader.read(name, **which)
    assert re.search(pattern, f"{caught.value.kind}: {caught.value.says}"), str(caught.value)


def _attempt(reader: Reader) -> int | None:
    try:
        got = reader.read("greeting")
    except ClientError:
        return None
    return None if got is None else int(got["version"])
