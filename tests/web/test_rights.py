"""Who may see and do what on pages: every route, as `tests/api/test_http_matrix.py` judges those of the API.

A page's route that is not in `ROUTES` fails, and is to be judged here: what it needs, and where that is asked. Routes
that change something are sent a form that is ours, so that what refuses is a right that is missing.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import pytest
import world
from fastapi.routing import APIRoute

from pinset.web.site import is_of_api

OWN, OTHER = "support-summarizer", "hostile"


class Needs(NamedTuple):
    """What a route needs. where: asked of the bundle in the path, allowed anywhere, or of nobody.

    own, other: what who may is answered about `OWN` and `OTHER`: 404 where there is none of what is asked for.
    """

    verb: str
    where: str = "place"
    query: str = ""
    own: int = 200
    other: int = 200


OPEN, READ, READ_ANYWHERE = Needs("", "nobody"), Needs("read"), Needs("read", "anywhere")
ROUTES: Final[dict[tuple[str, str], Needs]] = {
    ("GET", "/assets/{name}"): OPEN,
    ("GET", "/sign-in"): OPEN,
    ("POST", "/sign-in"): OPEN,
    ("GET", "/sign-in/with/{number}"): OPEN,
    ("GET", "/sign-in/callback"): OPEN,
    ("POST", "/sign-out"): OPEN,
    ("POST", "/theme"): OPEN,
    ("GET", "/favicon.ico"): OPEN,
    ("GET", "/live"): READ_ANYWHERE,
    ("GET", "/"): READ_ANYWHERE,
    ("GET", "/bundles/{bundle}"): READ,
    ("GET", "/bundles/{bundle}/{selector}"): READ,
    ("GET", "/bundles/{bundle}/{selector}/files/{path:path}"): READ,
    ("GET", "/bundles/{bundle}/{selector}/raw/{path:path}"): READ,
    ("GET", "/bundles/{bundle}/{selector}/blame/{path:path}"): READ,
    ("GET", "/components"): READ_ANYWHERE,
    ("GET", "/components/{kind}/{name}"): READ_ANYWHERE,
    ("GET", "/components/{kind}/{name}/{selector}"): READ_ANYWHERE,
    ("GET", "/audit"): Needs("audit", "anywhere"),
    ("GET", "/diff"): READ_ANYWHERE,
    ("GET", "/search"): Needs("read", "anywhere", query="?q=ticket"),
    ("GET", "/bundles/{bundle}/review"): Needs("read", query="?from=v1"),
    ("POST", "/bundles/{bundle}/review"): READ,
    ("GET", "/bundles/{bundle}/aliases/{alias}"): Needs("read", other=404),
    ("POST", "/bundles/{bundle}/aliases/{alias}"): READ,
    ("GET", "/requests"): READ_ANYWHERE,
    ("GET", "/requests/{number}"): Needs("read", "anywhere", own=404, other=404),
    ("POST", "/requests/{number}"): READ_ANYWHERE,
    ("GET", "/changes"): READ_ANYWHERE,
    ("GET", "/changes/{change}"): Needs("read", "anywhere", own=404, other=404),
    ("POST", "/changes/{change}"): READ_ANYWHERE,
}
HOLDERS: Final = {
    "read": ({"read"}, ""),
    "approve": ({"approve"}, ""),
    f"reader:{OWN}": ({"read"}, OWN),
    f"auditor:{OWN}": ({"read", "audit"}, OWN),
    "admin": ({"read", "audit"}, ""),
}
"""Of each credential: what it may of what is asked here, and on which bundle."""


class World:
    """A furnished registry, its pages, and a browser for each holder that needs no cookie."""

    def __init__(self, pages: Any) -> None:
        self.pages = pages
        self.looks = {can: pages.browser() for can in HOLDERS}
        for number, (can, look) in enumerate(self.looks.items()):
            token = pages.registry.create_token(world.ANA, f"t{number}", can=can)["token"]
            look.http.headers["authorization"] = f"Bearer {token}"


@pytest.fixture(scope="module")
def judged(furnished_pages: Any) -> World:
    return World(furnished_pages)


def routes_of(app: Any) -> set[tuple[str, str]]:
    """The pages' routes of an application."""
    found = set()
    for route in app.routes:
        if isinstance(route, APIRoute) and not is_of_api(route.path):
            found |= {(method, route.path) for method in route.methods}
    return found


PLACES: Final = {
    "{selector}": "v1", "{path:path}": "release.yaml", "{kind}": "prompts", "{name}": "house-tone", "{number}": "1",
    "{alias}": "production", "{change}": "tone-2",
}  # fmt: skip


def address(path: str, bundle: str) -> str:
    filled = path.replace("{bundle}", bundle)
    for place, name in PLACES.items():
        filled = filled.replace(place, name)
    return filled


def test_every_route_of_a_page_is_judged(judged: World) -> None:
    assert routes_of(judged.pages.api) == set(ROUTES)


@pytest.mark.parametrize("can", HOLDERS)
def test_a_page_is_for_who_may_see_it(judged: World, can: str) -> None:
    verbs, only = HOLDERS[can]
    look = judged.looks[can]
    for (method, path), needs in ROUTES.items():
        if method != "GET" or needs.where == "nobody" or path == "/live":
            continue
        for bundle in (OWN, OTHER):
            allowed = needs.verb in verbs and (needs.where == "anywhere" or only in ("", bundle))
            answer = look(address(path, bundle) + needs.query)
            there = needs.own if bundle == OWN else needs.other
            assert answer.status_code == (there if allowed else 403), (path, bundle, answer.status_code)
            if not allowed and bundle == OTHER:
                assert "We test what our page does" not in answer.text


def test_nobody_sees_anything_but_the_open_pages(judged: World) -> None:
    look = judged.pages.browser()
    for (method, path), needs in ROUTES.items():
        if method != "GET" or needs.where == "nobody":
            continue
        answer = look(address(path, OWN) + needs.query)
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/sign-in"), path
        assert answer.content == b""


def test_what_somebody_may_not_read_is_on_no_list_of_theirs(judged: World) -> None:
    look = judged.looks[f"auditor:{OWN}"]
    for path in (
        "/",
        "/audit",
        "/components/prompts/house-tone",
        "/search?q=ticket",
        "/requests?state=all",
        "/changes",
    ):
        text = look(path).text
        assert OTHER not in text
        assert "triage" not in text
