"""The body of a ``.prompty`` file: lines that name a role part one text into messages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.checks.texts import TEXT_LIMIT
from pinset.domain.exchange.telling import CannotTellError
from pinset.domain.rendering import ROLES
from pinset.domain.text import templates
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pinset.domain.exchange.drafting import Drafted
    from pinset.domain.exchange.telling import One

THREAD: Final = "thread"
_ROLE: Final = re.compile(
    r"[ \t]*#?[ \t]*(?P<role>system|user|assistant|function|tool|developer|tools)(?:\[(?P<given>[^\]]*)\])?[ \t]*:[ \t]*",
    re.IGNORECASE,
)
_SOME_ROLE: Final = re.compile(r"[ \t]*#?[ \t]*\{\{.*\}\}[ \t]*:[ \t]*")
"""A role that is only known when the template is filled in."""
_MEMBER: Final = r"(?:\.{0}|\[['\"]{0}['\"]\])"
_HISTORY: Final = re.compile(
    r"^[ \t]*\{%-?\s*for\s+(?P<item>\w+)\s+in\s+(?P<name>\w+)\s*-?%\}\s*"
    r"\{\{-?\s*(?P=item)" + _MEMBER.format("role") + r"\s*-?\}\}[ \t]*:[ \t]*\n\s*"
    r"\{\{-?\s*(?P=item)" + _MEMBER.format("content") + r"\s*-?\}\}\s*\{%-?\s*endfor\s*-?%\}[ \t]*$",
    re.MULTILINE,
)
_DEPTH: Final = 16
_MARK: Final = "\x00"
"""Begins the line that stands for a history; no text of a release has it."""
_PICTURE: Final = re.compile(r"!\[[^\]\n]{0,200}\]\([^)\n]{1,500}\)")
_NAME: Final = re.compile(r"name\s*=\s*\"?(?P<name>[^\",]*)\"?\s*$")
_BREAKS: Final = re.compile("[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_INCLUDE: Final = re.compile(r"\{% *include +(?P<sign>['\"])(?P<name>[^'\"]+)(?P=sign) *%\}")
_WAYS: Final = {"function": "tool"}
_BEGINS, _ENDS = re.compile(r"\s*\{[%{#]-"), re.compile(r"-[%}#]\}\s*\Z")


def read(drafted: Drafted, body: str, style: str, threads: Collection[str], what: str) -> str | list[dict[str, Any]]:
    """The messages; the text alone where no line names a role. threads: inputs that are messages, not text.

    Raises InvalidInput for messages that are only known when the template is filled in.
    """
    text = body.lstrip()
    if style == "jinja2":
        text = _HISTORY.sub(lambda match: f"{_MARK}{match['name']}", text.removesuffix("\n"))
    if _PICTURE.search(text):
        drafted.lose("template", "pictures are sent as pictures there; here they stay the text that names them")
    if style == "mustache" and re.search(r"(?<!\{)\{\{[^{&]", text):
        drafted.lose("template", "values of {{…}} are escaped as HTML there, and put in as they are here")
    lines = text.splitlines()
    marked = [at for at, line in enumerate(lines) if _is_mark(line, threads)]
    if not marked:
        return "\n".join(lines)
    found: list[dict[str, Any]] = []
    for at, end in zip([-1, *marked], [*marked, len(lines)], strict=True):
        held = lines[at + 1 : end]
        found += _message(drafted, lines[at] if at >= 0 else "system:", held, threads, what, first=at < 0)
    _check_apart(style, [item["text"] for item in found if "text" in item], text, what)
    return found


def _is_mark(line: str, threads: Collection[str]) -> bool:
    return bool(_ROLE.fullmatch(line) or _SOME_ROLE.fullmatch(line)) or _thread(line, threads) is not None


def _thread(line: str, threads: Collection[str]) -> str | None:
    """The name of the messages that a line puts in."""
    plain = line.strip()
    if plain.startswith(_MARK):
        return plain[1:]
    if plain.startswith(f"![{THREAD}]"):
        return THREAD
    name = plain.removeprefix("{{").removesuffix("}}").strip()
    return name if plain == "{{" + plain[2:-2] + "}}" and name in threads else None


def _message(
    drafted: Drafted, line: str, held: list[str], threads: Collection[str], what: str, *, first: bool
) -> list[dict[str, Any]]:
    """What a line that marks a message and the lines after it come to."""
    thread = _thread(line, threads)
    if thread is not None:
        if any(one.strip() for one in held):
            raise _unsayable(
                what, "text follows the messages that the application puts in, and no line says whose it is"
            )
        return [{"placeholder": thread}]
    match = _ROLE.fullmatch(line)
    if match is None or match["role"].lower() == "tools":
        raise _unsayable(what, f"the line {line.strip()[:60]!r} makes messages or tools only when it is filled in")
    if not held or (first and not any(one.strip() for one in held)):
        return []
    role = match["role"].lower()
    named = _NAME.match((match["given"] or "").strip())
    if match["given"] and named is None:
        drafted.lose(f"template: {line.strip()[:60]}", "a message has a role and a name only")
    speaker = {"name": named["name"]} if named else {}
    return [{"role": _WAYS.get(role, role), **speaker, "text": "\n".join(held)}]


def _check_apart(style: str, texts: Sequence[str], whole: str, what: str) -> None:
    """Refuse a template whose logic reaches over several messages."""
    if style != "jinja2":
        return
    parsed = [templates.parse(style, text) for text in texts]
    if any(one.problems for one in parsed) and not templates.parse(style, whole).problems:
        raise _unsayable(what, "a block of the template begins in one message and ends in another")
    if _shares(parsed):
        raise _unsayable(what, "one message sets a variable that another uses")


def _shares(parsed: Sequence[templates.Parsed]) -> bool:
    return any(one.assigned.intersection(other.variables) for one in parsed for other in parsed if other is not one)


def _unsayable(what: str, why: str) -> InvalidInput:
    return InvalidInput(f"{what}: {why}", hint="part the messages by lines such as user: that stand outside of blocks")


def told(one: One) -> str:
    """The body of a prompt. Raises CannotTellError."""
    style = one.said["format"]
    if style not in ("jinja2", "mustache"):
        raise CannotTellError(f"Prompty has no templates in {style}")
    if style == "mustache":
        one.lose("template", "Prompty escapes values of {{…}} as HTML; they are put in as they are here")
    if "template" in one.said:
        text = _inlined(one, one.said["template"])
        _check_text(text)
        if text[:1].isspace() or not text:
            raise CannotTellError("its text begins with white space, which Prompty takes away")
        return _ended(text, style)
    items = [{**item, "text": _inlined(one, item["text"])} if "text" in item else item for item in one.messages()]
    _check_messages(style, [item["text"] for item in items if "text" in item])
    written = [_written(one, item, style) for item in items]
    last = items[-1]["text"] if items and "text" in items[-1] else None
    body = "\n".join(written)
    return body + "\n" if last is None or style != "jinja2" else body.removesuffix(last) + _ended(last, style)


def _written(one: One, item: Mapping[str, Any], style: str) -> str:
    if "placeholder" in item:
        name = item["placeholder"]
        if style == "jinja2":
            return f"{{% for item in {name} %}}\n{{{{item.role}}}}:\n{{{{item.content}}}}\n{{% endfor %}}"
        if name != THREAD:
            one.lose("messages.placeholder", f"{name} is called {THREAD} there")
        return f"![{THREAD}]"
    role = {"tool": "function"}.get(item["role"], item["role"])
    if role == "developer" or role not in (*ROLES, "function"):
        one.lose("messages.role", f"{role} is told as system")
        role = "system"
    named = f'[name="{item["name"]}"]' if "name" in item else ""
    return f"{role}{named}:\n{item['text']}"


def _ended(text: str, style: str) -> str:
    """A text with as many newlines after it as Jinja and the runtime take away."""
    return text + ("\n\n" if style == "jinja2" and (not text or text.endswith("\n")) else "\n")


def _check_messages(style: str, texts: Sequence[str]) -> None:
    for text in texts:
        _check_text(text)
        if style == "jinja2" and (_BEGINS.match(text) or _ENDS.search(text)):
            raise CannotTellError("a message begins or ends with a tag that takes the line of its role away")
    if style == "jinja2" and _shares([templates.parse(style, text) for text in texts]):
        raise CannotTellError("a message uses a variable of the name that another sets")


def _check_text(text: str) -> None:
    if any(_is_mark(line, ()) for line in text.splitlines()):
        raise CannotTellError("a line of its text would be read as a role")
    if _BREAKS.search(text):
        raise CannotTellError("its text has line breaks that Prompty makes plain ones")


def _inlined(one: One, text: str) -> str:
    """A text with the files that it includes written out, where that means the same."""
    if one.said["format"] != "jinja2":
        return text
    left = [TEXT_LIMIT]
    partials: Mapping[str, str] = one.said.get("partials") or {}

    def part(match: re.Match[str], depth: int) -> str:
        inner = partials.get(match["name"])
        left[0] -= len(inner or "") + 1
        if inner is None or depth > _DEPTH or left[0] < 0 or templates.parse("jinja2", inner).assigned:
            raise CannotTellError(f"it includes {match['name']}, which cannot be written out")
        return _INCLUDE.sub(lambda found: part(found, depth + 1), inner)

    done = _INCLUDE.sub(lambda found: part(found, 0), text)
    if done != text:
        one.lose("template", "what it includes is written out in it")
    if templates.parse("jinja2", done).includes:
        raise CannotTellError("it includes what cannot be written out")
    return done
