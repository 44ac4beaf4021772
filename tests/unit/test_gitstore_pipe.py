"""What goes between the store and the child that writes: messages, and failures in words of ours."""

from __future__ import annotations

import errno
import os
import threading

import pytest

from pinset import durable
from pinset.errors import (
    Conflict,
    Integrity,
    NotFound,
    PinsetError,
    ReadOnly,
    Unavailable,
    all_errors,
)
from pinset.gitstore import faults, frames

BLOB, TREE = "ab" * 20, "cd" * 20


# -- the pipe --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "message", [{}, {"a": "ü\0\U0001f600"}, {"text": "x" * 300_000, "list": [1, None, {"b": True}]}]
)
def test_a_message_goes_through_the_pipe_as_it_is(message: dict[str, object]) -> None:
    reading, writing = os.pipe()
    thread = threading.Thread(target=frames.write, args=(writing, message))
    thread.start()
    try:
        assert frames.read(reading) == message
    finally:
        thread.join()
        os.close(writing)
        os.close(reading)


def test_messages_that_follow_close_upon_each_other_are_kept_apart() -> None:
    sent = [{"n": number, "text": "x" * size} for number, size in enumerate([100_000, 3, 200_000, 0])]
    reading, writing = os.pipe()
    thread = threading.Thread(target=lambda: [frames.write(writing, message) for message in sent])
    thread.start()
    try:
        assert [frames.read(reading) for _ in sent] == sent
    finally:
        thread.join()
        os.close(writing)
        os.close(reading)


@pytest.mark.parametrize("cut", [0, 1, 3, 4, 5, 13])
def test_a_pipe_that_ends_in_a_message_has_ended(cut: int) -> None:
    whole = frames.pack({"op": "ref", "n": 1})
    assert cut < len(whole)
    reading, writing = os.pipe()
    os.write(writing, whole[:cut])
    os.close(writing)
    assert frames.read(reading) is None
    os.close(reading)


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"1", b"null", b"{", b"\xff"])
def test_what_is_no_message_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        frames.unpack(body)


# -- failures --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, ReadOnly),
        (errno.EDQUOT, ReadOnly),
        (errno.EFBIG, ReadOnly),
        (errno.EROFS, ReadOnly),
        (errno.EACCES, ReadOnly),
        (errno.EPERM, ReadOnly),
        (errno.EIO, ReadOnly),
        (errno.EMFILE, Unavailable),
        (errno.ENOMEM, Unavailable),
    ],
)
def test_a_failed_system_call_says_whether_waiting_helps(number: int, kind: type[PinsetError]) -> None:
    told = faults.system_error(OSError(number, "x"), "it cannot be done")
    assert type(told) is kind
    assert told.details == {"errno": errno.errorcode[number]}
    assert os.strerror(number) in told.message
    assert "it cannot be done" in told.message
    assert told.hint
    for writing in (True, False):
        given = faults.translate(OSError(number, "x"), writing=writing)
        if writing or number in {errno.EACCES, errno.EPERM, errno.EMFILE}:
            assert type(given) is kind
            assert given.details == told.details
        else:
            assert type(given) is Integrity


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_no_room_has_one_way_out_wherever_it_is_noticed(number: int) -> None:
    hint = durable.way_out(OSError(number, "x"), "something else")
    assert hint == faults.system_error(OSError(number, "x"), "it cannot be done").hint
    assert hint != "something else"


def test_what_is_not_for_want_of_room_has_a_way_out_of_its_own() -> None:
    assert durable.way_out(OSError(errno.EIO, "x"), "something else") == "something else"
    assert durable.way_out(OSError("x"), "something else") == "something else"


@pytest.mark.parametrize("name", ["ENOSPC", "EIO", "EACCES"])
def test_the_words_of_libgit2_are_understood(name: str) -> None:
    words = f"failed to write to ref: {os.strerror(getattr(errno, name))}"
    assert faults.number_in(words) == getattr(errno, name)
    for told in (faults.translate(Exception(words), writing=True), faults.system_error(OSError(words), "x")):
        assert isinstance(told, ReadOnly)
        assert told.details == {"errno": name}


def test_files_that_may_not_be_read_are_not_called_damage() -> None:
    told = faults.translate(Exception(f"could not open: {os.strerror(errno.EACCES)}"), writing=False)
    assert isinstance(told, ReadOnly)
    assert "chown" in told.hint


def test_the_words_of_git_are_understood() -> None:
    assert faults.number_in("fatal: Out of diskspace") == errno.ENOSPC
    assert faults.number_in("who knows") is None


@pytest.mark.parametrize("writing", [True, False])
def test_what_nobody_knows_is_told_in_its_own_words(writing: bool) -> None:
    told = faults.translate(Exception("who knows"), writing=writing)
    assert type(told) is (Unavailable if writing else Integrity)
    assert told.details == {}
    assert "who knows" in told.message
    assert "None" not in told.message
    assert told.hint
    assert ("written" in told.message, "read" in told.message) == (writing, not writing)


def test_a_process_without_files_left_is_told_whether_it_wrote() -> None:
    for writing in (True, False):
        told = faults.translate(OSError(errno.EMFILE, "x"), writing=writing)
        assert ("written" in told.message, "read" in told.message) == (writing, not writing)


def test_what_is_not_there_or_in_the_way_is_named_with_a_way_out() -> None:
    missing = faults.no_such_commit(BLOB)
    assert missing.details == {"commit": BLOB}
    assert BLOB in missing.message
    blocked = faults.name_in_the_way("refs/heads/a/b")
    assert isinstance(blocked, Conflict)
    assert "refs/heads/a/b" in blocked.message
    assert missing.hint
    assert blocked.hint


@pytest.mark.parametrize("error", [TypeError("x"), AttributeError("x")])
def test_a_mistake_of_ours_is_not_called_damage(error: Exception) -> None:
    told = faults.translate(error, writing=False)
    assert type(told) is Unavailable
    assert type(error).__name__ in told.message
    assert told.hint
    assert type(faults.translate(ValueError("x"), writing=False)) is Integrity
    assert type(faults.translate(error, writing=True)) is Unavailable


def test_an_error_of_ours_stays_what_it_is() -> None:
    for writing in (True, False):
        error = NotFound("m", hint="h")
        assert faults.translate(error, writing=writing) is error


@pytest.mark.parametrize("kind", list(all_errors()))
def test_every_error_goes_through_the_pipe(kind: type[PinsetError]) -> None:
    sent = kind("message", hint="hint", details={"ref": "x"})
    got = faults.from_wire(faults.to_wire(sent))
    assert type(got) is kind
    assert (got.message, got.hint, got.details) == ("message", "hint", {"ref": "x"})


def test_an_error_of_an_unknown_code_is_not_lost() -> None:
    got = faults.from_wire({"code": "future", "message": "m", "hint": "h", "details": {}})
    assert type(got) is Unavailable
    assert got.message == "m"


@pytest.mark.parametrize(("expected", "found"), [(BLOB, TREE), (None, TREE), (BLOB, None)])
def test_a_ref_that_moved_meanwhile_says_from_where_to_where(expected: str | None, found: str | None) -> None:
    error = faults.moved_meanwhile("refs/heads/a", expected, found)
    assert isinstance(error, Conflict)
    assert error.details == {"ref": "refs/heads/a", "expected": expected, "found": found}
    for each in (expected, found):
        assert (each or "nothing") in error.message
    assert error.hint
