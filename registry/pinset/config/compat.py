"""``[compat]``: which protocols of other tools are spoken, and where goes what is not for this registry."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pinset.config.oidc import is_trustworthy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.config.toml import Path, Reader

PROTOCOLS: Final = ("langfuse", "langsmith", "mlflow", "ofrep", "opik", "phoenix")
FORWARDING: Final = ("langfuse", "mlflow")
"""Those that pass on what is not for a registry of releases: traces, and models that are no prompts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """One protocol. upstream: the server that gets what is not for this one, without a slash at the end; '' for none.

    authorization_file: holds the Authorization header that it is sent; '' for none.
    """

    enabled: bool = True
    upstream: str = ""
    authorization_file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compat:
    """All of them, by name."""

    protocols: Mapping[str, Spoken] = field(default_factory=lambda: dict.fromkeys(PROTOCOLS, Spoken()))


def read_compat(reader: Reader, value: Any, path: Path) -> Compat:
    """What a table sets; all else as it is by default."""
    table = reader.table(value, path, PROTOCOLS)
    return Compat(protocols={name: _spoken(reader, table.get(name, {}), (*path, name)) for name in PROTOCOLS})


def _spoken(reader: Reader, value: Any, path: Path) -> Spoken:
    forwards = path[-1] in FORWARDING
    table = reader.table(value, path, ("enabled", "upstream", "authorization_file") if forwards else ("enabled",))
    enabled = reader.flag(table, "enabled", path, default=True)
    if not forwards:
        return Spoken(enabled=enabled)
    upstream = reader.text(table, "upstream", path, example='"https://langfuse.example.com"').rstrip("/")
    if upstream and not is_trustworthy(upstream):
        message = "upstream must be an https:// address, or one of this machine"
        reader.note("bad-value", (*path, "upstream"), message, 'write upstream = "https://langfuse.example.com"')
    file = reader.text(table, "authorization_file", path, example='"/etc/pinset/langfuse-authorization"')
    if file and not upstream:
        message = "authorization_file has no meaning without upstream"
        reader.note("bad-value", (*path, "authorization_file"), message, "add the line: upstream = …")
    return Spoken(enabled=enabled, upstream=upstream, authorization_file=file)
