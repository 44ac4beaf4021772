"""The environments themselves: what the locks may say, and that snippets reach the packages."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import environments
import pytest
import sessions

if TYPE_CHECKING:
    from collections.abc import Callable


def test_no_lock_names_a_place_that_packages_come_from() -> None:
    for lock in environments.LOCKS.glob("*.lock"):
        text = lock.read_text()
        assert "://" not in text
        assert "--index" not in text
        pinned = re.findall(r"^[a-z0-9][\w.-]*==\S+(?: ;[^\\\n]*)? \\\n +--hash=sha256:", text, re.MULTILINE)
        assert len(pinned) == len(re.findall("^[a-z0-9]", text, re.MULTILINE))
    for lock in environments.LOCKS.glob("*/package-lock.json"):
        packages = json.loads(lock.read_text())["packages"]
        assert packages.pop("")
        assert all("resolved" not in one and one["integrity"].startswith("sha512-") for one in packages.values())


@pytest.mark.parametrize("name", environments.python_names())
def test_a_python_package_answers(name: str, python_client: Callable[..., sessions.PythonClient]) -> None:
    with python_client(name).session() as session:
        assert session.run("print('seen'); kept = 2; [kept, given]", given="äö") == [2, "äö"]
        assert session.printed == "seen\n"
        assert session.run("kept + 1") == 3
        with pytest.raises(sessions.ClientError, match="NameError"):
            session.run("nothing")
        with pytest.raises(sessions.ClientError, match="a test reaches for"):
            session.run("import socket; socket.create_connection(('192.0.2.1', 80), 1)")


@pytest.mark.parametrize("name", environments.node_names())
def test_a_javascript_package_answers(name: str, node_client: Callable[..., sessions.NodeClient]) -> None:
    wanted: dict[str, Any] = json.loads((environments.LOCKS / name / "package.json").read_text())
    with node_client(name).session() as session:
        for package in wanted["dependencies"]:
            assert session.run("kept.n = Object.keys(await load(given.package)).length; return kept.n", package=package)
        assert session.run("console.log('seen'); return [kept.n > 0, given.word]", word="äö") == [True, "äö"]
        assert session.printed == "seen\n"
        with pytest.raises(sessions.ClientError, match="ReferenceError"):
            session.run("return nothing")
        with pytest.raises(sessions.ClientError, match="fetch failed"):
            session.run("return await fetch('http://192.0.2.1/')")
