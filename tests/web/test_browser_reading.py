"""The reading pages in a real browser: signing in, looking around, following what happens, and whether all can use them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import world

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

PAGES = (
    "/",
    "/bundles/support-summarizer",
    "/bundles/support.triage-agent/v1",
    "/bundles/support-summarizer/v3",
    "/bundles/hostile/v1",
    "/bundles/hostile/v1/files/prompts/main.md",
    "/bundles/support-summarizer/production/blame/prompts/summarizer.md",
    "/components",
    "/components/guardrails/pii-redact",
    "/components/prompts/house-tone/v1",
    "/audit",
    "/search?q=customer",
    "/search?q=nothing-says-this",
    "/nowhere",
)

MAIN = (PAGES[0], PAGES[1], PAGES[2], PAGES[5], PAGES[6], "/audit")


def test_somebody_signs_in_looks_at_a_release_and_signs_out(tab_of: Callable[..., Page], shop: Any) -> None:
    page = tab_of(signed_in=False)
    page.goto("/bundles/support-summarizer")
    assert page.url.endswith("/sign-in?next=/bundles/support-summarizer")
    page.get_by_label("Token").fill("pst_wrong")
    page.keyboard.press("Enter")
    assert "Not signed in" in page.get_by_role("alert").inner_text()
    page.get_by_label("Token").fill(shop.token)
    page.keyboard.press("Enter")
    page.wait_for_url("**/bundles/support-summarizer")
    page.get_by_role("link", name="v3").first.click()
    assert page.get_by_role("heading", level=1).inner_text().startswith("support-summarizer v3")
    assert page.get_by_text("{{ticket}}").is_visible()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    page.goto("/bundles/support-summarizer")
    assert "/sign-in" in page.url


def test_a_promotion_elsewhere_shows_without_reload(tab_of: Callable[..., Page], shop: Any) -> None:
    page = tab_of()
    with page.expect_response("**/live"):
        page.goto("/bundles/support.triage-agent")
    page.evaluate("window.here = true")
    shop.registry.promote(world.BEN, "support.triage-agent@v1", "canary", reason="Tried by the browser")
    page.get_by_role("link", name="canary").first.wait_for()
    assert page.get_by_text("Tried by the browser").first.is_visible()
    assert page.evaluate("window.here") is True
    assert page.locator("#live").inner_text() == "The page shows what has changed."


def test_who_is_typing_is_not_disturbed(tab_of: Callable[..., Page], shop: Any) -> None:
    page = tab_of()
    with page.expect_response("**/live"):
        page.goto("/")
    page.get_by_label("Name", exact=True).fill("supp")
    shop.registry.promote(world.BEN, "support.triage-agent@v1", "pilot", reason="While somebody types")
    page.locator("#live", has_text="Reload the page").wait_for(state="attached")
    assert page.get_by_label("Name", exact=True).input_value() == "supp"


def test_pages_are_read_with_javascript_off(tab_of: Callable[..., Page]) -> None:
    page = tab_of(java_script_enabled=False)
    page.get_by_role("link", name="support.triage-agent").click()
    page.get_by_role("link", name="v1").first.click()
    for words in ("lookup_ticket", "ticket_id", "gpt-4o", "{{customer}}", "guardrails/pii-redact@v1"):
        assert page.get_by_text(words).first.is_visible()
    page.get_by_role("button", name="Dark").click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.get_by_role("heading", level=1).inner_text().startswith("support.triage-agent")
    page.get_by_role("searchbox").fill("kind and exact")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="support-summarizer").first.click()
    assert page.get_by_text("Be short, kind and exact.").first.is_visible()
    for address in PAGES:
        page.goto(address)
        assert page.get_by_role("heading", level=1).is_visible(), address
        assert len(page.locator("main").inner_text()) > 80, address


def test_a_hostile_prompt_stays_text(tab_of: Callable[..., Page]) -> None:
    page = tab_of()
    for address in PAGES[4:6]:
        page.goto(address)
        assert page.title() != "owned"
        assert "<script>document.title='owned'</script>" in page.locator("main").inner_text()
        assert "\\u{202E}" in page.locator("main").inner_text()
        assert page.locator("main script, main img").count() == 0


@pytest.mark.parametrize("width", [360, 1600])
def test_no_page_scrolls_sideways_and_axe_finds_nothing_serious(tab_of: Callable[..., Page], width: int) -> None:
    from axe_playwright_python.sync_playwright import Axe

    scheme = "dark" if width == 360 else "light"
    page = tab_of(viewport={"width": width, "height": 900}, color_scheme=scheme)
    for address in PAGES if width == 360 else MAIN:
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), address
        found = Axe().run(page).response["violations"]
        bad = [
            (one["id"], [node["html"][:120] for node in one["nodes"]][:3])
            for one in found
            if one["impact"] in ("serious", "critical")
        ]
        assert not bad, (address, bad)


def test_the_keyboard_alone_reaches_everything(tab_of: Callable[..., Page]) -> None:
    page = tab_of()
    page.goto("/bundles/support-summarizer")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("document.getElementById('main').contains(document.activeElement)")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
