"""The server's figures as Prometheus reads them (text format 0.0.4)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from pinset.api.metrics import BUCKETS, REST

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pinset.api.metrics import Answers, Fetched
    from pinset.domain.answers import ClientsAnswer, RegistryAnswer
    from pinset.ports.scrubs import Scrub

MEDIA_TYPE: Final = "text/plain; version=0.0.4"
_VERSIONS: Final = 10
"""Versions of an alias that clients are counted by: what they say they hold is theirs to invent."""
_OTHER: Final = "other"


def text(
    registry: RegistryAnswer,
    scrub: Scrub | None,
    *,
    answers: Answers,
    fetches: Mapping[Fetched, int],
    clients: Sequence[ClientsAnswer],
    foreign: int | None = None,
    limited: Mapping[str, int] | None = None,
    connections: int | None = None,
    forwarded: Mapping[tuple[str, str], int] | None = None,
) -> str:
    """Everything. What a process counts says which process; what they share says which registry.

    forwarded: what came for another server, by protocol and what became of it. foreign: branches that somebody else moved; None before anybody looked.
    """
    shared = {"registry": registry["id"], "epoch": str(registry["epoch"])}
    own = {"worker": str(os.getpid())}
    parts = [
        _family("pinset_serial", "gauge", "The newest visible write.", [(shared, registry["serial"])]),
        _scrubbed(scrub, shared),
        _moved(foreign, {**shared, **own}),
        _requested(answers, own),
        _fetched(fetches, own),
        _connected(clients, shared),
        *_limited(limited or {}, connections, own),
        _forwarded(forwarded or {}, own),
    ]
    return "".join(f"{line}\n" for part in parts for line in part)


def _requested(answers: Answers, own: Mapping[str, str]) -> list[str]:
    counts = [
        ({**own, "method": method, "route": route, "status": str(status)}, number)
        for (method, route, status), number in sorted(answers.counts.items())
    ]
    name = "pinset_request_seconds"
    lines = [
        *_family("pinset_requests_total", "counter", "Answers by method, route and status.", counts),
        f"# HELP {name} How long it took until an answer began, by route.",
        f"# TYPE {name} histogram",
    ]
    for route, (numbers, total) in sorted(answers.durations.items()):
        labels, so_far = {**own, "route": route}, 0
        for bound, number in zip([*map(repr, BUCKETS), "+Inf"], numbers, strict=True):
            so_far += number
            lines.append(_line(f"{name}_bucket", {**labels, "le": bound}, so_far))
        lines += [_line(f"{name}_sum", labels, total), _line(f"{name}_count", labels, so_far)]
    return lines


def _fetched(fetches: Mapping[Fetched, int], own: Mapping[str, str]) -> list[str]:
    what = "Releases fetched, or found unchanged, by bundle, alias and version."
    samples = [
        ({**own, "bundle": bundle, "alias": alias, "version": f"v{version}"}, number)
        if (bundle, alias, version) != REST
        else ({**own, "bundle": _OTHER, "alias": _OTHER, "version": _OTHER}, number)
        for (bundle, alias, version), number in sorted(fetches.items())
    ]
    return _family("pinset_fetches_total", "counter", what, samples)


def _connected(clients: Sequence[ClientsAnswer], shared: Mapping[str, str]) -> list[str]:
    """Who runs what; the versions that few hold are one, where there are many."""
    numbers: dict[tuple[str, str, str], int] = {}
    ages: dict[tuple[str, str, str], float] = {}
    for (bundle, alias), items in _by_alias(clients).items():
        for at, item in enumerate(sorted(items, key=lambda one: -one["clients"])):
            version = f"v{item['version']}" if item["version"] else "none"
            key = (bundle, alias, version if at < _VERSIONS else _OTHER)
            numbers[key] = numbers.get(key, 0) + item["clients"]
            ages[key] = max(ages.get(key, 0.0), item["oldest"])
    labels = {key: {**shared, "bundle": key[0], "alias": key[1], "version": key[2]} for key in sorted(numbers)}
    how_old = "Seconds since the least recent of these clients was seen."
    return [
        *_family("pinset_clients", "gauge", "Clients seen within a minute, by what they hold of an alias.",
                 [(said, numbers[key]) for key, said in labels.items()]),
        *_family("pinset_clients_oldest_seconds", "gauge", how_old, [(said, ages[key]) for key, said in labels.items()]),
    ]  # fmt: skip


def _limited(limited: Mapping[str, int], connections: int | None, own: Mapping[str, str]) -> list[list[str]]:
    """What was refused because it was too much, and how many connections there are, where a socket is served."""
    refused = [({**own, "limit": limit}, number) for limit, number in sorted(limited.items())]
    found = [_family("pinset_limited_total", "counter", "Requests and connections refused by a limit.", refused)]
    if connections is not None:
        found.append(_family("pinset_connections", "gauge", "Connections that are open.", [(own, connections)]))
    return found


def _forwarded(forwarded: Mapping[tuple[str, str], int], own: Mapping[str, str]) -> list[str]:
    what = "Requests of other tools' clients for another server: passed on, refused there, failed, or dropped."
    samples = [
        ({**own, "protocol": protocol, "outcome": outcome}, number)
        for (protocol, outcome), number in sorted(forwarded.items())
    ]
    return _family("pinset_forwarded_total", "counter", what, samples)


def _by_alias(clients: Iterable[ClientsAnswer]) -> dict[tuple[str, str], list[ClientsAnswer]]:
    found: dict[tuple[str, str], list[ClientsAnswer]] = {}
    for item in clients:
        found.setdefault((item["bundle"], item["alias"]), []).append(item)
    return found


def _scrubbed(scrub: Scrub | None, shared: Mapping[str, str]) -> list[str]:
    """Nothing before the first scrub has ended: 0 would say that all is well, or that it was in 1970."""
    if scrub is None:
        return []
    what = "What the newest scrub found wrong, 100 at most."
    lines = _family("pinset_scrub_problems", "gauge", what, [(shared, scrub.problems)])
    if scrub.sound_at is None:
        return lines
    when = "When a scrub last found nothing wrong, in seconds since 1970."
    samples = [(shared, scrub.sound_at // 1_000_000)]
    return [*lines, *_family("pinset_scrub_last_success_timestamp_seconds", "gauge", when, samples)]


def _moved(foreign: int | None, labels: Mapping[str, str]) -> list[str]:
    """Nothing before the first look: 0 would say that all is well."""
    what = "Branches of the repository that are not where the registry left them."
    return [] if foreign is None else _family("pinset_foreign_refs", "gauge", what, [(labels, foreign)])


def _family(name: str, kind: str, what: str, samples: Iterable[tuple[Mapping[str, str], float]]) -> list[str]:
    lines = [_line(name, labels, value) for labels, value in samples]
    return [f"# HELP {name} {what}", f"# TYPE {name} {kind}", *lines]


def _line(name: str, labels: Mapping[str, str], value: float) -> str:
    said = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
    return f"{name}{{{said}}} {value!r}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
