"""The engine of imports: what a source holds comes in once, however often it is run, and what cannot is told."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pinset.domain.access import parse_grants
from pinset.domain.exchange import own
from pinset.domain.exchange.incoming import THERE, Incoming, Lost, Taken
from pinset.errors import AlreadyExists, InvalidInput, Unavailable
from pinset.importing import batch
from pinset.importing.engine import Engine, Wanted, run
from pinset.importing.naming import Naming
from pinset.importing.report import TOLD, Report
from pinset.ports.imports import Version
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pinset.services.local import LocalRegistry

ME = Caller(actor="ada")
MANIFEST = "release:\n  model: {name: m, pinned_version: '1'}\n  prompt: {template: p.md}\n"


def incoming(name: str, number: int, words: str = "", **more: Any) -> Incoming:
    taken = Taken(files={"release.yaml": MANIFEST, "p.md": words or f"{name} {number}\n"})
    given = {"taken": taken, "origin": f"there:{name}/{number}", "number": number, **more}
    return Incoming(name=name, **given)


class There:
    """Some versions elsewhere. fails: after so many the place cannot be reached."""

    system = "there"

    def __init__(self, versions: Sequence[Incoming], fails: int | None = None) -> None:
        self.held, self.fails = list(versions), fails
        self.read = 0

    def count(self) -> int | None:
        return len(self.held)

    def versions(self) -> Iterator[Incoming]:
        for one in self.held:
            if self.read == self.fails:
                raise Unavailable("it cannot be reached", hint="run it again")
            self.read += 1
            yield one


class Knowing(There):
    """One that reads only what is not here yet."""

    def resume(self, known: Callable[[str, str], bool]) -> None:
        self.known = known

    def versions(self) -> Iterator[Incoming]:
        for one in self.held:
            known = self.known(one.name, one.origin)
            self.read += not known
            yield replace(one, taken=THERE) if known else one


def test_it_comes_in_once_with_its_numbers_and_aliases(memory: LocalRegistry) -> None:
    held = [incoming("Movie Critic", n, at=1_700_000_000_000_000 + n, authors=("Ada",)) for n in (1, 2, 5)]
    held[1] = replace(held[1], aliases=("production", "Odd Alias"))
    held += [incoming("team/x", 3, aliases=("production",))]
    report = run(memory, ME, There(held))
    assert report.versions == {"created": 4}
    assert report.aliases == {"promote": 2}
    assert (report.names, report.lost, report.status) == (2, 1, 0)
    assert report.items[0]["what"] == "alias Odd Alias"
    assert memory.spelled("Movie Critic") == "movie-critic"
    assert memory.bundle("team.x")["names"] == ["team/x"]
    assert memory.alias("movie-critic", "production")["version"] == 2
    source: Any = memory.summary("movie-critic@v5")["source"]
    assert source["at"] == "2023-11-14T22:13:20.000005Z"
    assert (source["system"], source["version"], source["authors"]) == ("there", "5", ["Ada"])
    before = memory.describe()["serial"]
    again = run(memory, ME, There(held))
    assert (again.versions, again.aliases, again.status) == ({"already": 4}, {"none": 2}, 0)
    source_again = Knowing(held)
    assert run(memory, ME, source_again).versions == {"already": 4}
    assert source_again.read == 0
    assert memory.describe()["serial"] == before
    assert memory.verify()["ok"]


def test_an_alias_that_somebody_moved_here_stays(memory: LocalRegistry) -> None:
    first = There([incoming("x", 1, aliases=("production",)), incoming("x", 2)])
    run(memory, ME, first)
    moved = There([incoming("x", 1), incoming("x", 2, aliases=("production",))])
    assert run(memory, ME, moved).aliases == {"promote": 1}
    memory.promote(ME, "x@v1", "production", reason="v2 was bad", expect="v2")
    report = run(memory, ME, moved)
    assert (report.aliases, report.status) == ({"left": 1}, 0)
    assert memory.alias("x", "production")["version"] == 1


def test_aliases_move_under_the_policy_that_holds_for_everybody(memory: LocalRegistry) -> None:
    memory.publish(ME, {"release.yaml": "release: {feature: first, prompt: {text: Hi}}\n"})
    policy = "format: 1\nrules: [{bundles: '*', aliases: production, approvals: 1}]\n"
    memory.policies.edit(ME, policy, reason="careful")
    report = run(memory, ME, There([incoming("x", 1, aliases=("production", "staging"))]))
    assert report.aliases == {"request": 1, "promote": 1}
    denied = Caller(actor="author", grants=(*_grants("author"),))
    report = run(memory, denied, There([incoming("y", 1, aliases=("staging",))]))
    assert (report.versions, report.aliases, report.status) == ({"created": 1}, {"refused": 1}, 5)
    assert run(memory, ME, There([incoming("y", 1, aliases=("b",))]), Wanted(aliases=False)).aliases == {}


def _grants(text: str) -> Any:
    from pinset.domain.access import parse_grants

    return parse_grants(text)


def test_one_that_was_cut_off_goes_on_from_there(memory: LocalRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "MOST", 4)
    held = [incoming("x", n + 1) for n in range(11)]
    engine = Engine(memory, ME, There(held, fails=6), Wanted())
    with pytest.raises(Unavailable):
        engine.run()
    assert engine.report.versions == {"created": 6}
    again = Knowing(held)
    assert run(memory, ME, again).versions == {"already": 6, "created": 5}
    assert again.read == 5
    assert [one["version"] for one in memory.releases("x")["items"]] == list(range(11, 0, -1))


def test_what_is_refused_is_told_and_hinders_nothing(memory: LocalRegistry) -> None:
    kept: list[Any] = []
    lost = (Lost(what="config.seed", why="no release holds it"),)
    held = [
        incoming("日本", 1),
        incoming("a b", 1),
        incoming("a-b", 1),
        incoming("broken", 1, taken=Taken(files={"release.yaml": "- 1\n"})),
        incoming("none", 1, taken=Taken(files={"p.md": "x"})),
        incoming("late", 3),
        incoming("late", 2),
        incoming("long", 1, message="m" * 20_000, taken=replace(incoming("long", 1).taken, lost=lost)),
    ]
    report = Engine(memory, ME, There(held), Wanted(), keep=kept.append).run()
    assert report.versions == {"created": 3, "refused": 3, "conflict": 2}
    assert report.status == 5
    kinds = [(item["kind"], item["name"]) for item in kept]
    assert sorted(kinds) == sorted(
        [("refused", "日本"), ("conflict", "a-b"), ("refused", "broken"), ("refused", "none"), ("conflict", "late"),
         ("lost", "long"), ("lost", "long")]
    )  # fmt: skip
    assert len(memory.summary("long@v1")["message"]) == 10_000


def test_a_pin_that_is_missing_is_a_finding(memory: LocalRegistry) -> None:
    texts = ["release:\n  model: {name: gpt-4o}\n  prompt: {text: Hi}\n", "release:\n  prompt: {text: Hi}\n"]
    held = [incoming("x", n, taken=Taken(files={"release.yaml": text})) for n, text in enumerate(texts, 1)]
    report = run(memory, ME, There(held))
    assert (report.versions, report.status) == ({"created": 2}, 0)
    assert [(item["kind"], item["code"]) for item in report.items] == [("warning", "model-unpinned")]
    first = memory.summary("x@v1")
    assert (first["allowed"], first["allow_reason"]) == (["model-unpinned"], "imported as it was: it had no pin there")


def test_a_dry_run_says_everything_and_writes_nothing(memory: LocalRegistry) -> None:
    run(memory, ME, There([incoming("x", 1)]))
    before = memory.describe()["serial"]
    held = [incoming("x", 1), incoming("x", 2, aliases=("production",)), incoming("日", 1)]
    report = run(memory, replace(ME, dry_run=True), There(held))
    assert (report.versions, report.aliases) == ({"already": 1, "created": 1, "refused": 1}, {"promote": 1})
    assert memory.describe()["serial"] == before


def test_only_what_is_wanted_comes_in(memory: LocalRegistry) -> None:
    held = [incoming(name, 1) for name in ("team/a", "team/b", "other")]
    report = run(memory, ME, There(held), Wanted(only=("team/*",), into=("ours.", "team/b=bee")))
    assert report.versions == {"created": 2, "left": 1}
    assert [one["name"] for one in memory.bundles()["items"]] == ["bee", "ours.team.a"]
    assert memory.spelled("team/b") == "bee"


def test_two_names_never_become_one_bundle_by_themselves(memory: LocalRegistry) -> None:
    """Nor on two days; who says that they are the same is believed."""
    run(memory, ME, There([incoming("Movie Critic", 1)]))
    other = [incoming("Movie critic!", 2)]
    report = run(memory, ME, There(other))
    assert (report.versions, report.status) == ({"conflict": 1}, 5)
    assert "is spelled 'Movie Critic' here" in report.items[0]["why"]
    assert run(memory, ME, There(other), Wanted(into=("Movie critic!=other",))).versions["created"] == 1
    same = [incoming("movie  critic", 3)]
    assert run(memory, ME, There(same), Wanted(into=("movie  critic=movie-critic",))).versions["created"] == 1
    assert run(memory, ME, There(same)).versions == {"already": 1}
    assert memory.bundle("movie-critic")["names"] == ["Movie Critic", "movie  critic"]


def test_what_is_no_text_is_refused_or_left_out_and_the_rest_comes_in(memory: LocalRegistry) -> None:
    """JSON can say half of a surrogate pair, and names can be longer than a bundle can be spelled."""
    held = [
        incoming("a", 1, words="half \ud800"),
        incoming("a", 2, label="\ud800"),
        incoming("a", 3, message="half \ud800", authors=("E\ud800",), aliases=("\ud800",)),
        incoming("x" * 300, 1),
    ]
    report = run(memory, ME, There(held))
    assert report.versions == {"refused": 2, "created": 2}
    assert [item["what"] for item in report.items if item["kind"] == "lost"] == ["alias \ud800", "name"]
    assert memory.summary("a@v3")["message"] == "half ?"
    assert memory.bundle("x" * 64)["names"] == []


def test_what_a_credential_may_not_publish_is_refused_and_the_rest_comes_in(memory: LocalRegistry) -> None:
    run(memory, ME, There([incoming("b", 1)]))
    few = Caller(actor="eve", grants=parse_grants("publish:a*, publish:b"))
    held = [incoming("A One", 1), incoming("other", 1), incoming("other", 2), incoming("a-two", 1), incoming("B", 2)]
    report = run(memory, few, There(held))
    assert (report.versions, report.status) == ({"created": 2, "refused": 3}, 5)
    assert {item["name"] for item in report.items if item["kind"] == "refused"} == {"other", "B"}
    assert all(item["hint"] for item in report.items)
    assert memory.bundle("a-one")["names"] == ["A One"]
    assert memory.bundle("b")["releases"] == 1


@pytest.mark.parametrize("into", [["a", "b"], ["Bad Name"], ["x=Bad Name"], ["."]])
def test_names_that_are_none_are_refused_at_once(into: list[str]) -> None:
    with pytest.raises(InvalidInput):
        Naming(into)


def test_one_name_for_all_of_it_is_for_one_thing() -> None:
    naming = Naming(["here"])
    assert naming.bundle("There") == naming.bundle("There") == "here"
    with pytest.raises(AlreadyExists) as caught:
        naming.bundle("Another")
    assert "--into 'Another=NAME'" in caught.value.hint


def test_a_batch_is_bounded_in_count_and_bytes_and_holds_nothing_that_leans_on_it() -> None:
    held = batch.Batch()
    one = incoming("x", 1)
    large = Version(name="x", files={"p.md": "é" * (batch.BYTES // 4)})
    assert held.has_room(replace(large, files={"p.md": "x" * (batch.BYTES * 2)}))
    held.add(one, large)
    assert held.has_room(replace(large, files={"p.md": "x" * 100}))
    held.add(one, large)
    assert not held.has_room(replace(large, files={"p.md": "x" * 100}))
    assert (len(held.take()), held.take()) == (2, [])
    held.add(one, Version(name="prompts/tone", files={}))
    manifest = json.dumps({"components": {"prompts/tone": {"version": 1}}})
    assert not held.has_room(Version(name="x", files={"manifest.json": manifest}, digest="sha256:1"))
    assert held.has_room(Version(name="x", files={"manifest.json": "{"}, digest="sha256:1"))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (MANIFEST, "release:\n  bundle: new\n  model:"),
        ("release:\n    feature: old # ours\n    prompt: {text: a}\n", "release:\n    feature: new # ours\n"),
        ("release: {prompt: {text: a}}\n", "release: {prompt: {text: a}, bundle: new}"),
        ("# words\nrelease:\n  'bundle': old\n  prompt: {text: a}\n", "'bundle': new"),
    ],
)
def test_the_manifest_says_which_bundle_it_is_of(text: str, wanted: str) -> None:
    assert wanted in own.of_bundle({"release.yaml": text}, "new")["release.yaml"]


def test_a_manifest_in_json_says_it_too() -> None:
    found = own.of_bundle({"release.json": '{"release": {"prompt": {"text": "Hi"}}}'}, "new")["release.json"]
    assert json.loads(found)["release"]["bundle"] == "new"
    for text in ("release: 5\n", "- 1\n", "release: [\n"):
        with pytest.raises(InvalidInput):
            own.of_bundle({"release.yaml": text}, "new")


def test_an_origin_that_is_too_long_is_still_its_own() -> None:
    one, other = (own.origin_of("x" * 600 + end) for end in "ab")
    assert one != other
    assert len(one) <= 500
    assert own.origin_of("https://user:pass@host/x?token=1") == "https://host/x"


def test_a_report_keeps_the_first_items_and_counts_the_rest() -> None:
    report = Report("there", False, lambda _item: None)
    for number in range(TOLD + 5):
        report.tell("lost", "x", "why", what=str(number))
    found = report.as_json()
    assert (len(found["items"]), found["more"], found["lost"]) == (TOLD, 5, TOLD + 5)


def test_what_is_told_of_many_is_one_sentence_with_its_first_names() -> None:
    report = Report("there", False, lambda _item: None)
    for number in range(200):
        report.tell("warning", f"name-{number // 2}", "it has no pin", origin=str(number))
    report.tell("warning", "one", "another")
    first, second = report.said.values()
    assert (first.times, first.names, first.more) == (200, ["name-0", "name-1", "name-2"], True)
    assert (second.times, second.names, second.more) == (1, ["one"], False)
    for number in range(2 * TOLD):
        report.tell("lost", "x", f"why {number}")
    assert len(report.said) == TOLD
    assert report.told == 201 + 2 * TOLD
