"""Where a request without credential comes from: this machine, and no page of another site, or it is refused.

A web page anywhere can make a browser on this machine send requests here, under a name that its own DNS answers
with 127.0.0.1. What it cannot forge are Host, Origin and Sec-Fetch-Site. The addresses of the connection are looked
at as well: a server that listens openly because it had tokens must not serve everybody once the last one expires.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final

from pinset.errors import ForeignOrigin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Scope

_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::([0-9]{1,5}))?")
_LAST_PORT: Final = 65535


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine."""
    if host.lower() == "localhost":
        return True
    address = _address(host)
    return address is not None and address.is_loopback


def refuse_foreign(scope: Scope, headers: Mapping[str, str]) -> None:
    """Raises ForeignOrigin where a request may come from elsewhere."""
    host, origin = headers.get("host", ""), headers.get("origin")
    trusted = (
        is_local_name(host)
        and is_near(scope.get("client"))
        and is_near(scope.get("server"))
        and _is_sent_from_here(headers.get("x-forwarded-for"))
        and headers.get("sec-fetch-site", "none") in ("none", "same-origin")
        and (origin is None or origin.lower() in (f"http://{host.lower()}", f"https://{host.lower()}"))
    )
    if not trusted:
        raise ForeignOrigin(
            "without tokens only requests of this machine are taken",
            hint="make a token: pinset token create --name N --can read",
        )


def is_local_name(host: str) -> bool:
    """Whether a Host header names this machine."""
    return is_loopback(_name_of(host))


def is_near(end: tuple[str, int | None] | None) -> bool:
    """Whether one end of the connection is this machine. A socket file has no address, and is; what a proxy made up is not."""
    return end is None or is_loopback(end[0])


def _is_sent_from_here(forwarded: str | None) -> bool:
    """Whether all that proxies say of who sent it are addresses of this machine."""
    found = [_address(one.strip()) for one in forwarded.split(",")] if forwarded is not None else []
    return all(address is not None and address.is_loopback for address in found)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text.strip("[]").split("%")[0])
    except ValueError:
        return None
    inner = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return inner or found


def _name_of(host: str) -> str:
    """The name or address in a Host header that is ``name[:port]`` and nothing else, or ''."""
    found = _HOST.fullmatch(host)
    return found[1] if found and int(found[2] or 0) <= _LAST_PORT else ""
