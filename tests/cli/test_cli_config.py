"""`pinset serve` and the registry's config.toml."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING

from pinset.bootstrap import serving

if TYPE_CHECKING:
    import pytest
    from terminals import Cli


def test_a_server_does_not_start_with_a_config_that_has_mistakes(near: Cli) -> None:
    file = Path(near.location) / "config.toml"
    file.write_text('[limits]\nwrites_per_secnd = 5\nat_once = "two"\n')
    status, out, err = near("serve", "--port", "0")
    assert (status, out) == (2, "")
    assert err.splitlines() == [
        f"{file}:2: error: 'writes_per_secnd' is not known in limits [unknown-key]",
        "    did you mean writes_per_second?",
        f"{file}:3: error: limits.at_once must be a whole number from 1 to 1,000, and is the text 'two' [wrong-type]",
        f"    write at_once = {_processors()}",
        f"error: {file} has 2 mistakes",
        "hint: correct them and start again",
    ]


def test_other_commands_go_on_without_the_config(near: Cli) -> None:
    (Path(near.location) / "config.toml").write_text("[")
    assert near("list")[0] == 0


def test_an_issuer_needs_what_proves_its_tokens(near: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    (Path(near.location) / "config.toml").write_text(
        '[[oidc]]\nissuer = "https://idp.example.com"\naudience = "pinset"\n[[oidc.allow]]\nclaims = {sub = "a"}\ncan = "read"\n'
    )
    find = serving.find_spec
    monkeypatch.setattr(serving, "find_spec", lambda name: None if name == "joserfc" else find(name))
    status, _, err = near("serve", "--port", "0")
    assert status == 2
    assert "pip install 'pinset[server]'" in err


def _processors() -> int:
    from pinset.config import Limits

    return Limits.at_once


def test_a_worker_that_starts_later_has_what_the_server_read_when_it_started(
    near: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pinset.api import logs, server

    for name in [
        name for name in vars(serving) if name.startswith("_") and str(vars(serving)[name]).startswith("PINSET_")
    ]:
        monkeypatch.setenv(vars(serving)[name], "")
    for module, name in ((server, "run"), (server, "give_way"), (logs, "configure")):
        monkeypatch.setattr(module, name, lambda *_, **__: None)
    file = Path(near.location) / "config.toml"
    file.write_text("[limits]\nat_once = 7\n")
    assert near("serve", "--port", "0")[0] == 0
    file.write_text("[")
    frozen = gc.get_freeze_count()
    app = serving.application().api
    try:
        assert app.state.settings.at_once == 7
        assert gc.get_freeze_count() > frozen, "no answer waits while what was imported is looked through"
    finally:
        gc.unfreeze()
        app.state.hot.close()
        app.state.registry.close()
