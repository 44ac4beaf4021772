"""What `--install-completion` and `--show-completion` give a shell."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_FIRST_TAB: Final = """\
# zsh reads this file at the first Tab, which would complete nothing.
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then %(complete_func)s "$@"; fi
"""


def mend(arguments: Sequence[str]) -> None:
    """Let the first Tab in zsh complete already, where these arguments ask for completion.

    Typer offers no way to its scripts; where it keeps them elsewhere zsh completes from the second Tab on.
    """
    if not any(one.startswith(("--install-completion", "--show-completion")) for one in arguments):
        return
    with suppress(ImportError, KeyError, AttributeError):
        from typer._completion_shared import _completion_scripts as scripts

        if _FIRST_TAB not in scripts["zsh"]:
            scripts["zsh"] += _FIRST_TAB
