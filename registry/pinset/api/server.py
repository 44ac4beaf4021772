"""Listening: one process or several, on loopback unless there are tokens."""

from __future__ import annotations

import errno
import multiprocessing
import os
import resource
import signal
import socket
import sys
import threading
from contextlib import suppress
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Final

import uvicorn

from pinset.api.origin import is_loopback
from pinset.api.protocol import HEAD_LIMIT, Protocol
from pinset.errors import PermissionDenied, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.services.local import LocalRegistry

SWITCH_SECONDS: Final = 0.0005
"""How long a thread may compute while another one of its process could; Python's own is ten times that."""
HIGHEST_PORT: Final = 65_535
GRACE_SECONDS: Final = 30
"""How long requests that are under way may take to end once the server is told to stop."""


def listen(registry: LocalRegistry, host: str, port: int, *, closed: bool = False) -> socket.socket:
    """A listening socket. closed: whether nobody is let in without a credential even where there are no tokens.

    Raises PermissionDenied for an open address without tokens, Unavailable for a taken one.
    """
    if not closed and not is_loopback(host) and not registry.has_tokens():
        raise PermissionDenied(
            f"without tokens the registry serves this machine only, not {host}",
            hint="make one first: pinset token create --name N --can read; or begin with nobody let in: --closed",
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        why = (
            os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        )  # its own names the address again
        raise Unavailable(f"cannot listen on {host}:{port}: {why}", hint=_elsewhere(error, port)) from error


def _elsewhere(error: OSError, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"stop what listens there, or choose another port: --port {port + 1 if port < HIGHEST_PORT else port - 1}"
        )
    return "choose another address or port: --host 127.0.0.1 --port 7468"


def give_way() -> None:
    """In a worker: threads that compute, such as checks, hand over soon, so that no fetch waits for them."""
    sys.setswitchinterval(SWITCH_SECONDS)


def end_with_parent() -> None:
    """In a worker: stop once its supervisor is gone, however that ended.

    A worker that outlives it would hold the address, so that no new server can start, and nobody would replace it.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    sentinel = parent.sentinel

    def watch() -> None:
        wait([sentinel])
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()


def _allow_many_connections() -> None:
    """Every stream of events keeps one open. Worker processes take the limit over."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def run(
    factory: str,
    listening: socket.socket,
    *,
    workers: int,
    ready: Callable[[str], None],
    proxies: tuple[str, ...] = (),
) -> None:
    """Serve until told to stop. factory: ``module:function`` that makes the application in each worker.

    ready: is told the address. proxies: addresses, beside those of this machine, that are believed when they say whose
    request they pass on. Raises KeyboardInterrupt where it was interrupted, however many workers there are.
    """
    host, port = listening.getsockname()[:2]
    ready(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")
    _allow_many_connections()
    config = uvicorn.Config(
        factory,
        factory=True,
        workers=workers,
        log_level="warning",
        log_config=None,  # `logs.configure` says where it goes
        access_log=False,
        http=Protocol,
        h11_max_incomplete_event_size=HEAD_LIMIT,
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        forwarded_allow_ips=["127.0.0.1", "::1", *proxies] if proxies else None,
    )
    if workers == 1:
        uvicorn.Server(config).run(sockets=[listening])
    else:
        _supervise(config, listening)


def _supervise(config: uvicorn.Config, listening: socket.socket) -> None:
    from uvicorn.supervisors import Multiprocess  # noqa: PLC0415 - only several workers need a supervisor

    class Supervisor(Multiprocess):
        interrupted = False

        def handle_int(self) -> None:
            self.interrupted = True
            super().handle_int()

    supervisor = Supervisor(config, sockets=[listening])
    supervisor.run()
    if supervisor.interrupted:
        raise KeyboardInterrupt
