"""What whoever runs a server may choose."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Limits of the API.

    small_body: bytes of a body. large_body: bytes of one that carries files; 8 MiB of text may take three times that
    as JSON. body_seconds: how long a body may take to arrive. kept_answers: microseconds for which the first answer
    to an Idempotency-Key is kept. scrub_hours: between two scrubs of the registry; 0 for none. at_once: requests that
    cost much work which run at the same time in a process. streams: how many clients a process tells what happens.
    beat_seconds: between two beats of such a stream, at most.
    workers: how many processes serve the same registry here, this one too.
    log_requests: whether each request is a line in the log.
    """

    small_body: int = 1024 * 1024
    large_body: int = 24 * 1024 * 1024
    body_seconds: float = 60.0
    kept_answers: int = 24 * 3600 * 1_000_000
    scrub_hours: float = 24.0
    at_once: int = max(2, os.cpu_count() or 1)
    streams: int = 10_000
    beat_seconds: float = 15.0
    workers: int = 1
    log_requests: bool = False
