"""Reads a policy's text. Nothing here stops at the first mistake: all are told, each with its line and a way out."""

from __future__ import annotations

import difflib
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from pinset.domain import names, times
from pinset.domain.findings import Finding, as_answers
from pinset.domain.manifest.reader import Reader
from pinset.domain.policy import windows
from pinset.domain.policy.parts import (
    PATIENCE,
    After,
    Approvals,
    Bound,
    Evidence,
    Own,
    Policy,
    Rule,
    Wanted,
    fits_any,
)
from pinset.domain.records import POLICY_FILE
from pinset.domain.text.strict_yaml import StrictYamlError, load_yaml
from pinset.domain.times import DAY
from pinset.errors import InvalidPolicy, PinsetError, TooLarge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.domain.manifest.reader import Path

LONGEST: Final = 256 * 1024
"""Bytes of a policy."""
_MOST: Final = 200
"""Entries of one list, and rules."""
_MOST_APPROVALS: Final = 20
_LONGEST_SPAN: Final = 3660 * DAY
_BOUND: Final = re.compile(r"(>=|<=|>|<|=) *(-?[0-9]{1,15}(?:\.[0-9]{1,15})?)", re.ASCII)
_PATTERN: Final = re.compile(r"[a-z0-9*][a-z0-9._*-]{0,127}", re.ASCII)
_WANTED: Final = re.compile(
    r"([a-z0-9*/._-]{1,140})(?:@v([1-9][0-9]{0,8})| *(>=|<=|>|<|=) *v([1-9][0-9]{0,8}))?", re.ASCII
)
_TOP: Final = ("format", "rules", "policy")
_WANTS: Final = ("after", "evidence", "approvals", "freeze", "forbid", "require", "signed")
_RULE: Final = ("bundles", "aliases", *_WANTS, "break_glass")
_OWN: Final = ("editors", "approvals", "break_glass")


def read(text: str) -> Policy:
    """The policy that a text says. Raises InvalidPolicy with all that is wrong, TooLarge."""
    if len(text.encode("utf-8", "surrogatepass")) > LONGEST:
        raise TooLarge(f"the policy is over {LONGEST:,} bytes", hint="shorten it: patterns with * name many bundles")
    try:
        located = load_yaml(text)
    except StrictYamlError as error:
        raise _refused([Finding("yaml-syntax", error.message, error.hint, POLICY_FILE, error.line)]) from error
    reader = _Reader(POLICY_FILE, located.value, located.lines, {})
    policy = reader.policy()
    if reader.findings:
        raise _refused(reader.findings)
    return policy


def _refused(found: list[Finding]) -> InvalidPolicy:
    counted, them = ("1 error", "it") if len(found) == 1 else (f"{len(found)} errors", "them")
    return InvalidPolicy(
        f"the policy has {counted}", hint=f"fix {them} and try again", details={"findings": as_answers(found)}
    )


