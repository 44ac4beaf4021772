"""A registry with pages: without a socket for most tests, and one that is served, with one Chromium, for a few."""

from __future__ import annotations

import os
import re
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import httpx
import pytest
import uvicorn

from pinset import bootstrap
from pinset.api.app import create_app
from pinset.web import with_pages

sys.path.insert(0, str(Path(__file__).parent))
import world
from visiting import Shown, sign_in

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

    from pinset.services.local import LocalRegistry

CHROMIUM: Final = Path("/usr/bin/chromium")
FLAGS: Final = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-default-apps", "--disable-sync", "--metrics-recording-only", "--no-first-run",
)  # fmt: skip
"""A browser that asks nobody but us for anything."""
FORM: Final = {"content-type": "application/x-www-form-urlencoded"}
_TOKEN: Final = re.compile(r'name="token" value="([A-Za-z0-9_=-]+)"')


class Looking:
    """Somebody's browser, as far as HTTP goes: it keeps cookies and follows nothing by itself."""

    def __init__(self, app: Any, loop: asyncio.AbstractEventLoop, base: str, client: tuple[str, int]) -> None:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=client)
        plain = {"accept": "text/html,*/*;q=0.8", "accept-encoding": "identity"}
        self.http = httpx.AsyncClient(transport=transport, base_url=base, headers=plain)
        self.base, self._loop = base, loop

    def __call__(self, path: str, method: str = "GET", **given: Any) -> httpx.Response:
        return self._loop.run_until_complete(self.http.request(method, path, **given))

    def token(self, path: str = "/sign-in") -> str:
        """What forms of a page carry."""
        found = _TOKEN.search(self(path).text)
        assert found is not None
        return found[1]

    def send(self, path: str, *, on: str = "/sign-in", **fields: str) -> httpx.Response:
        """Send a form as the page ``on`` has it."""
        return self.post(
            path, {"token": self.token(on), **fields}, {"origin": self.base, "sec-fetch-site": "same-origin"}
        )

    def post(self, path: str, fields: dict[str, str], headers: dict[str, str]) -> httpx.Response:
        return self(path, "POST", content=urlencode(fields), headers=FORM | headers)

    def sign_in(self, credential: str, next_page: str = "/") -> httpx.Response:
        return self.send("/sign-in", credential=credential, next=next_page)


class Pages(Shown):
    """The pages of one registry."""

    def __init__(self, registry: LocalRegistry, **given: Any) -> None:
        site = given.pop("app", None)
        super().__init__(site or with_pages(create_app(registry, others=given.pop("others", None)), **given))
        self.registry, self.api = registry, self.app.api

    def browser(self, base: str = "http://localhost", client: tuple[str, int] = ("127.0.0.1", 1)) -> Looking:
        made = Looking(self.app, self.loop, base, client)
        self.clients.append(made.http)
        return made


@pytest.fixture
def pages_of() -> Iterator[Callable[..., Pages]]:
    """Makes the pages of a registry."""
    made: list[Pages] = []

    def make(registry: LocalRegistry, **given: Any) -> Pages:
        made.append(Pages(registry, **given))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="module")
def furnished_pages() -> Iterator[Pages]:
    """A registry of its own with something of everything, and its pages: for who adds credentials to it."""
    registry = bootstrap.memory_registry()
    world.furnish(registry)
    pages = Pages(registry)
    yield pages
    pages.close()
    registry.close()


@pytest.fixture(scope="module")
def furnished() -> Iterator[LocalRegistry]:
    """A registry in memory with something of everything, which tests read and do not change."""
    registry = bootstrap.memory_registry()
    world.furnish(registry)
    yield registry
    registry.close()


@pytest.fixture(scope="module")
def reading(furnished: LocalRegistry) -> Iterator[Looking]:
    """A browser on this machine that looks at it without signing in."""
    pages = Pages(furnished)
    yield pages.browser()
    pages.close()


class Shop:
    """A served registry, furnished. token: of somebody who may do everything."""

    def __init__(self, registry: LocalRegistry, url: str, token: str) -> None:
        self.registry, self.url, self.token = registry, url, token


@pytest.fixture(scope="module")
def shop(made_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A registry of a directory with tokens, served on loopback. One a module: browsers are slow to sign in."""
    import shutil

    home = tmp_path_factory.mktemp("shop") / "registry"
    shutil.copytree(made_once, home, symlinks=True)
    registry = bootstrap.local_registry(home)
    world.furnish(registry)
    token = str(registry.create_token(world.ANA, "ana", can="admin")["token"])
    listening = socket.create_server(("127.0.0.1", 0))
    app = with_pages(create_app(registry))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield Shop(registry, f"http://127.0.0.1:{listening.getsockname()[1]}", token)
    server.should_exit = True
    thread.join(timeout=20)
    listening.close()
    registry.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium. One a module: while it runs this thread can run no event loop of its own."""
    if not CHROMIUM.exists():
        message = f"{CHROMIUM} is not there: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def tab_of(chromium: Browser, shop: Shop) -> Iterator[Callable[..., Page]]:
    """Opens a tab of a browser that keeps nothing. signed_in: as ana. What goes wrong in its console fails the test."""
    opened: list[Any] = []
    wrong: list[str] = []

    def tab(*, signed_in: bool = True, **given: Any) -> Page:
        context = chromium.new_context(base_url=shop.url, reduced_motion="reduce", **given)
        context.set_default_timeout(20_000)
        opened.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
        if signed_in:
            sign_in(page, shop.token)
        return page

    yield tab
    for context in opened:
        context.close()
    assert not wrong
