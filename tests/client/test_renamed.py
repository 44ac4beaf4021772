"""A bundle that is renamed goes on being served by every name, and nobody else's passes for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from client_fakes import ME, NAME, UNREACHABLE, Directory, files, until

from pinset.client.listening import Listener
from pinset.client.pace import Pace
from pinset.client.release import Release, Standing
from pinset.client.trust import Trust
from pinset.domain import keys as k
from pinset.domain.commits import parse_raw, signed
from pinset.errors import Integrity, Untrusted
from pinset.signing import make_private

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.client.client import Client

NEW = "helpdesk"
OTHER = "other"


def allowed(source: Directory) -> str:
    return source.registry.keys.all()["allowed_signers"]


def answer(source: Directory, reference: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(source.registry.sealed(reference)))
    return found


def rename(source: Directory) -> None:
    source.registry.bundle_changes.rename(ME, NAME, NEW, reason="the team is called so")


def publish(source: Directory, bundle: str, words: str) -> None:
    given = files(words)
    given["release.yaml"] = given["release.yaml"].replace(f"feature: {NAME}", f"feature: {bundle}")
    source.registry.publish(ME, given, alias="production")


@pytest.fixture(params=["trusted", "believed"])
def trusting(request: pytest.FixtureRequest, source: Directory) -> dict[str, Any]:
    """What a client is made with: the registry's keys, or nothing."""
    return {"trusted_keys": [allowed(source)]} if request.param == "trusted" else {}


def test_an_application_that_asks_by_the_old_name_goes_on(
    make: Callable[..., Client], source: Directory, trusting: dict[str, Any]
) -> None:
    client = make(**trusting)
    assert client.get(NAME).version == 1
    rename(source)
    publish(source, NEW, "Words of the new name.")
    until(lambda: client.get(NAME).version == 2)
    found = client.get(NAME)
    assert (found.ref, found.bundle, found.renamed) == (f"{NAME}@v2", NAME, NEW)
    assert f"feature: {NEW}" in found.files["release.yaml"]
    publish(source, NAME, "Words of the old name.")
    until(lambda: client.get(NAME).version == 3)


def test_an_application_that_asks_by_the_new_name_gets_what_was_published_under_the_old_one(
    make: Callable[..., Client], source: Directory, trusting: dict[str, Any]
) -> None:
    rename(source)
    client = make(**trusting)
    for reference in (NEW, f"{NEW}@v1"):
        found = client.get(reference)
        assert (found.ref, found.renamed) == (f"{NEW}@v1", None)
        assert f"feature: {NAME}" in found.files["release.yaml"]
    client.close()
    source.fails = UNREACHABLE
    assert make(**trusting).get(NEW).source == "disk"


def test_every_name_of_a_chain_is_proven(source: Directory) -> None:
    rename(source)
    for name in ("third", NAME):
        source.registry.bundle_changes.rename(ME, NEW, name, reason="r")
    trust = Trust([allowed(source)])
    for name in (NAME, NEW, "third"):
        given = answer(source, f"{name}@production")
        assert ("name" in given["proof"]) == (name != NAME)
        trust.refuse_unproven(given)


def test_a_bundle_with_spellings_is_proven_under_its_new_name(source: Directory) -> None:
    source.registry.bundle_changes.set(ME, NAME, also=["Movie Critic", '<b>&"{}'])
    rename(source)
    given = answer(source, f"{NEW}@production")
    assert 'Names: ["Movie Critic", "<b>&' in given["proof"]["name"]
    Trust([allowed(source)]).refuse_unproven(given)


def test_another_bundle_does_not_pass_for_a_renamed_one(source: Directory) -> None:
    publish(source, OTHER, "Words of the other.")
    rename(source)
    source.registry.bundle_changes.rename(ME, OTHER, "others", reason="r")
    trust, other = Trust([allowed(source)]), answer(source, "others@production")
    mine = answer(source, f"{NEW}@production")

    def passed_off(name: str, proof: str | None) -> dict[str, Any]:
        return {**other, "bundle": name, "ref": f"{name}@v1", "names": [name, OTHER],
                "proof": {**other["proof"], "name": proof}}  # fmt: skip

    for name in (NAME, NEW):
        for proof in (None, other["proof"]["name"], mine["proof"]["name"], other["proof"]["move"]):
            with pytest.raises(Untrusted, match=r"not signed|is of another bundle"):
                trust.refuse_unproven(passed_off(name, proof))
    trust.refuse_unproven(other)
    trust.refuse_unproven(mine)


def test_a_name_that_nobody_trusted_signed_is_refused(source: Directory) -> None:
    rename(source)
    given, trust = answer(source, f"{NEW}@production"), Trust([allowed(source)])
    raw = parse_raw(given["proof"]["name"])
    forged = raw.unsigned.replace(f"Name: {NEW}", "Name: stolen")
    stranger = make_private()
    for text in (
        raw.unsigned,
        signed(forged.encode(), raw.signature).decode(),
        signed(forged.encode(), stranger.sign(forged.encode(), k.COMMITS)).decode(),
    ):
        stolen = {**given, "bundle": "stolen", "ref": "stolen@v1", "proof": {**given["proof"], "name": text}}
        with pytest.raises(Untrusted):
            trust.refuse_unproven(stolen)
    with pytest.raises(Untrusted, match="another move"):
        trust.refuse_unproven({**given, "alias": {**given["alias"], "name": "staging"}})


@pytest.mark.parametrize("names", [["others"], [], None, 7, [1], ["bad\x1b"]])
def test_a_manifest_of_a_name_that_the_bundle_never_had_is_refused(source: Directory, names: Any) -> None:
    rename(source)
    given = answer(source, f"{NEW}@production")
    assert Release(given, Standing("fresh")).bundle == NEW
    with pytest.raises(Integrity):
        Release({**given, "names": names}, Standing("fresh"))


def test_what_is_heard_by_one_name_makes_every_name_due() -> None:
    heard: list[tuple[str | None, str | None]] = []
    doubted: list[tuple[str, str]] = []

    class Asking:
        def hurry(self, bundle: str | None, selector: str | None, within: float, *, moved: bool = False) -> None:
            heard.append((bundle, selector))

        def doubt(self, versions: Any) -> None:
            doubted.extend(versions)

    listener = Listener(lambda *_: None, Asking(), Pace(60.0))  # type: ignore[arg-type] # all that is asked of it
    move = {"bundle": NEW, "formerly": [NAME, 7], "alias": "production"}
    listener._hear({"event": "move", "serial": 9, "data": move})
    assert heard == [(NEW, "production"), (NAME, "production")]
    listener._hear(
        {"event": "purge", "serial": 10, "data": {"purged": [f"{NEW}@v1"], "also": {f"{NEW}@v1": [f"{NAME}@v1"]}}}
    )
    assert doubted == [(NEW, "v1"), (NAME, "v1")]
    listener._hear({"event": "bundle", "serial": 11, "data": {"bundle": NEW, "formerly": [NAME]}})
    assert len(heard) == 4  # no more: what is said of a bundle changes no release
