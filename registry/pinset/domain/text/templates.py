"""Template formats: what a template asks for, what it includes, and how it is filled.

Mustache here is variables and includes only: one pass over ``{{name}}``, text in, text out, no attributes, no
loops, nothing read again. F-string is plain ``{name}``. Text is text, with includes. Jinja is only parsed here;
`pinset.domain.text.jinja` renders it, in the process of whoever asked.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pinset.domain import names
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

# Each run excludes what ends it, so that a megabyte of braces or blanks is still read once.
_TAG: Final = re.compile(r"\{\{\{(?P<raw>[^{}\n]*)\}\}\}|\{\{(?P<kind>[#^/!=>&]?)(?P<text>[^{}\n]*)\}\}")
_OPEN: Final = re.compile(r"\{\{")
_BRACE: Final = re.compile(r"[{}]")
_INCLUDE: Final = re.compile(r"\{\{>([^{}\n]*)\}\}")
_JINJA: Final = "say format: jinja2 for templates with logic"


@dataclass(frozen=True, slots=True)
class TemplateProblem:
    """Why a template cannot be parsed. line: from 1."""

    line: int
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Include:
    """What a template includes, as it is written; an empty text where that is only known at run time."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a template asks for: variables, sorted and once each, and includes in their order."""

    variables: tuple[str, ...] = ()
    includes: tuple[Include, ...] = ()
    problems: tuple[TemplateProblem, ...] = ()


def guess_format(path: str) -> str:
    """The format of a template by its file's ending."""
    ending = path.rpartition(".")[2].lower()
    if ending in ("j2", "jinja", "jinja2"):
        return "jinja2"
    return "text" if ending == "txt" else "mustache"


def parse(style: str, source: str) -> Parsed:
    """What a template asks for. style: mustache, jinja2, f-string or text. Nothing is executed."""
    if style == "mustache":
        return _parse_mustache(source)
    if style == "f-string":
        return _parse_f_string(source)
    if style == "jinja2":
        from pinset.domain.text import jinja  # noqa: PLC0415 - Jinja is an extra for who only fetches

        return jinja.parse(source)
    lines = _Lines(source)
    return Parsed(includes=tuple(Include(m[1].strip(), lines.at(m.start())) for m in _INCLUDE.finditer(source)))


def undeclared(style: str, source: str, resolve: Callable[[str], tuple[str, str] | None]) -> tuple[str, ...]:
    """The variables of a template and of all that it includes. resolve: an include's format and source, or None."""
    found: set[str] = set()
    pending, seen = [(style, source)], set[str]()
    while pending:
        parsed = parse(*pending.pop())
        found.update(parsed.variables)
        for include in parsed.includes:
            if include.text not in seen:
                seen.add(include.text)
                target = resolve(include.text)
                if target is not None:
                    pending.append(target)
    return tuple(sorted(found))


def expand(source: str, resolve: Callable[[str], str]) -> str:
    """A mustache or text template with every include replaced; what comes in is not read again."""
    return _INCLUDE.sub(lambda match: resolve(match[1].strip()), source)


def render(style: str, source: str, values: Mapping[str, str]) -> str:
    """A mustache, f-string or text template filled with texts; what a value holds is never read as template.

    Raises InvalidInput for a value that is missing or no text, for a template that does not parse, and for an
    include that nobody has replaced.
    """
    if style == "jinja2":
        raise InvalidInput("a Jinja template has its own renderer", hint="render it in the sandbox")
    parsed = parse(style, source)
    if parsed.problems:
        raise InvalidInput(f"the template cannot be parsed: {parsed.problems[0].message}", hint=parsed.problems[0].hint)
    if parsed.includes:
        what = names.show(parsed.includes[0].text)
        raise InvalidInput(f"the template still includes {what}", hint="render the text of the release document")
    _check_values(parsed.variables, values)
    if style == "mustache":
        return _TAG.sub(lambda match: values[_inside(match)[1]], source)
    if style == "f-string":
        parts = string.Formatter().parse(source)
        return "".join(text + (values[name] if name is not None else "") for text, name, _, _ in parts)
    return source


