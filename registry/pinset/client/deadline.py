"""A time by which an answer is there: httpx limits each read alone, and a server may send a byte now and then.

Loaded with httpx: those who only name a registry load neither.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpcore
import httpx

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Iterator


class Deadline(httpcore.NetworkBackend):
    """Connections whose reads and writes end at a time that each thread sets for itself."""

    def __init__(self) -> None:
        self._backend = httpcore.SyncBackend()
        self._set = threading.local()

    @contextmanager
    def until(self, moment: float) -> Iterator[None]:
        """A block in which this thread reads no longer than to a moment of the monotonic clock."""
        self._set.until = moment
        try:
            yield
        finally:
            self._set.until = None

    def left(self, seconds: float | None) -> float | None:
        """Seconds that a read may take, of those that it may take by itself. Raises TimeoutError where none is left."""
        until = getattr(self._set, "until", None)
        if until is None:
            return seconds
        left = float(until - time.monotonic())
        if left <= 0:
            raise TimeoutError
        return left if seconds is None else min(seconds, left)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """As httpcore has it."""
        return _Stream(self._backend.connect_tcp(host, port, timeout, local_address, socket_options), self)


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            left = self._deadline.left(timeout)
        except TimeoutError as error:
            raise httpcore.ReadTimeout from error
        return self._stream.read(max_bytes, left)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            left = self._deadline.left(timeout)
        except TimeoutError as error:
            raise httpcore.WriteTimeout from error
        self._stream.write(buffer, left)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, timeout), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def transport(trusted: ssl.SSLContext, deadline: Deadline) -> httpx.BaseTransport:
    """What httpx connects by, with a deadline to it."""
    made = httpx.HTTPTransport(verify=trusted, trust_env=False)
    # httpx has no parameter for it; the limits are its own.
    made._pool = httpcore.ConnectionPool(  # noqa: SLF001
        ssl_context=trusted,
        max_connections=100,
        max_keepalive_connections=20,
        keepalive_expiry=5.0,
        network_backend=deadline,
    )
    return made
