"""What changes in a guardrail: whether it still watches, and whether it lets more through.

What a guardrail's settings mean only the application knows. So this goes by the names that such settings have in practice;
what is plain is called ``loosened`` or ``tightened``, what is a guess carries a question mark, and the rest ``works otherwise``.
No change of a guardrail is breaking, as no code has to change with it: it is what a person has to look at.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.diff.paths import PathChange, key_of, path_diff
from pinset.domain.diff.schemas.telling import named
from pinset.domain.diff.weighed import as_number, behaviour, change, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.domain.diff.budget import Budget
    from pinset.domain.diff.model import Change

_ACTIONS: Final = (
    {"off", "none", "allow", "ignore", "pass", "disabled", "noop", "skip"},
    {
        "log",
        "warn",
        "warning",
        "monitor",
        "audit",
        "report",
        "flag",
        "notify",
        "shadow",
        "dry_run",
        "dry-run",
        "observe",
    },
    {
        "redact",
        "mask",
        "replace",
        "rewrite",
        "filter",
        "fix",
        "sanitize",
        "sanitise",
        "anonymize",
        "retry",
        "reask",
        "ask",
    },
    {"block", "deny", "reject", "refuse", "fail", "stop", "abort", "exception", "raise", "enforce", "strict", "error"},
)
"""What is done about a find, from nothing to everything."""
_LEVELS: Final = (
    {"none", "off", "lenient", "minimal"},
    {"low", "loose", "permissive", "relaxed"},
    {"medium", "moderate", "normal", "balanced"},
    {"high", "strict"},
    {"maximum", "max", "highest", "paranoid"},
)
_SWITCHES: Final = frozenset(
    {"enabled", "on", "active", "enforce", "enforced", "strict", "fail_closed", "block", "required"}
)
_HATCHES: Final = frozenset(
    {"disabled", "off", "dry_run", "report_only", "log_only", "fail_open", "shadow", "bypass", "skip"}
)
_EXCEPTIONS: Final = re.compile(r"allow|except|exempt|ignor|exclu|skip|safe|trusted|bypass", re.IGNORECASE)
_THRESHOLDS: Final = re.compile(
    r"threshold|score|confidence|cutoff|min_|minimum|tolerance|limit|max|characters|tokens", re.IGNORECASE
)
_STRICTER: Final = re.compile(r"sensitivity|strength|strictness|severity|sample_rate|coverage", re.IGNORECASE)
_DONE: Final = re.compile(r"action|on_fail|on_match|mode|then|effect|policy|behavio", re.IGNORECASE)
_GUARDS: Final = {"input": {"input"}, "output": {"output"}, "both": {"input", "output"}, "all": {"input", "output"}}


def compare_guardrail(name: str, old: Any, new: Any, budget: Budget) -> Iterator[Change]:
    """A guardrail that both sides have."""
    for one in path_diff(old, new, "", budget):
        yield change("guardrail", name, one, behaviour(_reason(one)))


def whole_guardrail(name: str, old: Any, new: Any) -> Change:
    """A guardrail that only one side has; the other one is None."""
    side = new if old is None else old
    guards = side.get("guards") if isinstance(side, dict) else None
    watched = f" the {guards}" if guards in ("input", "output") else ""
    if old is None:
        return whole("guardrail", name, None, new, behaviour(f"a new guardrail watches{watched}"))
    reason = f"UNGUARDED: {name} no longer watches{watched}; look for what takes its place"
    return whole("guardrail", name, old, None, behaviour(reason))


def _reason(found: PathChange) -> str:
    key = re.split(r"[.\[]", re.sub(r"(\[\d+\])+$", "", found.path))[-1].rstrip('"]')
    if found.path == "kind":
        return "another guardrail altogether"
    if found.path == "guards":
        return _watched(found)
    return (
        _switched(key, found) or _done(key, found) or _listed(key, found) or _measured(key, found) or "works otherwise"
    )


def _watched(found: PathChange) -> str:
    old, new = (_GUARDS.get(str(side), set()) for side in (found.old, found.new))
    lost = sorted(old - new)
    return f"loosened: no longer watches the {' and the '.join(lost)}" if lost else "tightened: watches more"


def _switched(key: str, found: PathChange) -> str:
    old, new = found.old, found.new
    if not (isinstance(old, bool) or isinstance(new, bool)):
        return ""
    if key in _SWITCHES and new is not True and old is True:
        return "loosened: switched off"
    if key in _HATCHES and new is True:
        return "loosened: switched off, or let past"
    if key in _SWITCHES | _HATCHES:
        return "tightened: switched on"
    if old is True:
        return "loosened? a switch is off, and what it does is not known here"
    return ""


def _done(key: str, found: PathChange) -> str:
    for ranks, known in ((_ACTIONS, bool(_DONE.search(key))), (_LEVELS, bool(_STRICTER.search(key) or "level" in key))):
        was, now = _rank(ranks, found.old), _rank(ranks, found.new)
        if known and was is not None and now is not None and was != now:
            told = f"{found.old} became {found.new}"
            return f"loosened: {told}" if now < was else f"tightened: {told}"
    if _DONE.search(key):
        return "loosened? what is done about a find changed"
    return ""


def _rank(ranks: tuple[set[str], ...], value: Any) -> int | None:
    word = value.lower() if isinstance(value, str) else None
    return next((n for n, words in enumerate(ranks) if word in words), None)


def _listed(key: str, found: PathChange) -> str:
    """Lists of what is looked for, and of what is let past."""
    inside = found.path.endswith("]")
    gone, come = _items(found.old, inside=inside), _items(found.new, inside=inside)
    if gone is None or come is None:
        return ""
    lost = [value for one, value in gone.items() if one not in come]
    more = [value for one, value in come.items() if one not in gone]
    if _EXCEPTIONS.search(key):
        return f"loosened? also lets past {named(more)}" if more else f"tightened? no longer lets past {named(lost)}"
    return f"loosened? no longer looks for {named(lost)}" if lost else f"tightened? also looks for {named(more)}"


def _items(value: Any, *, inside: bool) -> dict[str, Any] | None:
    if isinstance(value, list):
        return {key_of(one): one for one in value}
    if value is None:
        return {}
    return {key_of(value): value} if inside else None


def _measured(key: str, found: PathChange) -> str:
    old, new = as_number(found.old), as_number(found.new)
    if old is None or new is None:
        return "loosened? a setting is gone" if found.kind == "removed" else ""
    if _STRICTER.search(key):
        return "loosened? it is less strict" if new < old else "tightened? it is stricter"
    if _THRESHOLDS.search(key):
        return "loosened? more gets below it" if new > old else "tightened? less gets below it"
    return ""
