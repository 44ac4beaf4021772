"""Deciding in a real browser: from a release that somebody publishes to its promotion, and back, as people would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import world
from visiting import sign_in

from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

CARLA = Caller(actor="carla", via="token:t3 127.0.0.1")
POLICY = """\
format: 1
rules:
  - bundles: billing
    aliases: production
    approvals: 1
"""
MAIN = (
    "/diff?from=support-summarizer@v2&to=support.triage-agent@v1",
    "/bundles/support-summarizer/review",
    "/bundles/support-summarizer/aliases/production?act=rollback",
)
LINES = [f"{n}. Say what is true about point {n}, and no more." for n in range(1, 41)]
LONG = "a" * 31 + "." + "b" * 32
PAGES = (
    "/diff",
    "/diff?bundle=support-summarizer",
    "/diff?from=support-summarizer@v2&to=support-summarizer@v3",
    "/diff?from=support-summarizer@v2&to=support.triage-agent@v1&view=inline",
    "/diff?from=support-summarizer@v1&to=hostile@v1",
    "/diff?from=long@v1&to=long@v2&context=all",
    "/bundles/support-summarizer/review",
    "/bundles/support-summarizer/aliases/production",
    "/bundles/support-summarizer/aliases/production?act=rollback",
    "/requests",
    "/changes",
    "/changes/tone-2",
    f"/bundles/{LONG}",
    "/bundles/long/v2",
    "/bundles/long/v2/files/main.md",
)
"""The last two have a megabyte on one line."""


def billing(words: str, *, more: str = "") -> dict[str, str]:
    text = "\n".join(LINES).replace("point 20,", words) + f"\n{{{{ticket}}}}\n{more}"
    return {"release.yaml": "release:\n  feature: billing\n  prompt: {template: main.md}\n", "main.md": text}


@pytest.fixture(scope="module")
def guarded(shop: Any) -> Any:
    """The shop, with a bundle whose production wants approvals, and one with a megabyte on one line."""
    registry = shop.registry
    registry.publish(CARLA, billing("point 20,"), alias="production", message="First")
    files = {"release.yaml": f"release:\n  feature: {LONG}\n  prompt: {{template: main.md}}\n", "main.md": "Hi.\n"}
    registry.publish(Caller(actor="c" * 64), files, label="9" + "l" * 63, alias="x" * 63)
    registry.policies.edit(world.ANA, POLICY, reason="Two look at bills")
    for n, mark in enumerate(("", "CHANGED ")):
        prompt = "word " * 104_850 + mark + "word " * 104_850 + "{{ticket}}\n"  # a file may have 1 MiB
        files = {"release.yaml": "release:\n  feature: long\n  prompt: {template: main.md}\n", "main.md": prompt}
        registry.publish(Caller(actor="carla", change="tone-2"), files, message=f"Long {n}", alias="production")
    return shop


def test_a_release_is_seen_reviewed_approved_promoted_and_rolled_back(
    tab_of: Callable[..., Page], guarded: Any
) -> None:
    registry = guarded.registry
    ben = tab_of(signed_in=False)
    sign_in(ben, str(registry.create_token(world.ANA, "ben", can="promoter")["token"]))
    with ben.expect_response("**/live"):
        ben.goto("/bundles/billing")
    registry.publish(CARLA, billing("the twentieth point,"), alias="staging", message="Clearer")
    ben.get_by_text("Clearer").first.wait_for()

    ben.get_by_role("link", name="Review a promotion").click()
    assert ben.get_by_role("heading", level=1).inner_text() == "Make production serve v2?"
    assert ben.locator("ins", has_text="the twentieth").is_visible()
    assert ben.locator("del", has_text="20").is_visible()
    ben.get_by_role("link", name="Promote v2 to production").click()
    assert "The policy wants approvals" in ben.locator("main").inner_text()
    ben.get_by_label("Why").fill("Reads better")
    ben.get_by_role("button", name="Ask for approval of v2").click()
    ben.wait_for_url("**/requests/1")
    assert "request 1 was made" in ben.get_by_role("status").first.inner_text()
    assert ben.get_by_text("somebody else has to approve it").is_visible()

    ana = tab_of()
    ana.goto("/requests")
    ana.get_by_role("link", name="1", exact=True).click()
    ana.get_by_text("Yours is the last approval").wait_for()
    ana.get_by_label("Why").fill("I agree")
    ana.keyboard.press("Tab")
    ana.keyboard.press("Enter")
    ana.get_by_text("production serves v2 now").wait_for()
    assert registry.alias("billing", "production")["version"] == 2

    ben.get_by_role("link", name="production", exact=True).first.click()
    assert ben.get_by_role("heading", level=1).inner_text() == "production serves v2"
    ben.get_by_role("link", name="Roll back").click()
    ben.get_by_label("Why").fill("A customer complained")
    ben.get_by_role("button", name="Roll back to v1").click()
    ben.get_by_text("production serves v1 again").wait_for()
    assert "v2 barred by this" in ben.locator("main").inner_text()
    move = registry.history("billing", "production")["items"][0]
    assert (move["actor"], move["reason"], move["to"]) == ("ben", "A customer complained", 1)


def test_a_difference_is_read_unfolded_and_linked_to_without_javascript(
    tab_of: Callable[..., Page], guarded: Any
) -> None:
    guarded.registry.publish(CARLA, billing("POINT 20,"), message="Louder")
    page = tab_of(java_script_enabled=False, viewport={"width": 1600, "height": 900})
    page.goto("/diff?from=billing@v1&to=billing@latest")
    fold = page.locator("details.fold").first
    assert not fold.get_by_text("Say what is true about point 3,").first.is_visible()
    fold.locator("summary").press("Enter")
    assert fold.get_by_text("Say what is true about point 3,").first.is_visible()
    old, new = page.locator("#p-default-L20"), page.locator("#p-default-R20")
    sides = [one.bounding_box() for one in (old, new)]
    assert sides[0]["y"] == sides[1]["y"], "beside each other"
    new.click()
    assert page.url.endswith("#p-default-R20")
    page.get_by_role("link", name="Inline").click()
    sides = [one.bounding_box() for one in (old, new)]
    assert sides[0]["y"] < sides[1]["y"], "one below the other"
    page.get_by_role("link", name="Show all lines").click()
    assert page.locator("details.fold").count() == 0
    assert page.get_by_text("Say what is true about point 3,").first.is_visible()
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto("/diff?from=billing@v1&to=billing@latest")
    sides = [one.bounding_box() for one in (old, new)]
    assert sides[0]["y"] < sides[1]["y"], "side by side gives way where there is no room"


def test_a_hostile_prompt_and_a_megabyte_on_one_line_stay_text(tab_of: Callable[..., Page], guarded: Any) -> None:
    page = tab_of()
    page.goto(PAGES[4])
    assert page.title() != "owned"
    assert page.locator("main script, main img").count() == 0
    assert "\\u{202E}" in page.locator("main").inner_text()
    page.goto(PAGES[5])
    assert page.locator("ins", has_text="CHANGED").is_visible()
    assert len(page.content()) < 60_000
    for address in PAGES[-2:]:
        page.goto(address)
        assert page.get_by_text("word word word").first.is_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), address


def test_pages_of_decisions_are_read_with_javascript_off(tab_of: Callable[..., Page], guarded: Any) -> None:
    registry = guarded.registry
    made = registry.publish(CARLA, billing("the point of twenty,"), message="Rounder")["ref"]
    asked = registry.promote(CARLA, made, "production", reason="Asked without a browser")["request"]
    page = tab_of(java_script_enabled=False)
    for address in (*PAGES[:-2], f"/requests/{asked}"):
        page.goto(address)
        assert page.get_by_role("heading", level=1).is_visible(), address
        assert len(page.locator("main").inner_text()) > 80, address
    assert "Asked without a browser" in page.locator("main").inner_text()


def test_a_release_is_promoted_by_the_keyboard_alone(tab_of: Callable[..., Page], guarded: Any) -> None:
    page = tab_of()
    page.goto("/bundles/support.triage-agent/review")
    page.get_by_role("link", name="Promote v1 to production").press("Enter")
    page.get_by_label("Why").press_sequentially("It asks first")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("production serves v1 now").wait_for()
    move = guarded.registry.history("support.triage-agent", "production")["items"][0]
    assert (move["actor"], move["reason"], move["to"]) == ("ana", "It asks first", 1)


@pytest.mark.parametrize("width", [360, 800, 1600])
def test_no_page_of_decisions_scrolls_sideways_and_axe_finds_nothing_serious(
    tab_of: Callable[..., Page], guarded: Any, width: int
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = tab_of(viewport={"width": width, "height": 900}, color_scheme="dark" if width == 360 else "light")
    serving = guarded.registry.alias("support-summarizer", "production")["revision"]
    confirming = f"/bundles/support-summarizer/review?how=again&release=v3&revision={serving}"
    for address in (*PAGES, confirming) if width == 360 else MAIN:
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), address
        found = Axe().run(page).response["violations"]
        bad = [(one["id"], one["nodes"][0]["html"][:160]) for one in found if one["impact"] in {"serious", "critical"}]
        assert not bad, (address, bad)
