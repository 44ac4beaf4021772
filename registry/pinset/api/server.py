"""Listening: one process or several, on loopback unless there are tokens."""

from __future__ import annotations

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
GRACE_SECONDS: Final = 30
"""How long requests that are under way may take to end once the server is told to stop."""


def listen(registry: LocalRegistry, host: str, port: int) -> socket.socket:
    """A listening socket. Raises PermissionDenied for an open address without tokens, Unavailable for a taken one."""
    if not is_loopback(host) and not registry.has_tokens():
        raise PermissionDenied(
            f"without tokens the registry serves this machine only, not {host}",
            hint="make one first: pinset token create --name N --can read",
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise Unavailable(
            f"cannot listen on {host}:{port}: {error.strerror}", hint="choose another port: --port 7468"
        ) from error


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


def run(factory: str, listening: socket.socket, *, workers: int, ready: Callable[[str], None]) -> None:
    """Serve until interrupted. factory: ``module:function`` that makes the application in each worker.

    ready: is told the address.
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
    )
    if workers == 1:
        uvicorn.Server(config).run(sockets=[listening])
    else:
        from uvicorn.supervisors import Multiprocess  # noqa: PLC0415 - only several workers need a supervisor

        Multiprocess(config, sockets=[listening]).run()
