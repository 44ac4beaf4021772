"""No way in is open: every method of a registry is held to what its caller may, whoever calls it.

The methods are those of `ports.registry.Registry`, and of the faces that hang on it. One that is not judged here fails.
"""

from __future__ import annotations

import inspect
import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest

from pinset.domain.access import EVERYTHING, parse_grants
from pinset.domain.edits import Edits
from pinset.domain.keys import STATEMENTS
from pinset.errors import NotFound, PermissionDenied, Unauthenticated
from pinset.ports.imports import Version
from pinset.ports.past import Readings
from pinset.ports.registry import Caller, Registry
from pinset.signing import make_private, statement

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.services.local import LocalRegistry

ME, NOBODY = Caller(actor="me"), Caller(actor="nobody", grants=())
FILES: Final = {
    "release.yaml": 'release: {feature: support, model: {name: m, pinned_version: "1"}, prompt: {text: Hi}}\n'
}
VOICED: Final = {
    "release.yaml": 'release: {feature: support, model: {name: m, pinned_version: "1"}, prompt: prompts/voice@v1}\n'
}
TONE: Final = {"tone.md": "Be kind.\n"}
CHANGES: Final[dict[str, Callable[[Any, Caller], Any]]] = {
    "publish": lambda r, who: r.publish(who, FILES, alias="staging"),
    "publish_component": lambda r, who: r.publish_component(who, "prompts", "tone", TONE),
    "promote": lambda r, who: r.promote(who, "support@v1", "canary"),
    "rollback": lambda r, who: r.rollback(who, "support", "production", serving="v2"),
    "retire": lambda r, who: r.retire(who, "support", "production"),
    "yank": lambda r, who: r.yank(who, "support@v1", reason="it leaks"),
    "unyank": lambda r, who: r.unyank(who, "support@v1"),
    "bundle_changes.set": lambda r, who: r.bundle_changes.set(who, "support", owner="us"),
    "bundle_changes.archive": lambda r, who: r.bundle_changes.archive(who, "support", reason="old"),
    "bundle_changes.unarchive": lambda r, who: r.bundle_changes.unarchive(who, "support"),
    "bundle_changes.rename": lambda r, who: r.bundle_changes.rename(who, "support", "help", reason="so called"),
    "purges.purge": lambda r, who: r.purges.purge(who, "support@v1", all_files=True, reason="a secret"),
    "evidence.add": lambda r, who: r.evidence.add(who, "support@v1", suite="tone", score="1"),
    "requests.approve": lambda r, who: r.requests.approve(replace(who, actor=f"{who.actor}-2"), 1),
    "requests.reject": lambda r, who: r.requests.reject(who, 1, reason="no"),
    "requests.withdraw": lambda r, who: r.requests.withdraw(who, 1),
    "requests.settle": lambda r, who: r.requests.settle(who),
    "changesets.derive": lambda r, who: r.changesets.derive(who, "support@v1", Edits(set={"model.temperature": "0.9"})),
    "changesets.bump": lambda r, who: r.changesets.bump(who, "prompts/voice@v2", "support"),
    "changesets.rollback": lambda r, who: r.changesets.rollback(who, "ml-1"),
    "imports.take": lambda r, who: r.imports.take(who, [Version(name="support", files=FILES)]),
    "policies.edit": lambda r, who: r.policies.edit(who, "format: 1\nrules: []\n", reason="open"),
    "keys.add": lambda r, who: r.keys.add(who, "new", make_private().public, purpose="author", person="me"),
    "keys.retire": lambda r, who: r.keys.retire(who, "mine"),
    "keys.create": lambda r, who: r.keys.create(who),
    "keys.rotate": lambda r, who: r.keys.rotate(who),
    "keys.prepare": lambda r, who: r.keys.prepare(who),
    "keys.sign": lambda r, who: r.keys.sign(who, "support@v1", signed(r)),
    "create_token": lambda r, who: r.create_token(who, "new", can="read"),
    "revoke_token": lambda r, who: r.revoke_token(who, "old"),
}
LOOKS: Final[dict[str, Callable[[Any], Any]]] = {
    "check": lambda r: r.check(FILES),
    "release": lambda r: r.release("support@production"),
    "sealed": lambda r: r.sealed("support@v1"),
    "summary": lambda r: r.summary("support@v1"),
    "file": lambda r: r.file("support@v1", "release.yaml"),
    "bundles": lambda r: r.bundles(),
    "bundle": lambda r: r.bundle("support"),
    "spelled": lambda r: r.spelled("support"),
    "releases": lambda r: r.releases("support"),
    "aliases": lambda r: r.aliases("support"),
    "alias": lambda r: r.alias("support", "production"),
    "clients": lambda r: r.clients("support"),
    "history": lambda r: r.history("support", "production"),
    "diff": lambda r: r.diff("support@v1", "support@v2"),
    "component": lambda r: r.component("prompts", "voice"),
    "component_versions": lambda r: r.component_versions("prompts", "voice"),
    "components": lambda r: r.components(),
    "search": lambda r: r.search("voice"),
    "where_used": lambda r: r.where_used("prompts/voice"),
    "resolve": lambda r: r.resolve(["support@v1"]),
    "cost": lambda r: r.cost("support@production"),
    "blame": lambda r: r.blame("support@production", "release.yaml"),
    "events": lambda r: list(r.events(wait=0, after=1)),
    "operation": lambda r: r.operation(str(r.kept_operation)),
    "tokens": lambda r: r.tokens(),
    "evidence.of_bundle": lambda r: r.evidence.of_bundle("support"),
    "evidence.of_release": lambda r: r.evidence.of_release("support@v1"),
    "evidence.report": lambda r: r.evidence.report("support@v1", "read"),
    "requests.list": lambda r: r.requests.list(),
    "requests.show": lambda r: r.requests.show(1),
    "changesets.holders": lambda r: r.changesets.holders("prompts/voice@v2"),
    "changesets.list": lambda r: r.changesets.list(),
    "changesets.show": lambda r: r.changesets.show("ml-1"),
    "policies.show": lambda r: r.policies.show(),
    "policies.history": lambda r: r.policies.history(),
    "policies.check": lambda r: r.policies.check(ME, "format: 1\nrules: []\n"),
    "policies.can_promote": lambda r: r.policies.can_promote(ME, "support@v1", "staging"),
    "reviews.promotion": lambda r: r.reviews.promotion("support", source="v2"),
    "reviews.working_copy": lambda r: r.reviews.working_copy(FILES),
    "keys.all": lambda r: r.keys.all(),
    "keys.signatures": lambda r: r.keys.signatures("support@v1"),
    "verify": lambda r: r.verify(),
    "audit.items": lambda r: r.audit.items(),
    "audit.verify": lambda r: r.audit.verify(r.audit.head()["line"]),
}
PAST: Final = tuple(name for name, _ in inspect.getmembers(Readings, callable) if not name.startswith("_"))
LOOKS |= {f"past.{name}": partial(lambda look, r: look(r.past("0s")), LOOKS[name]) for name in PAST}
"""Of a time, each of these is asked in the same words."""
KEY: Final = make_private()
OPEN: Final = {"describe", "whoami", "close", "audit.head"}
"""What whoever is there may: nothing of any bundle is said."""


