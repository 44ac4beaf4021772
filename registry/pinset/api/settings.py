"""What whoever runs a server may choose."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pinset.config import Git, Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Limits of the API.

    small_body: bytes of a body. large_body: bytes of one that carries files; 8 MiB of text may take three times that
    as JSON. body_seconds: how long a body may take to arrive. kept_answers: microseconds for which the first answer
    to an Idempotency-Key is kept. scrub_hours: between two scrubs of the registry; 0 for none. settle_seconds: between two
    looks whether time has passed the last gate of a request; 0 for none. at_once: requests that
    cost much work which run at the same time in a process. streams: how many clients a process tells what happens.
    beat_seconds: between two beats of such a stream, at most.
    workers: how many processes serve the same registry here, this one too. closed: nobody is let in without a credential,
    even where there is none yet.
    log_requests: whether each request is a line in the log. head_seconds: how long a request's head may take to be
    whole. stall_seconds: how long a client may take nothing of an answer. limits: how often each may ask, and how many
    connections there may be. git: what is sent to those who clone.
    """

    small_body: int = Limits.body_bytes
    large_body: int = Limits.files_bytes
    body_seconds: float = Limits.body_seconds
    kept_answers: int = 24 * 3600 * 1_000_000
    scrub_hours: float = 24.0
    settle_seconds: float = 10.0
    at_once: int = Limits.at_once
    streams: int = Limits.streams
    beat_seconds: float = 15.0
    workers: int = 1
    closed: bool = False
    log_requests: bool = False
    head_seconds: float = Limits.head_seconds
    stall_seconds: float = Limits.stall_seconds
    limits: Limits = field(default_factory=Limits)
    git: Git = field(default_factory=Git)

    @classmethod
    def of(cls, limits: Limits, **other: Any) -> Settings:
        """With the limits of a registry's ``config.toml``."""
        return cls(
            small_body=limits.body_bytes,
            large_body=limits.files_bytes,
            body_seconds=limits.body_seconds,
            at_once=limits.at_once,
            streams=limits.streams,
            head_seconds=limits.head_seconds,
            stall_seconds=limits.stall_seconds,
            limits=limits,
            **other,
        )
