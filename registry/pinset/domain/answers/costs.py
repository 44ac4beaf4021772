"""What a release costs, as answers carry it. Money is decimal text in US dollars; None where it is not known."""

from __future__ import annotations

from typing_extensions import NotRequired, TypedDict  # noqa: UP035 - pydantic takes these on 3.11


class CountAnswer(TypedDict):
    """Tokens of one part. exact: as the provider counts it; else approximated by ``encoding``."""

    part: str
    tokens: int
    exact: bool
    encoding: str


class CallAnswer(TypedDict):
    """One call of a prompt. per_1000: what the part that the release fixes costs as input, for 1,000 calls.

    max_tokens: the most that is answered, where the release says it; output_per_1000: what that would cost. unpriced:
    why there is no price, '' where there is one; priced_as: the price list's name for the model, '' without a price.
    """

    prompt: str
    model: str
    tokens: int
    exact: bool
    encoding: str
    per_1000: str | None
    max_tokens: int | None
    output_per_1000: str | None
    unpriced: str
    priced_as: str
    parts: list[CountAnswer]


class TotalAnswer(TypedDict):
    """One call of each prompt. per_1000: None where one of them has no price."""

    tokens: int
    exact: bool
    per_1000: str | None
    output_per_1000: str | None


class CostAnswer(TypedDict):
    """What calls of a release cost, before what the application fills in. calls: that prices are for.

    basis: what counted, and which prices. notes: what is not counted, and what is an approximation. at: the time that the
    reference was taken at; prices are of now.
    """

    ref: str
    bundle: str
    version: int
    currency: str
    calls: int
    total: TotalAnswer
    prompts: list[CallAnswer]
    basis: str
    notes: list[str]
    at: NotRequired[str]
