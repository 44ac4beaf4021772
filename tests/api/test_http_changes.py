"""Changes over many bundles as `curl` sees them: bodies, the header, statuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from pinset.services.local import LocalRegistry

ME = Caller(actor="ada")
RELEASES = "/v1/bundles/support/releases"


def test_a_release_is_made_from_a_release_with_one_request(api: Any, memory: LocalRegistry, manifest: Any) -> None:
    memory.publish(ME, manifest(), alias="production")
    body = {"from": "production", "set": {"model.temperature": "0.9"}, "alias": "production"}
    named = {"Pinset-Change": "ml-812", "Idempotency-Key": "k1"}
    looked = api("POST", RELEASES, json=body, params={"dry_run": "true"})
    assert (looked.status_code, looked.json()["diff"]["changes"][0]["path"]) == (200, "params.temperature")
    made = api("POST", RELEASES, json=body, headers=named)
    assert (made.status_code, made.json()["made_from"], made.headers["location"]) == (
        201,
        "support@v1",
        f"{RELEASES}/v2",
    )
    again = api("POST", RELEASES, json=body, headers=named)
    assert (again.status_code, again.content, again.headers["idempotent-replayed"]) == (201, made.content, "true")
    shown = api("GET", "/v1/changes/ml-812").json()
    assert [one["bundle"] for one in shown["items"]] == ["support"]
    undone = api("POST", "/v1/changes/ml-812/rollback", json={}, headers={"Pinset-Change": "back"}).json()
    assert (undone["under"], undone["items"][0]["to"]) == ("back", 1)
    assert api("GET", "/v1/changes").json()["items"][0]["change"] == "back"


def test_what_makes_no_sense_is_422_and_changes_nothing(api: Any, memory: LocalRegistry, manifest: Any) -> None:
    memory.publish(ME, manifest(), alias="production")
    files = manifest(words="two")
    for body, headers in (
        ({}, {}),
        ({"set": {"model.temperature": "1"}}, {}),
        ({"files": files, "set": {"model.temperature": "1"}}, {}),
        ({"base": "production"}, {}),
        ({"from": "production@x"}, {}),
        ({"from": "production", "set": {"model.temperature": "1"}, "spelled": "Movie Critic"}, {}),
        ({"from": "production", "set": {"model.temp": "1"}}, {}),
        ({"from": "production", "set": {"model.temperature": 1}}, {}),
        ({"from": "production", "files": {"../x": "1"}}, {}),
        ({"files": files}, {"Pinset-Change": "No Such"}),
        ({"files": files}, {"Pinset-Change": ""}),
    ):
        answer = api("POST", RELEASES, json=body, headers=headers)
        assert answer.status_code == 422, (body, answer.text)
    assert memory.bundle("support")["newest"] == 1
