"""Acting from pages without a browser: what is pressed is done once, as it was seen, by who may, and is on record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from visiting import Browsing, Page, Visitor

from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pinset.services.local import LocalRegistry

OPS = Caller(actor="ops")
HOSTILE = '</textarea><script>alert(1)</script>"\u202e'
POLICY = """\
format: 1
rules:
  - bundles: support
    aliases: production
    approvals: 1
    break_glass: [mover]
"""
REVIEW = "/bundles/support/review"
PRODUCTION = "/bundles/support/aliases/production"


@pytest.fixture
def registry(memory: LocalRegistry, manifest: Callable[..., dict[str, str]]) -> LocalRegistry:
    """A bundle whose production serves v2 and served v1, and whose staging serves v3."""
    for n in (1, 2, 3):
        memory.publish(OPS, manifest(words=f"Number {n}."), message=f"the {n}.")
    for n in (1, 2):
        memory.promote(OPS, f"support@v{n}", "production", reason=f"because {n}")
    memory.promote(OPS, "support@v3", "staging")
    return memory


@pytest.fixture
def browsing(registry: LocalRegistry) -> Iterator[Browsing]:
    pages = Browsing(registry)
    yield pages
    pages.close()


@pytest.fixture
def as_(browsing: Browsing, registry: LocalRegistry) -> Callable[..., Visitor]:
    """Visits with a credential that can do this."""

    def make(name: str, can: str) -> Visitor:
        return browsing.visitor(str(registry.create_token(OPS, name, can=can)["token"]))

    return make


@pytest.fixture
def mover(as_: Callable[..., Visitor]) -> Visitor:
    return as_("mover", "promoter")


def serves(registry: LocalRegistry, alias: str = "production") -> int | None:
    return registry.alias("support", alias)["version"]


def confirmed(visitor: Visitor) -> Page:
    """The question whether to promote what staging serves."""
    return visitor.get(visitor.get(REVIEW).link("Promote v3 to production"))


# -- promoting -------------------------------------------------------------------------------------------------------


def test_a_review_leads_to_a_promotion_that_is_recorded_as_over_the_api(
    registry: LocalRegistry, mover: Visitor
) -> None:
    review = mover.get(REVIEW)
    assert review.status == 200
    assert "Make production serve v3?" in review.text
    assert "Number 3." in review.text
    assert "pinset promote support@v3 production --expect v2" in review.text
    done = mover.send(confirmed(mover).form("Promote v3"), reason="seen and liked")
    assert done.address.startswith(PRODUCTION)
    assert "production serves v3 now, in the place of v2." in done.text
    move = registry.history("support", "production")["items"][0]
    assert (move["to"], move["actor"], move["reason"]) == (3, "mover", "seen and liked")
    with registry._context.catalog.reading() as reader:
        stamp = reader.records(after=registry.describe()["serial"] - 1)[0][1].stamp
    assert stamp.via.startswith("token:")


def test_a_button_pressed_twice_makes_one_move(registry: LocalRegistry, mover: Visitor) -> None:
    form = confirmed(mover).form("Promote v3")
    first, again = mover.send(form), mover.send(form)
    assert (first.status, again.status) == (200, 200)
    assert "production serves v3 now" in again.text
    assert registry.alias("support", "production")["seq"] == 3


def test_what_somebody_else_moved_meanwhile_is_not_run_over_and_what_was_typed_is_kept(
    registry: LocalRegistry, mover: Visitor
) -> None:
    form = confirmed(mover).form("Promote v3")
    registry.rollback(OPS, "support", "production")
    refused = mover.send(form, reason=HOSTILE)
    assert refused.status == 409
    assert "Somebody moved production since you looked" in refused.text
    assert mover.get(refused.link("Review it as it is now")).status == 200
    assert "alert(1)" in refused.text
    assert "<script>alert" not in refused.markup
    assert serves(registry) == 1


def test_the_question_itself_says_when_the_alias_has_moved(registry: LocalRegistry, mover: Visitor) -> None:
    address = mover.get(REVIEW).link("Promote v3 to production")
    registry.rollback(OPS, "support", "production")
    asked = mover.get(address)
    assert "Somebody moved production since you looked" in asked.text
    assert not asked.has_button("Promote")


def test_a_form_that_is_not_ours_or_does_not_say_what_was_seen_does_nothing(
    registry: LocalRegistry, mover: Visitor
) -> None:
    form = confirmed(mover).form("Promote v3")
    for token in ("", "A" * 88):
        assert mover.send(form, token=token).status == 403
    assert mover.post(form.action, form.fields, headers={"origin": "https://elsewhere.example"}).status == 403
    for missing in ("key", "revision", "release"):
        fields = {name: value for name, value in form.fields.items() if name != missing}
        assert mover.post(form.action, fields).status == 422
    assert serves(registry) == 2


def test_a_key_that_was_used_for_something_else_is_told_and_the_form_can_be_sent_again(
    registry: LocalRegistry, mover: Visitor
) -> None:
    form = confirmed(mover).form("Promote v3")
    mover.send(form, reason="one")
    registry.rollback(OPS, "support", "production")
    refused = mover.send(form, reason="two")
    assert refused.status == 409
    assert "was used before" in refused.text
    assert serves(registry) == 2


def test_who_may_not_promote_sees_no_button_and_is_refused_anyway(
    registry: LocalRegistry, as_: Callable[..., Visitor], mover: Visitor
) -> None:
    reader = as_("reader", "read")
    review = reader.get(REVIEW)
    assert "Your credential cannot promote to production" in review.text
    assert not any("Promote v3" in words for words, _ in review.links)
    asked = reader.get(confirmed(mover).address)
    assert not asked.has_button("Promote")
    form = confirmed(mover).form("Promote v3")
    form.fields["token"] = reader.get("/requests").markup.split('name="token" value="')[1].split('"')[0]
    refused = reader.send(form)
    assert refused.status == 403
    assert serves(registry) == 2


def test_who_may_read_nothing_of_a_bundle_sees_nothing(as_: Callable[..., Visitor]) -> None:
    other = as_("other", "read:payments*")
    for path in (REVIEW, PRODUCTION, "/diff?from=support@v1&to=support@v2", "/requests/1"):
        answer = other.get(path)
        assert answer.status in {403, 404}
        assert "Number" not in answer.text


def test_a_release_that_was_rolled_back_wants_again_and_a_reason(registry: LocalRegistry, mover: Visitor) -> None:
    registry.promote(OPS, "support@v3", "production")
    registry.rollback(OPS, "support", "production")
    asked = confirmed(mover)
    assert "is barred from it" in asked.text
    again = mover.get(asked.link("promote it again"))
    done = mover.send(again.form("Promote v3"), reason="fixed the index")
    assert "production serves v3 now" in done.text
    assert registry.history("support", "production")["items"][0]["again"]


def test_a_yanked_candidate_is_refused_in_words(registry: LocalRegistry, mover: Visitor) -> None:
    registry.yank(OPS, "support@v3", reason="leaks")
    review = mover.get(REVIEW)
    assert "yanked" in review.text
    asked = mover.get(f"{REVIEW}?how=promote&release=v3&revision={registry.alias('support', 'production')['revision']}")
    assert "is yanked: leaks" in asked.text
    assert not asked.has_button("Promote")


# -- approvals -------------------------------------------------------------------------------------------------------


@pytest.fixture
def guarded(registry: LocalRegistry) -> LocalRegistry:
    registry.policies.edit(OPS, POLICY, reason="be careful")
    return registry


def requested(mover: Visitor) -> Page:
    return mover.send(confirmed(mover).form("Ask for approval"), reason="please look")


def test_where_the_policy_wants_approvals_the_button_asks_and_says_so(guarded: LocalRegistry, mover: Visitor) -> None:
    asked = confirmed(mover)
    assert "The policy wants approvals" in asked.text
    made = requested(mover)
    assert "request 1 was made, and nothing has moved yet" in made.text
    assert made.address == "/requests/1"
    assert serves(guarded) == 2
    assert "please look" in mover.get("/requests").text


def test_ones_own_request_cannot_be_approved_and_the_page_says_so_before(
    guarded: LocalRegistry, as_: Callable[..., Visitor]
) -> None:
    both = as_("mover", "promoter approver")
    page = requested(both)
    assert "You made this request, so somebody else has to approve it." in page.text
    assert not page.has_button("Approve")
    form = page.form("Take it back")
    refused = both.send(form, decision="approve")
    assert (refused.status, serves(guarded)) == (409, 2)
    assert "cannot approve it" in refused.text
    taken = both.send(refused.form("Take it back"), decision="withdraw", reason="too early")
    assert "taken back" in taken.text
    assert guarded.requests.show(1)["state"] == "withdrawn"


def test_an_approval_says_what_it_does_and_does_it(
    guarded: LocalRegistry, mover: Visitor, as_: Callable[..., Visitor]
) -> None:
    requested(mover)
    approver = as_("approver", "approver")
    page = approver.get("/requests/1")
    assert "Yours is the last approval that is needed" in page.text
    assert "Number 3." in page.text
    done = approver.send(page.form("Approve"), decision="approve", reason="reads well")
    assert "production serves v3 now" in done.text
    assert (serves(guarded), guarded.requests.show(1)["state"]) == (3, "done")
    assert "request 1" in mover.get(PRODUCTION).text


def test_an_approval_is_of_the_request_that_was_seen(
    guarded: LocalRegistry, mover: Visitor, as_: Callable[..., Visitor]
) -> None:
    requested(mover)
    approver = as_("approver", "approver")
    form = approver.get("/requests/1").form("Approve")
    refused = approver.send(form, decision="approve", revision="0" * 40, reason="typed")
    assert refused.status == 409
    assert "another one than you have seen" in refused.text
    assert refused.form("Approve").fields["reason"] == "typed"
    assert serves(guarded) == 2


def test_a_rejection_wants_a_reason_and_is_for_good(
    guarded: LocalRegistry, mover: Visitor, as_: Callable[..., Visitor]
) -> None:
    requested(mover)
    approver = as_("approver", "approver")
    form = approver.get("/requests/1").form("Reject")
    refused = approver.send(form, decision="reject")
    assert refused.status == 422
    assert "a rejection wants a reason" in refused.text
    assert "data-live" not in refused.markup, "what happens elsewhere would renew the page, and the refusal away"
    done = approver.send(refused.form("Reject"), decision="reject", reason=HOSTILE)
    assert guarded.requests.show(1)["state"] == "rejected"
    assert "<script>alert" not in done.markup
    assert "\\u{202E}" in done.text
    assert not done.has_button("Approve")
    assert "There is none" not in mover.get("/requests?state=rejected").text


def test_who_published_the_release_is_told_before_that_they_cannot_approve(
    guarded: LocalRegistry, mover: Visitor, as_: Callable[..., Visitor], manifest: Callable[..., dict[str, str]]
) -> None:
    author = as_("author", "write approver")
    guarded.publish(Caller(actor="author"), manifest(words="Theirs."), alias="staging")
    mover.send(mover.get(mover.get(REVIEW).link("Promote v4")).form("Ask for approval"))
    page = author.get("/requests/1")
    assert "author published support@v4" in page.text
    assert not page.has_button("Approve")
    assert page.has_button("Reject")


def test_looking_at_a_request_leaves_no_trace(
    guarded: LocalRegistry, mover: Visitor, as_: Callable[..., Visitor]
) -> None:
    requested(mover)
    before = guarded.describe()["serial"]
    for visitor in (mover, as_("approver", "approver"), as_("reader", "read")):
        assert visitor.get("/requests/1").status == 200
        assert confirmed(mover).status == 200
    assert guarded.describe()["serial"] == before
    assert not [item for item in guarded.audit.items(limit=100)["items"] if item["code"] is not None]


def test_only_whom_the_policy_names_is_shown_the_glass_and_it_wants_a_reason_and_a_tick(
    registry: LocalRegistry, mover: Visitor, as_: Callable[..., Visitor]
) -> None:
    policy = POLICY.replace("approvals: 1", 'evidence: [{suite: evals, score: ">= 1"}]')
    registry.policies.edit(OPS, policy, reason="be careful")
    other = confirmed(as_("other", "promoter"))
    assert not any("glass" in words for words, _ in other.links)
    asked = confirmed(mover)
    assert "evals" in asked.text
    glass = mover.get(asked.link("Break the glass"))
    form = glass.form("Break the glass")
    assert mover.send(form, reason="an outage").status == 422, "without the tick"
    assert mover.send(form, glass="yes").status == 422, "without a reason"
    assert serves(registry) == 2
    done = mover.send(mover.get(asked.link("Break the glass")).form("Break the glass"), glass="yes", reason="an outage")
    assert "glass broken" in done.text
    assert serves(registry) == 3


# -- going back ------------------------------------------------------------------------------------------------------


def test_a_rollback_is_confirmed_with_what_it_changes_and_made_once(registry: LocalRegistry, mover: Visitor) -> None:
    history = mover.get(PRODUCTION)
    assert "because 2" in history.text
    asked = mover.get(history.link("Roll back"))
    assert "Roll production back to v1?" in asked.text
    assert "Number 1." in asked.text
    form = asked.form("Roll back to v1")
    done, again = mover.send(form, reason="worse answers"), mover.send(form, reason="worse answers")
    assert "production serves v1 again. v2 is barred" in done.text
    assert "v2 barred by this" in again.text
    move = registry.history("support", "production")["items"][0]
    assert (move["action"], move["seq"], move["actor"], move["reason"]) == ("rollback", 3, "mover", "worse answers")


def test_a_rollback_of_what_is_no_longer_served_is_refused(registry: LocalRegistry, mover: Visitor) -> None:
    form = mover.get(f"{PRODUCTION}?act=rollback").form("Roll back to v1")
    registry.promote(OPS, "support@v3", "production")
    refused = mover.send(form, reason="kept words")
    assert refused.status == 409
    assert "Somebody moved production since you looked" in refused.text
    assert "kept words" in refused.markup
    assert serves(registry) == 3


def test_going_back_further_is_chosen_from_what_was_served(registry: LocalRegistry, mover: Visitor) -> None:
    registry.promote(OPS, "support@v3", "production")
    asked = mover.get(f"{PRODUCTION}?act=rollback&release=v1")
    assert "Roll production back to v1?" in asked.text
    mover.send(asked.form("Roll back to v1"))
    assert serves(registry) == 1


def test_who_may_not_roll_back_sees_no_button_and_is_refused_anyway(
    registry: LocalRegistry, mover: Visitor, as_: Callable[..., Visitor]
) -> None:
    reader = as_("reader", "read")
    assert not any("Roll back" in words for words, _ in reader.get(PRODUCTION).links)
    assert not reader.get(f"{PRODUCTION}?act=rollback").has_button("Roll back")
    form = mover.get(f"{PRODUCTION}?act=rollback").form("Roll back to v1")
    form.fields["token"] = reader.get("/requests").markup.split('name="token" value="')[1].split('"')[0]
    assert reader.send(form).status == 403
    assert serves(registry) == 2


def test_who_may_move_one_alias_and_read_no_more_rolls_it_back(
    registry: LocalRegistry, as_: Callable[..., Visitor]
) -> None:
    roller = as_("roller", "read:support@production rollback:support@production")
    asking = roller.get(roller.get(PRODUCTION).link("Roll back"))
    assert asking.status == 200
    roller.send(asking.form("Roll back to v1"))
    assert serves(registry) == 1


def test_what_leads_elsewhere_on_a_guarded_alias_is_a_promotion(guarded: LocalRegistry, mover: Visitor) -> None:
    asked = mover.get(f"{PRODUCTION}?act=rollback&release=v3")
    assert asked.status == 200
    assert not asked.has_button("Roll back to v3")


def test_an_alias_that_never_moved_is_not_found(mover: Visitor) -> None:
    assert mover.get("/bundles/support/aliases/canary").status == 404


# -- hostile ---------------------------------------------------------------------------------------------------------


def test_hostile_prompts_reasons_and_names_are_inert_everywhere(
    registry: LocalRegistry, mover: Visitor, manifest: Callable[..., dict[str, str]]
) -> None:
    files = manifest()
    files["release.yaml"] = files["release.yaml"].replace('text: "Summarize {{ticket}}. "', "template: p.md")
    files["p.md"] = "</code></div><script>alert(1)</script><img src=x onerror=alert(1)>{{ticket}}\n"
    registry.publish(OPS, files, message=HOSTILE, alias="staging")
    registry.promote(OPS, "support@v4", "canary", reason=HOSTILE)
    canary = "/bundles/support/aliases/canary"
    for path in (REVIEW, canary, "/diff?from=support@v1&to=support@v4", "/diff?from=%3Cscript%3E&to=x"):
        page = mover.get(path)
        assert "<script>alert" not in page.markup
        assert "<img src=x" not in page.markup
        assert "\u202e" not in page.markup


def test_a_comparison_needs_two_sides_and_offers_them(mover: Visitor) -> None:
    chosen = mover.get("/diff?bundle=support")
    assert chosen.form("Compare").action == "/diff"
    assert 'value="support@production"' in chosen.markup
    assert 'value="support@v3"' in chosen.markup
    assert "Number 3." in mover.get("/diff?from=support@v1&to=support@v3").text


# -- changes ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def changed(registry: LocalRegistry, manifest: Callable[..., dict[str, str]]) -> LocalRegistry:
    """Two bundles that were moved under one name."""
    under = Caller(actor="ops", change="tone-2")
    registry.publish(OPS, manifest("payments"), alias="production")
    registry.publish(under, manifest("payments", words="Kinder."), alias="production")
    registry.promote(under, "support@v3", "production")
    return registry


def test_a_change_shows_each_bundle_with_its_verdict_and_is_taken_back_as_one(
    changed: LocalRegistry, mover: Visitor
) -> None:
    assert "tone-2" in mover.get("/changes").text
    shown = mover.get("/changes/tone-2")
    assert "payments" in shown.text
    assert shown.text.count("behaviour") == 2
    assert mover.get(shown.link("diff")).status == 200
    form = mover.get(shown.link("Roll back")).form("Roll all of it back")
    done, again = mover.send(form, reason="too kind"), mover.send(form, reason="too kind")
    assert done.status == again.status == 200
    assert "2 aliases serve again what they served before" in done.text
    assert (serves(changed), changed.alias("payments", "production")["version"]) == (2, 1)
    assert not any("Roll back" in words for words, _ in mover.get("/changes/tone-2").links)


def test_a_change_is_left_where_somebody_moved_on_and_told_where_it_is_refused(
    changed: LocalRegistry, mover: Visitor, as_: Callable[..., Visitor]
) -> None:
    changed.rollback(OPS, "support", "production")
    some = as_("some", "read rollback:support*")
    done = some.send(some.get("/changes/tone-2?act=rollback").form("Roll all of it back"))
    assert "refused" in done.text
    assert changed.alias("payments", "production")["version"] == 2
    reader = as_("reader", "read")
    assert not reader.get("/changes/tone-2?act=rollback").has_button("Roll all")
    assert reader.get("/changes/nothing").status == 404
