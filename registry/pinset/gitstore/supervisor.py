"""Keeps the writer process: starts it when it is needed, gives up on it in time, says what its death means."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pinset.errors import Integrity, PinsetError, ReadOnly, Unavailable
from pinset.gitstore.faults import from_wire, system_error
from pinset.gitstore.process import Child, ChildDied
from pinset.gitstore.scanning import VERIFY_HINT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pinset.gitstore.locks import FileLock


class Supervisor:
    """One child for short operations, and one more for each scan, so that a scan never holds up a write.

    seconds: how long one operation, or one item of a scan, may take.
    """

    def __init__(self, repository: Path, lock: FileLock, *, seconds: float = 30.0) -> None:
        self._repository = repository
        self._lock = lock
        self._seconds = seconds
        self._turn = threading.Lock()
        self._child: Child | None = None
        self._generation = 0
        self._process = os.getpid()
        self._failed_sync = False
        self._numbers = itertools.count(1)

    @property
    def pid(self) -> int | None:
        """The child's process id, None while there is none."""
        return self._child.pid if self._child else None

    def write(self, op: str, meanwhile: Callable[[], None] | None = None, **arguments: Any) -> dict[str, Any]:
        """Run an operation that changes the store. Raises what the child answers, ReadOnly, Unavailable.

        meanwhile: is done here while the child works. What it raises is raised, and the child is stopped.
        """
        if self._failed_sync:
            raise ReadOnly(
                "an earlier write may not have reached the disk; nothing is written until the registry is opened anew",
                hint="check the disk and the system's log, then restart",
                details={"errno": "EIO"},
            )
        with self._our_turn():
            if self._child is not None and self._generation != self._lock.generation:
                self._stop()
            try:
                return self._ask(op, arguments, lost=_lost_write, meanwhile=meanwhile)
            except ReadOnly as error:
                if error.details.get("errno") == "EIO":
                    self.stop_writes()
                raise

    def read(self, op: str, **arguments: Any) -> dict[str, Any]:
        """Run an operation that changes nothing. Raises what the child answers, Integrity, Unavailable."""
        with self._our_turn():
            return self._ask(op, arguments, lost=_lost_read)

    def stream(self, op: str, **arguments: Any) -> Iterator[dict[str, Any]]:
        """The answers of an operation that gives many, by a child of its own."""
        child = self._start(())
        try:
            request = self._request(op, arguments)
            child.send(request, self._seconds)
            while not (answer := _checked(self._answer(child, request))).get("end"):
                yield answer
        except TimeoutError as error:
            raise _too_slow(op, self._seconds) from error
        except ChildDied as error:
            raise _lost_read(op, child.status()) from error
        except OSError as error:
            raise _not_spoken(op, error) from error
        finally:
            child.kill()

    def stop_writes(self) -> None:
        """Refuse every write from now on: a sync has failed, here or elsewhere."""
        self._failed_sync = True

    def since(self) -> float:
        """Git's lock files from before this time, in seconds since 1970, belong to writers that are gone."""
        return max(self._lock.since, self._child.started if self._child else 0.0)

    def close(self) -> None:
        """End the child. Idempotent."""
        with self._our_turn():
            if self._child is not None:
                self._child.close()
                self._child = None

    def _our_turn(self) -> threading.Lock:
        if self._process != os.getpid():
            # Forked: the pipes and the child are the other process's.
            self._process, self._turn = os.getpid(), threading.Lock()
            if self._child is not None:
                self._child.abandon()
                self._child = None
        return self._turn

    def _ask(
        self, op: str, arguments: dict[str, Any], *, lost: Lost, meanwhile: Callable[[], None] | None = None
    ) -> dict[str, Any]:
        with self._speaking(op, lost):
            child = self._running()
            request = self._request(op, arguments)
            child.send(request, self._seconds)
        if meanwhile is not None:
            try:
                meanwhile()
            except BaseException:
                # Nobody will take the answer: the pipe is out of step.
                self._stop()
                raise
        with self._speaking(op, lost):
            answer = self._answer(child, request)
        return _checked(answer)

    @contextmanager
    def _speaking(self, op: str, lost: Lost) -> Iterator[None]:
        """What goes wrong with the child as errors of ours; it is stopped then."""
        try:
            yield
        except TimeoutError as error:
            self._stop()
            raise _too_slow(op, self._seconds) from error
        except ChildDied as error:
            raise lost(op, self._stop(dead=True)) from error
        except OSError as error:
            self._stop()
            raise _not_spoken(op, error) from error
        except BaseException:
            # An interrupt in the middle of an answer: the pipe is out of step.
            self._stop()
            raise

    def _request(self, op: str, arguments: dict[str, Any]) -> dict[str, Any]:
        number = next(self._numbers)
        return {"op": op, "of": number, "seconds": self._seconds, "repository": str(self._repository), **arguments}

    def _answer(self, child: Child, request: dict[str, Any]) -> dict[str, Any]:
        """The next answer to this request. What the child says more to one that is answered is not taken for it."""
        while True:
            answer = child.receive(self._seconds)
            if answer.get("of", request["of"]) == request["of"]:
                return answer

    def _running(self) -> Child:
        if self._child is None:
            inherited = self._inherited()
            self._generation = self._lock.generation if inherited else 0
            self._child = self._start(inherited)
        return self._child

    def _inherited(self) -> tuple[int, ...]:
        try:
            return (self._lock.fileno(),)
        except ReadOnly:
            return ()  # enough for reading

    def _start(self, inherited: tuple[int, ...]) -> Child:
        try:
            child = Child(self._repository, inherited)
        except OSError as error:
            raise system_error(error, "the store's process cannot be started") from error
        try:
            _checked(child.receive(self._seconds))
        except ChildDied as error:
            raise Unavailable(
                f"the store's process ended at its start ({_status(child.status())})",
                hint="run `python -m pinset.gitstore.child` with the repository's path to see why",
            ) from error
        except BaseException as error:
            child.kill()
            if isinstance(error, TimeoutError):
                raise _too_slow("start", self._seconds) from error
            raise
        return child

    def _stop(self, *, dead: bool = False) -> int:
        child, self._child = self._child, None
        if child is None:
            return 0
        return child.status() if dead else child.kill()