@pytest.fixture
def filled(memory: LocalRegistry, manifest: Any) -> Any:
    done = memory.publish(ME, manifest(), alias="production")
    memory.publish(ME, manifest(words="two"), alias="production")
    memory.publish_component(ME, "prompts", "voice", TONE)
    memory.publish_component(ME, "prompts", "voice", {"voice.md": "Be kinder.\n"})
    memory.publish(ME, VOICED)
    memory.promote(ME, "support@v1", "moved")
    memory.promote(replace(ME, change="ml-1"), "support@v2", "moved")
    memory.create_token(ME, "old", can="read")
    memory.keys.add(ME, "mine", KEY.public, purpose="author", person="me")
    memory.evidence.add(ME, "support@v1", report=json.dumps({"suite": "read", "score": 1}))
    held = "format: 1\nrules: [{bundles: '*', aliases: held, approvals: 1}]\n"
    memory.policies.edit(ME, held, reason="held back")
    memory.promote(ME, "support@v1", "held")
    memory.kept_operation = done["operation"]  # type: ignore[attr-defined]  # for `LOOKS`
    return memory


def signed(registry: Any) -> str:
    """A signature of support@v1 by the key that is known."""
    digest = registry.summary("support@v1")["digest"]
    said = statement(registry=registry.describe()["id"], bundle="support", digest=digest)
    return KEY.sign(said, STATEMENTS)


