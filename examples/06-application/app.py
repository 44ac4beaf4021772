"""The support summarizer as an application. One client keeps its release; a request holds on to the one it began with."""

from __future__ import annotations

import os
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fake_model import FakeIndex, FakeModel
from fastapi import FastAPI
from pydantic import BaseModel

from pinset import Client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pinset.client.release import Release

BUNDLE = "support-summarizer"
REDACTED = {
    "email": r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
    "credit_card": r"\b\d{4}(?:[ -]?\d{4}){3}\b",
    "phone": r"\+\d[\d ()-]{6,}\d",
}
"""What this code can find of what a guardrail names."""


class Ticket(BaseModel):
    """What a customer wrote."""

    ticket: str


class Summary(BaseModel):
    """What the model made of a ticket, by which release, and where that release came from."""

    summary: str
    release: str
    source: str


class Health(BaseModel):
    """Which release is held. age: seconds since it was last known to be the one."""

    release: str
    label: str | None
    source: str
    age: float


@asynccontextmanager
async def lifespan(application: FastAPI) -> AsyncIterator[None]:
    """One client as long as the application lives; without any release it does not start."""
    with Client(poll=float(os.environ.get("POLL", "15"))) as client:  # PINSET_REGISTRY, PINSET_TOKEN, PINSET_CACHE
        application.state.client = client
        application.state.model = FakeModel()  # openai.OpenAI() has the same method
        held()
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/summaries")
def summarize(asked: Ticket) -> Summary:
    """All parts of an answer are of one release, whatever is promoted meanwhile."""
    release = held()
    ticket = redact(release, asked.ticket)
    found = release.retrieval["default"]
    passages = FakeIndex(found["index"]["uri"], found["index"]["digest"]).search(ticket, found["top_k"])
    answer = app.state.model.chat.completions.create(**release.for_openai(ticket=ticket, context="\n".join(passages)))
    text = redact(release, answer.choices[0].message.content)
    return Summary(summary=text, release=release.ref, source=release.source)


@app.get("/healthz")
def healthz() -> Health:
    """Healthy is who holds a release; `source` and `age` say how good it is."""
    release = held()
    return Health(release=release.ref, label=release.label, source=release.source, age=round(release.age, 3))


def held() -> Release:
    """The release to use now, from memory. One that wants more than this code gives is not taken."""
    client: Client = app.state.client
    return client.get(BUNDLE, variables={"ticket", "context"}, tools=set())


def redact(release: Release, text: str) -> str:
    """The text without what the release's guardrails name. Raises KeyError for what this code cannot find."""
    for guardrail in release.guardrails.values():
        for entity in guardrail["config"]["entities"]:
            text = re.sub(REDACTED[entity], guardrail["config"]["replacement"], text)
    return text
