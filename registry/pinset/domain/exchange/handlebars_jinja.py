"""What a Handlebars template comes to: messages of mustache where it has variables only, else of Jinja."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pinset.domain import names
from pinset.domain.exchange.handlebars import LITERALS, Block, Helper, Value, refused
from pinset.domain.rendering import ROLES
from pinset.domain.text import templates

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

HISTORY: Final = "history"
_SPECIAL: Final = re.compile(r"\{(?=[{%#]|\Z)")
_METHODS: Final = frozenset(dir(dict))
"""What a name after a dot would be of a mapping before it is a key of it."""
_OWN: Final = frozenset(
    {
        "and", "or", "not", "in", "is", "if", "else", "elif", "for", "endfor", "endif", "import", "as", "with", "true",
        "false", "none", "True", "False", "None", "range", "dict", "lipsum", "cycler", "joiner", "namespace", "self",
        "super", "caller", "varargs", "kwargs", "loop",
    }
)  # fmt: skip
"""What is no value of that name in Jinja, or something of its own where there is none."""
_ROLES: Final = {"model": "assistant"}


@dataclass(slots=True)
class Translated:
    """The prompt. template: where there are no messages. optional: variables that it asks for before it uses them.

    dropped: tags that say what no text can, with their lines.
    """

    style: str
    template: str | None = None
    messages: list[dict[str, Any]] = field(default_factory=list)
    optional: frozenset[str] = frozenset()
    dropped: list[tuple[int, str]] = field(default_factory=list)


@dataclass(slots=True)
class _Part:
    """A message that is being gathered. role: None for the text before any."""

    role: str | None
    nodes: list[str | Value | Helper | Block] = field(default_factory=list)


def translate(nodes: Sequence[str | Value | Helper | Block]) -> Translated:
    """The messages of a template's nodes. Raises InvalidInput for what neither format can say."""
    dropped: list[tuple[int, str]] = []
    parts = _parts(nodes, dropped)
    whole = not any(part.role for part in parts)
    simple = [_mustache(part.nodes) for part in parts]
    if all(text is not None for text in simple):
        return _made("mustache", parts, [text or "" for text in simple], dropped, whole=whole)
    writer = _Jinja({name for part in parts for name in _names(part.nodes)})
    texts = [writer.text(part.nodes) for part in parts]
    made = _made("jinja2", parts, texts, dropped, whole=whole)
    made.optional = frozenset(writer.optional)
    return made


def _made(
    style: str, parts: Sequence[_Part], texts: Sequence[str], dropped: list[tuple[int, str]], *, whole: bool
) -> Translated:
    if whole:
        return Translated(style, template="".join(texts), dropped=dropped)
    messages: list[dict[str, Any]] = []
    for part, text in zip(parts, texts, strict=True):
        if part.role == HISTORY:
            messages.append({"placeholder": HISTORY})
        elif text.strip():  # what is blank is no message in dotprompt either
            messages.append({"role": part.role or "user", "text": text})
    return Translated(style, messages=messages, dropped=dropped)


def _parts(nodes: Sequence[str | Value | Helper | Block], dropped: list[tuple[int, str]]) -> list[_Part]:
    """The nodes by message. What follows the history is the model's until another role is said."""
    parts = [_Part(None)]
    for node in nodes:
        if isinstance(node, Helper) and node.name == "role":
            parts.append(_Part(_role(node)))
        elif isinstance(node, Helper) and node.name == HISTORY:
            parts += [_Part(HISTORY), _Part("assistant")]
        elif isinstance(node, Helper):
            dropped.append((node.line, node.name))
        else:
            _refuse_messages(node)
            parts[-1].nodes.append(node)
    return parts


def _role(node: Helper) -> str:
    said = node.words[0].strip("\"'") if node.words else ""
    role = _ROLES.get(said, said)
    if role not in ROLES or not re.match(r"[\"']", node.words[0] if node.words else ""):
        raise refused("{{role " + " ".join(node.words) + "}}", node.line, "is no role that a message can have")
    return role


