"""Signing in with a token, or where an issuer says who somebody is; signing out; and the theme."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from pinset.api import problems
from pinset.errors import InvalidInput, NotFound, PermissionDenied, PinsetError, Unauthenticated
from pinset.web.rendering import render
from pinset.web.sessions import SESSION, THEME
from pinset.web.view import Here, Posted, go, packed, posted, safe_target
from pinset.web.visits import KEY, THEMES, Visit

if TYPE_CHECKING:
    from pinset.auth.identity import Identity
    from pinset.web.signing_in import SigningIn

router = APIRouter(include_in_schema=False)
STARTED = "pinset-asked"
"""The cookie of who was sent to an issuer and is not back."""
_STARTED_SECONDS = 600
_YEAR = 365 * 86_400
_Next = Annotated[str, Query(max_length=2000)]


@router.get("/sign-in")
async def get_sign_in(request: Request, next: _Next = "/") -> Response:  # noqa: A002 - as the address says it
    """Where to sign in."""
    return await _form(request, next)


@router.post("/sign-in")
async def sign_in(request: Request, form: Posted) -> Response:
    """Sign in with a token. It is looked at as a header is, guesses are counted, and what is refused is recorded."""
    credential, target = form.text("credential", longest=20_000), form.get("next", "/")
    try:
        _check_shape(credential)
        identity = await _identified(request, credential)
        return _begun(request, credential, identity, target)
    except (Unauthenticated, PermissionDenied, InvalidInput) as error:
        return await _form(request, target, await _recorded(request, error))


@router.get("/sign-in/with/{number}")
async def ask_issuer(request: Request, number: int, next: _Next = "/") -> Response:  # noqa: A002 - as above
    """Send somebody to an issuer."""
    signing: SigningIn = request.app.state.signing
    started = await to_thread.run_sync(signing.start, number, safe_target(next), limiter=signing.turns)
    visit: Visit = request.scope[KEY]
    visit.set(STARTED, visit.vault.seal(started.kept, "asked"), _STARTED_SECONDS)
    return Response(status_code=303, headers={"Location": started.address, "Cache-Control": "no-store"})


@router.get("/sign-in/callback")
async def come_back(request: Request) -> Response:
    """Somebody comes back from an issuer: with a code that is exchanged for a token, or with an error."""
    visit: Visit = request.scope[KEY]
    signing: SigningIn = request.app.state.signing
    kept = visit.vault.open(visit.cookie(STARTED), "asked")
    visit.set(STARTED, "", 0)
    target = "/"
    try:
        answer = dict(request.query_params)
        credential, target = await to_thread.run_sync(signing.finish, kept, answer, limiter=signing.turns)
        identity = await _identified(request, credential)
        return _begun(request, credential, identity, target)
    except (Unauthenticated, PermissionDenied, InvalidInput) as error:
        return await _form(request, target, await _recorded(request, error))


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """Forget the session. Of one that is over, whatever the form carries: its token was bound to that."""
    visit: Visit = request.scope[KEY]
    if visit.session is not None:
        await posted(request)
    if visit.session is None and not visit.ended:
        # Perhaps another site's form, with which browsers send no cookie: nothing was ended, and nothing is said.
        return go(request, "/sign-in")
    visit.set(SESSION, "", 0)
    return go(request, "/sign-in", note="You are signed out.")


@router.post("/theme")
async def choose_theme(request: Request, form: Posted) -> Response:
    """Remember light or dark; anything else goes by what the system says."""
    visit: Visit = request.scope[KEY]
    theme = form.get("theme", "")
    visit.set(THEME, theme if theme in THEMES else "", _YEAR if theme in THEMES else 0)
    return go(request, form.get("next", "/"))


@router.get("/favicon.ico")
async def no_icon() -> Response:
    """Browsers ask for it before they have read a page."""
    raise NotFound("there is none here", hint="pages name theirs")


async def _form(request: Request, target: str, problem: PinsetError | None = None) -> Response:
    """The page for signing in. problem: why it did not go well."""
    state = request.app.state
    try:
        await state.admissions.identify(None)
        needs_none = True
    except Unauthenticated:
        needs_none = False
    hours = state.sessions.hours
    values: dict[str, Any] = {
        "here": Here.of(request.scope),
        "next": safe_target(target),
        "problem": problem,
        "needs_none": needs_none,
        "issuers": state.signing.labels,
        "hours": f"{hours:g} hours" if hours != 1 else "an hour",
    }
    status = 200 if problem is None else 403 if isinstance(problem, PermissionDenied) else 422
    return packed(request, render("sign_in.html", values), status=status)


def _check_shape(credential: str) -> None:
    """Raises Unauthenticated for what no header could carry."""
    if not credential or not credential.isascii() or not credential.isprintable() or " " in credential:
        raise Unauthenticated("this is no token", hint="paste the line that begins with pst_, and nothing else")


async def _identified(request: Request, credential: str) -> Identity:
    """Whose a credential is. Raises Unauthenticated, PermissionDenied, RateLimited."""
    state, client, header = request.app.state, request.scope.get("client"), f"Bearer {credential}"
    state.limiter.check_guess(client, header)
    try:
        identity: Identity = await state.admissions.identify(header)
    except (Unauthenticated, PermissionDenied):
        state.limiter.note_guess(client, header, good=False)
        raise
    state.limiter.note_guess(client, header, good=True)
    return identity


def _begun(request: Request, credential: str, identity: Identity, target: str) -> Response:
    visit: Visit = request.scope[KEY]
    sessions = request.app.state.sessions
    session = sessions.begin(credential, identity.expires_at)
    visit.set(SESSION, sessions.seal(session), sessions.left(session))
    return go(request, target)


async def _recorded(request: Request, error: PinsetError) -> PinsetError:
    if not problems.is_attempt(request.scope, error):
        return error
    return await run_in_threadpool(problems.keep_attempt, request.app.state.registry, request.scope, error)
