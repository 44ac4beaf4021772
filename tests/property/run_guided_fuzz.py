"""Fuzzing guided by coverage, for PINSET_ROUNDS seconds, where atheris is installed. `make test` does not collect it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pinset

if TYPE_CHECKING:
    from collections.abc import Callable

FUZZ = Path(__file__).with_name("guided_fuzz.py")
pytestmark = pytest.mark.skipif(find_spec("atheris") is None, reason="atheris is not installed: pip install atheris")


def test_no_input_brings_out_an_exception_that_is_none_of_ours(tmp_path: Path, counted: Callable[..., None]) -> None:
    seconds, seed = os.environ.get("PINSET_ROUNDS") or "120", os.environ.get("PINSET_SEED") or "0"
    done = subprocess.run(
        [sys.executable, str(FUZZ), seconds, f"-seed={seed}"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(pinset.__file__).parents[1])},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    tried = re.search(r"Done (\d+) runs", done.stderr)
    assert tried is not None, done.stderr[-2000:]
    counted(inputs=int(tried[1]))
