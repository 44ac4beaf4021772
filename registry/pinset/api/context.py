"""What a handler is given: the registry, who asks, and the first answer of a request that was sent before."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import Depends, Header, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from pinset.api import problems
from pinset.domain.access import OF_REGISTRY, Verb, may, permit, permit_anywhere
from pinset.domain.references import SelectorKind, parse_selector
from pinset.errors import IdempotencyMismatch, InvalidInput, PinsetError
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pinset.api.settings import Settings
    from pinset.auth.identity import Identity
    from pinset.domain.access import Grant
    from pinset.ports.past import Readings
    from pinset.ports.state import Answer
    from pinset.services.local import LocalRegistry

_KEY_PATTERN: Final = r"^[\x21-\x7e]{1,255}$"
_KEY: Final = re.compile(_KEY_PATTERN[1:-1])
_PASSING: Final = (401, 403, 412, 428, 429)
"""Statuses below 500 that the same request may not get again."""
_SERVER_ERROR: Final = 500
_MEDIA_TYPE: Final = "application/json"
_DryRun = Annotated[bool, Query(description="Say what would happen, change nothing.")]

_Change = Annotated[
    str | None,
    Header(
        alias="Pinset-Change",
        description="What this write belongs to, together with others: a name, the same in each of them.",
        json_schema_extra={"pattern": "^[a-z0-9][a-z0-9._-]{0,63}$"},
    ),
]


@dataclass(frozen=True, slots=True)
class _Try:
    """One try of a change. of_write: its answer is that of a write, made now or before. mismatch: the key is another's."""

    response: Response
    of_write: bool
    mismatch: bool = False

    @property
    def passes(self) -> bool:
        """Whether the same request may have another answer later, so that this one is not kept."""
        return self.mismatch or self.response.status_code >= _SERVER_ERROR or self.response.status_code in _PASSING

    @property
    def may_be_overtaken(self) -> bool:
        """Whether it says that nothing was written, which is wrong as soon as another try writes."""
        return not self.of_write and not self.mismatch and self.response.status_code < _SERVER_ERROR


