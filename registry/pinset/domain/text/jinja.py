"""Jinja templates: parsed for what they ask, rendered in an immutable sandbox with limits.

Jinja computes constant expressions while it compiles, so that ``{{ 'a' * 10**9 }}`` costs its memory before
anything is rendered. That is switched off here: reading a template computes nothing.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

from jinja2 import DictLoader, StrictUndefined, TemplateError, nodes
from jinja2.compiler import CodeGenerator
from jinja2.exceptions import SecurityError, TemplateNotFound, TemplateSyntaxError, UndefinedError
from jinja2.meta import TrackingCodeGenerator

from pinset.domain import names
from pinset.domain.text.braces import Include, Parsed, TemplateProblem
from pinset.domain.text.sandbox import OUTPUT_LIMIT, Lazy, Sandbox
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping


class _Tracker(Lazy, TrackingCodeGenerator):
    """Jinja's own search for variables, which is a compilation that writes nothing."""

    def __init__(self, environment: Sandbox) -> None:
        CodeGenerator.__init__(self, environment, "<template>", "<template>", optimized=False)
        self.undeclared_identifiers: set[str] = set()


def _sandbox(partials: Mapping[str, str]) -> Sandbox:
    return Sandbox(
        loader=DictLoader(dict(partials)),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
        optimized=False,
    )


@cache
def _reader() -> Sandbox:
    return _sandbox({})


def parse(source: str) -> Parsed:
    """What a template asks for. It is parsed, never run."""
    try:
        tree = _reader().parse(source)
        tracker = _Tracker(_reader())
        tracker.visit(tree)
        _check_known(tree)
        includes, assigned = _includes(tree), _assigned(tree)
    except TemplateSyntaxError as error:
        return _refused(error.lineno, f"it is no Jinja template: {error.message}", "correct the tag on that line")
    except RecursionError:
        return _refused(1, "the Jinja template is nested too deeply", "flatten it")
    except Exception as error:  # noqa: BLE001 - any failure of the parser is a finding, whatever its class
        return _refused(1, f"it is no Jinja template: {type(error).__name__}", "simplify the template")
    return Parsed(tuple(sorted(tracker.undeclared_identifiers)), includes, (), assigned)


def _check_known(tree: nodes.Template) -> None:
    """Refuse filters and tests that do not exist also inside conditions, where Jinja leaves it to the run."""
    for node in tree.find_all((nodes.Filter, nodes.Test)):
        known, kind = (_reader().filters, "filter") if isinstance(node, nodes.Filter) else (_reader().tests, "test")
        name = str(getattr(node, "name", ""))
        if name not in known:
            raise TemplateSyntaxError(f"there is no {kind} {name[:80]!a}", node.lineno)


def _refused(line: int, message: str, hint: str) -> Parsed:
    return Parsed(problems=(TemplateProblem(max(line, 1), message, hint),))


def _includes(tree: nodes.Template) -> tuple[Include, ...]:
    found: list[Include] = []
    for node in tree.find_all((nodes.Include, nodes.Extends, nodes.Import, nodes.FromImport)):
        target: Any = getattr(node, "template")  # noqa: B009 - each of the four kinds has one, their parent has not
        choices: list[Any] = target.items if isinstance(target, nodes.Tuple | nodes.List) else [target]
        for choice in choices:
            literal = isinstance(choice, nodes.Const) and isinstance(choice.value, str)
            found.append(Include(choice.value if literal else "", node.lineno))
    return tuple(sorted(found, key=lambda include: include.line))


def _assigned(tree: nodes.Template) -> frozenset[str]:
    """Names that the template gives a value anywhere: set, for, macro, import, with."""
    found = {node.name for node in tree.find_all(nodes.Name) if node.ctx in ("store", "param")}
    found |= {node.name for node in tree.find_all(nodes.Macro)} | {node.target for node in tree.find_all(nodes.Import)}
    for node in tree.find_all(nodes.FromImport):
        found |= {name if isinstance(name, str) else name[1] for name in node.names}
    return frozenset(found)


def fixed(source: str) -> list[str]:
    """The texts outside of tags and comments, each once; the source as it is where it is no template."""
    try:
        return [text for _, kind, text in _reader().lex(source) if kind == "data" and text]
    except TemplateSyntaxError:
        return [source]


def render(source: str, partials: Mapping[str, str], values: Mapping[str, Any]) -> str:
    """A template filled with values, in an immutable sandbox. Raises InvalidInput for all that can go wrong."""
    parts: list[str] = []
    size = 0
    try:
        for part in _sandbox(partials).from_string(source).generate(dict(values)):
            size += len(part.encode(errors="surrogatepass"))
            if size > OUTPUT_LIMIT:
                break
            parts.append(part)
    except Exception as error:  # noqa: BLE001 - an expression of the template can raise whatever Python can
        _fail(error)
    if size > OUTPUT_LIMIT:
        raise InvalidInput(f"the filled template is longer than {OUTPUT_LIMIT:,} bytes", hint="loop less")
    return "".join(parts)


def _fail(error: Exception) -> NoReturn:
    """Jinja's and Python's errors as ours."""
    if isinstance(error, UndefinedError):
        hint = "give each variable a value; test with `is defined` what may be missing"
        raise InvalidInput(f"the template wants a value: {error.message}", hint=hint) from error
    if isinstance(error, SecurityError):
        raise InvalidInput(f"the template does what the sandbox forbids: {error}", hint="only read") from error
    if isinstance(error, TemplateNotFound):
        message = f"the template includes {names.show(error.name)}, which the release lacks"
        raise InvalidInput(message, hint="include a file of the release by its literal name") from error
    if isinstance(error, TemplateSyntaxError):
        message = f"it is no Jinja template: line {error.lineno}: {error.message}"
        raise InvalidInput(message, hint="correct the tag on that line") from error
    if isinstance(error, RecursionError):
        raise InvalidInput("the template includes itself without end", hint="break the circle") from error
    text = str(error) if isinstance(error, TemplateError | TypeError | ValueError | ArithmeticError) else ""
    message = f"the template cannot be filled: {type(error).__name__} {text[:200]}".rstrip()
    raise InvalidInput(message, hint="give every variable a value of the right kind") from error
