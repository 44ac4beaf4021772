"""The application: routes that translate, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, FastAPI, Path, Query, Request
from starlette.responses import PlainTextResponse, Response

import pinset
from pinset.api import problems
from pinset.api.context import Asked, Cursor, Limit, asking, etag, not_modified, reference, revision_of
from pinset.api.guard import Guard
from pinset.domain import answers as a
from pinset.domain.references import SelectorKind, parse_selector
from pinset.errors import PreconditionRequired
from pinset.wire import requests as r

if TYPE_CHECKING:
    from pinset.services.local import LocalRegistry

Name = Annotated[str, Path(max_length=200)]
Form = Annotated[Literal["document", "sealed", "summary"], Query(description="Which shape to answer in.")]
_STATUSES = (401, 403, 404, 409, 410, 412, 413, 415, 422, 428, 429, 500, 503)
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": "A problem document.",
        "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status in _STATUSES
}
_IMMUTABLE = "private, max-age=31536000, immutable"
router = APIRouter(prefix="/v1", responses=PROBLEMS)
open_router = APIRouter(responses=PROBLEMS)
Reads = Annotated[Asked, asking("read")]
Publishes = Annotated[Asked, asking("publish")]
Moves = Annotated[Asked, asking("move")]
Yanks = Annotated[Asked, asking("yank")]
Verifies = Annotated[Asked, asking("verify")]
Credentials = Annotated[Asked, asking("tokens")]


@router.get("/registry", response_model=a.RegistryAnswer)
def get_registry(asked: Reads) -> Response:
    """Which registry this is."""
    return asked.answered(asked.registry.describe())


@router.get("/bundles", response_model=a.Page[a.BundleAnswer])
def list_bundles(
    asked: Reads,
    q: Annotated[str, Query(max_length=64)] = "",
    uses: str | None = None,
    alias: str | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """Bundles by name."""
    return asked.answered(asked.registry.bundles(query=q, uses=uses, alias=alias, cursor=cursor, limit=limit))


@router.get("/bundles/{bundle}", response_model=a.BundleAnswer)
def get_bundle(asked: Reads, bundle: Name) -> Response:
    """One bundle."""
    return asked.answered(asked.registry.bundle(bundle))


@router.post(
    "/bundles/{bundle}/releases",
    response_model=a.PublishAnswer,
    responses={201: {"model": a.PublishAnswer, "description": "A new release."}},
)
def publish(asked: Publishes, bundle: Name, body: r.PublishRequest) -> Response:
    """Publish a release: 201 where it is new, 200 where its content was there."""

    def work() -> Response:
        answer = asked.registry.publish(asked.caller, bundle=bundle, **body.model_dump())
        place = f"/v1/bundles/{bundle}/releases/v{answer['version']}"
        return asked.answered(answer, 201 if answer["created"] and not asked.caller.dry_run else 200, Location=place)

    return asked.once(body.model_dump(), work)


@router.get("/bundles/{bundle}/releases", response_model=a.Page[a.ReleaseSummary])
def list_releases(asked: Reads, bundle: Name, cursor: Cursor = None, limit: Limit = 100) -> Response:
    """Releases of a bundle, newest first."""
    return asked.answered(asked.registry.releases(bundle, cursor=cursor, limit=limit))


@router.api_route(
    "/bundles/{bundle}/releases/{selector}",
    methods=["GET"],
    response_model=a.ReleaseAnswer | a.SealedAnswer | a.ReleaseSummary,
    responses={304: {"description": "You have it."}},
)
def get_release(asked: Reads, request: Request, bundle: Name, selector: Name, form: Form = "document") -> Response:
    """A release by version, label, digest, alias or latest."""
    return _release(asked, request, reference(bundle, selector), form)


@router.get("/bundles/{bundle}/releases/{selector}/files/{path:path}", response_class=PlainTextResponse)
def get_file(asked: Reads, bundle: Name, selector: Name, path: str) -> Response:
    """One file of a release as it is."""
    return PlainTextResponse(asked.registry.file(reference(bundle, selector), path))


@router.post("/bundles/{bundle}/releases/{selector}/yank", response_model=a.YankAnswer)
def yank(asked: Yanks, bundle: Name, selector: Name, body: r.YankRequest) -> Response:
    """Refuse a release to new moves."""
    named = reference(bundle, selector)
    return asked.once(
        body.model_dump(), lambda: asked.answered(asked.registry.yank(asked.caller, named, reason=body.reason))
    )


@router.post("/bundles/{bundle}/releases/{selector}/unyank", response_model=a.YankAnswer)
def unyank(asked: Yanks, bundle: Name, selector: Name, body: r.YankRequest) -> Response:
    """Take a yank back."""
    named = reference(bundle, selector)
    return asked.once(
        body.model_dump(), lambda: asked.answered(asked.registry.unyank(asked.caller, named, reason=body.reason))
    )


@router.get("/bundles/{bundle}/aliases", response_model=a.Page[a.AliasAnswer])
def list_aliases(asked: Reads, bundle: Name) -> Response:
    """Every alias of a bundle, retired ones included."""
    return asked.answered(asked.registry.aliases(bundle))


@router.get(
    "/bundles/{bundle}/aliases/{alias}",
    response_model=a.ReleaseAnswer | a.SealedAnswer | a.ReleaseSummary,
    responses={304: {"description": "You have it."}},
)
def get_alias(asked: Reads, request: Request, bundle: Name, alias: Name, form: Form = "document") -> Response:
    """The release that an alias serves."""
    from pinset.domain.names import alias_name  # noqa: PLC0415 - only this route needs it

    return _release(asked, request, reference(bundle, alias_name(alias)), form)


@router.head("/bundles/{bundle}/aliases/{alias}", include_in_schema=False)
def head_alias(asked: Reads, request: Request, bundle: Name, alias: Name, form: Form = "document") -> Response:
    """As GET, without the body."""
    return get_alias(asked, request, bundle, alias, form)


@router.put("/bundles/{bundle}/aliases/{alias}", response_model=a.MoveAnswer)
def promote(asked: Moves, request: Request, bundle: Name, alias: Name, body: r.PromoteRequest) -> Response:
    """Make an alias serve a release, if it is where If-Match or If-None-Match say."""
    revision = _expected(request)
    named = reference(bundle, body.release)

    def work() -> Response:
        moved = asked.registry.promote(
            asked.caller, named, alias, revision=revision, reason=body.reason, again=body.again
        )
        return asked.answered(moved, ETag=etag(moved["revision"], "d"))

    return asked.once(body.model_dump(), work)


@router.delete("/bundles/{bundle}/aliases/{alias}", response_model=a.MoveAnswer)
def retire(
    asked: Moves, request: Request, bundle: Name, alias: Name, reason: Annotated[str, Query(max_length=1000)] = ""
) -> Response:
    """Make an alias serve nothing, if it is where If-Match says."""
    revision = _expected(request)

    def work() -> Response:
        moved = asked.registry.retire(asked.caller, bundle, alias, revision=revision, reason=reason)
        return asked.answered(moved)

    return asked.once(reason, work)


@router.post("/bundles/{bundle}/aliases/{alias}/rollback", response_model=a.MoveAnswer)
def rollback(asked: Moves, bundle: Name, alias: Name, body: r.RollbackRequest) -> Response:
    """Undo: make an alias serve what it served before."""
    serving = f"v{body.serving}" if isinstance(body.serving, int) else body.serving

    def work() -> Response:
        moved = asked.registry.rollback(
            asked.caller, bundle, alias, serving=serving, to=body.to, steps=body.steps, at=body.at, reason=body.reason
        )
        return asked.answered(moved, ETag=etag(moved["revision"], "d"))

    return asked.once(body.model_dump(by_alias=True), work)


@router.get("/bundles/{bundle}/history", response_model=a.Page[a.HistoryItem])
def bundle_history(asked: Reads, bundle: Name, cursor: Cursor = None, limit: Limit = 100) -> Response:
    """The moves of all aliases of a bundle, newest first."""
    return asked.answered(asked.registry.history(bundle, cursor=cursor, limit=limit))


@router.get("/bundles/{bundle}/aliases/{alias}/history", response_model=a.Page[a.HistoryItem])
def alias_history(asked: Reads, bundle: Name, alias: Name, cursor: Cursor = None, limit: Limit = 100) -> Response:
    """The moves of an alias, newest first."""
    return asked.answered(asked.registry.history(bundle, alias, cursor=cursor, limit=limit))


@router.get("/diff")
def get_diff(
    asked: Reads,
    old: Annotated[str, Query(alias="from", max_length=200)],
    new: Annotated[str, Query(alias="to", max_length=200)],
) -> dict[str, Any]:
    """What changes from one release to another."""
    return asked.registry.diff(old, new)


@router.post("/diff")
def post_diff(asked: Reads, body: r.DiffRequest) -> dict[str, Any]:
    """What changes, where a side may be the files of a working copy."""
    return asked.registry.diff(body.old, body.new)


@router.post("/check", response_model=a.CheckAnswer)
def check(asked: Reads, body: r.CheckRequest) -> Response:
    """What the checks say of the files of a bundle directory."""
    return asked.answered(asked.registry.check(body.files, label=body.label))


@router.post("/resolve", response_model=a.ResolveAnswer)
def resolve(asked: Reads, body: r.ResolveRequest) -> Response:
    """Many references at one serial."""
    return asked.answered(asked.registry.resolve(body.references))


@router.get("/components", response_model=a.Page[a.ComponentAnswer])
def list_components(asked: Reads, kind: str | None = None, cursor: Cursor = None, limit: Limit = 100) -> Response:
    """The newest version of every shared component."""
    return asked.answered(asked.registry.components(kind=kind, cursor=cursor, limit=limit))


@router.get("/components/{kind}/{name}", response_model=a.Page[a.ComponentAnswer])
def list_component_versions(
    asked: Reads, kind: Name, name: Name, cursor: Cursor = None, limit: Limit = 100
) -> Response:
    """Versions of a component, newest first."""
    return asked.answered(asked.registry.component_versions(kind, name, cursor=cursor, limit=limit))


@router.post(
    "/components/{kind}/{name}",
    response_model=a.ComponentAnswer,
    responses={201: {"model": a.ComponentAnswer, "description": "A new version."}},
)
def publish_component(asked: Publishes, kind: Name, name: Name, body: r.ComponentRequest) -> Response:
    """Publish a version of a shared component."""

    def work() -> Response:
        answer = asked.registry.publish_component(asked.caller, kind, name, **body.model_dump())
        return asked.answered(answer, 201 if answer.get("created") and not asked.caller.dry_run else 200)

    return asked.once(body.model_dump(), work)


@router.get("/components/{kind}/{name}/{selector}", response_model=a.ComponentAnswer)
def get_component(asked: Reads, kind: Name, name: Name, selector: Name) -> Response:
    """One version of a component with its part and files."""
    return asked.answered(asked.registry.component(kind, name, selector))


@router.get("/where-used", response_model=a.Page[a.UseAnswer])
def where_used(asked: Reads, ref: Annotated[str, Query(max_length=200)]) -> Response:
    """The releases that hold a component."""
    return asked.answered(asked.registry.where_used(ref))


@router.get("/operations/{operation}", response_model=a.OperationAnswer)
def get_operation(asked: Reads, operation: Name) -> Response:
    """What became of a write."""
    return asked.answered(asked.registry.operation(operation))


@router.post("/verify", response_model=a.VerifyAnswer)
def verify(asked: Verifies, bundle: str | None = None) -> Response:
    """Prove every digest and chain against git."""
    return asked.answered(asked.registry.verify(bundle))


@router.get("/tokens", response_model=a.Page[a.TokenAnswer])
def list_tokens(asked: Credentials) -> Response:
    """All credentials, without secrets."""
    return asked.answered(asked.registry.tokens())


@router.post("/tokens", response_model=a.TokenAnswer)
def create_token(asked: Credentials, body: r.TokenRequest) -> Response:
    """Make a credential. The answer holds a secret, so it is never kept for a retry."""
    made = asked.registry.create_token(asked.caller, body.name, can=body.can, expires_in_days=body.expires_in_days)
    return asked.answered(made, Cache_Control="no-store")


@router.delete("/tokens/{name}", response_model=a.TokenAnswer)
def revoke_token(asked: Credentials, name: Name) -> Response:
    """End a credential."""
    return asked.answered(asked.registry.revoke_token(asked.caller, name))


@open_router.get("/healthz")
def healthz(asked: Reads) -> dict[str, str]:  # noqa: ARG001 - the guard lets everybody in, the table must know it
    """Whether the process answers."""
    return {"status": "ok"}


@open_router.get("/readyz")
def readyz(asked: Reads) -> dict[str, Any]:
    """Whether the registry can be read, and up to which write."""
    return {"status": "ready", "serial": asked.registry.describe()["serial"]}


@open_router.get("/metrics", response_class=PlainTextResponse)
def metrics(asked: Reads) -> Response:
    """The registry's figures for Prometheus."""
    found = asked.registry.describe()
    lines = (
        "# HELP pinset_serial The newest visible write.",
        "# TYPE pinset_serial counter",
        f'pinset_serial{{registry="{found["id"]}",epoch="{found["epoch"]}"}} {found["serial"]}',
    )
    return PlainTextResponse("\n".join(lines) + "\n")


