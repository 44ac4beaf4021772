"""Answers of reads: the bytes are made once for a release, and kept with those of the API."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

from starlette.responses import Response

from pinset.api.conditional import ASK_AGAIN, is_known
from pinset.api.context import Asked, asking, json_of
from pinset.api.hot import posted_key
from pinset.api.metrics import template_of
from pinset.api.observer import mark_fetched
from pinset.api.prepared import Prepared, encoding_of
from pinset.compat import shelves
from pinset.domain.access import EVERYTHING, Verb
from pinset.domain.names import DEFAULT_ALIAS
from pinset.domain.references import SelectorKind, parse_selector
from pinset.errors import ContentPurged, InvalidInput, NotFound, PermissionDenied, Purged

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.domain import answers
    from pinset.domain.references import Selector
    from pinset.services.local import LocalRegistry

    Tell = Callable[[LocalRegistry, answers.ReleaseAnswer, "Called"], Any]
    """A release as a protocol has it. It is given the registry, the release document, and what was asked for."""

Asks = Annotated[Asked, asking(None, changes=False, strict=False)]
Reads = Annotated[Asked, asking(Verb.READ, changes=False, strict=False)]
Publishes = Annotated[Asked, asking(Verb.PUBLISH, changes=False, strict=False)]
Promotes = Annotated[Asked, asking(Verb.PROMOTE, changes=False, strict=False)]
LATEST: Final = "latest"
"""The newest release that is neither yanked nor purged."""
_OF_BODY: Final = (b"content-type", b"content-length", b"content-encoding")


class Called(NamedTuple):
    """What a client asks for. text: as it spells it. prompt: the one of the release's prompts that is meant, None for its own."""

    text: str
    bundle: str
    prompt: str | None = None


def called(registry: LocalRegistry, text: str) -> Called:
    """What a name means: a bundle, by any of its names and spellings, or as ``bundle.prompt`` a prompt of its releases.

    It means the same whoever asks. Raises NotFound, or PermissionDenied, where who asks may read nothing of the bundle.
    """
    found, bundle = None, registry.meaning(text)
    cut = max(text.rfind("."), text.rfind("/"))
    if bundle is not None:
        found = Called(text, bundle)
    elif cut > 0 and (bundle := registry.meaning(text[:cut])) is not None:
        found = Called(text, bundle, text[cut + 1 :])
    if found is not None and registry.sees(found.bundle):
        return found
    registry.spelled(text)  # raises, and names nothing that may not be read
    raise NotFound("there is no bundle of that name", hint="see what there is: pinset list")


def known(registry: LocalRegistry, text: str) -> Called | None:
    """What a name means as it is now; None where it is nothing here. Raises PermissionDenied.

    ``team.new`` is no prompt of the bundle ``team`` while neither its newest release nor one that is served has it.
    """
    try:
        meant = called(registry, text)
    except NotFound:
        return None
    if meant.prompt is None:
        return meant
    for selector in (LATEST, *(alias for alias, _ in seen_aliases(registry, meant.bundle))):
        try:
            if has_prompt(registry.release(f"{meant.bundle}@{selector}"), meant):
                return meant
        except (NotFound, PermissionDenied, ContentPurged, Purged):
            continue
    return None


def has_prompt(document: answers.ReleaseAnswer, meant: Called) -> bool:
    """Whether a release has the prompt that is meant."""
    return meant.prompt is None or meant.prompt in document["content"]["prompts"]


def need_prompt(document: answers.ReleaseAnswer, meant: Called) -> None:
    """Raises NotFound where a release has no such prompt."""
    if not has_prompt(document, meant):
        raise NotFound(
            f"{document['ref']} has no prompt of that name",
            hint="it has " + ", ".join(sorted(document["content"]["prompts"])),
        )


def seen_aliases(registry: LocalRegistry, bundle: str) -> list[tuple[str, int]]:
    """The aliases that who asks may read, and what they serve; also for a credential for some aliases of a bundle."""
    seen: list[tuple[str, int]] = []
    for one in registry.seen_by(EVERYTHING).aliases(bundle)["items"]:
        try:
            registry.permit(Verb.READ, bundle, one["alias"])
        except PermissionDenied:
            continue
        if one["version"] is not None:
            seen.append((one["alias"], one["version"]))
    return seen


