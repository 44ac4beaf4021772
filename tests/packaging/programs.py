"""Programs that are not everywhere."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path

import pytest


def program(name: str, package: str) -> str:
    """Where a program is, beside Python or on the path; the test is skipped where it is not, and fails in CI on x86-64."""
    found = shutil.which(name, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if found is None and os.environ.get("CI") and platform.machine() == "x86_64":
        pytest.fail(f"{name} is not installed; CI must not skip this: {package}")
    if found is None:
        pytest.skip(f"{name} is not installed: {package}")
    return found
