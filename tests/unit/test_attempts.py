"""What is refused is recorded before it is told, once, and strangers cannot write without end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pinset.errors import (
    Barred,
    Integrity,
    InvalidInput,
    NotFound,
    PermissionDenied,
    PinsetError,
    ReadOnly,
    Unauthenticated,
    Unavailable,
)
from pinset.ports.registry import Caller
from pinset.ports.state import Attempt, Kind
from pinset.services.attempts import WINDOW, Repeats, trying
from pinset.services.auditing import ACTIONS

if TYPE_CHECKING:
    from pinset.services.local import LocalRegistry

ADA = Caller(actor="ada", via="token:abc 10.0.0.7")


def rows(registry: LocalRegistry) -> list[Attempt]:
    return list(registry._context.state.attempts(oldest_first=True))


def tried(registry: LocalRegistry, error: PinsetError, caller: Caller = ADA, **about: Any) -> PinsetError:
    """What somebody is told who is refused."""
    with pytest.raises(PinsetError) as caught, trying(registry._context, caller, "promote", about):
        raise error
    return caught.value


def test_a_refusal_is_recorded_once_and_what_is_none_is_not(memory: LocalRegistry) -> None:
    for other in (NotFound("no"), InvalidInput("no"), Unavailable("no"), Integrity("no")):
        assert tried(memory, other) is other
    assert rows(memory) == []
    refused = Barred("it is barred")
    assert tried(memory, refused, reference="support@v2", alias="production") is refused
    assert tried(memory, refused, reference="support@v2") is refused
    [row] = rows(memory)
    assert (row.action, row.bundle, row.alias, row.code, row.detail) == (
        "promote", "support", "production", "barred", "it is barred",
    )  # fmt: skip
    assert (row.actor, row.via, row.address, row.kind) == ("ada", "token:abc", "10.0.0.7", Kind.REFUSED)
    assert row.details == {"reference": "support@v2", "to_version": 2}


def test_files_and_what_has_no_name_here_are_never_told(memory: LocalRegistry) -> None:
    tried(memory, Barred("no"), files={"a.md": "the secret sauce"}, body="secret sauce", reason="why", bundle="support")
    [row] = rows(memory)
    assert row.details == {"reason": "why"}
    assert "sauce" not in repr(row)


def test_a_refusal_is_called_as_what_is_done_is(memory: LocalRegistry) -> None:
    for verb, about in (("publish-component", {}), ("keys.add", {"name": "ops"}), ("decide", {"decision": "approve"})):
        with pytest.raises(Barred), trying(memory._context, ADA, verb, about):
            raise Barred("no")
    assert [row.action for row in rows(memory)] == ["component", "keys", "approve"]
    assert {row.action for row in rows(memory)} <= set(ACTIONS)


def test_a_dry_run_is_recorded_only_where_the_credential_does_not_allow_it(memory: LocalRegistry) -> None:
    asks = Caller(actor="ada", dry_run=True)
    asked = tried(memory, Barred("no"), asks)
    assert asked.recorded, "and nobody else records it"
    tried(memory, PermissionDenied("no"), asks)
    assert [row.code for row in rows(memory)] == ["permission_denied"]


@pytest.mark.parametrize(
    ("failed", "told"),
    [
        (ReadOnly("the disk is full", hint="free space"), ReadOnly),
        (Unavailable("it is locked", hint="wait"), Unavailable),
        (Integrity("it is damaged", hint="restore"), Unavailable),
    ],
)
def test_a_refusal_that_cannot_be_recorded_is_not_told(
    memory: LocalRegistry, monkeypatch: pytest.MonkeyPatch, failed: PinsetError, told: type[PinsetError]
) -> None:
    def fails(_attempt: Attempt) -> None:
        raise failed

    monkeypatch.setattr(memory._context.state, "add_attempt", fails)
    found = tried(memory, Barred("it is barred"))
    assert type(found) is told
    assert found.message == f"the audit log cannot be written: {failed.message}"
    assert failed.hint in found.hint
    assert "barred" not in found.message + found.hint


# -- what comes again ------------------------------------------------------------------------------------------


def stranger(at: int, address: str = "10.0.0.1", **more: Any) -> Attempt:
    told = {
        "actor": "anonymous",
        "action": "read",
        "target": "/v1/x",
        "code": "unauthenticated",
        "detail": "no",
        **more,
    }
    return Attempt(at=at, kind=Kind.ANONYMOUS, address=address, **told)


def known(at: int, **more: Any) -> Attempt:
    told = {"actor": "app", "via": "token:abc", "target": "/v1/bundles/support", **more}
    return Attempt(at=at, action="read", code="permission_denied", detail="no", address="10.0.0.9", **told)


def counted(registry: LocalRegistry) -> list[tuple[str, str, int]]:
    return [(row.address, row.action, row.count) for row in rows(registry)]


def test_what_a_stranger_does_again_within_a_minute_is_a_number(memory: LocalRegistry) -> None:
    strangers, start = Repeats(memory._context), 10**12
    for number in range(1000):
        error = Unauthenticated("no")
        strangers.add(error, stranger(start + number))
        assert error.recorded
    assert counted(memory) == [("10.0.0.1", "read", 1)]
    strangers.add(Unauthenticated("no"), stranger(start + 1000, action="promote"))
    strangers.add(Unauthenticated("no"), stranger(start + 1000, address="10.0.0.2"))
    assert counted(memory)[1:] == [("10.0.0.1", "promote", 1), ("10.0.0.2", "read", 1)], "what is new is a row at once"
    strangers.add(Unauthenticated("no"), stranger(start + WINDOW))
    assert counted(memory)[3:] == [("10.0.0.1", "read", 999), ("10.0.0.1", "read", 1)]
    strangers.add(Unauthenticated("no"), stranger(start + WINDOW + 1))
    assert strangers.flush() is None
    assert counted(memory)[5:] == [("10.0.0.1", "read", 1)]
    assert sum(count for _, _, count in counted(memory)) == 1000 + 2 + 2
    assert strangers.flush() is None
    assert len(counted(memory)) == 6


def test_a_clock_that_is_set_back_hides_nothing(memory: LocalRegistry) -> None:
    strangers = Repeats(memory._context)
    strangers.add(Unauthenticated("no"), stranger(10**12))
    strangers.add(Unauthenticated("no"), stranger(10**12 + 1))
    strangers.add(Unauthenticated("no"), stranger(10**11))
    assert counted(memory) == [("10.0.0.1", "read", 1)] * 3


def test_many_addresses_cost_no_memory_without_end(memory: LocalRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pinset.services.attempts._MOST", 3)
    strangers = Repeats(memory._context)
    for number in range(50):
        strangers.add(Unauthenticated("no"), stranger(10**12 + number, address=f"10.0.0.{number}"))
    assert len(strangers._seen) == 4
    strangers.add(PermissionDenied("no"), known(10**12 + 50))
    strangers.add(PermissionDenied("no"), known(10**12 + 51))
    assert len(strangers._seen) == 4
    assert strangers.flush() is None
    assert counted(memory)[3:] == [("", "read", 1), ("10.0.0.9", "read", 1), ("10.0.0.9", "read", 1), ("", "read", 46)]


def test_a_program_that_polls_what_it_may_not_read_is_a_row_a_minute(memory: LocalRegistry) -> None:
    repeats = Repeats(memory._context)
    for number in range(100):
        repeats.add(PermissionDenied("no"), known(10**12 + number))
    repeats.add(PermissionDenied("no"), known(10**12 + 100, target="/v1/bundles/other"))
    repeats.add(PermissionDenied("no"), known(10**12 + 101, actor="other"))
    assert repeats.flush() is None
    assert [(row.actor, row.target, row.count, row.kind) for row in rows(memory)] == [
        ("app", "/v1/bundles/support", 1, "refused"),
        ("app", "/v1/bundles/other", 1, "refused"),
        ("other", "/v1/bundles/support", 1, "refused"),
        ("app", "/v1/bundles/support", 99, "refused"),
    ]


def test_what_was_counted_and_cannot_be_written_stays_and_nobody_is_told(
    memory: LocalRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_attempt: Attempt) -> None:
        raise ReadOnly("the disk is full", hint="free space")

    strangers = Repeats(memory._context)
    for number in range(3):
        strangers.add(Unauthenticated("no"), stranger(10**12 + number))
    with monkeypatch.context() as patch:
        patch.setattr(memory._context.state, "add_attempt", full)
        for later in (WINDOW, 2 * WINDOW):
            with pytest.raises(ReadOnly, match="audit log cannot be written"):
                strangers.add(Unauthenticated("no"), stranger(10**12 + later))
        assert isinstance(strangers.flush(), ReadOnly)
    assert strangers.flush() is None
    assert counted(memory) == [("10.0.0.1", "read", 1), ("10.0.0.1", "read", 2)]
