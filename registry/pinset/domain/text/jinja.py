"""Jinja templates: parsed for what they ask, rendered in an immutable sandbox with limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from jinja2 import (
    DictLoader,
    StrictUndefined,
    TemplateError,
    TemplateSyntaxError,
    UndefinedError,
    meta,
    nodes,
    pass_context,
)
from jinja2.exceptions import SecurityError, TemplateNotFound
from jinja2.sandbox import ImmutableSandboxedEnvironment

from pinset.domain.text.templates import Include, Parsed, TemplateProblem
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jinja2.runtime import Context

OUTPUT_LIMIT: Final = 8 * 1024 * 1024
"""Characters that a rendered template may have."""
_INTEGER_BITS: Final = 4096
"""Bits of a product or power that a template may compute."""
_BROKEN: Final = (
    TemplateError, ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, SyntaxError, TypeError,
    ValueError,
)  # fmt: skip
"""What compiling and running a template can raise; SyntaxError is Python's own, for blocks nested too deep."""


class _Sandbox(ImmutableSandboxedEnvironment):
    """A sandbox in which a product cannot grow without bounds.

    Jinja computes constant expressions when it compiles, `9**9**9` among them; it leaves intercepted operators alone.
    """

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Compute what stays small. Raises SecurityError for the rest."""
        if operator in ("*", "**") and _size(operator, left, right) > (
            _INTEGER_BITS if isinstance(left, int) and isinstance(right, int) else OUTPUT_LIMIT
        ):
            raise SecurityError(f"the result of {operator} is too large")
        return super().call_binop(context, operator, left, right)


def _size(operator: str, left: Any, right: Any) -> int:
    """How large a product or power gets at most: bits of an integer, elements of a text or list."""
    if isinstance(left, int) and isinstance(right, int):
        if operator == "**":
            return left.bit_length() * max(right, 0)
        return left.bit_length() + right.bit_length()
    for many, times in ((left, right), (right, left)):
        if operator == "*" and isinstance(many, (str, bytes, list, tuple)) and isinstance(times, int):
            return len(many) * max(times, 0)
    return 0


def _environment(partials: Mapping[str, str]) -> _Sandbox:
    return _Sandbox(
        loader=DictLoader(dict(partials)),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - prompts are no web pages
    )


@pass_context
def _never(_context: Context, *_: object, **__: object) -> NoReturn:
    """Stand in for filters and tests while parsing: one that wants the context is not run on constants."""
    raise AssertionError("a template is only parsed here")


def parse(source: str) -> Parsed:
    """What a template asks for. It is parsed, never run, not even its constant expressions."""
    environment = _environment({})
    environment.filters = dict.fromkeys(environment.filters, _never)
    environment.tests = dict.fromkeys(environment.tests, _never)
    try:
        tree = environment.parse(source)
        variables = tuple(sorted(meta.find_undeclared_variables(tree)))
        return Parsed(variables, tuple(_includes(tree)))
    except TemplateSyntaxError as error:
        problem = TemplateProblem(error.lineno, f"it is no Jinja template: {error.message}", "correct the template")
    except RecursionError:
        problem = TemplateProblem(1, "the template is nested too deep", "nest less")
    except (TemplateError, ValueError) as error:
        problem = TemplateProblem(1, f"it is no Jinja template: {type(error).__name__}", "simplify the template")
    return Parsed(problems=(problem,))


def _includes(tree: nodes.Template) -> Iterator[Include]:
    """What a template includes, extends or imports; of a literal list every name."""
    found = tree.find_all((nodes.Include, nodes.Extends, nodes.Import, nodes.FromImport))
    for node in sorted(found, key=lambda one: one.lineno):
        target: Any = node.template  # type: ignore[attr-defined]  # each of the four kinds has one
        for name in target.items if isinstance(target, (nodes.List, nodes.Tuple)) else [target]:
            literal = isinstance(name, nodes.Const) and isinstance(name.value, str)
            yield Include(name.value if literal else "", node.lineno)


def render_jinja(source: str, partials: Mapping[str, str], values: Mapping[str, Any]) -> str:
    """A template filled with values, in an immutable sandbox. partials: what it includes, by name.

    Raises InvalidInput for all that can go wrong: a missing value, a partial that is not there, a forbidden
    access, a result over the limit.
    """
    parts: list[str] = []
    length = 0
    try:
        for part in _environment(partials).from_string(source).generate(dict(values)):
            length += len(part)
            if length > OUTPUT_LIMIT:
                raise InvalidInput(f"the rendered text is longer than {OUTPUT_LIMIT:,} characters", hint="loop less")
            parts.append(part)
    except _BROKEN as error:
        raise _translated(error) from error
    return "".join(parts)


def _translated(error: Exception) -> InvalidInput:
    if isinstance(error, SecurityError):
        return InvalidInput(f"the template does what the sandbox forbids: {error}", hint="templates only read")
    if isinstance(error, UndefinedError):
        return InvalidInput(f"the template wants a value: {error}", hint="give every variable a value")
    if isinstance(error, TemplateNotFound):
        return InvalidInput(f"the template includes {error}, which is not there", hint="include what the release holds")
    if isinstance(error, RecursionError):
        return InvalidInput("the template includes or calls itself without end", hint="end the recursion")
    why = str(error) or type(error).__name__
    return InvalidInput(f"the template cannot be rendered: {why}", hint="give every variable a value of the right kind")
