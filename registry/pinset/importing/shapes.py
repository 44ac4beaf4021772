"""Which format a file or folder is in, and what it comes to."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Final

from pinset.domain.exchange import dotprompt, plain, promptfoo, prompty
from pinset.domain.exchange.incoming import Taken
from pinset.domain.manifest import loading
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

AUTO: Final = "auto"
FORMATS: Final = (AUTO, "dotprompt", "prompty", "promptfoo", "plain")


def format_of(path: str, wanted: str = AUTO) -> str | None:
    """The format of a file by its name; None where it is in none, or not in the one wanted."""
    name = posixpath.basename(path)
    if name.endswith(dotprompt.ENDING) and not name.startswith("_"):
        found = "dotprompt"
    elif name.endswith(prompty.ENDING):
        found = "prompty"
    elif promptfoo.is_config(name):
        found = "promptfoo"
    elif plain.is_prompt(name):
        found = "plain"
    else:
        return None
    return found if wanted in (AUTO, found) else None


def may_be_needed(path: str) -> bool:
    """Whether a file may be what another one beside it includes or names."""
    name = posixpath.basename(path)
    return name.endswith((dotprompt.ENDING, ".yaml", ".yml", *plain.ENDINGS))


def take_file(name: str, files: Mapping[str, str], wanted: str = AUTO) -> Taken:
    """What a file comes to. files: that and those of its folder, by their paths from there. Raises InvalidInput."""
    found = format_of(name, wanted)
    if found == "dotprompt":
        return dotprompt.take(files[name], beside=files, what=name)
    if found == "prompty":
        return prompty.take(files[name], beside=files, what=name)
    if found == "promptfoo":
        return promptfoo.take(files[name], beside=files, what=name)
    if found == "plain":
        return plain.take(name, files)
    raise InvalidInput(
        f"{name} is in no format that is known here",
        hint=f"files end in {dotprompt.ENDING}, {prompty.ENDING} or {' '.join(plain.ENDINGS)}",
    )


def take_folder(files: Mapping[str, str]) -> Taken:
    """What a folder comes to as one bundle: as it is where it has a manifest. Raises InvalidInput."""
    if is_bundle(files):
        return Taken(files=dict(files))
    config = next((name for name in promptfoo.NAMES if name in files), None)
    if config is not None:
        return promptfoo.take(files[config], beside=files, what=config)
    single = sorted(path for path in files if format_of(path) in ("dotprompt", "prompty"))
    if single and not any(plain.is_prompt(path) for path in files):
        raise InvalidInput(
            f"the folder holds {posixpath.basename(single[0])}, and such files are a bundle each", hint="name the file"
        )
    return plain.take_folder(files)


def is_bundle(files: Mapping[str, str]) -> bool:
    """Whether files are a bundle's, with a manifest."""
    return loading.manifest_name(files) is not None


def stem_of(path: str) -> str:
    """A path without the ending that says its format."""
    folder, base = posixpath.split(path)
    if promptfoo.is_config(base):
        return folder
    stem = base.rpartition(".")[0] or base
    return posixpath.join(folder, stem)
