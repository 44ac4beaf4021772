"""Which encoding a model counts its tokens with, as far as its provider has published it.

The table follows what OpenAI publishes with its own tokenizer. No other large provider publishes one that could be
carried along, so their tokens are approximated by OpenAI's newest, which says ``≈`` wherever it is shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

CHARACTERS: Final = "characters/4"
"""The approximation that needs nothing: four characters make a token, rounded up."""
YARDSTICK: Final = "o200k_base"
"""What counts for models whose own encoding is not known."""
ENCODINGS: Final = ("o200k_base", "cl100k_base")
LONGEST_NAME: Final = 200
"""Characters from which on a text names no model."""

_O200K: Final = re.compile(
    r"(?:gpt-5.*|(?:gpt-4o|gpt-4\.1|gpt-4\.5|chatgpt-4o|o1|o3|o4-mini)(?:-.*)?|ft:gpt-4o.*)", re.DOTALL
)
_CL100K: Final = re.compile(
    r"(?:(?:gpt-4|gpt-3\.5-turbo|gpt-35-turbo)(?:-.*)?|ft:gpt-(?:4|3\.5-turbo)(?![.o\d]).*)", re.DOTALL
)
_FRAMED: Final = re.compile(r"(?:gpt-4|gpt-4o|gpt-4o-mini|gpt-3\.5-turbo|gpt-35-turbo)(?:-\d[\d-]*)?")
_OPENAI: Final = frozenset({"openai", "azure", "azure-openai", "azure_openai", "azure_ai", "azure-ai"})


@dataclass(frozen=True, slots=True)
class ModelName:
    """A model as a release names it. names: from the most precise to the plainest, lower case, at least one.

    provider: '' where none is said, lower case.
    """

    provider: str
    names: tuple[str, ...]

    @property
    def plain(self) -> tuple[str, ...]:
        """The names without a leading ``provider/``."""
        return tuple(name.rpartition("/")[2] for name in self.names)


@dataclass(frozen=True, slots=True)
class Encoding:
    """What counts the tokens of a model. exact: it is the model's own.

    framed: so is what surrounds each message: OpenAI has published the rule for this model.
    """

    name: str
    exact: bool
    framed: bool = False


def model_name(model: Mapping[str, Any]) -> ModelName:
    """The names under which a model of the release document may be known."""
    provider = _text(model.get("provider"))
    pinned, plain = _text(model.get("pinned_version")), _text(model.get("name"))
    called = _text(model.get("id")) or plain
    found = [pinned] if pinned and plain and plain in pinned else []
    found += [f"{name}-{pinned}" for name in (plain, called) if name and pinned and pinned not in name]
    found += [name for name in (called, plain) if name]
    return ModelName(provider, tuple(dict.fromkeys(name for name in found if len(name) <= LONGEST_NAME)) or ("",))


def encoding_of(model: ModelName) -> Encoding:
    """The encoding that a model counts with, or the yardstick."""
    if maker(model) != "openai":
        return Encoding(YARDSTICK, exact=False)
    for name in model.plain:
        for pattern, encoding in ((_O200K, "o200k_base"), (_CL100K, "cl100k_base")):
            if pattern.fullmatch(name):
                return Encoding(encoding, exact=True, framed=_FRAMED.fullmatch(name) is not None)
    return Encoding(YARDSTICK, exact=False)


def maker(model: ModelName) -> str:
    """``openai`` for what OpenAI makes, whoever serves it under OpenAI's name for it; else the provider."""
    if model.provider in _OPENAI:
        return "openai"
    prefixes = {name.partition("/")[0] for name in model.names if "/" in name}
    if prefixes and prefixes <= _OPENAI:
        return "openai"
    if not model.provider and any(_O200K.fullmatch(n) or _CL100K.fullmatch(n) for n in model.names):
        return "openai"
    return model.provider


def approximate(text: str) -> int:
    """Tokens of a text by its length alone: four characters each, rounded up."""
    return -(-len(text) // 4)


def _text(value: Any) -> str:
    return value.strip().lower() if isinstance(value, str) else ""