def _refuse_messages(node: str | Value | Helper | Block) -> None:
    """Messages that come and go with a condition are nothing that a list of messages can say."""
    for inner in (*node.body, *node.otherwise) if isinstance(node, Block) else ():
        if isinstance(inner, Helper):
            raise refused("{{" + inner.name + " …}}", inner.line, "stands inside a block")
        _refuse_messages(inner)


def _mustache(nodes: Sequence[str | Value | Helper | Block]) -> str | None:
    """The text, if mustache can say it."""
    written: list[str] = []
    fixed: list[str] = []
    for node in nodes:
        if isinstance(node, str):
            written.append(node)
            fixed.append(node)
        elif (
            isinstance(node, Value)
            and names.is_identifier(name := node.path.removeprefix("this."))
            and name not in LITERALS
        ):
            plain = templates.parse("mustache", node.raw)
            written.append(node.raw if plain.variables == (name,) else "{{" + name + "}}")
        else:
            return None
    text = "".join(written)
    safe = not templates.parse("mustache", text).problems and not templates.parse("mustache", text).includes
    return text if safe and "".join(templates.fixed("mustache", text)) == "".join(fixed) else None


def _names(nodes: Sequence[str | Value | Helper | Block]) -> Iterator[str]:
    """Every name in the paths and words of some nodes."""
    for node in nodes:
        if isinstance(node, Value):
            yield from re.findall(r"\w+", node.path)
        elif isinstance(node, Block):
            yield from (name for word in node.words for name in re.findall(r"\w+", word))
            yield from _names(node.body)
            yield from _names(node.otherwise)


