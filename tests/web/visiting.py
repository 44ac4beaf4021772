"""Who goes through pages without a browser: follows links, reads forms, sends them as a browser would."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import httpx

from pinset.api.app import create_app
from pinset.web import with_pages

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from pinset.services.local import LocalRegistry


@dataclass
class Form:
    """A form as it was sent to the browser: where it goes, what its fields hold, its buttons' words."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    """Forms, links and what can be read of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self.text = ""
        self.tags: set[str] = set()
        self._form: Form | None = None
        self._into: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.add(tag)
        if tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get"))
            self.forms.append(self._form)
        elif tag == "input" and self._form is not None and given.get("type") != "checkbox":
            self._form.fields[given["name"]] = given.get("value", "")
        elif tag in {"button", "textarea"} and self._form is not None:
            self._into = given.get("name", "") if tag == "textarea" else tag
            if tag == "button":
                self._form.buttons.append("")
            else:
                self._form.fields[given["name"]] = ""
        elif tag == "a":
            self.links.append(("", given.get("href", "")))
            self._into = "a"

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        if tag in {"button", "textarea", "a"}:
            self._into = None

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._into == "a":
            words, address = self.links[-1]
            self.links[-1] = (words + data, address)
        elif self._into == "button" and self._form:
            self._form.buttons[-1] += data
        elif self._into is not None and self._form is not None:
            self._form.fields[self._into] += data


class Page:
    """A page that was answered."""

    def __init__(self, response: httpx.Response) -> None:
        self.response, self.status, self.markup = response, response.status_code, response.text
        reader = _Reader()
        reader.feed(response.text)
        self.links, self.tags = reader.links, reader.tags
        self.text = " ".join(reader.text.split())
        self.address = response.url.raw_path.decode()
        self.forms = [form for form in reader.forms if form.action not in {"/sign-out", "/theme", "/search"}]

    def form(self, words: str) -> Form:
        """The form with a button that says this."""
        found = [form for form in self.forms if any(words in button for button in form.buttons)]
        assert len(found) == 1, [form.buttons for form in self.forms]
        return found[0]

    def has_button(self, words: str) -> bool:
        return any(words in button for form in self.forms for button in form.buttons)

    def link(self, words: str) -> str:
        """The address of the link that says this."""
        found = [address for text, address in self.links if words in " ".join(text.split())]
        assert found, [text for text, _ in self.links]
        return found[0]


class Visitor:
    """Somebody with a credential and a browser's cookies. token '': nobody."""

    def __init__(self, app: Any, loop: asyncio.AbstractEventLoop, token: str = "") -> None:
        self._loop = loop
        headers = {"accept": "text/html", "accept-encoding": "identity"}
        if token:
            headers["authorization"] = f"Bearer {token}"
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("127.0.0.1", 1))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers)

    def get(self, path: str, **given: Any) -> Page:
        return self._page("GET", path, **given)

    def post(self, path: str, fields: dict[str, str], **given: Any) -> Page:
        return self._page("POST", path, data=fields, **given)

    def send(self, form: Form, **more: str) -> Page:
        """Press a button: the form's fields, with what is typed."""
        return self.post(form.action, form.fields | more)

    def _page(self, method: str, path: str, **given: Any) -> Page:
        return Page(self._loop.run_until_complete(self.http.request(method, path, follow_redirects=True, **given)))


class Shown:
    """An application with pages on a loop of its own, until it is closed as a server would be."""

    def __init__(self, app: Any) -> None:
        self.app, self.loop = app, asyncio.new_event_loop()
        self.clients: list[httpx.AsyncClient] = []

    def close(self) -> None:
        async def finish() -> None:
            for client in self.clients:
                await client.aclose()
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self.loop.run_until_complete(finish())
        self.loop.close()


class Browsing(Shown):
    """The pages of a registry, and who visits them."""

    def __init__(self, registry: LocalRegistry) -> None:
        super().__init__(with_pages(create_app(registry)))

    def visitor(self, token: str = "") -> Visitor:
        made = Visitor(self.app, self.loop, token)
        self.clients.append(made.http)
        return made


def sign_in(page: Page, token: str, target: str = "/") -> None:
    """In a browser, as a person does."""
    page.goto(f"/sign-in?next={target}")
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**{target}")