def json_of(body: Any) -> bytes:
    """A body as JSON is sent."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


class Asked:
    """One request: who asks, what they may, and how it is answered."""

    def __init__(self, request: Request, *, dry_run: bool, key: str | None, change: str | None = None) -> None:
        identity: Identity = request.scope["pinset.identity"]
        registry: LocalRegistry = request.app.state.registry
        self.registry = registry.seen_by(identity.grants)
        self._settings: Settings = request.app.state.settings
        self.request = request
        if key is not None and not _KEY.fullmatch(key):
            raise InvalidInput("the Idempotency-Key is no visible ASCII of 1 to 255", hint="send a UUID")
        self.caller = Caller(
            actor=identity.actor,
            key=None if dry_run else key,
            dry_run=dry_run,
            person=identity.person,
            via=f"{identity.via} {request.client.host if request.client else ''}".rstrip(),
            grants=identity.grants,
            expires_at=identity.expires_at,
            change=change,
            valid=partial(request.app.state.admissions.confirm, request.headers.get("authorization")),
        )

    def looking(self, at: str | None) -> Readings:
        """The registry, as it was at a time where one is given."""
        return self.registry if at is None else self.registry.past(at)

    def answered(self, body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
        """A body as JSON."""
        return Response(json_of(body), status_code=status, media_type=_MEDIA_TYPE, headers=dict(headers or {}))

    def page(self, body: Any) -> Response:
        """A page of a list; where there is more, a Link header says where."""
        if body["next"] is None:
            return self.answered(body)
        query = {**self.request.query_params, "cursor": body["next"]}
        return self.answered(body, headers={"Link": f'<{self.request.url.path}?{urlencode(query)}>; rel="next"'})

    def changed(
        self,
        body: Any,
        work: Callable[[], Any],
        *,
        status: Callable[[Any], int] = lambda _answer: 200,
        headers: Callable[[Any], dict[str, str]] = lambda _answer: {},
    ) -> Response:
        """The answer of a change; of one that was sent before with the same key, the first answer again.

        body: what was asked, as JSON values. work: makes the change. status, headers: of its answer. A refusal is an
        answer too; what may go better later (412, 429, 5xx) is not. The write itself carries the key, so that a retry
        after a crash finds what it did even where no answer was kept. Once the write is in git its answer is the only
        one: a refusal, or an answer that nothing is to be changed, counts only while there is no write.
        """
        key = self.caller.key
        attempt = partial(self._tried, work, status, headers)
        if key is None:
            return attempt().response
        fingerprint = self._fingerprint(body)
        kept = self.registry.kept_answer(key, self.caller.actor)
        if kept is not None and (kept.of_write or not self.registry.is_written(self.caller)):
            return self._replayed(kept, fingerprint, headers)
        tried = attempt()
        if tried.may_be_overtaken and self.registry.is_written(self.caller):
            # Another try of this request made the write meanwhile: this one finds it, and has its answer.
            tried = attempt()
        if tried.passes:
            return tried.response
        self._keep(key, fingerprint, tried)
        first = self.registry.kept_answer(key, self.caller.actor)
        # Another try kept its answer of the write first, warnings and all: there is one answer.
        if first is not None and first.of_write and first.body.encode() != tried.response.body:
            return self._replayed(first, fingerprint, headers)
        return tried.response

    def _tried(
        self,
        work: Callable[[], Any],
        status: Callable[[Any], int],
        headers: Callable[[Any], dict[str, str]],
    ) -> _Try:
        try:
            answer = work()
        except PinsetError as error:
            mismatch = isinstance(error, IdempotencyMismatch)
            return _Try(problems.of_request(error, self.request), of_write=False, mismatch=mismatch)
        move = answer.get("move") or {}
        of_write = bool(answer.get("operation") or move.get("operation"))
        return _Try(self.answered(answer, status(answer), headers(answer)), of_write=of_write)

    def _fingerprint(self, body: Any) -> str:
        """What is asked. What the client expects (If-Match) is no part: a retry looks again, and asks the same."""
        asked = json.dumps([self.request.method, self.request.url.path, body], sort_keys=True)
        return hashlib.sha256(asked.encode()).hexdigest()

    def _replayed(self, kept: Answer, fingerprint: str, headers: Callable[[Any], dict[str, str]]) -> Response:
        if kept.request != fingerprint:
            raise IdempotencyMismatch(
                "the Idempotency-Key was used before for another request", hint="use a new key for each request"
            )
        refused = kept.status >= 400
        more = {} if refused else headers(json.loads(kept.body))
        media_type = problems.MEDIA_TYPE if refused else _MEDIA_TYPE
        replayed = {**more, "Idempotent-Replayed": "true"}
        return Response(kept.body, status_code=kept.status, media_type=media_type, headers=replayed)

    def _keep(self, key: str, fingerprint: str, tried: _Try) -> None:
        """Keep an answer, unless there is one that counts more."""
        self.registry.keep_answer(
            self.caller,
            key,
            request=fingerprint,
            status=tried.response.status_code,
            body=bytes(tried.response.body).decode(),
            lifetime=self._settings.kept_answers,
            of_write=tried.of_write,
        )


def asking(
    verb: Verb | None, *, whole: bool = False, changes: bool = True, keeps: bool = True, strict: bool = True
) -> Any:
    """The dependency of a route: who asks may do ``verb``, else PermissionDenied. None: any credential will do.

    It is asked of the bundle, and the alias, in the route's path; in a path of neither, of the whole registry where
    that is what the verb is of, or ``whole`` says so. Else the verb must be allowed anywhere, and what the route calls
    asks for each bundle. changes: the route takes ``dry_run``. keeps: and an Idempotency-Key. strict: query parameters
    that the route does not know are refused.
    """
    asked = partial(_admit, verb=verb, whole=whole or verb in OF_REGISTRY, strict=strict)

    async def changing(
        request: Request,
        dry_run: _DryRun = False,  # noqa: FBT002 - FastAPI reads it
        key: Annotated[
            str | None,
            Header(
                alias="Idempotency-Key",
                description="A retry with it has one effect and the first answer.",
                json_schema_extra={"pattern": _KEY_PATTERN},
            ),
        ] = None,
        belongs: _Change = None,
    ) -> Asked:
        await asked(request)
        return Asked(request, dry_run=dry_run, key=key, change=belongs)

    async def trying(request: Request, dry_run: _DryRun = False) -> Asked:  # noqa: FBT002 - FastAPI reads it
        await asked(request)
        return Asked(request, dry_run=dry_run, key=None)

    async def reading(request: Request) -> Asked:
        await asked(request)
        return Asked(request, dry_run=False, key=None)

    chosen: Any = (changing if keeps else trying) if changes else reading
    chosen.verb = verb  # the route table's test reads it
    return Depends(chosen)


async def _admit(request: Request, *, verb: Verb | None, whole: bool, strict: bool) -> None:
    """Raises PermissionDenied, and InvalidInput for a parameter that the route does not take or that is there twice.

    A misspelt ``dry_run`` that is silently ignored is a change nobody wanted.
    """
    grants, path = request.scope["pinset.identity"].grants, request.path_params
    bundle, alias = path.get("bundle", ""), path.get("alias", "")
    if verb == Verb.COMPONENT:
        bundle = f"{path['kind']}/{path['name']}"
    if verb == Verb.READ and "selector" in path and bundle:
        alias = _alias_of(path["selector"])
    if verb is not None:
        if "bundle" in path:
            await _permit(request, grants, verb, bundle, alias)
        elif bundle or whole:
            permit(grants, verb, bundle, alias)
        else:
            permit_anywhere(grants, verb)
    if not strict or not request.scope["query_string"]:
        return
    known = _query_of(request.scope["route"].dependant)
    given = [name for name, _ in request.query_params.multi_items()]
    if not known.issuperset(given):
        hint = "it takes " + (", ".join(sorted(known)) or "none")
        raise InvalidInput("the request has a query parameter that this route does not take", hint=hint)
    if len(set(given)) != len(given):
        raise InvalidInput("the request has a query parameter twice", hint="send each once")


async def _permit(request: Request, grants: tuple[Grant, ...], verb: Verb, bundle: str, alias: str) -> None:
    """Raises PermissionDenied where a bundle may not be touched under any of its names. Only a refusal costs a look."""
    if not may(grants, verb, bundle, alias):
        registry: LocalRegistry = request.app.state.registry
        await run_in_threadpool(registry.seen_by(grants).permit, verb, bundle, alias)


def _alias_of(selector: str) -> str:
    """The alias that a selector in a path names; '' for what needs leave to read all of the bundle."""
    try:
        found = parse_selector(selector)
    except InvalidInput:
        return ""
    return found.text if found.kind is SelectorKind.ALIAS else ""


def _query_of(dependant: Any) -> set[str]:
    """The query parameters of a route and of all that it depends on."""
    own = {str(field.alias) for field in dependant.query_params}
    return own.union(*(_query_of(inner) for inner in dependant.dependencies))