def create_app(registry: LocalRegistry) -> FastAPI:
    """The application on a registry. The caller closes the registry."""
    app = FastAPI(title="Pinset", version=pinset.__version__, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.registry = registry
    app.include_router(router)
    app.include_router(open_router)
    problems.install(app)
    app.add_middleware(Guard, registry=registry)
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        schema = describe()
        schema["components"]["schemas"]["Problem"] = r.Problem.model_json_schema()
        return schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the schema
    return app


def _release(asked: Asked, request: Request, named: str, form: str) -> Response:
    """A release in the form asked for, or 304 where the client has it."""
    selector = parse_selector(named.partition("@")[2])
    answer: Any
    if form == "summary":
        return asked.answered(asked.registry.summary(named))
    answer = asked.registry.sealed(named) if form == "sealed" else asked.registry.release(named)
    moves = selector.kind in (SelectorKind.ALIAS, SelectorKind.LATEST)
    identity = answer["alias"]["revision"] if answer["alias"] else answer["digest"].partition(":")[2]
    # What is said of a release beside its content can change once: a yank.
    tag = etag(identity, ("s" if form == "sealed" else "d") + ("y" if answer["yanked"] is not None else ""))
    cache = "no-cache" if moves or answer["yanked"] is not None else _IMMUTABLE
    if not_modified(request, tag):
        return Response(status_code=304, headers={"ETag": tag, "Cache-Control": cache})
    return asked.answered(answer, ETag=tag, Cache_Control=cache)


def _expected(request: Request) -> str:
    revision = revision_of(request)
    if revision is None:
        raise PreconditionRequired(
            "a move wants to know what the alias serves now",
            hint='send If-Match: "REVISION" as GET …/aliases says it, or If-None-Match: * for an alias that serves nothing',
        )
    return revision