class _Reader(Reader):
    """Walks a policy. What is wrong is noted, and something harmless put in its place."""

    def policy(self) -> Policy:
        top = self.mapping(self.value, (), _TOP)
        if top and top.get("format") != 1:
            hint = "begin it with the line: format: 1" if top.get("format") is None else "this program reads format: 1"
            self.note("bad-value" if "format" in top else "missing-key", ("format",), "the format is not 1", hint)
        listed = top.get("rules")
        if top and listed is None and top.get("policy") is None:
            hint = "add rules: a list, or [] to want nothing"
            self.note("missing-key", ("rules",), "it has neither rules nor a policy", hint)
        entries = self._entries(listed, ("rules",), "a rule") if listed is not None else []
        rules = tuple(self._rule(number, entry, path) for number, (entry, path) in enumerate(entries, start=1))
        own = self._own(top["policy"], ("policy",)) if top.get("policy") is not None else Own()
        return Policy(rules=rules, own=own)

    def _rule(self, number: int, value: Any, path: Path) -> Rule:
        found = self.mapping(value, path, _RULE)
        if found and not any(key in found for key in _WANTS):
            self.note("missing-key", path, "the rule wants nothing", "give it one of: " + ", ".join(_WANTS))
        aliases = self._patterns(found, "aliases", path)
        after = self._after(found["after"], (*path, "after"), aliases) if "after" in found else None
        return Rule(
            number=number,
            bundles=self._patterns(found, "bundles", path),
            aliases=aliases,
            after=after,
            evidence=tuple(self._evidence(*entry) for entry in self._of(found, "evidence", path)),
            approvals=self._approvals(found["approvals"], (*path, "approvals")) if "approvals" in found else None,
            freeze=windows.read(self, list(self._of(found, "freeze", path)), (*path, "freeze")),
            forbid=tuple(w for one in self._of(found, "forbid", path) if (w := self._wanted(*one, patterns=True))),
            require=tuple(w for one in self._of(found, "require", path) if (w := self._wanted(*one, patterns=False))),
            signed=self._people(found, "signed", path),
            break_glass=self._people(found, "break_glass", path),
        )

    def _own(self, value: Any, path: Path) -> Own:
        found = self.mapping(value, path, _OWN)
        editors = self._people(found, "editors", path) if "editors" in found else None
        wanted = found.get("approvals")
        none = wanted == 0 and not isinstance(wanted, bool)
        approvals = None if wanted is None or none else self._approvals(wanted, (*path, "approvals"))
        persons = {editor.casefold() for editor in editors or ()}
        if editors is not None and not editors:
            self.note("bad-value", (*path, "editors"), "nobody may edit the policy", "name its editors")
        if approvals and editors is None:
            hint = "add a line: editors: [ana, ben], of whom the others approve"
            self.note("missing-key", path, "an edit wants approvals, and no editors are named", hint)
        elif approvals and len(persons) - 1 < approvals.count:
            message = f"{len(persons)} editors can never give {approvals.count} approvals to one of them"
            hint = f"name at least {approvals.count + 1} editors, or want fewer approvals"
            self.note("bad-value", (*path, "approvals"), message, hint)
        return Own(editors=editors, approvals=approvals, break_glass=self._people(found, "break_glass", path))

    def _after(self, value: Any, path: Path, aliases: tuple[str, ...]) -> After:
        found = self.mapping({"alias": value} if isinstance(value, str) else value, path, ("alias", "for"))
        alias = self.text(found, "alias", path, required=True) or ""
        try:
            if alias:
                names.alias_name(alias)
        except PinsetError as error:
            self.note("bad-name", (*path, "alias"), error.message, error.hint)
        if alias and fits_any(aliases, alias):
            hint = "name an alias before it, which this rule does not bind"
            self.note("bad-value", (*path, "alias"), f"{alias} would have to come after itself", hint)
        return After(alias, self.span(found, "for", path) or 0)

    def _evidence(self, value: Any, path: Path) -> Evidence:
        found = self.mapping(value, path, ("suite", "score", "passed", "within", "by", "signed_by"))
        score, passed = found.get("score"), found.get("passed")
        bound = _BOUND.fullmatch(score) if isinstance(score, str) else None
        if score is not None and bound is None:
            shown = score if isinstance(score, int | float) and not isinstance(score, bool) else "0.85"
            self.note(
                "bad-value", (*path, "score"), f"score is no comparison: {_told(score)}", f'write score: ">= {shown}"'
            )
        if passed is not None and passed is not True:
            self.note(
                "bad-value", (*path, "passed"), "passed can only be wanted", "write passed: true, or leave it out"
            )
        if found and score is None and passed is None:
            hint = 'add passed: true, or score: ">= 0.85"'
            self.note("missing-key", path, "it does not say what the result must be", hint)
        return Evidence(
            suite=self.text(found, "suite", path, required=True) or "",
            score=Bound(bound[1], Decimal(bound[2])) if bound else None,
            passed=True if passed is True else None,
            within=self.span(found, "within", path),
            by=self._people(found, "by", path),
            signed_by=self.text(found, "signed_by", path),
        )

    def _approvals(self, value: Any, path: Path) -> Approvals:
        plain = isinstance(value, int) and not isinstance(value, bool)
        found = self.mapping({"count": value} if plain else value, path, ("count", "within"))
        count = found.get("count")
        if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= _MOST_APPROVALS:
            message = f"count must be a whole number from 1 to {_MOST_APPROVALS}"
            self.note(
                "bad-value", path if plain else (*path, "count"), message, "write approvals: {count: 2, within: 7d}"
            )
            count = 1
        return Approvals(count, self.span(found, "within", path) or PATIENCE)

    def _wanted(self, value: Any, path: Path, *, patterns: bool) -> Wanted | None:
        example = "guardrails/pii-redact" if patterns else '"guardrails/pii-redact >= v4"'
        found = _WANTED.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            shown = names.show(value) if isinstance(value, str) else "this"
            self.note("bad-value", path, f"{shown} names no component", f"write it so: {example}")
            return None
        kind, slash, name = found[1].partition("/")
        if not slash or (kind not in names.KINDS and kind != "*"):
            near = difflib.get_close_matches(kind, names.KINDS, n=1)
            hint = f"did you mean {near[0]}/{name or 'NAME'}?" if near else "one of " + ", ".join(names.KINDS)
            self.note("bad-value", path, f"{names.show(found[1])} names no kind of component", hint)
            return None
        if not patterns and "*" in found[1]:
            self.note("bad-value", path, "what is required has one name", f"write it without *: {example}")
            return None
        if found[2]:
            return Wanted(found[1], "=", int(found[2]))
        return Wanted(found[1], found[3] or "", int(found[4] or 0))

    def span(self, found: dict[str, Any], key: str, path: Path) -> int | None:
        """The span of time under a key, in microseconds."""
        value = found.get(key)
        if value is None:
            if key in found:
                self.note("missing-key", (*path, key), f"{key} is not given", f"write {key}: 1h")
            return None
        span = times.span(value) if isinstance(value, str) else None
        if span is not None and 0 < span <= _LONGEST_SPAN:
            return span
        shown = value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 1
        self.note(
            "bad-value",
            (*path, key),
            f"{key} is no span of time: {_told(value)}",
            f"write its unit, w d h m or s: {key}: {shown}h",
        )
        return None

    def _patterns(self, found: dict[str, Any], key: str, path: Path) -> tuple[str, ...]:
        if found and found.get(key) in (None, [], ""):
            self.note("missing-key", path, f"the rule names no {key}", f'add a line: {key}: "*", or names')
            return ()
        good: list[str] = []
        for value, at in self._of(found, key, path):
            if isinstance(value, str) and _PATTERN.fullmatch(value):
                good.append(value)
            else:
                shown = names.show(value) if isinstance(value, str) else "this"
                hint = "write a name, with * for any characters: support-*"
                self.note("bad-value", at, f"{shown} can be no name in {key}", hint)
        return tuple(good)

    def _people(self, found: dict[str, Any], key: str, path: Path) -> tuple[str, ...]:
        good: list[str] = []
        for value, at in self._of(found, key, path):
            if (
                isinstance(value, str)
                and value.strip() == value
                and value
                and len(value) <= 200
                and value.isprintable()
            ):
                good.append(value)
            else:
                self.note("bad-value", at, f"{key} holds what is no name", f"write {key}: [ana, ben]")
        return tuple(dict.fromkeys(good))

    def _of(self, found: dict[str, Any], key: str, path: Path) -> Iterator[tuple[Any, Path]]:
        """The entries under a key: one that stands alone is a list of one."""
        value = found.get(key)
        if value is None:
            if key in found:
                self.note("missing-key", (*path, key), f"{key} is not given", "give it a value, or remove the line")
            return
        many = value if isinstance(value, list) else [value]
        yield from self._entries(many, (*path, key), key)

    def _entries(self, value: Any, path: Path, what: str) -> list[tuple[Any, Path]]:
        if not isinstance(value, list):
            self.wrong_type(value, path, "a list")
            return []
        if len(value) > _MOST:
            self.note("too-large", path, f"there are {len(value):,} entries of {what}", f"there may be {_MOST}")
        return [(entry, (*path, at)) for at, entry in enumerate(value[:_MOST])]


def _told(value: Any) -> str:
    """What was found in the place of what is wanted."""
    return names.show(value) if isinstance(value, str) else str(value) if isinstance(value, int | float) else "this"
