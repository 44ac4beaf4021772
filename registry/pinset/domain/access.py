"""Who may do what: grants of a verb on bundles and aliases, and the one question that is asked of them.

A grant is written ``VERB[:BUNDLES[@ALIASES]]``. Patterns hold ``*`` for any characters; one that is left out is
``*``. In the place of a verb may stand a role, which is a set of verbs. What no grant allows is denied.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from pinset.domain.globs import fits
from pinset.domain.names import show
from pinset.errors import InvalidInput, PermissionDenied

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PATTERN: Final = re.compile(r"[a-z0-9*][a-z0-9._*/-]{0,127}", re.ASCII)
_MOST: Final = 100
_STARS: Final = 4
_SHOWN: Final = 8
"""Grants that an error shows."""


class Verb(StrEnum):
    """What may be done: to a bundle, and where it is to an alias, to that; those of `OF_REGISTRY` to the whole registry."""

    READ = "read"
    PUBLISH = "publish"
    BUNDLE = "bundle"
    RENAME = "rename"
    COMPONENT = "component"
    EVIDENCE = "evidence"
    PROMOTE = "promote"
    ROLLBACK = "rollback"
    RETIRE = "retire"
    APPROVE = "approve"
    YANK = "yank"
    PURGE = "purge"
    VERIFY = "verify"
    AUDIT = "audit"
    POLICY = "policy"
    KEYS = "keys"
    TOKENS = "tokens"


OF_REGISTRY: Final = frozenset({Verb.VERIFY, Verb.POLICY, Verb.KEYS, Verb.TOKENS})
"""What is asked of the whole registry."""
_READER: Final = frozenset({Verb.READ})
_AUTHOR: Final = _READER | {Verb.PUBLISH, Verb.BUNDLE, Verb.COMPONENT, Verb.EVIDENCE}
_MOVER: Final = _READER | {Verb.PROMOTE, Verb.ROLLBACK, Verb.RETIRE}
ROLES: Final[Mapping[str, frozenset[Verb]]] = {
    "reader": _READER,
    "author": _AUTHOR,
    "promoter": _MOVER,
    "approver": _READER | {Verb.APPROVE},
    "auditor": _READER | {Verb.AUDIT, Verb.VERIFY},
    "write": _AUTHOR | _MOVER | {Verb.YANK},
    "admin": frozenset(Verb),
}
"""Named sets of verbs. ``read``, ``write`` and ``admin`` are what tokens of before could be given."""


class Grant(NamedTuple):
    """One permission: a verb or a role, and the patterns of the bundles and aliases it holds for."""

    verb: str
    bundles: str = "*"
    aliases: str = "*"

    def __str__(self) -> str:
        alias = f"@{self.aliases}" if self.aliases != "*" else ""
        return f"{self.verb}:{self.bundles}{alias}" if alias or self.bundles != "*" else self.verb


EVERYTHING: Final = (Grant("admin"),)


def parse_grants(text: str) -> tuple[Grant, ...]:
    """Grants as they are written, apart by commas or spaces. Raises InvalidInput."""
    written = text.replace(",", " ").split()
    if not written or len(written) > _MOST:
        raise InvalidInput(
            f"a credential has 1 to {_MOST} grants", hint="such as --can read, or --can promote:support-*@staging"
        )
    return tuple(dict.fromkeys(_parse(one) for one in written))


def show_grants(grants: Iterable[Grant]) -> str:
    """The inverse of `parse_grants`."""
    return " ".join(str(grant) for grant in grants)


def some(grants: tuple[Grant, ...]) -> str:
    """The first grants, as a message shows them."""
    return show_grants(grants[:_SHOWN]) + (" …" if len(grants) > _SHOWN else "") if grants else "nothing"


def may(grants: tuple[Grant, ...], verb: Verb, bundle: str = "", alias: str = "") -> bool:
    """Whether any of the grants allows a verb on a bundle and an alias.

    bundle: '' for what is asked of the whole registry, which only a grant for every bundle allows. alias: '' for
    what is asked of no alias, which only a grant for every alias allows.
    """
    return any(_allows(grant, verb, bundle, alias) for grant in grants)


def may_some(grants: tuple[Grant, ...], verb: Verb, bundle: str) -> bool:
    """Whether any of the grants allows a verb on a bundle, be it of one alias."""
    return any(verb in _verbs(grant.verb) and _fits(grant.bundles, bundle) for grant in grants)


def may_anywhere(grants: tuple[Grant, ...], verb: Verb) -> bool:
    """Whether any of the grants allows a verb on some bundle: what a list is asked for, which then shows only those."""
    return any(verb in _verbs(grant.verb) for grant in grants)


def bundles_of(grants: tuple[Grant, ...], verb: Verb, alias: str = "") -> tuple[str, ...] | None:
    """Patterns of the bundles that a verb is allowed on, for searches; None for every bundle.

    alias: where it is asked of one; '' for whatever the alias.
    """
    of_verb = (grant for grant in grants if verb in _verbs(grant.verb))
    found = {grant.bundles for grant in of_verb if _fits(grant.aliases, alias)}
    return None if "*" in found else tuple(sorted(found))


def permit(grants: tuple[Grant, ...], verb: Verb, bundle: str = "", alias: str = "") -> None:
    """Raises PermissionDenied where none of the grants allows it, saying what would."""
    if not may(grants, verb, bundle, alias):
        raise _denied(grants, Grant(verb.value, bundle or "*", alias or "*"))


def permit_anywhere(grants: tuple[Grant, ...], verb: Verb) -> None:
    """Raises PermissionDenied where none of the grants allows a verb on any bundle."""
    if not may_anywhere(grants, verb):
        raise _denied(grants, Grant(verb.value))


def beyond(grants: tuple[Grant, ...], given: Iterable[Grant]) -> tuple[Grant, ...]:
    """Those of the given grants that allow anything which ``grants`` do not.

    Each verb of a grant must be allowed by one of the grants for all names that its patterns stand for.
    """
    return tuple(one for one in given if not all(_is_within(one, verb, grants) for verb in _verbs(one.verb)))


def verbs_of(grants: Iterable[Grant]) -> tuple[str, ...]:
    """The grants with their roles taken apart: verb by verb, each written as a grant is."""
    apart = ((verb, grant) for grant in grants for verb in Verb if verb in _verbs(grant.verb))
    return tuple(dict.fromkeys(str(Grant(verb.value, grant.bundles, grant.aliases)) for verb, grant in apart))


def _parse(text: str) -> Grant:
    verb, colon, rest = text.partition(":")
    bundles, at, aliases = rest.partition("@")
    if verb not in set(Verb) and verb not in ROLES and verb != "*":
        known = ", ".join([*ROLES, *(each for each in Verb if each not in ROLES)])
        name, mark, alias = verb.partition("@")
        way = f"write {name}:*@{alias}" if mark and (name in set(Verb) or name in ROLES) else f"one of {known}"
        raise InvalidInput(f"{show(verb)} is no verb and no role", hint=way)
    for given, mark in ((bundles, colon), (aliases, at)):
        if given.count("*") > _STARS:
            raise InvalidInput(f"{show(text)} has too many *", hint=f"a pattern has at most {_STARS}")
        if mark and not _PATTERN.fullmatch(given):
            raise InvalidInput(
                f"{show(text)} has a pattern that no name fits", hint="write VERB:BUNDLES@ALIASES, with * for anything"
            )
    return Grant("admin" if verb == "*" else verb, bundles or "*", aliases or "*")


@lru_cache(maxsize=4096)
def _allows(grant: Grant, verb: Verb, bundle: str, alias: str) -> bool:
    return verb in _verbs(grant.verb) and _fits(grant.bundles, bundle) and _fits(grant.aliases, alias)


def _verbs(name: str) -> frozenset[Verb]:
    return ROLES[name] if name in ROLES else frozenset({Verb(name)})


def _fits(pattern: str, name: str) -> bool:
    """Whether a name is one of a pattern's. '' stands for all names at once: ``*`` alone takes them in."""
    return pattern == "*" or (name != "" and fits(pattern, name))


def _is_within(one: Grant, verb: Verb, grants: tuple[Grant, ...]) -> bool:
    return any(
        verb in _verbs(own.verb) and _covers(own.bundles, one.bundles) and _covers(own.aliases, one.aliases)
        for own in grants
    )


def _covers(wide: str, narrow: str) -> bool:
    """Whether a pattern fits every name that another one fits: where its own ``*`` take in those of the other."""
    return _fits(wide, "" if narrow == "*" else narrow)


def _denied(grants: tuple[Grant, ...], needed: Grant) -> PermissionDenied:
    return PermissionDenied(
        f"the credential can {some(grants)}, and this needs {needed}",
        hint=f"ask for one that can: pinset token create --name N --can {needed}",
        details={"needs": str(needed)},
    )
