"""The writer process: ``python -m pinset.gitstore.child REPOSITORY``.

Reads requests from standard input and writes answers to standard output, as `frames` has them, one at a time.
Every step runs under a timer whose signal kills the process: libgit2 can loop for ever while no Python runs, and
then only the kernel helps, also when the parent is gone. The end of standard input ends it.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pinset.errors import Unavailable
from pinset.gitstore import frames, refs
from pinset.gitstore.faults import to_wire, translate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pinset.gitstore.writer import Repository
    from pinset.ports.store import StoredCommit

_WRITING: Final = frozenset({"write", "move", "aside"})
_GRACE_SECONDS: Final = 5.0
"""The timer rings so much later than the parent gives up: it is for children without one."""
_PARENT_CHECK_SECONDS: Final = 5.0


def main() -> int:
    """Serve until standard input ends. The exit status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    # Nobody else may write to the pipe: what prints goes to standard error.
    answers = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        _serve(Path(sys.argv[1]), sys.stdin.fileno(), answers)
    except BrokenPipeError:
        return 1
    return 0


def _serve(path: Path, requests: int, answers: int) -> None:
    try:
        with timer(30.0):
            repository = _open(path)
    except Exception as error:  # noqa: BLE001 - the parent is told, whatever it is
        frames.write(answers, {"error": to_wire(translate(error, writing=False))})
        return
    frames.write(answers, {"ready": True})
    while (request := _next(requests)) is not None:
        for answer in _answers(repository, request):
            frames.write(answers, {**answer, "of": request["of"]})


def _open(path: Path) -> Repository:
    try:
        from pinset.gitstore.writer import Repository  # noqa: PLC0415 - its absence is an answer, not a crash
    except ImportError as error:
        raise Unavailable("pygit2 is not installed", hint="pip install 'pinset[cli]'") from error
    return Repository(path)


def _next(requests: int) -> dict[str, Any] | None:
    """The next request; None when the parent is gone, also where another process kept its end of the pipe open."""
    parent = os.getppid()
    while not select.select([requests], [], [], _PARENT_CHECK_SECONDS)[0]:
        if os.getppid() != parent:
            return None
    return frames.read(requests)


def _answers(repository: Repository, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The answers to one request. Only the work is timed, not the wait for a slow reader."""
    seconds = request["seconds"] + _GRACE_SECONDS
    steps = _run(repository, request)
    try:
        while True:
            with timer(seconds):
                answer = next(steps, None)
            if answer is None:
                return
            yield answer
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - translated here, once
        yield {"error": to_wire(translate(error, writing=request["op"] in _WRITING))}


def _run(repository: Repository, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    op = request["op"]
    if op == "write":
        yield repository.write(request["commit"])
    elif op == "move":
        repository.move(request["moves"], request["since"])
        yield {}
    elif op == "ref":
        yield {"target": repository.ref(request["ref"])}
    elif op == "peek":
        yield {"says": repository.peek(request["commit"])}
    elif op == "parents":
        yield {"parents": repository.parents(request["commit"])}
    elif op == "aside":
        yield {"kept": repository.set_aside(request["ref"], request["found"], request["own"], request["since"])}
    elif op == "refs":
        yield {"refs": refs.read_all(Path(request["repository"]))}
    elif op == "read":
        yield _wire(repository.scanner.stored(request["ref"], request["commit"]))
    elif op == "scan":
        given = request["refs"]
        yield from _scan(repository, refs.read_all(Path(request["repository"])) if given is None else given)
    else:
        raise Unavailable(f"the child knows no operation {op!r}", hint="report this as a bug")


def _scan(repository: Repository, of: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for stored in repository.scanner.scan(of):
        yield _wire(stored)
    yield {"end": True}


def _wire(stored: StoredCommit) -> dict[str, Any]:
    return {
        "ref": stored.ref,
        "commit": stored.commit,
        "tree": stored.tree,
        "parents": stored.parents,
        "message": stored.message,
        "head": stored.head,
        "files": dict(stored.files),
    }


@contextmanager
def timer(seconds: float) -> Iterator[None]:
    """Let the kernel kill this process when what is inside takes longer."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


if __name__ == "__main__":
    sys.exit(main())
