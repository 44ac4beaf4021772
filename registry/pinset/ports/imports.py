"""Taking in what was published elsewhere: `ports.registry.Registry.imports`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinset.domain.answers.imports import ImportAnswer
    from pinset.ports.registry import Caller

AT_ONCE: Final = 500
"""Versions of one write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version that is to be taken in.

    name: a bundle, or ``kind/name`` of a shared component. files: text by path, as an author sends them; where ``digest``
    is given, the sealed form of that digest, with ``manifest.json`` or ``component.json`` among them. number: which it
    keeps. label, message: as of a publish. source: see `domain.provenance`; its ``origin`` says what it was elsewhere.
    spelled: what it was called there, by which the bundle is to be found too.
    """

    name: str
    files: Mapping[str, str]
    digest: str | None = None
    number: int | None = None
    label: str | None = None
    message: str = ""
    source: Mapping[str, Any] = field(default_factory=dict)
    spelled: str | None = None


class Imports(Protocol):
    """Many versions in one write."""

    def take(
        self, caller: Caller, versions: Sequence[Version], *, message: str = "", allow: Sequence[str] = ()
    ) -> ImportAnswer:
        """Publish versions in one write, in this order; what became of each is told for itself.

        One that is there already, by its origin or with this content under this number or label, is there once. One that is
        refused, or that another one stands in the way of, refuses no other. One with a number or a label is a version of
        its own even where its content is there. allow: codes of judgements that ``message`` gives the reason for, in all
        of them; of a version that says its origin a model may lack its pin, which is told as a finding and kept with it.
        At most `AT_ONCE`. Raises PermissionDenied where any may not be published, and nothing is written then.
        """