def methods(registry: LocalRegistry) -> set[str]:
    """Every method of the Protocol; those of a face as ``face.method``."""
    found = set()
    for name, member in inspect.getmembers(Registry):
        if name.startswith("_"):
            continue
        if name == "past":
            found |= {f"past.{one}" for one in PAST}
        elif isinstance(member, property):
            face = type(getattr(registry, name))
            found |= {f"{name}.{one}" for one, _ in inspect.getmembers(face, callable) if not one.startswith("_")}
        else:
            found.add(name)
    return found


def test_every_method_is_judged_here(filled: Any) -> None:
    assert methods(filled) == CHANGES.keys() | LOOKS.keys() | OPEN
    for name in methods(filled) - {name for name in methods(filled) if "." in name}:
        takes_caller = "caller" in inspect.signature(getattr(Registry, name)).parameters
        assert takes_caller == (name in CHANGES or name == "whoami"), name


@pytest.mark.parametrize("name", CHANGES)
def test_who_may_nothing_changes_nothing(filled: Any, name: str) -> None:
    def kept() -> Any:
        with filled._context.catalog.reading() as reader:
            return list(reader.dump()), filled.tokens()

    before = kept()
    for who in (
        NOBODY,
        Caller(actor="reader", grants=parse_grants("read")),
        Caller(actor="n", grants=(), dry_run=True),
    ):
        with pytest.raises(PermissionDenied):
            CHANGES[name](filled, who)
    for grants in ("admin:other", "admin:support@other", "admin:prompts/other"):
        with pytest.raises(PermissionDenied):
            CHANGES[name](filled, Caller(actor="elsewhere", grants=parse_grants(grants)))
    assert kept() == before


@pytest.mark.parametrize("name", CHANGES)
def test_a_credential_that_ended_while_its_write_waited_changes_nothing(filled: Any, name: str) -> None:
    def ended() -> None:
        raise Unauthenticated("the token is not valid")

    with filled._context.catalog.reading() as reader:
        before = list(reader.dump()), filled.tokens()
    with pytest.raises(Unauthenticated):
        CHANGES[name](filled, Caller(actor="me", valid=ended))
    with filled._context.catalog.reading() as reader:
        assert (list(reader.dump()), filled.tokens()) == before
    CHANGES[name](filled, ME)


@pytest.mark.parametrize("name", LOOKS)
def test_who_may_nothing_sees_nothing(filled: Any, name: str) -> None:
    LOOKS[name](filled)
    with pytest.raises(PermissionDenied):
        LOOKS[name](filled.seen_by(()))
    with pytest.raises(PermissionDenied):
        LOOKS[name](filled.seen_by(parse_grants("approve publish promote")))
    LOOKS[name](filled.seen_by(EVERYTHING))


def test_publishing_to_an_alias_wants_leave_to_promote(memory: LocalRegistry, manifest: Any) -> None:
    author = Caller(actor="ana", grants=parse_grants("author:support promote:support@staging"))
    assert memory.publish(author, manifest(), alias="staging")["move"]
    for bundle in (None, "support"):
        with pytest.raises(PermissionDenied) as caught:
            memory.publish(author, manifest(words="two"), alias="production", bundle=bundle)
        assert caught.value.details["needs"] == "promote:support@production"
        with pytest.raises(PermissionDenied):
            memory.publish(author, manifest("other"), bundle=bundle and "other")
    assert len(memory.releases("support")["items"]) == 1


