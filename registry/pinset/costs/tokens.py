"""Counting with OpenAI's encodings, by `bpe_openai`, which carries them.

Loading o200k_base takes 40 ms and 66 MB of memory, cl100k_base 15 ms and 30 MB more; both are kept for the process's
life, and neither is loaded before something is counted by it. Counting is linear: 0.3 to 2 ms for 20 kB of prose, 5 to
140 ms for a mebibyte of anything (the worst is a mebibyte of tabs).
"""

from __future__ import annotations

import hashlib
import re
import sys
import threading
from collections import OrderedDict
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PACKAGE: Final = "bpe_openai"
REMEMBERED: Final = 20_000
"""Texts whose count is remembered: by their digest, 200 bytes each, 4 MB in all."""
SHORT: Final = 1_024
"""Characters below which counting is quicker than remembering."""
PIECE: Final = 64 * 1024
"""Characters after which a long text is cut: the interpreter stands still while one piece is counted."""
LONGEST_PIECE: Final = 4 * PIECE
"""Characters of a piece in a text that has no place to cut without changing the count; there it may gain a few tokens."""

_SEAM: Final = re.compile(r"(?<=\n)(?=[A-Za-z0-9])|(?<=[A-Za-z0-9])(?= [A-Za-z])")
"""Where both encodings always begin a new word: a line that begins with a letter or digit, a space between words."""


def installed() -> bool:
    """Whether the package is there; it is not loaded by asking."""
    return find_spec(PACKAGE) is not None


class Tokens:
    """Counts tokens. Any thread may ask; each encoding is loaded once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded: dict[str, Callable[[str], int]] = {}
        self._known: OrderedDict[tuple[str, bytes], int] = OrderedDict()

    def count(self, text: str, encoding: str) -> int:
        """Tokens of a text, in which nothing is special."""
        if len(text) < SHORT:
            return self._counter(encoding)(_encodable(text))
        key = encoding, hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=20).digest()
        with self._lock:
            known = self._known.get(key)
            if known is not None:
                self._known.move_to_end(key)
                return known
        counter = self._counter(encoding)
        found = sum(counter(piece) for piece in pieces(_encodable(text)))
        with self._lock:
            self._known[key] = found
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return found

    def _counter(self, encoding: str) -> Callable[[str], int]:
        found = self._loaded.get(encoding)
        if found is None:
            with self._lock:
                found = self._loaded.get(encoding)
                if found is None:
                    found = self._loaded[encoding] = _bindings().tokenizer_for_encoding(encoding).count
        return found


def pieces(text: str) -> Iterator[str]:
    """A text in pieces whose counts add up to its own: cut where a word begins in any case."""
    at = 0
    while len(text) - at > PIECE:
        end = _seam(text, at)
        yield text[at:end]
        at = end
    yield text[at:]


def _seam(text: str, at: int) -> int:
    """Where the piece from ``at`` on ends."""
    for size in range(PIECE, LONGEST_PIECE + 1, PIECE):
        found = _SEAM.search(text, at + size - PIECE // 2, at + size)
        if found is not None:
            return found.start()
    return min(at + LONGEST_PIECE, len(text))


def _encodable(text: str) -> str:
    """The text as UTF-8 can have it: half of a surrogate pair counts as the character that stands for none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _bindings() -> Any:
    """The package's compiled module, without the package's first lines.

    They read every vocabulary into dictionaries for what is never called here: 0.3 s and 70 MB a process. The module is
    left where the package looks for it, so that an application that imports the package gets the same one.
    """
    name = f"{PACKAGE}._bindings"
    if name not in sys.modules:
        package = find_spec(PACKAGE)
        spec = PathFinder.find_spec(name, package.submodule_search_locations) if package is not None else None
        if spec is None or spec.loader is None:
            raise ModuleNotFoundError(f"{name} is not installed", name=name)
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules[name] = module
    return sys.modules[name]
