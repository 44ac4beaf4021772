"""Templates, and what they may use. Everything that comes from a registry is escaped, and what cannot be seen is shown."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from pinset.domain.diff import show
from pinset.domain.messages.text import parse_time
from pinset.domain.times import DAY, HOUR, MINUTE, SECOND
from pinset.web.assets import address_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_CODE_POINTS: Final = re.compile(r"(?:\\u\{[0-9A-F]{1,6}\})+")
"""Several in a row are marked as one: a text of nothing else is twenty times its size as it is."""
_UNITS: Final = ((365 * DAY, "y"), (30 * DAY, "mo"), (DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (SECOND, "s"))


@lru_cache(maxsize=1)
def environment() -> Environment:
    """All templates, compiled when they are first used."""
    made = Environment(
        loader=PackageLoader("pinset.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    made.filters.update(
        visible=visible,
        text=text,
        when=when,
        day=day,
        ago=ago,
        path=path,
        many=many,
        number=number,
        points=mark_points,
        second=second,
        since=since,
        time_tag=time_tag,
    )
    made.globals["asset"] = address_of
    return made


def render(template: str, values: Mapping[str, Any]) -> str:
    """A template, filled in. Raises UndefinedError where it names a value that is not there."""
    return environment().get_template(template).render(values)


def visible(value: object) -> str:
    r"""A short text on one line; what cannot be seen as ``\u{202E}``."""
    return show.visible(str(value))


def text(value: object) -> Markup:
    r"""A text of several lines, escaped; tabs stay, and what cannot be seen stands out as ``\u{202E}``."""
    lines = str(value).replace("\r\n", "\n").split("\n")
    shown = "\n".join("\t".join(show.visible(piece) for piece in line.split("\t")) for line in lines)
    return mark_points(shown)


def mark_points(shown: str) -> Markup:
    """Visible text, escaped, with its code points marked as such."""
    if "\\u{" not in shown:
        return escape(shown)
    safe = str(escape(shown))
    return Markup(_CODE_POINTS.sub(lambda found: f'<span class="point">{found[0]}</span>', safe))  # noqa: S704 - escaped above


def when(at: str) -> str:
    """A time as people read it, to the minute, UTC."""
    return f"{at[:10]} {at[11:16]}"


def second(at: str) -> str:
    """A time to the second, for machines."""
    return f"{at[:19]}Z"


def day(at: str) -> str:
    """The day of a time, UTC."""
    return at[:10]


def ago(at: str, now: int) -> str:
    """How long ago a time is, in its largest unit. now: microseconds since 1970."""
    gone = max(now - parse_time(at), 0)
    for size, unit in _UNITS:
        if gone >= size:
            return f"{gone // size} {unit}"
    return "now"


def since(at: str, now: int) -> str:
    """How long ago a time is, as a sentence ends. now: as for `ago`."""
    gone = ago(at, now)
    return "just now" if gone == "now" else f"{gone} ago"


def time_tag(at: str, now: int, *, full: bool = True) -> Markup:
    """A time as how long ago it is; exactly in its title. full: as a sentence ends. at: of our own, so it is plain."""
    shown = since(at, now) if full else ago(at, now)
    return Markup(f'<time datetime="{second(at)}" title="{when(at)} UTC">{shown}</time>')  # noqa: S704 - see above


def path(value: object) -> str:
    """A name as a segment of an address: names hold nothing that must be quoted but ``+``, which is taken so."""
    return quote(str(value), safe="/:@+")


def many(count: int, one: str, more: str = "") -> str:
    """A count with its word."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def number(value: object) -> str:
    """A number with its thousands apart."""
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