def test_lists_show_what_may_be_read(memory: LocalRegistry, manifest: Any) -> None:
    names = [f"a{number}" for number in range(4)] + [f"b{number}" for number in range(4)]
    memory.publish_component(ME, "prompts", "tone", TONE)
    text = "release: {feature: %s, model: {name: m, pinned_version: '1'}, prompt: {template_ref: prompts/tone@v1}}\n"
    for name in names:
        memory.publish(ME, {"release.yaml": text % name}, alias="production")
        memory.promote(ME, f"{name}@v1", "staging")
    grants = parse_grants("read:a1 read:b* read:a2@production")
    seen, shown = memory.seen_by(grants), ["a1", "b0", "b1", "b2", "b3"]
    pages = [seen.bundles(limit=2, cursor=cursor) for cursor in (None, "b0", "b2")]
    assert [[one["name"] for one in page["items"]] for page in pages] == [["a1", "b0"], ["b1", "b2"], ["b3"]]
    assert [page["next"] for page in pages] == ["b0", "b2", None]
    assert [one["name"] for one in seen.bundles(uses="prompts/tone@v1", alias="staging")["items"]] == shown
    assert {one["bundle"] for one in seen.where_used("prompts/tone")["items"]} == set(shown)
    assert len(seen.where_used("prompts/tone", limit=2)["items"]) == 2
    told = list(seen.events(after=1, wait=0))
    moves = {(one["data"]["bundle"], one["data"]["alias"]) for one in told if one["event"] == "move"}
    assert moves == {*((name, alias) for name in shown for alias in ("production", "staging")), ("a2", "production")}
    assert {one["data"]["bundle"] for one in told if one["event"] == "release"} == set(shown)
    found = seen.resolve(["a2@production", "a2@staging", "a2@v1", "a3@production", "a1@v1", "a9@v1"])["items"]
    codes = [item["error"] and item["error"]["code"] for item in found]
    assert codes == [None, *["permission_denied"] * 3, None, "permission_denied"]
    assert seen.release("a2@production")["version"] == 1
    past = seen.past("0s")
    assert [one["name"] for one in past.bundles(alias="staging")["items"]] == shown
    items = past.resolve(["a2@production", "a2@staging", "a2@v1", "a3@production", "a1@v1", "a9@v1"])["items"]
    assert [item["error"] and item["error"]["code"] for item in items] == codes
    assert past.release("a2@production")["version"] == past.blame("a2@production", "release.yaml")["version"] == 1
    for look in (past.blame, seen.blame):
        with pytest.raises(PermissionDenied):
            look("a2@v1", "release.yaml")


def test_hints_name_nothing_that_may_not_be_read(memory: LocalRegistry, manifest: Any) -> None:
    for name in ("support-one", "support-two", "support-ten"):
        memory.publish(ME, manifest(name), alias="production")
        memory.promote(ME, f"{name}@v1", "staging")
    grants = parse_grants("read:support-one read:support-on promote:support-on@x read:support-ten@production")
    looks: list[Callable[[], Any]] = [
        lambda: memory.seen_by(grants).release("support-on@v1"),
        lambda: memory.promote(Caller(actor="ana", grants=grants), "support-on@v1", "x"),
    ]
    for look in looks:
        with pytest.raises(NotFound) as caught:
            look()
        assert "support-one" in caught.value.hint
        assert "support-t" not in caught.value.hint + str(caught.value.details)
    alone = parse_grants("read:support-ten@production read:support-ten@nowhere")
    with pytest.raises(NotFound) as caught:
        memory.seen_by(alone).release("support-ten@nowhere")
    assert "production" in caught.value.hint
    assert "staging" not in caught.value.hint + str(caught.value.details)
