"""Where a request without credential comes from: this machine, and no page of another site, or it is refused.

A web page anywhere can make a browser on this machine send requests here, under a name that its own DNS answers
with 127.0.0.1. What it cannot forge are Host, Origin and Sec-Fetch-Site. The addresses of the connection are looked
at as well: a server that listens openly because it had tokens must not serve everybody once the last one expires.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pinset.errors import ForeignOrigin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Scope


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
        is_loopback(_host_of(host))
        and _is_near(scope.get("client"))
        and _is_near(scope.get("server"))
        and headers.get("sec-fetch-site", "none") in ("none", "same-origin")
        and (origin is None or origin.lower() in (f"http://{host.lower()}", f"https://{host.lower()}"))
    )
    if not trusted:
        raise ForeignOrigin(
            "without tokens only requests of this machine are taken",
            hint="make a token: pinset token create --name N --can read",
        )


def _is_near(end: tuple[str, int | None] | None) -> bool:
    """Whether one end of the connection is this machine. A socket file has no address, and is."""
    address = _address(end[0]) if end else None
    return address is None or address.is_loopback


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text.strip("[]").split("%")[0])
    except ValueError:
        return None
    inner = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return inner or found


def _host_of(header: str) -> str:
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:  # unbalanced brackets
        return ""
