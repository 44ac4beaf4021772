"""Git repositories of a given history, made at once."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}
BEGIN = 1_700_000_000


@dataclass
class History:
    """Commits to come, each with all files of its state."""

    commits: list[bytes] = field(default_factory=list)

    def add(
        self,
        files: Mapping[str, str | bytes],
        *,
        at: int | None = None,
        author: str = "Ada Lovelace <ada@example.com>",
        message: str = "",
        branch: str = "main",
        parents: tuple[int, ...] | None = None,
    ) -> int:
        """A commit, on the one before on no other branch; its mark. parents: marks, the first parent first."""
        mark = len(self.commits) + 1
        time = BEGIN + 60 * mark if at is None else at
        lines = [f"commit refs/heads/{branch}", f"mark :{mark}", f"author {author} {time - 5} +0200"]
        lines.append(f"committer Ci Bot <ci@example.com> {time} +0200")
        told = "\n".join(lines).encode() + b"\n" + _data(message or f"State {mark}")
        for at_, parent in enumerate(parents or ()):
            told += f"{'merge' if at_ else 'from'} :{parent}\n".encode()
        told += b"deleteall\n"
        for path, content in files.items():
            told += f"M 100644 inline {path}\n".encode() + _data(content)
        self.commits.append(told)
        return mark

    def write(self, folder: Path) -> Path:
        """A bare repository of it; or its commits on top of those of one that is there, whose marks begin anew."""
        if not folder.exists():
            git(folder.parent, "init", "-q", "--bare", "-b", "main", str(folder))
        stream = b"".join(self.commits)
        command = ["git", "-C", str(folder), "fast-import", "--quiet", "--force"]
        subprocess.run(command, input=stream, check=True, env=ENVIRONMENT)
        return folder


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _data(content: str | bytes) -> bytes:
    data = content.encode() if isinstance(content, str) else content
    return f"data {len(data)}\n".encode() + data + b"\n"
