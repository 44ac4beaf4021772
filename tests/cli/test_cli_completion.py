"""What the shell completes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinset_cli import complete
from pinset_cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from terminals import Cli


def _completed(words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("_PINSET_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split(" ")) - 1))
    capsys.readouterr()
    assert main([]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out.split()


def test_the_shell_completes_names_of_the_registry(
    near: Cli, bundle: Callable[..., str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    near("publish", bundle(), "--alias", "production")
    near("publish", bundle("2"), "--alias", "staging")
    monkeypatch.setenv("PINSET_REGISTRY", near.location)
    for words, there in (
        ("pinset get su", ["support"]),
        ("pinset status s", ["support"]),
        ("pinset get support@", ["support@production", "support@staging", "support@v2", "support@v1"]),
        ("pinset get support p", ["production"]),
        ("pinset get support @ p", ["production"]),  # as bash parts it
        ("pinset promote support@v", ["support@v2", "support@v1"]),
        ("pinset promote support@v1 ", ["production", "staging"]),
        ("pinset rollback support@", ["support@production", "support@staging"]),
        ("pinset get nothing@", []),
    ):
        assert _completed(words, capsys, monkeypatch) == there, words
    monkeypatch.setenv("PINSET_REGISTRY", "/nowhere")
    assert _completed("pinset get su", capsys, monkeypatch) == []
    assert _completed(f"pinset get --registry {near.location} su", capsys, monkeypatch) == ["support"]


def test_completion_is_silent_about_whatever_goes_wrong() -> None:
    from types import SimpleNamespace

    context: Any = SimpleNamespace(params={"registry": "/nowhere"})
    assert complete.bundles(context, "a") == complete.references(context, "a@") == complete.moves(context, "") == []
