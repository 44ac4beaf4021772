"""Completion in the shells themselves: what `--install-completion` sets up, asked as a Tab asks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

import warm
from pinset import bootstrap
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BASH: Final = """\
source ~/.bashrc
try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _pinset_completion pinset; echo "${COMPREPLY[@]}"; }
try pinset pro; try pinset get supp; try pinset get support @ p
"""
FISH: Final = "complete -C 'pinset pro' | cut -f1; complete -C 'pinset get supp'; complete -C 'pinset get support@p'"
# A Tab of a terminal, twice: the first has the script read too.
ZSH: Final = """\
zmodload zsh/zpty
zpty z 'PS1=READY zsh -i'
zpty -r z seen '*READY*'
zpty -n -w z $'pinset pro\\t'
zpty -r z seen '*promote*' && print promote
zpty -n -w z $'\\C-upinset get supp\\t'
zpty -r z seen '*support*' && print support
zpty -n -w z $'\\C-upinset get support@p\\t'
zpty -r z seen '*support@production*' && print support@production
zpty -d z
"""


@pytest.mark.parametrize(
    ("shell", "script", "last"),
    [("bash", BASH, "production"), ("fish", FISH, "support@production"), ("zsh", ZSH, "support@production")],
)
def test_what_is_installed_completes_from_the_first_tab_on(
    shell: str, script: str, last: str, home: Path, tmp_path: Path, manifest: Callable[..., dict[str, str]]
) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed: apt-get install {shell}")
    registry = bootstrap.local_registry(home)
    registry.publish(Caller(actor="ana"), manifest(), alias="production")
    registry.close()
    user = tmp_path / "user"
    user.mkdir()
    binaries = warm.install(tmp_path / "bin")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("XDG_")},
        "PATH": f"{binaries}:{os.environ['PATH']}", "HOME": str(user), "PINSET_REGISTRY": str(home), "TERM": "dumb",
    }  # fmt: skip
    given = {"env": environment, "cwd": user, "text": True, "capture_output": True, "timeout": 30}
    # Which shell it is for is told by the process that starts it, so a forked one would not know.
    command = f"{sys.executable} -m pinset_cli.main"
    installed = subprocess.run([program, "-c", f"{command} --install-completion; exit"], check=True, **given)  # type: ignore[call-overload]
    assert f"{shell} completion installed in" in installed.stdout
    done = subprocess.run([program, "-c", script], check=True, **given)  # type: ignore[call-overload]
    assert done.stdout.split() == ["promote", "support", last], done.stderr
