"""config.toml: what it sets, and what is said of one that is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pinset import config
from pinset.config import Allow, Issuer, Limits, Override, Rate
from pinset.domain.access import Grant
from pinset.errors import InvalidConfig

if TYPE_CHECKING:
    from pathlib import Path

GITHUB = """\
[[oidc]]
issuer = "https://token.actions.githubusercontent.com"
audience = "pinset"
person = "{actor}"
  [[oidc.allow]]
  claims = {sub = "repo:acme/support:*", ref = ["refs/heads/main", "refs/heads/rel-*"]}
  can = "promote:support-*@staging read"
"""


def wrong(text: str) -> list[tuple[int, str, str, str]]:
    """Every mistake: its line, code, message and hint."""
    with pytest.raises(InvalidConfig) as caught:
        config.parse(text)
    return [(one["line"], one["code"], one["message"], one["hint"]) for one in caught.value.details["findings"]]


def only(text: str) -> tuple[int, str, str, str]:
    (found,) = wrong(text)
    return found


def test_without_a_file_everything_is_as_usual(tmp_path: Path) -> None:
    assert config.read(tmp_path) == config.parse("") == config.Config(oidc=(), limits=Limits())


def test_a_file_sets_what_it_says_and_nothing_else(tmp_path: Path) -> None:
    limits = '[limits]\nwrites_per_second = 2.5\nbody_seconds = 5\nat_once = 3\n[[limits.tokens]]\nname = "ci-*"\nreads_per_second = 7\n'
    (tmp_path / config.FILE).write_text(GITHUB + limits)
    found = config.read(tmp_path)
    allow = Allow(
        claims={"sub": ("repo:acme/support:*",), "ref": ("refs/heads/main", "refs/heads/rel-*")},
        grants=(Grant("promote", "support-*", "staging"), Grant("read")),
    )
    issuer = "https://token.actions.githubusercontent.com"
    assert found.oidc == (Issuer(issuer=issuer, audience="pinset", person="{actor}", allow=(allow,)),)
    assert (found.oidc[0].algorithms, found.oidc[0].actor, found.oidc[0].lifetime) == (("RS256",), "{sub}", 3600)
    assert found.limits == Limits(
        writes=Rate(2.5, 25), body_seconds=5, at_once=3, tokens=(Override("ci-*", Rate(7, 70), Rate(2.5, 25)),)
    )


def test_a_rate_without_a_burst_has_ten_seconds_of_its_own() -> None:
    limits = config.parse(
        "[limits]\nreads_per_second = 0.01\nwrites_burst = 7\nfailures_per_second = 3\nfailures_burst = 4"
    ).limits
    assert (limits.reads, limits.writes, limits.failures) == (Rate(0.01, 1), Rate(50, 7), Rate(3, 4))


def test_every_mistake_is_told_at_once_with_its_line_and_a_way_out() -> None:
    text = GITHUB.replace("audience", "audiense").replace('"{actor}"', "7") + "[limits]\nwrites_burst = 0\n[limit]\n"
    assert [(line, code) for line, code, _, _ in wrong(text)] == [
        (1, "missing-key"), (3, "unknown-key"), (4, "wrong-type"), (9, "bad-value"), (10, "unknown-key"),
    ]  # fmt: skip
    said = [f"{message}: {hint}" for _, _, message, hint in wrong(text)]
    assert said == [
        'oidc has no audience: add a line: audience = "pinset"',
        "'audiense' is not known in oidc: did you mean audience?",
        'oidc.person must be text, and is the number 7: write person = "{actor}"',
        "limits.writes_burst must be a number from 1 to 10,000,000, and is 0: write writes_burst = 500",
        "'limit' is not known: did you mean limits?",
    ]
    with pytest.raises(InvalidConfig) as caught:
        config.parse(text, "here/config.toml")
    assert (caught.value.message, caught.value.hint) == (
        "here/config.toml has 5 mistakes",
        "correct them and start again",
    )
    assert {one["file"] for one in caught.value.details["findings"]} == {"here/config.toml"}


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("limits = 3", 1, "limits must be a table, and is the number 3"),
        ("oidc = {}", 1, "oidc must be a list of tables, and is a table"),
        ("[limits]\ntokens = [1]", 2, "limits.tokens must be a table, and is the number 1"),
        ("[limits]\nreads_burst = 5", 2, "reads_burst has no meaning without reads_per_second"),
        ("[limits]\nreads_per_second = -1", 2, "from 0 to 1,000,000, and is -1"),
        ("[limits]\nreads_per_second = nan", 2, "and is nan"),
        ("[limits]\nreads_per_second = inf", 2, "and is inf"),
        ("[limits]\nbody_seconds = true", 2, "and is true (true or false)"),
        ("[limits]\nat_once = 1.5", 2, "a whole number from 1 to 1,000, and is the number 1.5"),
        ("[limits]\nat_once = 0", 2, "and is 0"),
        ("[limits]\nstreams = 2024-01-01", 2, "and is a date or time"),
        ('[limits]\nproxies = ["10.0.0.2", "proxy"]', 2, "'proxy', which is no address"),
        ("[limits]\nproxies = []", 2, "a list of texts that is not empty"),
        ("[limits]\n\n[[limits.tokens]]\nwrites_per_second = 1", 3, "limits.tokens has no name"),
        ('[limits]\n[[limits.tokens]]\nname = "ci-*"', 2, "limits.tokens ci-* sets nothing"),
        ('[limits]\n[[limits.tokens]]\nname = "a b"\nwrites_burst = 2', 3, "no spaces"),
        ('[limits]\n[[limits.tokens]]\nname = ""\nwrites_burst = 2', 3, "limits.tokens.name is empty"),
    ],
)
def test_a_limit_that_cannot_be_is_refused(text: str, line: int, said: str) -> None:
    found = only(text)
    assert (found[0], said in found[2], bool(found[3])) == (line, True, True), found


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("https://token", "http://token", "must be an https:// address"),
        ("https://token", "https://a:b@token", "must be an https:// address"),
        (".com", ".com?x=1", "must be an https:// address"),
        (".com", ".com:0", "must be an https:// address"),
        ('"pinset"', '"pin*"', "the audience is no pattern"),
        ('"pinset"', '""', "oidc.audience is empty"),
        ('"pinset"', '"pinset"\nalgorithms = ["HS256"]', "'HS256', which is no signature by a private key"),
        ('"pinset"', '"pinset"\nalgorithms = ["none"]', "'none', which is no signature by a private key"),
        ('"pinset"', '"pinset"\nalgorithms = "RS256"', "a list of texts that is not empty"),
        ('"pinset"', '"pinset"\nactor = "ci"', "everybody would be the same"),
        ('"pinset"', '"pinset"\nactor = "{sub"', "a brace that surrounds no claim"),
        ('"pinset"', '"pinset"\nactor = "{a b}"', "a brace that surrounds no claim"),
        ('"pinset"', '"pinset"\nlifetime_seconds = 100000', "from 60 to 86,400"),
        ('"pinset"', '"pinset"\nleeway_seconds = 301', "from 0 to 300"),
        ('"pinset"', '"pinset"\njwks_uri = "http://idp.example.com/k"', "must be an https:// address"),
        ("promote:support-*@staging", "promot", "'promot' is no verb and no role"),
        ('can = "promote:support-*@staging read"', "", "oidc.allow has no can"),
        ('"repo:acme/support:*"', "1.5", "the claim 'sub' must be a text"),
        ('"repo:acme/support:*"', "[]", "the claim 'sub' must be a text"),
    ],
)
def test_an_issuer_that_cannot_be_trusted_so_is_refused(old: str, new: str, said: str) -> None:
    assert said in only(GITHUB.replace(old, new, 1))[2]


@pytest.mark.parametrize(
    "claims",
    [
        '{ref = "refs/heads/main"}',
        '{sub = "*"}',
        '{sub = "repo:*"}',
        '{sub = "repo:*/support:ref:refs/heads/main"}',
        '{sub = "*:ref:refs/heads/main"}',
        '{sub = ["repo:acme/support:*", "repo:*"]}',
        '{repository = "acme*"}',
        '{repository_owner = "acme*"}',
        '{environment = "production", repository_visibility = "private"}',
    ],
)
def test_an_issuer_that_signs_for_everybody_is_told_for_whom(claims: str) -> None:
    start, end = GITHUB.index("{sub"), GITHUB.index("}\n  can") + 1
    assert "this issuer signs for everybody" in only(GITHUB[:start] + claims + GITHUB[end:])[2]
    elsewhere = GITHUB.replace("token.actions.githubusercontent.com", "idp.example.com")
    text = elsewhere[: elsewhere.index("{sub")] + claims + elsewhere[elsewhere.index("}\n  can") + 1 :]
    if '"*' in claims:
        assert "whom the issuer knows" in only(text)[2]
    else:
        config.parse(text)


@pytest.mark.parametrize("claims", ["{}", ""])
def test_claims_are_there(claims: str) -> None:
    line = f"claims = {claims}" if claims else ""
    text = GITHUB.replace('claims = {sub = "repo:acme/support:*", ref = ["refs/heads/main", "refs/heads/rel-*"]}', line)
    assert "would let in everybody" in only(text)[2]


def test_two_issuers_cannot_name_one_actor() -> None:
    gitlab = GITHUB.replace("token.actions.githubusercontent.com", "gitlab.com").replace("repo:", "project_path:")
    assert [line for line, _, message, _ in wrong(GITHUB + gitlab) if "begins in its own way" in message] == [1, 8]
    named = [
        text.replace("person", f'actor = "{name}:{{sub}}"\nperson') for text, name in ((GITHUB, "hub"), (gitlab, "lab"))
    ]
    assert [issuer.actor for issuer in config.parse("".join(named)).oidc] == ["hub:{sub}", "lab:{sub}"]
    near = named[1].replace("lab:", "hub:x")
    assert all("begins in its own way" in message for _, _, message, _ in wrong(named[0] + near))
    again = named[0].replace("hub:", "own:")
    assert "is there twice" in only(named[0] + again)[2]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"[limits\n", "is not TOML: .*line 1"),
        (b"[limits]\nat_once = 1\nat_once = 2\n", "is not TOML: .*line 3"),
        (b"x = " + b"[" * 5000, "is not TOML"),
        (b"[limits]\n# \xff\n", ":2: it is not UTF-8"),
        (b"#" * 64 * 1024 + b"#", "over 65,536 bytes"),
    ],
)
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / config.FILE).write_bytes(data)
    with pytest.raises(InvalidConfig, match=said) as caught:
        config.read(tmp_path)
    assert caught.value.hint


def test_a_file_that_cannot_be_read_is_not_taken_for_none(tmp_path: Path) -> None:
    (tmp_path / config.FILE).mkdir()
    with pytest.raises(InvalidConfig, match="cannot be read: Is a directory"):
        config.read(tmp_path)


def test_clones_can_be_switched_off_and_limited() -> None:
    assert config.parse("[git]\nenabled = false\nat_once = 2\nseconds = 60").git == config.Git(
        enabled=False, at_once=2, seconds=60
    )
    found = {code for _, code, _, _ in wrong("[git]\nenabled = 1\nat_once = 0\nwho = 2")}
    assert found == {"unknown-key", "wrong-type", "bad-value"}