if TYPE_CHECKING:
    from collections.abc import Callable

    Lost = Callable[[str, int], PinsetError]


def _checked(answer: dict[str, Any]) -> dict[str, Any]:
    if "error" in answer:
        raise from_wire(answer["error"])
    return answer


def _too_slow(op: str, seconds: float) -> Unavailable:
    return Unavailable(
        f"the store did not finish `{op}` in {seconds:g} seconds and was stopped",
        hint="look again at what happened, then try again; `pinset verify` finds damage",
        details={"step": op},
    )


def _not_spoken(op: str, error: OSError) -> PinsetError:
    return system_error(error, f"the store's process cannot be spoken to during `{op}`")


def _lost_write(op: str, status: int) -> Unavailable:
    return Unavailable(
        f"the store's process ended during `{op}` ({_status(status)}); it is not known whether it was done",
        hint="look again, then try again",
        details={"step": op},
    )


def _lost_read(op: str, status: int) -> PinsetError:
    if status in (-signal.SIGKILL, -signal.SIGTERM):  # by somebody, or for want of memory: no file does that
        return Unavailable(
            f"the store's process was ended during `{op}` ({_status(status)})",
            hint="try again; if it stays so, look in the system's log for what ends it",
            details={"step": op},
        )
    return Integrity(
        f"the store's process ended during `{op}` ({_status(status)}): most likely a file of the repository is damaged",
        hint=VERIFY_HINT,
        details={"step": op},
    )


def _status(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"exit status {status}"
