"""import and export --to tar: what people type, what they see, and how it ends."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pinset import bootstrap
from pinset.ports.registry import Caller
from pinset_cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., tuple[int, str, str]]

ME = Caller(actor="ada")
SECRET = "AKIA" + "IOSFODNN7EXAMPLQ"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def typed(*arguments: Any) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main([str(one) for one in arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return typed


@pytest.fixture
def there(tmp_path: Path, make_registry: Callable[[Path], Path], manifest: Callable[..., dict[str, str]]) -> Path:
    """A registry elsewhere: two bundles, one of which has a release that holds a key."""
    home = make_registry(tmp_path / "there")
    registry = bootstrap.local_registry(home)
    registry.publish(ME, manifest(words="First."), alias="production")
    registry.publish(ME, manifest(words="Second."), alias="staging", label="2025-03-14")
    registry.publish(ME, manifest("billing", words=SECRET), allow=["secret"], message="a key for tests")
    registry.close()
    return home


@pytest.mark.parametrize("far", [False, True])
def test_a_registry_goes_out_and_comes_in(
    run: Run, there: Path, home: Path, far: bool, request: pytest.FixtureRequest
) -> None:
    status, out, err = run("export", "--all", "--to", "tar", "-o", "all.tar", "--registry", there)
    assert (status, out) == (0, "all.tar: 3 releases of 2 bundles\n"), err
    first = Path("all.tar").read_bytes()
    assert run("export", "--all", "--to", "tar", "-o", "all.tar", "--registry", there)[0] == 0
    assert Path("all.tar").read_bytes() == first
    here = request.getfixturevalue("served") if far else home
    take = ("import", "tar", "all.tar", "--allow", "secret", "-m", "a key for tests", "--registry", here)
    status, out, err = run(*take, "--dry-run")
    assert (status, "3 would be created" in out, "(dry run: nothing was changed)" in err) == (0, True, True)
    status, out, err = run(*take)
    assert status == 0, err
    assert "2 names of pinset: 3 created, 0 there already" in out
    assert "aliases: 2 moved" in out
    status, out, err = run(*take)
    assert (status, "0 created, 3 there already" in out, "nothing to do" in err) == (0, True, True)
    status, out, _ = run("show", "support@v2", "--json", "--registry", here)
    assert json.loads(out)["label"] == "2025-03-14"
    status, out, _ = run("show", "support@v1", "--registry", here)
    assert "imported" in out
    assert f"pinset:{bootstrap.local_registry(there).describe()['id']}/support@v1" in out
    assert run("verify", "--registry", here)[0] == 0


def test_what_is_refused_ends_with_5_and_is_in_the_report(run: Run, there: Path, home: Path) -> None:
    run("export", "--all", "--to", "tar", "-o", "all.tar", "--registry", there)
    status, out, err = run("import", "tar", "all.tar", "--report", "report.jsonl", "--json", "--registry", home)
    found = json.loads(out)
    assert (status, found["versions"]["created"], found["versions"]["refused"]) == (5, 2, 1)
    assert found["report"] == "report.jsonl"
    (item,) = [json.loads(line) for line in Path("report.jsonl").read_text().splitlines()]
    assert item == found["items"][0]
    assert (item["kind"], item["name"], item["findings"][0]["code"]) == ("refused", "billing", "secret")
    assert SECRET not in out + err + str(item)
    status, _, err = run("import", "tar", "all.tar", "--report", "all.tar", "--registry", home)
    assert (status, "is no report" in err) == (4, True)
    Path("package.json").write_text('{"kind": "of somebody"}\n')
    assert run("import", "tar", "all.tar", "--report", "package.json", "--registry", home)[0] == 4
    status, out, err = run("import", "tar", "all.tar", "--report", "report.jsonl", "--registry", home)
    assert status == 5
    assert "refused: billing: the release has 1 error" in out


def test_an_export_may_come_through_a_pipe(
    there: Path, home: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["export", "support", "--to", "tar", "-o", "-", "--registry", str(there)]) == 0
    sys.stdout.flush()
    tar = capfdbinary.readouterr().out
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(tar)))
    assert main(["import", "tar", "-", "--registry", str(home)]) == 0
    assert bootstrap.local_registry(home).bundle("support")["releases"] == 2


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["export", "--to", "tar"], 2, "nothing is named"),
        (["export", "support", "--all", "--to", "tar"], 2, "named too"),
        (["export", "--all"], 2, "--all is for --to tar"),
        (["export", "support", "--to", "zip"], 2, "there is no format zip"),
        (["export", "support@v1", "--to", "tar"], 2, "every release"),
        (["export", "nowhere", "--to", "tar"], 3, "nowhere"),
        (["export", "support", "--to", "tar", "-o", "other.txt"], 4, "is no export"),
        (["import", "tar", "missing.tar"], 3, "missing.tar cannot be read"),
        (["import", "tar", "other.txt"], 7, "is damaged"),
        (["import", "tar", "other.txt", "--allow", "secret"], 7, "is damaged"),
        (["import", "nothing"], 2, "nothing"),
    ],
)
def test_what_cannot_be_says_so(run: Run, there: Path, arguments: list[str], status: int, says: str) -> None:
    Path("other.txt").write_text("x" * 2000)
    found, out, err = run(*arguments, "--registry", there) if "nothing" not in arguments else run(*arguments)
    assert (found, out) == (status, "")
    assert says in err
    assert "hint: " in err
    assert [path.name for path in Path().iterdir()] == ["other.txt"]
    assert Path("other.txt").read_text() == "x" * 2000


def test_where_there_is_no_room_says_so(there: Path, home: Path) -> None:
    """On stdout, and for a report."""
    command = [sys.executable, "-m", "pinset_cli", "export", "support", "--to", "tar", "-o", "-", "-r", str(there)]
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr.splitlines()[1:]) == (8, ["hint: free space on the disk"]), done.stderr
    text = home.parent / "a.md"
    text.write_text("Hello.")
    with pytest.MonkeyPatch.context() as patch:
        errors = io.StringIO()
        patch.setattr(sys, "stderr", errors)
        assert main(["import", "dir", str(text), "--report", "/dev/full", "--registry", str(home)]) == 8
    assert "hint: free space on the disk" in errors.getvalue()


def test_an_export_that_is_tried_writes_nothing(run: Run, there: Path) -> None:
    status, out, err = run("export", "support", "--to", "tar", "--dry-run", "--json", "--registry", there)
    assert (status, json.loads(out)["releases"]) == (0, 2), err
    assert list(Path().iterdir()) == []
