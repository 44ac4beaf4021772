"""Template formats: what a template asks for, what it includes, and how it is filled.

Mustache here is variables and includes only: one pass over ``{{name}}``, text in, text out, no attributes, no
loops, nothing read again. F-string is plain ``{name}``. Text is text, with includes. Jinja is only parsed here;
`render_jinja` runs it, in the process of whoever asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pinset.domain import names
from pinset.domain.text import braces
from pinset.domain.text.braces import Include, Parsed, TemplateProblem
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = [
    "FORMATS",
    "Include",
    "Parsed",
    "TemplateProblem",
    "expand",
    "fixed",
    "guess_format",
    "include_cycle",
    "parse",
    "render",
    "render_jinja",
    "surplus",
    "undeclared",
]

FORMATS: Final = ("mustache", "jinja2", "f-string", "text")
TAGS_LIMIT: Final = 5_000
"""Jinja tags of a template: compiling takes a tenth of a millisecond each, and more where they nest."""
INCLUDES_LIMIT: Final = 256
"""Shared texts that a template includes."""


def guess_format(path: str) -> str:
    """The format of a template by its file's ending."""
    ending = path.rpartition("/")[2].rpartition(".")[2].lower()
    if ending in ("j2", "jinja", "jinja2"):
        return "jinja2"
    return "text" if ending == "txt" else "mustache"


def parse(style: str, source: str) -> Parsed:
    """What a template asks for. style: one of `FORMATS`, else InvalidInput. Nothing is executed."""
    if source.count("{{>") > INCLUDES_LIMIT or (style == "jinja2" and _tags(source) > TAGS_LIMIT):
        message = f"the template has more than {TAGS_LIMIT:,} Jinja tags, or more than {INCLUDES_LIMIT} includes"
        return Parsed(problems=(TemplateProblem(1, message, "split it, or fill it with one prepared text"),))
    if style == "mustache":
        return braces.parse_mustache(source)
    if style == "f-string":
        return braces.parse_f_string(source)
    if style == "text":
        return braces.parse_text(source)
    if style == "jinja2":
        from pinset.domain.text import jinja  # noqa: PLC0415 - Jinja is an extra that those who only fetch lack

        return jinja.parse(source)
    raise _unknown(style)


def undeclared(style: str, source: str, resolve: Callable[[str], tuple[str, str] | None]) -> tuple[str, ...]:
    """The variables of a template and of all that it includes, at any depth; sorted.

    resolve: an include's format and source, or None. A name that a Jinja template sets for what it includes is no
    variable. Includes in a circle are read once.
    """
    root = parse(style, source)
    reached = _reach(root, resolve)
    found = set(root.variables)
    for text, parsed in reached.items():
        others = (root, *(other for name, other in reached.items() if name != text))
        found |= set(parsed.variables).difference(*(other.assigned for other in others if other.assigned))
    return tuple(sorted(found))


def include_cycle(style: str, source: str, resolve: Callable[[str], tuple[str, str] | None]) -> tuple[str, ...]:
    """The first circle of includes, as includes are written, its first at both ends; () where there is none."""
    root = parse(style, source)
    reached = _reach(root, resolve)
    done: set[str] = set()
    chain: list[str] = []
    pending = [iter(_names(root))]
    while pending:
        name = next(pending[-1], None)
        if name is None:
            pending.pop()
            if chain:
                done.add(chain.pop())
        elif name in chain:
            return (*chain[chain.index(name) :], name)
        elif name in reached and name not in done:
            chain.append(name)
            pending.append(iter(_names(reached[name])))
    return ()


def expand(source: str, resolve: Callable[[str], str]) -> str:
    """A mustache or text template with every ``{{> reference}}`` replaced; what comes in is not read again."""
    return braces.INCLUDE.sub(lambda match: resolve(match["include"]), source)


def fixed(style: str, source: str) -> list[str]:
    """The texts of a template between what is filled in, as they will be sent; includes of Jinja are not among them.

    Of a Jinja template every branch and the inside of every loop comes once. One that does not parse comes whole.
    """
    if style == "mustache":
        return braces.fixed_mustache(source)
    if style == "f-string":
        return braces.fixed_f_string(source)
    if style != "jinja2":
        return [source]
    from pinset.domain.text import jinja  # noqa: PLC0415 - as in `parse`

    return jinja.fixed(source)


def render(style: str, source: str, values: Mapping[str, str]) -> str:
    """A mustache, f-string or text template filled with texts, which are never read as templates.

    Raises InvalidInput for a value that is missing or no text. Values that nothing takes are left alone; `surplus`
    names them. Jinja goes to `render_jinja`, with the same values and nothing to include.
    """
    if style == "jinja2":
        return render_jinja(source, {}, values)
    if style not in FORMATS:
        raise _unknown(style)
    if style == "text":
        return source
    parsed = parse(style, source)
    if parsed.problems:
        first = parsed.problems[0]
        raise InvalidInput(f"the template cannot be filled: line {first.line}: {first.message}", hint=first.hint)
    if parsed.includes:
        raise InvalidInput(
            f"the template still includes {names.show(parsed.includes[0].text)}", hint="put its text in first"
        )
    _check_values(parsed.variables, values)
    fill = braces.fill_mustache if style == "mustache" else braces.fill_f_string
    return fill(source, values)


def render_jinja(source: str, partials: Mapping[str, str], values: Mapping[str, Any]) -> str:
    """A Jinja template filled in an immutable sandbox. partials: what it includes, by the name it says.

    Raises InvalidInput for everything that can go wrong, and for more than 8 MiB of output.
    """
    from pinset.domain.text import jinja  # noqa: PLC0415 - as in `parse`

    return jinja.render(source, partials, values)


def surplus(parsed: Parsed | Iterable[str], values: Iterable[str]) -> tuple[str, ...]:
    """The names of values that no variable takes; sorted. parsed: a template's, or its variables."""
    return tuple(sorted(set(values).difference(parsed.variables if isinstance(parsed, Parsed) else parsed)))


def _tags(source: str) -> int:
    return source.count("{%") + source.count("{{")


def _reach(root: Parsed, resolve: Callable[[str], tuple[str, str] | None]) -> dict[str, Parsed]:
    """Everything that is included, directly or not, by its name."""
    reached: dict[str, Parsed] = {}
    seen: set[str] = set()
    pending = list(_names(root))
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        target = resolve(name)
        if target is not None:
            reached[name] = parse(*target)
            pending.extend(_names(reached[name]))
    return reached


def _names(parsed: Parsed) -> tuple[str, ...]:
    return tuple(include.text for include in parsed.includes if include.text)


def _check_values(variables: tuple[str, ...], values: Mapping[str, Any]) -> None:
    missing = [name for name in variables if name not in values]
    if missing:
        given = ", ".join(sorted(map(str, values))) or "none"
        message = f"the template wants {', '.join(missing)}"
        raise InvalidInput(message, hint=f"give each a value (given: {given})", details={"missing": missing})
    for name in variables:
        if not isinstance(values[name], str):
            kind = type(values[name]).__name__
            raise InvalidInput(f"the value of {name} is of type {kind}, not text", hint="turn it into text first")


def _unknown(style: str) -> InvalidInput:
    return InvalidInput(f"{names.show(style)} is no template format", hint="the formats are " + ", ".join(FORMATS))