def _check_values(variables: Iterable[str], values: Mapping[str, object]) -> None:
    missing = [name for name in variables if name not in values]
    if missing:
        given = ", ".join(names.show(name) for name in sorted(values)) or "none"
        hint = f"give each a value (given: {given})"
        raise InvalidInput(f"the template wants {', '.join(missing)}", hint=hint, details={"missing": missing})
    for name in variables:
        if not isinstance(values[name], str):
            message = f"the value of {name} is no text but {type(values[name]).__name__}"
            raise InvalidInput(message, hint="turn it into text first, or use format: jinja2")


def surplus(variables: Iterable[str], values: Mapping[str, object]) -> tuple[str, ...]:
    """The values that no variable takes."""
    return tuple(sorted(set(values) - set(variables)))


def _inside(match: re.Match[str]) -> tuple[str, str]:
    """A tag's sign, empty for a variable in any of its three spellings, and its text."""
    if match["raw"] is not None:
        return "", match["raw"].strip()
    return match["kind"].replace("&", ""), match["text"].strip()


def _parse_mustache(source: str) -> Parsed:
    variables: set[str] = set()
    includes: list[Include] = []
    problems: list[TemplateProblem] = []
    lines = _Lines(source)
    at = 0
    while (opened := _OPEN.search(source, at)) is not None:
        line = lines.at(opened.start())
        match = _TAG.match(source, opened.start())
        if match is None:
            problem = "a {{ is not closed on its line as {{name}}"
            problems.append(TemplateProblem(line, problem, "close it; for literal braces: format: jinja2 or text"))
            at = opened.end()
            continue
        at = match.end()
        kind, text = _inside(match)
        if kind == ">":
            includes.append(Include(text, line))
        elif kind:
            problem = f"{{{{{kind}…}}}} is not taken: variables and includes only"
            problems.append(TemplateProblem(line, problem, _JINJA))
        elif names.is_identifier(text):
            variables.add(text)
        else:
            problem = f"{names.show(text)} is no variable"
            problems.append(TemplateProblem(line, problem, "use letters, digits and _; " + _JINJA))
    return Parsed(tuple(sorted(variables)), tuple(includes), tuple(problems))


def _parse_f_string(source: str) -> Parsed:
    variables: set[str] = set()
    problems: list[TemplateProblem] = []
    lines = _Lines(source)
    at = 0
    try:
        for text, name, spec, conversion in string.Formatter().parse(source):
            at += len(text)
            if name is None:
                at += text.endswith(("{", "}"))  # a doubled brace comes as one, and ends its piece
                continue
            opened = at
            at += 1 + len(name) + 2 * bool(conversion)
            has_spec = source.startswith(":", at)
            at += (1 + len(spec or "") if has_spec else 0) + 1
            if names.is_identifier(name) and not has_spec and not conversion:
                variables.add(name)
            else:
                problem = f"{names.show(source[opened:at])} is no plain {{name}}"
                hint = "write {name}, or literal braces as {{ and }}; " + _JINJA
                problems.append(TemplateProblem(lines.at(opened), problem, hint))
    except ValueError as error:
        brace = _BRACE.search(source, at)
        line = lines.at(brace.start() if brace else at)
        problems.append(TemplateProblem(line, f"the braces do not match: {error}", "write literal braces as {{ and }}"))
    return Parsed(tuple(sorted(variables)), (), tuple(problems))


class _Lines:
    """Line numbers of rising positions, each stretch of the text counted once."""

    def __init__(self, source: str) -> None:
        self._source, self._at, self._line = source, 0, 1

    def at(self, position: int) -> int:
        """The line of a position that is not before the last one asked for; from 1."""
        self._line += self._source.count("\n", self._at, position)
        self._at = position
        return self._line
