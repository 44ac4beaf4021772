"""The pages on config.toml show files that are taken, and say of every setting what is true of it."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from pinset import config
from pinset.api import cloning, routes_git
from pinset.auth import issuers
from pinset.config import Issuer, Limits, Rate
from pinset.config import limits as limits_module
from pinset.config import oidc as oidc_module

DOCS = Path(__file__).parents[2] / "registry" / "docs"
OIDC, LIMITS, PAGES, GIT = ((DOCS / f"{name}.md").read_text() for name in ("oidc", "limits", "pages", "git"))


def rows(page: str) -> dict[str, list[str]]:
    """The cells behind each setting that a table names."""
    found = {}
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| `"):
            found.update(dict.fromkeys(re.findall(r"`([^`]+)`", cells[0]), cells[1:]))
    return found


@pytest.mark.parametrize("text", re.findall(r"```toml\n(.*?)```", OIDC + LIMITS + PAGES + GIT, re.DOTALL))
def test_every_file_shown_is_taken(text: str) -> None:
    found = config.parse(text)
    assert found != config.Config()


def test_every_setting_is_on_its_page_and_nothing_else() -> None:
    rates = set(limits_module._rate_keys(limits_module._RATES))
    assert set(rows(LIMITS)) == rates | set(limits_module._RANGES) | {"[[limits.tokens]]", "proxies"}
    own = {name.removeprefix("allow.") for name in rows(OIDC)}
    assert own == (set(oidc_module._KEYS) - {"allow"}) | {"claims", "can"}


def test_the_defaults_shown_are_the_programs() -> None:
    page, limits = rows(LIMITS), Limits()
    for name in limits_module._RANGES:
        if name != "at_once":
            assert float(page[name][0].replace(",", "")) == getattr(limits, name), name
    for name in ("writes", "failures"):
        shown = Rate(*(float(one) for one in page[f"{name}_burst"][0].split(", ")))
        assert shown == getattr(limits, name)
    assert page["reads_burst"][0] == "none"
    assert limits.reads.per_second == 0
    for name in ("body_bytes", "head_seconds", "at_once", "streams"):
        least, most = (float(one.replace(",", "")) for one in page[name][1].split(" to "))
        assert (least, most) == limits_module._RANGES[name]


def test_what_is_said_of_issuers_is_so() -> None:
    page = rows(OIDC)
    usual = {one.name: one.default for one in fields(Issuer)}
    assert page["algorithms"][0] == '`["' + '", "'.join(usual["algorithms"]) + '"]`'
    assert page["algorithms"][1].removeprefix("of `").removesuffix("`") == " ".join(oidc_module.ALGORITHMS)
    assert page["actor"][0] == f'`"{usual["actor"]}"`'
    assert [int(page[f"{name}_seconds"][0]) for name in ("lifetime", "leeway")] == [usual["lifetime"], usual["leeway"]]
    minutes, hours = issuers.FRESH_SECONDS / 60, issuers.KEPT_SECONDS / 3600
    for said in (f"every {minutes:g} minutes", f"every {issuers.PAUSE_SECONDS:g} seconds", f"count for {hours:g} hours",
                 f"{issuers.LARGEST // 1024} KiB and {issuers._LONGEST_SECONDS:g} seconds"):  # fmt: skip
        assert said in OIDC, said


def test_what_is_said_of_pages_is_so() -> None:
    page, usual = rows(PAGES), config.Pages()
    assert page["enabled"][0] == str(usual.enabled).lower()
    assert float(page["session_hours"][0]) == usual.session_hours
    assert rows(OIDC)["scope"][0] == f'`"{oidc_module.SCOPE}"`'


def test_what_is_said_of_clones_is_so() -> None:
    page, usual = rows(GIT), config.Git()
    assert page["enabled"][0] == str(usual.enabled).lower()
    assert [float(page[name][0].replace(",", "")) for name in ("at_once", "seconds")] == [usual.at_once, usual.seconds]
    body, unpacked = routes_git.BODY_BYTES >> 20, cloning.UNPACKED_BYTES >> 20
    said = f"{body} MiB, and {unpacked} MiB unpacked"
    assert said in GIT
    assert f"for {cloning.WAIT_SECONDS:g} seconds at most" in GIT