class _Jinja:
    """Writes nodes as Jinja. scope: what ``this`` is, innermost last; the first is the values themselves.

    taken: names that the template has, and no loop may give to its items.
    """

    def __init__(self, taken: Collection[str]) -> None:
        self.optional: set[str] = set()
        self._items = [name for name in (f"item{at or ''}" for at in range(len(taken) + 64)) if name not in taken]
        self._scope: list[str] = [""]

    def text(self, nodes: Sequence[str | Value | Helper | Block]) -> str:
        """The source of some nodes."""
        return "".join(self._node(node) for node in nodes)

    def _node(self, node: str | Value | Helper | Block) -> str:
        if isinstance(node, str):
            return _SPECIAL.sub("{{ '{' }}", node)
        if isinstance(node, Value):
            return "{{ " + self._put(node) + " }}"
        if isinstance(node, Block):
            return self._each(node) if node.name == "each" else self._if(node)
        raise AssertionError("helpers are taken out before")

    def _put(self, node: Value) -> str:
        """What is filled in. A missing key that is called as a method of mappings must not put in that."""
        whole = self._expression(node.path, node.line)
        if whole in ("loop.first", "loop.last"):
            return f"{whole} | lower"  # true, as it is written there
        before, mark, key = whole.removesuffix("']").rpartition("['")
        return f"({before} if '{key}' in {before} else none)['{key}']" if mark and whole.endswith("']") else whole

    def _if(self, block: Block) -> str:
        text = "{% if " + self._condition(block) + " %}" + self.text(block.body)
        rest = block.otherwise
        while len(rest) == 1 and isinstance(chained := rest[0], Block) and chained.chained and chained.name != "each":
            text += "{% elif " + self._condition(chained) + " %}" + self.text(chained.body)
            rest = chained.otherwise
        if rest:
            text += "{% else %}" + self.text(rest)
        return text + "{% endif %}"

    def _condition(self, block: Block) -> str:
        if block.name in ("if", "unless"):
            if len(block.words) != 1:
                raise refused("{{#" + block.name + " …}}", block.line, "asks for more than one value")
            asked = self._asked(block.words[0], block.line)
            return asked if block.name == "if" else f"not ({asked})"
        if len(block.words) != 2:
            raise refused("{{#" + block.name + " …}}", block.line, "compares other than two values")
        same = self._same(*(self._operand(word, block.line) for word in block.words))
        return same if block.name == "ifEquals" else f"not ({same})"

    def _same(self, left: str, right: str) -> str:
        """Whether two values are the same: there true is not 1, as it is in Jinja."""
        for one, other in ((left, right), (right, left)):
            if other in ("true", "false"):
                return f"{one} is sameas {other}"
            if re.match(r"[-0-9]", other):
                return f"{one} == {other} and {one} is not boolean"
        if re.match(r"[\"']", left + right) or re.match(r"[\"']", right):
            return f"{left} == {right}"
        return f"{left} == {right} and ({left} is boolean) == ({right} is boolean)"

    def _asked(self, path: str, line: int) -> str:
        """Whether a value is there and counts as true: each step before it must be there too."""
        whole = self._expression(path, line)
        if not re.match(r"[A-Za-z_]", whole) or whole.startswith("loop."):
            return whole
        first = re.match(r"[A-Za-z_]\w*", whole)
        if first and first[0] not in self._scope:
            self.optional.add(first[0])
        before, tests = "", []
        for match in re.finditer(r"(?P<name>[A-Za-z_]\w*)|\['(?P<key>[^']*)'\]", whole):
            key = match["name"] or match["key"]
            # Of a text or a list a name after a dot would be a method, which is always there.
            tests += [f"{before} is mapping and '{key}' in {before}"] if before else [f"{key} is defined"]
            before = whole[: match.end()]
        return " and ".join([*tests, whole])

    def _operand(self, word: str, line: int) -> str:
        if re.fullmatch(r"-?\d+(\.\d+)?|\"[^\"\\]*\"|'[^'\\]*'|true|false", word):
            return word
        return self._expression(word, line)

    def _each(self, block: Block) -> str:
        if len(block.words) != 1:
            raise refused("{{#each …}}", block.line, "names its items, or has none")
        items = self._expression(block.words[0], block.line)
        item = self._items[len(self._scope) - 1]
        self._scope.append(item)
        body = self.text(block.body)
        self._scope.pop()
        otherwise = "{% else %}" + self.text(block.otherwise) if block.otherwise else ""
        asked = self._asked(block.words[0], block.line)
        over = f"(({items}.values() if {items} is mapping else {items}) if {asked} and {items} is not string else [])"
        return "{% for " + item + " in " + over + " %}" + body + otherwise + "{% endfor %}"

    def _expression(self, path: str, line: int) -> str:
        tag = "{{" + path + "}}"
        depth = len(self._scope) - 1
        while path.startswith("../"):
            path, depth = path[3:], depth - 1
        if path.startswith("@"):
            return self._counted(path, line)
        steps = [step for step in re.split(r"[./]", path) if step]
        if steps[:1] == ["this"] or path == ".":
            steps = steps[1:]
        if depth < 0 or path == ".." or not all(names.is_identifier(step) for step in steps):
            raise refused(tag, line, "is no path that can be said")
        if "length" in steps[1:] or (steps == ["length"] and depth):
            raise refused(tag, line, "asks for a length")
        base = self._scope[depth]
        if not base and not steps:
            raise refused(tag, line, "means all values at once")
        if not base and steps[0] in _OWN:
            raise refused(tag, line, "has a name that means something else in Jinja")
        for step in steps:
            plain = step not in _METHODS
            base = step if not base else f"{base}.{step}" if plain else f"{base}['{step}']"
        return base

    def _counted(self, path: str, line: int) -> str:
        known = {"@index": "loop.index0", "@first": "loop.first", "@last": "loop.last"}
        if path.startswith("@root."):
            scope, self._scope = self._scope, [""]
            found = self._expression(path.removeprefix("@root."), line)
            self._scope = scope
            return found
        if path not in known or len(self._scope) == 1:
            raise refused("{{" + path + "}}", line, "comes from where the prompt runs")
        return known[path]
