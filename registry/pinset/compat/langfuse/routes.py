"""What Langfuse's clients ask: prompts, who they are, and where their traces go."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

from fastapi import APIRouter, Query
from starlette.responses import JSONResponse, Response

from pinset.compat.answering import Asks, Promotes, Publishes, Reads, alias_of, called, serving, told, version_of
from pinset.compat.langfuse import listing, tracing, writing
from pinset.compat.langfuse.bodies import Create, Relabel  # noqa: TC001 - the framework reads the annotations
from pinset.domain.exchange import langfuse
from pinset.domain.names import DEFAULT_ALIAS
from pinset.errors import InvalidInput, NotFound
from pinset.version import VERSION

if TYPE_CHECKING:
    from pinset.compat.answering import Called
    from pinset.domain import answers
    from pinset.services.local import LocalRegistry

PREFIX: Final = "/compat/langfuse"
PARAMETERS: Final = f"{PREFIX}/parameters"
"""The same, for clients that take every key of ``config`` for a parameter of the call: that is all there is in it then."""
Route = TypeVar("Route", bound=Callable[..., Any])
_NAME: Final = "/v2/prompts/{name:path}"
_Page = Annotated[int, Query(ge=1, le=1_000_000)]
_Limit = Annotated[int, Query(ge=1, le=100)]
_PREFIXES: Final = tuple(f"{one}/api/public" for one in (PREFIX, PARAMETERS))
router = APIRouter(include_in_schema=False)


def _at(method: str, path: str) -> Callable[[Route], Route]:
    """A route at both addresses."""

    def add(route: Route) -> Route:
        for prefix in _PREFIXES:
            router.add_api_route(prefix + path, route, methods=[method])
        return route

    return add


@_at("GET", "/v2/prompts")
@_at("GET", "/v2/prompts/")
def list_prompts(
    asked: Reads,
    name: str | None = None,
    label: str | None = None,
    tag: str | None = None,
    page: _Page = 1,
    limit: _Limit = 50,
) -> Response:
    """Prompts by name, so many to a page."""
    return asked.answered(listing.listed(asked.registry, listing.Wanted(name, label, tag, page, limit)))


@_at("GET", _NAME)
def read(asked: Reads, name: str, label: str | None = None, version: str | None = None) -> Response:
    """A prompt by a label, which is an alias, or by its number; production where neither is said."""
    if label is not None and version is not None:
        raise InvalidInput("label and version exclude each other", hint="send one of them")
    selector = version_of(version) if version is not None else alias_of(label or DEFAULT_ALIAS)
    only_parameters = asked.request.scope["path"].startswith(PARAMETERS)
    return told(asked, name.rstrip("/"), selector, _tell_parameters if only_parameters else _tell)


@_at("POST", "/v2/prompts")
@_at("POST", "/v2/prompts/")
def create(asked: Publishes, body: Create) -> Response:
    """A release that says this, after the one before it."""
    made = writing.create(asked, body)
    return asked.answered(tell(asked.registry, asked.registry.release(made.reference), made.called), 201)


@_at("PATCH", _NAME + "/versions/{version}")
def relabel(asked: Promotes, name: str, version: str, body: Relabel) -> Response:
    """Aliases that serve this version from now on, beside those that do."""
    meant = called(asked.registry, name)
    reference = f"{meant.bundle}@{version_of(version).text}"
    if meant.prompt is not None and meant.prompt not in asked.registry.release(reference)["content"]["prompts"]:
        raise NotFound(f"{reference} has no prompt of that name", hint=f"ask for {meant.bundle} itself")
    writing.promote(asked, reference, body.new_labels)
    return asked.answered(tell(asked.registry, asked.registry.release(reference), meant))


@_at("GET", "/projects")
def projects(asked: Asks) -> Response:
    """The one project that a credential is for: this registry."""
    registry = asked.registry.describe()["id"]
    owner = {"id": registry, "name": "Pinset"}
    return asked.answered({"data": [{"id": registry, "name": "Pinset", "organization": owner, "metadata": {}}]})


@_at("GET", "/health")
def health(asked: Asks) -> Response:
    """That it answers."""
    return asked.answered({"status": "OK", "version": VERSION})


@_at("POST", "/ingestion")
async def ingest(asked: Asks) -> Response:
    """What an application did, as events."""
    return await tracing.passed_on(asked, "/api/public/ingestion", tracing.taken)


@_at("POST", "/otel/v1/traces")
async def trace(asked: Asks) -> Response:
    """What an application did, as OpenTelemetry says it."""
    return await tracing.passed_on(asked, "/api/public/otel/v1/traces", lambda _: JSONResponse({}))


def tell(registry: LocalRegistry, document: answers.ReleaseAnswer, meant: Called, *, parameters: bool = False) -> Any:
    """A release as its clients read it, with the labels that whoever asked so may know of.

    By an alias only that one is told: who may read no more shares the answer.
    """
    labels = _labels(registry, document)
    return langfuse.tell(document, meant.text, meant.prompt, labels=labels, parameters=parameters)


def _tell(registry: LocalRegistry, document: answers.ReleaseAnswer, meant: Called) -> Any:
    return tell(registry, document, meant)


def _tell_parameters(registry: LocalRegistry, document: answers.ReleaseAnswer, meant: Called) -> Any:
    return tell(registry, document, meant, parameters=True)


def _labels(registry: LocalRegistry, document: answers.ReleaseAnswer) -> list[str]:
    found = serving(registry, document)
    if document["alias"] is not None:
        return found
    try:
        newest = registry.summary(f"{document['bundle']}@latest")["version"]
    except NotFound:
        newest = None
    return [*found, langfuse.LATEST] if newest == document["version"] else found
