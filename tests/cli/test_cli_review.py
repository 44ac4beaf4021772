"""review: what people read before a promotion, what programs read, and how it ends."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from terminals import Cli


class Done(NamedTuple):
    """How a command ended, and what it printed."""

    status: int
    out: str
    err: str


def ran(cli: Cli, *words: str) -> Done:
    """Run a command."""
    return Done(*cli(*words))


def hot_fixed(cli: Cli, bundle: Callable[..., str]) -> str:
    """v1 in production, v2 in staging, v3 a hot fix in production; the directory, as v2 was."""
    cli("publish", bundle(), "--alias", "production", "-m", "first")
    cli("publish", bundle("Be warm."), "--alias", "staging", "-m", "warmer; `id`")
    cli("publish", bundle("Never promise."), "--alias", "production", "-m", "hot fix: promises")
    return bundle("Be warm.")


def test_a_review_reads_from_who_to_the_command(cli: Cli, bundle: Callable[..., str]) -> None:
    hot_fixed(cli, bundle)
    done = ran(cli, "review", "support")
    lines = done.out.splitlines()
    assert done.status == 0
    assert lines[0] == "review: support@v2 (staging) for production, which serves v3"
    assert lines[1].startswith("published by ")
    assert "warmer; `id`" in " ".join(lines[1:3])
    assert "hot fix: promises" in done.out.split("support@v3 (production) →")[0]
    assert "CONFLICT: changed in both" in done.out
    where = ["--registry", cli.location]
    wanted = ["support@v2", "production", "--expect", "v3", "-m", "warmer; `id`"]
    assert shlex.split(lines[-1]) == ["pinset", "promote", *where, *wanted]
    assert max(map(len, lines[:-1])) <= 80


NAMED: Final = [
    "support",
    "support@staging",
    "support staging",
    "support@staging production",
    "support staging production",
    "support --from staging --to production",
    "support@v2",
]


def test_the_candidate_and_the_alias_are_named_as_elsewhere(near: Cli, bundle: Callable[..., str]) -> None:
    near("publish", bundle(), "--alias", "production")
    near("publish", bundle("more"), "--alias", "staging")
    for words in NAMED:
        answer = near.json("review", *words.split())
        assert (answer["from"], answer["to"], answer["alias"]) == (1, 2, "production"), words


WRONG: Final[dict[str, tuple[int, str]]] = {
    "nobody": (3, "there is no bundle 'nobody'"),
    "support": (3, "the alias support@staging does not exist"),
    "support@v9": (3, "there is no support@v9"),
    "support staging production x": (2, "one bundle, one candidate and one alias"),
    "support@v1 --from v1": (2, "one bundle, one candidate and one alias"),
    "support@v1 production --to canary": (2, "one bundle, one candidate and one alias"),
    "support ./support": (2, "a promotion or directories, not both"),
    "./support --from v1": (2, "a directory is the candidate itself"),
    "./nowhere": (3, "there is no directory"),
    "support@v1 --format html": (2, "there is no format html"),
    "support@v1 --fail-on none": (2, "there is no impact none"),
    "support@v1 --characters 10": (2, "invalid value for '--characters'"),
    "support@v1 --to v1": (2, "cannot be an alias"),
}


def test_what_cannot_be_reviewed_is_said(near: Cli, bundle: Callable[..., str]) -> None:
    near("publish", bundle(), "--alias", "production")
    for words, (status, says) in WRONG.items():
        done = ran(near, "review", *words.split())
        assert (done.status, done.out, says in done.err) == (status, "", True), (words, done)


def test_fail_on_ends_with_one_where_a_change_is_as_bad(near: Cli, bundle: Callable[..., str]) -> None:
    near("publish", bundle(), "--alias", "production")
    directory = bundle("other words")
    assert ran(near, "review", directory).status == 0
    assert ran(near, "review", directory, "--fail-on", "breaking").status == 0
    assert ran(near, "review", directory, "--fail-on", "behaviour").status == 1
    assert ran(near, "review", directory, "--fail-on", "cosmetic").status == 1
    manifest = Path(directory) / "release.yaml"
    manifest.write_text(manifest.read_text().replace("{{ticket}}", "{{ticket}} {{tongue}}"))
    assert ran(near, "review", directory, "--fail-on", "breaking").status == 1
    new = bundle(name="brand-new")
    assert ran(near, "review", new, "--fail-on", "cosmetic").status == 0, "nothing breaks that nobody uses"
    (Path(new) / "release.yaml").write_text("release: {feature: brand-new, prompt: {template: no.md}}\n")
    assert ran(near, "review", new).status == 0
    assert ran(near, "review", new, "--fail-on", "breaking").status == 1


def test_directories_become_one_comment(cli: Cli, bundle: Callable[..., str]) -> None:
    first = hot_fixed(cli, bundle)
    other, wrong = bundle(name="other"), bundle(name="wrong")
    (Path(wrong) / "release.yaml").write_text("release:\n  feature: wrong\n  prompt: {template: no.md}\n")
    done = ran(cli, "review", first, other, wrong, "--format", "markdown")
    assert done.status == 0
    assert done.out.startswith("<!-- pinset-review -->\n### Review against production\n")
    assert done.out.count("| **") == 3
    assert "release.yaml:3`" in done.out
    assert "Never promise.`; this changes the same place otherwise" in done.out
    several: Any = cli.json("review", first, other)
    assert [one["bundle"] for one in several["items"]] == ["support", "other"]
    text = ran(cli, "review", other, wrong).out
    assert "pinset publish " in text
    assert "it cannot be published as it is: pinset check " in text


def test_hostile_words_steer_no_terminal(near: Cli, bundle: Callable[..., str]) -> None:
    near("publish", bundle(), "--alias", "production")
    near("publish", bundle("\u202etxet\u200b \\x1b[31m"), "--alias", "staging", "-m", "line\n\x1b[2Jtwo")
    for style in ("text", "json", "markdown"):
        out = ran(near, "review", "support", "--format", style).out
        assert not any(sign in out for sign in ("\x1b", "\u202e", "\u200b"))
