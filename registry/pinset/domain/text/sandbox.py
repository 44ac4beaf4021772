"""The sandbox that templates run in: Jinja's own, with limits to what makes much of little.

No operator, method or filter may make a text that is longer than a whole filled template may be: it is refused before
it takes the memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from jinja2 import nodes
from jinja2.compiler import CodeGenerator
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

OUTPUT_LIMIT: Final = 8 * 1024 * 1024
"""Bytes of UTF-8 that a rendered template may have; no operation inside may make a longer text either."""
_POWER_LIMIT: Final = 1024
"""Bits that the result of ``**`` may have, about: those of the largest float."""
_WIDTH: Final = re.compile(r"[0-9]{6,}")
"""A width or a precision in a format that no text of ours needs."""
_WIDENING: Final = frozenset({"center", "expandtabs", "ljust", "rjust", "zfill"})
_MOST_PARTS: Final = 100_000
"""What a range of Jinja's sandbox has at most; taken for what does not tell its length."""
_FILTERS: Final = ("center", "format", "indent", "join", "replace", "wordwrap")
"""Filters that take a text first and make a longer one."""


class Lazy(CodeGenerator):
    """Code that computes when it runs, and nothing before."""

    def _output_child_to_const(self, node: Any, frame: Any, finalize: Any) -> str:
        if isinstance(node, nodes.TemplateData):
            return super()._output_child_to_const(node, frame, finalize)
        raise nodes.Impossible

    def visit_EvalContextModifier(self, node: Any, frame: Any) -> None:  # noqa: N802 - Jinja's name
        """Nothing is computed where a template turns its escaping on or off, either."""
        frame.eval_ctx.volatile = True  # no filter runs while a volatile context is compiled
        super().visit_EvalContextModifier(node, frame)

    def visit_Concat(self, node: Any, frame: Any) -> None:  # noqa: N802 - Jinja's name
        """``a ~ b``, as a call that the environment can refuse."""
        self.write("environment.concatenated((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")


class Sandbox(ImmutableSandboxedEnvironment):
    """The sandbox, with limits."""

    code_generator_class = Lazy
    intercepted_binops = frozenset({"*", "**", "%", "+"})

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        for name in _FILTERS:
            self.filters[name] = _limited(name, self.filters[name])

    def call(self, context: Any, obj: Any, *args: Any, **named: Any) -> Any:
        """A call of the template; of a text's method only where its result has a bound."""
        owner = getattr(obj, "__self__", None)
        if isinstance(owner, str | bytes):
            _refuse_long(getattr(obj, "__name__", ""), owner, [*args, *named.values()])
        return super().call(context, obj, *args, **named)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """An operator of the template, where its result has a bound."""
        sizes = [abs(side) for side in (left, right) if isinstance(side, int)]
        texts = [len(side) for side in (left, right) if isinstance(side, str | bytes | list | tuple)]
        too_much = (
            (operator == "*" and texts and sizes and texts[0] * sizes[0] > OUTPUT_LIMIT)
            or (operator == "+" and sum(texts) > OUTPUT_LIMIT)
            or (operator == "**" and len(sizes) == 2 and sizes[0].bit_length() * sizes[1] > _POWER_LIMIT)
        )
        if too_much:
            raise SecurityError(f"the result of {operator} is too large")
        if operator == "%" and isinstance(left, str | bytes):
            _refuse_long("format", left, list(right) if isinstance(right, tuple | list) else [right])
        return super().call_binop(context, operator, left, right)

    def concatenated(self, parts: tuple[Any, ...]) -> str:
        """``a ~ b``, where that has a bound."""
        texts = [str(part) for part in parts]
        if sum(map(len, texts)) > OUTPUT_LIMIT:
            raise SecurityError("the result of ~ is too large")
        return "".join(texts)


def _limited(name: str, made: Any) -> Any:
    """A filter that looks at what it is given first. Jinja passes some of them a context before the text."""
    before = 1 if hasattr(made, "jinja_pass_arg") else 0

    def limited(*args: Any, **named: Any) -> Any:
        text, *rest = args[before:]
        _refuse_long(name, text, [*rest, *named.values()])
        return made(*args, **named)

    if before:
        limited.jinja_pass_arg = made.jinja_pass_arg  # type: ignore[attr-defined]  # as Jinja marks its own
    return limited


def _refuse_long(name: str, text: Any, given: list[Any]) -> None:
    """Raises SecurityError where a method or filter could make more than a filled template may be."""
    widths = [abs(one) for one in given if isinstance(one, int)]
    longest = max(widths, default=0)
    if name in _WIDENING or (name == "format" and "*" in str(text)[:OUTPUT_LIMIT]):
        size = longest * (str(text).count("\t") if name == "expandtabs" else 1)
    elif name == "format":
        size = OUTPUT_LIMIT + 1 if _WIDTH.search(str(text)) else 0
    elif name == "indent":
        size = (str(text).count("\n") + 1) * max(longest, *(len(one) for one in given if isinstance(one, str)), 0)
    elif name in ("replace", "wordwrap"):
        size = (len(str(text)) + 1) * max((len(one) for one in given if isinstance(one, str)), default=0)
    elif name == "join":
        size = _joined(text, given)
    else:
        size = 0
    if size > OUTPUT_LIMIT:
        raise SecurityError(f"the result of {name} is too large")


def _joined(text: Any, given: list[Any]) -> int:
    """Characters of what is joined, at most. The method has the parts in ``given``, the filter before it."""
    between = max((len(one) for one in (text, *given) if isinstance(one, str)), default=0)
    size = 0
    for parts in (text, *given):
        if isinstance(parts, list | tuple):
            size += between * len(parts) + sum(len(part) for part in parts if isinstance(part, str))
        elif isinstance(parts, Iterable) and not isinstance(parts, str):
            size += between * _MOST_PARTS
    return size
