"""MLflow's searches, of prompts and of the versions of one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response  # noqa: TC002 - the framework reads the annotations

from pinset.compat import shelves
from pinset.compat.answering import Reads, has_prompt, known
from pinset.compat.mlflow.passing import Sent, elsewhere, has_upstream
from pinset.compat.mlflow.routes import PREFIX, model_of, version_told
from pinset.domain.exchange import mlflow
from pinset.domain.exchange.mlflow_filters import NAME, NUMBER, TAG, Condition, parse
from pinset.domain.names import is_bundle_name
from pinset.errors import ContentPurged, InvalidInput, NotFound, Purged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.api.context import Asked
    from pinset.compat.answering import Called
    from pinset.domain import answers

MOST: Final = 100
"""Items of an answer; a token says where it goes on."""
LOOKED_AT: Final = 300
"""Bundles, or releases, that one request looks at: an answer may hold fewer than were asked for, with a token."""
LONGEST: Final = 8 * 1024 * 1024
"""Characters of tags that an answer holds, but for its last item."""
_PROMPTS: Final = f"{TAG}{mlflow.IS_PROMPT}"
_NAMED: Final = re.compile(r"[A-Za-z0-9_.-]+")
"""A name as MLflow's clients take it."""
_ORDERS: Final = {
    "registered_models": ("name", "name ASC"),
    "model_versions": ("version_number", "version_number ASC", "version_number DESC"),
}
Filter = Annotated[str, Query(max_length=10_000)]
Most = Annotated[int, Query(ge=1, le=200_000)]
Token = Annotated[str, Query(max_length=200)]
Order = Annotated[list[str] | None, Query()]
router = APIRouter(include_in_schema=False)


@router.get(f"{PREFIX}/registered-models/search")
def prompts(
    asked: Reads,
    sent: Sent,
    filter: Filter = "",  # noqa: A002 - MLflow's name
    max_results: Most = MOST,
    page_token: Token = "",
    order_by: Order = None,
) -> Response:
    """Prompts by name. Those of which all releases are yanked or purged have nothing to show."""
    conditions = parse(filter)
    if _wants_models(conditions):
        return _models(asked, sent, "registered_models")
    _check_order("registered_models", order_by)
    if page_token and not is_bundle_name(page_token):
        raise InvalidInput("the page token is none of this registry's", hint="begin anew, without one")
    items: list[dict[str, Any]] = []
    last, left, size = page_token, LOOKED_AT, 0
    for about in shelves.bundles(asked.registry, after=page_token or None):
        if len(items) == min(max_results, MOST) or not left or size > LONGEST:
            return asked.answered({"registered_models": items, "next_page_token": last})
        last, left = about["name"], left - 1
        model = _fitting(asked, about, conditions)
        if model is not None:
            items.append(model)
            size += _size(model)
    return asked.answered({"registered_models": items})


@router.get(f"{PREFIX}/model-versions/search")
def versions(
    asked: Reads,
    sent: Sent,
    filter: Filter = "",  # noqa: A002 - MLflow's name
    max_results: Most = MOST,
    page_token: Token = "",
    order_by: Order = None,
) -> Response:
    """The versions of one prompt, newest first. What was purged is not among them."""
    conditions = parse(filter)
    if _wants_models(conditions):
        return _models(asked, sent, "model_versions")
    named = [one.value for one in conditions if one.key == NAME and one.sign == "="]
    if not named:
        if any(one.key.startswith(f"{TAG}mlflow.") and one.key != _PROMPTS and one.sign != "!=" for one in conditions):
            return asked.answered({"model_versions": []})  # which runs used a prompt is not kept here
        raise InvalidInput("versions are searched of one prompt", hint="add to the filter: name = 'x'")
    meant = known(asked.registry, named[0])
    if meant is None:
        return elsewhere(asked, sent, named[0])
    _check_order("model_versions", order_by)
    items: list[dict[str, Any]] = []
    last, left, size = page_token, LOOKED_AT, 0
    rises = bool(order_by) and not str(order_by).endswith("DESC']")
    if rises:
        numbers = _rising(asked, meant, page_token)
    else:
        numbers = (one["version"] for one in shelves.releases(asked.registry, meant.bundle, page_token or None))
    for number in numbers:
        if len(items) == min(max_results, MOST) or not left or size > LONGEST:
            return asked.answered({"model_versions": items, "next_page_token": last})
        last, left = str(number), left - 1
        told = _version(asked, meant, number)
        if told is not None and _holds(conditions, told, last):
            items.append(told)
            size += _size(told)
    return asked.answered({"model_versions": items})


def _rising(asked: Asked, meant: Called, after: str) -> Iterator[int]:
    """Numbers of versions, the oldest first; some may be of none."""
    if after and not (after.isascii() and after.isdigit() and len(after) < 10):
        raise InvalidInput("the page token is none of this registry's", hint="begin anew, without one")
    return iter(range(int(after or 0) + 1, asked.registry.bundle(meant.bundle)["newest"] + 1))


def _fitting(asked: Asked, about: answers.BundleAnswer, conditions: tuple[Condition, ...]) -> dict[str, Any] | None:
    """A bundle as a registered model, under the first of its names that fits; None where none does.

    What it is called in MLflow goes before what it is called here.
    """
    of_names = [one for one in conditions if one.key == NAME]
    usual = [name for name in about["names"] if _NAMED.fullmatch(name)]
    spelled = [*usual, about["name"], *about["names"], *about["formerly"]]
    name = next((name for name in spelled if all(one.holds(name) for one in of_names)), None)
    if name is None:
        return None
    newest = shelves.newest(asked.registry, about["name"])
    if newest is None:
        return None
    model = model_of(asked.registry, newest, name)
    return model if _holds(conditions, {**model, "name": name}, None) else None


def _version(asked: Asked, meant: Called, number: int) -> dict[str, Any] | None:
    try:
        document = asked.registry.release(f"{meant.bundle}@v{number}")
    except (NotFound, ContentPurged, Purged):
        return None
    return version_told(asked.registry, document, meant) if has_prompt(document, meant) else None


def _holds(conditions: tuple[Condition, ...], told: dict[str, Any], number: str | None) -> bool:
    tags = {f"{TAG}{tag['key']}": tag["value"] for tag in told["tags"]}
    for one in conditions:
        if one.key == NUMBER and number is None:
            raise InvalidInput("prompts have no version_number: their versions have", hint="search model-versions")
        value = told["name"] if one.key == NAME else number if one.key == NUMBER else tags.get(one.key)
        if not one.holds(value):
            return False
    return True


def _size(told: dict[str, Any]) -> int:
    return sum(len(tag["value"]) for tag in told["tags"])


def _wants_models(conditions: tuple[Condition, ...]) -> bool:
    """Whether a filter asks for what is no prompt."""
    return any(one.key == _PROMPTS and not one.holds("true") for one in conditions)


def _models(asked: Asked, sent: bytes, key: str) -> Response:
    """Models are with the server behind this one, if anywhere."""
    return elsewhere(asked, sent, "") if has_upstream(asked) else asked.answered({key: []})


def _check_order(key: str, order_by: list[str] | None) -> None:
    if any(" ".join(one.split()) not in _ORDERS[key] for one in order_by or ()):
        raise InvalidInput(f"there is one order here: {_ORDERS[key][-1]}", hint="leave order_by out")
