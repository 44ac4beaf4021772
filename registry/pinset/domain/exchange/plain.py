"""Prompts as plain files: a template each, by its ending, or a chat as JSON. A folder of them is one bundle of many prompts.

Templates stay the files that they are, byte for byte.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any, Final

from pinset.domain import names
from pinset.domain.exchange import chat, openai
from pinset.domain.exchange.drafting import DEFAULT, Drafted, Prompt
from pinset.domain.text import strict_json, templates, tool_shapes
from pinset.errors import InvalidInput, InvalidName

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain.exchange.incoming import Taken

ENDINGS: Final = (".md", ".txt", ".j2", ".jinja", ".jinja2", ".mustache", ".json")
_NAMES: Final = "*" + " *".join(ENDINGS)
_BUNDLES: Final = (".prompt", ".prompty")
_ALONE: Final = "such a file is a bundle of its own: name it by itself"
_ABOUT: Final = re.compile(r"(?:readme|license|licence|changelog|contributing|notice)(?:\..*)?", re.IGNORECASE)
_LARGE_FILE: Final = "version https://git-lfs.github.com/spec/"


def is_prompt(path: str) -> bool:
    """Whether a file may be a prompt, by its name."""
    name = path.rpartition("/")[2]
    return name.endswith(ENDINGS) and not name.startswith((".", "_")) and _ABOUT.fullmatch(name) is None


def take(path: str, files: Mapping[str, str]) -> Taken:
    """The prompt of one file. files: that and those beside it, by path; what a Jinja template includes comes along.

    Raises InvalidInput.
    """
    text = files[path]
    if path.endswith(".json") and openai.is_request(_json(path, text)):
        return openai.take(text, what=path)
    drafted = Drafted()
    folder = posixpath.dirname(path)
    near = {posixpath.relpath(other, folder): said for other, said in files.items()} if folder else files
    _add(drafted, DEFAULT, posixpath.basename(path), near, {})
    if not drafted.prompts:
        raise InvalidInput(f"{path} is no prompt: it is no list of messages", hint="write [{role: user, content: …}]")
    _no_model(drafted)
    return drafted.taken()


def take_folder(files: Mapping[str, str]) -> Taken:
    """All prompts of a folder, and tools that lie there as JSON, as one bundle. Raises InvalidInput where there are none."""
    drafted = Drafted()
    called: dict[str, str] = {}
    for path in sorted(files):
        if not is_prompt(path):
            drafted.lose(path, _ALONE if path.endswith(_BUNDLES) else f"its name is none of a prompt's: {_NAMES}")
            continue
        called[path] = _called(path, set(called.values()))
        _add(drafted, called[path], path, files, called)
    if not drafted.prompts:
        raise InvalidInput(
            "there is no prompt in the folder",
            hint=f"name a file of another format by itself, or prompts like this: {_NAMES}",
        )
    _no_model(drafted)
    return drafted.taken()


def style_of(path: str, text: str) -> str:
    """The format of a file: by its ending; where it does not parse so, Jinja where that does, else text."""
    guessed = templates.guess_format(path)
    if guessed == "mustache" and templates.parse(guessed, text).problems:
        return chat.style_of([text])
    return guessed


def _add(drafted: Drafted, name: str, path: str, files: Mapping[str, str], called: dict[str, str]) -> None:
    text = files[path]
    if text.startswith(_LARGE_FILE):
        raise InvalidInput(
            f"{path} is kept in Git LFS, and only its address is here", hint="keep prompts in git itself"
        )
    if path.endswith(".json"):
        _add_json(drafted, name, path, text, called)
        return
    kept = _kept(drafted, path, text)
    style = style_of(path, text)
    drafted.prompts[name] = Prompt(style=style, template=text, file=kept)
    if style == "jinja2":
        _add_included(drafted, kept, text, path, files)


def _add_included(drafted: Drafted, kept: str, text: str, path: str, files: Mapping[str, str], depth: int = 0) -> None:
    """The files that a Jinja template includes, beside it or from the top."""
    for include in templates.parse("jinja2", text).includes:
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(path), include.text))
        target = next((one for one in (beside, include.text) if one in files), None)
        if target is not None and target not in drafted.beside and depth < 16:
            _kept(drafted, target, files[target])
            _add_included(drafted, kept, files[target], target, files, depth + 1)


def _add_json(drafted: Drafted, name: str, path: str, text: str, called: dict[str, str]) -> None:
    """A chat becomes a prompt, tools become tools; another JSON file is noted."""
    value = _json(path, text)
    if chat.is_chat(value):
        drafted.prompts[name] = chat.prompt_of(chat.messages(drafted, value, path))
        return
    called.pop(path, None)
    try:
        for tool in value if isinstance(value, list) else [value]:
            tool_shapes.normalise(tool)
    except tool_shapes.ToolShapeError:
        drafted.lose(path, "it is no list of messages and no tool")
        return
    drafted.tools.append(_kept(drafted, path, text))


def _json(path: str, text: str) -> Any:
    try:
        return strict_json.loads(text)
    except strict_json.StrictJsonError as error:
        raise InvalidInput(f"{path}: {error.message}", hint=error.hint) from error


def _kept(drafted: Drafted, path: str, text: str) -> str:
    """Put a file among the bundle's, at its path, or at one that it may have."""
    kept = path
    try:
        names.file_path(path)
    except InvalidName:
        kept = "/".join(re.sub(r"[^A-Za-z0-9._-]+", "-", part).lstrip(".-") or "file" for part in path.split("/"))
        drafted.lose(path, f"no file of a release can be called so: it is {kept}")
    drafted.beside[kept] = text
    return kept


def _called(path: str, taken: set[str]) -> str:
    """What a file's prompt is called: as the file, or with its folder or ending too where that is taken."""
    folder, _, base = path.rpartition("/")
    stem, _, ending = base.rpartition(".")
    whole = re.sub(r"[^A-Za-z0-9_.-]+", "-", f"{folder.replace('/', '.')}.{stem}" if folder else stem)
    for said in (re.sub(r"[^A-Za-z0-9_.-]+", "-", stem), whole, f"{whole}-{ending}"):
        name = said.strip(".-")[: names.NAME_LIMIT].strip(".-")
        if names.is_part_name(name) and name not in taken:
            return name
    return next(name for at in range(2, 10_000) if (name := f"prompt-{at}") not in taken)


def _no_model(drafted: Drafted) -> None:
    drafted.lose("model", "no model is named, so the release does not say what runs it")