def alias_of(text: str | None) -> Selector:
    """The alias that a client asks for by whatever its tool calls one; ``latest`` is the newest release.

    Letters count in small, as aliases are written here. Raises NotFound for what no alias is called.
    """
    name = (text or DEFAULT_ALIAS).lower()
    try:
        found = parse_selector(name)
    except InvalidInput:
        found = None
    if found is None or found.kind not in (SelectorKind.ALIAS, SelectorKind.LATEST):
        raise NotFound(
            "there is no alias of that name", hint="aliases are a to z, digits and . _ - ; see: pinset alias list"
        )
    return found


def version_of(number: int | str) -> Selector:
    """The version of a number. Raises NotFound for what no version is."""
    text = str(number)
    try:
        # `int` reads more than is written here: 1_0, other alphabets' digits, signs.
        return parse_selector(f"v{int(text) if text.isascii() and text.isdigit() else 0}")
    except (InvalidInput, ValueError):
        raise NotFound("there is no such version", hint="versions are 1, 2, 3, …; see: pinset releases NAME") from None


def told(asked: Asked, name: str, selector: Selector, tell: Tell, key: bytes | None = None) -> Response:
    """A release as a protocol has it. name: as the client spells it. key: stands for the request; None for its target.

    Raises NotFound, PermissionDenied, and what reading the release raises.
    """
    scope, registry = asked.request.scope, asked.registry
    bundle = called(registry, name).bundle
    registry.permit(Verb.READ, bundle, selector.text if selector.kind is SelectorKind.ALIAS else "")
    if key is None:
        key = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
    make = partial(prepare, registry, name, selector, tell, template_of(scope))
    prepared = scope["app"].state.ready.find(key, make)
    if prepared.bundle != bundle:  # the name went to another bundle meanwhile
        registry.permit(Verb.READ, prepared.bundle, prepared.alias)
    mark_fetched(scope, selector, prepared.bundle, prepared.version)
    return _given(prepared, asked)


def prepare(registry: LocalRegistry, name: str, selector: Selector, tell: Tell, route: str) -> Prepared:
    """The answer to a read. The tag is of all that it says: that other aliases serve the version is said too."""
    meant = called(registry, name)
    document = registry.release(f"{meant.bundle}@{selector.text}")
    need_prompt(document, meant)
    body = json_of(tell(registry, document, meant))
    return Prepared(
        bundle=document["bundle"],
        names=registry.names_of(document["bundle"]),
        alias=document["alias"]["name"] if document["alias"] else "",
        version=document["version"],
        route=route,
        body=body,
        tag=f'"{hashlib.sha256(body).hexdigest()[:40]}-c1"',
        cache=ASK_AGAIN,
        again=partial(prepare, registry, name, selector, tell, route),
    )


def key_of(asked: Asked, means: bytes | None) -> bytes | None:
    """By what the answer to a POST that reads is kept, as `Protocol.posted` says what its body means."""
    return None if means is None else posted_key(asked.request.scope["raw_path"], means)


def serving(registry: LocalRegistry, document: answers.ReleaseAnswer) -> list[str]:
    """The aliases of which an answer says that they serve a release now; sorted.

    Asked for by an alias it is that one alone: the answer is for all who may read that alias, and no more.
    """
    if document["alias"] is not None:
        return [document["alias"]["name"]]
    return shelves.serving(registry, document["bundle"], document["version"])


def _given(prepared: Prepared, asked: Asked) -> Response:
    variant = prepared.variant(encoding_of(asked.request.headers.get("accept-encoding", "")))
    known = asked.request.headers.get("if-none-match")
    if known is not None and is_known(known, variant.tag.decode()):
        response = Response(status_code=304)
        response.raw_headers = [header for header in variant.headers if header[0] not in _OF_BODY]
        return response
    response = Response(variant.body)
    response.raw_headers = list(variant.headers)
    return response
