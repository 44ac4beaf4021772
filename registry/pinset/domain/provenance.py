"""Where a release comes from: which commit of which repository, who wrote it, and which run published it.

Of a release that was imported it is also said what it was where it comes from, and when.

A machine that publishes says who it publishes for. What it says is a claim of whoever publishes, and no proof; secrets
that addresses carry are taken out before it is recorded.
"""

from __future__ import annotations

import difflib
import json
import re
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from pinset.domain import names
from pinset.domain.messages.text import format_time, one_line, parse_time
from pinset.domain.text import detectors
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinset.domain.answers.source import SourceAnswer

LIMITS: Final[Mapping[str, int]] = {
    "repository": 500,
    "commit": 64,
    "path": 512,
    "url": 1000,
    "ref": 300,
    "pull_request": 500,
    "by": 200,
    "ci": 50,
    "text": 1000,
    "system": 50,
    "origin": 500,
    "version": 100,
    "at": 64,
}
"""Characters of each text that a source may have."""
AUTHORS: Final = 10
AUTHOR: Final = 200
"""Authors of a source, and characters of each."""
FIELDS: Final = (*LIMITS, "authors", "dirty")
_COMMIT: Final = re.compile(r"[0-9a-f]{7,64}", re.ASCII)
_URL: Final = re.compile(
    r"\b([a-z][a-z0-9+.-]*://)([^\s/?#]*@)?([^\s?#]*)(\?[^\s#]*)?(#\S*)?", re.ASCII | re.IGNORECASE
)
_SECRET: Final = re.compile("tok|secret|passw|pwd|key|auth|sig|cred|session|jwt|code", re.IGNORECASE)
_MACHINE: Final = re.compile(
    r"(?:^|[^a-z0-9])(?:ci|bots?|robot|automation|actions?|jenkins|pipelines?)(?:$|[^a-z0-9])", re.IGNORECASE
)


def recorded(source: Mapping[str, Any] | str | None) -> str | None:
    """A source as a record holds it: the text of one, or the fields of one as a line of JSON; None where nothing is said.

    Raises InvalidInput for fields that there are not, and for what is of another kind or too long.
    """
    if isinstance(source, str):
        return without_secrets(source) or None
    fields = checked(source or {})
    return _line(fields) if fields else None


def shown(record: str | None) -> SourceAnswer | str | None:
    """A source as answers carry it: fields where it was recorded as such, else its text."""
    fields = fields_of(record)
    return cast("SourceAnswer", fields) if fields is not None else record


def fields_of(record: str | None) -> dict[str, Any] | None:
    """The fields that a record holds; None for a text, and for a line that `recorded` did not write."""
    if record is None or not record.startswith("{"):
        return None
    try:
        found = json.loads(record)
    except (ValueError, RecursionError):
        return None
    # What counts as a secret may change, so what was recorded once is not judged by that again.
    fits = bool(found) and all(name in FIELDS and _is_fit(name, value) for name, value in found.items())
    return found if fits and _line(found) == record else None


def checked(source: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a source that say something, cleaned. Raises InvalidInput."""
    found: dict[str, Any] = {}
    for name, value in source.items():
        if name not in FIELDS:
            near = difflib.get_close_matches(name, FIELDS, n=1)
            hint = f"did you mean {near[0]}?" if near else "the fields are " + ", ".join(FIELDS)
            raise InvalidInput(f"a source has no field {names.show(name)}", hint=hint)
        kept = _checked(name, value)
        if kept:
            found[name] = kept
    return found


def without_secrets(text: str) -> str:
    """A text on one line whose addresses name no user, no password and no parameter that may be a secret."""
    plain = one_line(_URL.sub(_plain_url, text.encode("utf-8", "replace").decode()))
    return detectors.masked(plain) if any(detectors.certain(plain)) else plain


def is_machine(actor: str, fields: Mapping[str, Any]) -> bool:
    """Whether a release was published by a machine for others: the run says so, or its name does."""
    return bool(fields.get("ci")) or _MACHINE.search(actor) is not None


def author_name(author: str) -> str:
    """The name of ``Name <mail>``; the mail where there is no name."""
    name, _, mail = author.partition("<")
    return name.strip() or mail.rstrip("> ")


def told_by(actor: str, source: Mapping[str, Any] | str | None) -> str:
    """Who published, for people: a machine with those it published for, ``ci-bot for Ada Lovelace``."""
    fields = source if source is not None and not isinstance(source, str) else {}
    behind = fields.get("authors") or ([fields["by"]] if "by" in fields else [])
    return f"{actor} for {people(behind)}" if behind and is_machine(actor, fields) else actor


def people(authors: Sequence[str]) -> str:
    """Names of authors on a line, the first two."""
    named = ", ".join(author_name(author) for author in authors[:2])
    return named + (f" +{len(authors) - 2}" if len(authors) > 2 else "")


def _line(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _is_fit(name: str, value: Any) -> bool:
    """Whether a value is of the kind that a field holds."""
    if name == "dirty":
        return isinstance(value, bool)
    if name == "authors":
        return isinstance(value, list) and all(map(_is_line, value))
    if name == "at":
        return _is_line(value) and _time(value) == value
    return _is_line(value) and (name != "commit" or _COMMIT.fullmatch(value) is not None)


def _is_line(value: object) -> bool:
    return isinstance(value, str) and one_line(value) == value


def _checked(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name == "dirty":
        if not isinstance(value, bool):
            raise InvalidInput("dirty is yes or no", hint="send true or false")
        return value
    if name == "authors":
        if not isinstance(value, list) or len(value) > AUTHORS:
            raise InvalidInput(
                f"authors is a list of at most {AUTHORS}", hint='send ["Ada Lovelace <ada@example.com>"]'
            )
        return list(dict.fromkeys(filter(None, (_text("an author", one, AUTHOR) for one in value))))
    found = _text(name, value, LIMITS[name])
    if name == "at" and found:
        return _time(found) or _no_time(found)
    if name == "commit" and found and not _COMMIT.fullmatch(found):
        raise InvalidInput(f"{names.show(found)} is no commit's id", hint="send its 7 to 64 hexadecimal digits")
    return found


def _time(text: str) -> str | None:
    """A time as it is recorded, in UTC; None for what is none."""
    try:
        return format_time(parse_time(text))
    except (ValueError, OverflowError):
        return None


def _no_time(text: str) -> NoReturn:
    raise InvalidInput(f"{names.show(text)} is not a time", hint="send it with its zone: 2025-03-14T09:30:00Z")


def _text(what: str, value: Any, longest: int) -> str:
    if not isinstance(value, str) or len(value) > longest:
        raise InvalidInput(
            f"{what} of a source is a text of at most {longest} characters", hint="shorten it, or leave it out"
        )
    return without_secrets(value)


def _plain_url(match: re.Match[str]) -> str:
    scheme, user, rest, query, fragment = (part or "" for part in match.groups())
    # In the address of an ssh server the user names the service: git@.
    kept = f"{user.rstrip('@').partition(':')[0]}@" if user and not scheme.lower().startswith("http") else ""
    return scheme + kept + rest + _plain_parts("?", query) + _plain_parts("#", fragment)


def _plain_parts(sign: str, text: str) -> str:
    """A query or a fragment without the parameters that may be secrets."""
    parts = [part for part in text[1:].split("&") if not ("=" in part and _SECRET.search(part.partition("=")[0]))]
    return sign + "&".join(parts) if any(parts) else ""
