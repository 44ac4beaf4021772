"""The server's log on stderr: one line an event, as text or as one JSON object, and nothing in it that steers a terminal."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

FORMATS: Final = ("text", "json")
_REQUESTS: Final = logging.getLogger("pinset.requests")
_SAID: Final = logging.getLogger("pinset.server")
_UVICORNS: Final = tuple(logging.getLogger(name) for name in ("uvicorn", "uvicorn.error"))
_FIELDS: Final = "pinset_fields"
_TOLD: Final = "pinset_told"
_LONGEST: Final = 2048
"""Characters of a value that a client chose."""
_PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/@{}+,()*")


def configure(form: str) -> None:
    """Send everything that is logged in this process to stderr, as ``text`` or ``json``. Again: in the other form."""
    root = logging.getLogger()
    for before in [one for one in root.handlers if isinstance(one, _Stderr)]:
        root.removeHandler(before)
    handler = _Stderr()
    handler.setFormatter(_Json() if form == "json" else _Text())
    root.addHandler(handler)
    for logger in _UVICORNS:  # whoever ran uvicorn in this process before may have given it handlers of its own
        logger.handlers.clear()
        logger.propagate = True
    for logger in (_REQUESTS, _SAID):
        logger.setLevel(logging.INFO)


def said(text: str) -> None:
    """A line for whoever started the server."""
    _SAID.info("%s", text)


def answered(*, request_id: str, method: str, path: str, route: str, status: int, seconds: float, actor: str) -> None:
    """The line of one request. path: without the query, which may hold what is nobody's business."""
    fields = {
        "request_id": request_id,
        "method": method[:_LONGEST],
        "path": path[:_LONGEST],
        "route": route,
        "status": status,
        "duration_ms": round(seconds * 1000, 3),
        "actor": actor,
    }
    level = logging.ERROR if status == 500 else logging.INFO
    _REQUESTS.log(level, "answered", extra={_FIELDS: fields})


class _Stderr(logging.Handler):
    """Writes to what stderr is at that moment, an exception once. Where nobody can hear it the server goes on."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            # A bug that we answered and logged with its request passes on to uvicorn, which logs it too.
            if error.__dict__.get(_TOLD):
                return
            error.__dict__[_TOLD] = True
        with suppress(OSError, ValueError):
            if sys.stderr is not None:
                sys.stderr.write(self.format(record) + "\n")
                sys.stderr.flush()


class _Text(logging.Formatter):
    """``time level logger: message``, of a request ``time level key=value …``; a trace follows in lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        head = f"{_time(record)} {record.levelname.lower()}"
        fields: dict[str, Any] | None = getattr(record, _FIELDS, None)
        if fields is not None:
            return f"{head} " + " ".join(f"{key}={_value(value)}" for key, value in fields.items())
        lines = [f"{head} {record.name}: {_printable(record.getMessage())}"]
        return "\n".join([*lines, *(f"    {_printable(line)}" for line in _trace(record))])


class _Json(logging.Formatter):
    """One object: ``time``, ``level``, then the fields of a request, or ``logger``, ``message`` and perhaps ``trace``."""

    def format(self, record: logging.LogRecord) -> str:
        shown: dict[str, Any] = {"time": _time(record), "level": record.levelname.lower()}
        fields: dict[str, Any] | None = getattr(record, _FIELDS, None)
        if fields is not None:
            return json.dumps(shown | fields)
        shown |= {"logger": record.name, "message": record.getMessage()}
        trace = _trace(record)
        return json.dumps(shown | ({"trace": trace} if trace else {}))


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _trace(record: logging.LogRecord) -> list[str]:
    """Lines of the trace of a record's exception."""
    if not record.exc_info or record.exc_info[1] is None:
        return []
    return "".join(traceback.format_exception(record.exc_info[1])).rstrip("\n").split("\n")


def _value(value: object) -> str:
    """As it is where it is one plain word, else as JSON has it."""
    text = str(value)
    return text if text and _PLAIN.issuperset(text) else json.dumps(text)


def _printable(text: str) -> str:
    """A text with what steers a terminal as code points."""
    return "".join(c if c.isprintable() else f"\\u{{{ord(c):04X}}}" for c in text)
