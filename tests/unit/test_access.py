"""Who may do what: grants, roles and patterns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinset.domain.access import (
    EVERYTHING,
    ROLES,
    Grant,
    Verb,
    beyond,
    bundles_of,
    may,
    may_anywhere,
    parse_grants,
    permit,
    show_grants,
    verbs_of,
)
from pinset.errors import InvalidInput, PermissionDenied

NARROW = parse_grants("promote:support-*@staging read:support-*@production,read:docs")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("verb", Verb)
def test_a_role_is_its_verbs_and_no_more(role: str, verb: Verb) -> None:
    assert may((Grant(role),), verb) is (verb in ROLES[role])
    assert may((Grant(role, "support"),), verb, "support", "staging") is (verb in ROLES[role])
    assert not may((Grant(role, "support"),), verb, "other", "staging")
    assert not may((Grant(role, "support"),), verb), "what is asked of the whole registry wants leave for all of it"


@pytest.mark.parametrize(
    ("verb", "bundle", "alias", "allowed"),
    [
        (Verb.PROMOTE, "support-bot", "staging", True),
        (Verb.PROMOTE, "support-bot", "production", False),
        (Verb.PROMOTE, "support-bot", "", False),
        (Verb.PROMOTE, "support", "staging", False),
        (Verb.READ, "support-bot", "production", True),
        (Verb.READ, "support-bot", "", False),
        (Verb.READ, "docs", "", True),
        (Verb.READ, "docs", "any", True),
        (Verb.READ, "docs2", "", False),
        (Verb.READ, "", "", False),
        (Verb.ROLLBACK, "support-bot", "staging", False),
    ],
)
def test_a_grant_is_of_a_verb_on_bundles_and_aliases(verb: Verb, bundle: str, alias: str, *, allowed: bool) -> None:
    assert may(NARROW, verb, bundle, alias) is allowed
    if not allowed:
        with pytest.raises(PermissionDenied) as caught:
            permit(NARROW, verb, bundle, alias)
        assert verb in caught.value.hint, "who is refused is told what to ask for"


@pytest.mark.parametrize(
    "text", ["", " , ", "launch", "READ", "read:", "read:A", "read:a@", "read:a@B", "read:*a*a*a*a*"]
)
def test_what_is_no_grant_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_grants(text)
    with pytest.raises(InvalidInput):
        parse_grants(" ".join(f"read:a{number}" for number in range(101)))


def test_grants_are_shown_as_they_are_written() -> None:
    for text in ("read", "write", "admin", "promote:support-*@staging read", "retire:*@canary"):
        assert show_grants(parse_grants(text)) == text
    assert show_grants(parse_grants("*:a, read:*@*")) == "admin:a read"
    assert verbs_of(parse_grants("reader:a promoter:b@c")) == (
        "read:a",
        "read:b@c",
        "promote:b@c",
        "rollback:b@c",
        "retire:b@c",
    )


def test_searches_are_told_the_bundles_that_may_be_read_whole() -> None:
    assert bundles_of(NARROW, Verb.READ) == ("docs",)
    assert bundles_of(EVERYTHING, Verb.READ) is None
    assert bundles_of((), Verb.READ) == ()
    assert may_anywhere(NARROW, Verb.READ)
    assert not may_anywhere(NARROW, Verb.YANK)


@pytest.mark.parametrize(
    ("own", "given_", "more"),
    [
        ("admin", "admin purge read:a@b", ""),
        ("reader:a", "read:a@b", ""),
        ("read:a@b", "read:a", "read:a"),
        ("read:support-*", "read:support-x* read:support-*", ""),
        ("read:support-*", "read:sup* read read:other", "read:sup* read read:other"),
        ("promote:*@staging read", "promoter", "promoter"),
        ("promoter read", "promote:x@y rollback retire reader", ""),
        ("read:**", "read", "read"),
        ("tokens read", "tokens", ""),
    ],
)
def test_nobody_gives_more_than_they_have(own: str, given_: str, more: str) -> None:
    assert show_grants(beyond(parse_grants(own), parse_grants(given_))) == more


_PATTERNS = st.text("ab*", min_size=1, max_size=5).filter(lambda text: text.count("*") <= 4)


@given(own=_PATTERNS, narrow=_PATTERNS, name=st.text("ab", max_size=6))
def test_what_is_within_allows_nothing_that_is_not(own: str, narrow: str, name: str) -> None:
    """The judgement over patterns agrees with what they allow, name by name."""
    grants, one = (Grant("read", own),), Grant("read", narrow)
    if not beyond(grants, [one]) and may((one,), Verb.READ, name):
        assert may(grants, Verb.READ, name)
