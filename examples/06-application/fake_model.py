"""Stands in for what an application buys or builds: a model's client and an index. Both always answer the same."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

COUNTS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5}
INDEXES = {
    "sha256:6f1c1f0e4d1b7a0d0b8a9f2f2a5c7f3a5b0e9d8c7b6a59483726150a1b2c3d4e": (
        "Known issue 4711: the app crashes on login; update to 2.3.",
        "Known issue 4720: exports are empty when a name has an accent.",
        "Parcels are tracked on the page of the carrier.",
    )
}
"""The passages of each index, by its digest."""


@dataclass(frozen=True)
class Message:
    """What the model says."""

    content: str
    role: str = "assistant"


@dataclass(frozen=True)
class Choice:
    """One answer of several."""

    message: Message


@dataclass(frozen=True)
class Completion:
    """What OpenAI's client returns, as far as it is used here."""

    model: str
    choices: list[Choice]


class Completions:
    """Shaped like ``openai.OpenAI().chat.completions``."""

    def create(self, *, model: str, messages: Sequence[dict[str, str]], **_parameters: object) -> Completion:
        """As many sentences of the ticket as the prompt allows, and the first passage it was given."""
        prompt = messages[-1]["content"]
        count = COUNTS[re.findall(r"at most (\w+) sentences", prompt)[-1]]
        context, _, rest = prompt.partition("these passages say:\n")[2].partition("\n\nThe ticket:\n")
        sentences = re.split(r"(?<=[.!?])\s+", rest.partition("\n\nAnswer in")[0])
        text = " ".join([*sentences[:count], f"See: {context.splitlines()[0]}"])
        return Completion(model, [Choice(Message(text))])


@dataclass(frozen=True)
class Chat:
    """Shaped like ``openai.OpenAI().chat``."""

    completions: Completions = field(default_factory=Completions)


@dataclass(frozen=True)
class FakeModel:
    """Shaped like ``openai.OpenAI()``."""

    chat: Chat = field(default_factory=Chat)


@dataclass(frozen=True)
class FakeIndex:
    """The index that a release pins. uri: where it would be opened. digest: what must be found there."""

    uri: str
    digest: str

    def search(self, text: str, top_k: int) -> list[str]:
        """The passages with most words of the text. Raises KeyError for an index that is not here."""
        words = set(re.findall(r"\w+", text.lower()))
        shared = {passage: len(words & set(re.findall(r"\w+", passage.lower()))) for passage in INDEXES[self.digest]}
        return sorted(shared, key=lambda passage: -shared[passage])[:top_k]
